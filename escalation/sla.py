"""Service levels: replay a ticket's ledger and read off its clocks.

`replay` is the only place where clocks are computed; whatever is stored elsewhere is a copy of what it said. It goes by
who spoke to whom, never by channel, article type or screen.
"""

from collections.abc import Iterable
from datetime import datetime

from escalation.calendar import Calendar
from escalation.clocks import BreachCause, Clock, Clocks, Outcome
from escalation.course import Line, PausedSpan
from escalation.instants import utc
from escalation.ledger import (
    OpenedBy,
    SlaEvent,
    SlaEventKind,
    Then,
    cancelled,
    closed,
    merged,
    opened,
    our_message,
    our_message_failed,
    paused,
    reopened,
    repinned,
    requester_message,
    resolved,
    resumed,
    took_over,
)
from escalation.rounds import Pin, Rounds
from escalation.targets import ClockKind, Target, TargetError, TargetErrorCode

__all__ = [
    "BreachCause",
    "Clock",
    "ClockKind",
    "Clocks",
    "LedgerError",
    "Line",
    "OpenedBy",
    "Outcome",
    "PausedSpan",
    "SlaEvent",
    "SlaEventKind",
    "Target",
    "TargetError",
    "TargetErrorCode",
    "Then",
    "cancelled",
    "closed",
    "merged",
    "opened",
    "our_message",
    "our_message_failed",
    "paused",
    "reopened",
    "repinned",
    "replay",
    "requester_message",
    "resolved",
    "resumed",
    "took_over",
]

#: reason of the pause between being done and being opened again
DONE = "done"


class LedgerError(ValueError):
    """The ledger does not begin with the opening of a ticket or a requester's message."""


def replay(
    target: Target | None, calendar: Calendar, events: Iterable[SlaEvent], now: datetime | None = None
) -> Clocks:
    """The clocks of a ticket after these events, seen at `now` (else at the last event).

    `target` and `calendar` are the versions the ticket began with; None: no policy fits, there are no clocks.
    The same arguments always give the same answer. Events of one instant keep their order, an opening comes first.
    """
    ledger = sorted(events, key=lambda event: (event.at, event.kind is not SlaEventKind.OPENED))
    unheard = {event.message_at for event in ledger if event.kind is SlaEventKind.OUR_MESSAGE_FAILED}
    ticket = _Ticket(Pin(target, calendar), unheard)
    for event in ledger:
        ticket.enter(event)
    seen = [event.at for event in ledger[-1:]] + ([] if now is None else [utc(now)])
    return ticket.clocks(max(seen)) if seen else Clocks()


