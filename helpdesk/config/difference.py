"""Old state, new state → changes, and the changes in words that an operator can check before saying yes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from helpdesk.config.record import Entry, Kind, Record, State, gone, text


class Action(StrEnum):
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


SIGNS: Final[Mapping[Action, str]] = {Action.ADD: "+", Action.CHANGE: "~", Action.REMOVE: "−"}
#: singular and plural on screen
WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.DISTRICT: ("Kreis", "Kreise"),
    Kind.ORGANISATION: ("Organisation", "Organisationen"),
    Kind.POSTAL_CODE: ("Postleitzahlen von", "Kommunen mit ihren Postleitzahlen"),
    Kind.MUNICIPALITY_PORTAL: ("Portal der Kommune", "Portale von Kommunen"),
    Kind.IT_PROVIDER: ("IT-Dienstleister", "IT-Dienstleister"),
    Kind.COMPONENT: ("Baustein", "Bausteine"),
    Kind.PORTAL: ("Portal", "Portale"),
    Kind.SERVICE: ("Service", "Services"),
    Kind.CATEGORY: ("Kategorie", "Kategorien"),
    Kind.TEAM: ("Team", "Teams"),
    Kind.PERSON: ("Person", "Personen"),
    Kind.LEVEL: ("Support-Stufe", "Support-Stufen"),
    Kind.CALENDAR: ("Kalender", "Kalender"),
    Kind.SEVERITY: ("Schweregrad-Regel", "Schweregrad-Regeln"),
    Kind.TARGET: ("Frist", "Fristen"),
    Kind.PHONE: ("Telefonversprechen", "Telefonversprechen"),
    Kind.STATUTORY: ("Gesetzliche Frist", "Gesetzliche Fristen"),
    Kind.LANGUAGES: ("Sprachen", "Sprachen"),
    Kind.POLICY: ("Eskalationsplan", "Eskalationspläne"),
    Kind.ROTA: ("Dienstplan", "Dienstpläne"),
    Kind.RULES: ("Zuordnungsregeln", "Zuordnungsregeln"),
}
DONE: Final[Mapping[Action, str]] = {Action.ADD: "neu", Action.CHANGE: "geändert", Action.REMOVE: "außer Betrieb"}
#: so many of one kind are shown one by one; a list of 396 municipalities helps nobody
SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs. `before` is None for a new thing, `after` is None for one that goes for good."""

    kind: Kind
    name: str
    action: Action
    before: Record | None
    after: Record | None

    def __str__(self) -> str:
        title = text(self.after or self.before or {}, "name")
        heading = f"{SIGNS[self.action]} {WORDS[self.kind][0]} {self.name}" + (f" ({title})" if title else "")
        if self.action is not Action.CHANGE or self.before is None or self.after is None:
            return heading
        return "\n".join([heading, *(f"    {line}" for line in _lines(self.before, self.after, ""))])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What applying the files would change; nothing when they say what is in force.

    `warnings` are no contradictions, but somebody should confirm them: holes in rotas.
    """

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if not self.changes:
            return "Keine Änderung."
        counts = [f"{self.count(action)} {DONE[action]}" for action in Action if self.count(action)]
        warnings = [f"! {line}" for line in self.warnings]
        return "\n".join([*self._groups(), *warnings, f"Zusammen: {', '.join(counts)}."])

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    def _groups(self) -> Iterator[str]:
        for (kind, action), group in groupby(self.changes, key=lambda change: (change.kind, change.action)):
            changes = list(group)
            yield from (str(change) for change in changes[:SHOWN])
            if len(changes) > SHOWN:
                more = f"{len(changes) - SHOWN} weitere {WORDS[kind][1]} {DONE[action]}"
                yield f"{SIGNS[action]} … und {more}"


def after(state: State, entries: Iterable[Entry]) -> State:
    """The state that the entries lead to. What they do not mention stays."""
    found = dict(state)
    for entry in entries:
        record = entry.onto(found.get(entry.ref))
        if record is None:
            found.pop(entry.ref, None)
        else:
            found[entry.ref] = record
    return found


def compare(old: State, new: State) -> Plan:
    """The changes in a fixed order: by kind as they depend on each other, then by action, then by name."""
    changes = [
        Change(kind=ref.kind, name=ref.name, action=_action(before, after), before=before, after=after)
        for ref in old.keys() | new.keys()
        if (before := old.get(ref)) != (after := new.get(ref))
    ]
    kinds, actions = list(Kind), list(Action)
    changes.sort(key=lambda change: (kinds.index(change.kind), actions.index(change.action), change.name))
    return Plan(changes=tuple(changes))


def _action(before: Record | None, after: Record | None) -> Action:
    if before is None:
        return Action.ADD
    return Action.REMOVE if gone(after) and not gone(before) else Action.CHANGE


def _lines(before: object, after: object, place: str) -> Iterator[str]:
    """`place: old → new` for each leaf that differs; lists of single values by what came and went."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            if before.get(key) != after.get(key):
                yield from _lines(before.get(key), after.get(key), f"{place}.{key}" if place else str(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_lines(before, after, place)
    else:
        yield f"{place}: {_shown(before)} → {_shown(after)}"


def _list_lines(before: list[object], after: list[object], place: str) -> Iterator[str]:
    went = [item for item in before if item not in after]
    came = [item for item in after if item not in before]
    if not went and not came:
        yield f"{place}: andere Reihenfolge"
    elif len(went) == len(came) == 1 and isinstance(went[0], Mapping) and isinstance(came[0], Mapping):
        yield from _lines(went[0], came[0], f"{place}[{_label(went[0])}]")
    else:
        yield f"{place}: " + ", ".join(
            [*(f"+ {_shown(item)}" for item in came), *(f"− {_shown(item)}" for item in went)]
        )


def _label(item: Mapping[str, object]) -> object:
    return next((item[key] for key in ("id", "name", "team", "role", "kind") if key in item), "")


def _shown(value: object) -> str:
    if value is None:
        return "nichts"
    if isinstance(value, str):
        return f"„{value}“"
    if isinstance(value, Mapping) and _label(value):
        return f"„{_label(value)}“"
    return json.dumps(value, ensure_ascii=False)
