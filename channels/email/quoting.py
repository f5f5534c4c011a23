"""What the writer wrote now, without the mail they answered to. One pass over the lines, nothing that backtracks.

Cut only where it is certain: a quoted tail after an introduction, the header block or dividing line of a mail program.
Text between quotes (answers inside the quote) and a sentence such as „Am 12.03.2026 schrieb ich Ihnen:“ are kept.
"""

from __future__ import annotations

import re

_INTRODUCTION = re.compile(
    r"(?:am|on|le|el|il|op|den|w dniu|dnia)\s.{4,300}?"
    r"(?:schrieb|wrote|hat geschrieben|a écrit|escribió|ha scritto|schreef|yazdı|napisał\(?a?\)?|пише|написал)"
    r"\b.{0,200}:",
    re.IGNORECASE,
)
_BY_DATE = re.compile(r".{0,200}\b(?:tarihinde|schrieb|wrote)\b.{0,200}:", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"[-_ ]{2,40}(?:ursprüngliche nachricht|originalnachricht|original message|message d'origine|orijinal mesaj"
    r"|weitergeleitete nachricht|forwarded message)[-_ ]{0,40}",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"\**(?:von|from|de|gesendet|sent|date|datum|an|to|betreff|subject|cc|gönderen|kime|konu)\s?:\**\s?.{0,300}",
    re.IGNORECASE,
)
_RULE = re.compile(r"_{10,200}|-{10,200}")
_MAX_LINE = 600  #: characters of a line that are looked at


def newest(text: str) -> str:
    """The new part of `text`; the whole text when nothing would be left."""
    lines = text.split("\n")
    cut = _cut(lines)
    if cut is None:
        return text.strip()
    return "\n".join(lines[:cut]).strip() or text.strip()


def _cut(lines: list[str]) -> int | None:
    """Number of the first line that belongs to the old mail."""
    for number, line in enumerate(lines):
        look = line.strip()[:_MAX_LINE]
        if not look or look.startswith(">"):
            continue
        if _ORIGINAL.fullmatch(look):
            return number
        if look[0] in "*VFDvfdGgВ" and _header_block(lines, number):
            return number - 1 if number and _RULE.fullmatch(lines[number - 1].strip()[:_MAX_LINE]) else number
    tail = _quoted_tail(lines)
    return None if tail is None else _introduction(lines, tail)


def _quoted_tail(lines: list[str]) -> int | None:
    """Where the last unbroken run of `>` lines begins, if nothing but empty lines follows it."""
    number = len(lines)
    while number and not lines[number - 1].strip():
        number -= 1
    end = number
    while number and (lines[number - 1].lstrip().startswith(">") or not lines[number - 1].strip()):
        number -= 1
    while number < end and not lines[number].strip():
        number += 1
    return number if number < end else None


def _introduction(lines: list[str], tail: int) -> int | None:
    """First line of the „Am … schrieb …:“ that stands before the quote; it may be broken over three lines."""
    last = tail - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    for first in range(last, max(-1, last - 3), -1):
        sentence = " ".join(line.strip()[:_MAX_LINE] for line in lines[first : last + 1])[:_MAX_LINE]
        if not sentence.endswith(":"):
            return None
        if _INTRODUCTION.fullmatch(sentence):
            return first
    look = lines[last].strip()[:_MAX_LINE] if last >= 0 else ""
    return last if look and _BY_DATE.fullmatch(look) else None


def _header_block(lines: list[str], number: int) -> bool:
    """Outlook's way: three of From, Sent, To, Subject in the five lines that begin here."""
    found = 0
    for line in lines[number : number + 5]:
        if _FIELD.fullmatch(line.strip()[:_MAX_LINE].strip()):
            found += 1
        elif not found:
            return False
    return found >= 3
