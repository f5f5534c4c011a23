"""What is posted to /channels/echo/message, and how it becomes a message."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from helpdesk.channel import Address, Desk, InboundMessage, Kind, Raw, Receipt

MAX_BYTES = 1024 * 1024
HEADER = "X-Echo-Secret"


def trusted(request: Request, secret: str) -> bool:
    """Compared as bytes, since a header need not be ASCII; takes the same time wherever the difference is."""
    given = request.headers.get(HEADER, "")
    return hmac.compare_digest(given.encode(), secret.encode())


class Inbox:
    """The endpoint: signature, size, then one transaction, then the receipt as JSON."""

    def __init__(self, secret: str, account: str, desk: Desk) -> None:
        self._secret, self._account, self._desk = secret, account, desk

    async def post(self, request: Request) -> Response:
        if not trusted(request, self._secret):
            return JSONResponse({"error": "wrong secret"}, status_code=403)
        body = await bounded_body(request)
        if body is None:
            return JSONResponse({"error": "too large"}, status_code=413)
        try:
            return await self._keep(Raw(body=body, headers={}, received_at=datetime.now(UTC)))
        except Exception:  # not committed, whatever the reason: the sender must try again
            return JSONResponse({"error": "not stored, try again"}, status_code=503)

    async def _keep(self, raw: Raw) -> Response:
        try:
            message = read_message(raw, self._account)
        except ValueError as unreadable:
            await self._desk.park(raw, str(unreadable))
            return JSONResponse({"parked": str(unreadable)})
        return JSONResponse(_receipt(await self._desk.take_in(message)))


async def bounded_body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it passes the cap."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def read_message(raw: Raw, account: str) -> InboundMessage:
    """Pure. Raises `ValueError` that names the field at fault, never its content."""
    fields = _fields(raw.body)
    kind = Kind.AUTOREPLY if fields.get("automatic") is True else Kind.MESSAGE
    return InboundMessage(
        external_id=_required(fields, "id"),
        kind=kind,
        sender=Address(kind="echo", value=_required(fields, "from"), name=_optional(fields, "name") or ""),
        recipient=Address(kind="echo", value=account),
        text=_required(fields, "text"),
        raw=raw,
        subject=_optional(fields, "subject"),
        language=_optional(fields, "language"),
        hints=_hints(fields),
        automatic=kind is Kind.AUTOREPLY,
    )


def _fields(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")
    return fields


def _required(fields: dict[str, object], name: str) -> str:
    value = _optional(fields, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _optional(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    if not value.isprintable() and any("\ud800" <= character <= "\udfff" or character == "\0" for character in value):
        raise ValueError(f"{name} holds characters that cannot be stored")
    return value


def _hints(fields: dict[str, object]) -> tuple[str, ...]:
    hints = fields.get("hints", [])
    if not isinstance(hints, list) or not all(isinstance(hint, str) for hint in hints):
        raise ValueError("hints is not a list of texts")
    return tuple(hints)


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {
        "number": receipt.number,
        "answer_by": receipt.answer_by.isoformat() if receipt.answer_by else None,
        "repeated": receipt.repeated,
        "notice": receipt.notice,
    }
