"""The course of one clock through its calendar: what was used, when it is due, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from escalation.calendar import Calendar, Pause
from escalation.hours import TimeKind

NO_REASON = "pause"


@dataclass(frozen=True, kw_only=True)
class PausedSpan:
    """`[from_at, to_at)` in which no service time passed, with the stable id of the reason."""

    from_at: datetime
    to_at: datetime
    reason: str | None = None


class Line(NamedTuple):
    """One line of an explanation: a stretch of time, what it was, whether it counts, what has been used so far."""

    from_at: datetime
    to_at: datetime
    kind: TimeKind
    why: str  #: part of the calendar (`HoursSource`), or the pause's reason id
    counts: bool
    total: timedelta


@dataclass(frozen=True, kw_only=True)
class Course:
    """Facts about one run of a clock; everything else follows from them, on demand and always the same."""

    calendar: Calendar
    budget: timedelta
    started_at: datetime
    until: datetime  #: when it stopped, else how far the ledger goes
    pauses: tuple[PausedSpan, ...] = ()  #: ascending and disjoint, all inside [started_at, until)
    paused_since: datetime | None = None  #: begin of a pause that has not ended
    paused_reason: str | None = None

    @cached_property
    def due_at(self) -> datetime | None:
        """When the budget is used up; None while a pause that began before then has no end yet."""
        return self.reached(self.budget)

    @cached_property
    def used(self) -> timedelta:
        """Service time that has passed on this clock."""
        end = self.until if self.paused_since is None else min(self.until, self.paused_since)
        return self.calendar.elapsed(self.started_at, end, self._cuts)

    @property
    def late(self) -> bool:
        """By instant, not by what was used: a budget used up at closing is late from the next moment on."""
        return self.due_at is not None and self.until > self.due_at

    def reached(self, budget: timedelta) -> datetime | None:
        """When `budget` of service time is used up; None while an open pause holds that instant back."""
        at = self.calendar.add(self.started_at, budget, self._cuts)
        held_back = self.paused_since is not None and at > self.paused_since
        return None if held_back else at

    def explain(self) -> Iterator[Line]:
        """Gapless lines from the start to the due instant, or to where an open pause has come so far."""
        total = timedelta(0)
        for start, end, kind, why in self._stretches(self.due_at or self.until):
            counts = kind is TimeKind.OPEN
            total += end - start if counts else timedelta(0)
            yield Line(start, end, kind, why, counts, total)

    @cached_property
    def _cuts(self) -> list[Pause]:
        return [(span.from_at, span.to_at) for span in self.pauses]

    def _stretches(self, end: datetime) -> Iterator[tuple[datetime, datetime, TimeKind, str]]:
        at = self.started_at
        for span in self._pauses_before(end):
            yield from self._service(at, span.from_at)
            if span.from_at < span.to_at:
                yield span.from_at, span.to_at, TimeKind.PAUSED, span.reason or NO_REASON
            at = span.to_at
        yield from self._service(at, end)

    def _service(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, TimeKind, str]]:
        for part in self.calendar.segments(start, end):
            yield part.from_at, part.to_at, part.kind, part.source.value

    def _pauses_before(self, end: datetime) -> Iterator[PausedSpan]:
        yield from (span for span in self.pauses if span.from_at < end)
        if self.paused_since is not None and self.paused_since < end:
            yield PausedSpan(from_at=self.paused_since, to_at=end, reason=self.paused_reason)
