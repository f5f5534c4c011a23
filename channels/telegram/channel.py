"""One bot as a channel: what it can do, and which file does it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from starlette.routing import BaseRoute, Route
from telegram.constants import FileSizeLimit, MessageLimit

from channels.telegram.api import Api
from channels.telegram.configuration import Configuration, Mode, parse
from channels.telegram.errors import delivery_error
from channels.telegram.files import stream
from channels.telegram.inbound import WANTED, read_update
from channels.telegram.outbound import send_text, utf16_units
from channels.telegram.polling import Poller
from channels.telegram.updates import Updates
from channels.telegram.webhook import Webhook
from helpdesk.channel import (
    ChannelInfo,
    DeliveryReport,
    Desk,
    File,
    Go,
    Health,
    InboundMessage,
    OutboundMessage,
    Rate,
    Raw,
)

TIMEOUT = timedelta(seconds=20)  #: for the answer to a request; connecting has five seconds of its own


class TelegramChannel:
    """`account` is the bot's numeric id, the part of the token before the colon."""

    name: ClassVar[str] = "telegram"
    info: ClassVar[ChannelInfo] = ChannelInfo(
        label="Telegram",
        address_kind="telegram",
        inbound=True,
        outbound=True,
        third_party=True,
        can_ring=True,
        measure=utf16_units,
        max_units=MessageLimit.MAX_TEXT_LENGTH.value,
        max_file=FileSizeLimit.FILESIZE_DOWNLOAD.value,
        rates=(
            Rate(scope="channel", count=30, per=timedelta(seconds=1)),
            Rate(scope="recipient", count=1, per=timedelta(seconds=1)),
        ),
    )

    def __init__(self, configuration: Configuration, *, timeout: timedelta = TIMEOUT) -> None:
        self.account = configuration.bot_id
        self.configuration = configuration
        self._api = Api(token=configuration.token, url=configuration.url, timeout=timeout)
        self._updates = Updates(self.account, self._api)
        self._poller = Poller(self._api, self._updates)
        self._last_out: datetime | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> tuple[Self, ...]:
        configuration = parse(settings)
        return (cls(configuration),) if configuration else ()

    def routes(self, desk: Desk) -> list[BaseRoute]:
        """None when we poll: a route that nothing should call is not there."""
        if self.configuration.mode is Mode.POLLING:
            return []
        webhook = Webhook(self.configuration.secret, self._updates, desk)
        return [Route(f"/{self.account}/update", webhook.post, methods=["POST"])]

    def read(self, raw: Raw) -> tuple[InboundMessage | DeliveryReport, ...]:
        return read_update(raw, self.account)

    async def poll(self, desk: Desk) -> None:
        if self.configuration.mode is Mode.POLLING:
            await self._poller.poll(desk)

    async def send(self, message: OutboundMessage, go: Go) -> str:
        provider_id = await send_text(self._api, message, go, limit=MessageLimit.MAX_TEXT_LENGTH.value)
        self._last_out = datetime.now(UTC)
        return provider_id

    async def find(self, message: OutboundMessage) -> str | None:
        """Telegram lets no bot look at what it has sent: nobody can tell."""
        return None

    def fetch(self, file: File) -> AsyncIterator[bytes]:
        return stream(self._api, file, cap=FileSizeLimit.FILESIZE_DOWNLOAD.value)

    async def check(self) -> Health:
        """Asks who we are, which proves address, network and token."""
        try:
            await self._api.bot.get_me()
        except Exception as error:  # every kind of failure is an answer here
            return self._health(str(delivery_error(error)))
        return self._health("")

    async def setup(self) -> None:
        """Tell Telegram which way updates go. Nothing that waits there is dropped. Raises `DeliveryError`."""
        try:
            await self._register()
        except Exception as error:
            raise delivery_error(error) from None

    async def close(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        await self._api.close()

    async def _register(self) -> None:
        if self.configuration.mode is Mode.POLLING:
            await self._api.bot.delete_webhook(drop_pending_updates=False)
            return
        await self._api.bot.set_webhook(
            url=self.configuration.webhook_url,
            secret_token=self.configuration.secret,
            allowed_updates=WANTED,
            drop_pending_updates=False,
        )

    def _health(self, problem: str) -> Health:
        return Health(ok=not problem, last_in=self._updates.last_at, last_out=self._last_out, problem=problem)
