"""Asking for news: nothing is confirmed before it is stored, and one bad update costs no other."""

from __future__ import annotations

import pytest

from channels.telegram import TelegramChannel
from channels.telegram.updates import PATIENCE
from helpdesk.channel import DeliveryError, Reason
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.telegram.fake_api import FakeBotApi, refusal
from tests.channels.telegram.recorded import payload, update


def waiting(api: FakeBotApi, *texts: str) -> None:
    api.updates = {number: update(number, text).body for number, text in enumerate(texts, start=100)}


async def test_news_are_taken_in_in_order_and_then_confirmed(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    waiting(api, "eins", "zwei", "drei")
    await polling_bot.poll(desk)
    assert [message.text for message in desk.messages] == ["eins", "zwei", "drei"]
    assert len(api.updates) == 3, "not confirmed by taking in alone"
    await polling_bot.poll(desk)
    assert (api.updates, desk.calls) == ({}, 3)


async def test_what_was_not_stored_comes_again(polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    waiting(api, "eins", "zwei")
    desk.trouble = RuntimeError("away")
    await polling_bot.poll(desk)
    desk.trouble = None
    await polling_bot.poll(desk)
    assert [message.text for message in desk.messages] == ["eins", "zwei"]
    assert [asked["offset"] for asked in api.asked("getUpdates")] == ["0", "0"]


async def test_a_malformed_update_is_parked_between_its_neighbours(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    waiting(api, "eins", "zwei", "drei")
    api.updates[101] = payload("malformed_types").body.replace(b"900000102", b"101")
    await polling_bot.poll(desk)
    assert [message.text for message in desk.messages] == ["eins", "drei"]
    assert len(desk.parked) == 1


async def test_an_update_that_can_never_be_stored_blocks_the_others_a_few_passes_only(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in = desk.take_in

    async def refusing(message):  # type: ignore[no-untyped-def]
        if message.text == "Gift":
            raise LookupError("a bug")
        return await take_in(message)

    monkeypatch.setattr(desk, "take_in", refusing)
    waiting(api, "Gift", "danach")
    for _ in range(PATIENCE):
        await polling_bot.poll(desk)
    assert [message.text for message in desk.messages] == ["danach"]
    assert len(desk.parked) == 1


async def test_after_a_quiet_week_the_numbers_may_be_lower(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    """Bot API, Update: "the identifier of the next update will be chosen randomly instead of sequentially"."""
    waiting(api, "vorher")
    await polling_bot.poll(desk)
    await polling_bot.poll(desk)
    api.updates = {7: update(7, "nachher").body}
    await polling_bot.poll(desk)
    assert [message.text for message in desk.messages] == ["vorher", "nachher"]


async def test_a_second_process_that_asks_is_the_accounts_trouble(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    api.next_answer = (409, refusal(409, "Conflict: terminated by other getUpdates request"))
    with pytest.raises(DeliveryError) as caught:
        await polling_bot.poll(desk)
    assert caught.value.reason is Reason.ACCOUNT


async def test_telegram_is_asked_to_wait_less_than_a_pass_may_last(
    polling_bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    await polling_bot.poll(desk)
    (asked,) = api.asked("getUpdates")
    assert 0 < int(asked["timeout"]) < 30
