"""The ledger of a ticket: what happened that a clock cares about, in the order it happened.

Only events between people are entered. Automatic receipts, bots, surveys, out-of-office answers, bounces, internal
notes, messages to and from partners, and hand-overs touch no citizen clock: they are never entered here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from escalation.calendar import Calendar
from escalation.instants import utc
from escalation.targets import ClockKind, Target


class SlaEventKind(StrEnum):
    """What a line of the ledger can be."""

    OPENED = "opened"
    REQUESTER_MESSAGE = "requester_message"  #: the requester, or anyone writing for them
    OUR_MESSAGE = "our_message"  #: a human of our side addressed the requester, on whatever channel
    OUR_MESSAGE_FAILED = "our_message_failed"  #: it failed for good (bounce, dead number)
    PAUSED = "paused"  #: the requester owes us something
    RESUMED = "resumed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    REPINNED = "repinned"  #: other versions of target and calendar hold from now on
    CANCELLED = "cancelled"  #: spam, deleted
    MERGED = "merged"  #: this ticket went into another one
    TOOK_OVER = "took_over"  #: another ticket went into this one and left its unanswered clocks here


class OpenedBy(StrEnum):
    """Who opened or reopened a ticket."""

    REQUESTER = "requester"
    STAFF = "staff"  #: our side, for somebody
    OWNER = "owner"  #: the requester is the one who works on it


class Then(StrEnum):
    """The state a message leaves the ticket in."""

    PAUSED = "paused"  #: it now waits for the requester
    OPEN = "open"  #: it does not wait any more; a done ticket is open again


@dataclass(frozen=True, kw_only=True)
class SlaEvent:
    """One line of the ledger; made by the functions below. Instants are kept in UTC."""

    kind: SlaEventKind
    at: datetime
    by: OpenedBy | None = None
    message: bool = (
        False  #: opened, reopened, requester_message: the requester wrote; resolved, closed: a human told the requester
    )
    contact_at: datetime | None = None  #: opened by staff for somebody who waits for our answer: since when
    then: Then | None = None
    until: datetime | None = None  #: a pause's agreed end
    reason: str | None = None  #: a pause's stable reason id
    target: Target | None = None
    calendar: Calendar | None = None
    message_at: datetime | None = None  #: which of our messages failed
    starts: tuple[tuple[ClockKind, datetime], ...] = ()  #: taken over: unanswered clocks and their starts

    def __post_init__(self) -> None:
        for name in ("at", "contact_at", "until", "message_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is not UTC:
                object.__setattr__(self, name, utc(moment))
        object.__setattr__(self, "starts", tuple((kind, utc(start)) for kind, start in self.starts))


def opened(
    at: datetime, by: str = OpenedBy.REQUESTER, message: bool = True, contact_at: datetime | None = None
) -> SlaEvent:
    """A ticket begins. `message=False`: a missed call, an empty form.

    `contact_at` is the mark "waits for our answer" on a ticket opened by staff: when the person spoke to us.
    """
    return SlaEvent(kind=SlaEventKind.OPENED, at=at, by=OpenedBy(by), message=message, contact_at=contact_at)


def requester_message(
    at: datetime, then: str | None = None, reason: str | None = None, until: datetime | None = None
) -> SlaEvent:
    """The requester side wrote, called or spoke. Ends a pause, unless `then` starts the next one."""
    return SlaEvent(
        kind=SlaEventKind.REQUESTER_MESSAGE,
        at=at,
        by=OpenedBy.REQUESTER,
        message=True,
        then=_then(then),
        reason=reason,
        until=until,
    )


def our_message(
    at: datetime, then: str | None = None, reason: str | None = None, until: datetime | None = None
) -> SlaEvent:
    """A human of our side addressed the requester; a broadcast written by a human counts once it is delivered."""
    return SlaEvent(kind=SlaEventKind.OUR_MESSAGE, at=at, then=_then(then), reason=reason, until=until)


def our_message_failed(at: datetime, message_at: datetime) -> SlaEvent:
    """Our message of `message_at` never arrived: the clocks run as if it had not been sent.

    A pause it began stays until it is ended, since the resolution clock is not undone.
    """
    return SlaEvent(kind=SlaEventKind.OUR_MESSAGE_FAILED, at=at, message_at=message_at)


def paused(at: datetime, reason: str | None = None, until: datetime | None = None) -> SlaEvent:
    """The ticket waits for the requester, at the latest until the agreed instant."""
    return SlaEvent(kind=SlaEventKind.PAUSED, at=at, reason=reason, until=until)


def resumed(at: datetime) -> SlaEvent:
    """The wait is over."""
    return SlaEvent(kind=SlaEventKind.RESUMED, at=at)


def resolved(at: datetime, message: bool = False) -> SlaEvent:
    """Done. `message=True`: a public closing message of a human went out with it, which is an answer."""
    return SlaEvent(kind=SlaEventKind.RESOLVED, at=at, message=message)


def closed(at: datetime, message: bool = False) -> SlaEvent:
    """Closed for good; after `resolved` it changes nothing, without it the ticket is done now."""
    return SlaEvent(kind=SlaEventKind.CLOSED, at=at, message=message)


def reopened(at: datetime, by: str = OpenedBy.REQUESTER, message: bool = True) -> SlaEvent:
    """Not done after all. The next response starts only when it was the requester who wrote."""
    return SlaEvent(kind=SlaEventKind.REOPENED, at=at, by=OpenedBy(by), message=message)


def repinned(at: datetime, target: Target | None, calendar: Calendar | None = None) -> SlaEvent:
    """Other versions hold: running clocks are computed anew from their old start, all pauses kept.

    `target=None`: no policy fits any more. `calendar=None` keeps the calendar.
    """
    return SlaEvent(kind=SlaEventKind.REPINNED, at=at, target=target, calendar=calendar)


def cancelled(at: datetime) -> SlaEvent:
    """Spam, or deleted: nothing is owed any more."""
    return SlaEvent(kind=SlaEventKind.CANCELLED, at=at)


def merged(at: datetime) -> SlaEvent:
    """This ticket went into another one, which takes over what is unanswered (`took_over` in its ledger)."""
    return SlaEvent(kind=SlaEventKind.MERGED, at=at)


def took_over(at: datetime, starts: dict[ClockKind, datetime]) -> SlaEvent:
    """Another ticket was merged into this one; `starts` are those of its clocks that were still unanswered."""
    return SlaEvent(kind=SlaEventKind.TOOK_OVER, at=at, starts=tuple(starts.items()))


def _then(state: str | None) -> Then | None:
    return None if state is None else Then(state)
