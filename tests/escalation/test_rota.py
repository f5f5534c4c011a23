"""Who is on duty: ENGINE §4.1, 4.2, rule by rule."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.calendar import Calendar
from escalation.instants import NaiveInstant
from escalation.rota import Rota, RotaError
from escalation.walls import first

BERLIN = "Europe/Berlin"


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rotation(unit: str, start: str, *participants: object, tz: str = BERLIN, **more: object) -> dict[str, object]:
    return {"unit": unit, "start_local": start, "tz": tz, "participants": list(participants), **more}


def rota(*layers: dict[str, object], **more: object) -> Rota:
    return Rota.parse({"tz": BERLIN, "layers": list(layers), **more})


def always(user: str, priority: object = 1, **more: object) -> dict[str, object]:
    return {"name": user, "priority": priority, "target": {"user": user}, **more}


def span(start: str, end: str, **more: object) -> dict[str, object]:
    return {"start": f"{start}:00Z", "end": f"{end}:00Z", **more}


def at(found: Rota, *instants: str) -> str:
    """The people at each instant: ``ida jon+kai -``."""
    return " ".join("+".join(sorted(found.on_duty(z(text)))) or "-" for text in instants)


def handoffs(found: Rota, start: str, end: str) -> list[tuple[str, str]]:
    return [(f"{h.at:%m-%dT%H:%M}", "+".join(sorted(h.people))) for h in found.handoffs(z(start), z(end))]


# Rotations


def test_a_weekly_rotation_keeps_its_wall_clock_hour_over_the_clock_change() -> None:
    found = Rota.parse(rotation("weekly", "2028-03-20T09:00", "ida", "jon"))
    assert handoffs(found, "2028-03-01T00:00", "2028-04-04T00:00") == [
        ("03-20T08:00", "ida"),
        ("03-27T07:00", "jon"),
        ("04-03T07:00", "ida"),
    ]
    assert at(found, "2028-03-20T07:59", "2028-03-20T08:00", "2028-03-27T06:59", "2028-03-27T07:00") == "- ida ida jon"


def test_every_two_weeks_is_counted_from_the_anchor_not_by_week_numbers() -> None:
    found = Rota.parse(rotation("weekly", "2026-12-28T00:00", "ida", "jon", every=2))
    assert handoffs(found, "2026-12-20T00:00", "2027-02-01T00:00") == [
        ("12-27T23:00", "ida"),
        ("01-10T23:00", "jon"),
        ("01-24T23:00", "ida"),
    ]


def test_a_group_serves_together_and_the_same_name_twice_serves_two_turns() -> None:
    found = Rota.parse(rotation("daily", "2028-05-01T00:00", "ida", ["jon", "kai"], "ida"))
    assert at(found, *(f"2028-05-0{day}T12:00" for day in range(1, 6))) == "ida jon+kai ida ida jon+kai"
    [one] = found.segments(z("2028-05-03T12:00"), z("2028-05-04T12:00"))
    assert one.people == {"ida"}  # the hand-over from ida to ida does not cut the segment
    assert handoffs(found, "2028-05-03T12:00", "2028-05-04T12:00") == [("05-03T22:00", "ida")]


def test_nobody_serves_before_the_first_hand_over() -> None:
    found = Rota.parse(rotation("daily", "2028-05-01T09:00", "ida", "jon"))
    assert at(found, "1999-05-01T09:00", "2028-05-01T06:59") == "- -"


def test_listed_days_use_up_turns_and_the_others_do_not() -> None:
    found = Rota.parse(rotation("daily", "2028-05-06T09:00", "ida", "jon", days=["MO", "TH"]))  # a Saturday
    assert handoffs(found, "2028-05-01T00:00", "2028-05-19T00:00") == [
        ("05-08T07:00", "ida"),
        ("05-11T07:00", "jon"),
        ("05-15T07:00", "ida"),
        ("05-18T07:00", "jon"),
    ]
    second = Rota.parse(rotation("daily", "2028-05-06T09:00", "ida", "jon", days=["MO", "TH", "FR"], every=2))
    assert handoffs(second, "2028-05-01T00:00", "2028-05-20T00:00") == [
        ("05-08T07:00", "ida"),
        ("05-12T07:00", "jon"),
        ("05-18T07:00", "ida"),
    ]
    assert at(second, "2028-05-12T06:59", "2028-05-14T00:00") == "ida jon"


def test_monthly_on_the_31st_takes_the_last_day_of_a_short_month_and_comes_back() -> None:
    found = Rota.parse(rotation("monthly", "2028-01-31T09:00", "ida", "jon"))
    assert [h[0] for h in handoffs(found, "2028-01-01T00:00", "2028-06-01T00:00")] == [
        "01-31T08:00",
        "02-29T08:00",
        "03-31T07:00",
        "04-30T07:00",
        "05-31T07:00",
    ]


@pytest.mark.parametrize(
    ("until", "expected"), [("2028-05-03T09:00", "ida jon -"), ("2028-04-01T00:00", "- - -"), (None, "ida jon ida")]
)
def test_until_cuts_the_running_turn_and_before_the_start_it_means_nobody_ever(
    until: str | None, expected: str
) -> None:
    found = Rota.parse(rotation("daily", "2028-05-01T12:00", "ida", "jon", until_local=until))
    assert at(found, "2028-05-01T12:00", "2028-05-03T06:59", "2028-05-03T12:00") == expected


def test_until_is_resolved_like_a_window_end_and_no_hand_over_lies_on_it() -> None:
    found = Rota.parse(rotation("hourly", "2028-10-29T00:00", "ida", "jon", until_local="2028-10-29T02:30"))
    assert at(found, "2028-10-29T01:29", "2028-10-29T01:30") == "ida -"
    exact = Rota.parse(rotation("daily", "2028-05-01T09:00", "ida", until_local="2028-05-02T09:00"))
    assert [h[0] for h in handoffs(exact, "2028-04-01T00:00", "2028-06-01T00:00")] == ["05-01T07:00"]


def test_without_participants_there_is_nobody_and_no_error() -> None:
    found = Rota.parse(rotation("daily", "2028-05-01T09:00"))
    assert at(found, "2028-05-05T00:00") == "-"
    assert found.handoffs(z("2028-05-01T00:00"), z("2028-06-01T00:00")) == []


def test_in_spring_two_grid_times_on_one_instant_make_one_hand_over_and_one_turn() -> None:
    found = Rota.parse(rotation("hourly", "2028-03-26T00:00", "ida", "jon", "kai"))
    assert handoffs(found, "2028-03-25T23:00", "2028-03-26T03:00") == [
        ("03-25T23:00", "ida"),  # 00:00
        ("03-26T00:00", "jon"),  # 01:00
        ("03-26T01:00", "kai"),  # 02:00 does not exist: 03:00, together with the next
        ("03-26T02:00", "ida"),  # 04:00
    ]


@pytest.mark.parametrize("start", ["2020-01-01T00:00", "2020-03-29T02:00", "2020-03-29T03:00", "2020-01-01T00:30"])
def test_merged_hand_overs_of_many_years_are_counted(start: str) -> None:
    people = [f"p{n}" for n in range(11)]
    found = Rota.parse(rotation("hourly", start, *people))
    grid = sorted(
        {first(ZoneInfo(BERLIN), datetime.fromisoformat(start) + timedelta(hours=n)) for n in range(9 * 366 * 24)}
    )
    for now in (
        z("2020-03-29T01:30"),
        z("2024-12-31T23:00"),
        z("2028-03-26T00:59"),
        z("2028-03-26T01:00"),
        z("2028-03-26T02:00"),
    ):
        assert at(found, f"{now:%Y-%m-%dT%H:%M}") == people[(bisect_right(grid, now) - 1) % 11]
        following = found.handoffs(now, now + timedelta(hours=3))
        assert [h.people for h in following] == [{people[grid.index(h.at) % 11]} for h in following]


def test_in_autumn_a_grid_time_that_occurs_twice_happens_once_at_its_first() -> None:
    found = Rota.parse(rotation("hourly", "2028-10-29T01:00", "ida", "jon", "kai"))
    assert handoffs(found, "2028-10-28T00:00", "2028-10-29T03:30") == [
        ("10-28T23:00", "ida"),
        ("10-29T00:00", "jon"),  # 02:00, first occurrence: a turn of two hours
        ("10-29T02:00", "kai"),  # 03:00
        ("10-29T03:00", "ida"),
    ]


def test_in_the_second_of_the_two_autumn_hours_the_hand_over_of_the_first_has_happened() -> None:
    found = Rota.parse(rotation("hourly", "2028-10-28T00:45", "ida", "jon", "kai"))
    assert handoffs(found, "2028-10-28T23:00", "2028-10-29T02:00") == [("10-28T23:45", "jon"), ("10-29T00:45", "kai")]
    assert (
        at(found, "2028-10-29T00:44", "2028-10-29T00:45", "2028-10-29T01:10", "2028-10-29T02:44") == "jon kai kai kai"
    )


def test_a_daily_grid_time_in_the_gap_moves_to_its_end() -> None:
    found = Rota.parse(rotation("daily", "2028-03-25T02:30", "ida", "jon"))
    assert [h[0] for h in handoffs(found, "2028-03-25T00:00", "2028-03-28T00:00")] == [
        "03-25T01:30",
        "03-26T01:00",
        "03-27T00:30",
    ]


def test_a_date_that_never_was_makes_no_turn_of_its_own() -> None:
    found = Rota.parse(rotation("daily", "2011-12-29T00:00", "ida", "jon", "kai", tz="Pacific/Apia"))
    assert handoffs(found, "2011-12-28T00:00", "2012-01-01T00:00") == [
        ("12-29T10:00", "ida"),
        ("12-30T10:00", "jon"),
        ("12-31T10:00", "kai"),
    ]


# Layers


def test_the_active_layers_of_the_highest_priority_serve_together() -> None:
    evening = {"windows": [{"days": ["TH"], "start": "17:00", "end": "21:00"}]}
    found = rota(
        always("ida", 1), always("jon", 2, **evening), always("kai", 2, **evening), always("jon", 2, **evening)
    )
    assert at(found, "2028-05-04T14:59", "2028-05-04T15:00", "2028-05-04T19:00") == "ida jon+kai ida"


def test_an_empty_layer_hides_nothing() -> None:
    found = rota(
        always("ida", 1),
        {"priority": 9, "target": {"rotation": "r"}},
        rotations={"r": rotation("daily", "2028-05-04T09:00", "jon", until_local="2028-05-05T09:00")},
    )
    assert at(found, "2028-05-04T06:59", "2028-05-04T07:00", "2028-05-05T07:00") == "ida jon ida"


def test_holidays_exclude_include_or_are_ordinary() -> None:
    window = {"windows": [{"days": ["SA"], "start": "10:00", "end": "14:00"}]}
    thursday = {"windows": [{"days": ["TH"], "start": "10:00", "end": "14:00"}]}
    block = {"windows": [{"from": "SA 10:00", "to": "SA 14:00"}]}
    blocked = {"windows": [{"from": "TH 10:00", "to": "FR 10:00"}]}
    found = rota(
        always("in", holidays="include", **window),
        always("out", holidays="exclude", **thursday),
        always("plain", **thursday),
        always("block", holidays="include", **block),
        always("gone", holidays="exclude", **blocked),
        holidays=["2028-06-15"],
    )
    assert at(found, "2028-06-15T09:00", "2028-06-17T09:00", "2028-06-22T09:00") == "in+plain block+in gone+out+plain"


def test_the_format_of_the_specification_is_read() -> None:
    found = Rota.parse(
        {
            "tz": BERLIN,
            "rotations": {
                "r1": rotation(
                    "weekly", "2028-02-07T09:00", "ida", ["jon", "kai"], every=1, until_local="2029-02-05T09:00"
                )
            },
            "layers": [
                {
                    "name": "evening",
                    "priority": 1,
                    "target": {"rotation": "r1"},
                    "windows": [{"days": ["MO", "TH"], "start": "17:00", "end": "21:00"}],
                    "holidays": "exclude",
                },
                {
                    "name": "weekend",
                    "priority": 1,
                    "target": {"user": "lea"},
                    "windows": [{"from": "FR 21:00", "to": "MO 07:00"}],
                },
            ],
            "holidays": ["2028-06-15"],
            "swaps": [span("2028-02-10T16:00", "2028-02-10T20:00", from_user="ida", to_user="lea", taken=True)],
            "overrides": [span("2028-02-14T16:00", "2028-02-14T18:00", remove="jon", add="lea")],
            "temporary": [
                span(
                    "2028-02-21T00:00",
                    "2028-02-22T00:00",
                    shifts=[span("2028-02-21T08:00", "2028-02-21T09:00", user="kai")],
                )
            ],
        }
    )
    assert [
        (f"{s.start:%m-%dT%H}", f"{s.end:%m-%dT%H}", "+".join(sorted(s.people)))
        for s in found.segments(z("2028-02-08T00:00"), z("2028-02-23T00:00"))
    ] == [
        ("02-10T16", "02-10T20", "lea"),
        ("02-11T20", "02-14T06", "lea"),
        ("02-14T16", "02-14T18", "kai+lea"),
        ("02-14T18", "02-14T20", "jon+kai"),
        ("02-17T16", "02-17T20", "jon+kai"),
        ("02-18T20", "02-21T00", "lea"),
        ("02-21T08", "02-21T09", "kai"),
    ]


# Swaps, overrides, temporary schedules


def test_swaps_count_when_taken_in_order_and_only_where_the_giver_would_serve() -> None:
    found = rota(
        always("ida", windows=[{"days": ["TH"], "start": "10:00", "end": "14:00"}]),
        swaps=[
            span("2028-05-04T06:00", "2028-05-04T10:00", from_user="ida", to_user="jon", taken=True),
            span("2028-05-04T09:00", "2028-05-04T12:00", from_user="jon", to_user="kai", taken=True),
            span("2028-05-04T08:00", "2028-05-04T12:00", from_user="ida", to_user="lea", taken=False),
            span("2028-05-04T08:00", "2028-05-04T12:00", from_user="ida", to_user="max"),
        ],
    )
    assert (
        at(found, "2028-05-04T07:00", "2028-05-04T08:00", "2028-05-04T09:00", "2028-05-04T10:00", "2028-05-04T12:00")
        == "- jon kai ida -"
    )


def test_overrides_replace_add_and_remove() -> None:
    def one(**what: str) -> Rota:
        window = {"windows": [{"days": ["TH"], "start": "10:00", "end": "14:00"}]}
        return rota(always("ida", **window), overrides=[span("2028-05-04T06:00", "2028-05-04T10:00", **what)])

    instants = "2028-05-04T07:00", "2028-05-04T08:00", "2028-05-04T10:00"
    assert at(one(remove="ida", add="jon"), *instants) == "- jon ida"
    assert at(one(remove="kai", add="jon"), *instants) == "- ida ida"
    assert at(one(add="jon"), *instants) == "jon ida+jon ida"
    assert at(one(remove="ida"), *instants) == "- - ida"


def test_overrides_look_at_the_set_after_swaps_in_order_of_creation() -> None:
    day = "2028-05-04T00:00", "2028-05-05T00:00"
    swapped = rota(
        always("ida"),
        swaps=[span(*day, from_user="ida", to_user="jon", taken=True)],
        overrides=[
            span(*day, remove="jon", add="kai"),
            span(*day, remove="kai", add="lea"),
            span(*day, remove="ida", add="max"),
        ],
    )
    assert at(swapped, "2028-05-04T12:00") == "kai"
    removed_last = rota(always("ida"), overrides=[span(*day, add="ida"), span(*day, remove="ida")])
    added_last = rota(always("ida"), overrides=[span(*day, remove="ida"), span(*day, add="ida")])
    assert (at(removed_last, "2028-05-04T12:00"), at(added_last, "2028-05-04T12:00")) == ("-", "ida")


def test_a_temporary_schedule_beats_everything_and_its_holes_are_holes() -> None:
    found = rota(
        always("ida"),
        overrides=[span("2028-05-04T00:00", "2028-05-05T00:00", add="jon")],
        temporary=[
            span(
                "2028-05-04T08:00",
                "2028-05-04T12:00",
                shifts=[
                    span("2028-05-04T07:00", "2028-05-04T09:00", user="kai"),
                    span("2028-05-04T08:30", "2028-05-04T10:00", user="lea"),
                ],
            )
        ],
    )
    assert (
        at(found, *(f"2028-05-04T{hm}" for hm in ("07:59", "08:00", "08:30", "09:00", "10:00", "12:00")))
        == "ida+jon kai kai+lea lea - ida+jon"
    )


def test_a_disabled_account_leaves_holes_and_does_not_move_the_turns() -> None:
    found = Rota.parse(rotation("daily", "2028-05-01T00:00", "ida", ["jon", "kai"])).without({"ida"})
    assert at(found, "2028-05-01T12:00", "2028-05-02T12:00", "2028-05-03T12:00") == "- jon+kai -"
    backed = rota(always("ida", 2), always("lea", 1)).without(["ida"])
    assert at(backed, "2028-05-01T12:00") == "lea"


# Gaps and coverage

WEEKDAYS = Calendar.parse({"week": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}})


def test_gaps_are_exact_to_the_second_and_only_inside_promised_hours() -> None:
    found = rota(
        always("ida", windows=[{"days": ["TH"], "start": "08:00", "end": "12:00"}]),
        overrides=[{"start": "2028-05-04T10:00:01Z", "end": "2028-05-04T20:00:00Z", "add": "jon"}],
    )
    start, end = z("2028-05-04T00:00"), z("2028-05-05T00:00")
    second = timedelta(seconds=1)
    assert found.gaps(start, end, WEEKDAYS) == [(z("2028-05-04T10:00"), z("2028-05-04T10:00") + second)]
    assert found.gaps(start, end) == [
        (start, z("2028-05-04T06:00")),
        (z("2028-05-04T10:00"), z("2028-05-04T10:00") + second),
        (z("2028-05-04T20:00"), end),
    ]
    assert found.coverage(start, end, WEEKDAYS) == (36000, 1)
    assert found.coverage(start, end) == (86400, 36001)


def test_nobody_at_all_is_one_gap_per_promised_span_and_an_empty_span_has_none() -> None:
    found = rota()
    assert found.gaps(z("2028-05-04T00:00"), z("2028-05-06T00:00"), WEEKDAYS) == [
        (z("2028-05-04T06:00"), z("2028-05-04T16:00")),
        (z("2028-05-05T06:00"), z("2028-05-05T16:00")),
    ]
    assert found.gaps(z("2028-05-04T00:00"), z("2028-05-04T00:00")) == []
    assert found.coverage(z("2028-05-05T00:00"), z("2028-05-04T00:00")) == (0, 0)
    assert found.segments(z("2028-05-05T00:00"), z("2028-05-04T00:00")) == []


def test_the_autumn_day_has_25_hours_to_cover() -> None:
    found = rota(always("ida", windows=[{"days": ["SU"], "start": "03:00", "end": "24:00"}]))
    assert found.coverage(z("2028-10-28T22:00"), z("2028-10-29T23:00")) == (25 * 3600, 4 * 3600)


def test_naive_instants_are_refused() -> None:
    found = rota(always("ida"))
    for ask in (found.segments, found.handoffs, found.gaps, found.coverage):
        with pytest.raises(NaiveInstant):
            ask(datetime(2028, 5, 4), z("2028-05-05T00:00"))
    with pytest.raises(NaiveInstant):
        found.on_duty(datetime(2028, 5, 4))


def test_the_cost_follows_the_span_asked_not_the_distance_from_the_anchor() -> None:
    old = Rota.parse(rotation("hourly", "1960-01-01T00:00", "ida", "jon"))
    old.on_duty(z("2059-12-31T00:00"))  # the clock changes of a century are looked up once
    began = process_time()
    for minute in range(0, 20_000, 10):
        old.on_duty(z("2059-12-31T00:00") + timedelta(minutes=minute))
    assert process_time() - began < 1


# The format


def with_rotation(**more: object) -> dict[str, object]:
    return {"tz": BERLIN, "layers": [], "rotations": {"r": {**rotation("daily", "2028-05-01T09:00", "ida"), **more}}}


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ({"layers": []}, "missing_key", "tz"),
        ({"tz": BERLIN}, "missing_key", "layers"),
        ({"tz": "Berlin", "layers": []}, "unknown_timezone", "tz"),
        ({"tz": BERLIN, "layers": [], "colour": 1}, "unknown_key", "colour"),
        (with_rotation(unit="yearly"), "unknown_unit", "rotations.r.unit"),
        (with_rotation(unit=7), "unknown_unit", "rotations.r.unit"),
        (with_rotation(every=0), "bad_every", "rotations.r.every"),
        (with_rotation(every=1.5), "bad_every", "rotations.r.every"),
        (with_rotation(tz="Mars"), "unknown_timezone", "rotations.r.tz"),
        (with_rotation(start_local="2028-05-01T09:00Z"), "bad_time", "rotations.r.start_local"),
        (with_rotation(start_local="bald"), "bad_time", "rotations.r.start_local"),
        (with_rotation(start_local="0001-01-01T00:00"), "bad_time", "rotations.r.start_local"),
        (with_rotation(unit="weekly", days=["MO"]), "days_without_daily", "rotations.r.days"),
        (with_rotation(days=[]), "no_days", "rotations.r.days"),
        (with_rotation(days=["Mo"]), "unknown_weekday", "rotations.r.days[0]"),
        (with_rotation(participants=[[1]]), "not_a_text", "rotations.r.participants[0][0]"),
        (with_rotation(colour=1), "unknown_key", "rotations.r.colour"),
        ({"tz": BERLIN, "layers": [{"target": {}}]}, "bad_target", "layers[0].target"),
        ({"tz": BERLIN, "layers": [{"target": {"user": "a", "rotation": "r"}}]}, "bad_target", "layers[0].target"),
        ({"tz": BERLIN, "layers": [{"target": {"rotation": "r"}}]}, "unknown_rotation", "layers[0].target.rotation"),
        ({"tz": BERLIN, "layers": [always("a", holidays="closed")]}, "bad_mode", "layers[0].holidays"),
        (
            {"tz": BERLIN, "layers": [always("a", windows=[{"days": ["MO"], "start": "25:00", "end": "26:00"}])]},
            "bad_time",
            "layers[0].windows[0].start",
        ),
        (
            {
                "tz": BERLIN,
                "layers": [],
                "swaps": [span("2028-05-05T00:00", "2028-05-05T00:00", from_user="a", to_user="b")],
            },
            "not_forward",
            "swaps[0]",
        ),
        (
            {
                "tz": BERLIN,
                "layers": [],
                "swaps": [{"start": "2028-05-04T00:00", "end": "2028-05-05T00:00Z", "from_user": "a", "to_user": "b"}],
            },
            "bad_instant",
            "swaps[0].start",
        ),
        (
            {"tz": BERLIN, "layers": [], "overrides": [span("2028-05-04T00:00", "2028-05-05T00:00")]},
            "empty_override",
            "overrides[0]",
        ),
        (
            {"tz": BERLIN, "layers": [], "overrides": [span("2028-05-06T00:00", "2028-05-05T00:00", add="a")]},
            "not_forward",
            "overrides[0]",
        ),
        (
            {
                "tz": BERLIN,
                "layers": [],
                "temporary": [
                    span("2028-05-04T00:00", "2028-05-05T00:00", shifts=[]),
                    span("2028-05-04T23:59", "2028-05-06T00:00", shifts=[]),
                ],
            },
            "overlap",
            "temporary[1]",
        ),
    ],
)
def test_an_odd_rota_is_refused_with_its_place(data: dict[str, object], code: str, where: str) -> None:
    with pytest.raises(RotaError) as refused:
        Rota.parse(data)
    assert (refused.value.code, refused.value.where) == (code, where)


def test_dates_and_times_as_toml_gives_them_are_read() -> None:
    found = Rota.parse(
        {
            "tz": BERLIN,
            "rotations": {"r": {**rotation("daily", "", "ida"), "start_local": datetime(2028, 6, 14, 9)}},
            "layers": [
                {
                    "target": {"rotation": "r"},
                    "holidays": "exclude",
                    "windows": [{"days": ["TH"], "start": "08:00", "end": "09:00"}],
                }
            ],
            "holidays": [date(2028, 6, 15)],
            "overrides": [{"start": z("2028-06-15T00:00"), "end": z("2028-06-15T01:00"), "add": "jon"}],
        }
    )
    assert at(found, "2028-06-15T00:30", "2028-06-15T06:30", "2028-06-22T06:30") == "jon - ida"


# Properties

ROTATION = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
        "every": st.integers(1, 5),
        "start_local": st.datetimes(datetime(2027, 11, 1), datetime(2028, 3, 27)).map(
            lambda d: d.replace(microsecond=0, second=0).isoformat()
        ),
        "tz": st.sampled_from([BERLIN, "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"]),
        "participants": st.lists(st.sampled_from(["ida", "jon", "kai", ["lea", "max"]]), min_size=1, max_size=4),
    }
)


@settings(max_examples=60, deadline=None)
@given(ROTATION, st.datetimes(datetime(2028, 3, 20), datetime(2028, 4, 10), timezones=st.just(UTC)))
def test_a_rotation_agrees_with_walking_its_grid(data: dict[str, object], now: datetime) -> None:
    found = Rota.parse(data)
    start, every, unit = datetime.fromisoformat(str(data["start_local"])), data["every"], data["unit"]
    assert isinstance(every, int)
    people = data["participants"]
    assert isinstance(people, list)
    walls = [start]
    while walls[-1] < datetime(2028, 4, 13):
        count = len(walls) * every
        if unit == "monthly":
            month = start.month - 1 + count
            for day in range(start.day, 0, -1):
                try:
                    walls.append(start.replace(year=start.year + month // 12, month=month % 12 + 1, day=day))
                    break
                except ValueError:
                    continue
        else:
            walls.append(
                start
                + count
                * {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}[str(unit)]
            )
    grid = sorted({first(ZoneInfo(str(data["tz"])), wall) for wall in walls})
    turn = sum(1 for at in grid if at <= now) - 1
    who = people[turn % len(people)] if turn >= 0 else []
    assert found.on_duty(now) == frozenset([who] if isinstance(who, str) else who)
    end = now + timedelta(days=2)
    assert [h.at for h in found.handoffs(now, end)] == [at for at in grid if now <= at < end]


CLOCK = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
WINDOW = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from(["SA", "SU", "MO"]), min_size=1, unique=True), "start": CLOCK, "end": CLOCK}
)
LAYER = st.builds(
    lambda user, priority, found: always(user, priority, windows=found),
    st.sampled_from("abc"),
    st.integers(0, 2),
    st.lists(WINDOW, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LAYER, max_size=4), st.sampled_from(["2028-03-24T00:00", "2028-10-27T00:00"]), st.data())
def test_segments_gaps_and_on_duty_tell_the_same_story(
    layers: list[dict[str, object]], begin: str, data: st.DataObject
) -> None:
    found = rota(*layers)
    start, end = z(begin), z(begin) + timedelta(days=5)
    segments, gaps = found.segments(start, end), found.gaps(start, end)
    pieces = sorted([(s.start, s.end) for s in segments] + gaps)
    assert pieces[0][0] == start
    assert pieces[-1][1] == end
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    assert not any(a.end == b.start and a.people == b.people for a, b in pairwise(segments))
    assert not any(a[1] == b[0] for a, b in pairwise(gaps))
    for _ in range(5):
        now = data.draw(
            st.datetimes(
                start.replace(tzinfo=None), end.replace(tzinfo=None) - timedelta(microseconds=1), timezones=st.just(UTC)
            )
        )
        holding = [s.people for s in segments if s.start <= now < s.end]
        assert found.on_duty(now) == (holding[0] if holding else frozenset())
