"""Who works here: teams, agents, how they are reached, what they may do, and how they are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key, NaturalKey


class Team(Base):
    __tablename__ = "team"

    id: Mapped[NaturalKey]
    name: Mapped[str]
    level: Mapped[str]  #: support level: L1, L2-technik, L2-fachlich, Sicherheit, …
    organisation: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))


class Agent(Base):
    """Anybody with an account: agents, shift leads, coordinators, people of partners and municipalities."""

    __tablename__ = "agent"

    id: Mapped[Key]
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)  #: sign-in name, lower case
    handle: Mapped[str] = mapped_column(unique=True)  #: how rotas and policies name this person
    password_hash: Mapped[str | None]  #: argon2id
    organisation: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    language: Mapped[str] = mapped_column(server_default=text("'de'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    settings: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))


class Membership(Base):
    __tablename__ = "membership"

    team: Mapped[str] = mapped_column(ForeignKey("team.id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    skills: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class ContactPoint(Base):
    """How one person is reached when paged. Only verified and enabled ones are used."""

    __tablename__ = "contact_point"
    __table_args__ = (Index("uq_contact_point", "agent_id", "kind", "value", unique=True),)

    id: Mapped[Key]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    kind: Mapped[str]  #: address kind of a channel: email, telegram, phone
    value: Mapped[str]
    verified_at: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class PagingRule(Base):
    """One line of a person's own rules: for these severities, this contact point, after this delay."""

    __tablename__ = "paging_rule"
    __table_args__ = (Index("uq_paging_rule", "agent_id", "position", unique=True),)

    id: Mapped[Key]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    position: Mapped[int]
    severities: Mapped[list[str]]
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id", ondelete="CASCADE"))
    delay_seconds: Mapped[int] = mapped_column(server_default=text("0"))


class Grant(Base):
    """A right: a role, narrowed to a portal, an organisation or a municipality. Empty narrowing = all."""

    __tablename__ = "grant"
    __table_args__ = (
        Index(
            "uq_grant", "agent_id", "role", "portal", "organisation", "ags",
            unique=True, postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    id: Mapped[Key]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    role: Mapped[str]  #: agent, lead, coordinator, partner, reporter, admin
    portal: Mapped[str | None] = mapped_column(ForeignKey("portal.id"))
    organisation: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    ags: Mapped[str | None]


class Token(Base):
    """A bearer token of another system. The token itself is shown once; here is its SHA-256."""

    __tablename__ = "token"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]  #: agent, reporter, admin
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    portal: Mapped[str | None] = mapped_column(ForeignKey("portal.id"))
    organisation: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    ags: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser. The cookie holds the random id; here is its SHA-256. Real database time, not the test clock."""

    __tablename__ = "session"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    form_token: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
