"""Mails and values that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from channels.email import EmailChannel
from channels.email.reading import Rules
from channels.email.threading import Marks
from helpdesk.channel import Address, InboundMessage, OutboundMessage, Raw

PAYLOADS = Path(__file__).parent / "payloads"
AT = datetime(2026, 11, 21, 17, 10, tzinfo=UTC)
KEY = UUID("0192f0c1-2d3e-7f40-8a1b-2c3d4e5f6071")
SECRET = "ein-geheimnis-nur-fuer-tests"
MARKS = Marks(address="hilfe@nrw.example", secret=SECRET.encode())
RULES = Rules(marks=MARKS, authserv_id="mx.nrw.example")
SETTINGS = {
    "email_address": "hilfe@nrw.example",
    "email_imap_host": "127.0.0.1",
    "email_imap_password": "geheim",
    "email_imap_tls": "none",
    "email_smtp_host": "127.0.0.1",
    "email_smtp_tls": "none",
    "email_secret": SECRET,
}


def raw(body: bytes, headers: Mapping[str, str] | None = None) -> Raw:
    return Raw(body=body, headers=headers or {}, received_at=AT)


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.eml").read_bytes()


def channel(**settings: str) -> EmailChannel:
    (one,) = EmailChannel.from_settings(SETTINGS | settings)
    return one


def message(name_or_body: str | bytes) -> InboundMessage:
    """The one message that a mail is read as."""
    body = payload(name_or_body) if isinstance(name_or_body, str) else name_or_body
    (found,) = channel(email_authserv_id="mx.nrw.example").read(raw(body))
    assert isinstance(found, InboundMessage)
    return found


def mail(text: str = "Hallo", **headers: str) -> bytes:
    """A plain mail; `in_reply_to="…"` becomes the field `in-reply-to`."""
    fields = {"from": "Änne <aenne@example.org>", "subject": "Frage", "message_id": "<1@example.org>"} | headers
    block = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items() if value)
    return f"{block}\n{text}\n".encode()


def outgoing(to: str = "aenne@example.org", **more: Any) -> OutboundMessage:
    given: dict[str, Any] = {
        "key": KEY,
        "attempt": 1,
        "to": Address(kind="email", value=to),
        "text": "Guten Tag",
        "language": "de",
        "subject": "Ihr Anliegen",
        "thread": {"ticket": "T-2026-004711", "token": "k3y9"},
    }
    return OutboundMessage(**given | more)
