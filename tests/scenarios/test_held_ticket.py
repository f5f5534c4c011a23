"""A ticket that somebody is working on when its look is due: the pass goes on without it and comes back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from helpdesk import tickets
from helpdesk.house import House
from tests.desk import Desk
from tests.scenarios.stage import alarms


def test_a_pass_never_waits_for_a_ticket_in_somebodys_hand(desk: Desk, house: House) -> None:
    desk.at("2026-11-21 18:10")
    held, free = (desk.citizen(name).writes("email", "Hallo") for name in ("Anna", "Berta"))
    desk.do(lambda s: s.execute(text("UPDATE due SET due_at = helpdesk_now()")))
    with house.database.transaction() as agent:
        ticket = tickets.locked(agent, held.number)
        agent.execute(text("SET LOCAL lock_timeout = '5s'"))
        desk.passes()
        assert held.looks_again_at() == desk.now() + timedelta(seconds=1)
        again = free.looks_again_at()
        assert again is not None and again > desk.now() + timedelta(seconds=1)
        tickets.note(agent, ticket, "Ich sehe nach.", desk.agent("alex"))
    assert "look.failed" not in held.events()
    assert alarms(desk) == []
    at = held.looks_again_at()
    assert at is not None and at > desk.now() + timedelta(seconds=1)
