"""Calendars, targets, rules, policies, rotas and the severity matrix, as immutable versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key


class Version(Base):
    """One version of one piece of configuration that the engine reads; the newest of its (kind, name) is in force.

    Never updated. Removing something writes a version with `content` null. A ticket pins the ids it started with.
    """

    __tablename__ = "version"
    __table_args__ = (Index("ix_version_newest", "kind", "name", "id"),)  # rulebook: the newest of each

    id: Mapped[Key]
    kind: Mapped[str]  #: calendar, target, severity, rules, policy, rota, statutory, languages
    name: Mapped[str]
    content: Mapped[Json | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))
    created_by: Mapped[str]
