"""Laws of service time, against random calendars, zones and clock changes, and against a walk minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escalation.calendar import Calendar
from escalation.hours import WEEKDAYS

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

#: zones with an instant near which their clock changes
CHANGES = [
    ("Europe/Berlin", datetime(2028, 3, 26, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2028, 10, 29, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, tzinfo=UTC)),  # forward at midnight
    ("America/Sao_Paulo", datetime(2019, 2, 17, tzinfo=UTC)),  # back at midnight
    ("America/St_Johns", datetime(2010, 11, 7, tzinfo=UTC)),  # back one minute after midnight
    ("Australia/Lord_Howe", datetime(2028, 4, 1, tzinfo=UTC)),  # half an hour
    ("Australia/Lord_Howe", datetime(2028, 9, 30, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),  # a whole date left out
    ("Asia/Kathmandu", datetime(2028, 5, 4, tzinfo=UTC)),  # 5:45, no change
]
FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def day_hours(draw):
    """Up to three intervals of one date; edges on any minute, midnight and touching ones included."""
    edges = sorted(draw(st.sets(st.integers(0, 1440) | st.sampled_from([0, 60, 120, 150, 180, 1440]), max_size=6)))
    return [[clock(a), clock(b)] for a, b in zip(edges[::2], edges[1::2], strict=False)]


@st.composite
def calendars(draw):
    """A written calendar in some zone, and an instant close to a clock change of that zone."""
    zone, change = draw(st.sampled_from(CHANGES))
    week = {name: draw(day_hours()) for name in WEEKDAYS}
    if not any(week.values()):
        week["sun"] = [["00:00", "24:00"]]
    near = st.integers(-2, 2).map(lambda days: (change.date() + timedelta(days=days)).isoformat())
    raw = {
        "timezone": zone,
        "week": week,
        "holidays": draw(st.lists(near, max_size=2)),
        "holiday_mode": draw(st.sampled_from(["closed", "open", "sunday_hours"])),
        "overrides": draw(st.dictionaries(near, day_hours(), max_size=2)),
    }
    return raw, change + timedelta(seconds=draw(st.integers(-200_000, 100_000)))


budgets = st.integers(0, 40 * 3600 * 10**6).map(lambda us: timedelta(microseconds=us))


@st.composite
def pauses_near(draw, at):
    begins = st.integers(-100_000, 200_000)
    lengths = st.integers(0, 50_000)
    found = draw(st.lists(st.tuples(begins, lengths), max_size=4))
    return [(at + begin * SECOND, at + (begin + length) * SECOND) for begin, length in found]


@FEW
@given(calendars(), budgets, st.data())
def test_as_much_has_passed_at_the_due_instant_as_was_promised(case, budget, data):
    raw, start = case
    calendar, pauses = Calendar.parse(raw), data.draw(pauses_near(start))
    due = calendar.add(start, budget, pauses)
    assert calendar.elapsed(start, due, pauses) == budget
    if budget:  # and the instant is the earliest one
        assert calendar.elapsed(start, due - timedelta(microseconds=1), pauses) < budget


@FEW
@given(calendars(), budgets, budgets, st.data())
def test_budgets_add_up(case, first, second, data):
    raw, start = case
    second += timedelta(microseconds=1)
    calendar, pauses = Calendar.parse(raw), data.draw(pauses_near(start))
    assert calendar.add(start, first + second, pauses) == calendar.add(
        calendar.add(start, first, pauses), second, pauses
    )


@FEW
@given(calendars(), st.data())
def test_intervals_are_maximal_and_agree_with_is_open_at_every_edge(case, data):
    raw, start = case
    calendar, end = Calendar.parse(raw), start + timedelta(days=4)
    found = list(calendar.intervals(start, end))
    assert all(left[1] < right[0] for left, right in pairwise(found))
    for opening, closing in found:
        assert start <= opening < closing <= end
        for edge in (opening - SECOND, opening, opening + SECOND, closing - SECOND, closing, closing + SECOND):
            if start <= edge < end:
                assert calendar.is_open(edge) == any(a <= edge < b for a, b in found)
    at = data.draw(st.integers(0, 4 * 86_400 - 1)) * SECOND + start
    assert calendar.is_open(at) == any(a <= at < b for a, b in found)


@FEW
@given(calendars(), st.data())
def test_pauses_take_out_exactly_what_they_cover(case, data):
    raw, start = case
    calendar, end = Calendar.parse(raw), start + timedelta(days=4)
    pauses = data.draw(pauses_near(start))
    cut = list(calendar.intervals(start, end, pauses))
    assert sum((b - a for a, b in cut), timedelta(0)) == calendar.elapsed(start, end, pauses)
    for opening, closing in cut:
        middle = opening + (closing - opening) / 2
        assert calendar.is_open(middle)
        assert not any(a <= middle < b for a, b in pauses)
    assert calendar.elapsed(start, end) - calendar.elapsed(start, end, pauses) == sum(
        (calendar.elapsed(max(a, start), min(b, end)) for a, b in _disjoint(pauses)), timedelta(0)
    )


@settings(max_examples=60, deadline=None)
@given(calendars(), st.integers(60, 2 * 1440))
def test_a_walk_minute_by_minute_comes_to_the_same(case, length):
    raw, start = case
    calendar, zone = Calendar.parse(raw), ZoneInfo(raw["timezone"])
    start = start.replace(second=0, microsecond=0)
    minutes = [start + n * MINUTE for n in range(length)]
    opened = [_open_by_the_rule(raw, at.astimezone(zone)) for at in minutes]
    assert [calendar.is_open(at) for at in minutes] == opened
    assert calendar.elapsed(start, start + length * MINUTE) == sum(opened) * MINUTE
    if True in opened:
        assert calendar.next_open(start) == minutes[opened.index(True)]
    half = sum(opened) // 2
    if half:
        used_up = [at for at, is_open in zip(minutes, opened, strict=True) if is_open][half - 1] + MINUTE
        assert calendar.add(start, half * MINUTE) == used_up


@settings(max_examples=60, deadline=None)
@given(calendars())
def test_segments_are_gapless_and_their_open_ones_are_the_intervals(case):
    raw, start = case
    calendar, end = Calendar.parse(raw), start + timedelta(days=4)
    found = list(calendar.segments(start, end))
    assert found[0].from_at == start
    assert found[-1].to_at == end
    assert all(left.to_at == right.from_at for left, right in pairwise(found))
    opened = sum((part.to_at - part.from_at for part in found if part.kind == "open"), timedelta(0))
    assert opened == calendar.elapsed(start, end)


def _open_by_the_rule(raw, local: datetime) -> bool:
    """The one sentence that defines an open instant, read off the written form, without any of the code under test."""
    day, minute = local.date().isoformat(), local.hour * 60 + local.minute
    hours = raw["week"][WEEKDAYS[date.fromisoformat(day).weekday()]]
    holiday = day in raw["holidays"] and raw["holiday_mode"] != "open"
    if holiday:
        hours = raw["week"]["sun"] if raw["holiday_mode"] == "sunday_hours" else []
    elif day in raw["overrides"]:
        hours = raw["overrides"][day]
    return any(clock(minute) >= opening and clock(minute) < closing for opening, closing in hours)


def _disjoint(pauses):
    done = []
    for start, end in sorted(pauses):
        start = max([start, *(b for _, b in done)])
        if start < end:
            done.append((start, end))
    return done
