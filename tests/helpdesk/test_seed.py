"""The seed holds what it promises: complete lists, nobody without an answer at any hour, no gap in any rota."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from escalation.calendar import Calendar
from escalation.policy import Policy, Reach, Target, TargetKind, advance
from escalation.policy import start as policy_start
from escalation.rota import Rota
from escalation.routing import Facts, Route, RuleSet
from escalation.severity import Impact, Matrix, Override, Severity, Urgency
from escalation.targets import Target as Promise
from helpdesk.config.checking import check
from helpdesk.config.difference import after
from helpdesk.config.reading import read
from helpdesk.config.record import Kind, Record, State, tables, text, texts
from helpdesk.holidays import years_filled_in

SEED = Path(__file__).parents[2] / "helpdesk" / "data" / "seed"
TODAY = datetime(2026, 11, 22, tzinfo=UTC)
#: over a year, so with every holiday and both clock changes
END = TODAY + timedelta(days=400)
WEEK = [TODAY + timedelta(hours=hour) for hour in range(7 * 24)]
HOLIDAY_WEEK = [datetime(2026, 12, 21, tzinfo=UTC) + timedelta(hours=hour) for hour in range(14 * 24)]


@pytest.fixture(scope="module")
def seed() -> State:
    entries = read(SEED, years_filled_in(TODAY.date()))
    state = after({}, entries)
    check({}, state, entries)
    return state


def of(state: State, kind: Kind) -> dict[str, Record]:
    return {ref.name: record for ref, record in state.items() if ref.kind is kind}


def part(content: Record, key: str) -> Mapping[str, object]:
    found = content[key]
    assert isinstance(found, Mapping)
    return found


@pytest.fixture(scope="module")
def rotas(seed: State) -> dict[str, Rota]:
    return {name: Rota.parse(part(content, "rota")) for name, content in of(seed, Kind.ROTA).items()}


@pytest.fixture(scope="module")
def calendars(seed: State) -> dict[str, Calendar]:
    return {name: Calendar.parse(part(content, "calendar")) for name, content in of(seed, Kind.CALENDAR).items()}


@pytest.fixture(scope="module")
def policies(seed: State, calendars: dict[str, Calendar]) -> dict[str, Policy]:
    return {name: Policy.parse(part(record, "policy"), calendars) for name, record in of(seed, Kind.POLICY).items()}


@pytest.fixture(scope="module")
def rules(seed: State) -> RuleSet:
    return RuleSet.parse(tables(of(seed, Kind.RULES)["routing"], "rules"))


def test_the_lists_are_complete(seed: State) -> None:
    organisations = of(seed, Kind.ORGANISATION)
    towns = {name: record for name, record in organisations.items() if "ags" in record}
    assert len(towns) == 396
    assert len({record["ags"] for record in towns.values()}) == 396
    assert sum(int(str(record["population"])) for record in towns.values()) == 18_139_116
    assert len(of(seed, Kind.DISTRICT)) == 53
    codes = [code for record in of(seed, Kind.POSTAL_CODE).values() for code in texts(record, "codes")]
    assert (len(codes), len(set(codes))) == (872, 865)
    assert len(of(seed, Kind.POSTAL_CODE)) == 396
    assert sum(record["kind"] == "operating_partner" for record in organisations.values()) == 7
    assert len(of(seed, Kind.PORTAL)) == 11
    assert len(of(seed, Kind.CATEGORY)) == 20
    assert len(of(seed, Kind.STATUTORY)) == 3


def test_everything_that_was_looked_up_says_where(seed: State) -> None:
    for kind in (Kind.PORTAL, Kind.COMPONENT, Kind.SERVICE, Kind.CALENDAR, Kind.STATUTORY, Kind.MUNICIPALITY_PORTAL):
        for name, record in of(seed, kind).items():
            assert text(record, "basis") in ("sourced", "inferred", "assumed"), f"{kind} {name}"


def test_every_list_has_its_source_and_licence_beside_it() -> None:
    readme = (SEED / "README.md").read_text(encoding="utf-8")
    for path in SEED.glob("*.csv"):
        assert path.name in readme
    assert "Statistisches Bundesamt" in readme
    assert "OpenStreetMap" in readme
    assert "ODbL" in readme


def test_no_rota_has_a_gap_in_what_it_promises(
    seed: State, rotas: dict[str, Rota], calendars: dict[str, Calendar]
) -> None:
    """400 days from the seed's date on, clock changes and holidays included; one second would be a gap."""
    for name, content in of(seed, Kind.ROTA).items():
        promised = calendars[str(content["promised"])]
        assert rotas[name].gaps(TODAY, END, promised) == [], name


