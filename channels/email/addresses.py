"""Addresses as they stand in a header, read before anything is decoded.

`=?utf-8?Q?agent?=@example.com` is no address of agent@example.com (RFC 2047 §5 forbids encoded words there): decoding
first and parsing then is how senders are forged. Only display names are decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from channels.email.headers import decode_words
from helpdesk.channel import Address

KIND = "email"
MAX_HEADER = 65_536  #: characters of one address header that are read
MAX_RECIPIENTS = 1_000
_WORD = r"""[^\s\x00-\x1f\x7f@<>(),;:"\[\]\\]"""
_SHAPE = re.compile(rf"""(?:{_WORD}{{1,64}}|"[^"\x00-\x1f\x7f]{{1,62}}")@{_WORD}{{1,253}}""")
_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"?|[<>,;:(]|[^"<>,;:(]+', re.DOTALL)
_INSIDE = re.compile(r"[^()\\]+|\\.?|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def addresses(header: str) -> list[Address]:
    """Every usable address of a From, To or Cc, at most `MAX_RECIPIENTS`; what has no `local@domain` is left out."""
    found = []
    for display, spec in _mailboxes(header[:MAX_HEADER]):
        canonical = normal(spec)
        if canonical:
            found.append(Address(kind=KIND, value=canonical, name=decode_words(display)[:200]))
        if len(found) >= MAX_RECIPIENTS:
            break
    return found


def normal(spec: str) -> str:
    """The canonical form (domain in lower case, local part untouched), or "" for what is no address."""
    local, at, domain = spec.strip().rpartition("@")
    domain = domain.lower().rstrip(".")
    whole = f"{local}@{domain}"
    return whole if at and domain and ".." not in domain and _SHAPE.fullmatch(whole) else ""


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def _mailboxes(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of display name and address specification."""
    draft = _Draft()
    for piece in _pieces(text):
        if piece in (",", ";") and not draft.inside:
            yield draft.finished()
            draft = _Draft()
        else:
            draft.take(piece)
    yield draft.finished()


def _pieces(text: str) -> Iterator[str]:
    """Words, quoted strings, signs with a meaning, and comments as "(…" whatever is nested in them."""
    at = 0
    while match := _OUTSIDE.match(text, at):
        at = match.end()
        if match.group() == "(":
            comment, at = _comment(text, at)
            yield f"({comment}"
        else:
            yield match.group()


def _comment(text: str, at: int) -> tuple[str, int]:
    """The comment that begins at `at`, and where it ends. One pass, so depth costs nothing."""
    content: list[str] = []
    depth = 1
    while match := _INSIDE.match(text, at):
        at = match.end()
        depth += (match.group() == "(") - (match.group() == ")")
        if not depth:
            break
        content.append(_ESCAPED.sub(r"\1", match.group()))
    return "".join(content), at


class _Draft:
    """One mailbox while it is read."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.angle: list[str] = []
        self.comments: list[str] = []
        self.inside = False

    def take(self, piece: str) -> None:
        if piece.startswith("("):
            self.comments.append(piece[1:])
        elif piece == "<":
            self.angle, self.inside = [], True
        elif piece == ">" and self.inside:
            self.inside = False
        elif piece == ":" and not self.inside:
            self.words = []  # the name of a group
        else:
            (self.angle if self.inside else self.words).append(piece)

    def finished(self) -> tuple[str, str]:
        if self.angle:
            # a source route (<@relay:user@host>) names the way, not the person
            return "".join(map(_unquoted, self.words)).strip(), "".join(self.angle).rpartition(":")[2]
        text = "".join(self.words).strip()
        # „Anna Amt a@example.org“ without brackets is wrong and common
        return " ".join(self.comments).strip(), text if '"' in text else text.rpartition(" ")[2]


def _unquoted(piece: str) -> str:
    return _ESCAPED.sub(r"\1", piece[1:].removesuffix('"')) if piece.startswith('"') else piece
