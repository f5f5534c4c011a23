"""Rounds of clocks while a ledger is read: what runs since when, which pauses were, which versions hold.

Rounds are kept for every kind, promised or not: a promise that comes with a later re-pin then has its true start.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from escalation.calendar import Calendar
from escalation.clocks import Clock, Clocks, Outcome
from escalation.course import Course, PausedSpan
from escalation.ledger import SlaEvent
from escalation.targets import ClockKind, Target


class Pin(NamedTuple):
    """The versions that hold for a running clock; a stopped one keeps those it stopped under."""

    target: Target | None
    calendar: Calendar

    def budget(self, kind: ClockKind) -> timedelta | None:
        """What is promised under these versions."""
        return self.target.budget(kind) if self.target else None


@dataclass(kw_only=True)
class Round:
    """One run of one clock."""

    kind: ClockKind
    number: int
    started_at: datetime
    pin: Pin
    stopped_at: datetime | None = None
    ended_as: Outcome | None = None
    moved_late: bool = False
    reopened: bool = False
    withdrawn: tuple[Pin, datetime] | None = None  #: what it stood under until nobody promised it any more

    def stop(self, at: datetime, ended_as: Outcome | None) -> None:
        """End it, for good."""
        # a clock may start after the event that ends it was dated, e.g. a contact noted for later than the opening
        self.stopped_at, self.ended_as = max(at, self.started_at), ended_as


class Rounds:
    """All rounds of one ticket and its pauses."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin
        self._rounds: list[Round] = []
        self._pauses: list[PausedSpan] = []
        self._pause: SlaEvent | None = None

    def start(self, kind: ClockKind, at: datetime) -> None:
        """Start a round unless one runs: a repeated message never restarts the clock."""
        if self._running(kind) is None:
            number = len(self._of(kind)) + 1
            self._rounds.append(Round(kind=kind, number=number, started_at=at, pin=self._pin))

    def stop(self, kind: ClockKind, at: datetime, ended_as: Outcome | None = None) -> None:
        """Stop the round that runs, if one does."""
        running = self._running(kind)
        if running is not None:
            running.stop(at, ended_as)

    def stop_all(self, at: datetime, ended_as: Outcome) -> None:
        """Stop whatever runs, a pause included."""
        self.resume(at)
        for kind in ClockKind:
            self.stop(kind, at, ended_as)

    def pause(self, event: SlaEvent) -> None:
        """Stop time for all clocks; a ticket that already waits goes on waiting for its first reason."""
        if self._pause is None:
            self._pause = event

    def resume(self, at: datetime) -> None:
        """Let time go on, if it was stopped."""
        if self._pause is not None:
            self._add_pause(self._pause.at, at, self._pause.reason)
            self._pause = None

    def let_agreed_pause_end(self, at: datetime) -> None:
        """A pause with an agreed end is over then, however late somebody looks."""
        if self._pause is not None and self._pause.until is not None and self._pause.until <= at:
            self.resume(max(self._pause.until, self._pause.at))

    def go_on_after(self, gap: PausedSpan) -> None:
        """Next round of the resolution clock, with the used time of the last one; the gap counts as a pause."""
        self._add_pause(gap.from_at, gap.to_at, gap.reason)
        for last in self._of(ClockKind.RESOLUTION)[-1:]:
            last.reopened = True
            self.start(ClockKind.RESOLUTION, last.started_at)

    def repin(self, event: SlaEvent) -> None:
        """Put running clocks under other versions, from their old start and with all pauses."""
        self._pin = Pin(event.target, event.calendar or self._pin.calendar)
        for running in [each for each in self._rounds if each.stopped_at is None]:
            was_late = self._is_late(running, event.at)
            self._note_withdrawal(running, event.at)
            running.pin = self._pin
            running.moved_late = self._is_late(running, event.at) and (running.moved_late or not was_late)

    def take_over(self, event: SlaEvent) -> None:
        """The earliest start of each unanswered clock of two merged tickets; an answered first response stays."""
        for kind, at in event.starts:
            running = self._running(kind)
            if running is not None:
                running.started_at = min(running.started_at, at)
            elif kind is not ClockKind.FIRST_RESPONSE or not self._of(kind):
                self.start(kind, at)

    def clocks(self, as_of: datetime) -> Clocks:
        """Everything as it stands at an instant not before the last line of the ledger."""
        self.let_agreed_pause_end(as_of)
        return Clocks(
            first_responses=self._clocks(ClockKind.FIRST_RESPONSE, as_of),
            next_responses=self._clocks(ClockKind.NEXT_RESPONSE, as_of),
            resolutions=self._clocks(ClockKind.RESOLUTION, as_of),
            updates=self._clocks(ClockKind.UPDATE, as_of),
            paused_until=self._pause.until if self._pause else None,
        )

    def _of(self, kind: ClockKind) -> list[Round]:
        return [each for each in self._rounds if each.kind is kind]

    def _running(self, kind: ClockKind) -> Round | None:
        return next((each for each in self._rounds if each.kind is kind and each.stopped_at is None), None)

    def _add_pause(self, start: datetime, end: datetime, reason: str | None) -> None:
        if start < end:
            self._pauses.append(PausedSpan(from_at=start, to_at=end, reason=reason))

    def _note_withdrawal(self, running: Round, at: datetime) -> None:
        if self._pin.budget(running.kind) is not None:
            running.withdrawn = None
        elif running.pin.budget(running.kind) is not None:
            running.withdrawn = (running.pin, at)

    def _is_late(self, running: Round, at: datetime) -> bool:
        course = self._course(running, running.pin, at)
        return course is not None and course.late

    def _clocks(self, kind: ClockKind, as_of: datetime) -> tuple[Clock, ...]:
        clocks = (self._clock(each, as_of) for each in self._of(kind))
        return tuple(clock for clock in clocks if clock)

    def _clock(self, each: Round, as_of: datetime) -> Clock:
        pin, stopped_at, ended_as = each.pin, each.stopped_at, each.ended_as
        if each.withdrawn:
            pin, stopped_at = each.withdrawn
            ended_as = Outcome.CANCELLED
        return Clock(
            kind=each.kind,
            round=each.number,
            course=self._course(each, pin, stopped_at or as_of, is_running=stopped_at is None),
            stopped_at=stopped_at,
            ended_as=ended_as,
            warn_percents=pin.target.warn_percents if pin.target else (),
            moved_late=each.moved_late,
            reopened=each.reopened,
        )

    def _course(self, each: Round, pin: Pin, until: datetime, is_running: bool = True) -> Course | None:
        budget = pin.budget(each.kind)
        if budget is None:
            return None
        pauses = list(self._pauses)
        if self._pause and not is_running:  # stopped inside a pause that goes on for the other clocks
            pauses.append(PausedSpan(from_at=self._pause.at, to_at=until, reason=self._pause.reason))
        open_pause = self._pause if is_running else None
        return Course(
            calendar=pin.calendar,
            budget=budget,
            started_at=each.started_at,
            until=max(until, each.started_at),
            pauses=_inside(pauses, each.started_at, until),
            paused_since=max(open_pause.at, each.started_at) if open_pause else None,
            paused_reason=open_pause.reason if open_pause else None,
        )


def _inside(pauses: list[PausedSpan], start: datetime, end: datetime) -> tuple[PausedSpan, ...]:
    """What of each pause lies in `[start, end)`: a later one does not move the due instant of a stopped clock."""
    clipped = (
        PausedSpan(from_at=max(span.from_at, start), to_at=min(span.to_at, end), reason=span.reason)
        for span in pauses
        if span.from_at < end and start < span.to_at
    )
    return tuple(clipped)
