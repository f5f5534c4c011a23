"""Header fields of a mail: found without a parser that can be tripped, decoded each on its own.

Works on bytes and in time proportional to the input, because the standard library's `policy.default` raises on crafted
fields and takes seconds for 20,000 parameters.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from channels.email.charsets import clean, decode

MAX_BLOCK = 262_144  #: bytes of a header block that are looked at; real ones stay below 100 kB
MAX_FIELDS = 2_000
MAX_STRUCTURED = 8_192  #: characters of a field with parameters, a date or an Authentication-Results line

_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r""";[ \t]*([^\s=;"]{1,100})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"?|[^;\s]*)""", re.DOTALL)
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})?(\*)?$")
_BREAK = re.compile(r"[ \t\n]*[\t\n][ \t\n]*")
_UNDERSCORE = re.compile(rb"_")


@dataclass(frozen=True, kw_only=True)
class Headers:
    """The fields in their order; `get` and `all` take lower-case names and give raw text (not yet RFC 2047-decoded)."""

    fields: tuple[tuple[str, str], ...] = field(repr=False, default=())

    def get(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)


def split(data: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """The header block at `start` and the offset at which the body begins."""
    end = len(data) if end is None else end
    opening = 2 if data[start : start + 2] == b"\r\n" else 1
    if data[start : start + opening] in (b"\n", b"\r\n"):
        return Headers(), start + opening
    stop, body = _gap(data, start, end)
    fields, read = _fields(data[start : min(stop, start + MAX_BLOCK)])
    whole = stop - start <= MAX_BLOCK and len(fields) < MAX_FIELDS
    # text that follows the last field without an empty line between is the body, not rubbish
    return Headers(fields=fields), start + read if whole and data[start + read : stop].strip() else body


def _gap(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the fields end and the body begins: the first empty line, of either kind."""
    unix = data.find(b"\n\n", start, end)
    wire = data.find(b"\n\r\n", start, end if unix < 0 else unix)
    if wire >= 0:
        return wire, wire + 3
    return (unix, unix + 2) if unix >= 0 else (end, end)


def _fields(block: bytes) -> tuple[tuple[tuple[str, str], ...], int]:
    """The fields, and where the last of them ends.

    "From " of an mbox or what a broken gateway put between is skipped: no reason to lose the fields after it.
    """
    found: list[tuple[str, list[bytes]]] = []
    at = read = 0
    inside = False
    for line in block.split(b"\n"):
        at += len(line) + 1
        match = None if line[:1] in (b" ", b"\t") else _NAME.match(line)
        if match is not None:
            if len(found) >= MAX_FIELDS:
                break
            found.append((match.group(1).decode("ascii").lower(), [line[match.end() :].rstrip(b"\r")]))
        elif inside and line[:1] in (b" ", b"\t"):
            found[-1][1].append(line.rstrip(b"\r"))
        else:
            inside = False
            continue
        inside, read = True, at
    return tuple((name, _text(b"".join(lines))) for name, lines in found), min(read, len(block))


def _text(value: bytes) -> str:
    """Raw 8-bit fields exist: UTF-8 if it is, else what the guess says."""
    return decode(value.strip()).text.replace("\n", " ")


def decode_words(value: str) -> str:
    """RFC 2047 encoded words to text. Adjacent words of one charset are joined first: a letter may be cut in two."""
    out: list[str] = []
    pending = b""
    charset = ""
    at = 0
    for match in _ENCODED.finditer(value):
        between = value[at : match.start()]
        name = match.group(1).partition("*")[0].lower()
        if pending and (between.strip() or name != charset):
            out.append(decode(pending, charset).text)
            pending = b""
            if between.strip():
                out.append(between)
        elif not pending:
            out.append(between if between.strip() or not out else "")
        pending += _word(match.group(2), match.group(3))
        charset, at = name, match.end()
    if pending:
        out.append(decode(pending, charset).text)
    out.append(value[at:])
    return _BREAK.sub(" ", clean("".join(out))).strip()


def _word(kind: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    return from_base64(raw) if kind in "bB" else binascii.a2b_qp(_UNDERSCORE.sub(b" ", raw))


def from_base64(data: bytes) -> bytes:
    """What can be decoded of it: signs outside the alphabet are skipped, a missing end is cut off."""
    kept = data.translate(None, _NOT_BASE64)
    kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def value_and_parameters(text: str) -> tuple[str, Mapping[str, str]]:
    """`text/plain; charset=utf-8` → ("text/plain", {"charset": "utf-8"}), with the pieces of RFC 2231 joined."""
    text = text[:MAX_STRUCTURED]
    head = text.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(text):
        name, value = match.group(1).lower(), _unquote(match.group(2))
        parts = _CONTINUED.match(name)
        if parts is None:
            plain.setdefault(name, value)
        else:
            pieces.setdefault(parts.group(1), {})[int(parts.group(2) or 0)] = (
                value,
                bool(parts.group(3) or not parts.group(2)),
            )
    return head, plain | {name: _joined(found) for name, found in pieces.items()}


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'))


def _joined(pieces: Mapping[int, tuple[str, bool]]) -> str:
    charset = ""
    data = b""
    for number in sorted(pieces):
        value, encoded = pieces[number]
        if encoded and number == min(pieces) and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        data += unquote_to_bytes(value) if encoded else value.encode()
    return decode(data, charset).text


def date_of(value: str) -> datetime | None:
    """An aware UTC instant, or None. `Date:` is the sender's claim: shown, never used for a clock."""
    try:
        parsed = parsedate_to_datetime(value[:100])
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
