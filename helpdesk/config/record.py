"""The plain form that files, database and difference have in common: one record per thing, by kind and name.

A record is what a person wrote, without defaults, as JSON could hold it. Reading gives records from files, `current`
gives records from the database, and everything between (checking, difference) sees only records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

Record = Mapping[str, object]


class Kind(StrEnum):
    """What can be configured. The values of the later ones are kinds of `version` rows."""

    DISTRICT = "district"
    ORGANISATION = "organisation"
    POSTAL_CODE = "postal_code"  #: by AGS: all codes of one municipality
    MUNICIPALITY_PORTAL = "municipality_portal"  #: by AGS: the portal it is known to use
    IT_PROVIDER = "it_provider"  #: by organisation: the districts it serves
    COMPONENT = "component"
    PORTAL = "portal"
    SERVICE = "service"
    CATEGORY = "category"
    TEAM = "team"
    PERSON = "person"
    LEVEL = "level"
    CALENDAR = "calendar"
    SEVERITY = "severity"
    TARGET = "target"
    PHONE = "phone"
    STATUTORY = "statutory"
    LANGUAGES = "languages"
    POLICY = "policy"
    ROTA = "rota"
    RULES = "rules"


VERSIONED: Final = (
    Kind.LEVEL,
    Kind.CALENDAR,
    Kind.SEVERITY,
    Kind.TARGET,
    Kind.PHONE,
    Kind.STATUTORY,
    Kind.LANGUAGES,
    Kind.POLICY,
    Kind.ROTA,
    Kind.RULES,
)
#: kinds of which there is one, with its name
SINGLE: Final[Mapping[Kind, str]] = {
    Kind.SEVERITY: "matrix",
    Kind.PHONE: "target",
    Kind.LANGUAGES: "languages",
    Kind.RULES: "routing",
}


class Ref(NamedTuple):
    """Which thing."""

    kind: Kind
    name: str


State = dict[Ref, Record]

#: an entry that keeps whatever it does not say
EVERYTHING: Final = frozenset({"*"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that a file mentions. `record` None means: away with it; `keeps` names what stays when not said."""

    ref: Ref
    record: Record | None
    file: str
    key: str
    keeps: frozenset[str] = field(default=frozenset())

    def onto(self, old: Record | None) -> Record | None:
        """The new record, given the one in force. A list that could be kept and is said to be empty goes."""
        if self.record is None:
            return None
        kept = {key: value for key, value in (old or {}).items() if self.keeps == EVERYTHING or key in self.keeps}
        merged = {**kept, **self.record}
        return {key: value for key, value in merged.items() if key not in self.keeps or value != []}


def gone(record: Record | None) -> bool:
    """Whether a thing is out of use: it may still be named by old tickets, nothing new may refer to it."""
    return record is None or record.get("retired") is True or record.get("active") is False


def text(record: Record, key: str) -> str | None:
    """A text of the record, or None; records are checked for types when they are read."""
    value = record.get(key)
    return value if isinstance(value, str) else None


def texts(record: Record, key: str) -> list[str]:
    """A list of texts; one alone counts as a list of one, none as an empty one."""
    value = record.get(key)
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def tables(record: Record, key: str) -> list[Record]:
    value = record.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def table(record: Record, key: str) -> Record:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}
