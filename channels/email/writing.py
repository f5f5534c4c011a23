"""An outgoing mail, as bytes that are the same on every attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from channels.email.addresses import domain_of, normal
from channels.email.settings import Account
from channels.email.threading import MAX_REFERENCES, message_ids
from helpdesk.channel import File, OutboundMessage

_WIRE = compat32.clone(linesep="\r\n")
_QUOTED_PRINTABLE = Charset("utf-8")
_QUOTED_PRINTABLE.body_encoding = QP
_SUBJECTS = {"de": "Ihr Anliegen", "en": "Your request"}
_FOOTERS = {
    "de": "Bitte lassen Sie diese Zeile in Ihrer Antwort stehen: {mark}",
    "en": "Please leave this line in your reply: {mark}",
}
_PLAIN_FOOTER = "{mark}"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What goes over the wire, and the envelope around it."""

    sender: str = field(repr=False)  #: envelope sender: the VERP address, or "" so that nothing answers
    recipient: str = field(repr=False)  #: domain in ASCII
    message_id: str
    data: bytes = field(repr=False)
    international: bool = False  #: needs SMTPUTF8


class BadAddress(ValueError):
    """No mail can be addressed like this."""


def compose(
    message: OutboundMessage, account: Account, date: datetime, files: Sequence[tuple[File, bytes]] = ()
) -> Letter:
    """`thread`: `ticket` or `number` (T-2026-004711), `token` (a-z, 0-9, -; at most 32), `in_reply_to`, `references`.

    Raises `BadAddress`.
    """
    marks, thread = account.marks, message.thread
    token = thread.get("token", "")
    recipient = envelope_address(message.to.value)
    message_id = marks.message_id(message.key, token)
    head = [
        ("From", _mailbox(account.name, account.address)),
        ("To", recipient),
        ("Subject", _encoded(_subject(message), "Subject")),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
        ("Reply-To", (marks.ticket_address(token) if token else None) or ""),
        ("In-Reply-To", "".join(message_ids(thread.get("in_reply_to", ""))[-1:])),
        ("References", "\r\n ".join(_references(thread.get("references", ""), thread.get("in_reply_to", "")))),
        ("Content-Language", message.language if message.language.replace("-", "").isalnum() else ""),
    ]
    if message.automatic:
        head += [
            ("Auto-Submitted", "auto-replied" if thread.get("in_reply_to") else "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ]
    block = "".join(f"{name}: {value}\r\n" for name, value in head if value)
    verp = marks.bounce_address(message.key)
    return Letter(
        sender=verp or ("" if message.automatic else account.address),
        recipient=recipient,
        message_id=message_id,
        data=block.encode() + _body(message, account, files).as_bytes(policy=_WIRE),
        international=not recipient.isascii(),
    )


def envelope_address(address: str) -> str:
    """With the domain in ASCII (IDNA). Raises `BadAddress`."""
    canonical = normal(address)
    local, _, domain = canonical.rpartition("@")
    try:
        wired = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as problem:
        raise BadAddress("domain cannot be written in ASCII") from problem
    if not canonical or any(ord(sign) < 33 or ord(sign) == 127 for sign in local):
        raise BadAddress("not an address")
    return f"{local}@{wired}"


def _subject(message: OutboundMessage) -> str:
    """The number in front, once; nothing personal is added."""
    subject = " ".join((message.subject or _SUBJECTS.get(message.language[:2], _SUBJECTS["de"])).split())
    number = message.thread.get("ticket") or message.thread.get("number") or ""
    return f"[{number}] {subject}" if number and number not in subject else subject


def _references(earlier: str, answered: str) -> list[str]:
    found = message_ids(earlier) + message_ids(answered)[-1:]
    return list(dict.fromkeys(found))[-MAX_REFERENCES:]


def _body(message: OutboundMessage, account: Account, files: Sequence[tuple[File, bytes]]) -> MIMEText | MIMEMultipart:
    text = MIMEText(_signed(message, account), "plain")
    del text["Content-Transfer-Encoding"]
    text.set_payload(_signed(message, account), _QUOTED_PRINTABLE)
    if not files:
        return text
    whole = MIMEMultipart("mixed", boundary=f"=_{message.key.hex}")
    whole.attach(text)
    for file, content in files:
        whole.attach(_attached(file, content))
    return whole


def _signed(message: OutboundMessage, account: Account) -> str:
    """The text and below it the mark that survives programs without References and servers without plus addresses."""
    mark = account.marks.footer(message.thread.get("token", ""))
    text = message.text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    if mark is None:
        return text + "\n"
    return f"{text}\n\n-- \n{_FOOTERS.get(message.language[:2], _PLAIN_FOOTER).format(mark=mark)}\n"


def _attached(file: File, content: bytes) -> MIMEBase:
    main, _, sub = file.media_type.partition("/")
    # a mail inside a mail would have to be sent as it is; as a plain file it arrives untouched
    part = (
        MIMEBase(main, sub) if sub and main not in ("message", "multipart") else MIMEBase("application", "octet-stream")
    )
    part.set_payload(content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", " ".join(file.name.split())))
    return part


def _mailbox(name: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    wired = f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"
    return f"{_phrase(' '.join(name.split()))} <{wired}>" if name.strip() else wired


def _phrase(name: str) -> str:
    if name.isascii() and all(sign.isalnum() or sign in " -" for sign in name):
        return name
    return Header(name, "utf-8", maxlinelen=70).encode(linesep="\r\n") if not name.isascii() else f'"{_escaped(name)}"'


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _encoded(text: str, header: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=header, maxlinelen=76).encode(linesep="\r\n")


def own_domain(account: Account) -> str:
    """What we call ourselves in EHLO."""
    domain = domain_of(account.address)
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
