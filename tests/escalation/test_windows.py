"""Windows and daily times over clock changes: ENGINE §4.1. Berlin 2028: spring 26 March 01:00Z, autumn 29 October 01:00Z."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.instants import NaiveInstant
from escalation.walls import exists, first, gaps, last, local
from escalation.windows import Holidays, RotaError, Windows, daily

BERLIN = ZoneInfo("Europe/Berlin")


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def windows(*entries: dict[str, object], tz: str = "Europe/Berlin", **more: object) -> Windows:
    return Windows.parse({"tz": tz, "windows": list(entries), **more})


def days(listed: str, start: str, end: str) -> dict[str, object]:
    return {"days": listed.split(), "start": start, "end": end}


def spans(found: Windows, start: str, end: str) -> list[tuple[str, str]]:
    """The open spans that begin in ``[start, end)``, read off minute by minute through `is_open`."""
    at, stop, opened = z(start), z(end), None
    result: list[tuple[str, str]] = []
    while at < stop or opened:
        if found.is_open(at) and opened is None:
            opened = at
        elif opened and not found.is_open(at):
            result.append((f"{opened:%m-%dT%H:%M}", f"{at:%m-%dT%H:%M}"))
            opened = None
        at += timedelta(minutes=1)
    return result


def test_none_given_is_always_and_an_empty_list_is_never() -> None:
    now = z("2028-05-04T03:00")
    assert Windows.parse({"tz": "Europe/Berlin"}).opens_at(now) == now
    assert windows().opens_at(now) is None
    assert not windows().is_open(now)


def test_one_window_a_listed_day_half_open() -> None:
    found = windows(days("MO TH", "17:00", "21:00"))
    assert spans(found, "2028-05-01T00:00", "2028-05-08T00:00") == [
        ("05-01T15:00", "05-01T19:00"),
        ("05-04T15:00", "05-04T19:00"),
    ]
    assert found.is_open(z("2028-05-04T15:00:00"))
    assert not found.is_open(z("2028-05-04T14:59:59.999999"))
    assert found.is_open(z("2028-05-04T18:59:59.999999"))
    assert not found.is_open(z("2028-05-04T19:00:00"))


@pytest.mark.parametrize(
    ("start", "end", "to"),
    [
        ("21:00", "06:00", "05-05T04:00"),  # ends on the next day
        ("09:00", "09:00", "05-05T07:00"),  # equal: 24 h
        ("18:00", "00:00", "05-04T22:00"),  # the coming midnight
        ("18:00", "24:00", "05-04T22:00"),
        ("00:00", "24:00", "05-04T22:00"),
        ("00:00", "00:00", "05-04T22:00"),
    ],
)
def test_a_window_belongs_to_the_day_it_starts_on(start: str, end: str, to: str) -> None:
    assert [span[1] for span in spans(windows(days("TH", start, end)), "2028-05-03T12:00", "2028-05-05T12:00")] == [to]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("FR 21:00", "MO 07:00", ("05-05T19:00", "05-08T05:00")),
        ("FR 18:00", "SU 24:00", ("05-05T16:00", "05-07T22:00")),
        ("FR 18:00", "MO 00:00", ("05-05T16:00", "05-07T22:00")),
        ("FR 18:00", "FR 20:00", ("05-05T16:00", "05-05T18:00")),
        ("SU 20:00", "TU 06:00", ("05-07T18:00", "05-09T04:00")),
    ],
)
def test_a_weekly_block_is_one_piece(start: str, end: str, expected: tuple[str, str]) -> None:
    assert spans(windows({"from": start, "to": end}), "2028-05-05T00:00", "2028-05-10T00:00") == [expected]


def test_a_block_that_ends_when_it_starts_lasts_the_whole_week() -> None:
    found = windows({"from": "WE 09:00", "to": "WE 09:00"})
    assert all(found.is_open(z("2028-05-01T00:00") + timedelta(hours=h)) for h in range(24 * 14))
    almost = windows({"from": "WE 09:00", "to": "WE 08:00"})
    assert spans(almost, "2028-05-03T06:00", "2028-05-05T00:00") == [("05-03T07:00", "05-10T06:00")]


def test_in_autumn_the_start_is_its_first_and_the_end_its_last_occurrence() -> None:
    found = windows(days("SU", "02:10", "02:40"))
    assert spans(found, "2028-10-29T00:00", "2028-10-30T00:00") == [("10-29T00:10", "10-29T01:40")]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("02:20", "03:40", [("03-26T01:00", "03-26T01:40")]),  # the start does not exist
        ("01:30", "02:30", [("03-26T00:30", "03-26T01:00")]),  # the end does not exist
        ("02:10", "02:40", []),  # nothing is left of it, that day only
        ("02:10", "03:00", []),
    ],
)
def test_in_spring_what_does_not_exist_is_the_first_instant_after_the_gap(
    start: str, end: str, expected: list[tuple[str, str]]
) -> None:
    found = windows(days("SU", start, end))
    assert spans(found, "2028-03-26T00:00", "2028-03-27T00:00") == expected
    assert len(spans(found, "2028-04-02T00:00", "2028-04-03T00:00")) == 1


def test_windows_on_listed_dates_do_not_exist() -> None:
    found = windows(days("WE TH FR", "22:00", "02:00"), holidays=["2028-06-15"])
    assert spans(found, "2028-06-14T12:00", "2028-06-17T12:00") == [
        ("06-14T20:00", "06-15T00:00"),
        ("06-16T20:00", "06-17T00:00"),
    ]


def test_a_gate_opens_now_if_inside_else_at_the_next_start() -> None:
    found = windows(days("MO TU WE TH FR", "08:00", "18:00"), holidays=["2028-06-15"])
    inside = z("2028-06-14T07:30:30")
    assert found.opens_at(inside) == inside
    assert found.opens_at(z("2028-06-14T16:00")) == z("2028-06-16T06:00")
    assert found.opens_at(z("2028-06-16T16:00")) == z("2028-06-19T06:00")
    skipped = windows(days("SU", "02:10", "02:40"))
    assert skipped.opens_at(z("2028-03-26T00:00")) == z("2028-04-02T00:10")
    every_thursday = windows(
        days("TH", "08:00", "09:00"), holidays=[str(date(2028, 6, 15) + timedelta(days=7 * n)) for n in range(60)]
    )
    assert every_thursday.opens_at(z("2028-06-12T00:00")) == z("2029-08-09T06:00")


def test_hours_on_listed_dates_alone_open_on_the_next_listed_date_however_far() -> None:
    window = windows({"days": [], "start": "10:00", "end": "14:00"}).windows
    found = Windows(zone=BERLIN, windows=window, holidays=frozenset({date(2031, 6, 12)}), mode=Holidays.INCLUDE)
    assert found.opens_at(z("2028-05-04T00:00")) == z("2031-06-12T08:00")
    assert found.opens_at(z("2031-06-12T12:00")) is None


def test_quiet_until_means_the_end_of_the_whole_open_time() -> None:
    found = windows(days("TH", "17:00", "21:00"), days("TH", "20:00", "24:00"), days("FR", "00:00", "06:00"))
    assert found.closes_at(z("2028-05-04T16:00")) == z("2028-05-05T04:00")
    assert found.closes_at(z("2028-05-05T04:00")) == z("2028-05-05T04:00")
    assert Windows.parse({"tz": "Europe/Berlin"}).closes_at(z("2028-05-05T04:00")) is None


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(NaiveInstant):
        windows(days("MO", "08:00", "09:00")).is_open(datetime(2028, 5, 4))
    with pytest.raises(NaiveInstant):
        windows().opens_at(datetime(2028, 5, 4))
    with pytest.raises(NaiveInstant):
        daily("Europe/Berlin", "09:00", datetime(2028, 5, 4), datetime(2028, 5, 5))


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ({"windows": []}, "missing_key", "tz"),
        ({"tz": "Mars/Olympus"}, "unknown_timezone", "tz"),
        ({"tz": "../etc/passwd"}, "unknown_timezone", "tz"),
        ({"tz": "Europe/Berlin", "windows": [days("XX", "08:00", "09:00")]}, "unknown_weekday", "windows[0].days[0]"),
        (
            {"tz": "Europe/Berlin", "windows": [{"days": [1], "start": "08:00", "end": "09:00"}]},
            "unknown_weekday",
            "windows[0].days[0]",
        ),
        ({"tz": "Europe/Berlin", "windows": [days("MO", "24:00", "09:00")]}, "bad_time", "windows[0].start"),
        ({"tz": "Europe/Berlin", "windows": [days("MO", "8:00", "09:00")]}, "bad_time", "windows[0].start"),
        ({"tz": "Europe/Berlin", "windows": [days("MO", "08:00", "24:01")]}, "bad_time", "windows[0].end"),
        (
            {"tz": "Europe/Berlin", "windows": [{"days": ["MO"], "start": 800, "end": "09:00"}]},
            "bad_time",
            "windows[0].start",
        ),
        ({"tz": "Europe/Berlin", "windows": [{"from": "FR", "to": "MO 07:00"}]}, "bad_time", "windows[0].from"),
        (
            {"tz": "Europe/Berlin", "windows": [{"from": "Fr 21:00", "to": "MO 07:00"}]},
            "unknown_weekday",
            "windows[0].from",
        ),
        ({"tz": "Europe/Berlin", "windows": [{"from": "FR 21:00"}]}, "missing_key", "windows[0].to"),
        (
            {"tz": "Europe/Berlin", "windows": [{**days("MO", "08:00", "09:00"), "to": "x"}]},
            "unknown_key",
            "windows[0].to",
        ),
        ({"tz": "Europe/Berlin", "holidays": ["15.06.2028"]}, "bad_date", "holidays[0]"),
        ({"tz": "Europe/Berlin", "colour": 1}, "unknown_key", "colour"),
    ],
)
def test_odd_windows_are_refused_with_their_place(data: dict[str, object], code: str, where: str) -> None:
    with pytest.raises(RotaError) as refused:
        Windows.parse(data)
    assert (refused.value.code, refused.value.where) == (code, where)


# A time of day, each local date once


def test_daily_takes_each_date_once_over_both_clock_changes() -> None:
    assert daily("Europe/Berlin", "02:30", z("2028-03-25T00:00"), z("2028-03-28T00:00")) == [
        z("2028-03-25T01:30"),
        z("2028-03-26T01:00"),
        z("2028-03-27T00:30"),
    ]
    assert daily("Europe/Berlin", "02:30", z("2028-10-28T00:00"), z("2028-10-30T12:00")) == [
        z("2028-10-28T00:30"),
        z("2028-10-29T00:30"),
        z("2028-10-30T01:30"),
    ]


def test_daily_is_half_open_and_a_date_that_never_was_has_no_time() -> None:
    at = z("2028-05-04T07:00")
    assert daily("Europe/Berlin", "09:00", at, at) == []
    assert daily("Europe/Berlin", "09:00", at, at + timedelta(days=1)) == [at]
    apia = daily("Pacific/Apia", "09:00", z("2011-12-29T00:00"), z("2012-01-01T00:00"))
    assert [local(ZoneInfo("Pacific/Apia"), at).date() for at in apia] == [
        date(2011, 12, 29),
        date(2011, 12, 31),
        date(2012, 1, 1),
    ]
    with pytest.raises(RotaError):
        daily("Europe/Berlin", "24:00", at, at)


# Wall-clock times as instants


@pytest.mark.parametrize(
    ("zone", "wall", "first_at", "last_at"),
    [
        ("Europe/Berlin", "2028-03-26T02:30", "2028-03-26T01:00", "2028-03-26T01:00"),
        ("Europe/Berlin", "2028-03-26T02:00", "2028-03-26T01:00", "2028-03-26T01:00"),
        ("Europe/Berlin", "2028-03-26T03:00", "2028-03-26T01:00", "2028-03-26T01:00"),
        ("Europe/Berlin", "2028-10-29T02:30", "2028-10-29T00:30", "2028-10-29T01:30"),
        ("Europe/Berlin", "2028-10-29T03:00", "2028-10-29T02:00", "2028-10-29T02:00"),
        ("Australia/Lord_Howe", "2028-10-01T02:10", "2028-09-30T15:30", "2028-09-30T15:30"),  # 30 minutes
        ("Australia/Lord_Howe", "2028-04-02T01:45", "2028-04-01T14:45", "2028-04-01T15:15"),
        ("America/Asuncion", "2023-10-01T00:30", "2023-10-01T04:00", "2023-10-01T04:00"),  # at midnight
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", "2011-12-30T10:00"),  # a whole day
    ],
)
def test_a_wall_clock_time_is_one_instant(zone: str, wall: str, first_at: str, last_at: str) -> None:
    asked = datetime.fromisoformat(wall)
    assert (first(ZoneInfo(zone), asked), last(ZoneInfo(zone), asked)) == (z(first_at), z(last_at))


def test_gaps_and_missing_dates_of_a_year() -> None:
    [gap] = gaps(BERLIN, 2028)
    assert (gap.at, gap.before, gap.after) == (
        z("2028-03-26T01:00"),
        datetime(2028, 3, 26, 2),
        datetime(2028, 3, 26, 3),
    )
    assert gaps(ZoneInfo("UTC"), 2028) == ()
    assert [gap.after - gap.before for gap in gaps(ZoneInfo("Pacific/Apia"), 2011)] == [
        timedelta(hours=1),
        timedelta(hours=24),
    ]
    assert not exists(ZoneInfo("Pacific/Apia"), date(2011, 12, 30))
    assert exists(BERLIN, date(2028, 3, 26))


ZONES = st.sampled_from(
    ["Europe/Berlin", "Australia/Lord_Howe", "America/Asuncion", "Africa/Casablanca", "Asia/Kathmandu"]
)


@settings(max_examples=200, deadline=None)
@given(ZONES, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_first_and_last_show_the_time_or_the_end_of_its_gap(name: str, wall: datetime) -> None:
    zone = ZoneInfo(name)
    early, late = first(zone, wall), last(zone, wall)
    assert early <= late
    if local(zone, early) == wall:
        assert local(zone, late) == wall
    else:
        assert early == late
        assert local(zone, early) > wall > local(zone, early - timedelta(microseconds=1))


@settings(max_examples=100, deadline=None)
@given(
    st.datetimes(datetime(2028, 3, 20), datetime(2028, 4, 1), timezones=st.just(UTC)),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_opens_at_is_the_first_open_instant(now: datetime, start: int, end: int) -> None:
    found = windows(days("MO SU", f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}"))
    opens = found.opens_at(now)
    assert opens is not None
    assert found.is_open(opens)
    assert opens == now or not found.is_open(opens - timedelta(microseconds=1))
    steps = [now + (opens - now) * n / 50 for n in range(50)]
    assert opens == now or not any(found.is_open(at) for at in steps)
