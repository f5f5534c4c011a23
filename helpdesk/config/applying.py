"""Writing a plan: inside the caller's transaction, in batches, nothing for what is the same already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlalchemy import Text, cast, delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from helpdesk import clock
from helpdesk.config import audit
from helpdesk.config.checking import check
from helpdesk.config.coverage import warnings
from helpdesk.config.current import load, table_of
from helpdesk.config.difference import Plan, after, compare
from helpdesk.config.reading import read
from helpdesk.config.record import VERSIONED, State
from helpdesk.config.rows import CATALOG, PEOPLE, Row, Rows, rows
from helpdesk.holidays import years_filled_in
from helpdesk.models import (
    Agent,
    Base,
    Category,
    Component,
    ContactPoint,
    District,
    Grant,
    Membership,
    Organisation,
    Portal,
    PostalCode,
    Service,
    Team,
    Version,
)

#: key of the transaction lock that lets one configuration after the other be applied
CONFIG_LOCK: Final = 7_240_116
#: columns by which a row is found again
KEYS: Final[dict[type[Base], tuple[str, ...]]] = {
    District: ("code",),
    Organisation: ("id",),
    PostalCode: ("code", "ags"),
    Component: ("id",),
    Portal: ("id",),
    Service: ("portal", "component", "ags"),
    Category: ("id",),
    Team: ("id",),
    Agent: ("handle",),
    Membership: ("team", "agent_id"),
    ContactPoint: ("agent_id", "kind", "value"),
    Grant: ("agent_id", "role", "portal", "organisation", "ags"),
}


def plan(session: Session, source: Path) -> Plan:
    """What applying this TOML file or folder would change. Raises `Contradictions`; writes nothing."""
    return _planned(session, source)[2]


def apply(session: Session, source: Path, by: str) -> Plan:
    """Puts the files in force and tells what that changed; `by` is kept with the versions. Does not commit.

    Applied twice, the second time changes nothing. Raises `Contradictions` before anything is written.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CONFIG_LOCK})
    old, new, plan = _planned(session, source)
    if plan:
        _write(session, old, new, plan, by)
        audit.leave(session, plan, by)
    return plan


def _planned(session: Session, source: Path) -> tuple[State, State, Plan]:
    now = clock.now(session)
    entries = read(source, years_filled_in(now.date()))
    old = load(session)
    new = after(old, entries)
    check(old, new, entries)
    plan = compare(old, new)
    return old, new, replace(plan, warnings=warnings(plan, new, now))


def _write(session: Session, old: State, new: State, plan: Plan, by: str) -> None:
    before, wanted = rows(old), rows(new)
    catalog = [_write_table(session, model, before[model], wanted[model]) for model in CATALOG]
    people = _write_people(
        session, {model: before[model] for model in PEOPLE}, {model: wanted[model] for model in PEOPLE}
    )
    versions: list[Row] = [
        {"kind": change.kind, "name": change.name, "content": change.after, "created_by": by}
        for change in plan.changes
        if change.kind in VERSIONED
    ]
    # processes read the catalogue and the people again when the newest version moves
    if people or any(catalog):
        versions.append({"kind": "catalog", "name": "catalog", "content": {}, "created_by": by})
    if people:
        versions.append({"kind": "people", "name": "people", "content": {}, "created_by": by})
    if versions:
        session.execute(insert(table_of(Version)), versions)


def _write_table(session: Session, model: type[Base], before: Rows, wanted: Rows) -> bool:
    """Upserts what differs, deletes what is not wanted any more; whether there was anything to do."""
    went = [row for key, row in before.items() if key not in wanted]
    came = [row for key, row in wanted.items() if before.get(key) != row]
    _delete(session, model, went)
    _upsert(session, model, came)
    return bool(went or came)


def _upsert(session: Session, model: type[Base], came: list[Row]) -> None:
    if not came:
        return
    statement = upsert(table_of(model))
    changed = {column: statement.excluded[column] for column in came[0] if column not in KEYS[model]}
    if changed:
        session.execute(statement.on_conflict_do_update(index_elements=KEYS[model], set_=changed), came)
    else:
        session.execute(statement.on_conflict_do_nothing(index_elements=KEYS[model]), came)


def _delete(session: Session, model: type[Base], went: list[Row]) -> None:
    """Keys may hold NULL (a service of no municipality), which equals nothing in SQL: so compared as text."""
    if not went:
        return
    columns = [func.coalesce(cast(table_of(model).c[key], Text), "") for key in KEYS[model]]
    keys = [tuple("" if row[key] is None else str(row[key]) for key in KEYS[model]) for row in went]
    session.execute(delete(table_of(model)).where(tuple_(*columns).in_(keys)))


def _write_people(session: Session, before: dict[type[Base], Rows], wanted: dict[type[Base], Rows]) -> bool:
    if before == wanted:
        return False
    changed = [row for handle, row in wanted[Agent].items() if before[Agent].get(handle) != row]
    _free_addresses(session, before[Agent], changed)
    _upsert(session, Agent, changed)
    ids = {row.handle: row.id for row in session.execute(select(Agent.handle, Agent.id))}
    for model in (Membership, Grant):
        _write_table(session, model, _numbered(before[model], ids), _numbered(wanted[model], ids))
    _write_contact_points(session, _numbered(before[ContactPoint], ids), _numbered(wanted[ContactPoint], ids))
    return True


def _free_addresses(session: Session, before: Rows, changed: Iterable[Row]) -> None:
    """Two people may trade addresses in one go: the old ones step aside first, since each is unique at any moment."""
    moving = [
        row["handle"] for row in changed if row["handle"] in before and before[row["handle"]]["email"] != row["email"]
    ]
    if moving:
        session.execute(update(Agent).where(Agent.handle.in_(moving)).values(email=func.concat("~", Agent.handle)))


def _numbered(rows: Rows, ids: dict[str, int]) -> Rows:
    """Rows of a person's lists with the number in place of the handle (first part of the key)."""
    found: Rows = {}
    for key, row in rows.items():
        assert isinstance(key, tuple)
        found[key] = {"agent_id": ids[key[0]], **row}
    return found


def _write_contact_points(session: Session, before: Rows, wanted: Rows) -> None:
    """A point that stays keeps the instant at which it was verified."""
    _delete(session, ContactPoint, [row for key, row in before.items() if key not in wanted])
    came = [row for key, row in wanted.items() if before.get(key) != row]
    for verified in (True, False):
        points = [{k: v for k, v in row.items() if k != "verified"} for row in came if row["verified"] is verified]
        if points:
            statement = upsert(table_of(ContactPoint)).values(verified_at=func.helpdesk_now() if verified else None)
            kept = func.coalesce(ContactPoint.verified_at, statement.excluded.verified_at) if verified else None
            changes = {"enabled": statement.excluded.enabled, "verified_at": kept}
            session.execute(statement.on_conflict_do_update(index_elements=KEYS[ContactPoint], set_=changes), points)
