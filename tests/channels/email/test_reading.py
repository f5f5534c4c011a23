"""What the reader makes of everyday and of ugly mails."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from channels.email.parsing import as_json, parse
from channels.email.reading import Unreadable, attachments, read
from helpdesk.channel import DeliveryReport, InboundMessage, Kind
from tests.channels.email.mails import KEY, MARKS, PAYLOADS, RULES, mail, message, payload, raw

UGLY: dict[str, dict[str, Any]] = {
    "boundary_never_used": {"text": "Gar keine Teile"},
    "broken_base64": {"from": "a@example.org"},
    "chinese": {"text": "你好，门户打不开", "charset_errors": []},
    "cyrillic_unlabelled": {"text": "Здравствуйте, портал не работает, помогите пожалуйста."},
    "declared_latin1_is_cp1252": {"text": "„Zitat“ – 5 €, grüße", "charset_errors": []},
    "declared_utf8_is_latin1": {
        "text": "Grüße",
        "charset_errors": ["part 1: declared utf-8, read as cp1252"],
    },
    "emoji_only": {"subject": "🔥🔥", "text": "👩‍👩‍👧‍👦🇩🇪"},
    "empty_body": {"subject": "Nur Betreff", "text": "", "message_id": "<leer@example.org>"},
    "flowed": {"text": "Ein langer Satz, der weitergeht.\n\nNeuer Absatz\n-- \nGruß"},
    "group_and_comments": {"from": "a@example.org", "to": ["x@example.org", "Y@example.org"]},
    "korean": {"from_name": "김본", "subject": "안녕", "text": "안녕하세요"},
    "mbox_from_line": {"from": "a@example.org", "text": "Text"},
    "newsletter": {"from": "no-reply@news.example", "auto_submitted": False},
    "no_blank_line": {"subject": "x", "text": "Kein Leerzeichen davor."},
    "no_message_id": {"message_id": "", "text": "Hilfe"},
    "nul_bytes": {"subject": "ab"},
    "out_of_office": {"auto_submitted": True, "bounce": False},
    "path_in_filename": {"text": ""},
    "raw_8bit_headers": {
        "from_name": "Müller",
        "subject": "Störung in Köln",
        "text": "kein Zeichensatz genannt: grüße",
    },
    "right_to_left": {"from_name": "سارة", "subject": "مشكلة"},
    "spoofed_display_name": {"from": "boese@evil.example", "from_name": "agent@nrw.example"},
    "spoofed_encoded_word": {"from": "=?utf-8?Q?agent?=@example.com"},
    "unclosed_multipart": {"text": "abgeschnit"},
    "unknown_charset": {"subject": "Grüße", "text": "Grüße"},
    "utf16": {"text": "Grüße"},
    "utf7": {"text": "Grüße"},
}


@pytest.mark.parametrize("name", sorted(UGLY))
def test_an_ugly_mail_is_read_as_a_person_would(name: str) -> None:
    found = as_json(parse(payload(name)))
    assert {field: found[field] for field in UGLY[name]} == UGLY[name]


def test_every_field_of_an_everyday_mail() -> None:
    assert as_json(parse(payload("plain"))) == {
        "from": "Aenne.Mueller@example.org",
        "from_name": "Änne Müller",
        "to": ["hilfe@nrw.example", "amt@koeln.example"],
        "cc": ["joerg@example.org"],
        "reply_to": "antwort@example.org",
        "subject": "Störung beim Wohngeld-Antrag 😊",
        "text": "Guten Tag,\n\ndas Formular lädt nicht: „Fehler 500“ – seit 3 €.\n\nMit freundlichen Grüßen\nÄnne Müller",
        "html": "",
        "message_id": "<abc.1@example.org>",
        "in_reply_to": "<vorher@example.org>",
        "references": ["<ganz-frueh@example.org>", "<vorher@example.org>"],
        "date": "2026-11-21T17:10:00+00:00",
        "auto_submitted": False,
        "bounce": False,
        "attachments": [],
        "charset_errors": [],
    }


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("MAILER-DAEMON@mx.example.net", "failure notice"),
        ("mailer-daemon@googlemail.example", "Delivery Status Notification (Failure)"),
        ("postmaster@stadt.example", "Unzustellbar: Ihr Anliegen"),
        ("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@stadt.example", "Undeliverable: Ihr Anliegen"),
        ("Mailer-Daemon@mx.example.net", "Zustellung der E-Mail fehlgeschlagen"),
    ],
)
def test_bounces_of_all_makes_are_known(sender: str, subject: str) -> None:
    assert parse(mail(subject=subject, **{"from": sender})).bounce
    assert not parse(mail(subject=subject)).bounce, "a person may write such a subject"


def test_a_subject_has_one_line_and_keeps_its_spaces() -> None:
    folded = b"From: a@example.org\nSubject: Antrag  Nr.\n\t5 =?utf-8?q?f=C3=BCr=0A?=\n =?utf-8?q?Bonn?=\n\nx\n"
    assert parse(folded).subject == "Antrag  Nr. 5 für Bonn"


def test_attachments_keep_their_names_and_bytes_in_every_encoding() -> None:
    pdf, notes = b"%PDF-1.4 " + bytes(range(256)), b"Zeile 1\r\nZeile 2"
    found = parse(payload("alternative_with_attachments"))
    assert [(file.name, file.size) for file in found.attachments] == [
        ("logo.png", 12),
        ("Straßen und Plätze.pdf", len(pdf)),
        ("Prüfung.txt", len(notes)),
    ]
    assert [file.sha256 for file in found.attachments[1:]] == [
        hashlib.sha256(each).hexdigest() for each in (pdf, notes)
    ]
    assert found.text == "Grüße aus Büren"


def test_html_is_harmless_and_shows_no_remote_picture() -> None:
    html = parse(payload("alternative_with_attachments")).html + parse(payload("html_only")).html
    assert "cid:logo" in html
    for harmful in ("script", "spur.example", "evil.example", "onload", "javascript", "style"):
        assert harmful not in html


def test_an_html_mail_is_read_as_text_with_its_links_and_without_the_quote() -> None:
    assert message("html_only").text == (
        "Störung\n\nSeite hier (https://portal.nrw.example/x?a=1&b=2) lädt\nnicht <seit heute>.\n\n- eins\n- zwei\n\nklick"
    )


def test_a_mail_inside_a_mail_is_a_file() -> None:
    (file,) = message("forwarded_mail").files
    assert (file.name, file.media_type) == ("teil-2.eml", "message/rfc822")
    assert message("forwarded_mail").text == "Bitte ansehen"


def test_a_named_text_is_a_file_only_beside_another_text() -> None:
    named = b'From: a@example.org\nContent-Type: text/plain; name="brief.txt"\n\nDer Brief selbst\n'
    assert (message(named).text, message(named).files) == ("Der Brief selbst", ())


def test_a_file_name_has_no_folder_and_no_direction_marks() -> None:
    (file,) = message("path_in_filename").files
    assert "/" not in file.name and "\\" not in file.name and "‮" not in file.name
    assert file.name.endswith("evil.exe")


def test_the_files_of_an_original_come_with_their_bytes() -> None:
    found = list(attachments(raw(payload("alternative_with_attachments"))))
    assert [file for file, _ in found] == list(message("alternative_with_attachments").files)
    assert [len(content) for _, content in found] == [12, 265, 16]


def test_reading_twice_gives_the_same() -> None:
    for path in sorted(PAYLOADS.glob("*.eml")):
        original = raw(path.read_bytes())
        assert read(original, RULES) == read(original, RULES), path.stem


def test_no_database_refuses_what_was_read() -> None:
    found = message("nul_bytes")
    for text in (found.text, found.subject or ""):
        assert "\x00" not in text
        assert text.encode("utf-8").decode("utf-8") == text
    assert "nach" in found.text


def test_an_answer_carries_only_what_is_new() -> None:
    assert message("outlook_reply").text == "Danke, es geht wieder."
    assert message("outlook_reply").hints == ("number:T-2026-004711",)


def test_the_same_mail_by_another_way_is_the_same_mail() -> None:
    again = b"Received: from elsewhere\nDelivered-To: hilfe+x@nrw.example\n" + payload("plain")
    assert message(again).external_id == message("plain").external_id


@pytest.mark.parametrize(
    "other",
    [
        mail("Hallo", message_id="<1@example.org>", **{"from": "boese@example.org"}),
        mail("Etwas anderes", message_id="<1@example.org>"),
        mail("Hallo", message_id=""),
        mail("Hallo", message_id="<2@example.org>"),
    ],
    ids=["other author", "other text", "no id", "other id"],
)
def test_a_repeated_or_forged_message_id_hides_no_mail(other: bytes) -> None:
    assert message(other).external_id != message(mail("Hallo")).external_id


def test_without_message_id_two_writers_of_one_word_are_two_mails() -> None:
    morning = mail("Hilfe!", message_id="", date="Sat, 21 Nov 2026 08:00:00 +0100")
    evening = mail("Hilfe!", message_id="", date="Sat, 21 Nov 2026 20:00:00 +0100")
    assert message(morning).external_id != message(evening).external_id


def test_a_very_long_message_id_still_fits_into_a_key() -> None:
    assert len(message(mail(message_id=f"<{'a' * 900}@example.org>")).external_id) < 300


@pytest.mark.parametrize(
    ("name", "kind", "automatic"),
    [
        ("plain", Kind.MESSAGE, False),
        ("out_of_office", Kind.AUTOREPLY, True),
        ("read_receipt", Kind.AUTOREPLY, True),
        ("newsletter", Kind.MESSAGE, True),
        ("bounce_delayed", Kind.AUTOREPLY, True),
    ],
)
def test_robots_are_known(name: str, kind: Kind, automatic: bool) -> None:
    found = message(name)
    assert (found.kind, found.automatic) == (kind, automatic)


def test_our_own_mail_coming_back_gets_no_automatic_answer() -> None:
    assert message(mail(**{"from": "hilfe+tabc.def@nrw.example"})).automatic


@pytest.mark.parametrize("body", [b"", b"\n", b"\x00" * 100, b"Subject: niemand\n\nx", b"kein Feld\n\nText"])
def test_what_nobody_can_have_sent_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw(body), RULES)
    assert as_json(parse(body))["from"] == ""


def test_a_bounce_with_our_message_id_names_the_delivery() -> None:
    body = payload("bounce_postfix").replace(b"@@MESSAGE-ID@@", MARKS.message_id(KEY, "k3y9").encode())
    (report,) = read(raw(body), RULES)
    assert isinstance(report, DeliveryReport)
    assert (report.key, report.provider_id) == (KEY, MARKS.message_id(KEY, "k3y9"))
    assert (report.state.value, report.reason and report.reason.value) == ("failed", "quota")


def test_a_bounce_without_machine_marks_is_known_by_where_it_comes() -> None:
    body = payload("bounce_without_marks").replace(b"@@VERP@@", (MARKS.bounce_address(KEY) or "").encode())
    (report,) = read(raw(body), RULES)
    assert isinstance(report, DeliveryReport)
    assert (report.key, report.reason and report.reason.value) == (KEY, "invalid_address")


def test_a_foreign_bounce_is_a_note_and_no_report() -> None:
    body = payload("bounce_postfix").replace(b"@@MESSAGE-ID@@", b"<fremd@nrw.example>")
    (found,) = read(raw(body), RULES)
    assert isinstance(found, InboundMessage)
    assert (found.kind, found.automatic) == (Kind.AUTOREPLY, True)


def test_an_out_of_office_note_to_the_envelope_sender_is_no_bounce() -> None:
    verp = MARKS.bounce_address(KEY) or ""
    found = message(mail("Bin weg", to=verp, subject="Abwesend", auto_submitted="auto-replied", return_path="<>"))
    assert found.kind is Kind.AUTOREPLY


def test_a_mail_of_which_only_the_beginning_was_fetched_says_so() -> None:
    (found,) = read(raw(mail("Anfang"), {"x-anlaufstelle-full-size": "31000000"}), RULES)
    assert isinstance(found, InboundMessage)
    assert "Anfang" in found.text and "31 MB" in found.text


def test_a_very_long_text_is_shortened_visibly() -> None:
    found = message(mail("Wort " * 50_000))
    assert len(found.text) < 100_100
    assert found.text.endswith("[… gekürzt, vollständig im Original]")


def test_languages_of_the_world_survive() -> None:
    text = "äöüß €, „Zitat“, العربية, Türkçe, 👍🏽"
    assert message(mail(text, subject=text, content_language="tr")).text == text
    assert message(mail(text, subject=text, content_language="tr")).subject == text
    assert message(mail(text, content_language="tr-TR")).language == "tr"
