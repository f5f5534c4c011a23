"""Messages and notes, their files, and the untouched originals they were read from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Computed, ForeignKey, Index, LargeBinary
from sqlalchemy import text as literal_sql
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from helpdesk.models.base import Base, Json, Key


class Inbound(Base):
    """The original as it came, stored before anything else. Its unique key makes intake idempotent."""

    __tablename__ = "inbound"
    __table_args__ = (
        Index("uq_inbound", "channel", "account", "external_id", unique=True),
        Index("ix_inbound_parked", "id", postgresql_where=literal_sql("state = 'parked'")),  # quarantine list, alarm
    )

    id: Mapped[Key]
    channel: Mapped[str]
    account: Mapped[str]
    external_id: Mapped[str]
    state: Mapped[str]  #: taken, parked
    why: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[Json] = mapped_column(server_default=literal_sql("'{}'"))
    received_at: Mapped[datetime]
    ticket_id: Mapped[int | None]  #: set when an original that made no message of its own belongs to a ticket


class Message(Base):
    """What was said. `public` messages are seen by the citizen; the others are internal notes."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_ticket_id", "ticket_id", "id"),  # timeline
        Index("ix_message_search", "search", postgresql_using="gin"),  # full text
        # a repeat of an original finds its receipt
        Index("ix_message_inbound_id", "inbound_id", postgresql_where=literal_sql("inbound_id IS NOT NULL")),
        # mail threading: In-Reply-To against Message-IDs, sent and received
        Index("ix_message_external_id", "external_id", postgresql_where=literal_sql("external_id IS NOT NULL")),
    )

    id: Mapped[Key]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    public: Mapped[bool]
    author: Mapped[str]  #: requester, agent, system
    author_name: Mapped[str]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[str]
    text: Mapped[str]
    language: Mapped[str | None]
    automatic: Mapped[bool] = mapped_column(server_default=literal_sql("false"))
    verified: Mapped[bool] = mapped_column(server_default=literal_sql("false"))
    external_id: Mapped[str | None]
    inbound_id: Mapped[int | None]
    search: Mapped[str] = deferred(
        mapped_column(TSVECTOR, Computed("to_tsvector('helpdesk_german', text)", persisted=True))
    )


class Attachment(Base):
    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_message_id", "message_id"),  # timeline
        Index(
            "ix_attachment_waiting", "id", postgresql_where=literal_sql("state = 'waiting'")
        ),  # worker: still at a provider
    )

    id: Mapped[Key]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str | None]  #: name of the stored bytes; none while they are still at the provider
    ref: Mapped[str | None]  #: how the channel finds them
    state: Mapped[str]  #: stored, waiting, too_large, failed
