"""Who calls, and whether they may call so often. Two statements of their own, before the work.

The row of the rate limit stays locked until commit: inside the work's transaction, calls of one token would wait for each
other. And a call that is refused later counts all the same.
"""

from __future__ import annotations

from datetime import timedelta

from helpdesk import accounts, limits
from helpdesk.access import Visitor
from helpdesk.db import Database
from helpdesk.errors import NotSignedIn

MINUTE = timedelta(minutes=1)


def pass_in(database: Database, bearer: str, per_minute: int) -> Visitor:
    """Raises `NotSignedIn` or `TooMany`."""
    with database.statements() as session:
        visitor = accounts.by_token(session, bearer)
        limits.allow(session, f"api:{visitor.actor.name}", count=per_minute, per=MINUTE)
        return visitor


def bearer_of(header: str | None) -> str:
    """The token of an `Authorization` header (RFC 6750). Raises `NotSignedIn`."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("Bitte senden Sie einen Zugangsschlüssel: Authorization: Bearer …")
    return token.strip()
