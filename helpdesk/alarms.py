"""Operator alarms: kept until somebody confirms them. The same thing again is counted, not doubled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from helpdesk import history
from helpdesk.models import Alarm


def raise_alarm(session: Session, kind: str, subject: str, words: str) -> None:
    """`kind` is stable and for programs, `subject` names the one thing, `words` are for people (German)."""
    row = insert(Alarm).values(kind=kind, subject=subject, text=words)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=text("confirmed_at IS NULL"),
            set_={"count": Alarm.count + 1, "text": words},
        )
    )
    history.record(session, [history.Happened(kind="alarm", data={"alarm": kind, "subject": subject, "text": words})])


def unconfirmed(session: Session) -> Sequence[Alarm]:
    return session.scalars(select(Alarm).where(Alarm.confirmed_at.is_(None)).order_by(Alarm.id.desc())).all()
