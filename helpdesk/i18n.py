"""Languages: which one a person gets, the fixed texts in eight of them, and instants in words of the local clock.

Two kinds of text. Pages go through gettext with German as source (`catalog`). What we send to people (receipts,
notices, pages to people on duty) is looked up by key (`text`) in `data/texts/<language>.toml`, one file per language,
since a receipt in Arabic has no German page behind it. Leichte Sprache is a language of its own with its own templates
and texts; gettext libraries fold `de-leicht` into `de`, so it never gets a catalogue.
"""

from __future__ import annotations

import gettext
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date


class Language(StrEnum):
    """Languages we write to people; the first three are those of the pages."""

    DE = "de"
    DE_LEICHT = "de-leicht"  #: Leichte Sprache, DIN SPEC 33429
    EN = "en"
    TR = "tr"
    AR = "ar"
    UK = "uk"
    RU = "ru"
    PL = "pl"

    @property
    def tag(self) -> str:
        """BCP 47 tag for `lang`. Leichte Sprache is German to a screen reader."""
        return "de" if self is Language.DE_LEICHT else self.value


_BY_CODE = {language.value: language for language in Language}
INTERFACE = (Language.DE, Language.DE_LEICHT, Language.EN)
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "ps", "ckb", "yi"})

#: 24-hour clock of Great Britain, since the times are those of a German office
_LOCALES = {Language.EN: Locale("en", "GB")}
_PREFERENCE = re.compile(r"^\s*([A-Za-z]{1,8})[-\w]*\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*$")
_PLACEHOLDER = re.compile(r"{(\w+)}")


# which language


def negotiate(header: str | None, *, among: tuple[Language, ...] = INTERFACE) -> Language:
    """The best language of `among` for an `Accept-Language` header (RFC 9110 §12.5.4); German if none fits.

    Leichte Sprache is only ever chosen by the reader, no browser asks for it.
    """
    offered = {language.value: language for language in among if language is not Language.DE_LEICHT}
    wanted = [match.groups() for part in (header or "")[:1000].split(",") if (match := _PREFERENCE.match(part))]
    ranked = sorted(wanted, key=lambda pair: -float(pair[1] or 1))
    fitting = (offered[tag.lower()] for tag, weight in ranked if float(weight or 1) > 0 and tag.lower() in offered)
    return next(fitting, Language.DE)


def language_of(code: str | None) -> Language:
    """The language we write in to somebody who uses `code` ("de-DE", "tr", "fr"): English where we have no text."""
    lowered = (code or "").strip().lower().replace("_", "-")
    primary = lowered.partition("-")[0]
    fallback = Language.EN if primary and primary not in {"und", "mul", "zxx"} else Language.DE
    return _BY_CODE.get(lowered) or _BY_CODE.get(primary) or fallback


def interface_language(code: str | None) -> Language | None:
    """`?sprache=` as a language of the pages, or None if we have no such pages."""
    return Language(code) if code in INTERFACE else None


def right_to_left(language: str) -> bool:
    """Whether text of this language starts at the right; any BCP 47 tag."""
    return language.lower().partition("-")[0] in RIGHT_TO_LEFT


# texts


def text(key: str, language: str, **values: object) -> str:
    """The fixed text `key` with its values put in. Values are inserted as they are, never read as a pattern.

    A value `True` becomes the text `<name>_mark` of that language (`late=True` → "verspätet"), `False` becomes nothing.
    Raises `KeyError` for an unknown key or a value that is missing.
    """
    words = texts(language_of(language))

    def put(match: re.Match[str]) -> str:
        value = values[match[1]]
        if isinstance(value, bool):
            return words[f"{match[1]}_mark"] if value else ""
        return str(value)

    return _PLACEHOLDER.sub(put, words[key])


