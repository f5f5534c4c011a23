"""Wall-clock times of a zone as instants, for all that people plan: windows, hand-overs, daily times (ENGINE §4.1).

Service calendars have a rule of their own (`escalation.calendar`): there a wall time that occurs twice counts twice.
Here a planned time is one instant: a start is its first occurrence, an end its last, and a time that a clock change
skips is the first instant after the gap.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Gap(NamedTuple):
    """A clock change that skips wall-clock times: `at` that instant, `before` became `after`."""

    at: datetime
    before: datetime
    after: datetime


@lru_cache(maxsize=16384)
def first(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first instant (UTC) at which clocks show `wall` (naive), or the first one after a gap that skips it."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at if local(zone, at) == wall else _end_of_gap(zone, wall, at)


@lru_cache(maxsize=16384)
def last(zone: ZoneInfo, wall: datetime) -> datetime:
    """The last instant (UTC) at which clocks show `wall` (naive), or the first one after a gap that skips it."""
    at = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return at if local(zone, at) == wall else first(zone, wall)


def local(zone: ZoneInfo, at: datetime) -> datetime:
    """What clocks show at an instant, naive."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def exists(zone: ZoneInfo, day: date) -> bool:
    """Whether this local date has any instant. The date line was moved past some."""
    midnight = datetime.combine(day, time())
    return first(zone, midnight) < first(zone, midnight + DAY)


@lru_cache(maxsize=4096)
def gaps(zone: ZoneInfo, year: int) -> tuple[Gap, ...]:
    """The clock changes of one UTC year that skip wall-clock times, ascending.

    Found by looking at each day, since `zoneinfo` does not list its changes.
    """
    found: list[Gap] = []
    at = datetime(year, 1, 1, tzinfo=UTC) - DAY
    while at.year <= year:
        if _offset(zone, at + DAY) > _offset(zone, at):
            change = _change(zone, at, at + DAY)
            found.append(Gap(change, local(zone, change - SECOND) + SECOND, local(zone, change)))
        at += DAY
    return tuple(gap for gap in found if gap.at.year == year)


def _end_of_gap(zone: ZoneInfo, wall: datetime, late: datetime) -> datetime:
    """The clock change that skips `wall`: it lies between the readings by the new and by the old offset."""
    return _change(zone, wall.replace(tzinfo=zone, fold=1).astimezone(UTC), late)


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The second at which the offset of `early` ends; it does so at `late` or before."""
    before = _offset(zone, early)
    while late - early > SECOND:
        middle = early + SECOND * ((late - early) // SECOND // 2)
        if _offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
