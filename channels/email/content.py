"""The pieces of one mail, each asked for on its own, so that a broken one costs nothing but itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import TypeVar

from channels.email import bounces
from channels.email.addresses import KIND, addresses, normal
from channels.email.charsets import Decoded, decode
from channels.email.headers import date_of, decode_words, split
from channels.email.html import MAX_HTML, harmless, text_of
from channels.email.mime import Part, parts
from channels.email.threading import MAX_REFERENCES, Marks, message_ids
from helpdesk.channel import Address, File

MAX_MAIL = 25_000_000  #: bytes of a mail that are fetched and read
MAX_TEXT = 100_000  #: characters of a message; more is in the original
MAX_SUBJECT = 1_000
_MAX_TEXT_BYTES = 1_000_000  #: encoded bytes of one text part that are decoded
_MAX_TEXT_PARTS = 50
_SHADOWS = ("text/x-amp-html", "text/watch-html")  #: further forms of a text that is there already
_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
_SUFFIX = {"message/rfc822": ".eml", "text/calendar": ".ics", "text/html": ".html", "image/png": ".png"}
_SUFFIX |= {"image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf", "text/plain": ".txt"}
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
T = TypeVar("T")
U = TypeVar("U")


class Mail:
    """Reading never raises; what is not there is empty."""

    def __init__(self, data: bytes) -> None:
        self.data = data[:MAX_MAIL]
        self.headers, self.body_at = split(self.data)
        self.leaves: Sequence[Part] = tuple(parts(self.data))

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
        envelope = [normal(value.strip(" <>")) for name in _ENVELOPE for value in self.headers.all(name)[:20]]
        return [*filter(None, envelope), *self.addresses("to")[:200], *self.addresses("cc")[:200]]

    def references(self) -> list[str]:
        """Message-IDs, oldest first; what it answers directly comes last."""
        found = message_ids(self.headers.get("references")) + message_ids(self.headers.get("in-reply-to"))
        return list(reversed(dict.fromkeys(reversed(found))))[-MAX_REFERENCES:]

    def subject(self) -> str:
        return _tolerant(partial(decode_words, self.headers.get("subject")[:16_384]), "")[:MAX_SUBJECT]

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
        shown = [part for part in self.leaves if part.is_text]
        wanted = [part for part in shown if not part.name] or shown[:1]
        return tuple((part, _decoded(part)) for part in wanted[:_MAX_TEXT_PARTS])

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
            if id(part) not in shown and (len(part.body) or part.name) and part.media_type not in _SHADOWS:
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

    def date(self) -> datetime | None:
        return _tolerant(partial(date_of, self.headers.get("date")), None)

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


def _tolerant(ask: Callable[[], T], otherwise: U) -> T | U:
    """One broken field is worth nothing more than itself."""
    try:
        return ask()
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError):
        return otherwise
