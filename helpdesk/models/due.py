"""Future acts: rows with an instant, and nothing else. The worker claims what is due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy import text as literal_sql
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Key


class Due(Base):
    """`kind` look: ask the engine about this subject at `due_at`. One row per (kind, subject), moved, never doubled."""

    __tablename__ = "due"
    __table_args__ = (
        Index("uq_due", "kind", "subject_id", unique=True),
        Index("ix_due_due_at", "due_at", "rank"),  # worker: what is due; a pass with nothing due is one look-up
    )

    id: Mapped[Key]
    kind: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    rank: Mapped[int]  #: severity 1–4
    tries: Mapped[int] = mapped_column(server_default=literal_sql("0"))  #: failed looks in a row


class Alarm(Base):
    """Something operators must know; kept until somebody confirms it."""

    __tablename__ = "alarm"
    __table_args__ = (
        # one open alarm per thing, counted; list of open alarms
        Index("uq_alarm_open", "kind", "subject", unique=True, postgresql_where=literal_sql("confirmed_at IS NULL")),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    count: Mapped[int] = mapped_column(server_default=literal_sql("1"))
    raised_at: Mapped[datetime] = mapped_column(server_default=literal_sql("helpdesk_now()"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(BigInteger)


class Heartbeat(Base):
    """Last pass of each worker, in real database time; an outside watcher reads it through /metrics."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(server_default=literal_sql("now()"))


class RateLimit(Base):
    """Theoretical arrival time (GCRA) per key. UNLOGGED: may be lost with a crash, must be cheap."""

    __tablename__ = "rate_limit"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    key: Mapped[str] = mapped_column(primary_key=True)
    arrival_at: Mapped[datetime]
