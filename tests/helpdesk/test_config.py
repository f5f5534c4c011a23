"""Files and a real database: what is planned, what is written, and that the same files change nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, func, select, text
from sqlalchemy.orm import Session

from helpdesk import clock, config
from helpdesk.config import Action, Contradictions, Kind
from helpdesk.models import (
    Agent,
    Component,
    ContactPoint,
    District,
    Event,
    Grant,
    Membership,
    Organisation,
    Portal,
    PostalCode,
    Service,
    Version,
)
from tests.postgres import embedded_postgres

ROOT = Path(__file__).parents[2]
SEED = ROOT / "helpdesk" / "data" / "seed"
NEW_PORTAL = """
[[portal]]
id = "jugend-nrw"
name = "Jugendportal"
kind = "specialised_portal"
owner = "mags"
components = ["portal-basis", "formulare"]
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A migrated, empty database."""
    with embedded_postgres() as url:
        engine = create_engine(url)
        with engine.begin() as migrating:
            alembic = Config(toml_file=str(ROOT / "pyproject.toml"))
            alembic.attributes["connection"] = migrating
            command.upgrade(alembic, "head")
        with engine.connect() as connection:
            yield connection
        engine.dispose()


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    """One transaction, rolled back after the test."""
    with connection.begin() as transaction:
        with Session(connection, autoflush=False, expire_on_commit=False) as session:
            yield session
        transaction.rollback()


@pytest.fixture
def seeded(session: Session) -> Session:
    config.apply(session, SEED, by="seed")
    return session


def written(tmp_path: Path, toml: str) -> Path:
    path = tmp_path / "neu.toml"
    path.write_text(toml, encoding="utf-8")
    return path


def count(session: Session, model: type[Any], *where: Any) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def newest(session: Session) -> int:
    return session.scalar(select(func.max(Version.id))) or 0


def since(session: Session, version: int) -> Sequence[tuple[str, str]]:
    rows = session.execute(select(Version.kind, Version.name).where(Version.id > version).order_by(Version.id))
    return [(row.kind, row.name) for row in rows]


def contents(session: Session, kind: str, name: str) -> list[Any]:
    """All versions of one thing, oldest first."""
    return list(
        session.scalars(select(Version.content).where(Version.kind == kind, Version.name == name).order_by(Version.id))
    )


def test_the_seed_is_there_after_one_apply(seeded: Session) -> None:
    assert count(seeded, Organisation, Organisation.kind == "municipality", Organisation.ags.is_not(None)) == 396
    assert count(seeded, District) == 53
    assert count(seeded, PostalCode) == 872
    assert count(seeded, Portal) == 11
    assert count(seeded, Component) == 15
    assert count(seeded, Service) == 10
    assert ("catalog", "catalog") in since(seeded, 0)
    assert ("people", "people") in since(seeded, 0)


def test_applied_twice_the_second_time_changes_nothing(seeded: Session) -> None:
    before = newest(seeded)
    plan = config.apply(seeded, SEED, by="seed")
    assert not plan
    assert str(plan) == "Keine Änderung."
    assert since(seeded, before) == []


def test_the_seed_is_written_in_batches(session: Session) -> None:
    """396 municipalities and 872 postal codes cost a handful of statements, not a thousand."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        config.apply(session, SEED, by="seed")
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", note)
    assert len(statements) < 40


def test_a_plan_writes_nothing(seeded: Session, tmp_path: Path) -> None:
    before = newest(seeded)
    plan = config.plan(seeded, written(tmp_path, NEW_PORTAL))
    assert [(change.kind, change.name, change.action) for change in plan.changes] == [
        (Kind.PORTAL, "jugend-nrw", Action.ADD)
    ]
    assert seeded.get(Portal, "jugend-nrw") is None
    assert newest(seeded) == before


def test_a_new_portal_alone_touches_nothing_else(seeded: Session, tmp_path: Path) -> None:
    before = newest(seeded)
    config.apply(seeded, written(tmp_path, NEW_PORTAL), by="alex")
    portal = seeded.get_one(Portal, "jugend-nrw")
    assert (portal.owner, portal.components, portal.retired) == ("mags", ["portal-basis", "formulare"], False)
    assert count(seeded, Portal) == 12
    assert since(seeded, before) == [("catalog", "catalog")]


def test_a_refused_file_writes_nothing(seeded: Session, tmp_path: Path) -> None:
    before = newest(seeded)
    toml = NEW_PORTAL + '[target.S4]\ncalendar = "nie"\n'
    with pytest.raises(Contradictions, match=r"neu\.toml: target\.S4\.calendar: Kalender „nie“ gibt es nicht"):
        config.apply(seeded, written(tmp_path, toml), by="alex")
    assert seeded.get(Portal, "jugend-nrw") is None
    assert newest(seeded) == before


