"""A channel's own pace: what is too much waits, nothing is dropped, and pages do not queue behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select, text

from helpdesk import tickets
from helpdesk.channel import Rate
from helpdesk.models import Delivery
from tests.desk import Desk


def slow(desk: Desk, scope: str, count: int) -> None:
    provider = desk.providers["email"]
    provider.info = replace(provider.info, rates=(Rate(scope=scope, count=count, per=timedelta(minutes=1)),))  # type: ignore[arg-type]


def states(desk: Desk) -> dict[str, int]:
    rows = select(Delivery.state, func.count()).group_by(Delivery.state)
    return dict(desk.do(lambda s: s.execute(rows).all()))


def test_what_is_too_much_for_the_channel_waits_and_is_not_an_attempt(desk: Desk) -> None:
    slow(desk, "channel", 2)
    desk.at("2026-11-21 18:10")
    for name in ("Anna", "Bert", "Cem"):
        desk.citizen(name).writes("email", "Hallo")
    assert states(desk) == {"sent": 2, "pending": 1}
    waiting = desk.do(lambda s: s.scalars(select(Delivery).where(Delivery.state == "pending")).one())
    assert (waiting.attempt, waiting.due_at) == (0, desk.now() + timedelta(seconds=30))
    desk.do(lambda s: s.execute(text("UPDATE rate_limit SET arrival_at = arrival_at - interval '1 minute'")))
    desk.forward(minutes=1)
    assert states(desk) == {"sent": 3}


def test_each_recipient_has_a_bucket_of_their_own(desk: Desk) -> None:
    slow(desk, "recipient", 1)
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Anna").writes("email", "Hallo")
    story.answered("alex", "Guten Tag, das prüfen wir.")
    desk.citizen("Bert").writes("email", "Hallo")
    assert states(desk) == {"sent": 2, "pending": 1}


def test_a_page_is_never_delayed(desk: Desk) -> None:
    slow(desk, "channel", 1)
    desk.at("2026-11-21 18:10")
    desk.citizen("Anna").writes("email", "Hallo")
    story = desk.citizen("Bert").writes("email", "Alles steht")
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S1", "alles steht", who), "alex")
    assert desk.phone_of("kaya", "email").rang_about(story)
