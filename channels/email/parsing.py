"""What our reader sees in a mail: `helpdesk mail parse FILE`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from channels.email import trust
from channels.email.content import Mail
from channels.email.mime import Part
from channels.email.threading import Marks, message_ids

_NOBODY = Marks(address="", secret=b"")


@dataclass(frozen=True, kw_only=True)
class Attachment:
    path: str
    name: str = field(repr=False)
    media_type: str
    size: int
    sha256: str
    inline: bool


@dataclass(frozen=True, kw_only=True)
class ParsedMail:
    sender: str = field(repr=False)
    sender_name: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    cc: tuple[str, ...] = field(repr=False)
    reply_to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)  #: the whole text, quotes included
    html: str = field(repr=False)  #: sanitised; "" without an HTML part
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    date: datetime | None
    auto_submitted: bool
    bounce: bool
    attachments: tuple[Attachment, ...] = field(repr=False)
    charset_errors: tuple[str, ...]  #: parts that could not be decoded as they said they were


def parse(data: bytes) -> ParsedMail:
    """Never raises: an empty mail gives empty fields."""
    mail = Mail(data)
    sender = mail.sender()
    subject, text = mail.subject(), mail.text
    return ParsedMail(
        sender=sender.value,
        sender_name=sender.name,
        to=mail.addresses("to"),
        cc=mail.addresses("cc"),
        reply_to=next(iter(mail.addresses("reply-to")), ""),
        subject=subject,
        text=text,
        html=mail.html(),
        message_id=mail.message_id(),
        in_reply_to=next(iter(message_ids(mail.headers.get("in-reply-to"))), ""),
        references=tuple(message_ids(mail.headers.get("references"))),
        date=mail.date(),
        auto_submitted=trust.is_autoreply(mail.headers, subject) or trust.submitted(mail.headers) not in ("", "no"),
        bounce=mail.bounce(_NOBODY) is not None,
        attachments=tuple(_attachment(part) for part in mail.files()),
        charset_errors=mail.charset_errors(),
    )


def as_json(mail: ParsedMail) -> dict[str, object]:
    """The fields of the `helpdesk mail parse` contract, in its words."""
    return {
        "from": mail.sender,
        "from_name": mail.sender_name,
        "to": list(mail.to),
        "cc": list(mail.cc),
        "reply_to": mail.reply_to,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "date": mail.date.isoformat() if mail.date else None,
        "auto_submitted": mail.auto_submitted,
        "bounce": mail.bounce,
        "attachments": [
            {"name": file.name, "type": file.media_type, "size": file.size, "sha256": file.sha256}
            for file in mail.attachments
        ],
        "charset_errors": list(mail.charset_errors),
    }


def _attachment(part: Part) -> Attachment:
    content = part.content()
    return Attachment(
        path=part.path,
        name=part.name,
        media_type=part.media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        inline=part.disposition == "inline",
    )
