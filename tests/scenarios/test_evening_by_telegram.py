"""Saturday evening over real sockets: Telegram's servers, a web process, a worker process, two mail programs.

The Bot API server is telemelya, the mail server Exim with Dovecot; nobody here wrote them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk import tickets
from helpdesk.house import House
from tests.channels.email.peers import MailServer
from tests.channels.telegram.peers import TelegramServer
from tests.desk import Story
from tests.processes import HOST, Running, free_port, helpdesk, until
from tests.scenarios.stage import RealDesk, as_environment, deliveries, numbers

pytestmark = [pytest.mark.peer_telegram, pytest.mark.peer_dovecot, pytest.mark.peer_exim]
ELIF, KAYA, KIM = 42, 501, 502


@pytest.fixture
def environ(mail: MailServer, box: str, telegram: TelegramServer) -> dict[str, str]:
    port = free_port()
    bot = {
        "telegram_token": telegram.token,
        "telegram_secret": "webhook-geheimnis_0815",
        "telegram_url": telegram.url,
        "public_url": f"http://{HOST}:{port}",
        "port": str(port),
    }
    return as_environment(mail.settings(box) | bot)


@pytest.fixture
def desk(house: House, environ: dict[str, str]) -> RealDesk:
    return RealDesk(house)


@pytest.fixture
def web(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """The web process; the bot's address has been made known to Telegram."""
    with helpdesk("serve", database_url, tmp_path, **environ) as running:
        asyncio.run(desk.house.channels["telegram"].setup())  # type: ignore[attr-defined]
        yield running


@pytest.fixture
def worker(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    with helpdesk("work", database_url, tmp_path, **environ) as running:
        yield running


def said(telegram: TelegramServer, chat: int, count: int) -> list[dict[str, Any]]:
    """The first messages of the bot in this chat, as soon as there are `count`."""

    def heard() -> list[dict[str, Any]]:
        return [each for each in telegram.responses() if each["method"] == "sendMessage" and each["chat_id"] == chat]

    until(lambda: len(heard()) >= count, f"{count} messages in chat {chat}")
    return heard()


def test_nobody_answers_so_two_people_are_paged_by_mail_and_telegram(
    telegram: TelegramServer, mail: MailServer, desk: RealDesk, web: Running, worker: Running
) -> None:
    desk.reaches_all_by_mail_at("example.org")
    desk.reaches("kaya", telegram=str(KAYA))
    desk.reaches("kim", telegram=str(KIM))
    desk.turn("2026-11-21 18:10")
    assert telegram.send_update(ELIF, "Im ganzen Ort ist das Portal nicht erreichbar", "Elif") == 200
    (number,) = numbers(desk)
    story = desk.story(number)

    # the notice comes before anything else, the receipt five seconds later: number and link, not a word of hers
    (notice,) = telegram.texts(ELIF)
    assert "Telegram" in notice and "/stop" in notice and number not in notice
    receipt = said(telegram, ELIF, 2)[1]["text"]
    assert number in receipt and f"{web.url}/anliegen/" in receipt and "Ort" not in receipt
    assert (story.ticket.severity, story.ticket.team) == ("S3", "l1")

    # somebody sees that it is the whole town; then Kaya, on duty until eight, is paged on both ways
    lead = desk.agent("alex")
    desk.do(lambda s: tickets.set_severity(s, tickets.locked(s, number), "S2", "ganzer Ort", lead))
    (page,) = said(telegram, KAYA, 1)
    assert number in page["text"] and "S2" in page["text"] and "Elif" not in page["text"]
    (by_mail,) = mail.wait_for("kaya@example.org")
    assert number.encode() in by_mail

    # nobody answers: a quarter of an hour later it is Kim's turn, and not earlier
    desk.turn("2026-11-21 18:24:30")
    time.sleep(2)  # more than a tick
    assert mail.inbox("lead@example.org") == [] and telegram.texts(KIM) == []
    desk.turn("2026-11-21 18:26:30")
    (page,) = said(telegram, KIM, 1)
    mail.wait_for("lead@example.org")
    (button,) = page["reply_markup"]["inline_keyboard"][0]
    assert button["text"] == "Annehmen"

    # somebody who was never paged presses the same button, and nothing happens
    assert telegram.press(ELIF, button["callback_data"]) == 200
    assert holder(story) is None

    # Kim presses; Kaya, who comes later, hears by whom
    assert telegram.press(KIM, button["callback_data"]) == 200
    assert holder(story) == "kim"
    assert story.ticket.status == "open"
    assert number in toast(telegram)
    (hers,) = said(telegram, KAYA, 1)
    telegram.press(KAYA, hers["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    assert holder(story) == "kim" and "Kim" in toast(telegram)

    # two hours later nobody has been paged again
    desk.turn("2026-11-21 19:55")
    until(lambda: (at := story.looks_again_at()) is None or at > desk.now(), "the pass of 19:55")
    pages = deliveries(desk, purpose="page")
    assert [(page.state, page.attempt) for page in pages] == [("sent", 1)] * 4
    assert len(telegram.texts(KAYA)) == len(telegram.texts(KIM)) == 1


def holder(story: Story) -> str | None:
    return story.acknowledged_by


def toast(telegram: TelegramServer) -> str:
    last = telegram.responses()[-1]
    assert last["method"] == "answerCallbackQuery"
    return str(last["text"])


def test_telegram_repeats_what_the_web_could_not_confirm(
    telegram: TelegramServer, desk: RealDesk, web: Running
) -> None:
    desk.turn("2026-11-21 18:10")
    with telegram.without_secret():
        assert telegram.send_update(ELIF, "Ich bin nicht Telegram") == 403
    assert numbers(desk) == []
    assert telegram.send_update(ELIF, "Hallo") == 200
    assert telegram.send_update(ELIF, "Noch etwas") == 200
    (number,) = numbers(desk)
    assert desk.story(number).messages() == ["Hallo", "Noch etwas"]
    assert len(telegram.texts(ELIF)) == 1  # the notice, once
