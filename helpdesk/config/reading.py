"""Files → entries: one TOML file, or a folder of them with the CSV lists that they name.

A file says only what it is about; what it does not mention stays. Reading needs no database: it looks at syntax, types
and duplicates, and collects everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from helpdesk.config.problems import Problems
from helpdesk.config.record import SINGLE, Entry, Kind, Ref
from helpdesk.config.toml_file import RULE, File


def read(source: Path, years: range) -> list[Entry]:
    """All entries of a TOML file or of the TOML files of a folder; `years` get their holidays filled in.

    Raises `Contradictions` for whatever cannot be read, is of the wrong type, unknown or said twice.
    """
    problems = Problems()
    entries: list[Entry] = []
    for path in _paths(source, problems):
        entries += File(path, years, problems).entries()
    entries += _rules(entries)
    found = [entry for entry in entries if entry.ref.name]
    _refuse_twice(found, problems)
    problems.refuse()
    return found


def _paths(source: Path, problems: Problems) -> list[Path]:
    if source.is_dir():
        found = sorted(path for path in source.glob("*.toml") if path.is_file())
        if not found:
            problems.add(str(source), "", "in diesem Ordner liegt keine TOML-Datei")
        return found
    if not source.is_file():
        problems.add(str(source), "", "diese Datei gibt es nicht")
        return []
    return [source]


def _rules(entries: list[Entry]) -> Iterator[Entry]:
    rules = [entry for entry in entries if entry.ref == RULE]
    if rules:
        record = {"rules": [rule.record for rule in rules]}
        yield Entry(ref=Ref(Kind.RULES, SINGLE[Kind.RULES]), record=record, file=rules[0].file, key="rule")


def _refuse_twice(entries: Iterable[Entry], problems: Problems) -> None:
    """Saying a thing twice is refused even if both say the same. The two halves of the severity rule are two things."""
    first: dict[tuple[Ref, frozenset[str]], Entry] = {}
    for entry in entries:
        half = frozenset(entry.record or ()) if entry.ref.kind is Kind.SEVERITY else frozenset()
        other = first.setdefault((entry.ref, half), entry)
        if other is not entry:
            problems.add(entry.file, entry.key, f"doppelt: steht schon in {other.file} ({other.key})")
