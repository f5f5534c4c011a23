"""Marks: signed, lower case, and worthless to whoever guesses."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.threading import MAX_LOCAL_PART, Marks
from tests.channels.email.mails import KEY, MARKS, mail, message


@given(st.from_regex(r"\A[a-z0-9-]{1,32}\Z"), st.uuids())
def test_every_mark_is_found_again(token: str, key: object) -> None:
    assert MARKS.token_in_address(MARKS.ticket_address(token) or "") == token
    assert MARKS.tokens_in_text(f"Zeile {MARKS.footer(token)} Ende") == [token]
    assert MARKS.key_in_address(MARKS.bounce_address(key) or "") == key  # type: ignore[arg-type]
    assert MARKS.in_message_id(MARKS.message_id(key, token)) == (key, token)  # type: ignore[arg-type]
    assert MARKS.in_message_id(MARKS.message_id(key)) == (key, None)  # type: ignore[arg-type]


def test_servers_that_change_the_case_do_no_harm() -> None:
    assert MARKS.token_in_address((MARKS.ticket_address("k3y9") or "").upper()) == "k3y9"
    assert MARKS.in_message_id(MARKS.message_id(KEY, "k3y9").upper()) == (KEY, "k3y9")


def test_marks_of_others_are_no_marks() -> None:
    other = Marks(address=MARKS.address, secret=b"ein anderes Geheimnis")
    elsewhere = Marks(address="hilfe@bonn.example", secret=MARKS.secret)
    for forger in (other, elsewhere):
        assert MARKS.token_in_address(forger.ticket_address("k3y9") or "") is None
        assert MARKS.key_in_address(forger.bounce_address(KEY) or "") is None
        assert MARKS.in_message_id(forger.message_id(KEY, "k3y9")) == (None, None)
        assert MARKS.tokens_in_text(forger.footer("k3y9") or "") == []


@pytest.mark.parametrize(
    "guess",
    ["hilfe+tk3y9@nrw.example", "hilfe+tk3y9.@nrw.example", "hilfe+b.x@nrw.example", "hilfe@nrw.example", "x", ""],
)
def test_a_guessed_address_opens_nothing(guess: str) -> None:
    assert MARKS.token_in_address(guess) is None
    assert MARKS.key_in_address(guess) is None


def test_a_mark_of_one_kind_is_none_of_another() -> None:
    address = MARKS.ticket_address("k3y9") or ""
    assert MARKS.key_in_address(address.replace("+t", "+b")) is None


def test_a_token_for_an_address_that_would_be_too_long_goes_without() -> None:
    long = Marks(address=f"{'a' * 40}@nrw.example", secret=MARKS.secret)
    assert long.ticket_address("x" * 32) is None
    assert len((MARKS.ticket_address("x" * 32) or "").partition("@")[0]) <= MAX_LOCAL_PART
    assert len((MARKS.bounce_address(uuid4()) or "").partition("@")[0]) <= MAX_LOCAL_PART


def test_without_plus_addresses_the_other_marks_remain() -> None:
    plain = Marks(address=MARKS.address, secret=MARKS.secret, delimiter="")
    assert plain.ticket_address("k3y9") is None and plain.bounce_address(KEY) is None
    assert plain.in_message_id(plain.message_id(KEY, "k3y9")) == (KEY, "k3y9")


def test_hints_come_strongest_first() -> None:
    ours = MARKS.message_id(KEY, "aus-der-id")
    body = mail(
        f"Antwort\n-- \n{MARKS.footer('aus-der-fusszeile')}",
        to=MARKS.ticket_address("aus-der-adresse") or "",
        subject="Re: [T-2026-004711] Frage",
        references=f"<alt@example.org> {ours}",
        in_reply_to="<neu@example.org>",
    )
    assert message(body).hints == (
        "token:aus-der-adresse",
        "token:aus-der-id",
        "message-id:<neu@example.org>",
        f"message-id:{ours}",
        "message-id:<alt@example.org>",
        "token:aus-der-fusszeile",
        "number:T-2026-004711",
    )


def test_the_envelope_counts_before_the_letterhead() -> None:
    body = mail(to=MARKS.ticket_address("brief") or "", delivered_to=MARKS.ticket_address("umschlag") or "")
    assert message(body).hints == ("token:umschlag", "token:brief")
