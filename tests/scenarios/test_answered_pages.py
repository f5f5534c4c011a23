"""What people on duty answer to a page: each word does what it says, once, and nothing is claimed that did not happen."""

from __future__ import annotations

import asyncio

import pytest

from helpdesk import accounts, tickets
from helpdesk.desk import ChannelDesk
from tests.desk import Desk, Phone, Story


@pytest.fixture
def outage(desk: Desk) -> Story:
    """Kaya is paged about it; Kim is next."""
    desk.reaches("kaya", telegram="kaya-phone")
    desk.reaches("kim", telegram="kim-phone")
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("telegram", "Im ganzen Ort ist das Portal nicht erreichbar")
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", "ganzer Ort", who), "alex")
    return story


@pytest.fixture
def kaya(desk: Desk) -> Phone:
    return desk.phone_of("kaya")


def test_passed_on_twice_is_passed_on_once(desk: Desk, outage: Story, kaya: Phone) -> None:
    key = kaya.pages(outage)[-1].thread["key"]
    telegram = ChannelDesk(desk.house, desk.house.channels["telegram"])
    first, again = (asyncio.run(telegram.act(key, "escalate", "kaya-phone")) for _ in range(2))
    assert (first.done, first.text) == (True, f"{outage.number}: weitergegeben.")
    desk.passes()
    assert outage.events().count("ticket.escalated") == 1
    assert (again.done, again.text) == (False, f"{outage.number}: schon weitergegeben.")
    assert desk.phone_of("kim").rang_about(outage)


def test_done_means_done(outage: Story, kaya: Phone) -> None:
    answer = kaya.presses("close", outage)
    assert (answer.done, answer.text) == (True, f"{outage.number}: gelöst.")
    assert outage.ticket.status == "resolved"
    for verb in ("close", "escalate", "acknowledge"):
        late = kaya.presses(verb, outage)
        assert (late.done, late.text) == (False, f"{outage.number} ist schon geschlossen.")
    assert outage.events().count("ticket.resolved") == 1


def test_who_has_left_is_not_heard(desk: Desk, outage: Story, kaya: Phone) -> None:
    page = kaya.pages(outage)[-1]
    left = desk.agent("kaya").id
    desk.do(lambda s: accounts.disable(s, left or 0))
    telegram = ChannelDesk(desk.house, desk.house.channels["telegram"])
    answer = asyncio.run(telegram.act(page.thread["key"], "acknowledge", "kaya-phone"))
    assert (answer.done, answer.text) == (False, "")
    assert outage.ticket.acknowledged_at is None