class _Ticket:
    """A ticket while its ledger is read: one method per kind of line, after the table of events and clocks."""

    def __init__(self, pin: Pin, unheard: set[datetime | None]) -> None:
        self._rounds = Rounds(pin)
        self._unheard = unheard  #: instants of our messages that never arrived
        self._has_begun = False
        self._done_at: datetime | None = None

    def clocks(self, as_of: datetime) -> Clocks:
        """The clocks after the lines entered so far."""
        return self._rounds.clocks(as_of)

    def enter(self, event: SlaEvent) -> None:
        """Bring the ticket forward by one line."""
        self._rounds.let_agreed_pause_end(event.at)
        if not self._has_begun:
            self._begin(event)
        match event.kind:
            case SlaEventKind.REOPENED:
                self._reopen(event)
            case SlaEventKind.REPINNED:
                self._rounds.repin(event)
            case SlaEventKind.REQUESTER_MESSAGE | SlaEventKind.OUR_MESSAGE if event.then is Then.OPEN and self._is_done:
                self._reopen(event)
            case _ if not self._is_done:
                self._enter_open(event)

    def _enter_open(self, event: SlaEvent) -> None:
        """A line that means something only while the ticket is not done."""
        match event.kind:
            case SlaEventKind.REQUESTER_MESSAGE:
                self._hear(event)
            case SlaEventKind.OUR_MESSAGE:
                self._speak(event)
            case SlaEventKind.PAUSED:
                self._rounds.pause(event)
            case SlaEventKind.RESUMED:
                self._rounds.resume(event.at)
            case SlaEventKind.RESOLVED | SlaEventKind.CLOSED:
                self._finish(event)
            case SlaEventKind.CANCELLED:
                self._break_off(event.at, Outcome.CANCELLED)
            case SlaEventKind.MERGED:
                self._break_off(event.at, Outcome.MERGED)
            case SlaEventKind.TOOK_OVER:
                self._rounds.take_over(event)

    @property
    def _is_done(self) -> bool:
        return self._done_at is not None

    def _begin(self, event: SlaEvent) -> None:
        match event.kind:
            case SlaEventKind.OPENED if event.by in (OpenedBy.STAFF, OpenedBy.OWNER):
                self._begin_for_somebody(event)
            case SlaEventKind.OPENED | SlaEventKind.REQUESTER_MESSAGE:
                self._begin_by_requester(event)
            case _:
                raise LedgerError(f"a ledger cannot begin with {event.kind} at {event.at.isoformat()}")
        self._rounds.start(ClockKind.RESOLUTION, event.at)
        self._has_begun = True

    def _begin_by_requester(self, event: SlaEvent) -> None:
        self._rounds.start(ClockKind.FIRST_RESPONSE, event.at)
        if event.message:
            self._rounds.start(ClockKind.NEXT_RESPONSE, event.at)

    def _begin_for_somebody(self, event: SlaEvent) -> None:
        self._rounds.start(ClockKind.UPDATE, event.at)
        if event.contact_at is not None:
            self._rounds.start(ClockKind.FIRST_RESPONSE, event.contact_at)
            self._rounds.start(ClockKind.NEXT_RESPONSE, event.contact_at)

    def _hear(self, event: SlaEvent) -> None:
        self._rounds.resume(event.at)
        self._rounds.start(ClockKind.NEXT_RESPONSE, event.at)
        self._follow(event)

    def _speak(self, event: SlaEvent) -> None:
        if self._arrived(event):
            self._answer(event.at)
            self._rounds.start(ClockKind.UPDATE, event.at)
        self._follow(event)

    def _answer(self, at: datetime) -> None:
        for kind in (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE, ClockKind.UPDATE):
            self._rounds.stop(kind, at)

    def _arrived(self, event: SlaEvent) -> bool:
        return event.at not in self._unheard

    def _follow(self, event: SlaEvent) -> None:
        """Take the state a message leaves the ticket in."""
        if event.then is Then.PAUSED:
            self._rounds.pause(event)
        elif event.then is Then.OPEN:
            self._rounds.resume(event.at)

    def _finish(self, event: SlaEvent) -> None:
        self._rounds.resume(event.at)
        if event.message and self._arrived(event):
            self._answer(event.at)
        self._rounds.stop(ClockKind.FIRST_RESPONSE, event.at, Outcome.UNANSWERED)
        self._rounds.stop(ClockKind.NEXT_RESPONSE, event.at, Outcome.UNANSWERED)
        self._rounds.stop(ClockKind.UPDATE, event.at, Outcome.ENDED)
        self._rounds.stop(ClockKind.RESOLUTION, event.at)
        self._done_at = event.at

    def _break_off(self, at: datetime, outcome: Outcome) -> None:
        self._rounds.stop_all(at, outcome)
        self._done_at = at

    def _reopen(self, event: SlaEvent) -> None:
        """Also by a message that leaves a done ticket open; on one that is not done only the words count."""
        if self._done_at is not None:
            gap = PausedSpan(from_at=self._done_at, to_at=event.at, reason=DONE)
            self._done_at = None
            self._rounds.go_on_after(gap)
            self._rounds.start(ClockKind.UPDATE, event.at)
        if event.message and event.by is OpenedBy.REQUESTER:
            self._hear(event)
        elif event.kind is SlaEventKind.OUR_MESSAGE:
            self._speak(event)
