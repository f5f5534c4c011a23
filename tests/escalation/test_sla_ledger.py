"""Which event does what to which clock: row by row, one test for each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation.calendar import Calendar, NaiveInstant
from escalation.sla import (
    ClockKind,
    LedgerError,
    Outcome,
    Target,
    cancelled,
    closed,
    merged,
    opened,
    our_message,
    our_message_failed,
    paused,
    reopened,
    repinned,
    replay,
    requester_message,
    resolved,
    resumed,
    took_over,
)

OFFICE = Calendar.parse({"week": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}})
TARGET = Target.parse({"response_minutes": 60, "update_minutes": 120, "restore_minutes": 480})


def at(clock: str, day: int = 4) -> datetime:
    """An instant of May 2028 in UTC; the 4th is a Thursday, office hours are 07:00Z to 15:00Z."""
    return datetime.fromisoformat(f"2028-05-{day:02}T{clock}").replace(tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def clocks(*events, now=None, target=TARGET, calendar=OFFICE):
    return replay(target, calendar, events, now)


def outcomes(found) -> tuple[str, str, str, str]:
    """FR, NR, UPD, RES, as the columns of the table."""
    return (
        found.first_response.outcome.value,
        found.next_response.outcome.value,
        found.update.outcome.value,
        found.resolution.outcome.value,
    )


def test_the_example():
    found = clocks(
        opened(at("07:30")),
        our_message(at("07:50"), then="paused"),
        requester_message(at("08:50")),
        target=Target.parse({"response_minutes": 60, "restore_minutes": 480}),
    )
    assert found.first_response.outcome is Outcome.MET
    assert found.first_response.used == minutes(20)
    assert found.first_response.margin == minutes(40)
    assert found.next_responses[0].stopped_at == at("07:50")
    assert found.next_response.due_at == at("09:50")
    assert found.resolution.used == minutes(20)
    assert [span.to_at - span.from_at for span in found.resolution.paused_spans] == [minutes(60)]
    assert found.resolution.due_at == at("08:30", day=5)
    assert found.next_due == at("09:50")


class TestOpening:
    def test_by_the_requester_with_a_message(self):
        found = clocks(opened(at("08:00")))
        assert outcomes(found) == ("running", "running", "none", "running")
        assert {clock.started_at for clock in found} == {at("08:00")}

    def test_by_the_requester_without_one(self):
        assert outcomes(clocks(opened(at("08:00"), message=False))) == ("running", "none", "none", "running")

    @pytest.mark.parametrize("by", ["staff", "owner"])
    def test_by_staff_or_by_the_owner(self, by):
        assert outcomes(clocks(opened(at("08:00"), by=by))) == ("none", "none", "running", "running")

    def test_comes_first_among_events_of_its_instant(self):
        found = clocks(our_message(at("08:00")), opened(at("08:00"), by="staff"))
        assert outcomes(found) == ("none", "none", "running", "running")

    def test_a_contact_noted_for_later_than_the_end_uses_no_time(self):
        found = clocks(opened(at("08:00"), by="staff", contact_at=at("08:30")), resolved(at("08:10"), message=True))
        assert found.first_response.used == minutes(0)
        assert found.first_response.stopped_at == at("08:30")

    def test_by_staff_for_somebody_who_waits_for_our_answer(self):
        found = clocks(opened(at("08:00"), by="staff", contact_at=at("07:45")))
        assert outcomes(found) == ("running", "running", "running", "running")
        assert found.first_response.started_at == found.next_response.started_at == at("07:45")
        assert found.update.started_at == found.resolution.started_at == at("08:00")

    def test_a_first_message_counts_as_opening(self):
        assert outcomes(clocks(requester_message(at("08:00")))) == ("running", "running", "none", "running")

    def test_an_opening_written_down_after_the_message_changes_nothing(self):
        found = clocks(requester_message(at("08:00")), opened(at("08:00"), by="requester"), opened(at("08:05")))
        assert found == clocks(requester_message(at("08:00")), now=at("08:05"))

    @pytest.mark.parametrize("first", [our_message, paused, resumed, resolved, closed, reopened, cancelled, merged])
    def test_nothing_else_can_begin_a_ledger(self, first):
        with pytest.raises(LedgerError):
            clocks(first(at("08:00")))

    def test_no_events_no_clocks(self):
        assert list(clocks()) == []
        assert clocks().next_due is None


class TestRequesterMessage:
    def test_starts_a_next_response_when_none_runs(self):
        found = clocks(opened(at("08:00")), our_message(at("08:10")), requester_message(at("08:40")))
        assert found.next_response.started_at == at("08:40")
        assert found.next_response.round == 2

    def test_a_repeated_one_never_restarts_it(self):
        found = clocks(opened(at("08:00")), requester_message(at("08:30")), requester_message(at("08:50")))
        assert found.next_response.started_at == at("08:00")
        assert len(found.next_responses) == 1

    def test_does_not_stop_the_update_clock(self):
        found = clocks(opened(at("08:00")), our_message(at("08:10")), requester_message(at("08:40")))
        assert found.update.started_at == at("08:10")
        assert found.update.outcome is Outcome.RUNNING

    def test_ends_a_pause(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), requester_message(at("08:40")))
        assert found.first_response.due_at == at("09:30")

    def test_can_leave_the_ticket_waiting_again(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), requester_message(at("08:40"), then="paused"))
        assert found.next_response.outcome is Outcome.PAUSED
        assert found.resolution.paused_spans[0].to_at == at("08:40")

    def test_on_a_done_ticket_starts_nothing_until_it_is_reopened(self):
        found = clocks(opened(at("08:00")), resolved(at("08:10"), message=True), requester_message(at("09:00")))
        assert outcomes(found) == ("met", "met", "none", "met")

    def test_that_leaves_a_done_ticket_open_reopens_it(self):
        by_message = clocks(opened(at("08:00")), resolved(at("08:10")), requester_message(at("09:00"), then="open"))
        assert by_message == clocks(opened(at("08:00")), resolved(at("08:10")), reopened(at("09:00")))


class TestOurMessage:
    def test_meets_the_first_response_once_stops_the_next_and_starts_the_update(self):
        found = clocks(opened(at("08:00")), our_message(at("08:20")))
        assert outcomes(found) == ("met", "met", "running", "running")
        later = clocks(opened(at("08:00")), our_message(at("08:20")), our_message(at("10:00")))
        assert later.first_response.stopped_at == at("08:20")
        assert len(later.first_responses) == 1

    def test_restarts_the_update_clock_each_time(self):
        found = clocks(
            opened(at("08:00")), our_message(at("08:20")), our_message(at("09:00")), our_message(at("12:00"))
        )
        assert [(clock.started_at, clock.outcome.value) for clock in found.updates] == [
            (at("08:20"), "met"),
            (at("09:00"), "breached"),
            (at("12:00"), "running"),
        ]

    def test_stops_the_update_clock_of_a_ticket_opened_by_staff(self):
        found = clocks(opened(at("08:00"), by="staff"), our_message(at("09:00")))
        assert found.updates[0].outcome is Outcome.MET
        assert found.update.started_at == at("09:00")

    def test_that_comes_to_a_waiting_ticket_leaves_it_waiting(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), our_message(at("08:30")))
        assert found.resolution.outcome is Outcome.PAUSED
        assert found.first_response.used == minutes(10)
        assert found.first_response.stopped_at == at("08:30")
        assert found.update.outcome is Outcome.PAUSED

    def test_that_comes_to_a_waiting_ticket_takes_of_the_pause_only_what_was_before(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), our_message(at("08:30")), resumed(at("09:10")))
        assert [(span.from_at, span.to_at) for span in found.first_response.paused_spans] == [
            (at("08:10"), at("08:30"))
        ]
        assert found.first_response.due_at == at("09:20")

    def test_that_comes_to_a_waiting_ticket_starts_an_update_clock_that_waits_from_there(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), our_message(at("08:30")), now=at("08:50"))
        (line,) = found.update.explain()
        assert (line.from_at, line.to_at, line.kind.value) == (at("08:30"), at("08:50"), "paused")

    def test_can_end_the_wait(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), our_message(at("08:30"), then="open"))
        assert found.resolution.due_at == at("08:20", day=5)

    def test_after_the_end_is_too_late_to_be_an_answer(self):
        found = clocks(opened(at("08:00")), resolved(at("08:10")), our_message(at("08:20")))
        assert outcomes(found) == ("unanswered", "unanswered", "none", "met")

    def test_that_leaves_a_done_ticket_open_reopens_it(self):
        found = clocks(opened(at("08:00")), resolved(at("08:10")), our_message(at("09:00"), then="open"))
        assert found.resolution.round == 2
        assert found.update.started_at == at("09:00")
        assert found.next_response.outcome is Outcome.UNANSWERED


class TestOurMessageFailed:
    def test_undoes_what_the_message_did(self):
        found = clocks(
            opened(at("08:00")), our_message(at("08:20")), our_message_failed(at("08:50"), message_at=at("08:20"))
        )
        assert found == clocks(opened(at("08:00")), now=at("08:50"))
        assert found.first_response.due_at == at("09:00")

    def test_the_old_update_clock_runs_on(self):
        found = clocks(
            opened(at("08:00")),
            our_message(at("08:10")),
            our_message(at("09:00")),
            our_message_failed(at("09:01"), message_at=at("09:00")),
        )
        assert found.update.started_at == at("08:10")

    def test_a_later_message_answers_from_the_old_start(self):
        found = clocks(
            opened(at("08:00")),
            our_message(at("08:10")),
            requester_message(at("08:30")),
            our_message(at("09:30")),
            our_message_failed(at("10:00"), message_at=at("08:10")),
        )
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.next_response.used == minutes(90)
        assert len(found.next_responses) == 1

    def test_the_resolution_clock_and_its_pause_are_not_undone(self):
        failed = our_message_failed(at("08:50"), message_at=at("08:20"))
        found = clocks(opened(at("08:00")), our_message(at("08:20"), then="paused"), failed)
        assert found.resolution.outcome is Outcome.PAUSED
        assert found.first_response.stopped_at is None

    def test_a_closing_message_that_never_arrived_is_no_answer(self):
        failed = our_message_failed(at("08:50"), message_at=at("08:20"))
        assert outcomes(clocks(opened(at("08:00")), resolved(at("08:20"), message=True), failed)) == (
            "unanswered",
            "unanswered",
            "none",
            "met",
        )

    def test_of_something_that_was_no_answer_changes_nothing(self):
        found = clocks(opened(at("08:00")), our_message(at("08:20")), our_message_failed(at("08:50"), at("08:00")))
        assert found.first_response.outcome is Outcome.MET


class TestPause:
    def test_stops_all_clocks_and_takes_their_dues(self):
        found = clocks(
            opened(at("08:00")), our_message(at("08:10")), requester_message(at("08:20")), paused(at("08:30"))
        )
        assert outcomes(found) == ("met", "paused", "paused", "paused")
        assert [clock.due_at for clock in found.running] == [None, None, None]
        assert found.next_due is None
        assert found.next_due_clock is None

    def test_stops_the_first_response_as_well(self):
        found = clocks(opened(at("08:00")), paused(at("08:30")), now=at("14:00"))
        assert found.first_response.outcome is Outcome.PAUSED
        assert found.first_response.used == minutes(30)

    def test_moves_dues_by_the_paused_open_time(self):
        found = clocks(opened(at("14:30")), paused(at("14:45")), resumed(at("07:15", day=5)))
        assert found.first_response.due_at == at("08:00", day=5)

    def test_a_second_pause_inside_the_first_changes_nothing(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), paused(at("08:20")), resumed(at("08:30")))
        assert found.first_response.due_at == at("09:20")

    def test_resuming_what_does_not_wait_changes_nothing(self):
        assert clocks(opened(at("08:00")), resumed(at("08:10"))).first_response.due_at == at("09:00")

    def test_ends_at_the_agreed_date_however_late_somebody_looks(self):
        found = clocks(opened(at("08:00")), paused(at("08:10"), until=at("08:40")), now=at("11:00"))
        assert found.first_response.due_at == at("09:30")
        assert found.first_response.outcome is Outcome.BREACHED

    def test_an_agreed_date_is_no_end_before_it_comes(self):
        found = clocks(opened(at("08:00")), paused(at("08:10"), until=at("08:40")), now=at("08:39"))
        assert found.first_response.outcome is Outcome.PAUSED
        assert clocks(opened(at("08:00")), paused(at("08:10"), until=at("08:40")), now=at("08:40")).next_due == at(
            "09:30"
        )
        assert found.paused_until == at("08:40")
        assert found.next_look_at(at("08:39")) == at("08:40")

    def test_keeps_the_reason_of_each_span(self):
        found = clocks(opened(at("08:00")), paused(at("08:10"), reason="documents"), resumed(at("08:40")))
        assert [span.reason for span in found.resolution.paused_spans] == ["documents"]

    def test_does_not_hide_that_a_clock_was_late_before(self):
        found = clocks(opened(at("08:00")), paused(at("09:01")), now=at("10:00"))
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.first_response.due_at is None
        assert found.first_response.margin == minutes(-1)

    def test_at_the_due_instant_comes_too_late_to_move_it(self):
        found = clocks(opened(at("08:00")), paused(at("09:00")), now=at("10:00"))
        assert found.first_response.outcome is Outcome.BREACHED
        assert found.resolution.outcome is Outcome.PAUSED

    def test_of_a_done_ticket_changes_nothing(self):
        found = clocks(opened(at("08:00")), resolved(at("08:10")), paused(at("08:20")), reopened(at("09:00")))
        assert found.resolution.outcome is Outcome.RUNNING

    def test_a_later_one_does_not_move_the_due_instant_of_a_stopped_clock(self):
        found = clocks(opened(at("08:00")), our_message(at("08:20")), paused(at("08:30")), resumed(at("10:30")))
        assert found.first_response.due_at == at("09:00")


class TestResolved:
    @pytest.mark.parametrize("end", [resolved, closed])
    def test_ends_the_answers_as_unanswered_and_stops_the_resolution(self, end):
        found = clocks(opened(at("08:00")), end(at("08:30")))
        assert outcomes(found) == ("unanswered", "unanswered", "none", "met")
        assert found.resolution.used == minutes(30)
        assert found.running == ()

    @pytest.mark.parametrize("end", [resolved, closed])
    def test_with_a_public_closing_message_it_is_an_answer(self, end):
        assert outcomes(clocks(opened(at("08:00")), end(at("08:30"), message=True))) == ("met", "met", "none", "met")

    def test_a_message_of_the_same_instant_is_an_answer_too(self):
        found = clocks(opened(at("08:00")), our_message(at("08:30")), resolved(at("08:30")))
        assert outcomes(found) == ("met", "met", "ended", "met")

    def test_a_silent_close_never_looks_like_met_even_when_late(self):
        found = clocks(opened(at("08:00")), resolved(at("11:00")))
        assert found.first_response.outcome is Outcome.UNANSWERED
        assert found.first_response.late

    def test_ends_an_update_in_time_or_late(self):
        in_time = clocks(opened(at("08:00")), our_message(at("08:10")), resolved(at("10:10")))
        assert in_time.update.outcome is Outcome.ENDED
        late = clocks(opened(at("08:00")), our_message(at("08:10")), resolved(at("10:11")))
        assert late.update.outcome is Outcome.BREACHED

    def test_ends_a_pause(self):
        found = clocks(opened(at("08:00")), paused(at("08:10")), resolved(at("09:00")), reopened(at("09:30")))
        assert found.resolution.outcome is Outcome.RUNNING
        assert found.resolution.used == minutes(10)

    def test_closing_afterwards_changes_nothing(self):
        found = clocks(opened(at("08:00")), resolved(at("08:30")), closed(at("10:00", day=8)))
        assert found == clocks(opened(at("08:00")), resolved(at("08:30")))


class TestReopened:
    def test_the_resolution_runs_on_with_its_used_time_and_the_gap_is_a_pause(self):
        found = clocks(opened(at("08:00")), resolved(at("10:00")), reopened(at("12:00")), now=at("13:00"))
        first, second = found.resolutions
        assert (first.outcome, first.reopened, first.used) == (Outcome.MET, True, minutes(120))
        assert (second.round, second.started_at, second.used) == (2, at("08:00"), minutes(180))
        assert second.due_at == at("10:00", day=5)
        assert [(span.from_at, span.to_at) for span in second.paused_spans] == [(at("10:00"), at("12:00"))]

    def test_by_the_requester_starts_next_response_and_update(self):
        found = clocks(opened(at("08:00")), resolved(at("10:00")), reopened(at("12:00"), by="requester"))
        assert outcomes(found) == ("unanswered", "running", "running", "running")
        assert found.next_response.started_at == found.update.started_at == at("12:00")

    @pytest.mark.parametrize("event", [reopened(at("12:00"), by="staff"), reopened(at("12:00"), message=False)])
    def test_without_words_of_the_requester_no_answer_is_owed(self, event):
        found = clocks(opened(at("08:00")), resolved(at("10:00")), event)
        assert outcomes(found) == ("unanswered", "unanswered", "running", "running")

    def test_twice(self):
        found = clocks(
            opened(at("08:00")),
            resolved(at("09:00")),
            reopened(at("10:00")),
            resolved(at("11:00")),
            reopened(at("12:00")),
            resolved(at("13:00")),
        )
        assert [clock.used for clock in found.resolutions] == [minutes(60), minutes(120), minutes(180)]
        assert [clock.reopened for clock in found.resolutions] == [True, True, False]

    def test_what_was_not_done_is_only_a_message(self):
        assert clocks(opened(at("08:00")), our_message(at("08:10")), reopened(at("09:00"))) == clocks(
            opened(at("08:00")), our_message(at("08:10")), requester_message(at("09:00"))
        )


class TestMerge:
    def test_the_source_ends_as_merged_without_a_due(self):
        found = clocks(
            opened(at("08:00")), our_message(at("08:10")), requester_message(at("08:20")), merged(at("08:30"))
        )
        assert outcomes(found) == ("met", "merged", "merged", "merged")
        assert found.resolution.due_at is None
        assert found.resolution.warn_at == ()
        assert found.running == ()

    def test_the_target_takes_the_earliest_start_of_each_unanswered_clock(self):
        starts = {
            ClockKind.NEXT_RESPONSE: at("08:20"),
            ClockKind.UPDATE: at("08:10"),
            ClockKind.RESOLUTION: at("08:00"),
        }
        found = clocks(opened(at("08:30")), took_over(at("09:00"), starts))
        assert found.first_response.started_at == at("08:30")
        assert found.next_response.started_at == at("08:20")
        assert found.update.started_at == at("08:10")
        assert found.resolution.started_at == at("08:00")

    def test_a_later_start_does_not_move_a_clock(self):
        found = clocks(opened(at("08:30")), took_over(at("09:00"), {ClockKind.RESOLUTION: at("08:45")}))
        assert found.resolution.started_at == at("08:30")

    def test_a_first_response_already_given_is_not_owed_again(self):
        starts = {ClockKind.FIRST_RESPONSE: at("08:40"), ClockKind.NEXT_RESPONSE: at("08:40")}
        found = clocks(opened(at("08:30")), our_message(at("08:35")), took_over(at("09:00"), starts))
        assert found.first_response.outcome is Outcome.MET
        assert found.next_response.started_at == at("08:40")

    def test_the_pauses_of_the_target_stay(self):
        found = clocks(
            opened(at("08:30")),
            paused(at("08:40")),
            resumed(at("09:10")),
            took_over(at("09:20"), {ClockKind.FIRST_RESPONSE: at("08:20")}),
        )
        assert found.first_response.due_at == at("09:50")


class TestCancelled:
    def test_ends_everything_without_a_due(self):
        found = clocks(
            opened(at("08:00")), our_message(at("08:10")), requester_message(at("08:20")), cancelled(at("11:00"))
        )
        assert outcomes(found) == ("met", "cancelled", "cancelled", "cancelled")
        assert found.next_due is None
        assert not found.next_response.late

    def test_without_a_policy_there_are_no_clocks(self):
        found = clocks(opened(at("08:00")), our_message(at("08:10")), target=None)
        assert list(found) == []
        assert outcomes(found) == ("none", "none", "none", "none")
        assert found.next_due is None

    def test_when_no_policy_fits_any_more_running_clocks_are_cancelled_and_finished_ones_stay(self):
        found = clocks(opened(at("08:00")), our_message(at("08:10")), repinned(at("09:00"), None))
        assert outcomes(found) == ("met", "met", "cancelled", "cancelled")
        assert found.resolution.used == minutes(60)
        assert found.next_due is None

    def test_a_policy_found_again_counts_from_the_original_start(self):
        found = clocks(opened(at("08:00")), repinned(at("09:00"), None), repinned(at("10:00"), TARGET, OFFICE))
        assert found.resolution.outcome is Outcome.RUNNING
        assert found.resolution.due_at == at("08:00", day=5)

    def test_an_answer_after_the_policy_was_taken_away_is_not_counted(self):
        found = clocks(opened(at("08:00")), repinned(at("08:10"), None), our_message(at("08:20")))
        assert found.first_response.outcome is Outcome.CANCELLED
        assert found.first_response.stopped_at == at("08:10")


class TestLedger:
    def test_asked_twice_it_answers_the_same(self):
        events = [opened(at("08:00")), our_message(at("08:10"), then="paused"), requester_message(at("09:00"))]
        assert replay(TARGET, OFFICE, events) == replay(TARGET, OFFICE, iter(events))

    def test_the_order_in_which_rows_are_read_does_not_matter(self):
        events = [opened(at("08:00")), our_message(at("08:10"), then="paused"), requester_message(at("09:00"))]
        assert replay(TARGET, OFFICE, events) == replay(TARGET, OFFICE, reversed(events))

    def test_instants_may_come_in_any_zone_but_not_naive(self):
        east = at("08:00").astimezone(ZoneInfo("Asia/Tokyo"))
        assert clocks(opened(east)) == clocks(opened(at("08:00")))
        with pytest.raises(NaiveInstant):
            opened(datetime(2028, 5, 4, 8))
        with pytest.raises(NaiveInstant):
            clocks(opened(at("08:00")), now=datetime(2028, 5, 4, 9))

    def test_what_was_not_promised_has_no_clock(self):
        only_answers = Target.parse({"response_minutes": 60})
        found = clocks(opened(at("08:00")), our_message(at("08:10")), target=only_answers)
        assert outcomes(found) == ("met", "met", "none", "none")
