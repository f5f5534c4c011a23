"""From wall-clock hours to real time: the open spans of each UTC day, worked out once and kept.

The table goes by UTC days, not by local dates, because a local date need not be one stretch of time: a zone that sets
its clock back over midnight (St. John's until 2011) shows a piece of yesterday again after today has begun.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from escalation.hours import HoursSource, ServiceHours, TimeKind, kind_without_hours
from escalation.instants import DAY, EPOCH, EPOCH_ORDINAL, MINUTE, SECOND, Span, length

#: days kept per calendar before the table starts afresh; about 5 MB when full
KEPT_DAYS = 20_000
MONDAY_SHIFT = 3  # 1970-01-01 was a Thursday

#: what one local date offers: its hours in microseconds after local midnight, and which rule gave them
DayPlan = tuple[tuple[Span, ...], HoursSource]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of real time of one kind, with the part of the calendar that made it so."""

    start: int
    end: int
    kind: TimeKind
    source: HoursSource


class DayTable(dict[int, tuple[Span, ...]]):
    """Number of the UTC day since 1970 → open spans inside it, ascending and disjoint; two may touch."""

    def __init__(self, hours: ServiceHours) -> None:
        super().__init__()
        self._zone = ZoneInfo(hours.timezone)
        self._epoch = EPOCH.replace(tzinfo=self._zone)
        self._week = tuple((_in_micros(day), HoursSource.WEEK) for day in hours.week)
        self._special = {
            day.toordinal() - EPOCH_ORDINAL: (_in_micros(plan), source)
            for day, (plan, source) in hours.special_dates().items()
        }

    def __missing__(self, day: int) -> tuple[Span, ...]:
        if len(self) >= KEPT_DAYS:
            self.clear()
        spans = self[day] = tuple(self._open_spans(day))
        return spans

    def stretches(self, day: int) -> Iterator[Stretch]:
        """The whole UTC day in ascending gapless pieces, open and closed ones, each with its reason."""
        for start, end, local_day, midnight in self._pieces(day):
            hours, source = self.plan(local_day)
            closed = TimeKind.CLOSED if hours else kind_without_hours(source)
            for opening, closing in _clip(hours, midnight, start, end):
                if start < opening:
                    yield Stretch(start=start, end=opening, kind=closed, source=source)
                yield Stretch(start=opening, end=closing, kind=TimeKind.OPEN, source=source)
                start = closing
            if start < end:
                yield Stretch(start=start, end=end, kind=closed, source=source)

    def kind_of(self, day: date) -> TimeKind:
        """What the local date is as a whole."""
        hours, source = self.plan(day.toordinal() - EPOCH_ORDINAL)
        return TimeKind.OPEN if hours else kind_without_hours(source)

    def plan(self, local_day: int) -> DayPlan:
        """The hours of a local date, given as days since 1970-01-01."""
        return self._special.get(local_day) or self._week[(local_day + MONDAY_SHIFT) % 7]

    def _open_spans(self, day: int) -> Iterator[Span]:
        for start, end, local_day, midnight in self._pieces(day):
            yield from _clip(self.plan(local_day)[0], midnight, start, end)

    def _pieces(self, day: int) -> Iterator[tuple[int, int, int, int]]:
        """Cut a UTC day where the local date or the offset changes: (from, to, local day, its midnight's instant)."""
        start, end = day * DAY, (day + 1) * DAY
        for since, until, offset in self._offsets(start, end, self._offset(start), self._offset(end)):
            local_day = (since + offset) // DAY
            while since < until:
                midnight = local_day * DAY - offset
                upto = min(until, midnight + DAY)
                yield since, upto, local_day, midnight
                since, local_day = upto, local_day + 1

    def _offsets(self, start: int, end: int, at_start: int, at_end: int) -> Iterator[tuple[int, int, int]]:
        """Stretches with one UTC offset. Halving finds the change: no zone of tzdata has two within five days."""
        if at_start == at_end or end - start <= SECOND:
            yield start, end, at_start
            return
        middle = (start + end) // 2 // SECOND * SECOND
        at_middle = self._offset(middle)
        yield from self._offsets(start, middle, at_start, at_middle)
        yield from self._offsets(middle, end, at_middle, at_end)

    def _offset(self, us: int) -> int:
        """The zone's UTC offset at an instant, in microseconds."""
        # `fromutc` wants UTC wall time wearing the zone; between two values of one zone subtraction is on wall time
        moment = self._epoch + timedelta(microseconds=us)
        return length(self._zone.fromutc(moment) - moment)


def _clip(hours: tuple[Span, ...], midnight: int, start: int, end: int) -> Iterator[Span]:
    """The parts inside `[start, end)` of hours that count from `midnight`."""
    for opening, closing in hours:
        since, until = max(midnight + opening, start), min(midnight + closing, end)
        if since < until:
            yield since, until


def _in_micros(hours: tuple[tuple[int, int], ...]) -> tuple[Span, ...]:
    return tuple((opening * MINUTE, closing * MINUTE) for opening, closing in hours)
