"""Running the steps of a chain: ENGINE §5.1, 5.2, 5.5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.instants import NaiveInstant
from escalation.policy import (
    CATCH_ALL_STEP,
    Advance,
    Alarm,
    Chain,
    ChainState,
    LogCode,
    Policy,
    PolicyError,
    Reach,
    Target,
    TargetKind,
    acknowledge,
    advance,
    escalate,
    give_back,
    restart,
    start,
    step_failed,
)

T0 = datetime(2028, 5, 4, 16, 0, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def step(id: str, *targets: str, delay: int = 5, **more: object) -> dict[str, object]:
    """Targets as ``ida``, ``rota:abend`` or ``queue:L1``; none given: a person of the same name."""
    pairs = (target.split(":") if ":" in target else ("person", target) for target in targets or (id,))
    return {"id": id, "targets": [{kind: ref} for kind, ref in pairs], "delay": delay, **more}


def policy(*steps: dict[str, object], repeat: object = 0) -> Policy:
    return Policy.parse({"name": "Abend", "repeat": repeat, "steps": list(steps)})


class Duty:
    """Who is on which rota and who can be reached; persons outside `deaf` have one contact point."""

    def __init__(
        self, rotas: Mapping[str, list[str]] | None = None, deaf: str = "", gone: str = "", last: str = "leo"
    ) -> None:
        self.rotas, self.deaf, self.gone, self.last = dict(rotas or {}), deaf.split(), gone.split(), last.split()

    def __call__(self, target: Target) -> list[Reach] | None:
        if target.ref in self.gone:
            return None
        people = {
            TargetKind.PERSON: [target.ref],
            TargetKind.ROTA: self.rotas.get(target.ref, []),
            TargetKind.CATCH_ALL: self.last,
        }[target.kind]
        return [Reach(person=p, contact_points=() if p in self.deaf else (f"{p}-sms",)) for p in people]


def run(
    plan: Policy, until: float, who: Duty | None = None, chain: Chain | None = None, at: datetime = T0
) -> list[tuple[float, str]]:
    """All pages up to `until` minutes, as (minute, person), with a pass at each due instant."""
    chain, found = chain or start(plan, at), []
    while chain.look_at is not None and chain.look_at <= T0 + minutes(until):
        now = chain.look_at
        done = advance(plan, chain, now, who or Duty())
        found += [((now - T0) / minutes(1), page.person) for page in done.pages]
        chain = done.chain
    return found


def codes(done: Advance) -> list[LogCode]:
    return [line.code for line in done.log]


IDA_JON_KAI = policy(step("ida", delay=4), step("jon", delay=6), step("kai", delay=8))


def test_the_example_ida_4_jon_6_kai_8_is_exhausted_at_18() -> None:
    assert run(IDA_JON_KAI, 17.9) == [(0, "ida"), (4, "jon"), (10, "kai")]
    chain = start(IDA_JON_KAI, T0)
    for minute in (0, 4, 10):
        chain = advance(IDA_JON_KAI, chain, T0 + minutes(minute), Duty()).chain
    assert chain.due_at == T0 + minutes(18)
    last = advance(IDA_JON_KAI, chain, T0 + minutes(18), Duty())
    assert (last.chain.state, last.chain.due_at, last.pages, codes(last)) == (
        ChainState.EXHAUSTED,
        None,
        (),
        [LogCode.EXHAUSTED],
    )


def test_never_early_and_not_twice() -> None:
    chain = start(IDA_JON_KAI, T0)
    assert advance(IDA_JON_KAI, chain, T0 - timedelta(microseconds=1), Duty()) == Advance(chain=chain)
    first = advance(IDA_JON_KAI, chain, T0, Duty())
    assert advance(IDA_JON_KAI, first.chain, T0 + minutes(4) - timedelta(microseconds=1), Duty()).pages == ()
    assert first == advance(IDA_JON_KAI, chain, T0, Duty())


@pytest.mark.parametrize(
    ("repeat", "expected"), [(0, [0, 4]), (1, [0, 4, 10, 14]), ("endless", [0, 4, 10, 14, 20, 24, 30])]
)
def test_repeat_n_runs_the_list_n_plus_one_times(repeat: object, expected: list[float]) -> None:
    plan = policy(step("ida", delay=4), step("jon", delay=6), repeat=repeat)
    assert [at for at, _ in run(plan, 33)] == expected


def test_the_pass_number_goes_up_at_each_repetition() -> None:
    plan = policy(step("ida", delay=4), repeat=2)
    chain, numbers = start(plan, T0), []
    while chain.due_at:
        done = advance(plan, chain, chain.due_at, Duty())
        numbers += [page.pass_number for page in done.pages]
        chain = done.chain
    assert numbers == [1, 2, 3]


def test_the_next_due_comes_from_the_previous_due_so_nothing_drifts() -> None:
    chain = advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), T0 + timedelta(seconds=60), Duty())
    assert chain.chain.due_at == T0 + minutes(4)
    assert [page.late for page in chain.pages] == [False]


def test_more_than_a_minute_late_says_so_runs_one_step_and_counts_from_now() -> None:
    now = T0 + minutes(90)
    done = advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), now, Duty())
    assert [(page.person, page.late) for page in done.pages] == [("ida", True)]
    assert done.chain.due_at == now + minutes(4)
    assert advance(IDA_JON_KAI, done.chain, now, Duty()).pages == ()


def test_a_minute_and_a_bit_is_late() -> None:
    now = T0 + timedelta(seconds=60, microseconds=1)
    done = advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), now, Duty())
    assert ([page.late for page in done.pages], done.chain.due_at) == ([True], now + minutes(4))


def test_targets_are_resolved_when_the_step_runs_and_each_person_is_paged_once() -> None:
    plan = policy(step("s1", "rota:abend", "ida", "ida", "queue:L1", "queue:L1"))
    done = advance(plan, start(plan, T0), T0, Duty({"abend": ["kai", "ida"]}))
    assert [page.person for page in done.pages] == ["kai", "ida"]
    assert done.queues == ("L1",)
    assert done.pages[0].reason == "Stufe 1, Dienstplan abend"


def test_a_missing_target_is_shown_and_the_others_are_paged() -> None:
    plan = policy(step("s1", "rota:alt", "ida"))
    done = advance(plan, start(plan, T0), T0, Duty(gone="alt"))
    assert [page.person for page in done.pages] == ["ida"]
    assert done.log[0].code is LogCode.MISSING_TARGET
    assert done.log[0].text == "Stufe 1: Dienstplan alt gibt es nicht mehr"


def test_an_empty_step_does_not_wait_and_a_queue_is_not_empty() -> None:
    plan = policy(step("s1", "rota:leer", delay=30), step("s2", "queue:L1", delay=7), step("jon"))
    done = advance(plan, start(plan, T0), T0, Duty())
    assert (done.pages, done.queues, done.chain.step_id) == ((), ("L1",), "s2")
    assert [(line.code, line.step_id) for line in done.log] == [(LogCode.EMPTY, "s1"), (LogCode.RAN, "s2")]
    assert done.chain.due_at == T0 + minutes(7)


def test_a_step_of_people_without_contact_is_unreachable_in_the_same_pass() -> None:
    plan = policy(step("ida"), step("jon"))
    done = advance(plan, start(plan, T0), T0, Duty(deaf="ida"))
    assert [page.person for page in done.pages] == ["jon"]
    assert codes(done) == [LogCode.UNREACHABLE, LogCode.RAN]


def test_a_partly_deaf_step_pages_the_rest_and_logs_the_deaf() -> None:
    plan = policy(step("s1", "ida", "jon"))
    done = advance(plan, start(plan, T0), T0, Duty(deaf="ida"))
    assert [page.person for page in done.pages] == ["jon"]
    assert "ida" in done.log[0].text


def test_a_person_is_paged_if_any_target_leads_to_a_usable_contact_point() -> None:
    plan = policy(step("s1", "rota:alt", "ida", "rota:alt"))

    def who(target: Target) -> list[Reach]:
        return [Reach(person="ida", contact_points=() if target.kind is TargetKind.ROTA else ("sms",))]

    done = advance(plan, start(plan, T0), T0, who)
    assert [(page.person, page.reason) for page in done.pages] == [("ida", "Stufe 1, Person ida")]
    assert codes(done) == [LogCode.RAN]


def test_all_messages_failed_for_good_so_the_chain_goes_on_at_once() -> None:
    chain = advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), T0, Duty()).chain
    now = T0 + timedelta(seconds=20)
    failed = step_failed(chain, (1, "ida"), now)
    done = advance(IDA_JON_KAI, failed.chain, now, Duty())
    assert [page.person for page in done.pages] == ["jon"]
    assert done.chain.due_at == now + minutes(6)
    assert step_failed(done.chain, (1, "ida"), now).chain == done.chain


def test_a_list_whose_messages_all_failed_pages_the_catch_all() -> None:
    plan = policy(step("ida"))
    chain = advance(plan, start(plan, T0), T0, Duty()).chain
    failed = step_failed(chain, (1, "ida"), T0 + minutes(1)).chain
    assert [page.step_id for page in advance(plan, failed, T0 + minutes(1), Duty()).pages] == [CATCH_ALL_STEP]


EMPTY_LIST = policy(step("s1", "rota:leer", delay=3), step("s2", "rota:leer", delay=9), repeat="endless")


def test_an_empty_list_pages_the_catch_all_with_one_alarm_and_waits_the_last_delay() -> None:
    done = advance(EMPTY_LIST, start(EMPTY_LIST, T0), T0, Duty())
    assert [(page.person, page.step_id) for page in done.pages] == [("leo", CATCH_ALL_STEP)]
    assert done.alarms == (Alarm.NO_COVERAGE,)
    assert done.chain.due_at == T0 + minutes(9)
    again = advance(EMPTY_LIST, done.chain, T0 + minutes(9), Duty())
    assert [(page.person, page.pass_number) for page in again.pages] == [("leo", 2)]
    assert again.alarms == ()
    assert again.chain.due_at == T0 + minutes(18)


def test_an_empty_list_without_repetition_is_exhausted_after_the_last_delay() -> None:
    plan = policy(step("s1", "rota:leer", delay=3))
    assert run(plan, 60) == [(0, "leo")]


def test_a_deaf_catch_all_alarms_too_and_nothing_loops() -> None:
    done = advance(EMPTY_LIST, start(EMPTY_LIST, T0), T0, Duty(last=""))
    assert done.alarms == (Alarm.NO_COVERAGE, Alarm.CATCH_ALL_UNREACHABLE)
    assert done.pages == ()
    assert done.chain.due_at == T0 + minutes(9)


def test_an_empty_tail_repeats_at_once_and_pages_no_catch_all() -> None:
    plan = policy(step("ida", delay=4), step("s2", "rota:leer", delay=9), repeat=1)
    assert run(plan, 60) == [(0, "ida"), (4, "ida")]


def test_the_catch_all_comes_when_everybody_has_gone_off_duty_meanwhile() -> None:
    plan = policy(step("s1", "rota:abend", delay=4), step("s2", "rota:abend", delay=9), repeat=1)
    chain = advance(plan, start(plan, T0), T0, Duty({"abend": ["ida"]})).chain
    done = advance(plan, chain, T0 + minutes(4), Duty())
    assert [(page.person, page.pass_number) for page in done.pages] == [("leo", 2)]


def test_without_steps_nobody_is_paged_until_one_is_added() -> None:
    chain = start(policy(), T0)
    assert (chain.state, chain.due_at) == (ChainState.NO_STEPS, None)
    assert advance(policy(), chain, T0 + minutes(9), Duty()) == Advance(chain=chain)
    now = T0 + minutes(10)
    done = advance(policy(step("ida")), chain, now, Duty())
    assert [(page.person, page.late) for page in done.pages] == [("ida", False)]
    assert done.chain.due_at == now + minutes(5)


def test_naive_instants_are_refused() -> None:
    with pytest.raises(NaiveInstant):
        start(IDA_JON_KAI, datetime(2028, 5, 4))
    with pytest.raises(NaiveInstant):
        advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), datetime(2028, 5, 4), Duty())


# Changes while it runs (5.5)


def after_jon() -> Chain:
    chain = advance(IDA_JON_KAI, start(IDA_JON_KAI, T0), T0, Duty()).chain
    return advance(IDA_JON_KAI, chain, T0 + minutes(4), Duty()).chain


@pytest.mark.parametrize(
    ("ids", "next_person"),
    [
        ("ida jon lea kai", "lea"),  # added behind the current
        ("lea ida jon kai", "kai"),  # added before
        ("kai ida jon", None),  # moved before: behind us
        ("ida kai", "kai"),  # current deleted
        ("ida lea kai", "lea"),  # current replaced
        ("kai", "kai"),  # current and its predecessor deleted
        ("ida", None),  # current and the rest deleted: end of list
        ("jon ida kai", "kai"),  # a step that ran was moved behind the current: not twice
    ],
)
def test_the_position_follows_the_steps_id(ids: str, next_person: str | None) -> None:
    edited = policy(*(step(id) for id in ids.split()))
    done = advance(edited, after_jon(), T0 + minutes(10), Duty())
    assert [page.person for page in done.pages] == ([next_person] if next_person else [])
    if next_person is None:
        assert done.chain.state is ChainState.EXHAUSTED


def test_an_edited_delay_counts_from_the_next_step_on() -> None:
    edited = policy(step("ida", delay=40), step("jon", delay=60), step("kai", delay=80))
    chain = after_jon()
    assert chain.due_at == T0 + minutes(10)
    assert advance(edited, chain, T0 + minutes(10), Duty()).chain.due_at == T0 + minutes(90)


def test_all_steps_deleted_ends_or_waits_for_a_step() -> None:
    assert advance(policy(), after_jon(), T0 + minutes(10), Duty()).chain.state is ChainState.EXHAUSTED
    endless = advance(policy(repeat="endless"), after_jon(), T0 + minutes(10), Duty())
    assert (endless.chain.state, endless.alarms) == (ChainState.NO_STEPS, (Alarm.NO_STEPS,))


def test_another_policy_starts_at_its_first_step_even_with_the_same_ids() -> None:
    other = policy(step("ida", "lea"), step("jon", "max"))
    changed = restart(after_jon(), T0 + minutes(5))
    done = advance(other, changed.chain, T0 + minutes(5), Duty())
    assert [(page.person, page.pass_number) for page in done.pages] == [("lea", 2)]


def test_another_policy_waits_for_the_owner_and_is_used_when_given_back() -> None:
    other = policy(step("ida", "lea"), step("jon", "max"))
    owned = acknowledge(after_jon(), "jon", T0 + minutes(5)).chain
    changed = restart(owned, T0 + minutes(6)).chain
    assert (changed.state, changed.due_at) == (ChainState.ACKNOWLEDGED, None)
    back = give_back(changed, T0 + minutes(7)).chain
    assert [page.person for page in advance(other, back, T0 + minutes(7), Duty()).pages] == ["lea"]


def test_another_policy_runs_its_list_in_full() -> None:
    plan = policy(step("ida", delay=4), repeat=1)
    second = advance(plan, advance(plan, start(plan, T0), T0, Duty()).chain, T0 + minutes(4), Duty()).chain
    assert second.repetition == 1
    assert run(plan, 60, chain=restart(second, T0 + minutes(5)).chain) == [(5, "ida"), (9, "ida")]


def test_given_back_after_the_catch_all_counts_as_no_new_repetition() -> None:
    plan = policy(step("s1", "rota:abend", delay=4), repeat=1)
    nobody = advance(plan, start(plan, T0), T0, Duty()).chain
    second = advance(plan, nobody, T0 + minutes(4), Duty()).chain
    assert (second.repetition, second.step_id) == (1, CATCH_ALL_STEP)
    back = give_back(acknowledge(second, "leo", T0 + minutes(5)).chain, T0 + minutes(6)).chain
    assert run(plan, 60, Duty({"abend": ["ida"]}), back) == [(6, "ida")]


def test_given_back_to_nobody_the_catch_all_is_paged_rather_than_nobody() -> None:
    plan = policy(step("s1", "rota:abend"))
    chain = advance(plan, start(plan, T0), T0, Duty({"abend": ["ida"]})).chain
    back = give_back(acknowledge(chain, "ida", T0 + minutes(1)).chain, T0 + minutes(2)).chain
    assert run(plan, 60, Duty(), back) == [(2, "leo")]


# The format


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ({"name": "x", "steps": []}, "missing_key", "repeat"),
        ({"name": "x", "repeat": -1, "steps": []}, "bad_repeat", "repeat"),
        ({"name": "x", "repeat": True, "steps": []}, "bad_repeat", "repeat"),
        ({"name": "x", "repeat": "ewig", "steps": []}, "bad_repeat", "repeat"),
        ({"name": "x", "repeat": 0, "steps": [], "ack_timeout": 0}, "bad_minutes", "ack_timeout"),
        ({"name": "x", "repeat": 0, "steps": [], "color": 1}, "unknown_key", "color"),
        ({"name": "x", "repeat": 0, "steps": [step("a", delay=0)]}, "bad_delay", "steps[0].delay"),
        ({"name": "x", "repeat": 0, "steps": [step("a", delay=10081)]}, "bad_delay", "steps[0].delay"),
        ({"name": "x", "repeat": 0, "steps": [step("a"), step("a")]}, "duplicate_id", "steps[1]"),
        ({"name": "x", "repeat": 0, "steps": [step(CATCH_ALL_STEP)]}, "duplicate_id", "steps[0]"),
        ({"name": "x", "repeat": 0, "steps": [{**step("a"), "targets": []}]}, "no_targets", "steps[0].targets"),
        ({"name": "x", "repeat": 0, "steps": [step("a", "team:x")]}, "unknown_key", "steps[0].targets[0].team"),
        ({"name": "x", "repeat": 0, "steps": [{**step("a"), "targets": [{}]}]}, "bad_target", "steps[0].targets[0]"),
    ],
)
def test_an_odd_policy_is_refused_with_its_place(data: dict[str, object], code: str, where: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Policy.parse(data)
    assert (refused.value.code, refused.value.where) == (code, where)
    assert refused.value.message


def test_minutes_become_durations_and_null_is_none() -> None:
    plan = Policy.parse(
        {
            "name": "x",
            "repeat": "endless",
            "ack_timeout": 30,
            "ack_reminder": None,
            "close_after": 1440,
            "steps": [step("a", delay=10080)],
        }
    )
    assert (plan.repeat, plan.ack_timeout, plan.ack_reminder, plan.close_after) == (
        None,
        minutes(30),
        None,
        timedelta(days=1),
    )
    assert plan.steps[0].delay == timedelta(days=7)


STEPS = st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.sampled_from([0, 1, 2, "endless"]), st.lists(st.sampled_from("passpasspaseg"), max_size=12), st.data())
def test_whatever_happens_a_chain_has_one_due_and_pages_nobody_twice(
    steps: list[tuple[bool, int]], repeat: object, verbs: list[str], data: st.DataObject
) -> None:
    plan = policy(
        *(step(f"p{n}", *(() if on else ("rota:leer",)), delay=d) for n, (on, d) in enumerate(steps)), repeat=repeat
    )
    chain, now, seen = start(plan, T0), T0, set()
    for verb in verbs:
        before = chain.position
        now += timedelta(seconds=data.draw(st.integers(0, 3600)))
        if verb == "a":
            chain = acknowledge(chain, "ida", now).chain
        elif verb == "g":
            chain = give_back(chain, now).chain
        elif verb == "e":
            chain = escalate(plan, chain, now).chain
        done = advance(plan, chain, now, Duty())
        for page in done.pages:
            key = (page.pass_number, page.step_id, page.person)
            assert key not in seen
            seen.add(key)
        chain = Chain.from_json(done.chain.to_json())
        assert chain == done.chain
        assert (chain.due_at is not None) == (chain.state in (ChainState.RUNNING, ChainState.WAITING))
        assert chain.due_at is None or chain.due_at > now or verb == "p"
        assert chain.pass_number >= before[0]
        assert len(done.pages) <= 1
