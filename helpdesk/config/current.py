"""Database → records: what is in force now, in the same form that files are read into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Row, Table, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from helpdesk.config import people
from helpdesk.config.record import VERSIONED, Kind, Record, Ref, State
from helpdesk.config.shapes import CATEGORY, COMPONENT, ORGANISATION, PERSON, PORTAL, TEAM, Shape
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

#: keys inside `organisation.details` that belong to other records
PROVIDER: Final = "it_provider"
PORTAL_SOURCE: Final = "municipality_portal"


def load(session: Session) -> State:
    """Everything that configuration covers; one statement a table."""
    state: State = {}
    state.update(_districts(session))
    state.update(_organisations(session))
    state.update(_plain(session, Component, COMPONENT))
    state.update(_plain(session, Portal, PORTAL))
    state.update(_services(session))
    state.update(_plain(session, Category, CATEGORY))
    state.update(_plain(session, Team, TEAM))
    state.update(_people(session))
    state.update(_versions(session))
    return state


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _rows(session: Session, model: type[Base]) -> Iterator[Mapping[str, Any]]:
    return (dict(row) for row in session.execute(select(table_of(model))).mappings())


def _flat(row: Mapping[str, Any], shape: Shape) -> dict[str, object]:
    """Columns and details side by side, without empty ones and defaults."""
    merged = {**{key: value for key, value in row.items() if key != "details"}, **row.get("details", {})}
    return {
        key: value
        for key, value in merged.items()
        if key in shape.known and value is not None and (key not in shape.defaults or value != shape.defaults[key])
    }


def _plain(session: Session, model: type[Base], shape: Shape) -> Iterator[tuple[Ref, Record]]:
    return ((Ref(shape.kind, row["id"]), _flat(row, shape)) for row in _rows(session, model))


def _organisations(session: Session) -> Iterator[tuple[Ref, Record]]:
    """An organisation, and what is said about it in tables of their own."""
    for row in _rows(session, Organisation):
        yield Ref(Kind.ORGANISATION, row["id"]), _flat(row, ORGANISATION)
        if row["ags"] and row["portal"]:
            said = {"portal": row["portal"], **row["details"].get(PORTAL_SOURCE, {})}
            yield Ref(Kind.MUNICIPALITY_PORTAL, row["ags"]), said
        if PROVIDER in row["details"]:
            yield Ref(Kind.IT_PROVIDER, row["id"]), row["details"][PROVIDER]


def _districts(session: Session) -> Iterator[tuple[Ref, Record]]:
    for row in _rows(session, District):
        yield Ref(Kind.DISTRICT, row["code"]), {"name": row["name"], "region": row["region"]}
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for row in _rows(session, PostalCode):
        codes[row["ags"]].append(row["code"])
    for ags, found in codes.items():
        yield Ref(Kind.POSTAL_CODE, ags), {"codes": sorted(found)}


def _services(session: Session) -> Iterator[tuple[Ref, Record]]:
    for row in _rows(session, Service):
        keys = {key: row[key] for key in ("portal", "component", "ags") if row[key] is not None}
        yield Ref(Kind.SERVICE, "/".join(keys.values())), {**keys, "operator": row["operator"], **row["details"]}


def _people(session: Session) -> Iterator[tuple[Ref, Record]]:
    teams, points, grants = (_by_agent(session, model) for model in (Membership, ContactPoint, Grant))
    for row in _rows(session, Agent):
        record = _flat(row, PERSON)
        if row["id"] in teams:
            record["teams"] = people.in_order([people.membership(one) for one in teams[row["id"]]])
        if row["id"] in points:
            found = [{**one, "verified": one["verified_at"] is not None} for one in points[row["id"]]]
            record["contact_points"] = people.in_order([people.contact_point(one) for one in found])
        if row["id"] in grants:
            record["grants"] = people.in_order([people.grant(one) for one in grants[row["id"]]])
        yield Ref(Kind.PERSON, row["handle"]), record


def _by_agent(session: Session, model: type[Base]) -> dict[int, list[Mapping[str, Any]]]:
    found: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in _rows(session, model):
        found[row["agent_id"]].append(row)
    return dict(found)


def _versions(session: Session) -> Iterator[tuple[Ref, Record]]:
    newest: Iterator[Row[Any]] = iter(
        session.execute(
            select(Version.kind, Version.name, Version.content)
            .ext(distinct_on(Version.kind, Version.name))
            .where(Version.kind.in_(VERSIONED))
            .order_by(Version.kind, Version.name, Version.id.desc())
        )
    )
    return ((Ref(Kind(row.kind), row.name), row.content) for row in newest if row.content is not None)
