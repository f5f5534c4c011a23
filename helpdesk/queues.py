"""Lists of tickets: what is due next stands first. A page costs what it shows, never what is stored.

Keyset pages over the partial indexes of `ticket`: the cursor is the last row's place in the order.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from helpdesk import access
from helpdesk.access import Right, Visitor
from helpdesk.errors import BadInput
from helpdesk.models import Agent, Contact, Message, Ticket
from helpdesk.tickets import SYSTEM

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
LIVE = ("new", "open", "pending")


class View(StrEnum):
    """The fixed views of the console."""

    MINE = "mine"
    ALL = "all"
    UNASSIGNED = "unassigned"
    AT_RISK = "at_risk"
    WAITING = "waiting"
    MUNICIPALITIES = "municipalities"
    DONE = "done"


class Sort(StrEnum):
    DUE = "due"
    CREATED = "created"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a list is asked for. None = any."""

    view: View = View.ALL
    portal: str | None = None
    severity: str | None = None
    team: str | None = None
    status: str | None = None
    sort: Sort = Sort.DUE
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: Sequence[RowMapping]
    next_cursor: str | None


#: literal, so that the partial indexes of live tickets serve it
IS_LIVE: ColumnElement[bool] = literal_column("ticket.status IN ('new', 'open', 'pending')", Boolean())
DUE = func.coalesce(Ticket.next_due_at, text("'infinity'"))
COLUMNS = (
    Ticket.id, Ticket.number, Ticket.subject, Ticket.status, Ticket.severity, Ticket.channel, Ticket.portal, Ticket.component,
    Ticket.category, Ticket.ags, Ticket.team, Ticket.kind, Ticket.sender_role, Ticket.assignee_id, Ticket.opened_at, Ticket.last_message_at,
    Ticket.last_author, Ticket.next_due_at, Ticket.next_clock, Ticket.next_warn_at, Ticket.language, Ticket.acknowledged_at,
    Contact.name.label("contact"), Agent.name.label("assignee"),
)  # fmt: skip
#: built once: putting it together costs as much as running it
LISTED = (
    select(*COLUMNS)
    .outerjoin(Contact, Contact.id == Ticket.contact_id)
    .outerjoin(Agent, Agent.id == Ticket.assignee_id)
)


def page(session: Session, visitor: Visitor, wanted: Wanted) -> Page:
    """One page, in one statement."""
    rows = LISTED.where(access.visible(visitor), *_filters(visitor, wanted))
    descending = wanted.sort is Sort.CREATED or wanted.view is View.DONE
    order: list[Any] = [Ticket.opened_at, Ticket.id] if descending else [DUE, Ticket.id]
    if wanted.cursor:
        place = _place(wanted.cursor)
        rows = rows.where(tuple_(*order) < tuple_(*place) if descending else tuple_(*order) > tuple_(*place))
    rows = rows.order_by(*(column.desc() if descending else column.asc() for column in order))
    found = session.execute(rows.limit(wanted.limit + 1)).mappings().all()
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit
    return Page(rows=shown, next_cursor=_cursor(shown[-1], descending) if more and shown else None)


def _filters(visitor: Visitor, wanted: Wanted) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        filters.append(Ticket.status == wanted.status)
    elif wanted.view is View.DONE:
        filters.append(Ticket.status.in_(("resolved", "closed")))
    else:
        filters.append(IS_LIVE)
    filters += [
        column == value
        for column, value in ((Ticket.portal, wanted.portal), (Ticket.severity, wanted.severity), (Ticket.team, wanted.team))
        if value is not None
    ]  # fmt: skip
    return [*filters, _view(visitor, wanted.view)]


def _view(visitor: Visitor, view: View) -> ColumnElement[bool]:
    match view:
        case View.MINE:
            return Ticket.assignee_id == visitor.actor.id
        case View.UNASSIGNED:
            return Ticket.assignee_id.is_(None)
        case View.AT_RISK:
            return Ticket.next_warn_at <= func.helpdesk_now()
        case View.WAITING:
            return Ticket.status == "pending"
        case View.MUNICIPALITIES:
            return Ticket.sender_role == "municipality"
        case _:
            return true()


