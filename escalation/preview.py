"""What other versions of a target or calendar would do to open tickets, before anybody decides. Writes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from escalation.calendar import Calendar
from escalation.clocks import Clocks
from escalation.ledger import SlaEvent, repinned
from escalation.sla import replay
from escalation.targets import ClockKind, Target


@dataclass(frozen=True, kw_only=True)
class OpenTicket:
    """A ticket's number with all that `replay` needs."""

    number: str
    target: Target | None
    calendar: Calendar
    events: tuple[SlaEvent, ...]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Earliest due instant of one ticket before and after, and the clocks that change sides."""

    number: str
    old_due: datetime | None
    new_due: datetime | None
    newly_late: tuple[ClockKind, ...]
    newly_saved: tuple[ClockKind, ...]


def preview(tickets: Iterable[OpenTicket], target: Target | None, calendar: Calendar, now: datetime) -> Iterator[Shift]:
    """One shift per ticket, as a re-pin at `now` would bring it; the same computation as the re-pin itself."""
    change = repinned(now, target, calendar)
    for ticket in tickets:
        old = replay(ticket.target, ticket.calendar, ticket.events, now)
        new = replay(ticket.target, ticket.calendar, (*ticket.events, change), now)
        late_before, late_after = _late(old), _late(new)
        yield Shift(
            number=ticket.number,
            old_due=old.next_due,
            new_due=new.next_due,
            newly_late=tuple(kind for kind in ClockKind if kind in late_after - late_before),
            newly_saved=tuple(kind for kind in ClockKind if kind in late_before - late_after),
        )


def _late(clocks: Clocks) -> set[ClockKind]:
    return {clock.kind for clock in clocks.running if clock.late}