def test_a_changed_promise_is_a_new_version_and_the_old_one_stays(seeded: Session, tmp_path: Path) -> None:
    before = newest(seeded)
    toml = '[target.S4]\ncalendar = "kern"\nresponse_minutes = 300\n'
    config.apply(seeded, written(tmp_path, toml), by="alex")
    old, new = contents(seeded, "target", "S4")
    assert (old["response_minutes"], old["basis"]) == (600, "assumed")
    assert new == {"calendar": "kern", "response_minutes": 300}
    assert since(seeded, before) == [("target", "S4")]
    assert seeded.scalars(select(Version.created_by).where(Version.id > before)).all() == ["alex"]


def test_what_is_removed_leaves_an_empty_version_and_may_come_back(seeded: Session, tmp_path: Path) -> None:
    toml = '[target.S2.municipality]\ncalendar = "immer"\nresponse_minutes = 30\n'
    away = "[target.S2.municipality]\nremoved = true\n"
    plan = config.apply(seeded, written(tmp_path, away), by="alex")
    assert [(change.name, change.action) for change in plan.changes] == [("S2.municipality", Action.REMOVE)]
    with pytest.raises(Contradictions, match="das gibt es nicht"):
        config.apply(seeded, written(tmp_path, away), by="alex")
    config.apply(seeded, written(tmp_path, toml), by="alex")
    first, gone, again = contents(seeded, "target", "S2.municipality")
    assert first["response_minutes"] == again["response_minutes"] == 30
    assert gone is None


def test_a_version_holds_what_the_engine_reads(seeded: Session) -> None:
    [hotline] = contents(seeded, "calendar", "hotline")
    assert hotline["name"] == "Bürger-Hotline mit Abend und Wochenende"
    assert hotline["calendar"]["holiday_mode"] == "sunday_hours"
    assert hotline["calendar"]["week"]["sun"] == [["10:00", "20:00"]]
    assert "2026-11-01" in hotline["calendar"]["holidays"]
    [rota] = contents(seeded, "rota", "erste-linie")
    assert (rota["team"], rota["promised"]) == ("l1", "hotline")
    assert "2026-11-01" in rota["rota"]["holidays"]
    [severity] = contents(seeded, "severity", "matrix")
    assert severity["matrix"]["land"]["hoch"] == "S1"
    assert severity["overrides"]["notlage"] == "S1"
    [rules] = contents(seeded, "rules", "routing")
    assert "when" not in rules["rules"][-1]


def test_half_of_the_severity_rule_keeps_the_other_half(seeded: Session, tmp_path: Path) -> None:
    toml = '[severity_override]\nnotlage = "S1"\nsicherheit_aktiv = "S1"\ndatenpanne = "S2"\nbedrohung = "S2"\nfrist24h = "+1"\n'
    plan = config.apply(seeded, written(tmp_path, toml), by="alex")
    assert "overrides.sicherheit_aktiv: „S2“ → „S1“" in str(plan)
    old, new = contents(seeded, "severity", "matrix")
    assert old["matrix"] == new["matrix"]


def test_a_portal_goes_out_of_use_and_comes_back(seeded: Session, tmp_path: Path) -> None:
    plan = config.apply(seeded, written(tmp_path, '[[portal]]\nid = "open-nrw"\nretired = true\n'), by="alex")
    portal = seeded.get_one(Portal, "open-nrw")
    assert (portal.retired, portal.name) == (True, "Open.NRW")
    assert "− Portal open-nrw (Open.NRW)" in str(plan)
    config.apply(seeded, SEED, by="seed")
    seeded.refresh(portal)
    assert portal.retired is False


def test_a_service_goes_by_being_removed(seeded: Session, tmp_path: Path) -> None:
    toml = '[[service]]\nportal = "open-nrw"\ncomponent = "portal-basis"\nremoved = true\n'
    config.apply(seeded, written(tmp_path, toml), by="alex")
    assert count(seeded, Service, Service.portal == "open-nrw") == 0
    assert count(seeded, Service) == 9


