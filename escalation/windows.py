"""Windows of duty: on which days and hours something holds, with all rules for clock changes (ENGINE §4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from escalation.instants import utc
from escalation.plain import Node, Refused
from escalation.walls import DAY, exists, first, last, local

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
MIDNIGHT: Final = timedelta()
#: Plans lie in these years; beyond them sums of dates could leave what the standard library can express.
YEARS: Final = range(1900, 9000)
WEEK: Final = timedelta(days=7)
#: A window lasts a week at most; one more day for zones and gaps. So far back a window may start that still holds.
REACH: Final = timedelta(days=9)


class RotaError(Refused):
    """Der Dienstplan ist unvollständig oder widersprüchlich."""


class Holidays(StrEnum):
    """What a listed date means for windows."""

    ORDINARY = "ordinary"
    EXCLUDE = "exclude"  #: windows that start on it do not exist
    INCLUDE = "include"  #: it counts as one of the window's days


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window: it starts on each of `days` (0 is Monday), `start` after midnight, `lasting` by the wall clock.

    `block` is the form that spans days, once a week; there `Holidays.INCLUDE` has no meaning.
    """

    days: frozenset[int]
    start: timedelta
    lasting: timedelta
    block: bool = False

    def on(self, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
        """Its instants ``[from, to)`` when it starts on `day`; empty when a clock change leaves nothing of it."""
        starts = datetime.combine(day, time()) + self.start
        return first(zone, starts), last(zone, starts + self.lasting)


@dataclass(frozen=True, kw_only=True)
class Windows:
    """A set of windows in one zone. `windows` None is always, an empty tuple is never."""

    zone: ZoneInfo
    windows: tuple[Window, ...] | None
    holidays: frozenset[date] = frozenset()
    mode: Holidays = Holidays.ORDINARY

    @classmethod
    def parse(cls, data: Mapping[str, object]) -> Windows:
        """From ``{"tz", "windows", "holidays"?: [dates]}``; windows that start on a listed date do not exist.

        Raises `RotaError`: `unknown_timezone`, `unknown_weekday`, `bad_time`, `bad_date`, `unknown_key` ….
        """
        return cls.read(Node(value=data, error=RotaError))

    @classmethod
    def read(cls, node: Node) -> Windows:
        """The same from inside another format, whose error class the node carries."""
        found = node.table(required=("tz",), optional=("windows", "holidays"))
        return cls(
            zone=read_zone(found["tz"]),
            windows=read_windows(found.get("windows")),
            holidays=read_dates(found.get("holidays")),
            mode=Holidays.EXCLUDE,
        )

    def is_open(self, at: datetime) -> bool:
        if self.windows is None:
            return True
        at = utc(at)
        return any(start <= at < end for start, end in self._touching(at, at))

    def opens_at(self, now: datetime) -> datetime | None:
        """`now`, if inside; else the next start. None when there is none."""
        now = utc(now)
        if self.is_open(now):
            return now
        start = now
        while start <= self._horizon(now):
            later = [begin for begin, _ in self._touching(start, start + WEEK) if begin > now]
            if later:
                return min(later)
            start += WEEK
        return None

    def _horizon(self, now: datetime) -> datetime:
        """Until when a next start must have come, if there is one: each listed date can take one week's only window."""
        days = [datetime.combine(day, time(), UTC) for day in self.holidays if self.mode is Holidays.INCLUDE]
        return max([now + WEEK * (len(self.holidays) + 4), *days])

    def closes_at(self, now: datetime) -> datetime | None:
        """The end of the open time around `now` (`now` itself, if outside); None when it does not end."""
        at = utc(now)
        while at < utc(now) + WEEK + REACH:
            ends = [end for start, end in self._touching(at, at) if start <= at < end]
            if not ends:
                return at if self.windows is not None else None
            at = max(ends)
        return None

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every instant in ``[start, end)`` at which a window begins or ends, in no order."""
        for span in self._touching(start, end):
            yield from (edge for edge in span if start <= edge < end)

    def _touching(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """All windows that may share an instant with ``[start, end]``, and some around them."""
        if not self.windows:
            return
        day, final = (local(self.zone, start) - REACH).date(), (local(self.zone, end) + DAY).date()
        while day <= final:
            for window in self.windows:
                if self._holds(window, day):
                    span = window.on(self.zone, day)
                    if span[0] < span[1]:
                        yield span
            day += DAY

    def _holds(self, window: Window, day: date) -> bool:
        """Whether the window starts on this date."""
        listed = day in self.holidays
        if listed and self.mode is Holidays.EXCLUDE:
            return False
        if listed and self.mode is Holidays.INCLUDE and not window.block:
            return True
        return day.weekday() in window.days


def daily(tz: str, clock: str, start: datetime, end: datetime) -> list[datetime]:
    """The instants in ``[start, end)`` of a time of day, each local date once. Raises `RotaError`."""
    zone = read_zone(Node(value=tz, where="tz", error=RotaError))
    hour = read_clock(Node(value=clock, where="time", error=RotaError))
    start, end = utc(start), utc(end)
    found: list[datetime] = []
    day = (local(zone, start) - DAY).date()
    while day <= (local(zone, end) + DAY).date():
        at = first(zone, datetime.combine(day, time()) + hour)
        if start <= at < end and exists(zone, day):
            found.append(at)
        day += DAY
    return found


def read_zone(node: Node) -> ZoneInfo:
    try:
        return ZoneInfo(node.text())
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        if isinstance(wrong, Refused):
            raise
        raise node.refused("unknown_timezone", f"die Zeitzone „{node.value}“ gibt es nicht") from None


def read_windows(node: Node | None) -> tuple[Window, ...] | None:
    """None given is always."""
    if node is None or node.value is None:
        return None
    return tuple(_window(item) for item in node.items())


def read_dates(node: Node | None) -> frozenset[date]:
    return frozenset(_date(item) for item in node.items()) if node else frozenset()


def read_clock(node: Node, *, end: bool = False) -> timedelta:
    """``HH:MM`` after midnight; ``24:00`` only as an end."""
    text = node.value
    found = CLOCK.fullmatch(text) if isinstance(text, str) else None
    if found is None or (text == "24:00" and not end):
        raise node.refused("bad_time", f"„{node.value}“ ist keine Uhrzeit (HH:MM)")
    return timedelta(hours=int(found[1]), minutes=int(found[2])) if found[1] else DAY


def read_days(node: Node) -> frozenset[int]:
    return frozenset(_weekday(item, item.value) for item in node.items())


def _window(node: Node) -> Window:
    if "days" in node.entries():
        found = node.table(required=("days", "start", "end"))
        start, end = read_clock(found["start"]), read_clock(found["end"], end=True)
        return Window(days=read_days(found["days"]), start=start, lasting=_until(start, end, DAY))
    found = node.table(required=("from", "to"))
    first_day, start = _block_edge(found["from"])
    last_day, end = _block_edge(found["to"], end=True)
    lasting = _until(start, end + DAY * ((last_day - first_day) % 7), WEEK)
    return Window(days=frozenset({first_day}), start=start, lasting=lasting, block=True)


def _until(start: timedelta, end: timedelta, cycle: timedelta) -> timedelta:
    """How long from start to end by the wall clock; an end not behind the start is meant in the next cycle."""
    return end - start if end > start else end + cycle - start


def _block_edge(node: Node, *, end: bool = False) -> tuple[int, timedelta]:
    """``FR 21:00``."""
    day, _, clock = node.text().partition(" ")
    return _weekday(node, day), read_clock(Node(value=clock, where=node.where, error=node.error), end=end)


def _weekday(node: Node, name: object) -> int:
    if not isinstance(name, str) or name not in WEEKDAYS:
        raise node.refused("unknown_weekday", f"„{name}“ ist kein Wochentag ({', '.join(WEEKDAYS)})")
    return WEEKDAYS.index(name)


def _date(node: Node) -> date:
    if isinstance(node.value, date) and not isinstance(node.value, datetime):
        return node.value
    try:
        return date.fromisoformat(node.text())
    except ValueError:
        raise node.refused("bad_date", f"„{node.value}“ ist kein Datum (JJJJ-MM-TT)") from None


def read_instant(node: Node) -> datetime:
    """An instant with its offset, ``2028-02-10T16:00:00Z``, as UTC."""
    at = _datetime(node, "bad_instant")
    if at.tzinfo is None:
        raise node.refused("bad_instant", "hier fehlt die Zeitzone (…Z)")
    return at.astimezone(UTC)


def read_wall(node: Node) -> datetime:
    """A wall-clock time, ``2028-02-07T09:00``, naive."""
    at = _datetime(node, "bad_time")
    if at.tzinfo is not None:
        raise node.refused("bad_time", "hier wird eine Ortszeit ohne Zeitzone erwartet")
    return at


def _datetime(node: Node, code: str) -> datetime:
    try:
        at = node.value if isinstance(node.value, datetime) else datetime.fromisoformat(node.text())
    except ValueError:
        raise node.refused(code, f"„{node.value}“ ist kein Zeitpunkt") from None
    if at.year not in YEARS:
        raise node.refused(code, f"das Jahr {at.year} liegt außerhalb dessen, was sich planen lässt")
    return at
