"""The whole way with a Bot API server written by somebody else, over real sockets in both directions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from channels.telegram import TelegramChannel
from helpdesk.channel import Address, Answer, OutboundMessage
from helpdesk.testing.channel_contract import COLOURFUL
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.telegram.peers import TelegramServer, telegram_server

pytestmark = pytest.mark.peer_telegram
CHAT = 42


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[TelegramServer]:
    with telegram_server() as server:
        yield server


@pytest.fixture
def telegram(server: TelegramServer) -> TelegramServer:
    server.reset()
    return server


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk("123456")


@pytest.fixture
async def bot(telegram: TelegramServer, desk: FakeDesk) -> AsyncIterator[TelegramChannel]:
    """Registered by its own `setup`, served by a real web server."""
    door = socket.create_server(("127.0.0.1", 0))
    settings = {
        "telegram_token": telegram.token,
        "telegram_secret": "webhook-geheimnis_0815",
        "telegram_url": telegram.url,
        "public_url": f"http://127.0.0.1:{door.getsockname()[1]}",
    }
    (channel,) = TelegramChannel.from_settings(settings)
    async with _served(channel, desk, door):
        await channel.setup()
        yield channel
        await channel.close()


@asynccontextmanager
async def _served(channel: TelegramChannel, desk: FakeDesk, door: socket.socket) -> AsyncIterator[None]:
    """The door listens already: whoever comes before the server is up waits in its queue."""
    app = Starlette(routes=[Mount("/channels/telegram", routes=channel.routes(desk))])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.ensure_future(server.serve(sockets=[door]))
    yield
    server.should_exit = True
    await serving


def message(text: str, **thread: str) -> OutboundMessage:
    address = Address(kind="telegram", value=str(CHAT))
    return OutboundMessage(key=uuid4(), attempt=1, to=address, text=text, language="de", thread=thread)


async def go() -> None:
    return None


async def test_it_knows_its_bot(bot: TelegramChannel) -> None:
    health = await bot.check()
    assert (health.ok, health.problem) == (True, "")


async def test_a_person_writes_and_is_answered(bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer) -> None:
    status = await asyncio.to_thread(telegram.send_update, CHAT, COLOURFUL, "Elif")
    assert status == 200
    (written,) = desk.messages
    assert (written.text, written.sender, written.verified) == (
        COLOURFUL,
        Address(kind="telegram", value="42", name="Elif"),
        True,
    )
    provider_id = await bot.send(message(f"T-2026-000001: {COLOURFUL}"), go)
    assert provider_id.startswith("42:")
    assert await asyncio.to_thread(telegram.texts, CHAT) == [f"T-2026-000001: {COLOURFUL}"]


async def test_the_notice_comes_before_any_answer(
    bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer
) -> None:
    desk.notice = "Diesen Weg betreibt Telegram."
    await asyncio.to_thread(telegram.send_update, CHAT, "Hallo")
    await bot.send(message("T-2026-000001 ist angekommen."), go)
    assert await asyncio.to_thread(telegram.texts, CHAT) == [desk.notice, "T-2026-000001 ist angekommen."]


async def test_an_update_without_the_secret_is_refused(
    bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer
) -> None:
    with telegram.without_secret():
        assert await asyncio.to_thread(telegram.send_update, CHAT, "Ich bin nicht Telegram") == 403
    assert desk.calls == 0


async def test_while_the_database_is_away_telegram_is_told_to_repeat(
    bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer
) -> None:
    desk.trouble = RuntimeError("away")
    assert await asyncio.to_thread(telegram.send_update, CHAT, "Hallo") == 503
    desk.trouble = None
    assert await asyncio.to_thread(telegram.send_update, CHAT, "Hallo") == 200
    assert [written.text for written in desk.messages] == ["Hallo"]


async def test_the_person_on_duty_presses_the_button(
    bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer
) -> None:
    desk.answer = Answer(text="Angenommen.", done=True)
    page = message("T-2026-000002, S1, Antwortcode 52", key="7f3k9x", **{"button.acknowledge": "Annehmen"})
    await bot.send(page, go)
    (said,) = await asyncio.to_thread(telegram.responses)
    (button,) = said["reply_markup"]["inline_keyboard"][0]
    assert button["text"] == "Annehmen"
    assert await asyncio.to_thread(telegram.press, CHAT, button["callback_data"]) == 200
    assert desk.acts == [("7f3k9x", "acknowledge", "42")]
    toast = (await asyncio.to_thread(telegram.responses))[-1]
    assert (toast["method"], toast["text"]) == ("answerCallbackQuery", "Angenommen.")


async def test_a_photo_comes_with_its_bytes(bot: TelegramChannel, desk: FakeDesk, telegram: TelegramServer) -> None:
    content = bytes(range(256)) * 1000
    file_id = await asyncio.to_thread(telegram.upload, "schaden.jpg", content)
    await asyncio.to_thread(telegram.send_photo, CHAT, file_id, "So sieht es aus")
    (written,) = desk.messages
    (photo,) = written.files
    assert written.text == "So sieht es aus"
    assert b"".join([chunk async for chunk in bot.fetch(photo)]) == content
