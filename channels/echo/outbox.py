"""GET /channels/echo/outbox: what was sent, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.echo.inbound import trusted
from helpdesk.channel import OutboundMessage


class Outbox:
    """The endpoint; the same secret as for writing."""

    def __init__(self, secret: str, sent: Callable[[], list[dict[str, object]]]) -> None:
        self._secret, self._sent = secret, sent

    async def get(self, request: Request) -> Response:
        if not trusted(request, self._secret):
            return JSONResponse({"error": "wrong secret"}, status_code=403)
        return JSONResponse({"messages": self._sent()})


def as_json(messages: Iterable[OutboundMessage]) -> list[dict[str, object]]:
    return [
        {
            "key": str(message.key),
            "attempt": message.attempt,
            "to": message.to.value,
            "subject": message.subject,
            "text": message.text,
            "language": message.language,
            "thread": dict(message.thread),
            "automatic": message.automatic,
        }
        for message in messages
    ]
