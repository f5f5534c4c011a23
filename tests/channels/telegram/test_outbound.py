"""What leaves us, and what each refusal means."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from channels.telegram import TelegramChannel
from channels.telegram.errors import delivery_error
from channels.telegram.outbound import utf16_units
from helpdesk.channel import Address, DeliveryError, File, FileTooLarge, OutboundMessage, Outcome, Reason
from tests.channels.telegram.fake_api import FakeBotApi, refusal
from tests.channels.telegram.recorded import PERSON

T, P, U = Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.UNCERTAIN


def message(text: str = "Guten Tag", to: str = PERSON, files: tuple[File, ...] = (), **thread: str) -> OutboundMessage:
    address = Address(kind="telegram", value=to)
    return OutboundMessage(key=uuid4(), attempt=1, to=address, text=text, language="de", files=files, thread=thread)


def file(ref: str = "BQAC-doc", size: int = 10) -> File:
    return File(name="Bescheid.pdf", media_type="application/pdf", size=size, ref=ref)


async def go() -> None:
    return None


async def never() -> None:
    pytest.fail("it was about to send")


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (BadRequest("Bad Request: chat not found"), P, Reason.INVALID_ADDRESS),
        (BadRequest("Bad Request: message is too long"), P, Reason.TOO_LARGE),
        (BadRequest("Bad Request: can't parse reply keyboard markup"), P, Reason.REJECTED),
        (Forbidden("Forbidden: bot was blocked by the user"), P, Reason.BLOCKED),
        (Forbidden("Forbidden: user is deactivated"), P, Reason.INVALID_ADDRESS),
        (Forbidden("Forbidden: bot can't initiate conversation with a user"), P, Reason.INVALID_ADDRESS),
        (ChatMigrated(-1001), P, Reason.INVALID_ADDRESS),
        (InvalidToken(), T, Reason.ACCOUNT),
        (Conflict("Conflict: terminated by other getUpdates request"), T, Reason.ACCOUNT),
        (NetworkError("Bad Gateway"), T, Reason.PROVIDER_DOWN),
        (caused(NetworkError("Bad Gateway"), TelegramError("Invalid server response")), T, Reason.PROVIDER_DOWN),
        (caused(NetworkError("x"), httpx.ConnectError("refused")), T, Reason.PROVIDER_DOWN),
        (caused(TimedOut(), httpx.ConnectTimeout("")), T, Reason.PROVIDER_DOWN),
        (caused(TimedOut(), httpx.PoolTimeout("")), T, Reason.PROVIDER_DOWN),
        (caused(TimedOut(), httpx.ReadTimeout("")), U, Reason.PROVIDER_DOWN),
        (caused(TimedOut(), httpx.WriteTimeout("")), U, Reason.PROVIDER_DOWN),
        (caused(NetworkError("x"), httpx.RemoteProtocolError("")), U, Reason.PROVIDER_DOWN),
        (caused(NetworkError("x"), httpx.ReadError("")), U, Reason.PROVIDER_DOWN),
        (TelegramError("Invalid server response"), U, Reason.UNKNOWN),
        (KeyError("result"), U, Reason.UNKNOWN),
    ],
)
def test_each_error_has_its_meaning(error: Exception, outcome: Outcome, reason: Reason) -> None:
    failure = delivery_error(error)
    assert (failure.outcome, failure.reason) == (outcome, reason)


@pytest.mark.filterwarnings("ignore:.*attribute `retry_after`")
@pytest.mark.parametrize("as_timedelta", ["", "true"])
def test_the_wait_is_kept_in_both_shapes_of_the_library(monkeypatch: pytest.MonkeyPatch, as_timedelta: str) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", as_timedelta)
    failure = delivery_error(RetryAfter(35))
    assert (failure.outcome, failure.reason, failure.retry_after) == (T, Reason.QUOTA, timedelta(seconds=35))


@pytest.mark.parametrize(("text", "units"), [("", 0), ("äß€", 3), ("👍", 2), ("🇩🇪", 4), ("العربية", 7)])
def test_length_is_counted_as_telegram_counts(text: str, units: int) -> None:
    assert utf16_units(text) == units == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(text=" \n"), Reason.REJECTED),
        (message(text="👍" * 2049), Reason.TOO_LARGE),
        (message(to="elif"), Reason.INVALID_ADDRESS),
        (message(files=(file(),)), Reason.REJECTED),
        (message(key="k" * 60, **{"button.acknowledge": "Annehmen"}), Reason.TOO_LARGE),
    ],
)
async def test_what_can_never_be_sent_is_refused_before_going(
    bot: TelegramChannel, wrong: OutboundMessage, reason: Reason
) -> None:
    with pytest.raises(DeliveryError) as caught:
        await bot.send(wrong, never)
    assert (caught.value.outcome, caught.value.reason) == (P, reason)


async def test_a_page_carries_its_buttons_and_a_reply_none(bot: TelegramChannel, api: FakeBotApi) -> None:
    labels = {"button.acknowledge": "Annehmen", "button.escalate": "Weitergeben", "button.shout": "Schreien"}
    await bot.send(message("Alarm", key="7f3k9x", **labels), go)
    await bot.send(message("Antwort", number="T-2026-000001"), go)
    page, reply = api.accepted
    assert json.loads(page["reply_markup"])["inline_keyboard"] == [
        [
            {"text": "Annehmen", "callback_data": "acknowledge:7f3k9x"},
            {"text": "Weitergeben", "callback_data": "escalate:7f3k9x"},
        ]
    ]
    assert "reply_markup" not in reply


async def test_nobody_previews_the_secret_link(bot: TelegramChannel, api: FakeBotApi) -> None:
    assert await bot.send(message("https://hilfe.nrw.example/anliegen/geheim"), go) == f"{PERSON}:1"
    assert json.loads(api.accepted[0]["link_preview_options"]) == {"is_disabled": True}
    assert "parse_mode" not in api.accepted[0], "a text is a text, whatever it looks like"


async def test_setup_registers_address_and_secret(bot: TelegramChannel, api: FakeBotApi) -> None:
    await bot.setup()
    (asked,) = api.asked("setWebhook")
    assert asked["url"] == "https://hilfe.nrw.example/channels/telegram/123456/update"
    assert asked["secret_token"] == "webhook-geheimnis_0815"
    assert set(json.loads(asked["allowed_updates"])) == {
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    }
    assert asked.get("drop_pending_updates", "false").lower() == "false"


async def test_setup_for_polling_takes_the_webhook_away(polling_bot: TelegramChannel, api: FakeBotApi) -> None:
    await polling_bot.setup()
    assert len(api.asked("deleteWebhook")) == 1
    assert api.asked("setWebhook") == []


async def test_check_says_what_is_wrong_and_no_secret(bot: TelegramChannel, api: FakeBotApi) -> None:
    assert (await bot.check()).ok
    api.next_answer = (401, refusal(401, "Unauthorized"))
    health = await bot.check()
    assert (health.ok, health.problem) == (False, "temporary: account (InvalidToken)")


async def test_a_file_comes_whole(bot: TelegramChannel) -> None:
    assert b"".join([chunk async for chunk in bot.fetch(file())]) == b"%PDF-1.7 BQAC-doc"


@pytest.mark.parametrize("ref", ["gone", "local"])
async def test_a_file_that_is_gone_or_on_another_disk_is_refused_for_good(bot: TelegramChannel, ref: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        await anext(bot.fetch(file(ref)))
    assert caught.value.outcome is P


async def test_a_file_that_telegram_itself_finds_too_big(bot: TelegramChannel, api: FakeBotApi) -> None:
    api.next_answer = (400, refusal(400, "Bad Request: file is too big"))
    with pytest.raises(FileTooLarge):
        await anext(bot.fetch(file()))
