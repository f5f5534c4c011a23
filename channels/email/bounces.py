"""Mail that says that mail did not arrive: whose, and why.

Whose: the key in the envelope sender (VERP) first, then our Message-ID inside the report. Why: the status codes of
RFC 3463 in the machine part, and where that says only 5.0.0 (Exim), in the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from channels.email.charsets import decode
from channels.email.headers import Headers
from channels.email.mime import Part
from channels.email.threading import Marks, message_ids
from channels.email.trust import submitted
from helpdesk.channel import Reason

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_ACTION = re.compile(r"^action\s{0,5}:\s{0,5}([a-z]{1,20})", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"^status\s{0,5}:\s{0,5}([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ORIGINAL_ID = re.compile(
    r"^(?:message-id|x-original-message-id)\s{0,5}:\s{0,5}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
_DAEMON = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|mail-?delivery.*|bounces?|mdaemon|microsoftexchange[0-9a-f]{8,40})"
    r"(?:[+.=-].*)?",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|returned mail|returned to sender|failure notice|failed mail|mail delivery (?:failed|system)"
    r"|delivery (?:status notification|failure|report)|could not be delivered|non[- ]remis"
    r"|unzustellbar|nicht (?:zugestellt|zustellbar)|zustell.{0,20} fehlgeschlagen|rückläufer",
    re.IGNORECASE,
)
_DELAYED = re.compile(r"delay|verzögert|warning: (?:could not send|message)", re.IGNORECASE)
_LOOKED_AT = 65_536  #: bytes of a part that are searched
_MAX_PARTS = 5

_BY_STATUS = (
    (re.compile(r"[45]\.1\.\d+|5\.2\.[01]$|5\.4\.4$"), Reason.INVALID_ADDRESS),
    (re.compile(r"[45]\.2\.2$|[45]\.5\.3$"), Reason.QUOTA),
    (re.compile(r"[45]\.2\.3$|[45]\.3\.4$"), Reason.TOO_LARGE),
    (re.compile(r"4\.7\.\d+$|[45]\.[34]\.\d+$"), Reason.PROVIDER_DOWN),
    (re.compile(r"5\.7\.\d+$|5\.6\.\d+$"), Reason.REJECTED),
)


@dataclass(frozen=True, kw_only=True)
class Bounce:
    key: UUID | None
    provider_id: str | None
    reason: Reason
    failed: bool  #: False: only late so far


def reason_of(status: str) -> Reason:
    """A reason for people from an enhanced status code such as 5.1.1."""
    return next((reason for pattern, reason in _BY_STATUS if pattern.match(status)), Reason.UNKNOWN)


def code_in(text: str) -> str:
    """The most telling enhanced status code in a server's words, "" without any."""
    codes = _CODE.findall(text[:2_000])
    return next((code for code in codes if not code.endswith(".0.0")), codes[0] if codes else "")


def bounce_of(
    headers: Headers,
    leaves: Sequence[Part],
    text: str,
    *,
    subject: str,
    sender: str,
    recipients: Iterable[str],
    marks: Marks,
) -> Bounce | None:
    """None for every other mail, out-of-office notes included (they too come to the envelope sender)."""
    verp = next((key for key in map(marks.key_in_address, recipients) if key), None)
    machine = "\n".join(_heads(leaves, _REPORTS))
    if not _is_bounce(headers, machine, subject=subject, sender=sender, by_verp=verp is not None, text=text):
        return None
    original = _original_id(headers, leaves, text, marks)
    key = verp or (marks.in_message_id(original)[0] if original else None)
    actions = {found.lower() for found in _ACTION.findall(machine)}
    failed = "failed" in actions if actions else not _DELAYED.search(subject)
    return Bounce(key=key, provider_id=original, reason=_reason(machine, text), failed=failed)


def _is_bounce(headers: Headers, machine: str, *, subject: str, sender: str, by_verp: bool, text: str) -> bool:
    if _ACTION.search(machine) or headers.has("x-failed-recipients"):
        return True
    from_machine = headers.get("return-path").strip() == "<>" or bool(_DAEMON.fullmatch(sender.rpartition("@")[0][:64]))
    says_so = bool(_SUBJECT.search(subject[:300]))
    if by_verp:
        return says_so or (from_machine and submitted(headers) != "auto-replied" and bool(_CODE.search(text[:4_000])))
    return says_so and from_machine


def _original_id(headers: Headers, leaves: Sequence[Part], text: str, marks: Marks) -> str | None:
    """Our Message-ID in the returned original, in the quoted words, or in what the report answers to."""
    candidates = [
        found for each in (*_heads(leaves, _ORIGINALS), text[:_LOOKED_AT]) for found in _ORIGINAL_ID.findall(each)
    ]
    candidates += message_ids(headers.get("in-reply-to")) + message_ids(headers.get("references"))
    return next((each for each in candidates if marks.in_message_id(each)[0]), None)


def _reason(machine: str, text: str) -> Reason:
    codes = [*_STATUS.findall(machine), *_CODE.findall(machine), *_CODE.findall(text[:8_000])]
    telling = next((code for code in codes if not code.endswith(".0.0") and not code.startswith("2")), "")
    return reason_of(telling)


def _heads(leaves: Sequence[Part], kinds: Sequence[str]) -> list[str]:
    """The beginnings of the first parts of these kinds; a real report has one of each."""
    wanted = [part for part in leaves if part.media_type in kinds][:_MAX_PARTS]
    return [decode(part.content(_LOOKED_AT)).text for part in wanted]
