"""Languages are negotiated, texts exist in all eight, and instants become words of the local clock."""

from __future__ import annotations

import inspect
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from helpdesk import i18n
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import Language

ZONE = ZoneInfo("Europe/Berlin")
THURSDAY_EVENING = datetime(2026, 11, 19, 19, 42, tzinfo=ZONE)

TO_CITIZENS = {
    "receipt_subject": {"number"},
    "receipt_body": {"number", "promise", "link"},
    "receipt_body_no_promise": {"number", "link"},
    "reply_subject": {"number"},
    "reply_footer": {"number", "link"},
    "reopened_note": {"number", "promise", "link"},
    "reopened_note_no_promise": {"number", "link"},
    "notice_third_party": {"service", "carrier", "place", "link", "phone", "stop"},
    "pointer_reply": {"number", "state", "promise", "link"},
    "pointer_reply_no_promise": {"number", "state", "link"},
    **{f"state_{state}": set() for state in ("received", "working", "answered", "waiting", "solved", "closed")},
    "promise_today": {"time"},
    "promise_tomorrow": {"weekday", "time"},
    "promise_later": {"day", "time"},
}
TO_STAFF = {
    "page_text": {"severity", "number", "portal", "title", "late", "code"},
    "acknowledged": {"number"},
    "already_acknowledged": {"number", "by", "at"},
    "already_closed": {"number"},
    "not_recorded": set(),
}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("key", "names"), TO_CITIZENS.items())
def test_every_language_has_its_own_text_with_the_same_values(language: Language, key: str, names: set[str]):
    own = i18n._file(language)["texts"]
    assert own[key].strip()
    assert i18n.placeholders(key, language) == names


@pytest.mark.parametrize(("key", "names"), TO_STAFF.items())
def test_staff_reads_german_whatever_the_citizen_speaks(key: str, names: set[str]):
    assert i18n.placeholders(key, "de") == names
    assert i18n.texts(Language.AR)[key] == i18n.texts(Language.DE)[key]


@pytest.mark.parametrize("language", Language)
def test_no_language_knows_a_key_that_german_lacks(language: Language):
    assert set(i18n._file(language)["texts"]) <= set(i18n._file(Language.DE)["texts"])


@pytest.mark.parametrize("language", [language for language in i18n.Language if language not in i18n.INTERFACE])
def test_the_legal_sentence_is_never_translated_by_us(language: Language):
    for key in ("receipt_body", "receipt_body_no_promise"):
        assert "Ihre Frist kann weiterlaufen. Eine Nachricht an uns wahrt sie nicht." in i18n.texts(language)[key]


def test_no_text_says_that_a_deadline_is_extended():
    everything = " ".join(text.lower() for language in Language for text in i18n.texts(language).values())
    for word in ("verlängert", "extended", "uzatıl", "продовж", "продл", "przedłuż", "تمديد"):
        assert word not in everything


def test_languages_nobody_has_confirmed_are_named():
    assert Language.DE not in i18n.unreviewed()
    assert {Language.TR, Language.AR, Language.UK, Language.RU, Language.PL} <= set(i18n.unreviewed())


def test_values_are_put_in_and_never_read_as_a_pattern():
    receipt = i18n.text("receipt_body", "de", number="{link}", promise="heute", link="https://x.example/{number}")
    assert "Anliegens ist {link}." in receipt
    assert "https://x.example/{number}" in receipt


def test_a_missing_value_and_an_unknown_key_are_errors():
    with pytest.raises(KeyError):
        i18n.text("receipt_subject", "de")
    with pytest.raises(KeyError):
        i18n.text("no_such_text", "de")


def test_a_late_page_says_so_and_ends_with_its_code():
    values = {"severity": "S1", "number": "T-1", "portal": "Portal", "title": "Ausfall", "code": 52}
    late, in_time = (i18n.text("page_text", "de", late=late, **values) for late in (True, False))
    assert late == "S1 T-1 Portal: Ausfall, verspäteter Alarm. Annehmen: ja 52"
    assert in_time == "S1 T-1 Portal: Ausfall. Annehmen: ja 52"


