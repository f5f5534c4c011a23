"""Who changed the rules: one Event for each configuration that was put in force."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from helpdesk import history
from helpdesk.config.difference import Action, Change, Plan
from helpdesk.config.record import Kind, tables

APPLIED: Final = "config.applied"
#: so many changes are named; of a first filling with its 396 municipalities the counts say enough
NAMED: Final = 200


def leave(session: Session, plan: Plan, by: str) -> None:
    """What changed by name, and the rights that people have now; texts of the files are in the versions."""
    data: dict[str, Any] = {
        "counts": {action.value: plan.count(action) for action in Action},
        "changes": [f"{change.action} {change.kind} {change.name}" for change in plan.changes[:NAMED]],
    }
    rights = {change.name: _rights(change) for change in plan.changes if _changes_rights(change)}
    if rights:
        data["grants"] = rights
    history.record(session, [history.Happened(kind=APPLIED, actor=by, data=data)])


def _changes_rights(change: Change) -> bool:
    return change.kind is Kind.PERSON and (change.before or {}).get("grants") != (change.after or {}).get("grants")


def _rights(change: Change) -> list[dict[str, object]]:
    return [dict(grant) for grant in tables(change.after or {}, "grants")]
