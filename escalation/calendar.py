"""Service calendars: is it open, when is a budget of service time used up, how much of it has passed.

An instant is open when its wall-clock time in the calendar's own zone lies in an interval of its local date, that date
is not closed as a holiday, and no pause covers it. Budgets are real elapsed time. All intervals are `[from, to)`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from escalation.daytable import DayTable, Stretch
from escalation.hours import CalendarError, CalendarErrorCode, HolidayMode, HoursSource, ServiceHours, TimeKind
from escalation.instants import DAY, EPOCH_ORDINAL, NaiveInstant, Span, instant, length, micros, union

__all__ = [
    "Calendar",
    "CalendarError",
    "CalendarErrorCode",
    "HolidayMode",
    "HoursSource",
    "NaiveInstant",
    "NeverOpensAgain",
    "Pause",
    "Segment",
    "TimeKind",
]

#: absolute span `[from, to)` in which no service time passes
Pause = tuple[datetime, datetime]

#: the UTC days looked at: datetime knows the years 1 to 9999, and zone arithmetic needs some room at both ends
FIRST_DAY = date(1, 1, 3).toordinal() - EPOCH_ORDINAL
LAST_DAY = date(9999, 12, 29).toordinal() - EPOCH_ORDINAL


class NeverOpensAgain(ValueError):
    """The calendar has no further open instant (only past overrides ever opened it)."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of calendar time of one kind, in UTC, with the part of the calendar that made it so."""

    from_at: datetime
    to_at: datetime
    kind: TimeKind
    source: HoursSource


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """One immutable version of service hours. Safe to share between threads; equal hours make equal calendars."""

    hours: ServiceHours
    _days: DayTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_days", DayTable(self.hours))

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> "Calendar":
        """Read the written form; raises CalendarError, also when there is no single open instant in it."""
        calendar = cls(hours=ServiceHours.parse(raw))
        if not calendar.hours.repeats and not calendar._opens_by_override():
            raise CalendarError(CalendarErrorCode.NEVER_OPEN, "week", "Dieser Kalender ist nie geöffnet.")
        return calendar

    def is_open(self, at: datetime) -> bool:
        """Whether service time passes at this instant: yes at opening, no at closing."""
        us = micros(at)
        return any(opening <= us < closing for opening, closing in self._days[us // DAY])

    def next_open(self, at: datetime) -> datetime:
        """The first open instant at or after `at`; raises NeverOpensAgain."""
        for opening, _ in self._open(micros(at), None, []):
            return instant(opening)
        raise NeverOpensAgain(f"no service hours after {at.isoformat()}")

    def add(self, start: datetime, budget: timedelta, pauses: Iterable[Pause] = ()) -> datetime:
        """The earliest instant at which `budget` of service time since `start` is used up.

        A budget that runs out exactly at closing is due at closing; a zero budget is due at `start`, open or not.
        Raises ValueError for a negative budget, NeverOpensAgain when the hours end before the budget does.
        """
        since, left, cuts = micros(start), length(budget), _cuts(pauses)
        if left < 0:
            raise ValueError(f"a budget cannot be negative: {budget}")
        if left == 0:
            return instant(since)
        for opening, closing in self._open(since, None, cuts):
            if closing - opening >= left:
                return instant(opening + left)
            left -= closing - opening
        raise NeverOpensAgain(f"the service hours after {start.isoformat()} are shorter than {budget}")

    def elapsed(self, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> timedelta:
        """Service time in `[start, end)`; zero when `end` is not after `start`."""
        spans = self._open(micros(start), micros(end), _cuts(pauses))
        return timedelta(microseconds=sum(closing - opening for opening, closing in spans))

    def intervals(
        self, start: datetime, end: datetime | None, pauses: Iterable[Pause] = ()
    ) -> Iterator[tuple[datetime, datetime]]:
        """Maximal open spans of `[start, end)` in UTC, ascending, worked out as they are asked for.

        `end=None` goes on for as long as the hours do.
        """
        spans = self._open(micros(start), None if end is None else micros(end), _cuts(pauses))
        return ((instant(opening), instant(closing)) for opening, closing in _joined(spans))

    def segments(self, start: datetime, end: datetime) -> Iterator[Segment]:
        """The whole of `[start, end)` without gap, cut where kind or source changes. For explanations."""
        since, until = micros(start), micros(end)
        if since >= until:
            return
        whole: Stretch | None = None
        for day in range(since // DAY, -(-until // DAY)):
            for part in self._days.stretches(day):
                if part.end <= since or part.start >= until:
                    continue
                if whole and (whole.kind, whole.source) == (part.kind, part.source):
                    part = Stretch(start=whole.start, end=part.end, kind=part.kind, source=part.source)
                elif whole:
                    yield _segment(whole, since, until)
                whole = part
        if whole:
            yield _segment(whole, since, until)

    def day_kind(self, day: date) -> TimeKind:
        """What a local date is: `open` when it has any hours, else why it has none."""
        return self._days.kind_of(day)

    def _opens_by_override(self) -> bool:
        """Whether any override gives real time: not beaten by a holiday, not only inside a skipped hour."""
        return any(self._days[day] for day in self._override_days())

    def _override_days(self) -> list[int]:
        """The UTC days that override dates with hours can touch, ascending."""
        dates = [day.toordinal() - EPOCH_ORDINAL for day, hours in self.hours.overrides if hours]
        return sorted({day for date in dates for day in (date - 1, date, date + 1) if FIRST_DAY <= day <= LAST_DAY})

    def _days_from(self, first: int, last: int) -> Iterable[int]:
        """UTC days worth looking at; without weekly hours only overrides open, however far apart they are."""
        if self.hours.repeats:
            return range(first, last + 1)
        return [day for day in self._override_days() if first <= day <= last]

    def _open(self, start: int, end: int | None, cuts: list[Span]) -> Iterator[Span]:
        """Open spans of `[start, end)` outside `cuts`, ascending; one that crosses a UTC midnight comes in parts."""
        spans = self._clipped(start, end)
        return _without(spans, cuts) if cuts else spans

    def _clipped(self, start: int, end: int | None) -> Iterator[Span]:
        stop = (LAST_DAY + 1) * DAY if end is None else end
        for day in self._days_from(start // DAY, (stop - 1) // DAY):
            for opening, closing in self._days[day]:
                since, until = max(opening, start), min(closing, stop)
                if since < until:
                    yield since, until


def _cuts(pauses: Iterable[Pause]) -> list[Span]:
    spans = [(micros(start), micros(end)) for start, end in pauses]
    for start, end in spans:
        if end < start:
            raise ValueError(f"a pause cannot end before it begins: {instant(start)} to {instant(end)}")
    return union(spans)


def _without(spans: Iterator[Span], cuts: list[Span]) -> Iterator[Span]:
    """What is left of ascending `spans` after taking out ascending, disjoint `cuts`."""
    at = 0
    for since, until in spans:
        while at < len(cuts) and cuts[at][0] < until:
            start, end = cuts[at]
            if since < start:
                yield since, start
            since = max(since, end)
            if since >= until:
                break  # this cut may reach into the next span
            at += 1
        if since < until:
            yield since, until


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    held: Span | None = None
    for span in spans:
        if held and held[1] == span[0]:
            held = (held[0], span[1])
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def _segment(whole: Stretch, since: int, until: int) -> Segment:
    start, end = max(whole.start, since), min(whole.end, until)
    return Segment(from_at=instant(start), to_at=instant(end), kind=whole.kind, source=whole.source)