@pytest.mark.parametrize(
    ("due", "language", "words"),
    [
        ("2026-11-19 20:00", "de", "heute bis 20:00 Uhr"),
        ("2026-11-20 08:45", "de", "bis morgen, Freitag, 8:45 Uhr"),
        ("2026-11-30 10:00", "de", "bis Montag, 30. November, 10:00 Uhr"),
        ("2027-01-04 10:00", "de", "bis Montag, 4. Januar 2027, 10:00 Uhr"),
        ("2026-11-19 20:00", "de-leicht", "heute bis 20:00 Uhr"),
        ("2026-11-20 08:45", "de-leicht", "morgen, am Freitag, bis 8:45 Uhr"),
        ("2026-11-30 10:00", "de-leicht", "am Montag, 30. November, bis 10:00 Uhr"),
        ("2026-11-19 20:00", "en", "today by 20:00"),
        ("2026-11-20 08:45", "en", "by tomorrow, Friday, 8:45"),
        ("2026-11-30 10:00", "en", "by Monday, 30 November, 10:00"),
        ("2026-11-30 10:00", "tr", "en geç 30 Kasım Pazartesi, saat 10:00"),
        ("2026-11-30 10:00", "ar", "حتى الاثنين، 30 نوفمبر، الساعة 10:00"),
        ("2026-11-30 10:00", "uk", "не пізніше ніж понеділок, 30 листопада, 10:00"),
        ("2026-11-30 10:00", "ru", "не позднее чем понедельник, 30 ноября, 10:00"),
        ("2026-11-30 10:00", "pl", "najpóźniej poniedziałek, 30 listopada, godz. 10:00"),
        ("2026-11-18 09:00", "de", "bis Mittwoch, 18. November, 9:00 Uhr"),
    ],
)
def test_a_promise_is_told_in_words(due: str, language: str, words: str):
    due_at = datetime.fromisoformat(due).replace(tzinfo=ZONE).astimezone(UTC)
    assert i18n.promise_words(due_at, THURSDAY_EVENING.astimezone(UTC), ZONE, language) == words


def test_seconds_are_rounded_up_even_over_midnight():
    due_at = datetime(2026, 11, 19, 23, 59, 30, tzinfo=ZONE)
    assert i18n.promise_words(due_at, THURSDAY_EVENING, ZONE, "de") == "bis morgen, Freitag, 0:00 Uhr"


def test_the_repeated_hour_says_which_of_the_two_it_is():
    now = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert i18n.promise_words(first, now, ZONE, "de") == "bis morgen, Sonntag, 2:30 Uhr (Sommerzeit)"
    assert i18n.promise_words(second, now, ZONE, "de") == "bis morgen, Sonntag, 2:30 Uhr (Winterzeit)"


