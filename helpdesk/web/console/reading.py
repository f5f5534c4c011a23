"""What the console reads, in a fixed number of statements: five for a list, eight for a list with a ticket open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, bindparam, func, select, text, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from escalation.sla import Clocks, replay
from helpdesk import access, clock, look
from helpdesk.access import Visitor
from helpdesk.channel import Address
from helpdesk.context import book
from helpdesk.errors import NotFound
from helpdesk.models import Address as AddressRow
from helpdesk.models import ClockEvent, Contact, Ticket
from helpdesk.rulebook import Book

#: so many earlier tickets of a person are named
EARLIER = 5
#: at most so much of a long history is shown; what is older is reached by search
MOST_MESSAGES = 200


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a page is made, from what state of the rulebook, and where its live stream goes on."""

    now: datetime
    book: Book
    cursor: int


MOMENT = text("""
    SELECT helpdesk_now() AS now, (SELECT coalesce(max(id), 0) FROM version) AS newest,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS cursor
""")


def moment(session: Session) -> Moment:
    """First statement of a page after the visitor's, so that no later change is missed by the stream."""
    row = session.execute(MOMENT).one()
    return Moment(now=clock.remember(session, row.now), book=book(session, row.newest), cursor=row.cursor)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """An address of a person, as the page tells it."""

    kind: str
    value: str = field(repr=False)
    verified: bool
    blocked: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """Everything a ticket's page tells."""

    ticket: Ticket
    contact: Contact | None
    reaches: tuple[Reach, ...]
    earlier: tuple[Ticket, ...]
    clocks: Clocks
    said: Sequence[Row[Any]]  #: messages with their deliveries, see `SAID`
    events: Sequence[Row[Any]]

    @property
    def addresses(self) -> list[Address]:
        """Where the person can be answered."""
        return [Address(kind=each.kind, value=each.value) for each in self.reaches if not each.blocked]


def story(session: Session, visitor: Visitor, number: str) -> Story:
    """Raises `NotFound`, also for a ticket that this visitor may not see. Leaves an audit event of the opening."""
    rows = session.execute(TICKETS.where(access.visible(visitor)), {"number": number}).all()
    if not rows or rows[0].Ticket.number != number:
        raise NotFound("Dieses Ticket gibt es nicht.")
    first = rows[0]
    key = first.Ticket.id
    said = session.execute(SAID, {"ticket": key, "most": MOST_MESSAGES}).all()
    return Story(
        ticket=first.Ticket,
        contact=first.Contact,
        reaches=tuple(Reach(**each) for each in first.reaches or ()),
        earlier=tuple(row.Ticket for row in rows[1:] if row.Ticket.id != key)[:EARLIER],
        clocks=_clocks(session, first.Ticket, [_line(each) for each in first.ledger or ()]),
        said=said,
        events=session.execute(OPENED, {"ticket": key, "actor": str(visitor.actor)}).all(),
    )


def _reaches() -> Any:
    said = func.jsonb_build_object(
        "kind", AddressRow.kind, "value", AddressRow.value,
        "verified", AddressRow.verified_at.is_not(None), "blocked", AddressRow.blocked_at.is_not(None),
    )  # fmt: skip
    rows = select(func.jsonb_agg(aggregate_order_by(said, AddressRow.id)))
    return rows.where(AddressRow.contact_id == Ticket.contact_id, Ticket.number == NUMBER).scalar_subquery()


def _ledger() -> Any:
    said = func.to_jsonb(ClockEvent.__table__.table_valued())  # type: ignore[attr-defined]  # a Table, typed as FromClause
    rows = select(func.jsonb_agg(aggregate_order_by(said, ClockEvent.id)))
    return rows.where(ClockEvent.ticket_id == Ticket.id, Ticket.number == NUMBER).scalar_subquery()


def _tickets() -> Any:
    """The ticket with its person, addresses and ledger, then earlier tickets of the same person: one statement."""
    this, other = aliased(Ticket), aliased(Ticket)
    person = select(this.contact_id).where(this.number == NUMBER).scalar_subquery()
    others = select(other.id).where(other.contact_id == person).order_by(other.id.desc()).limit(EARLIER + 1).subquery()
    wanted = union_all(select(this.id).where(this.number == NUMBER), select(others.c.id)).subquery()
    return (
        select(Ticket, Contact, _reaches().label("reaches"), _ledger().label("ledger"))
        .outerjoin(Contact, Contact.id == Ticket.contact_id)
        .where(Ticket.id.in_(select(wanted.c.id)))
        .order_by((Ticket.number == NUMBER).desc(), Ticket.id.desc())
    )


NUMBER = bindparam("number", type_=Text)
#: put together once: that costs more than running it
TICKETS = _tickets()


INSTANTS = ("at", "until", "message_at", "contact_at")


def _line(said: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the ledger as `look` reads it from the table."""
    return {**said, **{name: datetime.fromisoformat(said[name]) for name in INSTANTS if said[name]}}


def _clocks(session: Session, ticket: Ticket, ledger: look.Ledger) -> Clocks:
    """As the ledger says them now; nothing stored is believed."""
    case = look.case_of(session, ticket, ledger, ())
    if case.pin is None:
        return Clocks()
    return replay(case.pin.target, case.pin.calendar, case.ledger, clock.now(session))


#: messages with their files beside what was sent, oldest first; deliveries without a message stand alone at the end
SAID = text("""
    SELECT m.id, m.at, m.public, m.author, m.author_name, m.agent_id, m.channel, m.text, m.language, m.automatic,
        (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'size', a.size, 'state', a.state) ORDER BY a.id)
            FROM attachment a WHERE a.message_id = m.id) AS files,
        d.id AS delivery, d.purpose, d.channel AS carrier, d.state, d.reason, d.detail, d.agent_id AS paged, d.created_at
    FROM (SELECT * FROM message WHERE ticket_id = :ticket ORDER BY id DESC LIMIT :most) m
    FULL JOIN (SELECT * FROM delivery WHERE ticket_id = :ticket ORDER BY id DESC LIMIT :most) d ON d.message_id = m.id
    ORDER BY m.id, d.id
""")

#: the ticket's events; opening the page is one of them, at most once an hour for each person
OPENED = text("""
    WITH opened AS (
        INSERT INTO event (kind, actor, ticket_id)
        SELECT 'person.opened', :actor, :ticket
        WHERE NOT EXISTS (
            SELECT FROM event WHERE ticket_id = :ticket AND kind = 'person.opened' AND actor = :actor
                AND at > helpdesk_now() - interval '1 hour')
    )
    SELECT id, kind, actor, at, data FROM event WHERE ticket_id = :ticket AND kind <> 'person.opened' ORDER BY id
""")
