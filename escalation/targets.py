"""Targets: what was promised, as budgets of service time per clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

DEFAULT_WARN_PERCENTS = (75,)
#: a promise longer than this is a slip of the pen, and would make every look at the ticket slow
LONGEST_MINUTES = 20 * 366 * 24 * 60
#: keys of a written target that say nothing about budgets
OTHER_KEYS = frozenset({"id", "version", "calendar", "basis", "source", "note", "warn_percents"})


class ClockKind(StrEnum):
    """The promises a ticket's ledger keeps time for."""

    FIRST_RESPONSE = "first_response"  #: to the requester: the first human answer
    NEXT_RESPONSE = "next_response"  #: to the requester: each unanswered message, the first one too
    RESOLUTION = "resolution"  #: to the requester: it works again, or the request is done
    UPDATE = "update"  #: to the requester: we report again after our last word


MINUTES_KEYS = {
    ClockKind.FIRST_RESPONSE: "response_minutes",
    ClockKind.NEXT_RESPONSE: "next_response_minutes",
    ClockKind.UPDATE: "update_minutes",
    ClockKind.RESOLUTION: "restore_minutes",
}


class TargetErrorCode(StrEnum):
    """Why a target is refused."""

    BAD_MINUTES = "bad_minutes"  #: not a whole number of minutes above 0
    BAD_PERCENTS = "bad_percents"  #: not ascending whole numbers between 1 and 99
    UNKNOWN_KEY = "unknown_key"  #: the format has no such key


class TargetError(ValueError):
    """A target that is refused: `code` for machines, `where` names the key, `message` for people."""

    def __init__(self, code: TargetErrorCode, where: str, message: str) -> None:
        super().__init__(f"{where}: {message} ({code})")
        self.code = code
        self.where = where
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Target:
    """One immutable version of a promise. `None` means: no such promise, the clock does not exist."""

    response: timedelta | None = None
    next_response: timedelta | None = None  #: None: as `response`
    update: timedelta | None = None
    restore: timedelta | None = None
    warn_percents: tuple[int, ...] = DEFAULT_WARN_PERCENTS  #: ascending, percent of the budget
    id: str | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        for kind, key in MINUTES_KEYS.items():
            budget = self.budget(kind)
            if budget is not None and budget <= timedelta(0):
                raise TargetError(TargetErrorCode.BAD_MINUTES, key, "Eine Frist muss größer als 0 sein.")
        _check_percents(self.warn_percents)

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> "Target":
        """Read a written target row; raises TargetError. Tables inside it (rows per sender role) are not read here."""
        for key, value in raw.items():
            if key not in OTHER_KEYS and key not in MINUTES_KEYS.values() and not isinstance(value, Mapping):
                raise TargetError(TargetErrorCode.UNKNOWN_KEY, str(key), "Diesen Schlüssel gibt es nicht.")
        budgets = {kind: _minutes(raw, key) for kind, key in MINUTES_KEYS.items()}
        return cls(
            response=budgets[ClockKind.FIRST_RESPONSE],
            next_response=budgets[ClockKind.NEXT_RESPONSE],
            update=budgets[ClockKind.UPDATE],
            restore=budgets[ClockKind.RESOLUTION],
            warn_percents=_percents(raw.get("warn_percents", DEFAULT_WARN_PERCENTS)),
            id=_text(raw.get("id")),
            version=_text(raw.get("version")),
        )

    def budget(self, kind: ClockKind) -> timedelta | None:
        """Service time promised for this kind of clock, or None."""
        match kind:
            case ClockKind.FIRST_RESPONSE:
                return self.response
            case ClockKind.NEXT_RESPONSE:
                return self.response if self.next_response is None else self.next_response
            case ClockKind.UPDATE:
                return self.update
            case ClockKind.RESOLUTION:
                return self.restore


def _minutes(raw: Mapping[str, object], key: str) -> timedelta | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LONGEST_MINUTES:
        message = f"Erwartet werden ganze Minuten über 0 (höchstens 20 Jahre), nicht {value!r}."
        raise TargetError(TargetErrorCode.BAD_MINUTES, key, message)
    return timedelta(minutes=value)


def _percents(raw: object) -> tuple[int, ...]:
    if not isinstance(raw, list | tuple):
        raise TargetError(TargetErrorCode.BAD_PERCENTS, "warn_percents", "Erwartet wird eine Liste wie [50, 75].")
    return tuple(_check_percents(raw))


def _check_percents(raw: list[object] | tuple[object, ...]) -> list[int]:
    percents = [value for value in raw if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100]
    if len(percents) < len(raw) or percents != sorted(set(percents)):
        message = "Erwartet werden aufsteigende ganze Zahlen von 1 bis 99."
        raise TargetError(TargetErrorCode.BAD_PERCENTS, "warn_percents", message)
    return percents


def _text(raw: object) -> str | None:
    return None if raw is None else str(raw)
