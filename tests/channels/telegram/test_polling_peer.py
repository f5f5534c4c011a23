"""Asking a Bot API server written by somebody else for news, and answering there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from channels.telegram import TelegramChannel
from helpdesk.channel import Address, OutboundMessage
from helpdesk.testing.channel_contract import COLOURFUL
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.telegram.peers import PollingServer, polling_server

pytestmark = pytest.mark.peer_telegram
CHAT = 42


@pytest.fixture(scope="module")
def telegram() -> Iterator[PollingServer]:
    with polling_server() as server:
        yield server


@pytest.fixture
async def bot(telegram: PollingServer) -> AsyncIterator[TelegramChannel]:
    (channel,) = TelegramChannel.from_settings({"telegram_token": telegram.token, "telegram_url": telegram.url})
    yield channel
    await channel.close()


async def go() -> None:
    return None


async def test_it_knows_its_bot(bot: TelegramChannel) -> None:
    assert (await bot.check()).ok


async def test_a_person_writes_and_is_answered(bot: TelegramChannel, desk: FakeDesk, telegram: PollingServer) -> None:
    await bot.setup()
    await asyncio.to_thread(telegram.send_update, CHAT, COLOURFUL)
    await bot.poll(desk)
    (written,) = desk.messages
    assert (written.text, written.sender) == (COLOURFUL, Address(kind="telegram", value="42", name="Elif"))
    answer = OutboundMessage(
        key=uuid4(), attempt=1, to=written.sender, text=f"T-2026-000001: {COLOURFUL}", language="de", thread={}
    )
    assert (await bot.send(answer, go)).startswith("42:")
    assert await asyncio.to_thread(telegram.texts, CHAT) == [answer.text]