def test_evenings_weekends_and_holidays_are_covered_by_the_first_line(rotas: dict[str, Rota]) -> None:
    def on_duty(local: str) -> frozenset[str]:
        return rotas["erste-linie"].on_duty(datetime.fromisoformat(local + "+01:00"))

    assert on_duty("2026-11-21 18:10") == {"kaya"}  # a Saturday evening
    assert on_duty("2026-11-23 21:59")
    assert not on_duty("2026-11-23 22:00")  # then the stand-by
    assert on_duty("2026-12-25 10:00")  # Friday, a holiday: hours of Sunday
    assert not on_duty("2026-12-25 09:59")
    assert rotas["bereitschaft"].on_duty(datetime(2026, 12, 25, 2, tzinfo=UTC))


def test_every_clock_that_starts_finds_people_at_work(
    seed: State, rotas: dict[str, Rota], calendars: dict[str, Calendar]
) -> None:
    """Whenever a promise runs, somebody is on duty: first line, or the stand-by around the clock."""
    for name, record in of(seed, Kind.TARGET).items():
        Promise.parse(record)
        hours = calendars[str(record["calendar"])]
        for at in [*WEEK, *HOLIDAY_WEEK]:
            if hours.is_open(at):
                assert rotas["erste-linie"].on_duty(at) or rotas["bereitschaft"].on_duty(at), f"{name} {at}"


@cache
def operators(path: Path) -> Mapping[tuple[str, str], str]:
    """Who runs a component of a portal: the operator of the service, else of the component."""
    state = after({}, read(path, range(2026, 2027)))
    usual = {name: str(record["operator"]) for name, record in of(state, Kind.COMPONENT).items()}
    portals = of(state, Kind.PORTAL)
    found = {(portal, one): usual[one] for portal, record in portals.items() for one in texts(record, "components")}
    for service in of(state, Kind.SERVICE).values():
        found[str(service["portal"]), str(service["component"])] = str(service["operator"])
    return found


def every_case(seed: State) -> Iterator[Facts]:
    """Each severity × portal × its components × category, known or not, of each kind."""
    portals = {None: {None}, **{name: {None, *texts(r, "components")} for name, r in of(seed, Kind.PORTAL).items()}}
    kinds = ("incident", "service_request", "question", "feedback", "security", "privacy", "spam")
    for severity, portal, category, kind in product(Severity, portals, (None, *of(seed, Kind.CATEGORY)), kinds):
        for component in portals[portal]:
            operator = operators(SEED).get((portal or "", component or ""))
            yield Facts(
                severity=severity, portal=portal, component=component, category=category, kind=kind, operator=operator
            )


def test_nothing_ends_without_team_promise_and_somebody_who_is_told(
    seed: State, rules: RuleSet, policies: dict[str, Policy], rotas: dict[str, Rota]
) -> None:
    members = {str(one["team"]) for person in of(seed, Kind.PERSON).values() for one in tables(person, "teams")}
    ends = {
        (str(facts.severity), route.policy or "", route.team)
        for facts in every_case(seed)
        for route in [rules.route(facts)]
    }
    assert len(ends) > 20
    for severity, policy, team in ends:
        assert team in members, team
        assert severity in of(seed, Kind.TARGET)
        for at in [*WEEK, *HOLIDAY_WEEK]:
            reached = reaches(policies[policy], rotas, members, at)
            assert (TargetKind.ROTA in reached) or (severity in ("S3", "S4") and TargetKind.QUEUE in reached), (
                f"{policy} {at}"
            )


def reaches(policy: Policy, rotas: dict[str, Rota], members: set[str], at: datetime) -> set[TargetKind]:
    """By what kinds of targets the steps would reach somebody at this instant."""
    targets = [target for step in policy.steps for target in step.targets]
    on_duty = {t.kind for t in targets if t.kind is TargetKind.ROTA and duty(rotas[t.ref], at)}
    return on_duty | {t.kind for t in targets if t.kind is TargetKind.QUEUE and t.ref in members}


_DUTY: dict[tuple[int, datetime], frozenset[str]] = {}


def duty(rota: Rota, at: datetime) -> frozenset[str]:
    key = id(rota), at
    if key not in _DUTY:
        _DUTY[key] = rota.on_duty(at)
    return _DUTY[key]


def test_policies_for_s1_never_give_up(seed: State, rules: RuleSet, policies: dict[str, Policy]) -> None:
    for facts in every_case(seed):
        if facts.severity == Severity.S1:
            assert policies[rules.route(facts).policy or ""].repeat is None


def test_the_walk_of_a_saturday_evening(rules: RuleSet, policies: dict[str, Policy], rotas: dict[str, Rota]) -> None:
    """S2: the person on duty at once, after a quarter of an hour the shift lead."""
    route = rules.route(Facts(severity="S2", category="stoerung_ausfall", portal="kommunalportal-nrw"))
    first, second, *_ = policies[route.policy or ""].steps
    at = datetime.fromisoformat("2026-11-21T18:10+01:00")
    assert (first.targets[0].ref, first.delay) == ("erste-linie", timedelta(minutes=15))
    assert rotas[second.targets[0].ref].on_duty(at + first.delay) == {"kim"}


