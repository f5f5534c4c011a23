"""Findings of the check, each told where the person who edits can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from helpdesk.config.difference import WORDS
from helpdesk.config.problems import Problems
from helpdesk.config.record import Entry, Kind, Ref, State, gone


class Findings:
    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.ref: entry for entry in entries}
        self._problems = Problems()

    def mentions(self) -> Iterator[tuple[Ref, Entry]]:
        return iter(self._entries.items())

    def add(self, holder: Ref, key: str, reason: str, about: Ref | None = None) -> None:
        """`holder` is wrong in `key`, because of `about`. Told only when the files mention one of the two."""
        own = self._entries.get(holder)
        if own is not None:
            self._problems.add(own.file, place(own.key, key), reason)
            return
        cause = self._entries.get(about) if about else None
        if cause is not None:
            self._problems.add(cause.file, cause.key, f"{words(holder)}, {key or 'ganz'}: {reason}")

    def need(self, holder: Ref, key: str, needed: Ref, state: State, *, in_use: bool = True) -> None:
        """What `holder` names must exist and, as a rule, be in use."""
        if needed.kind is Kind.LEVEL and not any(ref.kind is Kind.LEVEL for ref in state):
            return  # an installation without a list of levels calls them what it likes
        if needed not in state:
            self.add(holder, key, f"{words(needed)} gibt es nicht", about=needed)
        elif in_use and gone(state[needed]):
            self.add(holder, key, f"{words(needed)} ist außer Betrieb", about=needed)

    def refuse(self) -> None:
        """Raises `Contradictions` when there is anything to tell."""
        self._problems.refuse()


def place(table: str, key: str) -> str:
    """Where it stands: `target.S2` and `calendar`, `rule` and `[3].when`."""
    return f"{table}.{key}" if key and not key.startswith("[") else table + key


def words(ref: Ref) -> str:
    return f"{WORDS[ref.kind][0]} „{ref.name}“"
