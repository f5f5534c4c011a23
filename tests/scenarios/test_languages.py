"""Whoever writes is answered in their language; where we have no text in it, in English."""

from __future__ import annotations

import pytest

from helpdesk import i18n
from tests.desk import Desk

LANGUAGES = ["de", "de-leicht", "en", "tr", "ar", "uk", "ru", "pl"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_receipt_is_in_the_writers_language(desk: Desk, language: str) -> None:
    desk.at("2026-11-21 18:10")
    writer = desk.citizen("Yilmaz")
    story = writer.writes("email", "…", subject="…", language=language)
    (receipt,) = writer.heard("email")
    greeting = i18n.texts(i18n.Language(language))["receipt_body"].split("\n")[0]
    assert receipt.startswith(greeting)
    assert story.number in receipt and "/anliegen/" in receipt and "{" not in receipt
    (sent,) = desk.providers["email"].sent
    assert sent.language == language and sent.subject is not None and story.number in sent.subject

    # and so is what stands below the answer
    story.answered("alex", "Im Postfach.")
    answer = desk.providers["email"].sent[-1]
    footer = i18n.text("reply_footer", language, number=story.number, link="LINK")
    assert answer.text.startswith("Im Postfach.") and footer.partition("LINK")[0] in answer.text


def test_no_two_languages_say_the_same(desk: Desk) -> None:
    said = {i18n.texts(i18n.Language(language))["receipt_body"] for language in LANGUAGES}
    assert len(said) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("said", "answered"), [("fr", "en"), ("de-AT", "de"), ("TR_tr", "tr"), ("", "de"), (None, "de")]
)
def test_a_language_we_do_not_write(desk: Desk, said: str | None, answered: str) -> None:
    desk.at("2026-11-21 18:10")
    desk.citizen("Yilmaz").writes("email", "…", language=said)
    (sent,) = desk.providers["email"].sent
    assert sent.language == answered


def test_a_person_is_remembered_by_their_language(desk: Desk) -> None:
    """The second message names none."""
    desk.at("2026-11-21 18:10")
    writer = desk.citizen("Yilmaz")
    story = writer.writes("telegram", "Portal çalışmıyor", language="tr")
    story.answered("alex", "Im Postfach.", then="resolved")
    desk.forward(days=30)
    writer.writes("telegram", "Merhaba")
    desk.forward(seconds=5)
    assert {sent.language for sent in desk.providers["telegram"].sent} == {"tr"}


def test_the_notice_of_a_third_party_is_in_the_writers_language(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    receipts = [desk.citizen(f"p-{code}").sends("telegram", "…", language=code) for code in ("tr", "uk", "de")]
    notices = [receipt.notice for receipt in receipts]
    assert len(set(notices)) == 3 and all(notice and "/stop" in notice for notice in notices)
