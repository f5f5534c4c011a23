"""What becomes of a message when the provider says no, later, nothing at all, or that we are not welcome."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from helpdesk import deliveries as outbox
from helpdesk import tickets
from helpdesk.channel import ChannelInfo, DeliveryError, Outcome, Reason
from tests.desk import Desk, Simulated, Story
from tests.scenarios.stage import alarms, deliveries, happened

LATER = DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN)
NEVER = DeliveryError(Outcome.PERMANENT, Reason.INVALID_ADDRESS)
PERHAPS = DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN)
ACCOUNT = DeliveryError(Outcome.TEMPORARY, Reason.ACCOUNT)


@pytest.fixture
def evening(desk: Desk) -> Desk:
    desk.at("2026-11-21 18:10")
    return desk


def by_mail(desk: Desk, *script: Exception, who: str = "Yilmaz") -> Story:
    """A citizen writes by mail; the provider of mail plays the script first."""
    desk.providers["email"].script = list(script)
    return desk.citizen(who).writes("email", "Wo finde ich meinen Bescheid?", subject="Bescheid")


def states(desk: Desk) -> list[tuple[str, int]]:
    return [(d.state, d.attempt) for d in deliveries(desk)]


def test_later_means_longer_and_longer_waits_and_then_it_is_there(evening: Desk) -> None:
    by_mail(evening, *[LATER] * 4)
    waits = []
    while evening.providers["email"].script:
        before, (_, attempt) = evening.now(), states(evening)[0]
        evening.forward(seconds=(next_attempt(evening) - before).total_seconds())
        waits.append((evening.now() - before).total_seconds())
        assert states(evening)[0][1] == attempt + 1
    assert all(0.8 * base <= wait <= 1.2 * base for base, wait in zip((10, 30, 90), waits, strict=False))
    evening.forward(minutes=10)
    assert states(evening) == [("sent", 5)]
    assert len(evening.citizen("Yilmaz").heard("email")) == 1
    assert alarms(evening) == []


def next_attempt(desk: Desk) -> datetime:
    at: datetime = desk.do(
        lambda s: s.execute(text("SELECT min(due_at) FROM delivery WHERE state = 'pending'")).scalar_one()
    )
    return at


def test_the_provider_names_the_wait(evening: Desk) -> None:
    busy = DeliveryError(Outcome.TEMPORARY, Reason.QUOTA, retry_after=timedelta(minutes=7))
    by_mail(evening, busy)
    assert next_attempt(evening) - evening.now() == timedelta(minutes=7)


def test_after_two_days_it_is_given_up_and_the_agent_sees_it(evening: Desk) -> None:
    story = by_mail(evening)
    evening.providers["email"].script = [LATER] * 100
    story.answered("alex", "Im Postfach.")
    assert story.clock("first_response").outcome == "met"
    evening.forward(hours=47, minutes=59)
    (reply,) = deliveries(evening, purpose="reply")
    assert reply.state == "pending" and 10 < reply.attempt < 25
    evening.forward(minutes=1)
    (reply,) = deliveries(evening, purpose="reply")
    assert (reply.state, reply.reason) == ("failed", "provider_down")
    (event,) = happened(evening, "delivery_failed")
    assert (event["purpose"], event["channel"]) == ("reply", "email")
    # it was never said, so the promise was not kept
    assert story.clock("first_response").outcome == "breached"
    assert "answer.failed" in story.events()


def test_never_is_tried_once_and_the_address_is_not_used_again(evening: Desk) -> None:
    story = by_mail(evening, NEVER)
    assert states(evening) == [("failed", 1)]
    assert [event["reason"] for event in happened(evening, "delivery_failed")] == ["invalid_address"]
    blocked = text("SELECT blocked_at IS NOT NULL FROM address WHERE value = 'yilmaz@example.org'")
    assert evening.do(lambda s: s.execute(blocked).scalar_one()) is True
    story.answered("alex", "Im Postfach.")
    assert len(deliveries(evening)) == 1  # nothing is sent to it; the answer lies behind the link


def test_a_broken_account_keeps_everything_and_tells_the_operators(evening: Desk) -> None:
    by_mail(evening, *[ACCOUNT] * 3)
    evening.forward(minutes=1)
    assert alarms(evening) == [("channel_account", "email")]
    evening.forward(minutes=5)
    assert states(evening) == [("sent", 4)]


def test_a_broken_account_gives_nothing_up_after_two_days(evening: Desk) -> None:
    by_mail(evening, ACCOUNT)
    expired = text("UPDATE delivery SET expires_at = helpdesk_now() - interval '1 day'")
    evening.do(lambda s: s.execute(expired))
    evening.providers["email"].script = [ACCOUNT]
    evening.forward(minutes=1)
    assert states(evening) == [("pending", 2)]
    evening.forward(minutes=1)
    assert states(evening) == [("sent", 3)]


def test_what_may_have_arrived_is_not_repeated_but_shown(evening: Desk) -> None:
    by_mail(evening, PERHAPS)
    evening.forward(hours=2)
    assert states(evening) == [("uncertain", 1)]
    assert not deliveries(evening)[0].due
    assert [event["purpose"] for event in happened(evening, "delivery_uncertain")] == ["receipt"]
    assert evening.citizen("Yilmaz").heard("email") == []


def test_where_a_repeat_is_known_it_is_repeated_twice_and_no_more(
    evening: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = evening.providers["email"]
    monkeypatch.setattr(provider, "info", _repeat_safe(provider))
    by_mail(evening, *[PERHAPS] * 9)
    for _ in range(4):
        evening.forward(minutes=1)
    assert states(evening) == [("uncertain", 3)]
    assert len(happened(evening, "delivery_uncertain")) == 1


def _repeat_safe(provider: Simulated) -> ChannelInfo:
    return replace(provider.info, repeat_safe=True)


def test_a_strangers_exception_is_uncertain(evening: Desk) -> None:
    by_mail(evening, ZeroDivisionError("a bug in a library"))
    assert states(evening) == [("uncertain", 1)]
    by_mail(evening, who="Kruse")
    assert states(evening)[1] == ("sent", 1)


def test_a_message_that_waits_is_not_overtaken_by_the_next_one(evening: Desk) -> None:
    story = by_mail(evening)
    evening.providers["email"].script = [LATER]
    story.answered("alex", "Zuerst dies.")
    story.answered("alex", "Und dann das.")
    assert [d.state for d in deliveries(evening)] == ["sent", "pending", "pending"]
    other = by_mail(evening, who="Kruse")  # does not wait for Yilmaz
    assert evening.citizen("Kruse").heard("email") and other.number != story.number
    evening.forward(minutes=1)
    heard = evening.citizen("Yilmaz").heard("email")
    assert [words.split("\n")[0] for words in heard[1:]] == ["Zuerst dies.", "Und dann das."]


def test_one_that_failed_for_good_does_not_hold_up_the_next(evening: Desk) -> None:
    story = by_mail(evening)
    evening.providers["email"].script = [DeliveryError(Outcome.PERMANENT, Reason.TOO_LARGE)]
    story.answered("alex", "Zuerst dies.")
    story.answered("alex", "Und dann das.")
    assert [d.state for d in deliveries(evening)] == ["sent", "failed", "sent"]


# pages


def paged(desk: Desk, *script: Exception) -> Story:
    """S2 in the evening; Kaya has a phone and no mailbox."""
    desk.do(lambda s: s.execute(text("DELETE FROM contact_point")))
    desk.reaches("kaya", telegram="kaya-phone")
    desk.reaches("kim", telegram="kim-phone")
    story = desk.citizen("Yilmaz").writes("email", "Alles aus")
    desk.providers["telegram"].script = list(script)
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", "ganzer Ort", who), "alex")
    return story


def test_a_page_is_tried_four_times_and_then_the_next_person_is_paged_at_once(evening: Desk) -> None:
    story = paged(evening, *[LATER] * 4)
    started = evening.now()
    while not evening.phone_of("kim").rang_about(story):
        assert evening.now() - started < timedelta(minutes=2)
        evening.forward(seconds=5)
    assert evening.now() - started <= timedelta(seconds=60)  # and not the quarter of an hour of the plan
    assert [(d.state, d.attempt) for d in deliveries(evening, purpose="page")] == [("failed", 4), ("sent", 1)]
    assert "chain.unreachable" in story.events()


def test_a_dead_number_moves_the_chain_on_at_once(evening: Desk) -> None:
    story = paged(evening, NEVER)
    assert evening.phone_of("kim").rang_about(story)
    assert [d.state for d in deliveries(evening, purpose="page")] == ["failed", "sent"]


def test_a_page_that_may_have_arrived_is_repeated_once(evening: Desk) -> None:
    story = paged(evening, PERHAPS)
    evening.forward(seconds=20)
    assert len(evening.phone_of("kaya").pages(story)) == 1
    assert [(d.state, d.attempt) for d in deliveries(evening, purpose="page")] == [("sent", 2)]


def test_a_page_goes_out_while_hundreds_of_receipts_wait(evening: Desk) -> None:
    for number in range(60):
        evening.citizen(f"person{number}").sends("telegram", "Das Portal ist weg")
    story = paged(evening)
    sent = evening.providers["telegram"].sent
    evening.forward(seconds=5)
    assert sent.index(evening.phone_of("kaya").pages(story)[0]) == 0
    assert len(sent) >= 61


# a hand that froze


def test_a_frozen_sender_that_wakes_sends_nothing(evening: Desk) -> None:
    """Its lease ended while it stood still; somebody else has sent it by then."""
    evening.citizen("Yilmaz").sends("email", "Wo finde ich meinen Bescheid?")
    (claimed,) = evening.do(lambda s: outbox.claim(s, ["email"]))
    evening.do(lambda s: s.execute(text("UPDATE delivery SET lease_until = now() - interval '1 second'")))
    evening.providers["email"].info = _repeat_safe(evening.providers["email"])
    evening.passes()
    assert states(evening) == [("sent", 2)]
    asyncio.run(evening.worker._deliver(claimed))
    assert states(evening) == [("sent", 2)]
    assert len(evening.citizen("Yilmaz").heard("email")) == 1


def test_a_sender_that_froze_past_its_lease_asks_before_the_first_byte(evening: Desk) -> None:
    """Nobody has taken it over yet; still the row is no longer its own."""
    evening.citizen("Yilmaz").sends("email", "Wo finde ich meinen Bescheid?")
    (claimed,) = evening.do(lambda s: outbox.claim(s, ["email"]))
    evening.do(lambda s: s.execute(text("UPDATE delivery SET lease_until = now() - interval '1 second'")))
    asyncio.run(evening.worker._deliver(claimed))
    assert evening.providers["email"].sent == []
    assert states(evening) == [("sending", 1)]


def test_a_page_that_was_acknowledged_meanwhile_is_not_sent(evening: Desk) -> None:
    story = paged(evening, LATER)
    evening._turn(evening.now() + timedelta(seconds=30))
    (claimed,) = evening.do(lambda s: outbox.claim(s, ["telegram"]))
    story.done(tickets.acknowledge, "alex")
    asyncio.run(evening.worker._deliver(claimed))
    assert evening.providers["telegram"].sent == []
    assert [d.state for d in deliveries(evening, purpose="page")] == ["failed"]
    detail = evening.do(lambda s: s.execute(text("SELECT detail FROM delivery WHERE purpose = 'page'")).scalar_one())
    assert detail == "withdrawn: acknowledged"
    assert happened(evening, "delivery_failed") == []


def test_a_page_that_waited_for_its_channel_too_long_wakes_nobody(evening: Desk) -> None:
    evening.reaches("kaya", telegram="kaya-phone")
    telegram = evening.house.channels.pop("telegram")  # type: ignore[attr-defined]  # not configured yet
    story = by_mail(evening)
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", "ganzer Ort", who), "alex")
    evening.forward(days=5)
    evening.house.channels["telegram"] = telegram  # type: ignore[index]
    old = [page for page in deliveries(evening) if page.purpose == "page" and page.state == "pending"]
    assert old
    evening.passes()
    assert not evening.phone_of("kaya").pages(story)
