"""What happened, who did it, when. Append-only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import BIGINT
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from helpdesk.models.base import Base, Json, Key


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id; orders the live cursor so that no late commit is missed."""

    cache_ok = True

    def get_col_spec(self, **kw: object) -> str:
        return "xid8"


class Event(Base):
    """Only an audit of the ticket's life: never updated, never deleted but by retention."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_ticket_id", "ticket_id", "id"),  # timeline
        Index("ix_event_cursor", "xid", "id"),  # live streams
    )

    id: Mapped[Key]
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    ticket_id: Mapped[int | None] = mapped_column(
        BIGINT
    )  # no foreign key: events outlive tickets, and may be partitioned
    kind: Mapped[str]
    actor: Mapped[str]  #: agent:7, requester, system, token:name
    at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))
    data: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    team: Mapped[str | None]
    agent_id: Mapped[int | None] = mapped_column(BigInteger)
