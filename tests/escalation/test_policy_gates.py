"""Steps that run only at some hours, or only when alerts come thick and fast: ENGINE §5.2, gates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from escalation.calendar import Calendar
from escalation.chain import Hold
from escalation.policy import (
    CATCH_ALL_STEP,
    Advance,
    Chain,
    ChainState,
    LogCode,
    Policy,
    PolicyError,
    Reach,
    Target,
    acknowledge,
    advance,
    escalate,
    give_back,
    hold,
    start,
)

HOURS: dict[str, object] = {
    "tz": "Europe/Berlin",
    "windows": [{"days": ["MO", "TU", "WE", "TH", "FR"], "start": "08:00", "end": "18:00"}],
}
KERN = Calendar.parse({"week": {"fri": [["08:00", "18:00"]]}})
SKIP: dict[str, object] = {"windows": HOURS, "otherwise": "skip"}
WAIT: dict[str, object] = {"windows": HOURS, "otherwise": "wait"}
BURST: dict[str, object] = {"alerts": {"more_than": 2, "within": 20}}
NOON = datetime(2028, 5, 4, 10, 0, tzinfo=UTC)  # a Thursday, 12:00 in Berlin
NIGHT = datetime(2028, 5, 4, 20, 0, tzinfo=UTC)
MORNING = datetime(2028, 5, 5, 6, 0, tzinfo=UTC)


def policy(*steps: tuple[str, dict[str, object] | None], repeat: object = 0) -> Policy:
    entries = [
        {"id": who, "targets": [{"person": who}], "delay": 10, **({"only_if": gate} if gate else {})}
        for who, gate in steps
    ]
    return Policy.parse({"name": "x", "repeat": repeat, "steps": entries}, {"kern": KERN})


def who(target: Target) -> list[Reach]:
    return [Reach(person=target.ref or "leo", contact_points=("sms",))]


def paged(done: Advance) -> list[str]:
    return [page.person for page in done.pages]


def begin(plan: Policy, now: datetime) -> Advance:
    return advance(plan, start(plan, now), now, who)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_inside_its_hours_a_gated_step_is_like_any_other() -> None:
    for gate in (SKIP, WAIT):
        done = begin(policy(("ida", gate)), NOON)
        assert (paged(done), done.chain.due_at) == (["ida"], NOON + minutes(10))


def test_a_closed_skip_gate_makes_the_step_empty() -> None:
    done = begin(policy(("ida", SKIP), ("jon", None)), NIGHT)
    assert paged(done) == ["jon"]
    assert done.log[0].code is LogCode.GATE_CLOSED
    assert done.chain.due_at == NIGHT + minutes(10)


def test_a_list_of_closed_gates_pages_the_catch_all() -> None:
    assert [page.step_id for page in begin(policy(("ida", SKIP)), NIGHT).pages] == [CATCH_ALL_STEP]


def test_a_wait_gate_moves_the_due_to_the_opening_and_runs_exactly_once() -> None:
    plan = policy(("ida", None), ("jon", WAIT), ("kai", None))
    first = begin(plan, NIGHT)
    waiting = advance(plan, first.chain, NIGHT + minutes(10), who)
    assert (waiting.pages, waiting.chain.state, waiting.chain.due_at) == ((), ChainState.WAITING, MORNING)
    assert [line.code for line in waiting.log] == [LogCode.WAITS]
    stored = Chain.from_json(waiting.chain.to_json())
    assert advance(plan, stored, MORNING - minutes(1), who).pages == ()
    opened = advance(plan, stored, MORNING, who)
    assert (paged(opened), opened.chain.due_at) == (["jon"], MORNING + minutes(10))
    assert paged(advance(plan, opened.chain, MORNING + minutes(10), who)) == ["kai"]


def test_the_opening_follows_the_clock_change() -> None:
    gate: dict[str, object] = {
        "windows": {"tz": "Europe/Berlin", "windows": [{"days": ["SU"], "start": "02:30", "end": "05:00"}]},
        "otherwise": "wait",
    }
    done = begin(policy(("ida", gate)), datetime(2028, 3, 25, 20, 0, tzinfo=UTC))
    assert done.chain.due_at == datetime(2028, 3, 26, 1, 0, tzinfo=UTC)


def test_a_step_that_waited_runs_late_even_if_its_hours_are_over_again() -> None:
    plan = policy(("ida", WAIT))
    done = advance(plan, begin(plan, NIGHT).chain, MORNING + timedelta(hours=14), who)
    assert [(page.person, page.late) for page in done.pages] == [("ida", True)]


def test_a_gate_may_name_a_service_calendar() -> None:
    done = begin(policy(("ida", {"calendar": "kern", "otherwise": "wait"})), NOON)
    assert (done.chain.state, done.chain.due_at) == (ChainState.WAITING, MORNING)


def test_a_gate_that_never_opens_makes_the_step_empty_rather_than_waiting_for_ever() -> None:
    never: dict[str, object] = {"windows": {"tz": "Europe/Berlin", "windows": []}, "otherwise": "wait"}
    assert paged(begin(policy(("ida", never), ("jon", None)), NOON)) == ["jon"]
    past = Calendar.parse({"week": {}, "overrides": {"2020-01-01": [["08:00", "09:00"]]}})
    plan = Policy.parse(
        {
            "name": "x",
            "repeat": 0,
            "steps": [
                {
                    "id": "a",
                    "targets": [{"person": "ida"}],
                    "delay": 1,
                    "only_if": {"calendar": "alt", "otherwise": "wait"},
                }
            ],
        },
        {"alt": past},
    )
    assert [page.step_id for page in begin(plan, NOON).pages] == [CATCH_ALL_STEP]


# The waiting row of the state table


WAITING = begin(policy(("ida", WAIT), ("jon", None)), NIGHT).chain


def test_a_waiting_chain_can_be_acknowledged_held_and_not_given_back() -> None:
    assert acknowledge(WAITING, "lea", NIGHT).chain.due_at is None
    held = hold(WAITING, Hold.SILENCE, NIGHT + minutes(30)).chain
    assert (held.state, held.look_at, held.gated) == (ChainState.HELD, NIGHT + minutes(30), None)
    assert give_back(WAITING, NIGHT).chain == WAITING


def test_escalated_by_hand_the_step_that_waits_runs_now() -> None:
    plan = policy(("ida", WAIT), ("jon", WAIT))
    done = advance(plan, escalate(plan, WAITING, NIGHT).chain, NIGHT, who)
    assert paged(done) == ["ida"]
    waits_again = advance(plan, done.chain, NIGHT + minutes(10), who)
    assert waits_again.chain.state is ChainState.WAITING


def test_a_step_put_in_the_place_of_a_waiting_one_has_its_own_gate() -> None:
    assert paged(advance(policy(("kai", None), ("jon", None)), WAITING, MORNING, who)) == ["kai"]


# Threshold


BURST_PLAN = policy(("ida", None), ("jon", BURST))


def test_a_threshold_replaces_the_wait_before_its_step() -> None:
    first = begin(BURST_PLAN, NOON)
    assert (paged(first), first.chain.state, first.chain.due_at) == (["ida"], ChainState.WAITING, NOON + minutes(20))
    alerts = [NOON, NOON + minutes(1), NOON + minutes(2)]
    assert advance(BURST_PLAN, first.chain, NOON + minutes(2), who, alerts[:2]) == Advance(chain=first.chain)
    done = advance(BURST_PLAN, first.chain, NOON + minutes(2), who, alerts)
    assert (paged(done), done.chain.due_at, done.pages[0].late) == (["jon"], NOON + minutes(12), False)


def test_until_the_threshold_is_met_it_looks_again() -> None:
    first = begin(BURST_PLAN, NOON)
    old = [NOON, NOON, NOON]
    again = advance(BURST_PLAN, first.chain, NOON + minutes(20.5), who, old)
    assert (again.pages, again.log, again.chain.due_at) == ((), (), NOON + minutes(40.5))


def test_a_threshold_already_met_runs_in_the_next_pass() -> None:
    alerts = [NOON, NOON, NOON]
    first = advance(BURST_PLAN, start(BURST_PLAN, NOON), NOON, who, alerts)
    assert (paged(first), first.chain.due_at) == (["ida"], NOON)
    assert paged(advance(BURST_PLAN, first.chain, NOON + timedelta(seconds=1), who, alerts)) == ["jon"]


def test_a_first_step_may_wait_for_a_burst() -> None:
    plan = policy(("ida", BURST))
    first = begin(plan, NOON)
    assert (first.pages, first.chain.state) == ((), ChainState.WAITING)
    assert paged(advance(plan, first.chain, NOON + minutes(1), who, [NOON] * 3)) == ["ida"]


def test_an_acknowledged_chain_watches_no_threshold() -> None:
    owned = acknowledge(begin(BURST_PLAN, NOON).chain, "ida", NOON).chain
    assert advance(BURST_PLAN, owned, NOON + minutes(1), who, [NOON] * 9) == Advance(chain=owned)


@pytest.mark.parametrize(
    ("gate", "code", "where"),
    [
        ({}, "bad_gate", "only_if"),
        ({"otherwise": "skip"}, "bad_gate", "only_if"),
        ({"windows": HOURS}, "missing_key", "only_if.otherwise"),
        ({"windows": HOURS, "otherwise": "later"}, "bad_gate", "only_if.otherwise"),
        ({"windows": {"tz": "Mars"}, "otherwise": "skip"}, "unknown_timezone", "only_if.windows.tz"),
        ({"calendar": "gibtsnicht", "otherwise": "skip"}, "unknown_calendar", "only_if.calendar"),
        ({"windows": HOURS, "calendar": "kern", "otherwise": "skip"}, "bad_gate", "only_if"),
        ({"alerts": {"more_than": 5}}, "missing_key", "only_if.alerts.within"),
        ({"alerts": {"more_than": -1, "within": 20}}, "bad_number", "only_if.alerts.more_than"),
        ({"alerts": {"more_than": 1, "within": 20}, "otherwise": "skip"}, "unknown_key", "only_if.otherwise"),
    ],
)
def test_an_odd_gate_is_refused_with_its_place(gate: dict[str, object], code: str, where: str) -> None:
    entry = {"id": "a", "targets": [{"person": "ida"}], "delay": 1, "only_if": gate}
    with pytest.raises(PolicyError) as refused:
        Policy.parse({"name": "x", "repeat": 0, "steps": [entry]}, {"kern": KERN})
    assert (refused.value.code, refused.value.where) == (code, f"steps[0].{where}")
