"""POST /channels/telegram/{bot id}/update: the secret first, then the size, then the update."""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from channels.telegram.updates import Updates
from helpdesk.channel import Desk, Raw

log = logging.getLogger(__name__)

HEADER = "X-Telegram-Bot-Api-Secret-Token"
MAX_BYTES = 1024 * 1024  #: an update is a few kilobytes; files are fetched, not posted


class Webhook:
    """200 = committed or parked, 403 = not from Telegram, 413 = no update is that long, 503 = please repeat."""

    def __init__(self, secret: str, updates: Updates, desk: Desk) -> None:
        self._secret, self._updates, self._desk = secret.encode(), updates, desk

    async def post(self, request: Request) -> Response:
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret):  # as bytes: a header need not be ASCII
            return Response(status_code=403)
        body = await _bounded(request)
        if body is None:
            return Response(status_code=413)
        return await self._handle(Raw(body=body, headers={}, received_at=datetime.now(UTC)))

    async def _handle(self, raw: Raw) -> Response:
        try:
            await self._updates.handle(raw, self._desk)
        except Exception as error:  # its text may quote the message
            log.warning("an update was not stored, Telegram will repeat it: %s", type(error).__name__)
            return Response(status_code=503, headers={"Retry-After": "5"})
        return Response(status_code=200)


async def _bounded(request: Request) -> bytes | None:
    """None as soon as the cap is passed."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)
