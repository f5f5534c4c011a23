"""What is wrong with the files: collected, so that one run names everything at once."""

from __future__ import annotations

from collections.abc import Iterable

from helpdesk.errors import ConfigError, HelpdeskError


class Contradictions(ConfigError):
    """Die Konfiguration widerspricht sich. Es wurde nichts geändert."""

    def __init__(self, problems: Iterable[ConfigError]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda one: (one.file, one.key, one.reason)))
        first = self.problems[0]
        self.file, self.key, self.reason = first.file, first.key, first.reason
        HelpdeskError.__init__(self, "\n".join(str(one) for one in self.problems))


class Problem(ConfigError):
    """Die Konfiguration widerspricht sich."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Problems:
    """A list to add to while reading and checking."""

    def __init__(self) -> None:
        self.found: list[ConfigError] = []

    def add(self, file: str, key: str, reason: str) -> None:
        self.found.append(Problem(file, key, reason))

    def refuse(self) -> None:
        """Raises `Contradictions` when there is anything to tell."""
        if self.found:
            raise Contradictions(self.found)
