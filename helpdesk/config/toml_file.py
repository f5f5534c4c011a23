"""One TOML file → entries. Knows how each table is written; which keys a table may have is said in `shapes`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from math import isfinite
from pathlib import Path
from typing import Final

from helpdesk.config import lists, people
from helpdesk.config.problems import Problems
from helpdesk.config.record import EVERYTHING, SINGLE, Entry, Kind, Record, Ref
from helpdesk.config.shapes import LANGUAGES, LISTED, PHONE, TARGET, Shape, is_id
from helpdesk.config.written import Unreadable, calendar_content, policy_content, rota_content

SCHEMA_VERSION: Final = 1
#: keys of a file that name a list beside it
CSV_KEYS: Final = ("districts", "municipalities", "postal_codes")
SINGLES: Final[Mapping[str, Shape]] = {"target_phone": PHONE, "languages": LANGUAGES}
#: rules come one by one and count as one list, in the order of files and lines
RULE: Final = Ref(Kind.RULES, "")


class File:
    """One TOML file being read."""

    def __init__(self, path: Path, years: range, problems: Problems) -> None:
        self.path, self.years, self.problems = path, years, problems

    def entries(self) -> Iterator[Entry]:
        for key, value in self._load().items():
            if key in LISTED:
                yield from self._listed(key, value)
            elif key in CSV_KEYS:
                yield from lists.read(self.path, key, value, self.problems)
            else:
                yield from self._other(key, value)

    def _other(self, key: str, value: object) -> Iterator[Entry]:
        if key in SINGLES:
            yield from self._single(key, value)
        elif key in ("calendar", "rota", "policy", "target"):
            for name, table in self._tables(key, value):
                yield from self._target(name, table) if key == "target" else self._named(key, name, table)
        elif key in ("severity_matrix", "severity_override"):
            yield from self._severity(key, value)
        elif key == "rule":
            yield from self._rule(value)
        elif key == "schema_version":
            if value != SCHEMA_VERSION:
                self._refuse(key, f"diese Fassung liest nur {SCHEMA_VERSION}")
        elif key != "as_of":
            self._refuse(key, "diesen Schlüssel gibt es nicht")

    def _load(self) -> dict[str, object]:
        try:
            found = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as wrong:
            self._refuse("TOML", f"nicht lesbar: {wrong}")
            return {}
        strange = [place for key, value in found.items() if key != "as_of" for place in _strange(value, key)]
        for place in strange:
            self._refuse(place, "Tage, Zeiten und besondere Zahlen bitte als Text in Anführungszeichen schreiben")
        return {} if strange else found

    # lists of tables

    def _listed(self, key: str, value: object) -> Iterator[Entry]:
        if not isinstance(value, list):
            self._refuse(key, f"hier wird [[{key}]] erwartet")
            return
        shape = LISTED[key]
        for index, item in enumerate(value):
            if not isinstance(item, Mapping):
                self._refuse(f"{key}[{index}]", "hier wird eine Tabelle erwartet")
                continue
            table = _renamed(key, dict(item))
            name = self._name(shape, table, f"{key}[{index}]")
            if name:
                yield from self._item(shape, name, table, f"{key}.{name}")

    def _name(self, shape: Shape, table: dict[str, object], place: str) -> str | None:
        if shape.kind is Kind.SERVICE:
            return self._service(table, place)
        name = table.pop(shape.id, None)
        wrong = f"„{shape.id}“ fehlt" if name is None else shape.id_check(name)
        if wrong:
            self._refuse(f"{place}.{shape.id}", wrong)
            return None
        return str(name)

    def _service(self, table: Record, place: str) -> str | None:
        """A service is called by what it is of: portal/component, portal/component/ags."""
        if "portal" in table and "component" in table:
            return "/".join(str(table[key]) for key in ("portal", "component", "ags") if key in table)
        self._refuse(place, "portal und component sagen, welcher Service das ist")
        return None

    def _item(self, shape: Shape, name: str, table: dict[str, object], place: str) -> Iterator[Entry]:
        ref = Ref(shape.kind, name)
        if shape.leaves == "removed" and table.pop("removed", False) is True:
            yield self._entry(ref, None, place)
        elif table == ({"active": False} if shape.kind is Kind.PERSON else {"retired": True}):
            yield self._entry(ref, table, place, keeps=EVERYTHING)
        else:
            record = self._record(shape, table, place)
            if record is not None:
                yield from self._shaped(ref, record, place)

    def _shaped(self, ref: Ref, record: dict[str, object], place: str) -> Iterator[Entry]:
        if ref.kind is Kind.PERSON:
            person = people.canonical(record, self.path.name, place, self.problems)
            yield self._entry(ref, person, place, keeps=people.PARTS)
        elif ref.kind is Kind.IT_PROVIDER:
            yield from self._provider(ref.name, record, place)
        else:
            yield self._entry(ref, record, place)

    def _provider(self, name: str, record: dict[str, object], place: str) -> Iterator[Entry]:
        """An IT provider without an organisation of its own is one by being named here."""
        organisation = record.pop("organisation", None)
        if organisation is None:
            known: dict[str, object] = {key: record[key] for key in ("name", "basis", "source") if key in record}
            yield self._entry(Ref(Kind.ORGANISATION, name), {**known, "kind": "it_provider"}, place)
        yield self._entry(Ref(Kind.IT_PROVIDER, str(organisation or name)), record, place)

    def _record(self, shape: Shape, table: Mapping[str, object], place: str) -> dict[str, object] | None:
        """The table without its defaults, or None when something about it was refused."""
        before = len(self.problems.found)
        for key in shape.required:
            if key not in table:
                self._refuse(f"{place}.{key}", f"„{key}“ fehlt")
        for key, value in table.items():
            check = shape.known.get(key)
            wrong = check(value) if check else "diesen Schlüssel gibt es hier nicht"
            if wrong:
                self._refuse(f"{place}.{key}", wrong)
        if len(self.problems.found) > before:
            return None
        return {key: value for key, value in table.items() if key not in shape.defaults or value != shape.defaults[key]}

    # tables by name

    def _tables(self, key: str, value: object) -> Iterator[tuple[str, dict[str, object]]]:
        if not isinstance(value, Mapping):
            self._refuse(key, f"hier wird [{key}.<Kennung>] erwartet")
            return
        for name, table in value.items():
            wrong = is_id(name) if isinstance(table, Mapping) else "hier wird eine Tabelle erwartet"
            if wrong:
                self._refuse(f"{key}.{name}", wrong)
            else:
                yield name, dict(table)

    def _named(self, key: str, name: str, table: dict[str, object]) -> Iterator[Entry]:
        ref, place = Ref(Kind(key), name), f"{key}.{name}"
        if table.get("removed") is True:
            yield self._entry(ref, None, place)
            return
        try:
            yield self._entry(ref, self._content(ref.kind, table), place)
        except Unreadable as wrong:
            self._refuse(f"{place}.{wrong.key}", wrong.reason)

    def _content(self, kind: Kind, table: Record) -> Record:
        if kind is Kind.CALENDAR:
            return calendar_content(table, self.years)
        if kind is Kind.ROTA:
            return rota_content(table, self.years)
        return policy_content(table)

    def _target(self, name: str, table: dict[str, object]) -> Iterator[Entry]:
        """[target.S2] and, for a sender role, [target.S2.municipality]: two promises."""
        own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
        if own:
            yield from self._item(TARGET, name, own, f"target.{name}")
        for role, narrower in table.items():
            if isinstance(narrower, Mapping):
                yield from self._item(TARGET, f"{name}.{role}", dict(narrower), f"target.{name}.{role}")

    def _severity(self, key: str, value: object) -> Iterator[Entry]:
        if not isinstance(value, Mapping):
            self._refuse(key, "hier wird eine Tabelle erwartet")
            return
        half, other = ("matrix", "overrides") if key == "severity_matrix" else ("overrides", "matrix")
        ref = Ref(Kind.SEVERITY, SINGLE[Kind.SEVERITY])
        yield self._entry(ref, {half: dict(value)}, key, keeps=frozenset({other}))

    def _single(self, key: str, value: object) -> Iterator[Entry]:
        shape = SINGLES[key]
        if not isinstance(value, Mapping):
            self._refuse(key, "hier wird eine Tabelle erwartet")
            return
        yield from self._item(shape, SINGLE[shape.kind], dict(value), key)

    def _rule(self, value: object) -> Iterator[Entry]:
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self._refuse("rule", "hier wird [[rule]] erwartet")
            return
        for item in value:
            yield self._entry(RULE, dict(item), f"rule.{item.get('id', '')}")

    def _entry(self, ref: Ref, record: Record | None, place: str, keeps: frozenset[str] = frozenset()) -> Entry:
        return Entry(ref=ref, record=record, file=self.path.name, key=place, keeps=keeps)

    def _refuse(self, key: str, reason: str) -> None:
        self.problems.add(self.path.name, key, reason)


def _renamed(key: str, table: dict[str, object]) -> dict[str, object]:
    """`operator` calls the kind of organisation its role; a component's day of retirement is no order to retire it."""
    if key == "operator" and "role" in table:
        table["kind"] = table.pop("role")
    if key == "component" and isinstance(table.get("retired"), str):
        table["retired_since"] = table.pop("retired")
    return table


def _strange(value: object, place: str) -> Iterator[str]:
    """Places of values that JSON does not know."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strange(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strange(item, f"{place}[{index}]")
    elif isinstance(value, date | datetime | time) or (isinstance(value, float) and not isfinite(value)):
        yield place
