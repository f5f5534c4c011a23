"""Records → rows: what each table would hold for a state. Comparing two such pictures gives the rows to write."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

from helpdesk.config.current import PORTAL_SOURCE, PROVIDER
from helpdesk.config.din5007 import sort_key
from helpdesk.config.record import Kind, Record, Ref, State, tables, texts
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
)

Row = dict[str, Any]
#: rows by what makes them one: the key of the table, with a person's handle in place of the number
Rows = dict[Hashable, Row]

#: in the order in which rows may be written: what is referred to comes first
CATALOG: Final[tuple[type[Base], ...]] = (
    District, Organisation, PostalCode, Component, Portal, Service, Category, Team,
)  # fmt: skip
PEOPLE: Final[tuple[type[Base], ...]] = (Agent, Membership, ContactPoint, Grant)


def rows(state: State) -> dict[type[Base], Rows]:
    found: dict[type[Base], Rows] = {model: {} for model in (*CATALOG, *PEOPLE)}
    providers = _providers(state)
    for ref, record in state.items():
        match ref.kind:
            case Kind.DISTRICT:
                found[District][ref.name] = {"code": ref.name, **record, "provider": providers.get(ref.name)}
            case Kind.ORGANISATION:
                found[Organisation][ref.name] = _organisation(ref.name, record, state)
            case Kind.POSTAL_CODE:
                for code in texts(record, "codes"):
                    found[PostalCode][code, ref.name] = {"code": code, "ags": ref.name}
            case Kind.SERVICE:
                found[Service][ref.name] = _split(record, ("portal", "component", "ags", "operator"))
            case Kind.PERSON:
                _person(ref.name, record, found)
            case kind if kind in SIMPLE:
                model, columns = SIMPLE[kind]
                found[model][ref.name] = {"id": ref.name, **_split(record, columns)}
                if kind is Kind.CATEGORY:
                    del found[model][ref.name]["details"]
            case _:
                pass  # versions
    return found


SIMPLE: Final[Mapping[Kind, tuple[type[Base], tuple[str, ...]]]] = {
    Kind.COMPONENT: (
        Component,
        ("name", "operator", "service_class", "central", "external", "lifecycle", "successor", "retired"),
    ),
    Kind.PORTAL: (Portal, ("name", "kind", "owner", "host_pattern", "components", "retired")),
    Kind.CATEGORY: (Category, ("name", "retired")),
    Kind.TEAM: (Team, ("name", "level", "organisation", "retired")),
}
#: what a column holds when the record does not say
ABSENT: Final[Mapping[str, object]] = {"retired": False, "external": False, "lifecycle": "live", "components": []}


def _split(record: Record, columns: tuple[str, ...]) -> Row:
    """The columns, and everything else as details."""
    row: Row = {column: record.get(column, ABSENT.get(column)) for column in columns}
    row["details"] = {key: value for key, value in record.items() if key not in columns}
    return row


def _organisation(name: str, record: Record, state: State) -> Row:
    columns = ("name", "kind", "retired", "ags", "ars", "official_name", "district", "population")
    row = _split(record, columns)
    row |= {"id": name, "sort_key": sort_key(str(record["name"])), "portal": None}
    used = state.get(Ref(Kind.MUNICIPALITY_PORTAL, str(record.get("ags"))))
    if used:
        row["portal"] = used["portal"]
        row["details"][PORTAL_SOURCE] = {key: value for key, value in used.items() if key != "portal"}
    provider = state.get(Ref(Kind.IT_PROVIDER, name))
    if provider:
        row["details"][PROVIDER] = dict(provider)
    return row


def _providers(state: State) -> dict[str, str]:
    """District → organisation that serves it."""
    served = ((ref.name, record) for ref, record in state.items() if ref.kind is Kind.IT_PROVIDER)
    return {code: name for name, record in served for code in texts(record, "district_codes")}


def _person(handle: str, record: Record, found: dict[type[Base], Rows]) -> None:
    found[Agent][handle] = {
        "handle": handle,
        "name": record["name"],
        "email": record["email"],
        "organisation": record.get("organisation"),
        "language": record.get("language", "de"),
        "active": record.get("active", True),
    }
    for one in tables(record, "teams"):
        found[Membership][handle, one["team"]] = {"team": one["team"], "skills": texts(one, "skills")}
    for one in tables(record, "contact_points"):
        found[ContactPoint][handle, one["kind"], one["value"]] = {
            "kind": one["kind"],
            "value": one["value"],
            "verified": one.get("verified", False),
            "enabled": one.get("enabled", True),
        }
    for one in tables(record, "grants"):
        row = {key: one.get(key) for key in ("role", "portal", "organisation", "ags")}
        found[Grant][handle, *row.values()] = row
