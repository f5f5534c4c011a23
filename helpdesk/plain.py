"""Text as it can be kept and shown, whatever came in."""

from __future__ import annotations

#: characters of a message that are stored as text; the untouched original is kept whole
MOST_TEXT = 100_000


def clean(words: str, most: int = MOST_TEXT) -> str:
    """Text as PostgreSQL can keep it: no NUL, no lone surrogates; what is too long is cut, with a mark."""
    whole = words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= most else whole[: most - 20].rstrip() + "\n[…] (gekürzt)"
