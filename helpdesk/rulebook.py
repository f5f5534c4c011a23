"""The rulebook in force: what the configuration says, parsed once and kept until a newer version row appears."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from escalation.calendar import Calendar
from escalation.case import Person, Pin, Rulebook
from escalation.paging import ContactPoint, PersonalRule
from escalation.policy import Policy
from escalation.rota import Rota
from escalation.routing import RuleSet
from escalation.severity import Matrix, Severity
from escalation.sla import Target
from helpdesk import models


@dataclass(frozen=True, kw_only=True)
class Place:
    """A municipality or district, as routing and pages need it."""

    key: str  #: AGS (8 digits) or district code (5 digits)
    name: str
    district: str | None
    provider: str | None
    portal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """A person with an account."""

    id: int
    handle: str
    name: str
    active: bool
    teams: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A contact point with its address, for sending."""

    id: int
    agent_id: int
    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Names by id, and who runs what. Small enough to be held by every process."""

    portals: Mapping[str, str]
    portal_components: Mapping[str, tuple[str, ...]]
    components: Mapping[str, str]
    categories: Mapping[str, str]
    organisations: Mapping[str, str]
    teams: Mapping[str, str]
    places: Mapping[str, Place]
    postal_codes: Mapping[str, tuple[str, ...]]  #: by AGS
    operators: Mapping[tuple[str, str], str]  #: (portal, component) → organisation
    component_operators: Mapping[str, str]
    external_portals: frozenset[str]
    colleagues: Mapping[int, Colleague]
    points: Mapping[str, Point]  #: by id as text, as the engine names them

    def operator(self, portal: str | None, component: str | None) -> str | None:
        """Who operates this service, else this component (ENGINE §3)."""
        if component is None:
            return None
        return self.operators.get((portal or "", component)) or self.component_operators.get(component)


@dataclass(frozen=True, kw_only=True)
class Book:
    """One state of the configuration. `version` is the newest version row it knows."""

    version: int
    engine: Rulebook
    catalog: Catalog
    rota_names: Mapping[str, str]


class Shelf:
    """The book in force and, for pinned promises, the older versions. One per process; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._book: Book | None = None
        self._pinned: dict[int, Mapping[str, Any]] = {}
        self._pins: dict[tuple[int, int], Pin] = {}

    def current(self, session: Session, newest: int | None = None) -> Book:
        """Asks for the newest version row unless the caller brings it along; reads anew only when it has moved."""
        if newest is None:
            newest = session.execute(NEWEST).scalar_one()
        book = self._book
        if book is not None and book.version == newest:
            return book
        with self._lock:
            if self._book is None or self._book.version != newest:
                self._book = read(session, newest)
            return self._book

    def pin(self, session: Session, target_version: int, calendar_version: int) -> Pin:
        """A pinned promise, also of a version long replaced. Versions never change, so it is kept."""
        key = (target_version, calendar_version)
        known = self._pins.get(key)
        if known is None:
            contents = {row.id: row.content for row in session.execute(PINNED, {"ids": list(key)})}
            known = self._pins[key] = Pin(
                target=Target.parse(contents[target_version]),
                calendar=Calendar.parse(contents[calendar_version]["calendar"]),
                target_version=target_version,
                calendar_version=calendar_version,
            )
        return known

    def remember(self, pins: Sequence[Pin]) -> None:
        for pin in pins:
            self._pins.setdefault((pin.target_version, pin.calendar_version), pin)


NEWEST = text("SELECT coalesce(max(id), 0) FROM version")
PINNED = text("SELECT id, content FROM version WHERE id = ANY(:ids)")
IN_FORCE = text("""
    SELECT DISTINCT ON (kind, name) id, kind, name, content FROM version
    WHERE id <= :newest ORDER BY kind, name, id DESC
""")


def read(session: Session, newest: int) -> Book:
    """Parses everything in force. Raises what the parsers raise: the configuration is checked before it is applied."""
    rows = [row for row in session.execute(IN_FORCE, {"newest": newest}) if row.content is not None]
    by_kind: dict[str, dict[str, Row[Any]]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, {})[row.name] = row
    catalog = _catalog(session)
    return Book(
        version=newest,
        engine=_engine(session, by_kind, catalog),
        catalog=catalog,
        rota_names={name: str(row.content.get("name", name)) for name, row in by_kind.get("rota", {}).items()},
    )


def _engine(session: Session, kinds: Mapping[str, Mapping[str, Row[Any]]], catalog: Catalog) -> Rulebook:
    calendars = {name: Calendar.parse(row.content["calendar"]) for name, row in kinds.get("calendar", {}).items()}
    calendar_ids = {name: row.id for name, row in kinds.get("calendar", {}).items()}
    pins = {
        name: Pin(
            target=Target.parse(row.content),
            calendar=calendars[row.content["calendar"]],
            target_version=row.id,
            calendar_version=calendar_ids[row.content["calendar"]],
        )
        for name, row in kinds.get("target", {}).items()
    }
    rules = kinds.get("rules", {}).get("routing")
    matrix = kinds.get("severity", {}).get("matrix")
    people = _people(session)
    return Rulebook(
        matrix=Matrix.parse(matrix.content if matrix else UNCONFIGURED_MATRIX),
        rules=RuleSet.parse(rules.content["rules"] if rules else UNCONFIGURED_RULES),
        rules_version=rules.id if rules else 0,
        pins=pins,
        calendars=calendars,
        policies={n: Policy.parse(row.content["policy"], calendars) for n, row in kinds.get("policy", {}).items()},
        rotas={n: Rota.parse(row.content["rota"]) for n, row in kinds.get("rota", {}).items()},
        people=people,
        teams=frozenset(catalog.teams),
        last_resort=_last_resort(session, people),
    )


