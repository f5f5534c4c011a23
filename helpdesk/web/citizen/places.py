"""Municipalities as people type them: by name in any spelling, by postal code, by both. Values only, no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_CHOICES = 12
_LEADING = re.compile(r"^(?:kreisfreie |kreis)?(?:stadt|gemeinde) (?=\S)")
_POSTAL_CODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_UMLAUT = re.compile(r"([aou])e")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A municipality (eight-digit `ags`) or a district (five digits, named "Kreis …")."""

    ags: str
    name: str
    district: str = ""
    postal_codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What a typed text means: one place, or some to choose from, or neither."""

    place: Place | None = None
    choices: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Places:
    """All places, with their names folded once."""

    all: tuple[Place, ...]
    _exact: dict[str, Place] = field(init=False, repr=False, compare=False)
    _loose: tuple[tuple[str, Place], ...] = field(init=False, repr=False, compare=False)
    _by_ags: dict[str, Place] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", {fold(place.name): place for place in self.all})
        object.__setattr__(self, "_loose", tuple((loose(place.name), place) for place in self.all))
        object.__setattr__(self, "_by_ags", {place.ags: place for place in self.all})

    def get(self, ags: str) -> Place | None:
        return self._by_ags.get(ags)

    def find(self, query: str, limit: int = MOST_CHOICES) -> tuple[Place, ...]:
        """Suggestions while typing: names that start so, then names with a word that starts so, then postal codes."""
        wanted = loose(query)
        if not wanted:
            return ()
        if wanted.isdigit():
            hits: Iterable[Place] = (p for p in self.all if any(code.startswith(wanted) for code in p.postal_codes))
        else:
            first = [place for name, place in self._loose if name.startswith(wanted)]
            later = [p for name, p in self._loose if f" {wanted}" in name and not name.startswith(wanted)]
            hits = [*sorted(first, key=lambda p: (len(p.name), p.name)), *later]
        return tuple(hits)[:limit]

    def resolve(self, typed: str) -> Resolution:
        """ "Köln", "Stadt Koeln", "50667" and "50667 Köln" are one place; "33154" and "Bad" are a choice."""
        code = _POSTAL_CODE.search(typed)
        wanted = _POSTAL_CODE.sub(" ", typed)
        if named := self._named(wanted):
            return Resolution(place=named)
        if code:
            here = tuple(place for place in self.all if code[0] in place.postal_codes)
            return Resolution(place=here[0]) if len(here) == 1 and not fold(wanted) else Resolution(choices=here)
        return Resolution(choices=self.find(typed))

    def _named(self, typed: str) -> Place | None:
        """Exactly this name; "Koeln" for "Köln" only after that, since Neuenkirchen is not Neunkirchen."""
        if exact := self._exact.get(fold(typed)):
            return exact
        alike = [place for name, place in self._loose if name == loose(typed)]
        return alike[0] if len(alike) == 1 else None


def fold(name: str) -> str:
    """One spelling for "Köln", "KOLN" and "Stadt Köln"; hyphens and brackets become blanks."""
    plain = unicodedata.normalize("NFKD", name[:200].casefold())
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return _LEADING.sub("", " ".join(letters.split()))


def loose(name: str) -> str:
    """As `fold`, and "Koeln" is "Köln" as well."""
    return _UMLAUT.sub(r"\1", fold(name))
