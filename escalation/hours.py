"""Service hours as written down: weekly hours, holidays, overrides, and the checks a written form must pass.

Nothing here knows an instant; `escalation.daytable` turns hours into stretches of real time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_TIMEZONE = "Europe/Berlin"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = frozenset({"timezone", "week", "holidays", "holiday_mode", "overrides"})
MIDNIGHT = 24 * 60

#: intervals of one local date, `(from, to)` in minutes after local midnight, ascending and disjoint; `to` may be 1440
Hours = tuple[tuple[int, int], ...]


class HolidayMode(StrEnum):
    """What happens on a date of the holiday list."""

    CLOSED = "closed"  #: no hours at all, an override does not open it
    OPEN = "open"  #: a date like any other, overrides count
    SUNDAY_HOURS = "sunday_hours"  #: the weekly hours of Sunday, overrides do not count


class TimeKind(StrEnum):
    """What a stretch of time, or a whole date, is to a service calendar."""

    OPEN = "open"
    CLOSED = "closed"  #: outside the hours
    HOLIDAY = "holiday"  #: without hours because the date is a holiday
    OVERRIDE_CLOSED = "override_closed"  #: without hours because somebody closed this very date
    PAUSED = "paused"  #: only in the ledger of a clock: the requester owes us something


class HoursSource(StrEnum):
    """Which part of the calendar gave a date its hours."""

    WEEK = "week"
    OVERRIDE = "override"
    HOLIDAY = "holiday"
    SUNDAY_HOURS = "sunday_hours"  #: a holiday that runs like a Sunday


class CalendarErrorCode(StrEnum):
    """Why a written calendar is refused."""

    NEVER_OPEN = "never_open"  #: no open interval at all
    NOT_AFTER_OPENING = "not_after_opening"  #: closing must come after opening; midnight as an end is 24:00
    BAD_TIME = "bad_time"  #: not HH:MM, later than 24:00, or opening at 24:00
    OVERLAP = "overlap"  #: two intervals of one date share time
    UNKNOWN_TIMEZONE = "unknown_timezone"  #: not in the IANA database
    UNKNOWN_WEEKDAY = "unknown_weekday"  #: other than mon … sun
    BAD_DATE = "bad_date"  #: not an ISO date YYYY-MM-DD
    BAD_MODE = "bad_mode"  #: no such holiday mode
    UNKNOWN_KEY = "unknown_key"  #: the format has no such key


class CalendarError(ValueError):
    """A written calendar that is refused: `code` for machines, `where` as a path into it, `message` for people."""

    def __init__(self, code: CalendarErrorCode, where: str, message: str) -> None:
        super().__init__(f"{where}: {message} ({code})")
        self.code = code
        self.where = where
        self.message = message


@dataclass(frozen=True, kw_only=True)
class ServiceHours:
    """A calendar's content after all checks; equal content is equal and hashes alike."""

    timezone: str
    week: tuple[Hours, ...]  #: seven entries, Monday first
    holidays: frozenset[date]
    holiday_mode: HolidayMode
    overrides: tuple[tuple[date, Hours], ...]

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> "ServiceHours":
        """Read the written form (keys: `KEYS`, only `week` is required); raises CalendarError, repairs nothing."""
        _refuse_unknown_keys(raw)
        return cls(
            timezone=_timezone(raw.get("timezone", DEFAULT_TIMEZONE)),
            week=_week(raw.get("week")),
            holidays=_holidays(raw.get("holidays", ())),
            holiday_mode=_holiday_mode(raw.get("holiday_mode", HolidayMode.CLOSED)),
            overrides=_overrides(raw.get("overrides", {})),
        )

    @property
    def repeats(self) -> bool:
        """Whether the week opens at all; if not, only overrides do and the calendar has an end."""
        return any(self.week)

    def special_dates(self) -> dict[date, tuple[Hours, HoursSource]]:
        """The dates that do not follow the week. A holiday beats an override unless the mode is `open`."""
        special = {day: (hours, HoursSource.OVERRIDE) for day, hours in self.overrides}
        if self.holiday_mode is HolidayMode.CLOSED:
            special.update((day, ((), HoursSource.HOLIDAY)) for day in self.holidays)
        elif self.holiday_mode is HolidayMode.SUNDAY_HOURS:
            special.update((day, (self.week[6], HoursSource.SUNDAY_HOURS)) for day in self.holidays)
        return special


def kind_without_hours(source: HoursSource) -> TimeKind:
    """What to call a date that has no hours, by the part of the calendar that says so."""
    match source:
        case HoursSource.WEEK:
            return TimeKind.CLOSED
        case HoursSource.OVERRIDE:
            return TimeKind.OVERRIDE_CLOSED
        case HoursSource.HOLIDAY | HoursSource.SUNDAY_HOURS:
            return TimeKind.HOLIDAY


