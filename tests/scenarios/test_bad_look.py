"""A ticket that cannot be looked at is set aside for an hour and told; the others in the same pass go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.desk import Desk, Story
from tests.scenarios.stage import alarms, happened

#: each breaks the look in another place: the chain's reader, the severity's, the ledger's, the database itself
DAMAGES = {
    "chain": 'UPDATE ticket SET chain = \'{"state": "no such state"}\' WHERE number = :number',
    "severity": "UPDATE ticket SET severity = 'S9', severity_by_hand = true WHERE number = :number",
    "ledger": "UPDATE clock_event SET kind = 'no such kind' WHERE ticket_id = (SELECT id FROM ticket WHERE number = :number)",
    "number": "UPDATE clock_event SET at = '0044-03-15 BC' WHERE ticket_id = (SELECT id FROM ticket WHERE number = :number)",
}
REPAIRS = "UPDATE ticket SET chain = NULL WHERE number = :number"


def due_now(desk: Desk) -> None:
    desk.do(lambda s: s.execute(text("UPDATE due SET due_at = helpdesk_now()")))


def damage(desk: Desk, story: Story, statement: str) -> None:
    desk.do(lambda s: s.execute(text(statement), {"number": story.number}))


@pytest.mark.parametrize("what", DAMAGES)
def test_one_bad_ticket_stops_no_other(desk: Desk, what: str) -> None:
    desk.at("2026-11-21 18:10")
    good, bad, last = (desk.citizen(name).writes("email", "Hallo") for name in ("Anna", "Berta", "Cem"))
    damage(desk, bad, DAMAGES[what])
    due_now(desk)
    desk.passes()
    assert bad.looks_again_at() == desk.now() + timedelta(hours=1)
    for story in (good, last):
        at = story.looks_again_at()
        assert at is not None and at > desk.now()
        assert "look.failed" not in story.events()
    assert bad.events()[-1] == "look.failed"
    assert [kind for kind, _ in alarms(desk)] == ["look_failed"]
    assert desk.citizen("Cem").heard("email")


def test_the_same_again_is_one_alarm_and_a_repair_heals_it(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    bad = desk.citizen("Berta").writes("email", "Hallo")
    damage(desk, bad, DAMAGES["chain"])
    due_now(desk)
    desk.passes()
    desk.forward(hours=3, seconds=1)
    assert len(happened(desk, "look.failed")) == 4
    assert len(alarms(desk)) == 1
    damage(desk, bad, REPAIRS)
    desk.forward(hours=1)
    at = bad.looks_again_at()
    assert at is not None and at > desk.now()
    assert desk.do(lambda s: s.execute(text("SELECT tries FROM due")).scalar_one()) == 0
    assert len(happened(desk, "look.failed")) == 4


def test_a_full_batch_with_bad_ones_in_it_is_looked_at_in_one_pass(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    stories = [desk.citizen(f"person{number}").sends("echo", "Hallo") for number in range(60)]
    bad = {receipt.number for receipt in stories[::20]}
    desk.do(
        lambda s: s.execute(
            text("UPDATE ticket SET chain = '{\"state\": 1}' WHERE number = ANY(:bad)"), {"bad": list(bad)}
        )
    )
    due_now(desk)
    desk.passes()
    left = desk.do(lambda s: s.execute(text("SELECT count(*) FROM due WHERE due_at <= helpdesk_now()")).scalar_one())
    assert left == 0
    assert len(happened(desk, "look.failed")) == len(bad)
