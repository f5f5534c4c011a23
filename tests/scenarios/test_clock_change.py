"""The nights in which an hour is missing, and in which one comes twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from helpdesk import tickets
from tests.desk import Desk, Story


def urgent(desk: Desk, severity: str = "S2") -> Story:
    story = desk.citizen("Yilmaz").writes("email", "Alles aus")
    story.done(lambda s, t, who: tickets.set_severity(s, t, severity, "ganzer Ort", who), "alex")
    return story


def everybody_has_a_phone(desk: Desk) -> None:
    handles = desk.do(lambda s: list(s.execute(text("SELECT handle FROM agent")).scalars()))
    for handle in handles:
        desk.reaches(handle, telegram=f"{handle}-phone")


def paged_at(desk: Desk, story: Story) -> list[datetime]:
    rows = "SELECT DISTINCT created_at FROM delivery WHERE purpose = 'page' AND channel = 'telegram' ORDER BY 1"
    return [at.astimezone(UTC) for at in desk.do(lambda s: s.execute(text(rows)).scalars().all())]


def test_in_spring_the_missing_hour_is_not_promised(desk: Desk) -> None:
    desk.at("2026-03-28 19:30")
    story = desk.citizen("Yilmaz").writes("telegram", "Hallo")
    # 30 minutes on Saturday, 3.5 hours on Sunday from 10:00 summer time
    assert story.clock("first_response").due_at == datetime(2026, 3, 29, 11, 30, tzinfo=UTC)
    desk.at("2026-03-29 13:29")
    assert story.clock("first_response").outcome == "running"
    desk.forward(minutes=2)
    assert story.clock("first_response").outcome == "breached"


def test_in_spring_the_night_is_an_hour_shorter_for_the_stand_by(desk: Desk) -> None:
    everybody_has_a_phone(desk)
    desk.at("2026-03-29 01:50")
    story = urgent(desk)
    desk.forward(minutes=45)
    first, second = paged_at(desk, story)
    assert first == datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
    assert second - first == timedelta(minutes=30)  # 01:50 and 03:20 by the clock on the wall


def test_in_autumn_half_past_two_comes_twice_and_each_counts(desk: Desk) -> None:
    everybody_has_a_phone(desk)
    desk.at("2026-10-25 01:50")
    story = urgent(desk)
    desk.forward(minutes=75)
    pages = paged_at(desk, story)
    assert [(page - pages[0]).total_seconds() / 60 for page in pages] == [0, 30, 60]
    assert pages[0] == datetime(2026, 10, 24, 23, 50, tzinfo=UTC)


def test_in_autumn_two_messages_of_the_same_wall_time_stay_in_order(desk: Desk) -> None:
    """02:30 summer time and 02:30 winter time are an hour apart."""
    desk._turn(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    early = desk.citizen("Anna").writes("email", "zuerst")
    desk._turn(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    late = desk.citizen("Berta").writes("email", "danach")
    assert late.ticket.opened_at - early.ticket.opened_at == timedelta(hours=1)
    # nobody is there at night, so both promises count from ten o'clock
    assert early.clock("first_response").due_at == late.clock("first_response").due_at
    assert early.clock("first_response").due_at == datetime(2026, 10, 25, 13, 0, tzinfo=UTC)


def test_a_pause_over_the_change_is_as_long_as_it_was(desk: Desk) -> None:
    desk.at("2026-10-24 19:00")
    story = desk.citizen("Yilmaz").writes("email", "Hallo")
    before = story.clock("resolution").due_at
    story.answered("alex", "Welchen Antrag meinen Sie?", then="pending")
    desk.at("2026-10-25 11:00")
    story.done(lambda s, t, who: tickets.resume(s, t, who), "alex")
    fresh = desk.citizen("Kruse").writes("email", "Hallo")
    assert story.clock("resolution").due_at == fresh.clock("resolution").due_at  # nothing of the budget is used
    assert before is not None and fresh.clock("resolution").due_at != before