def test_a_municipality_has_its_service_portal_provider_and_place_in_the_alphabet(
    seeded: Session, tmp_path: Path
) -> None:
    toml = '[[service]]\nportal = "kommunal-individuell"\ncomponent = "termin"\nags = "05111000"\noperator = "itk"\n'
    config.apply(seeded, written(tmp_path, toml), by="alex")
    assert count(seeded, Service, Service.ags == "05111000") == 1
    dormagen = seeded.get_one(Organisation, "ags-05162004")
    assert (dormagen.portal, dormagen.district, dormagen.kind) == ("kommunalportal-nrw", "05162", "municipality")
    assert seeded.get_one(District, "05162").provider == "itk"
    names = select(Organisation.name).where(Organisation.ags.is_not(None)).order_by(Organisation.sort_key)
    ordered = list(seeded.scalars(names))
    assert ordered.index("Uedem") - 1 == ordered.index("Übach-Palenberg")
    assert ordered[-1] == "Zülpich"


PERSON = '[[person]]\nhandle = "alex"\nname = "Alex Muster"\nemail = "agent@demo.example"\n'


def test_a_person_keeps_the_lists_that_a_file_does_not_say(seeded: Session, tmp_path: Path) -> None:
    before = newest(seeded)
    config.apply(seeded, written(tmp_path, PERSON + 'language = "en"\n'), by="sam")
    alex = seeded.scalars(select(Agent).where(Agent.handle == "alex")).one()
    assert alex.language == "en"
    assert count(seeded, Membership, Membership.agent_id == alex.id) == 1
    assert since(seeded, before) == [("catalog", "catalog"), ("people", "people")]


def test_a_list_that_is_said_is_the_whole_list(seeded: Session, tmp_path: Path) -> None:
    toml = PERSON + 'teams = ["l1", { team = "l2-technik", skills = ["epaybl"] }]\ngrants = []\n'
    plan = config.apply(seeded, written(tmp_path, toml), by="sam")
    assert "teams: + „l2-technik“" in str(plan)
    alex = seeded.scalars(select(Agent.id).where(Agent.handle == "alex")).one()
    teams = select(Membership.team, Membership.skills).where(Membership.agent_id == alex).order_by(Membership.team)
    assert [tuple(row) for row in seeded.execute(teams)] == [("l1", []), ("l2-technik", ["epaybl"])]
    assert count(seeded, Grant, Grant.agent_id == alex) == 0
    assert not config.apply(seeded, written(tmp_path, toml), by="sam")


def test_every_apply_leaves_an_event_that_names_the_rights(seeded: Session, tmp_path: Path) -> None:
    config.apply(seeded, written(tmp_path, PERSON + 'grants = [{ role = "lead", portal = "open-nrw" }]\n'), by="sam")
    config.apply(seeded, SEED / "portals.toml", by="sam")  # changes nothing, so leaves nothing
    first, last = seeded.scalars(select(Event).order_by(Event.id))
    assert (first.kind, first.actor, first.data["counts"]["change"]) == ("config.applied", "seed", 0)
    assert (last.kind, last.actor) == ("config.applied", "sam")
    assert last.data["changes"] == ["change person alex"]
    assert last.data["grants"] == {"alex": [{"role": "lead", "portal": "open-nrw"}]}


def test_a_contact_point_that_stays_keeps_when_it_was_verified(seeded: Session, tmp_path: Path) -> None:
    alex = seeded.scalars(select(Agent.id).where(Agent.handle == "alex")).one()
    point = seeded.scalars(select(ContactPoint).where(ContactPoint.agent_id == alex)).one()
    point.verified_at = datetime(2026, 1, 1, tzinfo=UTC)
    seeded.flush()
    mail = '{ kind = "email", value = "agent@demo.example", verified = true, enabled = false }'
    phone = '{ kind = "phone", value = "+491713920001" }'
    config.apply(seeded, written(tmp_path, PERSON + f"contact_points = [{mail}, {phone}]\n"), by="sam")
    seeded.expire_all()
    points = seeded.scalars(select(ContactPoint).where(ContactPoint.agent_id == alex).order_by(ContactPoint.kind))
    assert [(one.kind, one.enabled, one.verified_at) for one in points] == [
        ("email", False, datetime(2026, 1, 1, tzinfo=UTC)),
        ("phone", True, None),
    ]
    config.apply(seeded, written(tmp_path, PERSON + f"contact_points = [{phone}]\n"), by="sam")
    assert count(seeded, ContactPoint, ContactPoint.agent_id == alex) == 1


def test_two_people_may_trade_addresses(seeded: Session, tmp_path: Path) -> None:
    swapped = PERSON.replace("agent@", "lead@") + PERSON.replace("alex", "kim").replace("Alex Muster", "Kim Beispiel")
    config.apply(seeded, written(tmp_path, swapped), by="sam")
    emails = dict(tuple(row) for row in seeded.execute(select(Agent.handle, Agent.email)))
    assert (emails["alex"], emails["kim"]) == ("lead@demo.example", "agent@demo.example")


