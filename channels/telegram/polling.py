"""Asking Telegram for news, where it cannot post to us.

An update is confirmed by asking for the ones after it, so the number of the next one moves on only when the desk has
committed. It is kept in memory alone: after a restart Telegram gives what was never confirmed, and the desk knows
what it has had.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

from channels.telegram.api import Api
from channels.telegram.errors import delivery_error
from channels.telegram.inbound import WANTED
from channels.telegram.updates import Updates
from helpdesk.channel import Desk, Raw

log = logging.getLogger(__name__)

WAIT = timedelta(seconds=25)  #: how long Telegram may keep a question open; the contract allows 30 s for a pass
GRACE = timedelta(seconds=4)  #: and how much longer the answer may take
BATCH = 100


class Poller:
    def __init__(self, api: Api, updates: Updates) -> None:
        self._api, self._updates = api, updates
        self._next = 0  #: 0 = whatever was never confirmed

    async def poll(self, desk: Desk) -> None:
        """One question, its answers in order. Raises `DeliveryError` when Telegram cannot be asked.

        Ends at the first update that the desk cannot store; the next pass gets it again.
        """
        updates = await self._ask()
        if not updates:  # all confirmed; after a quiet week Telegram starts anew with numbers that may be lower
            self._next = 0
        for update in updates:
            raw = Raw(body=json.dumps(update).encode(), headers={}, received_at=datetime.now(UTC))
            try:
                await self._updates.handle(raw, desk)
            except Exception as error:
                log.warning("an update was not stored, it will be asked for again: %s", type(error).__name__)
                return
            self._next = max(self._next, _number(update) + 1)

    async def _ask(self) -> list[object]:
        """As they come: one malformed update must not cost the others."""
        question = {
            "offset": self._next,
            "limit": BATCH,
            "timeout": int(WAIT.total_seconds()),
            "allowed_updates": WANTED,
        }
        try:
            found: object = await self._api.bot.do_api_request(
                "getUpdates", api_kwargs=question, read_timeout=(WAIT + GRACE).total_seconds()
            )
        except Exception as error:
            raise delivery_error(error) from None
        return found if isinstance(found, list) else []


def _number(update: object) -> int:
    """Of whatever was parked; -1 when even the number is missing, so that nothing is confirmed by it."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int else -1
