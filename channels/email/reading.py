"""One mail, read: a pure function of its bytes that copes with whatever arrives.

`parse` is what `helpdesk mail parse` shows; `read` makes of it what the desk takes in. Every field is read on its own,
so that a broken one costs nothing but itself. Time is proportional to the size; 25 MB of anything take below a second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TypeVar

from channels.email import bounces, trust
from channels.email.addresses import KIND, addresses, normal
from channels.email.charsets import Decoded, decode
from channels.email.headers import Headers, date_of, decode_words, split
from channels.email.html import MAX_HTML, harmless, text_of
from channels.email.mime import Part, parts
from channels.email.quoting import newest
from channels.email.threading import MAX_REFERENCES, Marks, hints, message_ids
from helpdesk.channel import Address, DeliveryReport, File, InboundMessage, Kind, Raw, State

MAX_MAIL = 25_000_000  #: bytes of a mail that are fetched and read
MAX_TEXT = 100_000  #: characters of a message; more is in the original
MAX_SUBJECT = 500
TRUNCATED = "x-anlaufstelle-full-size"  #: key in `Raw.headers`: bytes of a mail of which only the beginning was fetched
_MAX_TEXT_BYTES = 1_000_000  #: encoded bytes of one text part that are decoded
_MAX_TEXT_PARTS = 50
_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to", "cc")
_SUFFIX = {"message/rfc822": ".eml", "text/calendar": ".ics", "text/html": ".html", "image/png": ".png"}
_SUFFIX |= {"image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf", "text/plain": ".txt"}
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
T = TypeVar("T")
U = TypeVar("U")


class Unreadable(ValueError):
    """No mail: empty, or nobody who could have sent it. Parked, never dropped."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What reading depends on besides the bytes."""

    marks: Marks
    authserv_id: str = ""


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
    mail = _Mail(data[:MAX_MAIL])
    sender = mail.sender()
    subject, text = mail.subject(), mail.text
    nobody = Marks(address="", secret=b"")
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
        date=_tolerant(lambda: date_of(mail.headers.get("date")), None),
        auto_submitted=mail.headers.get("auto-submitted").partition(";")[0].strip().lower() not in ("", "no"),
        bounce=mail.bounce(nobody) is not None,
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


def read(raw: Raw, rules: Rules) -> tuple[InboundMessage | DeliveryReport, ...]:
    """What the desk takes in: one message, or the report of a bounce that names its delivery.

    Raises `Unreadable`, and nothing else.
    """
    try:
        return _read(raw, rules)
    except Unreadable:
        raise
    except Exception as problem:  # a mail that finds a fault in this code is parked with its original, not lost
        raise Unreadable(f"{type(problem).__name__} while reading") from problem


def _read(raw: Raw, rules: Rules) -> tuple[InboundMessage | DeliveryReport, ...]:
    mail = _Mail(raw.body[:MAX_MAIL])
    if not mail.headers.fields:
        raise Unreadable("no header fields")
    bounce = mail.bounce(rules.marks)
    if bounce is not None and bounce.failed and (bounce.key or bounce.provider_id):
        return (
            DeliveryReport(
                report_id=mail.external_id(),
                provider_id=bounce.provider_id,
                key=bounce.key,
                state=State.FAILED,
                reason=bounce.reason,
                raw=raw,
            ),
        )
    sender = mail.sender()
    if not sender.value:
        raise Unreadable("no usable sender address")
    subject, text = mail.subject(), mail.text
    noted = bounce is not None or trust.is_autoreply(mail.headers, subject)
    return (
        InboundMessage(
            external_id=mail.external_id(),
            kind=Kind.AUTOREPLY if noted else Kind.MESSAGE,
            sender=sender,
            recipient=Address(kind=KIND, value=rules.marks.address),
            text=_shortened(text, raw),
            raw=raw,
            subject=subject or None,
            files=mail.references_to_files(),
            language=_language(mail.headers),
            provider_time=_tolerant(lambda: date_of(mail.headers.get("date")), None),
            hints=hints(
                rules.marks,
                recipients=mail.recipients(),
                references=mail.references(),
                subject=subject,
                body=text[:MAX_TEXT],
            ),
            automatic=noted or rules.marks.is_own(sender.value) or trust.is_automatic(mail.headers, sender.value),
            verified=trust.is_verified(mail.headers, rules.authserv_id),
        ),
    )