#: before the first `config apply`: everything lands in the one queue of an unnamed team, with no promise
UNCONFIGURED_RULES: list[dict[str, object]] = [
    {"id": "alles", "name": "Alles", "when": {}, "then": {"team": "l1", "level": "L1"}}
]
UNCONFIGURED_MATRIX: dict[str, object] = {
    "matrix": {impact: dict.fromkeys(("hoch", "mittel", "niedrig"), "S3") for impact in ("land", "mehrere", "kommune", "einzeln")},
    "overrides": {
        "frist24h": "+1", "sicherheit_aktiv": "S2", "datenpanne": "S2", "bedrohung": "S2", "notlage": "S1"
    },
}  # fmt: skip


def _people(session: Session) -> dict[str, Person]:
    handles = {
        row.id: row.handle
        for row in session.execute(select(models.Agent.id, models.Agent.handle).where(models.Agent.active))
    }
    points: dict[int, list[ContactPoint]] = {}
    for point in session.scalars(select(models.ContactPoint).order_by(models.ContactPoint.id)):
        points.setdefault(point.agent_id, []).append(
            ContactPoint(
                id=str(point.id), kind=point.kind, verified=point.verified_at is not None, enabled=point.enabled
            )
        )
    rules: dict[int, list[PersonalRule]] = {}
    for rule in session.scalars(select(models.PagingRule).order_by(models.PagingRule.position)):
        rules.setdefault(rule.agent_id, []).append(_rule(rule))
    return {
        handle: Person(handle=handle, points=tuple(points.get(key, ())), rules=tuple(rules.get(key, ())))
        for key, handle in handles.items()
    }


def _rule(rule: models.PagingRule) -> PersonalRule:
    from_now = timedelta(seconds=rule.delay_seconds)
    return PersonalRule(
        severities=frozenset(Severity(s) for s in rule.severities),
        contact_point=str(rule.contact_point_id),
        delay=from_now,
    )


def _last_resort(session: Session, people: Mapping[str, Person]) -> str | None:
    """The catch-all contact: the first coordinator who can be reached, else the first lead."""
    rows = session.execute(
        select(models.Agent.handle, models.Grant.role)
        .join(models.Grant, models.Grant.agent_id == models.Agent.id)
        .where(models.Grant.role.in_(("coordinator", "lead")), models.Agent.active)
        .order_by(models.Grant.role, models.Agent.id)
    )
    reachable = [row.handle for row in rows if any(point.usable for point in people[row.handle].points)]
    return reachable[0] if reachable else None


def _catalog(session: Session) -> Catalog:
    portals = session.scalars(select(models.Portal).where(~models.Portal.retired).order_by(models.Portal.id)).all()
    components = session.scalars(select(models.Component).order_by(models.Component.id)).all()
    organisations = session.scalars(select(models.Organisation).order_by(models.Organisation.sort_key)).all()
    districts = {district.code: district for district in session.scalars(select(models.District))}
    return Catalog(
        portals={portal.id: portal.name for portal in portals},
        portal_components={portal.id: tuple(portal.components) for portal in portals},
        components={component.id: component.name for component in components},
        categories={c.id: c.name for c in session.scalars(select(models.Category).where(~models.Category.retired))},
        organisations={organisation.id: organisation.name for organisation in organisations},
        teams={team.id: team.name for team in session.scalars(select(models.Team).where(~models.Team.retired))},
        places={
            **{
                d.code: Place(key=d.code, name=d.name, district=d.code, provider=d.provider) for d in districts.values()
            },
            **{o.ags: _place(o, districts) for o in organisations if o.ags is not None},
        },
        postal_codes=_postal_codes(session),
        operators={
            (s.portal, s.component): s.operator for s in session.scalars(select(models.Service)) if s.ags is None
        },
        component_operators={component.id: component.operator for component in components},
        external_portals=frozenset(portal.id for portal in portals if portal.kind == "external"),
        colleagues=_colleagues(session),
        points={
            str(point.id): Point(id=point.id, agent_id=point.agent_id, kind=point.kind, value=point.value)
            for point in session.scalars(select(models.ContactPoint))
        },
    )


def _place(organisation: models.Organisation, districts: Mapping[str, models.District]) -> Place:
    district = districts.get(organisation.district or "")
    return Place(
        key=organisation.ags or "",
        name=organisation.name,
        district=organisation.district,
        provider=district.provider if district else None,
        portal=organisation.portal,
    )


def _postal_codes(session: Session) -> dict[str, tuple[str, ...]]:
    codes: dict[str, list[str]] = {}
    for row in session.execute(select(models.PostalCode.ags, models.PostalCode.code).order_by(models.PostalCode.code)):
        codes.setdefault(row.ags, []).append(row.code)
    return {ags: tuple(found) for ags, found in codes.items()}


def _colleagues(session: Session) -> dict[int, Colleague]:
    teams: dict[int, set[str]] = {}
    for row in session.execute(select(models.Membership.agent_id, models.Membership.team)):
        teams.setdefault(row.agent_id, set()).add(row.team)
    return {
        agent.id: Colleague(
            id=agent.id,
            handle=agent.handle,
            name=agent.name,
            active=agent.active,
            teams=frozenset(teams.get(agent.id, ())),
        )
        for agent in session.scalars(select(models.Agent).order_by(models.Agent.name))
    }
