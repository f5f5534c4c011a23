"""What keeps a conversation together: signed marks in addresses, Message-IDs and the footer.

A mark is `<letter><content>.<mac>`: `t` for a ticket's token (in the plus address and in the footer), `b` for the key
of a delivery (in the envelope sender, VERP), and in our Message-IDs both. The signature is 60 bits of HMAC-SHA256: who
guesses a number or a token still cannot write into somebody else's ticket. Everything is lower case, because mail
servers may change the case of a local part.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from channels.email.addresses import domain_of

MAX_LOCAL_PART = 64  #: RFC 5321 §4.5.3.1.1
MAX_TOKEN = 32
_TOKEN = re.compile(r"[a-z0-9-]{1,32}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
_OURS = re.compile(r"k([a-z2-7]{26})(?:\.t([a-z0-9-]{1,32}))?\.([a-z2-7]{12})")
_FOOTER = re.compile(r"\[#t([a-z0-9-]{1,32})\.([a-z2-7]{12})\]")
_NUMBER = re.compile(r"\[?\b(T-\d{4}-\d{4,9})\b\]?", re.IGNORECASE)
MAX_REFERENCES = 50


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Writes and checks the marks of one mailbox."""

    address: str
    secret: bytes = field(repr=False)
    delimiter: str = "+"

    def ticket_address(self, token: str) -> str | None:
        """hilfe+t4711.k3y…@…; None when the server knows no plus addresses, or the local part would be too long."""
        token = token.lower()
        return self._plus(f"t{token}.{self._mac('t', token)}") if _TOKEN.fullmatch(token) else None

    def bounce_address(self, key: UUID) -> str | None:
        """The envelope sender of one delivery, so that a bounce without any other mark still names it."""
        word = _word(key)
        return self._plus(f"b{word}.{self._mac('b', word)}")

    def message_id(self, key: UUID, token: str = "") -> str:
        """The same for the same delivery on every attempt, with brackets."""
        word, token = _word(key), token.lower()
        tagged = f"k{word}.t{token}" if _TOKEN.fullmatch(token) else f"k{word}"
        return f"<{tagged}.{self._mac('m', tagged)}@{domain_of(self.address)}>"

    def footer(self, token: str) -> str | None:
        """[#t4711.k3y…], for mail servers without plus addresses and programs that drop References."""
        token = token.lower()
        return f"[#t{token}.{self._mac('t', token)}]" if _TOKEN.fullmatch(token) else None

    def token_in_address(self, address: str) -> str | None:
        return self._token(self._tag(address))

    def key_in_address(self, address: str) -> UUID | None:
        tag = self._tag(address)
        word, _, mac = tag[1:].partition(".")
        return _key(word) if tag[:1] == "b" and self._signed("b", word, mac) else None

    def in_message_id(self, message_id: str) -> tuple[UUID | None, str | None]:
        """Key and token of a Message-ID that we made; (None, None) for others'."""
        local, _, domain = message_id.strip("<> \t").lower().rpartition("@")
        match = _OURS.fullmatch(local)
        if match is None or domain != domain_of(self.address):
            return None, None
        if not self._signed("m", local.rpartition(".")[0], match.group(3)):
            return None, None
        return _key(match.group(1)), match.group(2)

    def tokens_in_text(self, text: str) -> list[str]:
        return [m.group(1) for m in _FOOTER.finditer(text.lower()) if self._signed("t", m.group(1), m.group(2))][:5]

    def is_own(self, address: str) -> bool:
        """The mailbox itself, with or without a plus part."""
        local, _, domain = address.lower().rpartition("@")
        own, _, own_domain = self.address.lower().rpartition("@")
        bare = local.partition(self.delimiter)[0] if self.delimiter else local
        return domain == own_domain and own in (local, bare)

    def _plus(self, tag: str) -> str | None:
        local, _, domain = self.address.rpartition("@")
        full = f"{local}{self.delimiter}{tag}"
        return f"{full}@{domain}" if self.delimiter and len(full) <= MAX_LOCAL_PART else None

    def _tag(self, address: str) -> str:
        local = address.lower().rpartition("@")[0]
        return local.partition(self.delimiter)[2] if self.delimiter and self.is_own(address) else ""

    def _token(self, tag: str) -> str | None:
        token, _, mac = tag[1:].rpartition(".")
        return token if tag[:1] == "t" and _TOKEN.fullmatch(token) and self._signed("t", token, mac) else None

    def _mac(self, kind: str, content: str) -> str:
        digest = hmac.digest(self.secret, f"{kind}:{self.address.lower()}:{content}".encode(), hashlib.sha256)
        return base64.b32encode(digest)[:12].decode().lower()

    def _signed(self, kind: str, content: str, mac: str) -> bool:
        return hmac.compare_digest(self._mac(kind, content).encode(), mac.encode("utf-8", "replace"))


def message_ids(header: str) -> list[str]:
    """The Message-IDs of an In-Reply-To or References field, with brackets, the last `MAX_REFERENCES` of them."""
    return [f"<{found}>" for found in _MESSAGE_ID.findall(header[-65_536:])][-MAX_REFERENCES:]


def ticket_numbers(subject: str) -> list[str]:
    return list(dict.fromkeys(found.upper() for found in _NUMBER.findall(subject)))[:3]


def hints(
    marks: Marks, *, recipients: Iterable[str], references: Iterable[str], subject: str, body: str
) -> tuple[str, ...]:
    """Strongest first: `token:` (signed), `message-id:` (nearest first), `number:` (anybody can write that)."""
    by_address = [marks.token_in_address(address) for address in recipients]
    nearest = list(reversed(list(references)))
    by_reference = [marks.in_message_id(each)[1] for each in nearest]
    found = [f"token:{token}" for token in (*by_address, *by_reference) if token]
    found += [f"message-id:{each}" for each in nearest]
    found += [f"token:{token}" for token in marks.tokens_in_text(body)]
    found += [f"number:{number}" for number in ticket_numbers(subject)]
    return tuple(dict.fromkeys(found))


def _word(key: UUID) -> str:
    return base64.b32encode(key.bytes).decode().rstrip("=").lower()


def _key(word: str) -> UUID | None:
    if not re.fullmatch(r"[a-z2-7]{26}", word):
        return None
    return UUID(bytes=base64.b32decode(word.upper() + "======"))
