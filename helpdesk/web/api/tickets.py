"""Reading: lists, one ticket, search. What a token may not see looks as if it did not exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from helpdesk import access, queues
from helpdesk.access import Visitor
from helpdesk.context import book
from helpdesk.errors import NotFound
from helpdesk.models import Message, Ticket
from helpdesk.queues import Wanted
from helpdesk.web.api.layer import Call
from helpdesk.web.api.opening import stored_clocks
from helpdesk.web.api.shapes import (
    MessageOut,
    SearchQuery,
    TicketHits,
    TicketListed,
    TicketPage,
    TicketsQuery,
    TicketWhole,
)

NUMBER = re.compile(r"T-\d{4}-\d{6,12}", re.ASCII)


def listed(session: Session, call: Call) -> TicketPage:
    asked = call.sent(TicketsQuery)
    page = queues.page(session, call.visitor, Wanted(**asked.model_dump()))
    return TicketPage(tickets=[_row(row, call.visitor) for row in page.rows], next_cursor=page.next_cursor)


def search(session: Session, call: Call) -> TicketHits:
    asked = call.sent(SearchQuery)
    found = queues.search(session, call.visitor, asked.q, asked.limit)
    return TicketHits(tickets=[_row(row, call.visitor) for row in found])


def _row(row: RowMapping, visitor: Visitor) -> TicketListed:
    return TicketListed(municipality=row["ags"], **{**row, "assignee": _colleague(row["assignee"], visitor)})


def _colleague(name: str | None, visitor: Visitor) -> str | None:
    """Names of our people are for our people."""
    return name if visitor.has(*access.WORKING) else None


def number_in(path: Mapping[str, str]) -> str:
    """The ticket number of the address. Raises `NotFound` for what cannot be one."""
    if not NUMBER.fullmatch(path["number"]):
        raise NotFound("Dieses Ticket gibt es nicht.")
    return path["number"]


def whole(session: Session, call: Call) -> TicketWhole:
    rows = select(Ticket).where(Ticket.number == number_in(call.path), access.visible(call.visitor))
    ticket = session.scalars(rows).one_or_none()
    if ticket is None:
        raise NotFound("Dieses Ticket gibt es nicht.")
    inside = call.visitor.has(*access.WORKING)
    return TicketWhole(
        **_facts(ticket),
        municipality=ticket.ags,
        assignee=assignee_of(session, ticket) if inside else None,
        external_id=ticket.facts.get("external_id"),
        route_reason=ticket.route.get("reason") if inside else None,
        clocks=stored_clocks(session, ticket.id),
        messages=_messages(session, ticket.id, notes=inside),
    )


#: names that answer and table share
SHARED = tuple(name for name in TicketWhole.model_fields if name in Ticket.__table__.columns)


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in SHARED}


def assignee_of(session: Session, ticket: Ticket) -> str | None:
    return name_of(session, ticket.assignee_id)


def name_of(session: Session, agent_id: int | None) -> str | None:
    if agent_id is None:
        return None
    colleague = book(session).catalog.colleagues.get(agent_id)
    return colleague.name if colleague else None


def _messages(session: Session, ticket_id: int, *, notes: bool) -> list[MessageOut]:
    columns = [getattr(Message, name) for name in MessageOut.model_fields]
    rows = select(*columns).where(Message.ticket_id == ticket_id).order_by(Message.id)
    if not notes:
        rows = rows.where(Message.public)
    return [MessageOut(**row) for row in session.execute(rows).mappings()]
