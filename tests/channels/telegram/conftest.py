"""A bot at a scripted Bot API, once by webhook and once by polling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channels.telegram import TelegramChannel
from channels.telegram.configuration import parse
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.telegram.fake_api import FakeBotApi, fake_bot_api
from tests.channels.telegram.recorded import BOT

SECRET = "webhook-geheimnis_0815"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(BOT)


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    async with fake_bot_api() as api:
        yield api


@pytest.fixture
async def bot(api: FakeBotApi) -> AsyncIterator[TelegramChannel]:
    bot = _bot(api, "webhook")
    yield bot
    await bot.close()


@pytest.fixture
async def polling_bot(api: FakeBotApi) -> AsyncIterator[TelegramChannel]:
    bot = _bot(api, "polling")
    yield bot
    await bot.close()


def _bot(api: FakeBotApi, mode: str) -> TelegramChannel:
    configuration = parse(
        {
            "telegram_token": f"{BOT}:TEST",
            "telegram_secret": SECRET,
            "telegram_mode": mode,
            "telegram_url": api.url,
            "public_url": "https://hilfe.nrw.example/",
        }
    )
    assert configuration is not None
    return TelegramChannel(configuration, timeout=timedelta(seconds=0.5))
