"""What an answer leaves behind, whatever the ticket was before: status, clocks, and since when it is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk import tickets
from helpdesk.models import Clock
from tests.desk import Desk, Story


@pytest.fixture
def asked(desk: Desk) -> Story:
    desk.at("2026-11-23 10:00")
    return desk.citizen("Yilmaz").writes("email", "Wo finde ich meinen Bescheid?")


def does(desk: Desk, story: Story, verb: str, **more: object) -> None:
    alex = desk.agent("alex")

    def job(session: Session) -> None:
        ticket = tickets.locked(session, story.number)
        words = ("Eine Antwort.",) if verb == "reply" else ()
        getattr(tickets, verb)(session, ticket, *words, alex, **more)

    desk.do(job)


def resolution(desk: Desk, story: Story) -> tuple[str, bool]:
    """The outcome of the last round, and whether it has a due instant."""
    key = story.ticket.id
    rows = select(Clock).where(Clock.ticket_id == key, Clock.kind == "resolution").order_by(Clock.round.desc()).limit(1)
    row = desk.do(lambda s: s.scalars(rows).one())
    return row.outcome, row.due_at is not None


def test_an_answer_that_does_not_wait_ends_the_pause(desk: Desk, asked: Story) -> None:
    does(desk, asked, "reply", then="pending")
    assert resolution(desk, asked) == ("paused", False)
    desk.forward(hours=1)
    does(desk, asked, "reply", then="open")
    assert asked.ticket.status == "open"
    assert resolution(desk, asked) == ("running", True)
    assert "ticket.resumed" in asked.events()


def test_an_old_date_of_a_pause_does_not_end_a_later_one(desk: Desk, asked: Story) -> None:
    does(desk, asked, "pend", reason="Urlaub", until=desk.now() + timedelta(hours=2))
    does(desk, asked, "reply", then="open")
    desk.forward(hours=3)
    does(desk, asked, "reply", then="pending")
    desk.forward(days=1)
    assert asked.ticket.status == "pending"
    assert resolution(desk, asked) == ("paused", False)


@pytest.mark.parametrize("verb", ["resolve", "close"])
def test_a_last_word_on_what_is_done_leaves_it_done_since_then(desk: Desk, asked: Story, verb: str) -> None:
    does(desk, asked, verb)
    before = asked.ticket
    desk.forward(hours=1)
    does(desk, asked, "reply", then="resolved")
    after = asked.ticket
    assert (after.status, after.resolved_at, after.closed_at) == (before.status, before.resolved_at, before.closed_at)
    assert asked.events().count("ticket.resolved") == (1 if verb == "resolve" else 0)


def test_an_answer_opens_what_is_done(desk: Desk, asked: Story) -> None:
    does(desk, asked, "close")
    does(desk, asked, "reply", then="open")
    assert (asked.ticket.status, asked.ticket.closed_at) == ("open", None)
    assert resolution(desk, asked) == ("running", True)
