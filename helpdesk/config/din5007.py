"""Sorting names as Germans expect it: DIN 5007-1 (the order of dictionaries), as a stored key."""

from __future__ import annotations

import re
import unicodedata

_BREAK = re.compile(r"[^0-9a-z]+")


def sort_key(name: str) -> str:
    """`Übach-Palenberg` → `ubach palenberg`: ä like a, ö like o, ü like u, ß like ss; other marks fall away.

    Everything that is neither letter nor digit separates words. Only a–z, 0–9 and blanks remain, so any collation
    gives the same order, and the same folding of what somebody types finds a name by its beginning. Names that fold
    to the same key need the name itself as second sort column.
    """
    letters = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    return _BREAK.sub(" ", "".join(c for c in letters if not unicodedata.combining(c))).strip()
