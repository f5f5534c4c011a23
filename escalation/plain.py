"""Plain data, as TOML or JSON gives it, read with the place in hand so that a refusal can name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class Refused(ValueError):
    """Something in the configuration is refused; nothing is repaired silently.

    `code` is stable and for programs, `where` is the path inside the given data (``steps[1].delay``), `message` is
    for the person who edits it.
    """

    def __init__(self, code: str, where: str, message: str = "") -> None:
        self.code, self.where, self.message = code, where, message
        super().__init__(f"{where or '.'}: {message or code}")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value and the path to it. Every reading call raises the `error` class of the format being read."""

    value: object
    where: str = ""
    error: type[Refused]

    def refused(self, code: str, message: str) -> Refused:
        return self.error(code, self.where, message)

    def table(self, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Node]:
        """The entries of a table that may hold these keys and no others (`missing_key`, `unknown_key`)."""
        found = self.entries()
        for key in required:
            if key not in found:
                raise self._at(key).refused("missing_key", f"„{key}“ fehlt")
        for key in found.keys() - set(required) - set(optional):
            raise found[key].refused("unknown_key", f"„{key}“ ist hier nicht vorgesehen")
        return found

    def entries(self) -> dict[str, Node]:
        """The entries of a table with free keys, in their order."""
        if not isinstance(self.value, Mapping):
            raise self.refused("not_a_table", "hier wird eine Tabelle erwartet")
        return {str(key): self._at(str(key), value) for key, value in self.value.items()}

    def items(self) -> list[Node]:
        if not isinstance(self.value, list | tuple):
            raise self.refused("not_a_list", "hier wird eine Liste erwartet")
        return [
            Node(value=value, where=f"{self.where}[{index}]", error=self.error)
            for index, value in enumerate(self.value)
        ]

    def text(self) -> str:
        """A non-empty text, as written."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refused("not_a_text", "hier wird ein Text erwartet")
        return self.value

    def whole(self, low: int, high: int, code: str = "bad_number") -> int:
        """A whole number in `low` … `high`. True and False are no numbers, though Python thinks so."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not low <= self.value <= high:
            raise self.refused(code, f"hier wird eine ganze Zahl von {low} bis {high} erwartet")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refused("not_a_flag", "hier wird true oder false erwartet")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts; one text alone counts as a list of one."""
        if isinstance(self.value, str):
            return (self.text(),)
        return tuple(item.text() for item in self.items())

    def _at(self, key: str, value: object = None) -> Node:
        return Node(value=value, where=f"{self.where}.{key}" if self.where else key, error=self.error)
