"""What a program does with a ticket: writes, takes it for a person, assigns, resolves. Each verb twice is once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from helpdesk import access, history, intake, tickets
from helpdesk.context import book
from helpdesk.errors import BadInput
from helpdesk.history import Happened
from helpdesk.models import Status, Ticket
from helpdesk.plain import clean
from helpdesk.rulebook import Colleague
from helpdesk.tickets import Actor
from helpdesk.web.api import opening
from helpdesk.web.api.layer import Call
from helpdesk.web.api.problems import Fault, Invalid
from helpdesk.web.api.shapes import AgentIn, MessageCreated, MessageIn, TicketState
from helpdesk.web.api.tickets import assignee_of, name_of, number_in

OTHER_MESSAGE = (
    "Unter diesem Schlüssel kam schon eine andere Nachricht. Für eine neue bitte einen neuen Schlüssel senden."
)


def write(session: Session, call: Call) -> MessageCreated:
    """An answer goes to the person at once; a note never leaves the house. Sent twice under one key it is said once."""
    sent = call.sent(MessageIn)
    words = clean(intake.limited(sent.text, call.house.settings.max_text))
    key = opening.key_of(call.headers.get(opening.KEY))
    named = f"{call.visitor.actor}#{key}" if key else None
    ticket = _locked(session, call)
    first = tickets.said(session, ticket, named) if named else None
    if first is not None:
        if (first.text, first.public) != (words, sent.public):
            raise Invalid([Fault(field="Idempotency-Key", message=OTHER_MESSAGE)])
        return _said(ticket, first.id, sent)
    say = tickets.reply if sent.public else tickets.note
    return _said(ticket, say(session, ticket, words, call.visitor.actor, key=named), sent)


def _said(ticket: Ticket, message_id: int, sent: MessageIn) -> MessageCreated:
    return MessageCreated(
        id=message_id,
        number=ticket.number,
        public=sent.public,
        status=Status(ticket.status),
        next_due_at=ticket.next_due_at,
    )


def acknowledge(session: Session, call: Call) -> TicketState:
    """A program cannot hold a ticket: it says who does."""
    ticket = _locked(session, call)
    colleague = _colleague(session, call)
    why = tickets.acknowledge(session, ticket, Actor(kind="agent", name=colleague.name, id=colleague.id))
    history.record(session, [_spoken_for(call, ticket, colleague)])
    return _state(session, ticket, outcome=str(why))


def _spoken_for(call: Call, ticket: Ticket, colleague: Colleague) -> Happened:
    """Says in the history that a program acted, and for whom."""
    return Happened(
        kind="ticket.acted_for",
        actor=str(call.visitor.actor),
        ticket_id=ticket.id,
        data={"agent": colleague.name},
        team=ticket.team,
    )


def assign(session: Session, call: Call) -> TicketState:
    ticket = _locked(session, call)
    tickets.assign(session, ticket, _colleague(session, call).id, call.visitor.actor)
    return _state(session, ticket)


def unassign(session: Session, call: Call) -> TicketState:
    """Back to the team's queue."""
    ticket = _locked(session, call)
    tickets.assign(session, ticket, None, call.visitor.actor)
    return _state(session, ticket)


def resolve(session: Session, call: Call) -> TicketState:
    ticket = _locked(session, call)
    tickets.resolve(session, ticket, call.visitor.actor)
    return _state(session, ticket)


def reopen(session: Session, call: Call) -> TicketState:
    ticket = _locked(session, call)
    tickets.reopen(session, ticket, call.visitor.actor)
    return _state(session, ticket)


def _locked(session: Session, call: Call) -> Ticket:
    return access.ticket(session, call.visitor, number_in(call.path))


def _colleague(session: Session, call: Call) -> Colleague:
    wanted = call.sent(AgentIn).agent
    for colleague in book(session).catalog.colleagues.values():
        if colleague.handle == wanted and colleague.active:
            return colleague
    raise BadInput("Diese Person gibt es nicht.", field="agent")


def _state(session: Session, ticket: Ticket, outcome: str = "done") -> TicketState:
    return TicketState.model_validate(
        {
            "number": ticket.number,
            "status": ticket.status,
            "severity": ticket.severity,
            "team": ticket.team,
            "assignee": assignee_of(session, ticket),
            "acknowledged_at": ticket.acknowledged_at,
            "acknowledged_by": name_of(session, ticket.acknowledged_by),
            "resolved_at": ticket.resolved_at,
            "next_due_at": ticket.next_due_at,
            "outcome": outcome,
        }
    )
