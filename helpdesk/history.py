"""The append-only history: one Event for every change, and the one wake-up per transaction for whoever listens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from helpdesk.models import Event

#: channel of LISTEN/NOTIFY; a notification carries nothing, it only wakes
WAKE = "helpdesk"

#: appends `rows` of events, in their order; `look` makes it a part of its one statement
INSERT = """
    INSERT INTO event (kind, actor, ticket_id, data, team, agent_id)
    SELECT kind, actor, ticket_id, data, team, agent_id FROM jsonb_populate_recordset(NULL::event, CAST(:events AS jsonb))
"""
_INSERT = text(INSERT)


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One thing that happened. `data` holds words and ids for the timeline, never secrets."""

    kind: str
    actor: str = "system"
    ticket_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    team: str | None = None
    agent_id: int | None = None


def record(session: Session, happened: Sequence[Happened]) -> None:
    """Appends events, all in one statement."""
    if happened:
        session.execute(_INSERT, {"events": rows(happened)})


def rows(happened: Sequence[Happened]) -> str:
    """As JSON, the way several rows travel in one parameter."""
    return json.dumps([vars(one) for one in happened], ensure_ascii=False)


def wake(session: Session) -> None:
    """Wakes workers and open consoles at commit; PostgreSQL folds several of one transaction into one."""
    session.execute(text("SELECT pg_notify('helpdesk', '')"))


def of_ticket(session: Session, ticket_id: int) -> Sequence[Event]:
    return session.scalars(select(Event).where(Event.ticket_id == ticket_id).order_by(Event.id)).all()


#: (transaction id, event id): where a live stream stands
Cursor = tuple[int, int]

NEWEST = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
SINCE = text("""
    SELECT xid::text::bigint AS xid, id, ticket_id, kind, actor, team, agent_id FROM event
    WHERE (xid, id) > (CAST(CAST(:xid AS text) AS xid8), :id) AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY xid, id LIMIT :most
""")


def live_edge(session: Session) -> Cursor:
    """Where a stream that starts now begins: everything below is committed and visible."""
    return int(session.execute(NEWEST).scalar_one()) - 1, 2**62


def since(session: Session, cursor: Cursor, most: int = 500) -> Sequence[Row[Any]]:
    """Events after `cursor`, oldest first, without ever missing a late commit.

    Only transactions below the oldest running one are shown (PostgreSQL documentation, "Snapshots"): comparing ids alone
    loses events, since ids are drawn before, and in another order than, commits.
    """
    return session.execute(SINCE, {"xid": cursor[0], "id": cursor[1], "most": most}).all()
