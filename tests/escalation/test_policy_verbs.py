"""What people do to a chain: the state table of ENGINE §5.6, cell by cell, and §5.3, 5.4."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from escalation.chain import Hold, Outcome, Why
from escalation.policy import (
    CATCH_ALL_STEP,
    Advance,
    Chain,
    ChainError,
    ChainState,
    Policy,
    Reach,
    Target,
    TargetKind,
    acknowledge,
    advance,
    close,
    escalate,
    give_back,
    hold,
    release,
    start,
    step_failed,
    time_out,
)

T0 = datetime(2028, 5, 4, 16, 0, tzinfo=UTC)
PLAN = Policy.parse(
    {
        "name": "Abend",
        "repeat": 0,
        "steps": [{"id": p, "targets": [{"person": p}], "delay": d} for p, d in (("ida", 4), ("jon", 6), ("kai", 8))],
    }
)
NO_STEPS = Policy.parse({"name": "leer", "repeat": 0, "steps": []})


def at(minute: float) -> datetime:
    return T0 + timedelta(minutes=minute)


def who(target: Target) -> list[Reach]:
    return [] if target.kind is TargetKind.CATCH_ALL else [Reach(person=target.ref, contact_points=("sms",))]


def run(chain: Chain, minute: float) -> Advance:
    return advance(PLAN, chain, at(minute), who)


def paged(done: Advance) -> list[tuple[str, int]]:
    return [(page.person, page.pass_number) for page in done.pages]


RUNNING = run(run(start(PLAN, T0), 0).chain, 4).chain  # jon was paged, kai is due at 10
ACKNOWLEDGED = acknowledge(RUNNING, "jon", at(5)).chain
SILENT = hold(RUNNING, Hold.SILENCE, at(30)).chain
MAINTAINED = hold(RUNNING, Hold.MAINTENANCE, at(30)).chain
CARRIED = hold(RUNNING, Hold.CARRIED, None).chain
EXHAUSTED = run(run(RUNNING, 10).chain, 18).chain
UNSTAFFED = start(NO_STEPS, T0)
CLOSED = close(RUNNING, at(5)).chain
STATES = {
    "running": RUNNING,
    "acknowledged": ACKNOWLEDGED,
    "silent": SILENT,
    "maintained": MAINTAINED,
    "carried": CARRIED,
    "exhausted": EXHAUSTED,
    "no_steps": UNSTAFFED,
    "closed": CLOSED,
}


def test_the_states_are_what_they_are_called() -> None:
    assert [chain.state.value for chain in STATES.values()] == [
        "running",
        "acknowledged",
        "held",
        "held",
        "held",
        "exhausted",
        "no_steps",
        "closed",
    ]
    assert [chain.due_at for chain in STATES.values()] == [at(10), *[None] * 7]


@pytest.mark.parametrize("name", ["running", "silent", "maintained", "carried", "exhausted", "no_steps"])
def test_acknowledge_takes_it(name: str) -> None:
    taken = acknowledge(STATES[name], "lea", at(6))
    assert taken.outcome is Outcome.CHANGED
    assert (taken.chain.state, taken.chain.due_at) == (ChainState.ACKNOWLEDGED, None)
    assert (taken.chain.acknowledged_by, taken.chain.acknowledged_at) == ("lea", at(6))
    assert run(taken.chain, 600) == Advance(chain=taken.chain)


def test_a_second_acknowledge_changes_nothing_and_a_closed_one_is_refused() -> None:
    second = acknowledge(ACKNOWLEDGED, "lea", at(9))
    assert (second.outcome, second.why, second.chain) == (Outcome.UNCHANGED, Why.ALREADY_ACKNOWLEDGED, ACKNOWLEDGED)
    refused = acknowledge(CLOSED, "lea", at(9))
    assert (refused.outcome, refused.why, refused.chain) == (Outcome.REFUSED, Why.CLOSED, CLOSED)


@pytest.mark.parametrize("name", ["running", "silent", "maintained", "carried", "exhausted", "no_steps", "closed"])
def test_only_an_acknowledged_one_can_be_given_back(name: str) -> None:
    refused = give_back(STATES[name], at(6))
    assert (refused.outcome, refused.chain) == (Outcome.REFUSED, STATES[name])
    assert refused.why is (Why.CLOSED if name == "closed" else Why.NOT_ACKNOWLEDGED)


def test_given_back_the_current_step_runs_again_with_full_delays() -> None:
    done = run(give_back(ACKNOWLEDGED, at(20)).chain, 20)
    assert paged(done) == [("jon", 2)]
    assert (done.chain.state, done.chain.due_at, done.chain.acknowledged_by) == (ChainState.RUNNING, at(26), None)
    assert paged(run(done.chain, 26)) == [("kai", 2)]


def test_given_back_after_its_step_was_deleted_the_step_in_its_place_runs() -> None:
    shorter = replace(PLAN, steps=(PLAN.steps[0], PLAN.steps[2]))
    done = advance(shorter, give_back(ACKNOWLEDGED, at(20)).chain, at(20), who)
    assert paged(done) == [("kai", 2)]


def test_given_back_the_step_itself_runs_though_another_was_put_before_it() -> None:
    lea = replace(PLAN.steps[0], id="lea", targets=(Target(kind=TargetKind.PERSON, ref="lea"),))
    longer = replace(PLAN, steps=(PLAN.steps[0], lea, *PLAN.steps[1:]))
    assert paged(advance(longer, give_back(ACKNOWLEDGED, at(20)).chain, at(20), who)) == [("jon", 2)]


def test_given_back_and_its_step_deleted_later_the_predecessors_stay_behind() -> None:
    again = run(give_back(ACKNOWLEDGED, at(20)).chain, 20).chain
    shorter = replace(PLAN, steps=(PLAN.steps[0], PLAN.steps[2]))
    assert paged(advance(shorter, again, at(26), who)) == [("kai", 2)]
    rest = replace(PLAN, steps=(PLAN.steps[2], PLAN.steps[0]))  # jon deleted, ida moved to the end
    assert paged(advance(rest, again, at(26), who)) == []


def test_at_a_timeout_the_acknowledger_is_paged_too() -> None:
    done = run(time_out(acknowledge(RUNNING, "lea", at(5)).chain, at(65)).chain, 65)
    assert paged(done) == [("jon", 2), ("lea", 2)]
    assert paged(run(done.chain, 71)) == [("kai", 2)]
    assert time_out(RUNNING, at(65)).outcome is Outcome.REFUSED


def test_given_back_after_nobody_was_reached_the_list_is_tried_from_the_top() -> None:
    nobody = advance(PLAN, start(PLAN, T0), T0, lambda target: [])
    assert nobody.chain.position == (1, CATCH_ALL_STEP)
    back = give_back(acknowledge(nobody.chain, "lea", at(1)).chain, at(2)).chain
    assert paged(run(back, 2)) == [("ida", 2)]


def test_taken_before_anybody_was_paged_and_given_back_step_one_runs() -> None:
    back = give_back(acknowledge(start(PLAN, T0), "lea", T0).chain, at(1)).chain
    assert paged(run(back, 1)) == [("ida", 1)]


# Escalation by hand (5.4)


def test_by_hand_the_next_step_runs_now_and_its_delay_counts_from_now() -> None:
    done = run(escalate(PLAN, RUNNING, at(5), seen=(1, "jon")).chain, 5)
    assert paged(done) == [("kai", 1)]
    assert done.chain.due_at == at(13)


def test_an_acknowledged_one_becomes_unacknowledged() -> None:
    done = run(escalate(PLAN, ACKNOWLEDGED, at(6)).chain, 6)
    assert paged(done) == [("kai", 1)]
    assert (done.chain.state, done.chain.acknowledged_by) == (ChainState.RUNNING, None)


def test_an_exhausted_one_wraps_to_step_one_even_without_repetition() -> None:
    done = run(escalate(PLAN, EXHAUSTED, at(50)).chain, 50)
    assert paged(done) == [("ida", 2)]
    assert done.chain.due_at == at(54)
    again = run(run(run(done.chain, 54).chain, 60).chain, 68)
    assert again.chain.state is ChainState.EXHAUSTED


def test_the_last_step_wraps_too_rather_than_paging_nobody() -> None:
    assert paged(run(escalate(PLAN, run(RUNNING, 10).chain, at(11)).chain, 11)) == [("ida", 2)]


def test_an_answer_to_an_older_page_does_not_escalate_twice() -> None:
    moved = run(escalate(PLAN, RUNNING, at(5), seen=(1, "jon")).chain, 5).chain
    second = escalate(PLAN, moved, at(5), seen=(1, "jon"))
    assert (second.outcome, second.why, second.chain) == (Outcome.UNCHANGED, Why.ALREADY_ESCALATED, moved)


@pytest.mark.parametrize(
    ("name", "why"),
    [("closed", Why.CLOSED), ("maintained", Why.IN_MAINTENANCE), ("carried", Why.CARRIED)],
)
def test_escalation_is_refused_with_its_own_reason(name: str, why: Why) -> None:
    refused = escalate(PLAN, STATES[name], at(6))
    assert (refused.outcome, refused.why, refused.chain) == (Outcome.REFUSED, why, STATES[name])


def test_at_the_end_of_maintenance_escalation_is_allowed_again() -> None:
    assert escalate(PLAN, MAINTAINED, at(29.9)).outcome is Outcome.REFUSED
    assert escalate(PLAN, MAINTAINED, at(30)).outcome is Outcome.CHANGED


@pytest.mark.parametrize("chain", [UNSTAFFED, RUNNING])
def test_escalation_without_steps_is_refused(chain: Chain) -> None:
    assert escalate(NO_STEPS, chain, at(6)).why is Why.NO_STEPS


def test_escalation_ends_a_silence() -> None:
    done = run(escalate(PLAN, SILENT, at(6)).chain, 6)
    assert paged(done) == [("kai", 1)]
    assert (done.chain.hold, done.chain.held_until) == (None, None)


# Silence, maintenance, carried by an outage


def test_held_nobody_is_paged_and_at_its_end_the_current_step_runs_again() -> None:
    assert SILENT.look_at == at(30)
    assert run(SILENT, 29.9) == Advance(chain=SILENT)
    done = run(SILENT, 30)
    assert paged(done) == [("jon", 2)]
    assert done.chain.due_at == at(36)
    assert done.pages[0].late is False


def test_maintenance_from_the_start_runs_step_one_at_its_end() -> None:
    held = hold(start(PLAN, T0), Hold.MAINTENANCE, at(30)).chain
    assert paged(run(held, 0)) == []
    assert paged(run(held, 30)) == [("ida", 1)]


def test_the_longer_end_wins() -> None:
    assert hold(SILENT, Hold.MAINTENANCE, at(60)).chain.held_until == at(60)
    assert hold(SILENT, Hold.MAINTENANCE, at(30)).chain == SILENT
    shorter = hold(SILENT, Hold.MAINTENANCE, at(20))
    assert (shorter.outcome, shorter.chain) == (Outcome.UNCHANGED, SILENT)
    assert hold(CARRIED, Hold.SILENCE, at(90)).outcome is Outcome.UNCHANGED
    assert hold(SILENT, Hold.CARRIED, None).chain.look_at is None


@pytest.mark.parametrize("name", ["acknowledged", "exhausted", "no_steps"])
def test_where_nobody_would_be_paged_a_silence_is_noted(name: str) -> None:
    noted = hold(STATES[name], Hold.SILENCE, at(30))
    assert (noted.why, noted.chain.state, noted.chain.due_at) == (Why.NOTED, STATES[name].state, None)


def test_given_back_during_maintenance_it_is_held_until_the_end() -> None:
    back = give_back(hold(ACKNOWLEDGED, Hold.MAINTENANCE, at(30)).chain, at(10)).chain
    assert (back.state, back.look_at) == (ChainState.HELD, at(30))
    assert paged(run(back, 30)) == [("jon", 2)]
    late = give_back(hold(ACKNOWLEDGED, Hold.MAINTENANCE, at(30)).chain, at(40)).chain
    assert paged(run(late, 40)) == [("jon", 2)]


def test_unlinked_from_the_outage_the_current_step_runs_again() -> None:
    assert run(CARRIED, 600) == Advance(chain=CARRIED)
    assert paged(run(release(CARRIED, at(50)).chain, 50)) == [("jon", 2)]
    assert release(RUNNING, at(50)).outcome is Outcome.UNCHANGED


# Each must acknowledge


EACH = Policy.parse(
    {
        "name": "alle",
        "repeat": 0,
        "steps": [
            {"id": "s", "targets": [{"person": "ida"}, {"person": "jon"}], "delay": 9, "each_must_acknowledge": True}
        ],
    }
)


def test_each_must_acknowledge_by_themselves() -> None:
    chain = advance(EACH, start(EACH, T0), T0, who).chain
    assert chain.awaited == ("ida", "jon")
    first = acknowledge(chain, "ida", at(1)).chain
    assert (first.state, first.awaited, first.due_at) == (ChainState.ACKNOWLEDGED, ("jon",), None)
    second = acknowledge(first, "jon", at(2))
    assert (second.outcome, second.why) == (Outcome.CHANGED, Why.FURTHER)
    assert (second.chain.acknowledged_by, second.chain.further, second.chain.awaited) == ("ida", ("jon",), ())
    assert acknowledge(second.chain, "jon", at(3)).outcome is Outcome.UNCHANGED
    assert acknowledge(first, "lea", at(3)).outcome is Outcome.UNCHANGED
    assert close(first, at(4)).chain.awaited == ()


# Close, and what is stored


@pytest.mark.parametrize("name", [name for name in STATES if name != "closed"])
def test_close_is_final(name: str) -> None:
    closed = close(STATES[name], at(6))
    assert closed.outcome is Outcome.CHANGED
    assert (closed.chain.state, closed.chain.look_at, closed.chain.hold) == (ChainState.CLOSED, None, None)
    assert run(closed.chain, 600) == Advance(chain=closed.chain)
    again = close(closed.chain, at(7))
    assert (again.outcome, again.why) == (Outcome.UNCHANGED, Why.ALREADY_CLOSED)


def test_nothing_moves_a_closed_one() -> None:
    assert hold(CLOSED, Hold.SILENCE, at(9)).chain == CLOSED
    assert release(CLOSED, at(9)).chain == CLOSED
    assert step_failed(CLOSED, (1, "jon"), at(9)).chain == CLOSED


@pytest.mark.parametrize("name", STATES)
def test_a_chain_survives_its_stored_form(name: str) -> None:
    stored = STATES[name].to_json()
    assert Chain.from_json(stored) == STATES[name]
    assert all(isinstance(value, str | int | list | None) for value in stored.values())
    assert not any(isinstance(value, datetime) for value in stored.values())


def test_a_stored_chain_that_is_odd_is_refused() -> None:
    assert Chain.from_json({"state": "closed"}) == Chain(state=ChainState.CLOSED)
    with pytest.raises(ChainError):
        Chain.from_json({"state": "running", "due_at": "2028-05-04T16:00:00"})
    with pytest.raises(ChainError):
        Chain.from_json({"state": "running", "colour": "red"})


def test_the_steps_that_ran_under_this_pass_number_are_known() -> None:
    assert RUNNING.ran == ("ida", "jon")
    assert run(give_back(ACKNOWLEDGED, at(20)).chain, 20).chain.ran == ("jon",)
    assert run(escalate(PLAN, EXHAUSTED, at(50)).chain, 50).chain.ran == ("ida",)
