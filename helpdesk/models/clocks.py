"""Promises: the ledger that is the truth, and the clocks derived from it that lists and alarms read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key


class ClockEvent(Base):
    """One line of a ticket's ledger, append-only: opened, message, paused, resumed, resolved, re-pinned …

    Pauses are the pairs of `paused` and `resumed` lines, kept as instants with the reason's stable id. Lines that pin
    (opened, repinned) name the versions of target and calendar, so the same list explains itself months later.
    """

    __tablename__ = "clock_event"
    __table_args__ = (Index("ix_clock_event_ticket_id", "ticket_id", "id"),)  # every look replays one ticket

    id: Mapped[Key]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str]
    by: Mapped[str | None]  #: requester, staff, owner
    message: Mapped[bool] = mapped_column(server_default=text("false"))
    then: Mapped[str | None]
    reason: Mapped[str | None]
    until: Mapped[datetime | None]
    message_at: Mapped[datetime | None]  #: which of our messages failed
    contact_at: Mapped[datetime | None]  #: opened by staff for somebody who waits: since when
    target_version: Mapped[int | None] = mapped_column(ForeignKey("version.id"))
    calendar_version: Mapped[int | None] = mapped_column(ForeignKey("version.id"))
    severity: Mapped[str | None]


class Clock(Base):
    """State of one clock as of the last look; derived from the ledger, so it may be rebuilt at any time."""

    __tablename__ = "clock"
    __table_args__ = (Index("uq_clock", "ticket_id", "kind", "round", unique=True),)

    id: Mapped[Key]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    kind: Mapped[str]
    round: Mapped[int]
    outcome: Mapped[str]
    started_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    used_seconds: Mapped[float | None]
    margin_seconds: Mapped[float | None]
    warned: Mapped[bool] = mapped_column(server_default=text("false"))  #: the warning was given, once
    breached: Mapped[bool] = mapped_column(server_default=text("false"))  #: the breach was recorded, once
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))
