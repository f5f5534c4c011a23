"""Rotations: who takes over when, always counted from the anchor (ENGINE §4.1).

Hand-overs lie on a grid of wall-clock times ``start + k · every units``. The turn of the k-th is k, less the hand-overs
that clock changes have merged with their predecessor; those are found from the clock changes, not by walking the grid.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from escalation.plain import Node
from escalation.walls import DAY, first, gaps, last, local
from escalation.windows import read_days, read_wall, read_zone

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
#: Larger than any turn somebody plans, small enough that dates stay within reach.
MOST = 10_000


class Unit(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """`start` is the anchor, naive, in `zone`. A participant is a group; `until` cuts the running turn."""

    zone: ZoneInfo
    unit: Unit
    every: int
    start: datetime
    participants: tuple[frozenset[str], ...]
    days: frozenset[int] = frozenset()
    until: datetime | None = None

    @classmethod
    def read(cls, node: Node, zone: ZoneInfo) -> Rotation:
        """From its part of a rota; `zone` where it names none. Raises the node's error."""
        found = node.table(
            required=("unit", "start_local", "participants"), optional=("every", "tz", "days", "until_local")
        )
        zone = read_zone(found["tz"]) if "tz" in found else zone
        unit = _unit(found["unit"])
        until = read_wall(found["until_local"]) if _given(found.get("until_local")) else None
        return cls(
            zone=zone,
            unit=unit,
            every=found["every"].whole(1, MOST, "bad_every") if "every" in found else 1,
            start=read_wall(found["start_local"]),
            participants=tuple(frozenset(item.texts()) for item in found["participants"].items()),
            days=_days(found.get("days"), unit),
            until=last(zone, until) if until else None,
        )

    def serving(self, at: datetime) -> frozenset[str]:
        """Who has the turn at this instant (UTC). Nobody before the first hand-over, nobody after `until`."""
        if not self.participants or at < self._at(0) or (self.until is not None and at >= self.until):
            return frozenset()
        k = self._index(at)
        return self.participants[(k - self._merged(k)) % len(self.participants)]

    def handoffs(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, frozenset[str]]]:
        """Each hand-over in ``[start, end)``, with who takes over, also when the same one follows."""
        if not self.participants:
            return
        end = min(end, self.until) if self.until is not None else end
        k = self._index(start) if start >= self._at(0) else 0
        turn = k - self._merged(k)
        while (at := self._at(k)) < end:
            if at >= start:
                yield at, self.participants[turn % len(self.participants)]
            k, turn = self._behind(k), turn + 1

    def _behind(self, k: int) -> int:
        """The next grid time at another instant."""
        following = k + 1
        while self._at(following) == self._at(k):
            following += 1
        return following

    def _index(self, at: datetime) -> int:
        """The last k whose hand-over is not after `at`, which is not before the first one."""
        k = max(0, self._not_after(local(self.zone, at)))
        while k > 0 and self._at(k) > at:
            k -= 1
        while self._at(k + 1) <= at:
            k += 1
        return k

    def _at(self, k: int) -> datetime:
        return first(self.zone, self._wall(k))

    def _merged(self, k: int) -> int:
        """How many of the hand-overs 1 … k fall on the instant of their predecessor."""
        if self.unit not in (Unit.HOURLY, Unit.DAILY):
            return 0  # no gap is as long as a week
        year = self._at(k).year
        return self._merged_before(year) + self._merged_in(year, k)

    def _merged_before(self, year: int) -> int:
        """Those of all years before; kept, so that the distance from the anchor is walked once."""
        sums = self._sums
        while len(sums) <= year - self._at(0).year:
            sums.append(sums[-1] + self._merged_in(self._at(0).year + len(sums) - 1, None))
        return sums[year - self._at(0).year]

    @cached_property
    def _sums(self) -> list[int]:
        """`_merged_before` the anchor's year, the next, …"""
        return [0]

    def _merged_in(self, year: int, k: int | None) -> int:
        """Those whose instant lies in that UTC year, up to the k-th."""
        spacing = (HOUR if self.unit is Unit.HOURLY else DAY) * self.every
        merged = 0
        for gap in gaps(self.zone, year):
            if gap.after - gap.before >= spacing:
                earliest, latest = max(0, self._not_after(gap.before - TICK) + 1), self._not_after(gap.after)
                merged += max(0, (latest if k is None else min(k, latest)) - earliest)
        return merged

    def _wall(self, k: int) -> datetime:
        """The k-th time of the grid."""
        count = k * self.every
        if self.unit is Unit.HOURLY:
            return self.start + HOUR * count
        if self.unit is Unit.MONTHLY:
            return self._month(count)
        if self.days:
            weeks, place = divmod(count, len(self.days))
            return self.start + DAY * (7 * weeks + self._offsets[place])
        return self.start + DAY * count * (7 if self.unit is Unit.WEEKLY else 1)

    def _month(self, count: int) -> datetime:
        """So many months behind the anchor; in a short month its last day, never a drift of the anchor's day."""
        years, month = divmod(self.start.month - 1 + count, 12)
        year = self.start.year + years
        day = min(self.start.day, monthrange(year, month + 1)[1])
        return self.start.replace(year=year, month=month + 1, day=day)

    def _not_after(self, wall: datetime) -> int:
        """The last k whose grid time is not after a wall-clock time; may be negative. Monthly: that or one more."""
        passed = wall - self.start
        if self.unit is Unit.HOURLY:
            return passed // (HOUR * self.every)
        if self.unit is Unit.MONTHLY:
            return ((wall.year - self.start.year) * 12 + wall.month - self.start.month) // self.every
        if self.days:
            weeks, rest = divmod(passed // DAY, 7)
            return (weeks * len(self.days) + bisect_right(self._offsets, rest) - 1) // self.every
        return passed // (DAY * self.every * (7 if self.unit is Unit.WEEKLY else 1))

    @property
    def _offsets(self) -> list[int]:
        """Days from the anchor's date to each listed weekday on or after it."""
        return sorted((day - self.start.weekday()) % 7 for day in self.days)


def _unit(node: Node) -> Unit:
    if node.value not in list(Unit):
        raise node.refused("unknown_unit", f"„{node.value}“ ist keine Einheit ({', '.join(Unit)})")
    return Unit(node.text())


def _days(node: Node | None, unit: Unit) -> frozenset[int]:
    if not _given(node) or node is None:
        return frozenset()
    if unit is not Unit.DAILY:
        raise node.refused("days_without_daily", "„days“ gibt es nur bei täglichem Wechsel")
    days = read_days(node)
    if not days:
        raise node.refused("no_days", "ohne Wochentag gibt es nie einen Wechsel")
    return days


def _given(node: Node | None) -> bool:
    return node is not None and node.value is not None
