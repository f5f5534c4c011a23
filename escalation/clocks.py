"""Clocks as they are read: one promise each, with what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from escalation.course import Course, Line, PausedSpan
from escalation.targets import ClockKind


class Outcome(StrEnum):
    """What became of a promise, as far as the ledger goes."""

    NONE = "none"  #: there is no such clock
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"  #: stopped at or before its due instant
    BREACHED = "breached"  #: stopped later, or still open later
    UNANSWERED = "unanswered"  #: the ticket was done without an answer; neither met nor breached
    ENDED = "ended"  #: an update that was not due yet when the ticket was done
    CANCELLED = "cancelled"  #: nothing is owed any more: spam, deleted, no policy
    MERGED = "merged"  #: goes on in another ticket


class BreachCause(StrEnum):
    """Why a clock was breached; re-pins are counted apart."""

    TIME = "time"
    REPIN = "re-pin"  #: other versions moved the due instant into the past


#: outcomes without a due instant
WITHOUT_DUE = frozenset({Outcome.CANCELLED, Outcome.MERGED})


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One promise of one kind in one round; false when there is none (`outcome` is then `none`).

    Instants are in UTC. Everything is derived from the course and what ended it.
    """

    kind: ClockKind
    round: int = 0  #: counts from 1; each unanswered message, each report, each reopening is a new round
    course: Course | None = None
    stopped_at: datetime | None = None
    ended_as: Outcome | None = None  #: set when something else than keeping the promise ended it
    warn_percents: tuple[int, ...] = ()
    moved_late: bool = False  #: a re-pin moved its due instant into the past
    reopened: bool = False  #: the ticket was opened again after this round; its outcome stays

    def __bool__(self) -> bool:
        return self.course is not None

    @property
    def is_running(self) -> bool:
        """Not stopped yet: running, paused, or late and still open."""
        return self.course is not None and self.stopped_at is None

    @property
    def is_paused(self) -> bool:
        """Held by a pause that has no end yet."""
        return self.is_running and self.course is not None and self.course.paused_since is not None

    @property
    def started_at(self) -> datetime | None:
        """When the promise began."""
        return self.course.started_at if self.course else None

    @property
    def budget(self) -> timedelta | None:
        """Service time promised."""
        return self.course.budget if self.course else None

    @property
    def due_at(self) -> datetime | None:
        """When the budget is used up; None while paused, when cancelled or merged, and when there is no clock."""
        if self.course is None or self.is_paused or self.ended_as in WITHOUT_DUE:
            return None
        return self.course.due_at

    @property
    def used(self) -> timedelta:
        """Service time used until it stopped, else until where the ledger goes."""
        return self.course.used if self.course else timedelta(0)

    @property
    def margin(self) -> timedelta | None:
        """Budget minus used time; negative when late."""
        return self.course.budget - self.course.used if self.course else None

    @property
    def late(self) -> bool:
        """Whether it stopped, or is still open, after its due instant; also told of unanswered ones."""
        return self.course is not None and self.ended_as not in WITHOUT_DUE and self.course.late

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.course is None:
            return Outcome.NONE
        if self.ended_as is not None and not (self.ended_as is Outcome.ENDED and self.late):
            return self.ended_as
        if self.late:
            return Outcome.BREACHED
        if self.stopped_at is not None:
            return Outcome.MET
        return Outcome.PAUSED if self.is_paused else Outcome.RUNNING

    @property
    def cause(self) -> BreachCause | None:
        """Why it is breached; None when it is not."""
        if self.outcome is not Outcome.BREACHED:
            return None
        return BreachCause.REPIN if self.moved_late else BreachCause.TIME

    @cached_property
    def warn_at(self) -> tuple[datetime, ...]:
        """One instant per percent of `warn_percents`, in their order; while paused only those reached before."""
        if self.course is None or self.ended_as in WITHOUT_DUE:
            return ()
        reached = (self.course.reached(self.course.budget * percent / 100) for percent in self.warn_percents)
        return tuple(at for at in reached if at is not None)

    @property
    def paused_spans(self) -> tuple[PausedSpan, ...]:
        """Ended pauses that this clock went through."""
        return self.course.pauses if self.course else ()

    def explain(self) -> tuple[Line, ...]:
        """Gapless lines over `[started_at, due)`; the counting ones add up to the budget exactly.

        While paused they reach as far as the ledger does. Empty when there is no clock.
        """
        return tuple(self.course.explain()) if self.course else ()


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """All clocks of one ticket, every round of them in order; iterating yields those that exist."""

    first_responses: tuple[Clock, ...] = ()
    next_responses: tuple[Clock, ...] = ()
    resolutions: tuple[Clock, ...] = ()
    updates: tuple[Clock, ...] = ()
    paused_until: datetime | None = None  #: agreed end of the pause that holds the running clocks

    def __iter__(self) -> Iterator[Clock]:
        yield from (*self.first_responses, *self.next_responses, *self.resolutions, *self.updates)

    @property
    def first_response(self) -> Clock:
        """The clock of the first human answer."""
        return _last(ClockKind.FIRST_RESPONSE, self.first_responses)

    @property
    def next_response(self) -> Clock:
        """The exchange that is open, else the last one."""
        return _last(ClockKind.NEXT_RESPONSE, self.next_responses)

    @property
    def resolution(self) -> Clock:
        """The resolution clock of the last round."""
        return _last(ClockKind.RESOLUTION, self.resolutions)

    @property
    def update(self) -> Clock:
        """When we have to report again."""
        return _last(ClockKind.UPDATE, self.updates)

    @property
    def running(self) -> tuple[Clock, ...]:
        """Clocks that are not stopped: running, paused, or late and still open."""
        return tuple(clock for clock in self if clock.is_running)

    @property
    def next_due_clock(self) -> Clock | None:
        """The running clock that is due first."""
        return min((pair for pair in self._dues()), key=lambda pair: pair[0], default=(None, None))[1]

    @property
    def next_due(self) -> datetime | None:
        """The earliest due instant of the running clocks; in the past when one is late."""
        return min((due for due, _ in self._dues()), default=None)

    @property
    def worst_next_response(self) -> Clock | None:
        """The answered exchange with the smallest margin; one still open is not in it."""
        answered = [clock for clock in self.next_responses if clock.stopped_at is not None and clock.ended_as is None]
        return min(answered, key=lambda clock: (clock.margin, -clock.used), default=None)

    def next_look_at(self, now: datetime) -> datetime | None:
        """The next instant after `now` at which a clock warns, is breached, or is released from its pause.

        A clock is breached from the first moment after its due instant, so that moment is given. None: no such instant.
        """
        marks = [mark for clock in self.running for mark in clock.warn_at]
        marks += [due + timedelta.resolution for due, _ in self._dues()]
        marks += [self.paused_until] if self.paused_until and self.running else []
        return min((mark for mark in marks if mark > now), default=None)

    def _dues(self) -> Iterator[tuple[datetime, Clock]]:
        for clock in self.running:
            if clock.due_at is not None:
                yield clock.due_at, clock


def _last(kind: ClockKind, rounds: tuple[Clock, ...]) -> Clock:
    return rounds[-1] if rounds else Clock(kind=kind)
