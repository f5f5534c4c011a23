"""A desk that remembers what a channel asked of it, and fails when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from helpdesk.channel import Answer, DeliveryReport, InboundMessage, Line, LiveLine, Raw, Receipt


class FakeDesk:
    """In memory; idempotent on (account, external_id) like the real one, which is bound to one account as well.

    `trouble` is raised by every call while it is set: the database is away.
    `notice` is the text for a first contact, `answer` what `act` says, `opening` what `line` says.
    """

    def __init__(self, account: str = "test") -> None:
        self.account = account
        self.taken: dict[tuple[str, str], InboundMessage] = {}
        self.receipts: dict[tuple[str, str], Receipt] = {}
        self.parked: list[tuple[Raw, str]] = []
        self.reports: list[DeliveryReport] = []
        self.acts: list[tuple[str, str, str]] = []
        self.lines: list[LiveLine] = []
        self.calls = 0  #: also counts those that failed
        self.trouble: Exception | None = None
        self.notice: str | None = None
        self.answer = Answer(text="", done=False)
        self.opening = Line(portal=None, open=True, next_opening=None, outage=None)

    @property
    def messages(self) -> list[InboundMessage]:
        """In the order in which they were first taken in."""
        return list(self.taken.values())

    async def take_in(self, message: InboundMessage) -> Receipt:
        await self._transaction()
        key = (self.account, message.external_id)
        if key in self.taken:
            return replace(self.receipts[key], repeated=True)
        self.taken[key] = message
        number = f"T-2026-{len(self.taken):06d}"
        self.receipts[key] = Receipt(number=number, answer_by=None, repeated=False, notice=self.notice)
        return self.receipts[key]

    async def act(self, key: str, verb: str, by: str) -> Answer:
        await self._transaction()
        self.acts.append((key, verb, by))
        return self.answer

    async def line(self, number: str) -> Line:
        await self._transaction()
        return self.opening

    async def follow(self, thread: str, after: int) -> AsyncIterator[LiveLine]:
        await self._transaction()
        for line in self.lines:
            if line.seq > after:
                yield line

    async def report(self, report: DeliveryReport) -> None:
        await self._transaction()
        self.reports.append(report)

    async def park(self, raw: Raw, why: str) -> None:
        await self._transaction()
        self.parked.append((raw, why))

    async def _transaction(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)  # let a second call at the same moment in
        if self.trouble is not None:
            raise self.trouble