def _cursor(row: RowMapping, descending: bool) -> str:
    at = row["opened_at"] if descending else row["next_due_at"]
    raw = json.dumps([at.isoformat() if at else None, row["id"]])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[ColumnElement[Any], ColumnElement[int]]:
    try:
        at, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        instant: ColumnElement[Any] = literal(datetime.fromisoformat(at)) if at else text("'infinity'::timestamptz")  # type: ignore[assignment]
        return instant, literal(int(key))
    except (ValueError, TypeError, OverflowError):
        raise BadInput("Diese Stelle der Liste gibt es nicht mehr.", field="cursor") from None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers beside the views; counted up to `MOST`, beyond that "mehr als"."""

    views: dict[str, int]
    portals: dict[str, int]
    overdue: int


MOST = 1000


def counts(session: Session, visitor: Visitor) -> Counts:
    """Numbers for the views, in one statement over at most `MOST` tickets that are due next."""
    row = session.execute(_counting(visitor.rights, visitor.teams), {"me": visitor.actor.id}).one()
    names = [name for name in row.portals.split("|") if name]
    return Counts(
        views={
            name: getattr(row, name) for name in ("all", "mine", "unassigned", "at_risk", "waiting", "municipalities")
        },
        portals={name: names.count(name) for name in dict.fromkeys(names)},
        overdue=row.overdue,
    )


@lru_cache(maxsize=256)
def _counting(rights: tuple[Right, ...], teams: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Kept for each kind of visitor: putting it together costs three times as much as running it."""
    visitor = Visitor(actor=SYSTEM, rights=rights, teams=teams)
    columns = (
        Ticket.status, Ticket.assignee_id, Ticket.portal, Ticket.sender_role, Ticket.next_due_at, Ticket.next_warn_at,
    )  # fmt: skip
    next_due = select(*columns).where(access.visible(visitor), IS_LIVE).order_by(DUE, Ticket.id).limit(MOST)
    due, now = next_due.subquery(), func.helpdesk_now()
    return select(
        func.count().label("all"),
        func.count().filter(due.c.assignee_id == bindparam("me")).label("mine"),
        func.count().filter(due.c.assignee_id.is_(None)).label("unassigned"),
        func.count().filter(due.c.next_warn_at <= now).label("at_risk"),
        func.count().filter(due.c.status == "pending").label("waiting"),
        func.count().filter(due.c.sender_role == "municipality").label("municipalities"),
        func.count().filter(due.c.next_due_at < now).label("overdue"),
        func.coalesce(func.string_agg(func.coalesce(due.c.portal, ""), "|"), "").label("portals"),
    )


def search(session: Session, visitor: Visitor, words: str, limit: int = 20) -> Sequence[RowMapping]:
    """Tickets by number, by words of their messages (German stems, no accents), else by likeness of the subject.

    Newest first; full text and likeness each look at a bounded number of hits.
    """
    words = words.strip()[:200]
    if not words:
        return []
    if words.upper().startswith("T-"):
        return _listed(session, visitor, Ticket.number == words.upper(), limit)
    query = func.websearch_to_tsquery(text("'helpdesk_german'"), words)
    hits = select(Message.ticket_id).where(Message.search.op("@@")(query)).order_by(Message.id.desc()).limit(limit * 10)
    found = _listed(session, visitor, Ticket.id.in_(hits), limit)
    if found:
        return found
    return _listed(session, visitor, and_(Ticket.subject.op("%>")(words)), limit)


def _listed(session: Session, visitor: Visitor, where: ColumnElement[bool], limit: int) -> Sequence[RowMapping]:
    rows = LISTED.where(access.visible(visitor), or_(where)).order_by(Ticket.id.desc()).limit(limit)
    return session.execute(rows).mappings().all()
