"""What must be sent, to whom, by which channel; and what providers reported of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Uuid
from sqlalchemy import text as literal_sql
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key


class Delivery(Base):
    """One message to one address. Only its state changes; state moves forward only, `failed` is final."""

    __tablename__ = "delivery"
    __table_args__ = (
        # worker: what is due, most important first; sending rows come back when their lease is over
        Index(
            "ix_delivery_due", "rank", "due_at", "id",
            postgresql_where=literal_sql("state IN ('pending', 'sending', 'uncertain') AND due_at IS NOT NULL"),
        ),
        Index("ix_delivery_ticket_id", "ticket_id", "id"),  # timeline: state of outgoing messages
        Index("ix_delivery_provider_id", "channel", "provider_id", postgresql_where=literal_sql("provider_id IS NOT NULL")),
        Index("uq_delivery_key", "key", unique=True),  # reports, idempotency at the provider
        # "ack 7" from a contact point
        Index("ix_delivery_reply_code", "channel", "to_value", "reply_code", postgresql_where=literal_sql("reply_code IS NOT NULL")),
        # one at a time per recipient
        Index("ix_delivery_recipient", "channel", "to_value", "id", postgresql_where=literal_sql("state IN ('pending', 'sending')")),
    )  # fmt: skip

    id: Mapped[Key]
    key: Mapped[uuid.UUID] = mapped_column(Uuid, server_default=literal_sql("gen_random_uuid()"))
    purpose: Mapped[str]  #: receipt, reply, page, hint, notice
    rank: Mapped[int]  #: 0 first S1 page … 9 notices; the worker sends in this order
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    agent_id: Mapped[int | None] = mapped_column(BigInteger)
    contact_point_id: Mapped[int | None] = mapped_column(BigInteger)
    channel: Mapped[str]
    to_kind: Mapped[str]
    to_value: Mapped[str]
    to_name: Mapped[str] = mapped_column(server_default=literal_sql("''"))
    subject: Mapped[str | None]
    text: Mapped[str]
    language: Mapped[str]
    thread: Mapped[Json] = mapped_column(server_default=literal_sql("'{}'"))
    automatic: Mapped[bool] = mapped_column(server_default=literal_sql("false"))
    state: Mapped[str] = mapped_column(server_default=literal_sql("'pending'"))
    attempt: Mapped[int] = mapped_column(server_default=literal_sql("0"))
    due_at: Mapped[datetime | None]  #: none = nothing left to do for the worker
    expires_at: Mapped[datetime]  #: given up after this
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None]  #: real database time
    provider_id: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    chain: Mapped[Json | None]  #: for a page: pass number and step it belongs to
    reply_code: Mapped[int | None]  #: for a page: the short number that answers it ("ack 7")
    created_at: Mapped[datetime] = mapped_column(server_default=literal_sql("helpdesk_now()"))
    sent_at: Mapped[datetime | None]


class DeliveryReportRow(Base):
    """The raw word of a provider about a delivery; kept, since reports come late, twice and out of order."""

    __tablename__ = "delivery_report"
    __table_args__ = (Index("uq_delivery_report", "channel", "report_id", unique=True),)

    id: Mapped[Key]
    channel: Mapped[str]
    report_id: Mapped[str]
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    provider_id: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(server_default=literal_sql("helpdesk_now()"))
