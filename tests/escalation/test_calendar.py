"""Service calendars on concrete dates: opening hours, holidays, overrides, pauses, clock changes."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from escalation.calendar import Calendar, HoursSource, NaiveInstant, NeverOpensAgain, TimeKind

SPLIT_DAY = {
    "timezone": "Europe/Berlin",
    "week": {"mon": [["09:00", "12:30"], ["13:15", "17:00"]], "sat": [["10:00", "14:00"]]},
    "holidays": ["2028-06-15"],
    "holiday_mode": "closed",
    "overrides": {"2028-12-24": [["09:00", "12:00"]], "2028-12-27": []},
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
CORE = {day: [["08:00", "18:00"]] for day in WEEKDAYS}
ALWAYS = {day: [["00:00", "24:00"]] for day in (*WEEKDAYS, "sat", "sun")}


def daily(opening: str, closing: str) -> dict[str, list[list[str]]]:
    return {day: [[opening, closing]] for day in (*WEEKDAYS, "sat", "sun")}


def calendar(week=CORE, **rest) -> Calendar:
    return Calendar.parse({"week": week, **rest})


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def spans(found) -> list[tuple[str, str]]:
    return [(f"{start:%d %H:%M}", f"{end:%d %H:%M}") for start, end in found]


def test_ninety_minutes_run_over_the_weekend_and_the_clock_change():
    start = berlin("2028-03-25T13:30")
    assert Calendar.parse(SPLIT_DAY).add(start, minutes(90)) == utc("2028-03-27T08:00")


def test_open_at_opening_and_closed_at_closing():
    hotline = calendar()
    assert hotline.is_open(berlin("2028-05-04T08:00"))
    assert not hotline.is_open(berlin("2028-05-04T07:59:59.999999"))
    assert hotline.is_open(berlin("2028-05-04T17:59:59.999999"))
    assert not hotline.is_open(berlin("2028-05-04T18:00"))


def test_eighteen_o_clock_belongs_to_the_evening():
    evening = calendar({"thu": [["18:00", "22:00"]]})
    assert evening.is_open(berlin("2028-05-04T18:00"))


def test_the_calendars_own_zone_counts_not_that_of_the_instant():
    core = calendar()
    tokyo = datetime(2028, 5, 4, 15, 0, tzinfo=ZoneInfo("Asia/Tokyo"))  # 08:00 in Berlin
    assert core.is_open(tokyo)
    assert core.add(tokyo, hours(1)) == utc("2028-05-04T07:00")


def test_answers_are_in_utc():
    core = calendar()
    assert core.add(berlin("2028-05-04T09:00"), minutes(1)).tzinfo is UTC
    assert core.add(berlin("2028-05-04T09:00"), timedelta(0)).tzinfo is UTC
    assert core.next_open(berlin("2028-05-04T09:00")).tzinfo is UTC
    assert all(edge.tzinfo is UTC for edge in next(core.intervals(berlin("2028-05-04T09:00"), None)))


@pytest.mark.parametrize(
    "ask",
    [
        lambda core, at: core.is_open(at),
        lambda core, at: core.next_open(at),
        lambda core, at: core.add(at, minutes(5)),
        lambda core, at: core.add(at, timedelta(0)),
        lambda core, at: core.elapsed(at, utc("2028-05-04T10:00")),
        lambda core, at: core.elapsed(utc("2028-05-04T10:00"), at),
        lambda core, at: core.intervals(at, None),
        lambda core, at: core.intervals(utc("2028-05-04T10:00"), at),
        lambda core, at: core.add(utc("2028-05-04T10:00"), minutes(5), [(at, utc("2028-05-04T11:00"))]),
    ],
)
def test_a_naive_instant_is_refused_everywhere(ask):
    with pytest.raises(NaiveInstant):
        ask(calendar(), datetime(2028, 5, 4, 9, 0))
    assert issubclass(NaiveInstant, ValueError)


class TestAdd:
    def test_a_budget_used_up_at_closing_is_due_at_closing(self):
        assert calendar().add(berlin("2028-05-05T17:00"), hours(1)) == berlin("2028-05-05T18:00")

    def test_one_microsecond_more_is_due_after_the_weekend(self):
        due = calendar().add(berlin("2028-05-05T17:00"), hours(1) + timedelta(microseconds=1))
        assert due == berlin("2028-05-08T08:00:00.000001")

    def test_a_zero_budget_is_due_at_start_even_when_closed(self):
        sunday = berlin("2028-05-07T03:21:07")
        assert calendar().add(sunday, timedelta(0)) == sunday

    def test_a_negative_budget_is_refused(self):
        with pytest.raises(ValueError, match="negative"):
            calendar().add(berlin("2028-05-05T17:00"), timedelta(microseconds=-1))

    def test_seconds_and_microseconds_are_kept(self):
        start = berlin("2028-05-04T17:59:59.5")
        assert calendar().add(start, timedelta(seconds=2, microseconds=7)) == berlin("2028-05-05T08:00:01.500007")

    def test_seven_days_are_168_hours_of_service_time(self):
        due = calendar().add(berlin("2028-01-03T08:00"), timedelta(days=7))
        assert due == berlin("2028-01-25T16:00")  # 16 days of ten hours, and eight hours

    def test_the_break_at_noon_does_not_count(self):
        assert Calendar.parse(SPLIT_DAY).add(berlin("2028-05-08T12:00"), hours(1)) == berlin("2028-05-08T13:45")


class TestNextOpen:
    def test_itself_when_open(self):
        at = berlin("2028-05-04T09:13:00.5")
        assert calendar().next_open(at) == at

    def test_next_opening_when_closed(self):
        assert calendar().next_open(berlin("2028-05-05T18:00")) == berlin("2028-05-08T08:00")

    def test_only_past_overrides_ever_opened(self):
        once = calendar({}, overrides={"2028-05-04": [["09:00", "10:00"]]})
        assert once.next_open(berlin("2020-01-01T00:00")) == berlin("2028-05-04T09:00")
        with pytest.raises(NeverOpensAgain):
            once.next_open(berlin("2028-05-04T10:00"))
        with pytest.raises(NeverOpensAgain):
            once.add(berlin("2028-05-04T09:30"), minutes(31))
        assert once.add(berlin("2028-05-04T09:30"), minutes(30)) == berlin("2028-05-04T10:00")


class TestElapsed:
    def test_zero_when_the_end_is_not_after_the_start(self):
        core, at = calendar(), berlin("2028-05-04T12:00")
        assert core.elapsed(at, at) == timedelta(0)
        assert core.elapsed(at, at - hours(2)) == timedelta(0)

    def test_only_open_time_counts(self):
        assert calendar().elapsed(berlin("2028-05-05T17:30"), berlin("2028-05-08T08:10")) == minutes(40)


class TestPauses:
    def test_a_pause_moves_the_due_instant_by_its_open_time_only(self):
        overnight = (berlin("2028-05-04T17:00"), berlin("2028-05-05T09:00"))
        assert calendar().add(berlin("2028-05-04T16:00"), hours(2), [overnight]) == berlin("2028-05-05T10:00")

    def test_overlapping_and_touching_pauses_count_once(self):
        pauses = [
            (berlin("2028-05-04T10:00"), berlin("2028-05-04T11:00")),
            (berlin("2028-05-04T10:30"), berlin("2028-05-04T11:30")),
            (berlin("2028-05-04T11:30"), berlin("2028-05-04T12:00")),
            (berlin("2028-05-04T10:15"), berlin("2028-05-04T10:20")),
        ]
        assert calendar().elapsed(berlin("2028-05-04T09:00"), berlin("2028-05-04T13:00"), pauses) == hours(2)
        assert calendar().add(berlin("2028-05-04T09:00"), hours(2), reversed(pauses)) == berlin("2028-05-04T13:00")

    def test_a_pause_may_begin_before_the_start(self):
        early = (berlin("2028-05-01T00:00"), berlin("2028-05-04T10:00"))
        assert calendar().add(berlin("2028-05-04T09:00"), hours(1), [early]) == berlin("2028-05-04T11:00")

    def test_a_pause_at_the_due_instant_does_not_move_it(self):
        pause = (berlin("2028-05-04T10:00"), berlin("2028-05-04T11:00"))
        assert calendar().add(berlin("2028-05-04T09:00"), hours(1), [pause]) == berlin("2028-05-04T10:00")

    def test_an_empty_pause_has_no_effect(self):
        at = berlin("2028-05-04T10:00")
        found = calendar().intervals(berlin("2028-05-04T09:00"), berlin("2028-05-04T11:00"), [(at, at)])
        assert list(found) == [(berlin("2028-05-04T09:00"), berlin("2028-05-04T11:00"))]

    def test_a_pause_that_ends_before_it_begins_is_refused(self):
        pause = (berlin("2028-05-04T11:00"), berlin("2028-05-04T10:00"))
        with pytest.raises(ValueError, match="pause"):
            calendar().elapsed(berlin("2028-05-04T09:00"), berlin("2028-05-04T13:00"), [pause])

    def test_many_pauses_cut_many_intervals(self):
        start = berlin("2028-05-04T08:00")
        pauses = [(start + minutes(10 * n), start + minutes(10 * n + 4)) for n in range(60)]
        assert calendar().elapsed(start, berlin("2028-05-04T18:00"), pauses) == minutes(360)


class TestIntervals:
    def test_touching_hours_are_one_interval_also_over_midnight(self):
        night = calendar({"thu": [["20:00", "22:00"], ["22:00", "24:00"]], "fri": [["00:00", "06:00"]]})
        found = night.intervals(berlin("2028-05-04T00:00"), berlin("2028-05-06T00:00"))
        assert spans(found) == [("04 18:00", "05 04:00")]

    def test_they_are_clipped_to_what_was_asked(self):
        found = calendar().intervals(berlin("2028-05-04T17:00"), berlin("2028-05-05T09:30"))
        assert spans(found) == [("04 15:00", "04 16:00"), ("05 06:00", "05 07:30")]

    def test_endless_ones_come_as_they_are_asked_for(self):
        found = calendar().intervals(berlin("2028-05-05T00:00"), None)
        assert spans(islice(found, 2)) == [("05 06:00", "05 16:00"), ("08 06:00", "08 16:00")]

    def test_none_in_an_empty_or_turned_range(self):
        at = berlin("2028-05-04T12:00")
        assert list(calendar().intervals(at, at)) == []
        assert list(calendar().intervals(at, at - hours(3))) == []

    def test_around_the_clock_is_one_interval_however_long(self):
        start, end = berlin("2028-01-01T00:00"), berlin("2029-01-01T00:00")
        assert list(calendar(ALWAYS).intervals(start, end)) == [(start, end)]

    def test_overrides_alone_end_some_day(self):
        once = calendar({}, overrides={"2028-05-04": [["09:00", "10:00"]], "2031-05-04": [["09:00", "10:00"]]})
        assert len(list(once.intervals(berlin("2020-01-01T00:00"), None))) == 2


class TestHolidays:
    HOLIDAY = "2028-06-15"  # Corpus Christi, a Thursday

    def test_closed_by_default(self):
        core = calendar(holidays=[self.HOLIDAY])
        assert core.next_open(berlin("2028-06-15T09:00")) == berlin("2028-06-16T08:00")

    def test_a_holiday_beats_an_override(self):
        core = calendar(holidays=[self.HOLIDAY], overrides={self.HOLIDAY: [["09:00", "12:00"]]})
        assert not core.is_open(berlin("2028-06-15T10:00"))

    def test_mode_open_makes_it_an_ordinary_date(self):
        core = calendar(holidays=[self.HOLIDAY], holiday_mode="open")
        assert core.is_open(berlin("2028-06-15T17:00"))

    def test_mode_open_lets_overrides_count(self):
        core = calendar(holidays=[self.HOLIDAY], holiday_mode="open", overrides={self.HOLIDAY: [["09:00", "12:00"]]})
        assert core.is_open(berlin("2028-06-15T10:00"))
        assert not core.is_open(berlin("2028-06-15T13:00"))

    def test_mode_sunday_hours_takes_those_of_sunday_and_no_override(self):
        week = {**CORE, "sun": [["10:00", "20:00"]]}
        core = calendar(
            week, holidays=[self.HOLIDAY], holiday_mode="sunday_hours", overrides={self.HOLIDAY: [["07:00", "08:00"]]}
        )
        found = core.intervals(berlin("2028-06-15T00:00"), berlin("2028-06-16T00:00"))
        assert spans(found) == [("15 08:00", "15 18:00")]

    def test_an_override_replaces_the_hours_of_its_date(self):
        special = Calendar.parse(SPLIT_DAY)
        assert special.is_open(berlin("2028-12-24T09:00"))  # a Sunday
        assert not special.is_open(berlin("2028-12-24T12:00"))
        assert special.day_kind(date(2028, 12, 27)) is TimeKind.OVERRIDE_CLOSED

    @pytest.mark.parametrize(
        ("day", "kind"),
        [
            (date(2028, 5, 8), TimeKind.OPEN),
            (date(2028, 5, 9), TimeKind.CLOSED),
            (date(2028, 6, 15), TimeKind.HOLIDAY),
            (date(2028, 12, 24), TimeKind.OPEN),
            (date(2028, 12, 27), TimeKind.OVERRIDE_CLOSED),
        ],
    )
    def test_each_date_has_a_kind(self, day, kind):
        assert Calendar.parse(SPLIT_DAY).day_kind(day) is kind


class TestClockChanges:
    def test_spring_never_reaches_the_skipped_times(self):
        early = calendar(daily("02:20", "03:40"))
        found = list(early.intervals(berlin("2028-03-26T00:00"), berlin("2028-03-27T00:00")))
        assert found == [(utc("2028-03-26T01:00"), utc("2028-03-26T01:40"))]  # 03:00-03:40

    def test_hours_wholly_inside_the_skipped_hour_do_not_open_that_day(self):
        early = calendar(daily("02:10", "02:50"))
        assert list(early.intervals(berlin("2028-03-26T00:00"), berlin("2028-03-27T00:00"))) == []

    def test_autumn_counts_repeated_times_twice(self):
        early = calendar(daily("02:10", "02:40"))
        found = list(early.intervals(berlin("2028-10-29T00:00"), berlin("2028-10-30T00:00")))
        assert found == [
            (utc("2028-10-29T00:10"), utc("2028-10-29T00:40")),
            (utc("2028-10-29T01:10"), utc("2028-10-29T01:40")),
        ]

    @pytest.mark.parametrize(("day", "length"), [("2028-03-26", 23), ("2028-05-04", 24), ("2028-10-29", 25)])
    def test_a_whole_day_has_as_many_hours_as_it_really_has(self, day, length):
        start = berlin(f"{day}T00:00")
        following = berlin((date.fromisoformat(day) + timedelta(days=1)).isoformat())
        assert calendar(ALWAYS).elapsed(start, following) == hours(length)

    def test_half_an_hour_on_lord_howe(self):
        island = calendar(ALWAYS, timezone="Australia/Lord_Howe")
        zone = ZoneInfo("Australia/Lord_Howe")
        start, end = datetime(2027, 10, 3, tzinfo=zone), datetime(2027, 10, 4, tzinfo=zone)
        assert island.elapsed(start, end) == hours(23.5)

    def test_a_day_that_begins_at_one_in_sao_paulo(self):
        # until 2018 summer time began at midnight: 2018-11-04 had no 00:00
        early = calendar(daily("00:30", "02:00"), timezone="America/Sao_Paulo")
        found = list(early.intervals(utc("2018-11-04T00:00"), utc("2018-11-05T00:00")))
        assert found == [(utc("2018-11-04T03:00"), utc("2018-11-04T04:00"))]

    def test_yesterday_comes_back_after_midnight_in_st_johns(self):
        # on 2010-11-07 at 00:01 the clock went back to 23:01 of the 6th: two stretches of each date, interleaved
        only_saturday = calendar({"sat": [["00:00", "24:00"]]}, timezone="America/St_Johns")
        found = list(only_saturday.intervals(utc("2010-11-06T12:00"), utc("2010-11-08T00:00")))
        assert found == [
            (utc("2010-11-06T12:00"), utc("2010-11-07T02:30")),
            (utc("2010-11-07T02:31"), utc("2010-11-07T03:30")),
        ]

    def test_a_date_that_never_was_in_samoa(self):
        island = calendar(daily("09:00", "10:00"), timezone="Pacific/Apia")
        found = list(island.intervals(utc("2011-12-29T12:00"), utc("2011-12-31T12:00")))
        assert found == [
            (utc("2011-12-29T19:00"), utc("2011-12-29T20:00")),  # the 29th
            (utc("2011-12-30T19:00"), utc("2011-12-30T20:00")),  # the 31st
        ]

    def test_an_override_inside_the_skipped_hour_is_not_an_opening(self):
        with pytest.raises(ValueError, match="never_open"):
            calendar({}, overrides={"2028-03-26": [["02:10", "02:50"]]})


class TestSegments:
    def test_they_cover_everything_and_say_why(self):
        found = list(Calendar.parse(SPLIT_DAY).segments(berlin("2028-12-23T09:00"), berlin("2028-12-28T00:00")))
        assert [(s.kind, s.source) for s in found] == [
            (TimeKind.CLOSED, HoursSource.WEEK),
            (TimeKind.OPEN, HoursSource.WEEK),  # Saturday the 23rd
            (TimeKind.CLOSED, HoursSource.WEEK),
            (TimeKind.CLOSED, HoursSource.OVERRIDE),
            (TimeKind.OPEN, HoursSource.OVERRIDE),  # Christmas Eve
            (TimeKind.CLOSED, HoursSource.OVERRIDE),
            (TimeKind.CLOSED, HoursSource.WEEK),
            (TimeKind.OPEN, HoursSource.WEEK),  # Monday the 25th, no holiday in this calendar
            (TimeKind.CLOSED, HoursSource.WEEK),
            (TimeKind.OPEN, HoursSource.WEEK),
            (TimeKind.CLOSED, HoursSource.WEEK),
            (TimeKind.OVERRIDE_CLOSED, HoursSource.OVERRIDE),
        ]
        assert found[0].from_at == berlin("2028-12-23T09:00")
        assert found[-1].to_at == berlin("2028-12-28T00:00")
        assert all(left.to_at == right.from_at for left, right in pairwise(found))

    def test_none_in_an_empty_range(self):
        at = berlin("2028-05-04T12:00")
        assert list(calendar().segments(at, at)) == []


class TestCost:
    def test_twenty_years_look_at_each_day_once(self):
        core = calendar()
        start = utc("2028-01-01T00:00")
        core.elapsed(start, utc("2048-01-01T00:00"))
        assert len(core._days) == 20 * 365 + 5

    def test_the_size_of_a_budget_inside_one_day_costs_nothing(self):
        around = calendar(ALWAYS)
        around.add(utc("2028-01-01T00:00"), hours(24))
        assert len(around._days) == 1

    def test_days_already_seen_are_not_worked_out_again(self, monkeypatch):
        core = calendar()
        start = utc("2028-01-03T07:00")
        first = core.add(start, hours(40))
        monkeypatch.setattr(type(core._days), "_pieces", lambda self, day: pytest.fail(f"day {day} worked out twice"))
        assert core.add(start, hours(40)) == first

    def test_overrides_centuries_apart_are_found_without_a_walk(self):
        rare = calendar({}, overrides={"2028-05-04": [["09:00", "10:00"]], "9990-05-04": [["09:00", "10:00"]]})
        assert rare.next_open(berlin("2029-01-01T00:00")) == berlin("9990-05-04T09:00")
        assert len(rare._days) <= 6

    def test_the_table_does_not_grow_for_ever(self, monkeypatch):
        monkeypatch.setattr("escalation.daytable.KEPT_DAYS", 30)
        core = calendar()
        assert core.elapsed(utc("2028-01-01T00:00"), utc("2029-01-01T00:00")) == hours(260 * 10)
        assert len(core._days) <= 30


def test_equal_content_makes_equal_calendars():
    assert calendar() == calendar()
    assert hash(calendar()) == hash(calendar())
    assert calendar() != calendar(holidays=["2028-06-15"])