def placeholders(key: str, language: str) -> frozenset[str]:
    """Names of the values that a text needs."""
    return frozenset(_PLACEHOLDER.findall(texts(language_of(language))[key]))


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All fixed texts of one language by key; German where the language has none (texts for staff, opening hours)."""
    own = {key: value.strip("\n") for key, value in _file(language)["texts"].items()}
    return own if language is Language.DE else {**texts(Language.DE), **own}


@cache
def unreviewed() -> tuple[Language, ...]:
    """Languages whose texts no reader of that language has confirmed yet; `helpdesk check` names them."""
    return tuple(language for language in Language if _file(language)["review"]["by"] == "")


@cache
def _file(language: Language) -> Mapping[str, Mapping[str, str]]:
    content = (files("helpdesk") / "data" / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)


@cache
def catalog(language: Language) -> gettext.NullTranslations:
    """The gettext catalogue of the pages. German is the source, so it and Leichte Sprache pass through unchanged."""
    if language is not Language.EN:
        return gettext.NullTranslations()
    compiled = files("helpdesk") / "locale" / "en" / "LC_MESSAGES" / "messages.mo"
    with compiled.open("rb") as stream:
        return gettext.GNUTranslations(stream)


# instants in words


def promise_words(due_at: datetime, now: datetime, tz: tzinfo, language: str) -> str:
    """ "heute bis 19:10 Uhr", "bis morgen, Freitag, 8:45 Uhr", "bis Montag, 30. November, 10:00 Uhr".

    Aware instants. Seconds are rounded up to the minute, so that a clock that is met never breaks the words.
    """
    due, today = _up_to_the_minute(due_at).astimezone(tz), now.astimezone(tz).date()
    days = (due.date() - today).days
    key = {0: "promise_today", 1: "promise_tomorrow"}.get(days, "promise_later")
    return text(
        key, language, time=_clock(due, language), weekday=_weekday(due, language), day=_day(due, now, language)
    )


def moment_words(at: datetime, now: datetime, tz: tzinfo, language: str) -> str:
    """ "heute, 19:21 Uhr", "gestern, 8:05 Uhr", "Mittwoch, 18. November, 8:05 Uhr": when something happened or will."""
    local, today = at.astimezone(tz), now.astimezone(tz).date()
    days = (local.date() - today).days
    key = {-1: "moment_yesterday", 0: "moment_today", 1: "moment_tomorrow"}.get(days, "moment_other")
    return text(key, language, time=_clock(local, language), day=_day(local, now, language))


def opening_words(*, is_open: bool, changes_at: datetime | None, now: datetime, tz: tzinfo, language: str) -> str:
    """ "geöffnet bis 22 Uhr", "wieder ab morgen, Freitag, 8 Uhr"; without a next change "rund um die Uhr geöffnet"."""
    if changes_at is None:
        return text("open_always" if is_open else "closed_for_now", language)
    local, today = changes_at.astimezone(tz), now.astimezone(tz).date()
    state = "open_until" if is_open else "opens"
    days = (local.date() - today).days
    day = {0: "today", 1: "tomorrow"}.get(days, "weekday" if 1 < days < 7 else "other")
    return text(
        f"{state}_{day}",
        language,
        time=_short_clock(local, language),
        weekday=_weekday(local, language),
        day=_day(local, now, language),
    )


def _up_to_the_minute(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(minutes=1)


def _clock(local: datetime, language: str) -> str:
    """ "19:10 Uhr"; in the repeated hour of October also which of the two it is."""
    words = text("clock", language, time=f"{local.hour}:{local.minute:02}")
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return words
    return f"{words} {text('clock_second' if local.fold else 'clock_first', language)}"


def _short_clock(local: datetime, language: str) -> str:
    """ "22 Uhr" where no minutes are to be told."""
    if local.minute:
        return _clock(local, language)
    return text("clock_hour", language, hour=local.hour)


def _weekday(local: datetime, language: str) -> str:
    return format_date(local, "EEEE", locale=_locale(language))


def _day(local: datetime, now: datetime, language: str) -> str:
    """ "Montag, 30. November", with the year if it is another one."""
    pattern = "day_pattern" if local.year == now.astimezone(local.tzinfo).year else "day_year_pattern"
    return format_date(local, text(pattern, language), locale=_locale(language))


def _locale(language: str) -> Locale:
    known = language_of(language)
    return _LOCALES.get(known) or Locale.parse(known.tag)
