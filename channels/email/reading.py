"""One mail, read: a pure function of its bytes that copes with whatever arrives.

Time is proportional to the size; 25 MB of anything take below a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.email import trust
from channels.email.addresses import KIND
from channels.email.content import MAX_TEXT, Mail
from channels.email.headers import Headers
from channels.email.quoting import newest
from channels.email.threading import Marks, hints
from helpdesk.channel import Address, DeliveryReport, File, InboundMessage, Kind, Raw, State

TRUNCATED = "x-anlaufstelle-full-size"  #: key in `Raw.headers`: bytes of a mail of which only the beginning was fetched


class Unreadable(ValueError):
    """No mail: empty, or nobody who could have sent it. Parked, never dropped."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What reading depends on besides the bytes."""

    marks: Marks
    authserv_id: str = ""


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
    mail = Mail(raw.body)
    if not mail.headers.fields:
        raise Unreadable("no header fields")
    bounce = mail.bounce(rules.marks)
    if bounce is None or not bounce.failed or not (bounce.key or bounce.provider_id):
        return (_message(mail, raw, rules, noted=bounce is not None),)
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


def _message(mail: Mail, raw: Raw, rules: Rules, *, noted: bool) -> InboundMessage:
    """`noted`: a report that names no delivery of ours, which counts as an automatic answer."""
    sender = mail.sender()
    if not sender.value:
        raise Unreadable("no usable sender address")
    subject = mail.subject()
    noted = noted or trust.is_autoreply(mail.headers, subject)
    return InboundMessage(
        external_id=mail.external_id(),
        kind=Kind.AUTOREPLY if noted else Kind.MESSAGE,
        sender=sender,
        recipient=Address(kind=KIND, value=rules.marks.address),
        text=_shortened(mail.text, raw),
        raw=raw,
        subject=subject or None,
        files=mail.references_to_files(),
        language=_language(mail.headers),
        provider_time=mail.date(),
        hints=hints(
            rules.marks,
            recipients=mail.recipients(),
            references=mail.references(),
            subject=subject,
            body=mail.text[:MAX_TEXT],
        ),
        automatic=noted or rules.marks.is_own(sender.value) or trust.is_automatic(mail.headers, sender.value),
        verified=trust.is_verified(mail.headers, rules.authserv_id),
    )


def attachments(raw: Raw) -> Iterator[tuple[File, bytes]]:
    """Every file of the original with its bytes; for a core that keeps originals and need not ask the mailbox."""
    mail = Mail(raw.body)
    for part in mail.files():
        content = part.content()
        yield mail.reference(part, len(content)), content


def content_of(body: bytes, path: str) -> bytes | None:
    """The decoded bytes of the part at `path` of an original."""
    return next((part.content() for part in Mail(body).files() if part.path == path), None)


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
