"""The ticket, and the secret links that open it for the citizen."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, Sequence, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json

#: one sequence gives id and number; its value is drawn together with the intake row, so the engine can decide first
ticket_id = Sequence("ticket_id_seq", metadata=Base.metadata)


class TicketKind(StrEnum):
    INCIDENT = "incident"
    SERVICE_REQUEST = "service_request"
    QUESTION = "question"
    FEEDBACK = "feedback"
    SECURITY = "security"
    PRIVACY = "privacy"
    SPAM = "spam"


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


LIVE = text("status IN ('new', 'open', 'pending')")


class Ticket(Base):
    __tablename__ = "ticket"
    __table_args__ = (
        # queue, deadline first, keyset (next_due_at, id): the view "all open"
        Index("ix_ticket_live_due", text("coalesce(next_due_at, 'infinity')"), "id", postgresql_where=LIVE),
        # the same per team, per assignee and per portal
        Index("ix_ticket_team_due", "team", text("coalesce(next_due_at, 'infinity')"), "id", postgresql_where=LIVE),
        Index(
            "ix_ticket_assignee_due", "assignee_id", text("coalesce(next_due_at, 'infinity')"), "id",
            postgresql_where=LIVE,
        ),
        Index("ix_ticket_portal_due", "portal", text("coalesce(next_due_at, 'infinity')"), "id", postgresql_where=LIVE),
        # queue by arrival, newest first
        Index("ix_ticket_live_opened", "opened_at", "id", postgresql_where=LIVE),
        # solved lists and all lists by status
        Index("ix_ticket_status_opened", "status", "opened_at", "id"),
        # intake: open tickets of a contact; context pane: earlier ones
        Index("ix_ticket_contact_id", "contact_id", "id"),
        # intake: a chat or thread of a provider goes on
        Index("ix_ticket_thread", "thread", postgresql_where=text("thread IS NOT NULL")),
        # search: compounds and typos in subjects
        Index("ix_ticket_subject_trgm", "subject", postgresql_using="gin", postgresql_ops={"subject": "gin_trgm_ops"}),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(ticket_id, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  #: T-2026-048213
    token: Mapped[str] = mapped_column(unique=True)  #: opaque part of reply addresses; opens nothing by itself
    kind: Mapped[str]
    status: Mapped[str]
    subject: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str | None]  #: what keeps the conversation together at the provider: "telegram:42"
    language: Mapped[str]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    sender_role: Mapped[str]

    portal: Mapped[str | None] = mapped_column(ForeignKey("portal.id"))
    component: Mapped[str | None] = mapped_column(ForeignKey("component.id"))
    category: Mapped[str | None] = mapped_column(ForeignKey("category.id"))
    ags: Mapped[str | None]
    facts: Mapped[Json]  #: form, error code, case id, deadline, overrides …: what was said and what rules used

    impact: Mapped[str | None]
    urgency: Mapped[str | None]
    severity: Mapped[str]
    severity_computed: Mapped[str]
    severity_reason: Mapped[str]  #: the rule, or the agent's reason when set by hand
    severity_by_hand: Mapped[bool] = mapped_column(server_default=text("false"))

    team: Mapped[str | None] = mapped_column(ForeignKey("team.id"))
    level: Mapped[str | None]
    partner: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    route: Mapped[Json]  #: rule, reason, version, and the first failed condition of each earlier rule
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))

    policy: Mapped[str | None]
    chain: Mapped[Json | None]  #: state of the escalation chain (`escalation.policy.Chain`)
    link_round: Mapped[int] = mapped_column(server_default=text("1"))  #: goes up when secret links are revoked

    opened_at: Mapped[datetime]
    last_message_at: Mapped[datetime]
    last_author: Mapped[str]  #: requester or agent: whose turn it is
    pending_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    next_due_at: Mapped[datetime | None]  #: earliest running clock; what lists sort by
    next_clock: Mapped[str | None]
    next_warn_at: Mapped[datetime | None]  #: when the chip turns amber
    look_at: Mapped[datetime | None]
    changed: Mapped[int] = mapped_column(server_default=text("1"))  #: goes up with every verb; detects collisions


class SecretLink(Base):
    """A link that opens one ticket for one contact. 128 random bits; here is their SHA-256."""

    __tablename__ = "secret_link"
    __table_args__ = (Index("ix_secret_link_ticket_id", "ticket_id"),)  # revoking all links of a ticket

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