def test_the_next_year_brings_one_more_year_of_holidays(seeded: Session) -> None:
    clock.remember(seeded, datetime(2030, 1, 2, 8, tzinfo=UTC))
    plan = config.apply(seeded, SEED, by="seed")
    assert {change.kind for change in plan.changes} == {Kind.CALENDAR, Kind.ROTA}
    kern = contents(seeded, "calendar", "kern")[-1]
    assert kern["calendar"]["holidays"][-1] == "2035-12-26"
    assert kern["calendar"]["holidays"][0] == "2029-01-01"


def test_what_is_exported_and_applied_again_changes_nothing(seeded: Session, tmp_path: Path) -> None:
    toml = """
[calendar.karneval]
name = "Amt in Köln"
source = "Hausmitteilung"
mon = [["08:00", "12:00"], ["13:00", "16:00"]]
without_holidays = ["2026-06-04"]
extra_holidays = ["2027-02-08"]
overrides = { 2026-12-24 = [["08:00", "12:00"]], 2026-12-31 = [] }
[calendar.bayern]
name = "München"
land = "BY"
timezone = "Europe/Vienna"
tue = [["00:00", "24:00"]]
[target.S3.municipality]
calendar = "karneval"
response_minutes = 60
warn_percents = [50, 90]
[target.S2.municipality]
removed = true
[rota.sonder]
name = "Sonderdienst"
team = "l1"
promised = "kern"
holidays = ["2026-12-24"]
layers = [{ target = { user = "alex" }, windows = [{ from = "FR 21:00", to = "MO 07:00" }] }]
[policy.nachts]
name = "Nachts"
repeat = "endless"
steps = [{ id = "a", targets = [{ person = "alex" }], delay = 5, only_if = { calendar = "kern", otherwise = "wait" } }]
[[component]]
id = "neu"
name = "Neu \\"und\\" \\\\ schräg"
operator = "kdn"
service_class = "D"
central = false
lifecycle = "retired"
successor = "postfach"
depends_on = ["postfach"]
[[person]]
handle = "alex"
name = "Alex Muster"
email = "agent@demo.example"
grants = []
[[portal]]
id = "open-nrw"
retired = true
[[municipality_portal]]
ags = "05162004"
removed = true
"""
    config.apply(seeded, written(tmp_path, toml), by="alex")
    target = tmp_path / "export"
    config.export(seeded, target)
    assert str(config.plan(seeded, target)) == "Keine Änderung."
    assert {path.name for path in target.glob("*.csv")} == {path.name for path in SEED.glob("*.csv")}


def test_an_exported_house_can_be_built_anew(session: Session, tmp_path: Path) -> None:
    config.apply(session, SEED, by="seed")
    config.export(session, tmp_path / "export")
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # the tables have checks waiting for the commit
    session.execute(text("TRUNCATE version, agent, team, service, portal, component, category, organisation CASCADE"))
    session.execute(text("TRUNCATE district, postal_code CASCADE"))
    session.expire_all()
    config.apply(session, tmp_path / "export", by="again")
    assert str(config.plan(session, SEED)) == "Keine Änderung."


def test_a_hole_in_a_rota_is_told_but_not_refused(seeded: Session, tmp_path: Path) -> None:
    clock.remember(seeded, datetime(2026, 11, 23, 7, tzinfo=UTC))
    toml = """
[rota.sonder]
name = "Sonderdienst"
team = "l1"
promised = "kern"
layers = [
    { target = { user = "alex" }, windows = [
        { days = ["MO", "TU", "WE", "TH"], start = "08:00", end = "18:00" },
        { days = ["FR"], start = "08:00", end = "15:30" },
    ] },
]
"""
    plan = config.apply(seeded, written(tmp_path, toml), by="alex")
    assert plan.warnings == (
        "Dienstplan sonder: niemand im Dienst von Fr 27.11.2026 15:30 bis Fr 27.11.2026 18:00",
        "Dienstplan sonder: niemand im Dienst von Fr 04.12.2026 15:30 bis Fr 04.12.2026 18:00",
    )
    assert f"! {plan.warnings[0]}" in str(plan)
    assert config.plan(seeded, SEED).warnings == ()


def test_two_applies_at_once_go_one_after_the_other(seeded: Session) -> None:
    """The second one must compare with what the first one wrote."""
    mine = text("locktype = 'advisory' AND objid = 7240116 AND pid = pg_backend_pid()")
    held = select(func.count()).select_from(text("pg_locks")).where(mine)
    assert seeded.scalar(held) == 1