def attachments(raw: Raw) -> Iterator[tuple[File, bytes]]:
    """Every file of the original with its bytes; for a core that keeps originals and need not ask the mailbox."""
    mail = _Mail(raw.body[:MAX_MAIL])
    for part in mail.files():
        content = part.content()
        yield mail.reference(part, len(content)), content


def content_of(body: bytes, path: str) -> bytes | None:
    """The decoded bytes of the part at `path` of an original."""
    return next((part.content() for part in _Mail(body[:MAX_MAIL]).files() if part.path == path), None)


class _Mail:
    """The pieces of one mail, each asked for on its own."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.headers, self.body_at = split(data)
        self.leaves: Sequence[Part] = tuple(parts(data))

    def addresses(self, name: str) -> tuple[str, ...]:
        found = (_tolerant(partial(addresses, value), ()) for value in self.headers.all(name))
        return tuple(dict.fromkeys(each.value for group in found for each in group))[:1_000]

    def sender(self) -> Address:
        """The author; else who sent it on; else the envelope's sender. A hint, never proof of who it is."""
        for name in ("from", "sender", "x-original-from", "return-path"):
            found = _tolerant(partial(addresses, self.headers.get(name)), ())
            if found:
                return found[0]
        return Address(kind=KIND, value="")

    def recipients(self) -> list[str]:
        """Where it was delivered to, the envelope before the letterhead."""
        envelope = [normal(value.strip(" <>")) for name in _ENVELOPE[:5] for value in self.headers.all(name)[:20]]
        return [*filter(None, envelope), *self.addresses("to")[:200], *self.addresses("cc")[:200]]

    def references(self) -> list[str]:
        """Message-IDs, oldest first; what it answers directly comes last."""
        found = message_ids(self.headers.get("references")) + message_ids(self.headers.get("in-reply-to"))
        return list(reversed(dict.fromkeys(reversed(found))))[-MAX_REFERENCES:]

    def subject(self) -> str:
        return _tolerant(lambda: decode_words(self.headers.get("subject")[:16_384]), "")[:MAX_SUBJECT]

    def message_id(self) -> str:
        found = _MESSAGE_ID.search(self.headers.get("message-id")[:2_000])
        return f"<{found.group(1)}>" if found else ""

    def external_id(self) -> str:
        """Message-ID and a hash of author and body: ids are missing, repeated and forged (CHANNELS 2.3)."""
        known = self.message_id()
        digest = hashlib.sha256(self.headers.get("from").encode("utf-8", "replace") + b"\n")
        if not known:
            loose = "\n".join(self.headers.get(name) for name in ("date", "subject", "to"))
            digest.update(loose.encode("utf-8", "replace"))
        digest.update(memoryview(self.data)[self.body_at :])
        shown = (
            known if len(known) <= 250 else f"<sha256.{hashlib.sha256(known.encode('utf-8', 'replace')).hexdigest()}>"
        )
        return f"{shown}#{digest.hexdigest()[:32]}"

    @cached_property
    def texts(self) -> tuple[tuple[Part, Decoded], ...]:
        wanted = [part for part in self.leaves if part.is_text][:_MAX_TEXT_PARTS]
        return tuple((part, _decoded(part)) for part in wanted)

    @cached_property
    def text(self) -> str:
        """What the writer wrote in plain text; else the words of the HTML."""
        plain = [_unflowed(part, found.text) for part, found in self.texts if part.media_type == "text/plain"]
        written = "\n\n".join(filter(None, (each.strip("\n") for each in plain))).strip()
        if written:
            return written
        return "\n\n".join(filter(None, map(text_of, self.pages))).strip()

    @property
    def pages(self) -> list[str]:
        """The HTML parts, as many as fit into what is cleaned of one mail."""
        kept: list[str] = []
        for part, found in self.texts:
            if part.media_type == "text/html":
                kept.append(found.text[: MAX_HTML - sum(map(len, kept))])
        return [page for page in kept if page]

    def html(self) -> str:
        return "\n".join(map(harmless, self.pages))

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def files(self) -> Iterator[Part]:
        shown = {id(part) for part, _ in self.texts}
        for part in self.leaves:
            if id(part) not in shown and (len(part.body) or part.name):
                yield part

    def references_to_files(self) -> tuple[File, ...]:
        return tuple(self.reference(part, len(part.content())) for part in self.files())

    def reference(self, part: Part, size: int) -> File:
        """`sha256:<original>/<part>?<Message-ID>`: found in what was just read, or again in the mailbox."""
        return File(
            name=part.name or f"teil-{part.path}{_SUFFIX.get(part.media_type, '')}",
            media_type=part.media_type,
            size=size,
            ref=f"sha256:{self.digest}/{part.path}?{self.message_id()}",
        )

    def bounce(self, marks: Marks) -> bounces.Bounce | None:
        return bounces.bounce_of(
            self.headers,
            self.leaves,
            self.text[:MAX_TEXT],
            subject=self.subject(),
            sender=self.sender().value,
            recipients=self.recipients(),
            marks=marks,
        )

    def charset_errors(self) -> tuple[str, ...]:
        return tuple(
            f"part {part.path}: declared {part.parameters.get('charset', 'nothing')[:40]}, read as {found.charset}"
            for part, found in self.texts
            if found.lossy or found.mislabelled
        )


