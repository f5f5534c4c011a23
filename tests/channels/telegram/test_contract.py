"""The Telegram channel keeps the contract, on both of its ways in."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from channels.telegram import TelegramChannel
from channels.telegram.configuration import parse
from helpdesk.channel import Address, Channel, File, Raw
from helpdesk.testing.channel_contract import ChannelContract, Original, Part
from helpdesk.testing.fake_desk import FakeDesk
from helpdesk.testing.wire import Reply, Request
from tests.channels.telegram.fake_api import FakeBotApi, fake_bot_api
from tests.channels.telegram.recorded import BOT, PERSON, as_raw, malformed, originals, payload, update

TOKEN = f"{BOT}:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
SECRET = "webhook-geheimnis_0815"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
numbers = itertools.count(910000001)


class TestTelegramByWebhook(ChannelContract):
    pytestmark = [*ChannelContract.pytestmark, pytest.mark.filterwarnings("ignore:.*attribute `retry_after`")]

    channel_class = TelegramChannel
    secrets = (TOKEN, SECRET)
    needs = ("telegram_token", "telegram_secret", "public_url")
    lacks = {
        Part.POLL: "in webhook mode Telegram posts to us",
        Part.REPORTS: "Telegram tells bots nothing about delivery",
    }

    @pytest.fixture
    async def provider(self) -> AsyncIterator[FakeBotApi]:
        async with fake_bot_api() as api:
            yield api

    @pytest.fixture
    async def channel(self, provider: FakeBotApi) -> AsyncIterator[TelegramChannel]:
        configuration = parse(self.settings(provider))
        assert configuration is not None
        channel = TelegramChannel(configuration, timeout=timedelta(seconds=0.5))
        yield channel
        await channel.close()

    def settings(self, provider: FakeBotApi) -> dict[str, str]:
        return {
            "telegram_token": TOKEN,
            "telegram_secret": SECRET,
            "telegram_mode": "webhook",
            "telegram_url": provider.url,
            "public_url": "https://hilfe.nrw.example",
        }

    def originals(self) -> Sequence[Original]:
        return originals()

    def junk(self) -> Sequence[Raw]:
        bodies = (b"", b"Hallo", b"[]", b"null", b"\xff\xfe\x00", b"{}", b'{"update_id": true}')
        return [*malformed(), *(as_raw(body) for body in bodies)]

    def hostile(self) -> dict[str, Raw]:
        links = [{"type": "text_link", "offset": 0, "length": 1, "url": "https://e.example"}] * 9_000
        far = [{"type": "text_link", "offset": 10**12, "length": -5, "url": "https://e.example"}]
        return {
            "deep": as_raw(b"[" * 1_000_000),
            "deep reply": as_raw(_nested(2_000)),
            "long number": as_raw(b'{"update_id": ' + b"9" * 1_000_000 + b"}"),
            "long text": self.saying("ä" * 150_000),
            "many links": update(next(numbers), "a" * 90_000, entities=links),
            "links outside": update(next(numbers), "Hallo", entities=far),
            "many photos": update(
                next(numbers), "x", photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}] * 9_000
            ),
            "lone surrogate": as_raw(
                json.dumps({**json.loads(self.saying("x").body)}).replace('"x"', '"\\ud83d\\u0000"').encode()
            ),
            "script": self.saying("<script>alert(1)</script>"),
            "infinite place": update(next(numbers), None, location={"latitude": 1e400, "longitude": 0}),
            "too large": as_raw(b" " * 2_000_000),
        }

    def saying(self, text: str) -> Raw:
        return update(next(numbers), text)

    def automatic(self) -> Raw:
        return payload("bot")

    def request(self, raw: Raw) -> Request:
        return Request(path=f"/{BOT}/update", headers={HEADER: SECRET}, body=raw.body)

    def forgeries(self, raw: Raw) -> list[Request]:
        wrong = ({}, {HEADER: ""}, {HEADER: SECRET[:-1]}, {HEADER: SECRET.upper()}, {HEADER: "gehéim 🔑"})
        return [Request(path=f"/{BOT}/update", headers=headers, body=raw.body) for headers in wrong]

    def address(self) -> Address:
        return Address(kind="telegram", value=PERSON)

    def large_file(self, provider: FakeBotApi) -> File:
        return File(name="groß.bin", media_type="application/octet-stream", size=10, ref="large")

    def file_elsewhere(self, provider: FakeBotApi) -> File:
        return File(name="fort.bin", media_type="application/octet-stream", size=10, ref="elsewhere")

    def visits_elsewhere(self, provider: FakeBotApi) -> int:
        return provider.visitors_elsewhere


class TestTelegramByPolling(TestTelegramByWebhook):
    needs = ("telegram_token",)
    lacks = {
        Part.WEBHOOK: "in polling mode nobody posts to us",
        Part.REPORTS: "Telegram tells bots nothing about delivery",
    }

    def settings(self, provider: FakeBotApi) -> dict[str, str]:
        return {**super().settings(provider), "telegram_mode": "polling"}

    def junk(self) -> list[Raw]:
        """Whole answers are well-formed JSON here, and every update in them has its number."""
        return [raw for raw in super().junk() if _number(raw) is not None]

    def hostile(self) -> dict[str, Raw]:
        return {name: raw for name, raw in super().hostile().items() if _number(raw) is not None}

    async def hand_over(self, channel: Channel, desk: FakeDesk, provider: FakeBotApi, raw: Raw) -> Reply | None:
        """By a fresh process each time: only so does Telegram repeat what was confirmed in memory."""
        provider.updates = {_number(raw) or 0: raw.body}
        configuration = parse(self.settings(provider))
        assert configuration is not None
        fresh = TelegramChannel(configuration)
        await asyncio.wait_for(fresh.poll(desk), self.poll_limit)
        await fresh.close()
        return None


def _number(raw: Raw) -> int | None:
    try:
        number = json.loads(raw.body)["update_id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return number if type(number) is int else None


def _nested(depth: int) -> bytes:
    """A reply to a reply to a reply; Telegram never sends more than one level."""
    message = payload("message").body.decode()
    inner = json.dumps(json.loads(message)["message"])[:-1]
    return (
        f'{{"update_id": {next(numbers)}, "message": '
        + f'{inner}, "reply_to_message": ' * depth
        + inner
        + "}" * (depth + 2)
    ).encode()
