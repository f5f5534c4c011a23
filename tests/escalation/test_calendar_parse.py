"""What a written calendar may look like, and how each fault is named."""

import pytest

from escalation.calendar import Calendar, CalendarError, HolidayMode

OPEN = {"mon": [["09:00", "17:00"]]}


def monday(*intervals: object) -> dict[str, object]:
    return {"week": {"mon": list(intervals)}}


@pytest.mark.parametrize(
    ("raw", "code", "where"),
    [
        ({}, "never_open", "week"),
        ({"week": {}}, "never_open", "week"),
        ({"week": {"mon": [], "tue": []}}, "never_open", "week"),
        ({"week": {}, "overrides": {"2028-05-04": []}}, "never_open", "week"),
        (
            {"week": {}, "holidays": ["2028-05-04"], "overrides": {"2028-05-04": [["09:00", "10:00"]]}},
            "never_open",
            "week",
        ),
        ({"overrides": {"2028-05-04": [["09:00", "10:00"]]}}, "never_open", "week"),
        ({"week": {}, "overrides": {"0001-01-01": [["00:00", "00:01"]]}}, "never_open", "week"),
        (monday(["16:00", "08:00"]), "not_after_opening", "week.mon[0]"),
        (monday(["08:00", "00:00"]), "not_after_opening", "week.mon[0]"),
        (monday(["00:00", "00:00"]), "not_after_opening", "week.mon[0]"),
        (monday(["08:00", "09:00"], ["10:00", "10:00"]), "not_after_opening", "week.mon[1]"),
        (monday(["08:00", "24:01"]), "bad_time", "week.mon[0]"),
        (monday(["08:00", "25:00"]), "bad_time", "week.mon[0]"),
        (monday(["24:00", "24:00"]), "bad_time", "week.mon[0]"),
        (monday(["08:00", "17:60"]), "bad_time", "week.mon[0]"),
        (monday(["8:00", "17:00"]), "bad_time", "week.mon[0]"),
        (monday(["08:00:00", "17:00"]), "bad_time", "week.mon[0]"),
        (monday(["08.00", "17:00"]), "bad_time", "week.mon[0]"),
        (monday(["08:00\n", "17:00"]), "bad_time", "week.mon[0]"),
        (monday(["٠٨:٠٠", "17:00"]), "bad_time", "week.mon[0]"),
        (monday([8, 17]), "bad_time", "week.mon[0]"),
        (monday(["08:00"]), "bad_time", "week.mon[0]"),
        (monday(["08:00", "12:00", "17:00"]), "bad_time", "week.mon[0]"),
        (monday("08:00-17:00"), "bad_time", "week.mon[0]"),
        ({"week": {"mon": "08:00-17:00"}}, "bad_time", "week.mon"),
        ({"week": {"mon": None}}, "bad_time", "week.mon"),
        (monday(["08:00", "12:00"], ["11:59", "17:00"]), "overlap", "week.mon"),
        (monday(["13:00", "17:00"], ["08:00", "18:00"]), "overlap", "week.mon"),
        (monday(["08:00", "12:00"], ["08:00", "12:00"]), "overlap", "week.mon"),
        (
            {"week": OPEN, "overrides": {"2028-05-04": [["08:00", "12:00"], ["11:00", "13:00"]]}},
            "overlap",
            "overrides.2028-05-04",
        ),
        ({"week": OPEN, "timezone": "Europe/Koeln"}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": "Europe"}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": "../etc/passwd"}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": ""}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": "Europe/Berlin\0"}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": 1}, "unknown_timezone", "timezone"),
        ({"week": OPEN, "timezone": None}, "unknown_timezone", "timezone"),
        ({"week": {"Mon": [["09:00", "17:00"]]}}, "unknown_weekday", "week.Mon"),
        ({"week": {"montag": [["09:00", "17:00"]]}}, "unknown_weekday", "week.montag"),
        ({"week": {0: [["09:00", "17:00"]]}}, "unknown_weekday", "week.0"),
        ({"week": [[["09:00", "17:00"]]]}, "unknown_weekday", "week"),
        ({"week": OPEN, "holidays": ["15.06.2028"]}, "bad_date", "holidays[0]"),
        ({"week": OPEN, "holidays": ["2028-06-15", "2028-02-30"]}, "bad_date", "holidays[1]"),
        ({"week": OPEN, "holidays": ["20280615"]}, "bad_date", "holidays[0]"),
        ({"week": OPEN, "holidays": [20280615]}, "bad_date", "holidays[0]"),
        ({"week": OPEN, "holidays": "2028-06-15"}, "bad_date", "holidays"),
        ({"week": OPEN, "overrides": {"2028-6-15": []}}, "bad_date", "overrides.2028-6-15"),
        ({"week": OPEN, "overrides": [["2028-06-15", []]]}, "bad_date", "overrides"),
        ({"week": OPEN, "holiday_mode": "sometimes"}, "bad_mode", "holiday_mode"),
        ({"week": OPEN, "holiday_mode": None}, "bad_mode", "holiday_mode"),
        ({"week": OPEN, "holyday_mode": "open"}, "unknown_key", "holyday_mode"),
        ({"week": OPEN, 7: "x"}, "unknown_key", "7"),
    ],
)
def test_each_fault_has_its_name_and_place(raw, code, where):
    with pytest.raises(CalendarError) as refused:
        Calendar.parse(raw)
    assert (refused.value.code, refused.value.where) == (code, where)
    assert refused.value.message


def test_only_the_week_is_required():
    parsed = Calendar.parse({"week": OPEN}).hours
    assert parsed.timezone == "Europe/Berlin"
    assert parsed.holiday_mode is HolidayMode.CLOSED
    assert parsed.holidays == frozenset()
    assert parsed.overrides == ()
    assert parsed.week == (((540, 1020),), (), (), (), (), (), ())


def test_touching_is_fine_and_order_does_not_matter():
    parsed = Calendar.parse(monday(["13:00", "24:00"], ["08:00", "13:00"])).hours
    assert parsed.week[0] == ((480, 780), (780, 1440))


def test_one_minute_to_midnight_means_that_and_not_midnight():
    assert Calendar.parse(monday(["08:00", "23:59"])).hours.week[0] == ((480, 1439),)


def test_an_override_alone_is_enough_to_be_open_some_day():
    assert Calendar.parse({"week": {}, "overrides": {"2028-05-04": [["09:00", "10:00"]]}})


def test_a_repeated_holiday_counts_once():
    assert len(Calendar.parse({"week": OPEN, "holidays": ["2028-06-15", "2028-06-15"]}).hours.holidays) == 1
