"""Dues, warnings, outcomes, re-pins, explanations: what is read off a clock."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.calendar import Calendar
from escalation.preview import OpenTicket, preview
from escalation.sla import (
    BreachCause,
    ClockKind,
    Outcome,
    Target,
    TargetError,
    opened,
    our_message,
    paused,
    reopened,
    repinned,
    replay,
    requester_message,
    resolved,
    resumed,
)
from tests.escalation.test_sla_ledger import OFFICE, TARGET, at, clocks, minutes

AROUND_THE_CLOCK = Calendar.parse(
    {"week": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}}
)


class TestTarget:
    def test_budgets_per_clock(self):
        target = Target.parse({"response_minutes": 15, "update_minutes": 60, "restore_minutes": 240})
        assert [target.budget(kind) for kind in ClockKind] == [minutes(15), minutes(15), minutes(240), minutes(60)]

    def test_the_next_response_may_have_its_own(self):
        target = Target.parse({"response_minutes": 15, "next_response_minutes": 90})
        assert target.budget(ClockKind.NEXT_RESPONSE) == minutes(90)
        assert target.budget(ClockKind.UPDATE) is None

    def test_rows_of_the_seed_file_are_read_as_they_are(self):
        row = {
            "calendar": "hotline",
            "response_minutes": 60,
            "basis": "assumed",
            "municipality": {"response_minutes": 30},
        }
        assert Target.parse(row).response == minutes(60)

    @pytest.mark.parametrize("value", [0, -5, 1.5, "60", True, 10**9])
    @pytest.mark.parametrize("key", ["response_minutes", "next_response_minutes", "update_minutes", "restore_minutes"])
    def test_anything_but_whole_minutes_above_zero_is_refused(self, key, value):
        with pytest.raises(TargetError) as refused:
            Target.parse({key: value})
        assert (refused.value.code, refused.value.where) == ("bad_minutes", key)

    def test_also_when_made_directly(self):
        with pytest.raises(TargetError):
            Target(response=timedelta(0))
        with pytest.raises(TargetError):
            Target(warn_percents=(90, 50))

    @pytest.mark.parametrize("percents", [[0], [100], [75, 50], [50, 50], ["75"], [True], 75])
    def test_percents_ascend_between_1_and_99(self, percents):
        with pytest.raises(TargetError) as refused:
            Target.parse({"response_minutes": 60, "warn_percents": percents})
        assert refused.value.code == "bad_percents"

    def test_a_misspelt_key_is_refused(self):
        with pytest.raises(TargetError) as refused:
            Target.parse({"respond_minutes": 60})
        assert (refused.value.code, refused.value.where) == ("unknown_key", "respond_minutes")


class TestOutcome:
    def test_exactly_at_the_due_instant_is_met(self):
        assert clocks(opened(at("08:00")), our_message(at("09:00"))).first_response.outcome is Outcome.MET

    def test_a_microsecond_later_is_a_breach_though_it_is_done(self):
        late = at("09:00") + timedelta(microseconds=1)
        found = clocks(opened(at("08:00")), our_message(late))
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.first_response.margin == timedelta(microseconds=-1)

    def test_an_open_clock_is_breached_from_the_first_moment_after_its_due(self):
        assert clocks(opened(at("08:00")), now=at("09:00")).first_response.outcome is Outcome.RUNNING
        after = clocks(opened(at("08:00")), now=at("09:00") + timedelta(microseconds=1))
        assert after.first_response.outcome is Outcome.BREACHED
        assert after.first_response.cause is BreachCause.TIME
        assert after.first_response.is_running

    def test_by_instant_even_when_no_service_time_passed_since(self):
        # due exactly at closing on Thursday, answered in the evening: nothing more was used, and yet it is late
        found = clocks(opened(at("14:00")), our_message(at("19:00")))
        assert found.first_response.due_at == at("15:00")
        assert found.first_response.margin == timedelta(0)
        assert found.first_response.outcome is Outcome.BREACHED

    def test_without_a_now_the_last_event_is_where_it_stands(self):
        found = clocks(opened(at("08:00")), requester_message(at("09:30")))
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.first_response.used == minutes(90)

    def test_a_now_before_the_last_event_does_not_turn_time_back(self):
        found = clocks(opened(at("08:00")), requester_message(at("08:30")), now=at("08:10"))
        assert found.first_response.used == minutes(30)

    def test_a_clock_that_does_not_exist_is_false_and_empty(self):
        clock = clocks(opened(at("08:00"), by="staff")).first_response
        assert not clock
        assert (clock.outcome, clock.started_at, clock.due_at, clock.stopped_at) == (Outcome.NONE, None, None, None)
        assert (clock.used, clock.margin, clock.warn_at, clock.paused_spans) == (timedelta(0), None, (), ())
        assert clock.explain() == ()


class TestNextDue:
    def test_is_the_earliest_due_of_the_running_clocks(self):
        found = clocks(opened(at("08:00")), our_message(at("08:10")))
        assert found.next_due == at("10:10")
        assert found.next_due_clock is not None
        assert found.next_due_clock.kind is ClockKind.UPDATE

    def test_a_late_clock_is_still_due(self):
        assert clocks(opened(at("08:00")), now=at("12:00")).next_due == at("09:00")

    def test_none_when_all_is_done(self):
        assert clocks(opened(at("08:00")), resolved(at("08:10"))).next_due is None


class TestWorstNextResponse:
    def test_is_the_answered_exchange_with_the_smallest_margin(self):
        found = clocks(
            opened(at("08:00")),
            our_message(at("08:10")),
            requester_message(at("09:00")),
            our_message(at("10:30")),
            requester_message(at("11:00")),
            our_message(at("11:05")),
        )
        assert found.worst_next_response is not None
        assert found.worst_next_response.round == 2
        assert found.worst_next_response.used == minutes(90)
        assert found.worst_next_response.margin == minutes(-30)

    def test_an_open_or_unanswered_exchange_is_not_in_it(self):
        assert clocks(opened(at("08:00")), now=at("14:00")).worst_next_response is None
        assert clocks(opened(at("08:00")), resolved(at("14:00"))).worst_next_response is None


class TestWarnings:
    def test_come_at_a_percentage_of_the_budget_in_service_time(self):
        found = clocks(opened(at("14:30")))
        assert found.first_response.warn_at == (at("07:15", day=5),)

    def test_several_thresholds(self):
        target = Target.parse({"response_minutes": 60, "warn_percents": [50, 90]})
        found = clocks(opened(at("08:00")), target=target)
        assert found.first_response.warn_at == (at("08:30"), at("08:54"))

    def test_move_with_pauses(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), resumed(at("08:30")))
        assert found.first_response.warn_at == (at("09:05"),)

    def test_while_paused_only_those_reached_before(self):
        assert clocks(opened(at("08:00")), paused(at("08:44"))).first_response.warn_at == ()
        assert clocks(opened(at("08:00")), paused(at("08:50"))).first_response.warn_at == (at("08:45"),)

    def test_the_next_look_is_the_next_warning_or_breach(self):
        found = clocks(opened(at("08:00")))
        assert found.next_look_at(at("08:00")) == at("08:45")
        assert found.next_look_at(at("08:45")) == at("09:00") + timedelta(microseconds=1)
        assert clocks(opened(at("08:00")), now=at("09:00") + timedelta(microseconds=1)).first_response.late
        assert clocks(opened(at("08:00")), resolved(at("08:10"))).next_look_at(at("08:10")) is None


class TestRepin:
    SHORT = Target.parse({"response_minutes": 30, "update_minutes": 60, "restore_minutes": 120})

    def test_running_clocks_are_computed_anew_from_their_start_with_all_pauses(self):
        found = clocks(
            opened(at("08:00")), paused(at("08:10")), resumed(at("08:40")), repinned(at("08:45"), self.SHORT, OFFICE)
        )
        assert found.first_response.due_at == at("09:00")
        assert found.resolution.due_at == at("10:30")

    def test_finished_clocks_stay(self):
        found = clocks(opened(at("08:00")), our_message(at("08:50")), repinned(at("09:00"), self.SHORT, OFFICE))
        assert found.first_response.outcome is Outcome.MET
        assert found.first_response.budget == minutes(60)
        assert found.update.budget == minutes(60)

    def test_a_due_moved_into_the_past_is_a_breach_of_its_own_cause(self):
        found = clocks(opened(at("08:00")), repinned(at("08:50"), self.SHORT, OFFICE))
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.first_response.cause is BreachCause.REPIN
        assert found.resolution.cause is None

    def test_what_was_late_before_stays_late_by_time(self):
        found = clocks(opened(at("08:00")), repinned(at("09:30"), self.SHORT, OFFICE))
        assert found.first_response.cause is BreachCause.TIME

    def test_what_becomes_late_afterwards_is_late_by_time(self):
        found = clocks(opened(at("08:00")), repinned(at("08:20"), self.SHORT, OFFICE), now=at("08:40"))
        assert found.first_response.cause is BreachCause.TIME

    def test_a_second_repin_can_take_the_breach_back(self):
        found = clocks(
            opened(at("08:00")), repinned(at("08:50"), self.SHORT, OFFICE), repinned(at("08:55"), TARGET, OFFICE)
        )
        assert found.first_response.outcome is Outcome.RUNNING

    def test_another_repin_keeps_the_cause(self):
        found = clocks(
            opened(at("08:00")), repinned(at("08:50"), self.SHORT, OFFICE), repinned(at("08:55"), self.SHORT)
        )
        assert found.first_response.cause is BreachCause.REPIN

    def test_another_calendar_counts_from_the_start_too(self):
        found = clocks(opened(at("14:30")), repinned(at("14:40"), TARGET, AROUND_THE_CLOCK))
        assert found.first_response.due_at == at("15:30")

    def test_a_promise_that_comes_with_the_new_target_has_its_true_start(self):
        no_updates = Target.parse({"response_minutes": 60})
        found = clocks(
            opened(at("08:00")), our_message(at("08:10")), repinned(at("08:30"), TARGET, OFFICE), target=no_updates
        )
        assert found.update.started_at == at("08:10")
        assert found.resolution.started_at == at("08:00")

    def test_a_reopened_ticket_goes_on_under_the_new_versions(self):
        found = clocks(
            opened(at("08:00")), resolved(at("09:00")), repinned(at("09:30"), self.SHORT, OFFICE), reopened(at("10:00"))
        )
        first, second = found.resolutions
        assert (first.budget, second.budget) == (minutes(480), minutes(120))
        assert second.due_at == at("11:00")


class TestExplain:
    def test_lines_are_gapless_and_add_up(self):
        calendar = Calendar.parse(
            {
                "week": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
                "holidays": ["2028-05-05"],
                "overrides": {"2028-05-08": []},
            }
        )
        found = clocks(
            opened(at("14:00")), paused(at("14:20"), reason="documents"), resumed(at("14:50")), calendar=calendar
        )
        lines = found.resolution.explain()
        assert [(line.kind.value, line.why, line.counts, line.total) for line in lines] == [
            ("open", "week", True, minutes(20)),
            ("paused", "documents", False, minutes(20)),
            ("open", "week", True, minutes(30)),
            ("closed", "week", False, minutes(30)),
            ("holiday", "holiday", False, minutes(30)),
            ("closed", "week", False, minutes(30)),
            ("override_closed", "override", False, minutes(30)),
            ("closed", "week", False, minutes(30)),
            ("open", "week", True, minutes(480)),
        ]
        assert lines[0].from_at == at("14:00")
        assert lines[-1].to_at == found.resolution.due_at == at("14:30", day=9)
        assert all(left.to_at == right.from_at for left, right in pairwise(lines))

    def test_while_paused_it_reaches_as_far_as_we_know(self):
        lines = clocks(opened(at("08:00")), paused(at("08:20")), now=at("09:00")).first_response.explain()
        assert [(line.kind.value, line.from_at, line.to_at) for line in lines] == [
            ("open", at("08:00"), at("08:20")),
            ("paused", at("08:20"), at("09:00")),
        ]

    def test_the_time_a_ticket_was_done_is_named(self):
        found = clocks(opened(at("08:00")), resolved(at("09:00")), reopened(at("10:00")))
        assert "done" in [line.why for line in found.resolution.explain()]


class TestPreview:
    def test_tells_per_ticket_what_would_move_and_writes_nothing(self):
        tickets = [
            OpenTicket(number="T-1", target=TARGET, calendar=OFFICE, events=(opened(at("08:00")),)),
            OpenTicket(number="T-2", target=TestRepin.SHORT, calendar=OFFICE, events=(opened(at("08:00")),)),
        ]
        longer = Target.parse({"response_minutes": 120, "restore_minutes": 60})
        first, second = preview(tickets, longer, OFFICE, at("09:01"))
        assert (first.number, first.old_due, first.new_due) == ("T-1", at("09:00"), at("09:00"))
        assert first.newly_late == (ClockKind.RESOLUTION,)
        assert first.newly_saved == (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE)
        assert second.newly_saved == (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE)

    def test_agrees_with_the_repin_itself(self):
        ticket = OpenTicket(number="T-1", target=TARGET, calendar=OFFICE, events=(opened(at("08:00")),))
        (shift,) = preview([ticket], TestRepin.SHORT, AROUND_THE_CLOCK, at("08:10"))
        pinned = clocks(opened(at("08:00")), repinned(at("08:10"), TestRepin.SHORT, AROUND_THE_CLOCK))
        assert shift.new_due == pinned.next_due


makers = st.sampled_from(
    [
        requester_message,
        our_message,
        paused,
        resumed,
        resolved,
        reopened,
        lambda moment: our_message(moment, then="paused"),
        lambda moment: repinned(moment, TestRepin.SHORT, OFFICE),
        lambda moment: repinned(moment, TARGET, AROUND_THE_CLOCK),
    ]
)
steps = st.lists(st.tuples(st.integers(0, 20_000), makers), max_size=12)


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 100_000))
def test_any_ledger_keeps_its_books(steps, rest):
    moment = at("07:10")
    events = [opened(moment)]
    for seconds, make in steps:
        moment += timedelta(seconds=seconds)
        events.append(make(moment))
    now = moment + timedelta(seconds=rest)
    found = replay(TARGET, OFFICE, events, now)
    for clock in found:
        _books_are_right(clock, now)
    for rounds in (found.first_responses, found.next_responses, found.updates, found.resolutions):
        assert all(clock.stopped_at is not None for clock in rounds[:-1])
        assert [clock.round for clock in rounds] == list(range(1, len(rounds) + 1))
    dues = [clock.due_at for clock in found.running if clock.due_at]
    assert found.next_due == min(dues, default=None)


def _books_are_right(clock, now):
    lines = clock.explain()
    assert all(left.to_at == right.from_at for left, right in pairwise(lines))
    counted = sum((line.to_at - line.from_at for line in lines if line.counts), timedelta(0))
    if clock.due_at is not None:
        assert counted == clock.budget
        assert lines[0].from_at == clock.started_at
        assert lines[-1].to_at == clock.due_at
        assert (clock.outcome is Outcome.BREACHED) or not (clock.stopped_at or now) > clock.due_at or clock.ended_as
    assert clock.margin == clock.budget - clock.used
    assert clock.used >= timedelta(0)
    if clock.outcome is Outcome.MET:
        assert clock.stopped_at <= clock.due_at
    if clock.is_paused:
        assert clock.due_at is None


@settings(max_examples=40, deadline=None)
@given(steps)
def test_looking_in_between_never_changes_what_is_read_later(steps):
    """A ledger read in full equals one whose clocks were read after every line."""
    moment, events = at("07:10"), [opened(at("07:10"))]
    seen: dict[tuple[ClockKind, int], object] = {}
    for seconds, make in steps:
        moment += timedelta(seconds=seconds)
        events.append(make(moment))
        for clock in replay(TARGET, OFFICE, events):
            if clock.stopped_at is None:
                continue
            facts = (clock.outcome, clock.used, clock.margin, clock.stopped_at)
            assert seen.setdefault((clock.kind, clock.round), facts) == facts


def test_the_hours_of_the_seed_file_hold_a_promise_made_on_a_saturday_evening():
    hotline = Calendar.parse(
        {
            "week": {day: [["08:00", "22:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
            | {"sat": [["09:00", "20:00"]], "sun": [["10:00", "20:00"]]},
            "holidays": [date(2026, 12, 25).isoformat()],
            "holiday_mode": "sunday_hours",
        }
    )
    second_highest = Target.parse({"response_minutes": 60, "update_minutes": 240, "restore_minutes": 840})
    saturday = datetime(2026, 11, 21, 17, 10, tzinfo=UTC)  # 18:10 in Berlin
    found = replay(second_highest, hotline, [opened(saturday)])
    assert found.first_response.due_at == saturday + minutes(60)
    assert found.resolution.due_at == datetime(2026, 11, 23, 9, 10, tzinfo=UTC)
