"""What the library raises, as outcome and reason. Order matters: half of these classes inherit from `NetworkError`."""

from __future__ import annotations

from datetime import timedelta

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from helpdesk.channel import DeliveryError, Outcome, Reason

#: Not one byte of the request has left us.
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

#: Parts of the descriptions that the Bot API gives with status 400 and 403, in lower case.
DESCRIPTIONS = (
    ("chat not found", Reason.INVALID_ADDRESS),
    ("user not found", Reason.INVALID_ADDRESS),
    ("peer_id_invalid", Reason.INVALID_ADDRESS),
    ("user is deactivated", Reason.INVALID_ADDRESS),
    ("can't initiate conversation", Reason.INVALID_ADDRESS),
    ("bots can't send messages to bots", Reason.INVALID_ADDRESS),
    ("too long", Reason.TOO_LARGE),
    ("blocked by the user", Reason.BLOCKED),
)


def delivery_error(error: Exception) -> DeliveryError:
    """The detail names the class only: descriptions and URLs may hold the token or what a person wrote."""
    outcome, reason = _meaning(error)
    wait = _wait(error) if isinstance(error, RetryAfter) else None
    return DeliveryError(outcome, reason, retry_after=wait, detail=_detail(error))


def too_big(error: Exception) -> bool:
    """Answered to getFile for more than 20 MB."""
    return isinstance(error, BadRequest) and "too big" in error.message.lower()


def _meaning(error: Exception) -> tuple[Outcome, Reason]:
    match error:
        case RetryAfter():
            return Outcome.TEMPORARY, Reason.QUOTA
        case InvalidToken() | Conflict():
            return Outcome.TEMPORARY, Reason.ACCOUNT
        case Forbidden():
            return Outcome.PERMANENT, _described(error, Reason.BLOCKED)
        case BadRequest():
            return Outcome.PERMANENT, _described(error, Reason.REJECTED)
        case ChatMigrated():  # only groups move, and no group is an address of ours
            return Outcome.PERMANENT, Reason.INVALID_ADDRESS
        case NetworkError():
            return _network(error)
        case _:
            return Outcome.UNCERTAIN, Reason.UNKNOWN


def _network(error: NetworkError) -> tuple[Outcome, Reason]:
    """`TimedOut` included. A cause that is the library's own means: answered, with something else than JSON."""
    cause = error.__cause__
    if isinstance(cause, NEVER_LEFT):
        return Outcome.TEMPORARY, Reason.PROVIDER_DOWN
    if cause is None or isinstance(cause, TelegramError):
        return Outcome.TEMPORARY, Reason.PROVIDER_DOWN
    return Outcome.UNCERTAIN, Reason.PROVIDER_DOWN


def _described(error: TelegramError, otherwise: Reason) -> Reason:
    description = error.message.lower()
    return next((reason for part, reason in DESCRIPTIONS if part in description), otherwise)


def _wait(error: RetryAfter) -> timedelta:
    """The library changes from a number to a timedelta, depending on a setting of its own."""
    wait = error.retry_after
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)


def _detail(error: Exception) -> str:
    cause = f" caused by {type(error.__cause__).__name__}" if error.__cause__ else ""
    return f"{type(error).__name__}{cause}"