def _decoded(part: Part) -> Decoded:
    data = part.content(_MAX_TEXT_BYTES)
    found = decode(data, part.parameters.get("charset"))
    if found.lossy and len(part.body) > _MAX_TEXT_BYTES:
        # the cut may have gone through a letter
        again = decode(data[:-8], part.parameters.get("charset"))
        found = again if not again.lossy else found
    return replace(found, text=found.text[: MAX_HTML if part.media_type == "text/html" else _MAX_TEXT_BYTES])


def _unflowed(part: Part, text: str) -> str:
    """RFC 3676: a line that ends in a space goes on in the next one."""
    if part.parameters.get("format", "").lower() != "flowed":
        return text
    out: list[str] = []
    joined = False
    drop = part.parameters.get("delsp", "").lower() == "yes"
    for line in text.split("\n"):
        line = line[1:] if line.startswith(" ") else line
        flows = line.endswith(" ") and line != "-- " and not line.startswith(">")
        shown = line[:-1] if flows and drop else line
        if joined and not line.startswith(">"):
            out.append(shown)
        else:
            out.append(("\n" if out else "") + shown)
        joined = flows
    return "".join(out)


def _shortened(text: str, raw: Raw) -> str:
    """The new part of the text, with a word about what is missing."""
    shown = newest(text[: 4 * MAX_TEXT])
    if len(shown) > MAX_TEXT:
        shown = f"{shown[:MAX_TEXT]}\n[… gekürzt, vollständig im Original]"
    full = raw.headers.get(TRUNCATED, "")
    if full.isdigit():
        shown = f"{shown}\n[Diese E-Mail hat {int(full) // 1_000_000} MB; nur ihr Anfang wurde abgeholt.]"
    return shown


def _language(headers: Headers) -> str | None:
    found = re.match(r"[a-z]{2}\b", headers.get("content-language").strip().lower())
    return found.group() if found else None


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


def _tolerant(ask: Callable[[], T], otherwise: U) -> T | U:
    """One broken field is worth nothing more than itself."""
    try:
        return ask()
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError):
        return otherwise
