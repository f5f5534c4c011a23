"""The simplest channel that keeps the whole contract."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import ClassVar, Self

from starlette.routing import BaseRoute, Route

from channels.echo.inbound import Inbox, read_message
from channels.echo.outbox import Outbox, as_json
from helpdesk.channel import (
    ChannelInfo,
    DeliveryError,
    DeliveryReport,
    Desk,
    File,
    Go,
    Health,
    InboundMessage,
    OutboundMessage,
    Outcome,
    Raw,
    Reason,
)

MAX_CHARACTERS = 10_000
KEPT = 1_000  #: sent messages that the outbox remembers

Step = Exception | timedelta | None


class EchoChannel:
    """One account. The outbox lives in this process only, so web and worker must share the object to share it."""

    name: ClassVar[str] = "echo"
    info: ClassVar[ChannelInfo] = ChannelInfo(
        label="Echo (nur Entwicklung)",
        address_kind="echo",
        inbound=True,
        outbound=True,
        third_party=False,
        can_ring=True,
        max_units=MAX_CHARACTERS,
    )
    account: str = "echo"

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._steps: deque[Step] = deque()
        self.attempts = 0
        self.outbox: deque[OutboundMessage] = deque(maxlen=KEPT)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> tuple[Self, ...]:
        secret = settings.get("echo_secret", "")
        return (cls(secret),) if secret else ()

    def script(self, *steps: Step) -> None:
        """What happens to the next messages, one step each: an exception is raised, a duration is waited first."""
        self._steps = deque(steps)

    def routes(self, desk: Desk) -> list[BaseRoute]:
        return [
            Route("/message", Inbox(self._secret, self.account, desk).post, methods=["POST"]),
            Route("/outbox", Outbox(self._secret, lambda: as_json(self.outbox)).get, methods=["GET"]),
        ]

    def read(self, raw: Raw) -> tuple[InboundMessage | DeliveryReport, ...]:
        return (read_message(raw, self.account),)

    async def poll(self, desk: Desk) -> None:
        """Nothing to ask for: messages are posted to us."""

    async def send(self, message: OutboundMessage, go: Go) -> str:
        if self.info.measure(message.text) > MAX_CHARACTERS:
            raise DeliveryError(Outcome.PERMANENT, Reason.TOO_LARGE)
        await go()
        self.attempts += 1
        await self._play()
        self.outbox.append(message)
        return f"echo-{message.key}"

    async def find(self, message: OutboundMessage) -> str | None:
        sent = any(other.key == message.key for other in self.outbox)
        return f"echo-{message.key}" if sent else None

    def fetch(self, file: File) -> AsyncIterator[bytes]:
        """No files: this channel announces none."""
        raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED)

    async def check(self) -> Health:
        return Health(ok=True)

    async def _play(self) -> None:
        step = self._steps.popleft() if self._steps else None
        if isinstance(step, timedelta):
            await asyncio.sleep(step.total_seconds())
        elif step is not None:
            raise step
