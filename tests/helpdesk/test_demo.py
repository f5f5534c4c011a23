"""The demo fills an empty desk, once, and never a real one."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from helpdesk import demo
from helpdesk.errors import Conflict
from helpdesk.models import Ticket
from tests.desk import Desk


def test_it_fills_an_empty_desk_and_a_second_time_adds_nothing(desk: Desk) -> None:
    numbers = list(demo.play(desk.house.database))
    assert len(set(numbers)) == len(demo.samples()) == 72
    assert list(demo.play(desk.house.database)) == numbers
    by_severity = dict(
        desk.do(lambda s: s.execute(select(Ticket.severity, func.count()).group_by(Ticket.severity)).all())
    )
    wanted = {s: sum(1 for one in demo.samples() if one.labels["severity"] == s) for s in ("S1", "S2", "S3", "S4")}
    assert by_severity == wanted
    assert desk.do(lambda s: s.scalars(select(Ticket.id).where(Ticket.team.is_(None))).all()) == []


def test_nothing_leaves_to_people_who_do_not_exist(desk: Desk) -> None:
    list(demo.play(desk.house.database))
    desk.forward(minutes=1)
    sent = [message for provider in desk.providers.values() for message in provider.sent if "key" not in message.thread]
    assert sent == []


def test_it_refuses_a_desk_with_real_tickets(desk: Desk) -> None:
    desk.citizen("Yilmaz").writes("email", "Hallo")
    with pytest.raises(Conflict):
        next(demo.play(desk.house.database))
