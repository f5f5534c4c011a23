"""What an update sets off: commands, buttons, replies to a page, and updates that cannot be stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.telegram import TelegramChannel
from channels.telegram.replies import Reply, pressed, typed
from channels.telegram.updates import PATIENCE
from helpdesk.channel import Answer, Kind, Line, NotNow, Raw
from helpdesk.testing.fake_desk import FakeDesk
from helpdesk.testing.wire import Request, call
from tests.channels.telegram.conftest import SECRET
from tests.channels.telegram.fake_api import FakeBotApi, refusal
from tests.channels.telegram.recorded import BOT, PERSON, payload, update


async def post(bot: TelegramChannel, desk: FakeDesk, raw: Raw) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    reply = await call(bot, desk, Request(path=f"/{BOT}/update", headers=headers, body=raw.body))
    return reply.status


async def test_start_greets_and_opens_no_ticket(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    desk.opening = Line(
        portal=None,
        open=False,
        next_opening=datetime(2026, 11, 23, 7, tzinfo=UTC),
        outage="Das Serviceportal ist seit 17 Uhr gestört.",
    )
    assert await post(bot, desk, payload("start")) == 200
    (greeting,) = api.texts()
    assert desk.messages == []
    assert "23.11.2026, 08:00" in greeting, "in local time"
    assert "Das Serviceportal ist seit 17 Uhr gestört." in greeting
    assert "keine persönlichen Daten" in greeting


async def test_whoever_speaks_another_language_is_greeted_in_english(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    person = {"id": int(PERSON), "is_bot": False, "first_name": "Elif", "language_code": "tr"}
    await post(bot, desk, update(1, "/start", **{"from": person}))
    assert api.texts()[0].startswith("Hello.")
    assert "We are available now." in api.texts()[0]


async def test_status_asks_the_desk(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    desk.answer = Answer(text="T-2026-000001: in Bearbeitung.", done=True)
    await post(bot, desk, payload("status"))
    assert desk.acts == [("", "status", PERSON)]
    assert api.texts() == ["T-2026-000001: in Bearbeitung."]
    assert json.loads(api.accepted[0]["link_preview_options"]) == {"is_disabled": True}


async def test_status_without_an_answer_points_to_the_link(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    await post(bot, desk, payload("status"))
    assert desk.messages == []
    assert "unter dem Link" in api.texts()[0]


async def test_stop_blocks_and_is_confirmed(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    await post(bot, desk, payload("stop"))
    assert [message.kind for message in desk.messages] == [Kind.BLOCKED]
    assert "Wir schreiben Ihnen hier nicht mehr." in api.texts()[0]


async def test_who_blocked_the_bot_is_not_written_to(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    await post(bot, desk, payload("kicked"))
    assert [message.kind for message in desk.messages] == [Kind.BLOCKED]
    assert api.attempts == 0


async def test_a_button_acts_for_whoever_pressed_it(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    desk.answer = Answer(text="Angenommen um 21:07.", done=True)
    assert await post(bot, desk, payload("callback_query")) == 200
    assert desk.acts == [("7f3k9x", "acknowledge", PERSON)]
    (toast,) = api.asked("answerCallbackQuery")
    assert toast == {"callback_query_id": "4382bfdwdsb323b2d9", "text": "Angenommen um 21:07."}


async def test_a_button_that_was_not_recorded_says_so_and_is_repeated(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    desk.trouble = RuntimeError("away")
    assert await post(bot, desk, payload("callback_query")) == 503
    assert api.asked("answerCallbackQuery")[0]["text"].startswith("Nicht gespeichert.")


async def test_a_foreign_button_only_stops_spinning(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    raw = payload("callback_query")
    foreign = replace(raw, body=raw.body.replace(b"acknowledge:7f3k9x", b"delete:everything"))
    assert await post(bot, desk, foreign) == 200
    assert (desk.acts, len(api.asked("answerCallbackQuery"))) == ([], 1)


async def test_a_reply_to_a_page_acts_and_is_confirmed(bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi) -> None:
    desk.answer = Answer(text="52 angenommen.", done=True)
    await post(bot, desk, payload("ack"))
    assert desk.acts == [("52", "acknowledge", PERSON)]
    assert (api.texts(), desk.messages) == (["52 angenommen."], [])


async def test_the_same_words_of_somebody_who_was_never_paged_are_a_message(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    await post(bot, desk, payload("ack"))
    assert [message.text for message in desk.messages] == ["Ack 52"]
    assert api.attempts == 0


async def test_a_word_that_cannot_be_said_does_not_repeat_what_is_stored(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi
) -> None:
    desk.notice = "Diesen Weg betreibt Telegram."
    api.next_answer = (403, refusal(403, "Forbidden: bot was blocked by the user"))
    assert await post(bot, desk, payload("message")) == 200
    assert len(desk.messages) == 1


@pytest.mark.parametrize("name", ["group", "pinned", "poll_answer", "unblocked"])
async def test_what_concerns_nobody_is_confirmed_and_forgotten(
    bot: TelegramChannel, desk: FakeDesk, api: FakeBotApi, name: str
) -> None:
    assert await post(bot, desk, payload(name)) == 200
    assert (desk.calls, api.requests) == (0, [])


class _RefusesOne(FakeDesk):
    """Works, but for one message that it cannot store: a fault of ours."""

    async def take_in(self, message):  # type: ignore[no-untyped-def]
        if message.text == "Gift":
            raise LookupError("a bug")
        return await super().take_in(message)


async def test_one_update_that_can_never_be_stored_is_set_aside(bot: TelegramChannel) -> None:
    desk = _RefusesOne(BOT)
    poison = update(5, "Gift")
    assert [await post(bot, desk, poison) for _ in range(PATIENCE)] == [*[503] * (PATIENCE - 1), 200]
    assert [raw.body for raw, _ in desk.parked] == [poison.body]
    assert await post(bot, desk, payload("message")) == 200


class _NotNow(FakeDesk):
    """Its database comes and goes: whatever is taken in finds it away, whatever is parked finds it back."""

    away = True

    async def take_in(self, message):  # type: ignore[no-untyped-def]
        if self.away:
            raise NotNow
        return await super().take_in(message)


async def test_a_database_that_comes_and_goes_is_no_fault_of_an_update(bot: TelegramChannel) -> None:
    desk = _NotNow(BOT)
    assert {await post(bot, desk, payload("message")) for _ in range(2 * PATIENCE)} == {503}
    desk.away = False
    assert await post(bot, desk, payload("message")) == 200
    assert (len(desk.messages), desk.parked) == (1, [])


async def test_with_the_database_away_nothing_is_ever_set_aside(bot: TelegramChannel, desk: FakeDesk) -> None:
    desk.trouble = RuntimeError("away")
    assert {await post(bot, desk, payload("message")) for _ in range(2 * PATIENCE)} == {503}
    desk.trouble = None
    assert await post(bot, desk, payload("message")) == 200
    assert (len(desk.messages), desk.parked) == (1, [])


async def test_a_body_over_the_cap_is_refused(bot: TelegramChannel, desk: FakeDesk) -> None:
    raw = payload("message")
    assert await post(bot, desk, replace(raw, body=raw.body + b" " * 1024 * 1024)) == 413
    assert desk.calls == 0


@pytest.mark.parametrize(
    ("text", "verb", "key"),
    [
        ("ack 52", "acknowledge", "52"),
        ("7 a", "acknowledge", "7"),
        ("Ja 52", "acknowledge", "52"),
        ("„JA“  52 ", "acknowledge", "52"),
        ("c", "close", ""),
        ("Erledigt 9", "close", "9"),
        ("weiter", "escalate", ""),
        ("12 esc", "escalate", "12"),
        ("7aa", "acknowledge_all", "7"),
        ("alle 7", "acknowledge_all", "7"),
    ],
)
def test_what_people_on_duty_type(text: str, verb: str, key: str) -> None:
    assert typed(text) == Reply(verb=verb, key=key)


@pytest.mark.parametrize(
    "text", ["", "52", "ja bitte", "1 a 2", "ack 1234567890", "Ich komme nicht weiter", "a" * 41, "а 5"]
)
def test_what_is_no_reply(text: str) -> None:
    assert typed(text) is None


@pytest.mark.parametrize("data", ["", "acknowledge", "acknowledge:", "status:1", ":7f3k9x"])
def test_what_is_no_button_of_ours(data: str) -> None:
    assert pressed(data) is None
