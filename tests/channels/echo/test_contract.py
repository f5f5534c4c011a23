"""The echo channel keeps the contract."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.echo import EchoChannel
from helpdesk.channel import Address, DeliveryError, InboundMessage, Kind, Outcome, Raw, Reason
from helpdesk.testing.channel_contract import RETRY_AFTER_SECONDS, ChannelContract, Original, Part, Says
from helpdesk.testing.wire import Request

SECRET = "ein-langes-geheimnis-0815"
PAYLOADS = Path(__file__).parent / "payloads"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
numbers = itertools.count(1)

FAILURES = {
    Says.OK: None,
    Says.FALLS_SILENT: DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN),
    Says.REFUSES_CONNECTION: DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
    Says.GIBBERISH: DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN),
    Says.BROKEN: DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
    Says.TOO_MANY: DeliveryError(Outcome.TEMPORARY, Reason.QUOTA, retry_after=timedelta(seconds=RETRY_AFTER_SECONDS)),
    Says.NO_SUCH_ADDRESS: DeliveryError(Outcome.PERMANENT, Reason.INVALID_ADDRESS),
    Says.BLOCKED: DeliveryError(Outcome.PERMANENT, Reason.BLOCKED),
    Says.HANGS: timedelta(hours=1),
}


class ScriptedEcho:
    """The channel is its own provider: the script goes to its `script`."""

    def __init__(self) -> None:
        self.channel = EchoChannel(SECRET)

    async def say(self, *script: Says) -> None:
        self.channel.script(*(FAILURES[says] for says in script))

    @property
    def attempts(self) -> int:
        return self.channel.attempts

    def texts(self) -> list[str]:
        return [message.text for message in self.channel.outbox]

    def heard(self) -> str:
        return repr([(m.text, m.to.name, m.subject, dict(m.thread)) for m in self.channel.outbox])


def raw(body: bytes) -> Raw:
    return Raw(body=body, headers={}, received_at=NOON)


def written(**fields: object) -> Raw:
    return raw(json.dumps({"id": f"t-{next(numbers)}", "from": "yilmaz", **fields}).encode())


class TestEchoContract(ChannelContract):
    channel_class = EchoChannel
    secrets = (SECRET,)
    lacks = {
        Part.POLL: "messages are posted to us",
        Part.FILES: "texts only",
        Part.REPORTS: "what is in the outbox was sent",
        Part.CREDENTIALS: "no account at anybody's",
        Part.NOTICE: "the receipt, notice included, is the answer to the POST",
    }

    @pytest.fixture
    async def provider(self) -> AsyncIterator[ScriptedEcho]:
        yield ScriptedEcho()

    @pytest.fixture
    def channel(self, provider: ScriptedEcho) -> EchoChannel:
        return provider.channel

    def settings(self, provider: ScriptedEcho) -> dict[str, str]:
        return {"echo_secret": SECRET}

    def originals(self) -> list[Original]:
        message = raw((PAYLOADS / "message.json").read_bytes())
        autoreply = raw((PAYLOADS / "autoreply.json").read_bytes())
        us = Address(kind="echo", value="echo")
        return [
            Original(
                name="message",
                raw=message,
                gives=(
                    InboundMessage(
                        external_id="e-1",
                        kind=Kind.MESSAGE,
                        sender=Address(kind="echo", value="yilmaz", name="E. Yilmaz"),
                        recipient=us,
                        text="Das Portal ist nicht erreichbar",
                        raw=message,
                        subject="Wohngeld",
                        language="de",
                        hints=("T-2026-000001",),
                    ),
                ),
            ),
            Original(
                name="autoreply",
                raw=autoreply,
                gives=(
                    InboundMessage(
                        external_id="e-2",
                        kind=Kind.AUTOREPLY,
                        sender=Address(kind="echo", value="roboter"),
                        recipient=us,
                        text="Ich bin nicht da.",
                        raw=autoreply,
                        automatic=True,
                    ),
                ),
            ),
        ]

    def junk(self) -> list[Raw]:
        return [
            raw(body)
            for body in (
                b"",
                b"Hallo",
                b"[]",
                b"\xff\xfe",
                b'{"id": "x"}',
                b'{"id": 7, "from": "a", "text": "b"}',
                b'{"id": "x", "from": "a", "text": ""}',
                b'{"id": "x", "from": "a", "text": "\\ud800"}',
                b'{"id": "x", "from": "a", "text": "b\\u0000"}',
                b'{"id": "x", "from": "a", "text": "b", "hints": "c"}',
            )
        ]

    def hostile(self) -> dict[str, Raw]:
        return {
            "deep": raw(b"[" * 500_000),
            "deep object": raw(b'{"a":' * 150_000),
            "long number": raw(b'{"id": ' + b"9" * 900_000 + b"}"),
            "long text": written(text="ä" * 500_000),
            "script": written(text="<script>alert(1)</script>"),
            "too large": raw(b" " * 2_000_000),
        }

    def saying(self, text: str) -> Raw:
        return written(text=text)

    def automatic(self) -> Raw:
        return written(text="Ich bin nicht da.", automatic=True)

    def request(self, raw: Raw) -> Request:
        return Request(path="/message", headers={"X-Echo-Secret": SECRET}, body=raw.body)

    def forgeries(self, raw: Raw) -> list[Request]:
        wrong = ({}, {"X-Echo-Secret": ""}, {"X-Echo-Secret": SECRET[:-1]}, {"X-Echo-Secret": "gehéim 🔑"})
        return [Request(path="/message", headers=headers, body=raw.body) for headers in wrong]

    def address(self) -> Address:
        return Address(kind="echo", value="yilmaz-4711")
