"""Signed things in the hands of a browser: the form's stamp, the cookies of door and confirmation.

A seal carries a value and the instant of its making in the clear; only this installation can make one. The instant is
the host's: it measures how long a browser took and how old a cookie is, and decides nothing about a ticket.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from time import time

from helpdesk.context import Context

FASTEST = timedelta(seconds=1)  #: nobody reads and fills in a form in less
STAMP_LASTS = timedelta(days=7)  #: forms left open in a tab; then one more press is asked for
DOOR_LASTS = timedelta(hours=12)
RECEIPT_LASTS = timedelta(hours=1)
FUTURE = timedelta(minutes=5)  #: hosts need not agree to the second


@dataclass(frozen=True, kw_only=True)
class Seal:
    """A seal that is ours."""

    value: str = field(repr=False)
    age: timedelta


def seal(context: Context, purpose: str, value: str, *, at: float | None = None) -> str:
    """`value` must have no dot. `at`: seconds since 1970, now if left out."""
    made = str(int((time() if at is None else at) * 1000))
    return f"{value}.{made}.{_mark(context, purpose, value, made)}"


def opened(context: Context, purpose: str, sealed: str, lasts: timedelta) -> Seal | None:
    """The seal, if we made it for this purpose and it is no older than `lasts`."""
    value, _, rest = sealed.partition(".")
    made, _, mark = rest.partition(".")
    if not made.isascii() or not made.isdigit() or len(made) > 15:
        return None
    if not hmac.compare_digest(mark.encode(), _mark(context, purpose, value, made).encode()):
        return None
    age = timedelta(seconds=time() - int(made) / 1000)
    return Seal(value=value, age=age) if -FUTURE <= age <= lasts else None


def _mark(context: Context, purpose: str, value: str, made: str) -> str:
    return base64.urlsafe_b64encode(context.seal(f"citizen:{purpose}", value, made)).decode().rstrip("=")
