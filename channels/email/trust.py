"""Who says so? Automatic senders, and what our own mail server found out about the author.

Only the topmost Authentication-Results field counts, and only when it bears the configured name of our own server: all
others were written by whoever sent the mail (RFC 8601 §5 makes our server remove forged ones with its name).
"""

from __future__ import annotations

import re

from authres import AuthenticationResultsHeader

from channels.email.addresses import addresses, domain_of
from channels.email.headers import Headers, value_and_parameters

_MAX_RESULT = 4_096  #: characters of the field that are given to the parser
_REPLY_SUBJECT = re.compile(
    r"(?:automatische antwort|automatic reply|abwesenheitsnotiz|abwesenheits?meldung|abwesend|out of (?:the )?office"
    r"|réponse automatique|respuesta automática|risposta automatica|otomatik yanıt|autoreply|auto-reply)\b",
    re.IGNORECASE,
)
_ROBOT = re.compile(
    r"(?:no-?_?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|nicht-?antworten|keine-?antwort)(?:[+.=-].*)?"
)
_MARKS_OF_REPLIERS = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoresponder", "x-vacation")
_LIST_MARKS = ("list-id", "list-unsubscribe", "list-post", "feedback-id", "x-loop")
_WANTS_NO_ANSWER = re.compile(r"\b(?:all|oof|autoreply)\b", re.IGNORECASE)


def submitted(headers: Headers) -> str:
    """The word of Auto-Submitted (RFC 3834), "" without one."""
    return headers.get("auto-submitted").partition(";")[0].strip().lower()


def is_autoreply(headers: Headers, subject: str) -> bool:
    """An out-of-office note and the like: an answer that no human wrote (RFC 3834)."""
    found = submitted(headers)
    answers = headers.has("in-reply-to") or headers.has("references")
    if found == "auto-replied" or any(headers.has(name) for name in _MARKS_OF_REPLIERS):
        return True
    if headers.get("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    if value_and_parameters(headers.get("content-type"))[0] == "multipart/report":
        return True  # a read receipt, or a report that names no delivery of ours
    # Exchange marks its notes `auto-generated`; so do machines that report something new, which must not be lost
    marked = found not in ("", "no") or headers.has("x-auto-response-suppress")
    says_so = bool(_REPLY_SUBJECT.match(subject))
    return (answers and (found.startswith("auto-") or says_so)) or (marked and says_so)


def is_automatic(headers: Headers, sender: str) -> bool:
    """No automatic answer may go there: robots, lists, bulk mail, whoever wants none (RFC 3834 §2)."""
    return (
        submitted(headers) not in ("", "no")
        or headers.get("precedence").strip().lower() in ("bulk", "list", "junk", "auto_reply", "auto-reply")
        or any(headers.has(name) for name in _LIST_MARKS)
        or bool(_WANTS_NO_ANSWER.search(headers.get("x-auto-response-suppress")[:200]))
        # Dovecot turns a non-ASCII envelope sender into <>, so for such a person it proves nothing
        or (headers.get("return-path").strip() == "<>" and sender.isascii())
        or bool(_ROBOT.fullmatch(sender.rpartition("@")[0].lower()[:64]))
    )


def is_verified(headers: Headers, authserv_id: str) -> bool:
    """Our server checked that the domain of the one author vouches for this mail (DMARC, aligned DKIM or SPF)."""
    results = headers.all("authentication-results")
    authors = headers.all("from")
    if not authserv_id or not results or len(authors) != 1 or len(found := addresses(authors[0])) != 1:
        return False
    try:
        parsed = AuthenticationResultsHeader.parse(f"Authentication-Results: {results[0][:_MAX_RESULT]}")
        return str(parsed.authserv_id).lower() == authserv_id.lower() and any(
            _vouches(result, domain_of(found[0].value)) for result in parsed.results
        )
    except Exception:  # whatever a crafted field does to that parser, the answer is "not verified"
        return False


def _vouches(result: object, author: str) -> bool:
    if str(getattr(result, "result", "")).lower() != "pass":
        return False
    properties = {
        f"{p.type}.{p.name}".lower(): str(p.value).lower().lstrip("@")
        for p in getattr(result, "properties", None) or []
    }
    match str(getattr(result, "method", "")).lower():
        case "dmarc":
            return properties.get("header.from", author) == author
        case "dkim":
            return _covers(properties.get("header.d") or domain_of(properties.get("header.i", "")), author)
        case "spf":
            sender = properties.get("smtp.mailfrom", "")
            return _covers(domain_of(sender) or sender, author)
    return False


def _covers(domain: str, author: str) -> bool:
    """`domain` is that of the author or one above it; a bare top-level domain covers nothing."""
    return "." in domain and (author == domain or author.endswith(f".{domain}"))