def paged(policy: Policy, rotas: dict[str, Rota], start: datetime, hours: int) -> list[tuple[timedelta, str]]:
    """Who is paged when, if nobody ever reacts: the engine's own passes, one at each due."""

    def who(target: Target) -> list[Reach]:
        people = sorted(rotas[target.ref].on_duty(now)) if target.kind is TargetKind.ROTA else []
        return [Reach(person=person, contact_points=("mail",)) for person in people]

    chain, now, found = policy_start(policy, start), start, []
    while chain.due_at is not None and chain.due_at <= start + timedelta(hours=hours):
        now = chain.due_at
        step = advance(policy, chain, now, who)
        chain = step.chain
        found += [(now - start, page.person) for page in step.pages]
    return found


def test_an_s1_at_three_in_the_morning_pages_the_stand_by_at_once(
    policies: dict[str, Policy], rotas: dict[str, Rota]
) -> None:
    night = datetime.fromisoformat("2026-11-22T03:00+01:00")
    [stand_by] = rotas["bereitschaft"].on_duty(night)
    first, second, *_ = paged(policies["s1"], rotas, night, 1)
    assert first == (timedelta(0), stand_by)
    assert second == (timedelta(minutes=10), stand_by)  # nobody else is there, so on it goes


def test_a_waiting_ticket_reaches_the_shift_lead_within_a_day_and_never_at_night(
    policies: dict[str, Policy], rotas: dict[str, Rota], calendars: dict[str, Calendar]
) -> None:
    for hour in range(0, 14 * 24, 3):
        start = datetime(2026, 12, 20, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        (first, _), *_ = found = paged(policies["warteschlange"], rotas, start, 72)
        assert first <= timedelta(hours=24), start
        assert all(calendars["hotline"].is_open(start + after_start) for after_start, _ in found)


@pytest.mark.parametrize("severity", list(Severity))
def test_an_outage_goes_to_the_partner_that_runs_the_component(rules: RuleSet, severity: Severity) -> None:
    def route(portal: str, component: str) -> Route:
        operator = operators(SEED)[portal, component]
        facts = Facts(
            severity=severity, category="stoerung_ausfall", portal=portal, component=component, operator=operator
        )
        return rules.route(facts)

    payment = route("kommunalportal-nrw", "epayment")
    assert (payment.team, payment.level, payment.partner) == ("betriebspartner-5", "L2-technik", "betriebspartner-5")
    state = route("serviceportal-nrw", "portal-basis")
    assert (state.team, state.partner) == ("l2-technik", "it-nrw")


@pytest.mark.parametrize(
    ("facts", "team", "level"),
    [
        (Facts(category="notlage", severity="S1"), "l1", "Notlage"),
        (Facts(category="sicherheit", severity="S2"), "sicherheit", "Sicherheit"),
        (Facts(kind="privacy", severity="S3"), "datenschutz", "Datenschutz"),
        (Facts(category="barrierefreiheit", severity="S3", operator="betriebspartner-1"), "l2-technik", "L2-technik"),
        (Facts(portal="extern", severity="S3"), "l1", "extern"),
        (Facts(category="spam_missbrauch", severity="S4"), "l1", "kein"),
        (Facts(category="fachlich_kommune", severity="S4"), "l2-fachlich", "L2-fachlich"),
        (Facts(category="stoerung_ausfall", severity="S3"), "l1", "L1"),
        (Facts(severity="S3"), "l1", "L1"),
    ],
)
def test_topics_find_their_team(rules: RuleSet, facts: Facts, team: str, level: str) -> None:
    found = rules.route(facts)
    assert (found.team, found.level) == (team, level)


def test_the_severity_rule_is_that_of_the_engine(seed: State) -> None:
    matrix = Matrix.parse(of(seed, Kind.SEVERITY)["matrix"])
    assert matrix.decide(Impact.LAND, Urgency.HOCH).severity is Severity.S1
    assert matrix.decide(None, None).severity is Severity.S3
    assert matrix.decide(Impact.EINZELN, Urgency.NIEDRIG, {Override.NOTLAGE}).severity is Severity.S1


def test_the_demo_people_can_sign_in_with_their_roles(seed: State) -> None:
    roles = {
        str(person["email"]): {str(grant["role"]) for grant in tables(person, "grants")}
        for person in of(seed, Kind.PERSON).values()
    }
    assert {email: roles[f"{email}@demo.example"] for email in ("agent", "lead", "kommune", "partner", "admin")} == {
        "agent": {"agent"},
        "lead": {"agent", "lead"},
        "kommune": {"reporter"},
        "partner": {"partner"},
        "admin": {"admin", "coordinator"},
    }
    assert all(email.endswith("@demo.example") for email in roles)


def test_everybody_on_duty_can_be_reached(seed: State, rotas: dict[str, Rota]) -> None:
    people = of(seed, Kind.PERSON)
    served = {person for rota in rotas.values() for span in rota.segments(TODAY, END) for person in span.people}
    for handle in served:
        assert any(point.get("verified") for point in tables(people[handle], "contact_points")), handle


def test_the_seed_is_plain_json(seed: State) -> None:
    assert json.loads(json.dumps({"/".join(ref): record for ref, record in seed.items()}))
