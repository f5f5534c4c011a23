"""One pass over the mailbox: fetch, read, hand over, and only then out of INBOX.

1. Whatever lies in INBOX is wanted, oldest first.
2. It is read in a process that can be killed. Unreadable → parked, folder `Failed`.
3. The desk commits; then the mail goes to `Processed`. A crash in between costs a second reading, no second ticket.
4. A mail at which the desk fails stays. Is it the mail or the database? The next one tells: two failures in a row end
   the pass. A mail that fails in three passes is parked, so that one bad mail stops nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime

from channels.email.content import MAX_MAIL
from channels.email.imap import FAILED, PROCESSED, Mailbox
from channels.email.originals import Originals
from channels.email.reading import TRUNCATED, Unreadable
from channels.email.sandbox import Read, Sandbox
from channels.email.settings import Account
from helpdesk.channel import DeliveryReport, Desk, NotNow, Raw

MAX_MAILS = 200  #: in one pass, so that it ends
PATIENCE = 3  #: passes in which the desk may fail at a mail before it is parked
_IN_A_ROW = 2
Place = tuple[int, int]  #: (UIDVALIDITY, UID)
log = logging.getLogger(__name__)


class Pass:
    """Passes of one mailbox; remembers between them only what saves work."""

    def __init__(self, account: Account, originals: Originals) -> None:
        self._account = account
        self._originals = originals
        self._settled: dict[Place, str] = {}  # committed, and where it has to go
        self._failures: Counter[Place] = Counter()
        self.last_in: datetime | None = None

    async def run(self, box: Mailbox, desk: Desk) -> bool:
        """Takes in what waits; False when there may be more. Raises the desk's error when it fails at everything."""
        seen: set[int] = set()
        in_a_row = 0
        async with Sandbox(self._account.rules) as sandbox:
            # asked again until nothing is new: what came meanwhile would not be announced any more
            while fresh := await self._fresh(box, seen):
                for uid in fresh:
                    try:
                        await self._one(box, desk, sandbox, uid)
                        in_a_row = 0
                    except DeskFailed as failed:
                        in_a_row += 1
                        log.warning("mail stays in INBOX, the desk failed: %s", type(failed.problem).__name__)
                        if in_a_row >= _IN_A_ROW:
                            raise failed.problem from failed
        return len(seen) < MAX_MAILS

    async def _fresh(self, box: Mailbox, seen: set[int]) -> list[int]:
        """UIDs that this pass has not looked at; they count as seen from now on."""
        waiting = await box.waiting()
        self._forget({(box.validity, uid) for uid in waiting})
        fresh = [uid for uid in waiting if uid not in seen][: MAX_MAILS - len(seen)]
        seen.update(fresh)
        return fresh

    async def _one(self, box: Mailbox, desk: Desk, sandbox: Sandbox, uid: int) -> None:
        place = (box.validity, uid)
        folder = self._settled.get(place)
        if folder is None:
            raw = await _fetched(box, uid)
            if raw is None:
                return  # somebody took it away by hand
            folder = await self._settle(desk, sandbox, raw, place)
            self._settled[place] = folder
        await box.move(uid, folder)

    async def _settle(self, desk: Desk, sandbox: Sandbox, raw: Raw, place: Place) -> str:
        """Commits the mail, as what it says or as parked. Raises `DeskFailed`."""
        try:
            found = await sandbox.read(raw)
        except Unreadable as why:
            return await self._park(desk, raw, place, str(why))
        self._originals.keep(raw.body)
        try:
            await _hand_over(desk, found)
        except NotNow as problem:
            raise DeskFailed(problem) from problem
        except Exception as problem:  # the desk may fail in any way
            self._failures[place] += 1
            if self._failures[place] >= PATIENCE:
                return await self._park(desk, raw, place, f"desk: {type(problem).__name__}")
            raise DeskFailed(problem) from problem
        self.last_in = datetime.now(UTC)
        return PROCESSED

    async def _park(self, desk: Desk, raw: Raw, place: Place, why: str) -> str:
        try:
            await desk.park(raw, why)
        except Exception as problem:  # as above; nothing may be moved before it is kept
            self._failures[place] += 1
            raise DeskFailed(problem) from problem
        return FAILED

    def _forget(self, waiting: set[Place]) -> None:
        self._settled = {place: folder for place, folder in self._settled.items() if place in waiting}
        self._failures = Counter({place: count for place, count in self._failures.items() if place in waiting})


class DeskFailed(Exception):
    """The desk did not commit a mail."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(type(problem).__name__)
        self.problem = problem


async def _fetched(box: Mailbox, uid: int) -> Raw | None:
    """The original; of one that is too large only the beginning, which says so."""
    size = await box.size(uid)
    body = await box.fetch(uid, MAX_MAIL) if size else None
    if body is None:
        return None
    place = {"imap-uid": str(uid), "imap-uidvalidity": str(box.validity)}
    cut = {TRUNCATED: str(size)} if size > MAX_MAIL else {}
    return Raw(body=body, headers=place | cut, received_at=datetime.now(UTC))


async def _hand_over(desk: Desk, found: Read) -> None:
    for each in found:
        if isinstance(each, DeliveryReport):
            await desk.report(each)
        else:
            await desk.take_in(each)
