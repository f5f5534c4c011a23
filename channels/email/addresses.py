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
_PIECE = re.compile(r'[^"(\\<>,;:)]+|.', re.DOTALL)


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
    """Pairs of display name and address specification, in one pass, comments of any depth included."""
    words: list[str] = []
    inside: list[str] | None = None
    angle = ""
    comment: list[str] = []
    depth = 0
    quoted: list[str] | None = None
    escaped = False
    for match in _PIECE.finditer(text):
        piece = match.group()
        if escaped:
            escaped = False
            if quoted is not None:
                quoted.append(piece)
            continue
        if piece == "\\" and (quoted is not None or depth):
            escaped = True
        elif quoted is not None:
            if piece == '"':
                content = "".join(quoted)
                # a quoted local part keeps its quotes, a display name loses them
                bare = f'"{content}"' if text[match.end() : match.end() + 1] == "@" else content
                (inside if inside is not None else words).append(bare)
                quoted = None
            else:
                quoted.append(piece)
        elif depth:
            depth += (piece == "(") - (piece == ")")
            comment.append(piece if depth else " ")
        elif piece == "(":
            depth = 1
        elif piece == '"':
            quoted = []
        elif piece == "<":
            inside = []
        elif piece == ">" and inside is not None:
            angle = "".join(inside)
            inside = None
        elif piece in ",;" and inside is None:
            yield _mailbox(words, angle, comment)
            words, angle, comment = [], "", []
        elif piece == ":" and inside is None:
            words = []  # the name of a group
        else:
            (inside if inside is not None else words).append(piece)
    yield _mailbox(words, angle or "".join(inside or []), comment)


def _mailbox(words: list[str], angle: str, comment: list[str]) -> tuple[str, str]:
    text = "".join(words).strip()
    if angle:
        # a source route (<@relay:user@host>) names the way, not the person
        return text, angle.rpartition(":")[2]
    # „Anna Amt a@example.org“ without brackets is wrong and common
    return "".join(comment).strip(), text if '"' in text else text.rpartition(" ")[2]