def _refuse_unknown_keys(raw: Mapping[str, object]) -> None:
    for key in raw:
        if key not in KEYS:
            raise CalendarError(CalendarErrorCode.UNKNOWN_KEY, str(key), "Diesen Schlüssel gibt es nicht.")


def _timezone(raw: object) -> str:
    try:
        if isinstance(raw, str):
            return ZoneInfo(raw).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # a folder of the database ("Europe") shows as OSError, a path out of it ("../x") as ValueError
        pass
    raise CalendarError(CalendarErrorCode.UNKNOWN_TIMEZONE, "timezone", f"Unbekannte Zeitzone: {raw}")


def _week(raw: object) -> tuple[Hours, ...]:
    if raw is None:
        raise CalendarError(CalendarErrorCode.NEVER_OPEN, "week", "Die Wochenzeiten fehlen.")
    if not isinstance(raw, Mapping):
        raise CalendarError(CalendarErrorCode.UNKNOWN_WEEKDAY, "week", "Erwartet werden die Tage mon bis sun.")
    for key in raw:
        if key not in WEEKDAYS:
            message = f"Erwartet wird mon bis sun, nicht {key!r}."
            raise CalendarError(CalendarErrorCode.UNKNOWN_WEEKDAY, f"week.{key}", message)
    return tuple(_hours(raw.get(name, ()), f"week.{name}") for name in WEEKDAYS)


def _holidays(raw: object) -> frozenset[date]:
    return frozenset(_date(entry, f"holidays[{at}]") for at, entry in enumerate(_entries(raw, "holidays")))


def _entries(raw: object, where: str) -> Iterable[object]:
    if isinstance(raw, list | tuple | set | frozenset):
        return raw
    raise CalendarError(CalendarErrorCode.BAD_DATE, where, "Erwartet wird eine Liste von Tagen JJJJ-MM-TT.")


def _holiday_mode(raw: object) -> HolidayMode:
    if isinstance(raw, str) and raw in set(HolidayMode):
        return HolidayMode(raw)
    message = f"Erwartet wird closed, open oder sunday_hours, nicht {raw!r}."
    raise CalendarError(CalendarErrorCode.BAD_MODE, "holiday_mode", message)


def _overrides(raw: object) -> tuple[tuple[date, Hours], ...]:
    if not isinstance(raw, Mapping):
        raise CalendarError(CalendarErrorCode.BAD_DATE, "overrides", "Erwartet werden Zeiten je Tag JJJJ-MM-TT.")
    return tuple(sorted((_date(key, f"overrides.{key}"), _hours(raw[key], f"overrides.{key}")) for key in raw))


def _date(raw: object, where: str) -> date:
    # one written form only: date.fromisoformat also takes 20280615 and week dates
    if isinstance(raw, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise CalendarError(CalendarErrorCode.BAD_DATE, where, f"Kein Tag der Form JJJJ-MM-TT: {raw!r}")


def _hours(raw: object, where: str) -> Hours:
    if not _is_list(raw):
        raise CalendarError(CalendarErrorCode.BAD_TIME, where, "Erwartet wird eine Liste von Zeiten.")
    hours = sorted(_interval(entry, f"{where}[{at}]") for at, entry in enumerate(raw))
    for (_, closing), (opening, _) in pairwise(hours):
        if opening < closing:
            raise CalendarError(
                CalendarErrorCode.OVERLAP, where, f"Die Zeiten ab {_clock(opening)} überschneiden sich."
            )
    return tuple(hours)


def _interval(raw: object, where: str) -> tuple[int, int]:
    if not _is_list(raw) or len(raw) != 2:
        raise CalendarError(CalendarErrorCode.BAD_TIME, where, "Erwartet wird [von, bis].")
    opening, closing = (_minute(entry, where) for entry in raw)
    if opening == MIDNIGHT:
        raise CalendarError(CalendarErrorCode.BAD_TIME, where, "24:00 ist nur als Ende erlaubt.")
    if closing <= opening:
        message = f"{_clock(closing)} liegt nicht nach {_clock(opening)}; Mitternacht als Ende ist 24:00."
        raise CalendarError(CalendarErrorCode.NOT_AFTER_OPENING, where, message)
    return opening, closing


def _minute(raw: object, where: str) -> int:
    if isinstance(raw, str) and re.fullmatch("(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", raw):
        return int(raw[:2]) * 60 + int(raw[3:])
    raise CalendarError(CalendarErrorCode.BAD_TIME, where, f"Keine Uhrzeit HH:MM bis 24:00: {raw!r}")


def _is_list(raw: object) -> TypeGuard[Sequence[object]]:
    return isinstance(raw, list | tuple)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
