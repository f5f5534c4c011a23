"""What every verb may need beside its transaction: settings, what channels can do, and the rulebook in force."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from helpdesk.channel import ChannelInfo
from helpdesk.rulebook import Book, Shelf
from helpdesk.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """Made once per process by `create_app`; put into every session as `info["context"]`."""

    settings: Settings
    secret: bytes = field(repr=False)  #: 32 random bytes of this installation
    channels: Mapping[str, ChannelInfo]
    shelf: Shelf = field(default_factory=Shelf)

    def seal(self, purpose: str, *parts: str, size: int = 16) -> bytes:
        """`size` bytes that only this installation can make from these words (HMAC-SHA256)."""
        words = "\0".join((purpose, *parts)).encode()
        return hmac.new(self.secret, words, hashlib.sha256).digest()[:size]


def context(session: Session) -> Context:
    found = session.info["context"]
    assert isinstance(found, Context)
    return found


def book(session: Session, newest: int | None = None) -> Book:
    """The rulebook in force, one and the same for a whole transaction.

    `newest` saves asking when another statement has brought the newest version along.
    """
    known = session.info.get("book")
    if isinstance(known, Book):
        return known
    found = session.info["book"] = context(session).shelf.current(session, newest)
    return found