@pytest.mark.parametrize(
    ("is_open", "changes", "language", "words"),
    [
        (True, "2026-11-19 22:00", "de", "geöffnet bis 22 Uhr"),
        (True, "2026-11-19 21:30", "de", "geöffnet bis 21:30 Uhr"),
        (False, "2026-11-19 20:15", "de", "wieder ab 20:15 Uhr"),
        (False, "2026-11-20 08:00", "de", "wieder ab morgen, Freitag, 8 Uhr"),
        (False, "2026-11-23 07:00", "de", "wieder ab Montag, 7 Uhr"),
        (False, "2026-12-28 07:00", "de", "wieder ab Montag, 28. Dezember, 7 Uhr"),
        (True, None, "de", "rund um die Uhr geöffnet"),
        (False, None, "de", "zurzeit geschlossen"),
        (True, "2026-11-19 22:00", "en", "open until 22:00"),
        (False, "2026-11-23 07:00", "de-leicht", "wieder offen ab Montag, 7 Uhr"),
    ],
)
def test_opening_hours_are_told_in_words(is_open: bool, changes: str | None, language: str, words: str):
    at = datetime.fromisoformat(changes).replace(tzinfo=ZONE) if changes else None
    told = i18n.opening_words(is_open=is_open, changes_at=at, now=THURSDAY_EVENING, tz=ZONE, language=language)
    assert told == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-19 19:21", "heute, 19:21 Uhr"),
        ("2026-11-18 08:05", "gestern, 8:05 Uhr"),
        ("2026-11-16 08:05", "Montag, 16. November, 8:05 Uhr"),
        ("2025-11-16 08:05", "Sonntag, 16. November 2025, 8:05 Uhr"),
    ],
)
def test_moments_are_told_in_words(at: str, words: str):
    assert i18n.moment_words(datetime.fromisoformat(at).replace(tzinfo=ZONE), THURSDAY_EVENING, ZONE, "de") == words


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "de"),
        ("", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,en;q=0.3,de;q=0.7", "de"),
        ("en;q=0,de", "de"),
        ("fr", "de"),
        ("*", "de"),
        ("de-leicht", "de"),
        (";;,q=,en;q=2,\x00" + "x" * 50_000, "de"),
    ],
)
def test_the_browser_says_which_language_it_likes(header: str | None, language: str):
    assert i18n.negotiate(header) == language


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("de-DE", "de"),
        ("de_AT", "de"),
        ("de-leicht", "de-leicht"),
        ("tr", "tr"),
        ("AR-eg", "ar"),
        ("fr", "en"),
        ("", "de"),
        (None, "de"),
        ("und", "de"),
    ],
)
def test_who_writes_a_language_we_lack_reads_english(code: str | None, language: str):
    assert i18n.language_of(code) == language


def test_right_to_left_and_tags():
    assert [code for code in ("ar", "ar-EG", "he", "fa-IR", "de", "tr") if i18n.right_to_left(code)] == [
        "ar",
        "ar-EG",
        "he",
        "fa-IR",
    ]
    assert Language.DE_LEICHT.tag == "de"
    assert i18n.interface_language("de-leicht") is Language.DE_LEICHT
    assert i18n.interface_language("tr") is None
    assert i18n.interface_language(None) is None


LOCALE = Path(i18n.__file__).parent / "locale"


def extracted() -> set[str]:
    """All messages of the source, as Babel finds them."""
    with (LOCALE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    root = LOCALE.parents[1]
    found = extract_from_dir(root, methods, options, directory_filter=wanted_directory)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


def wanted_directory(path: str | os.PathLike[str]) -> bool:
    inside = Path(path).relative_to(LOCALE.parents[1]).parts
    return inside[:1] == ("helpdesk",) and "static" not in inside


def test_every_text_of_the_pages_has_an_english_one_and_none_is_left_over():
    with (LOCALE / "en/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file, locale="en")
    assert {str(message.id) for message in catalog if message.id} == extracted()
    assert [message.id for message in catalog if message.id and (not message.string or message.fuzzy)] == []
    assert [error for message in catalog for error in message.check(catalog)] == []


def test_the_compiled_catalogue_is_the_one_that_was_written():
    with (LOCALE / "en/LC_MESSAGES/messages.po").open("rb") as file:
        written = {str(message.id): message.string for message in read_po(file, locale="en") if message.id}
    english = i18n.catalog(Language.EN)
    assert {german: english.gettext(german) for german in written} == written


@pytest.mark.parametrize("error", HelpdeskError.__subclasses__())
def test_every_error_can_be_told_in_english(error: type[HelpdeskError]):
    german = inspect.getdoc(error)
    assert german
    assert i18n.catalog(Language.EN).gettext(german) != german
    assert i18n.catalog(Language.DE).gettext(german) == german
