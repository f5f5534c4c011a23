"""Whom our own mail server vouches for, and who must get no automatic answer."""

from __future__ import annotations

import pytest

from channels.email.reading import read
from helpdesk.channel import InboundMessage, Kind
from tests.channels.email.mails import MARKS, RULES, mail, message, raw

OURS = "mx.nrw.example"


@pytest.mark.parametrize(
    ("results", "verified"),
    [
        (f"{OURS}; dmarc=pass header.from=example.org", True),
        (f"{OURS}; dmarc=fail header.from=example.org", False),
        (f"{OURS}; dmarc=pass header.from=evil.example", False),
        (f"{OURS}; dkim=pass header.d=example.org", True),
        (f"{OURS}; dkim=pass header.i=@example.org", True),
        (f"{OURS}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example", False),
        (f"{OURS}; dkim=pass header.d=org", False),
        (f"{OURS}; spf=pass smtp.mailfrom=aenne@example.org", True),
        (f"{OURS}; spf=softfail smtp.mailfrom=aenne@example.org", False),
        (f"{OURS}; none", False),
        ("mx.evil.example; dmarc=pass header.from=example.org", False),
        (f"{OURS} ((((; dmarc=pass", False),
        ("", False),
    ],
)
def test_only_our_server_vouches_for_a_sender(results: str, verified: bool) -> None:
    assert message(mail(authentication_results=results)).verified is verified


def test_only_the_topmost_result_counts() -> None:
    forged = f"Authentication-Results: {OURS}; dmarc=pass header.from=example.org\n".encode()
    real = f"Authentication-Results: {OURS}; dmarc=fail header.from=example.org\n".encode()
    assert not message(real + forged + mail()).verified
    assert message(forged + mail()).verified


def test_two_authors_are_none() -> None:
    results = f"{OURS}; dmarc=pass header.from=example.org"
    assert not message(mail(authentication_results=results, **{"from": "a@example.org, b@evil.example"})).verified
    assert not message(b"From: b@evil.example\n" + mail(authentication_results=results)).verified


def test_nobody_is_vouched_for_without_the_name_of_our_server() -> None:
    rules = type(RULES)(marks=MARKS)
    (found,) = read(raw(mail(authentication_results=f"{OURS}; dmarc=pass header.from=example.org")), rules)
    assert isinstance(found, InboundMessage) and not found.verified


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"auto_submitted": "auto-replied"}, Kind.AUTOREPLY),
        ({"auto_submitted": "auto-generated", "in_reply_to": "<x@nrw.example>"}, Kind.AUTOREPLY),
        ({"auto_submitted": "auto-generated"}, Kind.MESSAGE),
        ({"precedence": "bulk"}, Kind.MESSAGE),
        ({"precedence": "auto_reply"}, Kind.AUTOREPLY),
        ({"list_id": "<x.example>"}, Kind.MESSAGE),
        ({"x_autoreply": "yes"}, Kind.AUTOREPLY),
        ({"x_auto_response_suppress": "DR, OOF, AutoReply"}, Kind.MESSAGE),
        ({"subject": "Abwesenheitsnotiz: Frage", "references": "<x@nrw.example>"}, Kind.AUTOREPLY),
        ({"from": "No-Reply <noreply@example.org>"}, Kind.MESSAGE),
        ({"from": "bounces+1=2@example.org"}, Kind.MESSAGE),
        ({"return_path": "<>"}, Kind.MESSAGE),
    ],
)
def test_no_automatic_answer_to_robots(headers: dict[str, str], kind: Kind) -> None:
    found = message(mail(**headers))
    assert (found.automatic, found.kind) == (True, kind)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"auto_submitted": "no"},
        {"precedence": "first-class"},
        {"x_auto_response_suppress": "DR"},
        {"subject": "Abwesenheitsnotiz: wie stelle ich die ein?"},
        {"from": "Günther <günther@example.org>", "return_path": "<>"},
    ],
)
def test_people_are_no_robots(headers: dict[str, str]) -> None:
    found = message(mail(**headers))
    assert (found.automatic, found.kind) == (False, Kind.MESSAGE)
