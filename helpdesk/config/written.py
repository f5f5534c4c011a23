"""Calendars, rotas and policies: as people write them in TOML, and as the engine reads them (ENGINE §1.2, §4.1, §5.1).

Two things differ. Files are flat, with name and provenance beside the rule; the engine's part stands apart, since it
refuses keys that it does not know. And files say "the holidays of NRW" where the engine wants dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from helpdesk.config.record import Record, text, texts
from helpdesk.holidays import LANDS, NRW, iso_dates

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BESIDE: Final = ("basis", "source", "note")
BERLIN: Final = "Europe/Berlin"


class Unreadable(ValueError):
    """A table that cannot be translated; `key` is the place inside it."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


# calendars

CALENDAR_KEYS: Final = frozenset(
    {"name", "timezone", "land", "holidays", "without_holidays", "extra_holidays", "overrides", *WEEKDAYS, *BESIDE}
)


def calendar_content(written: Record, years: Iterable[int]) -> Record:
    """Hours per weekday, `holidays` = the mode, `land` whose holidays are filled in for `years`.

    `without_holidays` takes dates out (an office that opens on a legal holiday adds an override for it),
    `extra_holidays` puts some in.
    """
    _only(written, CALENDAR_KEYS)
    land = text(written, "land") or NRW
    if land not in LANDS:
        raise Unreadable("land", f"„{land}“ ist kein Land der Bundesrepublik ({', '.join(sorted(LANDS))})")
    without, extra = texts(written, "without_holidays"), texts(written, "extra_holidays")
    dates = (set(iso_dates(land, years)) - set(without)) | set(extra)
    calendar: dict[str, object] = {
        "timezone": written.get("timezone", BERLIN),
        "week": {day: written[day] for day in WEEKDAYS if written.get(day)},
        "holidays": sorted(dates),
        "holiday_mode": written.get("holidays", "closed"),
    }
    if written.get("overrides"):
        calendar["overrides"] = written["overrides"]
    beside = {"land": land} if land != NRW else {}
    return {**_named(written), **beside, "calendar": calendar}


def calendar_written(content: Record) -> Record:
    """The way back, for the export: what `calendar_content` makes the same of in the same year."""
    calendar = _part(content, "calendar")
    week = _part(calendar, "week")
    land = text(content, "land") or NRW
    dates = texts(calendar, "holidays")
    legal = iso_dates(land, _years(dates))
    found: dict[str, object] = {
        "name": content["name"],
        "land": land,
        "holidays": calendar.get("holiday_mode", "closed"),
        "timezone": calendar.get("timezone", BERLIN),
        "without_holidays": sorted(set(legal) - set(dates)),
        "extra_holidays": sorted(set(dates) - set(legal)),
        **{day: week[day] for day in WEEKDAYS if day in week},
        "overrides": calendar.get("overrides"),
    }
    defaults = {"land": NRW, "timezone": BERLIN}
    kept = {key: value for key, value in found.items() if value and value != defaults.get(key)}
    return {**kept, **_beside(content)}


# rotas

ROTA_KEYS: Final = frozenset(
    {"name", "team", "promised", "tz", "rotations", "layers", "holidays", "swaps", "overrides", "temporary", *BESIDE}
)


def rota_content(written: Record, years: Iterable[int]) -> Record:
    """`holidays` is a list of dates, or the Land whose holidays are filled in."""
    _only(written, ROTA_KEYS)
    for key in ("team", "promised"):
        if not text(written, key):
            raise Unreadable(key, f"„{key}“ fehlt")
    outside = {"name", "team", "promised", *BESIDE}
    rota = {"tz": BERLIN, **{key: value for key, value in written.items() if key not in outside}}
    land = rota.get("holidays")
    if isinstance(land, str):
        if land not in LANDS:
            raise Unreadable("holidays", f"„{land}“ ist kein Land der Bundesrepublik ({', '.join(sorted(LANDS))})")
        rota["holidays"] = iso_dates(land, years)
    return {**_named(written), "team": written["team"], "promised": written["promised"], "rota": rota}


def rota_written(content: Record) -> Record:
    rota = dict(_part(content, "rota"))
    dates = texts(rota, "holidays")
    if dates and dates == iso_dates(NRW, _years(dates)):
        rota["holidays"] = NRW
    return {**{key: value for key, value in content.items() if key != "rota"}, **rota}


# policies


def policy_content(written: Record) -> Record:
    """The engine's part holds the name too (ENGINE §5.1); which other keys there are, the engine says."""
    policy = {key: value for key, value in written.items() if key not in BESIDE}
    return {**_named(written), "policy": policy}


def policy_written(content: Record) -> Record:
    return {**_part(content, "policy"), **_beside(content)}


def _named(written: Record) -> dict[str, object]:
    name = text(written, "name")
    if not name:
        raise Unreadable("name", "„name“ fehlt")
    return {"name": name, **_beside(written)}


def _beside(record: Record) -> dict[str, object]:
    return {key: record[key] for key in BESIDE if key in record}


def _part(content: Record, key: str) -> Record:
    part = content.get(key)
    return part if isinstance(part, Mapping) else {}


def _years(dates: list[str]) -> range:
    years = [int(day[:4]) for day in dates]
    return range(min(years), max(years) + 1) if years else range(0)


def _only(written: Record, known: frozenset[str]) -> None:
    for key in written:
        if key not in known:
            raise Unreadable(key, "diesen Schlüssel gibt es hier nicht")
