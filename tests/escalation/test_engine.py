"""decide(): one case, one rulebook, one instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from escalation.calendar import Calendar
from escalation.case import Case, Clocked, Person, Pin, Rulebook
from escalation.engine import decide
from escalation.paging import ContactPoint, PersonalRule
from escalation.policy import CATCH_ALL_STEP, Alarm, ChainState, Policy, acknowledge, close
from escalation.rota import Rota
from escalation.routing import Facts, RuleSet
from escalation.severity import Impact, Matrix, Override, Severity, Urgency
from escalation.sla import Outcome, Target, opened, our_message, resolved

SATURDAY = datetime(2026, 11, 21, 17, 10, tzinfo=UTC)  # 18:10 in Berlin
HOTLINE = Calendar.parse(
    {
        "week": {
            **{day: [["08:00", "22:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
            "sat": [["09:00", "20:00"]],
            "sun": [["10:00", "20:00"]],
        }
    }
)
ALWAYS = Calendar.parse(
    {
        "week": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
        "holiday_mode": "open",
    }
)
MATRIX = Matrix.parse(
    {
        "matrix": {
            "land": {"hoch": "S1", "mittel": "S1", "niedrig": "S2"},
            "mehrere": {"hoch": "S1", "mittel": "S2", "niedrig": "S3"},
            "kommune": {"hoch": "S2", "mittel": "S3", "niedrig": "S4"},
            "einzeln": {"hoch": "S3", "mittel": "S3", "niedrig": "S4"},
        },
        "overrides": {
            "frist24h": "+1",
            "sicherheit_aktiv": "S2",
            "datenpanne": "S2",
            "bedrohung": "S2",
            "notlage": "S1",
        },
    }
)
RULES = RuleSet.parse(
    [
        {
            "id": "s1",
            "name": "S1",
            "when": {"severity": "S1"},
            "then": {"team": "l1", "level": "L1", "policy": "alarm"},
        },
        {
            "id": "s2",
            "name": "S2",
            "when": {"severity": "S2"},
            "then": {"team": "l1", "level": "L1", "policy": "zweistufig"},
        },
        {"id": "rest", "name": "Rest", "when": {}, "then": {"team": "l1", "level": "L1"}},
    ]
)

#: the first message starts both: the first answer ends both
BOTH = (Clocked(kind="first_response", round=1), Clocked(kind="next_response", round=1))


def person(handle: str, *rules: PersonalRule) -> Person:
    return Person(handle=handle, points=(ContactPoint(id=f"{handle}-mail", kind="email", verified=True),), rules=rules)


def rulebook(**more: object) -> Rulebook:
    two_steps = {
        "name": "zweistufig",
        "repeat": 0,
        "steps": [
            {"id": "dienst", "targets": [{"rota": "abend"}], "delay": 15},
            {"id": "leitung", "targets": [{"person": "kim"}], "delay": 15},
        ],
    }
    book = Rulebook(
        matrix=MATRIX,
        rules=RULES,
        rules_version=1,
        pins={
            "S1": Pin(
                target=Target(response=timedelta(minutes=15)), calendar=ALWAYS, target_version=1, calendar_version=2
            ),
            "S2": Pin(
                target=Target(response=timedelta(hours=1), restore=timedelta(hours=14)),
                calendar=HOTLINE,
                target_version=3,
                calendar_version=4,
            ),
            "S2.municipality": Pin(
                target=Target(response=timedelta(minutes=30)), calendar=ALWAYS, target_version=5, calendar_version=2
            ),
            "S3": Pin(
                target=Target(response=timedelta(hours=4)), calendar=HOTLINE, target_version=6, calendar_version=4
            ),
        },
        calendars={"hotline": HOTLINE, "immer": ALWAYS},
        policies={
            "zweistufig": Policy.parse(two_steps),
            "alarm": Policy.parse({**two_steps, "name": "alarm", "repeat": "endless"}),
        },
        rotas={
            "abend": Rota.parse(
                {"tz": "Europe/Berlin", "layers": [{"name": "a", "priority": 1, "target": {"user": "kaya"}}]}
            )
        },
        people={"kaya": person("kaya"), "kim": person("kim")},
        teams=frozenset({"l1"}),
        last_resort="kim",
    )
    return replace(book, **more)  # type: ignore[arg-type]


def case(**more: object) -> Case:
    base = Case(
        facts=Facts(portal="kommunalportal-nrw", sender_role="citizen"),
        impact=Impact.KOMMUNE,
        urgency=Urgency.HOCH,
        ledger=(opened(SATURDAY),),
    )
    return replace(base, **more)  # type: ignore[arg-type]


def test_the_walk_of_a_saturday_evening() -> None:
    decision = decide(case(), rulebook(), SATURDAY)
    assert (decision.severity, decision.route.team, decision.policy) == (Severity.S2, "l1", "zweistufig")
    assert decision.clocks.first_response.due_at == SATURDAY + timedelta(hours=1)
    assert [(m.person, m.contact_point, m.at, m.fallback) for m in decision.messages] == [
        ("kaya", "kaya-mail", SATURDAY, True)
    ]
    assert decision.look_at == SATURDAY + timedelta(minutes=15)


def test_asked_twice_it_answers_the_same() -> None:
    assert decide(case(), rulebook(), SATURDAY) == decide(case(), rulebook(), SATURDAY)


def test_nobody_answers_and_the_second_step_runs_fifteen_minutes_later() -> None:
    first = decide(case(), rulebook(), SATURDAY)
    later = SATURDAY + timedelta(minutes=15)
    asked = case(route=first.route, pin=first.pin, severity=first.severity, chain=first.chain, policy=first.policy)
    early = decide(asked, rulebook(), later - timedelta(seconds=1))
    assert early.messages == ()
    second = decide(asked, rulebook(), later)
    assert [message.person for message in second.messages] == ["kim"]
    assert second.look_at == SATURDAY + timedelta(minutes=30)


def test_after_an_acknowledge_nothing_is_paged_any_more() -> None:
    first = decide(case(), rulebook(), SATURDAY)
    assert first.chain is not None
    taken = acknowledge(first.chain, "kaya", SATURDAY).chain
    asked = case(
        route=first.route, pin=first.pin, severity=first.severity, chain=taken, policy=first.policy, wants_chain=False
    )
    later = decide(asked, rulebook(), SATURDAY + timedelta(days=1))
    assert later.messages == ()
    assert later.chain is not None and later.chain.state is ChainState.ACKNOWLEDGED


def test_personal_rules_say_when_and_where() -> None:
    rule = PersonalRule(severities=frozenset({Severity.S2}), contact_point="kaya-mail", delay=timedelta(minutes=3))
    decision = decide(case(), rulebook(people={"kaya": person("kaya", rule), "kim": person("kim")}), SATURDAY)
    assert [(m.at, m.fallback) for m in decision.messages] == [(SATURDAY + timedelta(minutes=3), False)]


def test_an_empty_rota_does_not_cost_the_wait() -> None:
    empty = Rota.parse({"tz": "Europe/Berlin", "layers": []})
    decision = decide(case(), rulebook(rotas={"abend": empty}), SATURDAY)
    assert [message.person for message in decision.messages] == ["kim"]


def test_nobody_at_all_pages_the_last_resort_and_raises_an_alarm() -> None:
    empty = Rota.parse({"tz": "Europe/Berlin", "layers": []})
    gone = rulebook(rotas={"abend": empty}, people={"sam": person("sam")}, last_resort="sam")
    decision = decide(case(), gone, SATURDAY)
    assert [(message.person, message.step_id) for message in decision.messages] == [("sam", CATCH_ALL_STEP)]
    assert decision.alarms == (Alarm.NO_COVERAGE,)


def test_a_municipality_has_the_narrower_promise() -> None:
    decision = decide(case(facts=Facts(sender_role="municipality")), rulebook(), SATURDAY)
    assert decision.pin is not None and decision.pin.target_version == 5


@pytest.mark.parametrize(
    ("overrides", "severity", "emergency"),
    [((), "S2", False), ((Override.FRIST24H,), "S1", False), ((Override.NOTLAGE,), "S1", True)],
)
def test_overrides(overrides: tuple[Override, ...], severity: str, emergency: bool) -> None:
    decision = decide(case(overrides=frozenset(overrides)), rulebook(), SATURDAY)
    assert (decision.severity, decision.emergency) == (severity, emergency)


def test_a_severity_set_by_hand_stays_and_the_computed_one_is_kept_beside_it() -> None:
    decision = decide(case(by_hand=Severity.S3), rulebook(), SATURDAY)
    assert (decision.severity, decision.computed) == (Severity.S3, Severity.S2)


def test_another_severity_takes_another_promise_from_the_old_start_and_a_raised_one_its_policy() -> None:
    first = decide(case(), rulebook(), SATURDAY)
    later = SATURDAY + timedelta(minutes=20)
    asked = case(
        by_hand=Severity.S1,
        route=first.route,
        pin=first.pin,
        severity=first.severity,
        chain=first.chain,
        policy=first.policy,
    )
    decision = decide(asked, rulebook(), later)
    assert decision.repinned
    assert decision.clocks.first_response.due_at == SATURDAY + timedelta(minutes=15)
    assert decision.breached == BOTH
    assert (decision.policy, [m.person for m in decision.messages]) == ("alarm", ["kaya"])


def test_warnings_and_breaches_are_said_once() -> None:
    asked = case(by_hand=Severity.S3)
    first = decide(asked, rulebook(), SATURDAY)
    kept = replace(asked, route=first.route, pin=first.pin, severity=first.severity)
    warn_at = first.clocks.first_response.warn_at[0]
    warned = decide(kept, rulebook(), warn_at).warned
    assert warned == BOTH
    assert decide(replace(kept, warned=frozenset(warned)), rulebook(), warn_at).warned == ()
    due_at = first.clocks.first_response.due_at
    assert due_at is not None
    assert decide(kept, rulebook(), due_at).breached == ()
    late = decide(kept, rulebook(), due_at + timedelta(microseconds=1))
    assert late.breached == BOTH
    assert (
        decide(replace(kept, breached=frozenset(late.breached)), rulebook(), due_at + timedelta(days=1)).breached == ()
    )


def test_answered_late_is_breached_though_no_pass_saw_it_open() -> None:
    first = decide(case(by_hand=Severity.S3), rulebook(), SATURDAY)
    monday = SATURDAY + timedelta(days=2)
    asked = case(
        by_hand=Severity.S3,
        route=first.route,
        pin=first.pin,
        severity=first.severity,
        ledger=(opened(SATURDAY), our_message(monday)),
    )
    decision = decide(asked, rulebook(), monday)
    assert decision.clocks.first_response.outcome is Outcome.BREACHED
    assert Clocked(kind="first_response", round=1) in decision.breached


def test_done_and_closed_there_is_nothing_to_look_at() -> None:
    first = decide(case(), rulebook(), SATURDAY)
    assert first.chain is not None
    ledger = (opened(SATURDAY), our_message(SATURDAY + timedelta(minutes=1)), resolved(SATURDAY + timedelta(minutes=2)))
    asked = case(
        route=first.route, pin=first.pin, severity=first.severity, policy=first.policy, ledger=ledger, wants_chain=False,
        chain=close(first.chain, SATURDAY + timedelta(minutes=2)).chain,
    )  # fmt: skip
    decision = decide(asked, rulebook(), SATURDAY + timedelta(minutes=2))
    assert decision.look_at is None
    assert decision.clocks.next_due is None


def test_without_a_target_there_is_a_team_and_no_promise() -> None:
    decision = decide(case(), rulebook(pins={}), SATURDAY)
    assert (decision.route.team, decision.clocks.next_due, decision.pin) == ("l1", None, None)
