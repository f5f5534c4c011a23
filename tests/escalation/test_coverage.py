from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.calendar import Calendar
from escalation.coverage import Span, measure, promised_spans, uncovered

T0 = datetime(2028, 5, 4, tzinfo=UTC)


def spans(text: str) -> list[Span]:
    """``2-5 7-9`` as hours after T0."""
    pairs = (pair.split("-") for pair in text.split())
    return [(T0 + timedelta(hours=int(a)), T0 + timedelta(hours=int(b))) for a, b in pairs]


@pytest.mark.parametrize(
    ("needed", "covered", "left"),
    [
        ("0-9", "", "0-9"),
        ("0-9", "0-9", ""),
        ("2-5", "0-9", ""),
        ("0-9", "2-5", "0-2 5-9"),
        ("0-9", "0-2 2-4 6-9", "4-6"),
        ("0-4 6-9", "3-7", "0-3 7-9"),
        ("0-2 2-4", "1-2", "0-1 2-4"),
        ("0-2 2-4", "", "0-4"),
        ("5-6", "1-2 3-4 8-9", "5-6"),
        ("1-2 3-4 5-6", "1-4", "5-6"),
        ("", "1-4", ""),
    ],
)
def test_what_is_needed_and_not_covered(needed: str, covered: str, left: str) -> None:
    assert uncovered(spans(needed), spans(covered)) == spans(left)


def test_promised_time_is_the_open_time_of_a_calendar_else_all_of_it() -> None:
    calendar = Calendar.parse({"week": {"thu": [["08:00", "12:00"]]}})
    week = T0 + timedelta(days=7)
    assert promised_spans(T0, week, calendar) == spans("6-10")
    assert promised_spans(T0, week, None) == [(T0, week)]
    assert promised_spans(week, T0, None) == []


def test_the_measure_is_in_real_seconds() -> None:
    assert measure(spans("0-9"), spans("2-3 5-7")) == (9 * 3600, 3 * 3600)
    assert measure([], []) == (0, 0)


HOURS = st.lists(st.integers(0, 30), max_size=10, unique=True).map(sorted)


def disjoint(hours: list[int]) -> list[Span]:
    return spans(" ".join(f"{a}-{b}" for a, b in zip(hours[::2], hours[1::2], strict=False)))


@given(HOURS, HOURS)
def test_each_hour_is_uncovered_exactly_when_it_is_needed_and_not_covered(first: list[int], second: list[int]) -> None:
    needed, covered = disjoint(first), disjoint(second)
    left = uncovered(needed, covered)
    for hour in range(31):
        at = T0 + timedelta(hours=hour, minutes=30)
        inside = [any(start <= at < end for start, end in some) for some in (needed, covered, left)]
        assert inside[2] == (inside[0] and not inside[1])
    assert all(a[1] < b[0] for a, b in itertools.pairwise(left))
