"""The worker as it runs for ever: a provider of mail that hangs holds up no look and no page, and nothing is half sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text

from helpdesk.channel import OutboundMessage
from tests.desk import Desk, Simulated
from tests.scenarios.stage import deliveries

PAGE = text("""
    INSERT INTO delivery (purpose, rank, channel, to_kind, to_value, text, language, state, due_at, expires_at)
    VALUES ('page', 0, 'telegram', 'telegram', '4711', 'Bitte ansehen', 'de', 'pending', helpdesk_now(),
        helpdesk_now() + interval '1 day')
""")


class Hanging(Simulated):
    """A provider that takes its time over every message until it is let go."""

    async def send(self, message: OutboundMessage, go: Callable[[], Awaitable[None]]) -> str:
        await go()
        self.began.set()
        await self.let_go.wait()
        self.sent.append(message)
        return "late"

    def prepare(self) -> None:
        self.began, self.let_go = asyncio.Event(), asyncio.Event()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # what is waited for happens in the database


def test_a_provider_that_hangs_holds_up_no_look_and_no_page(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    mail = Hanging(name="email", info=desk.providers["email"].info)
    desk.house.channels["email"] = mail  # type: ignore[index]
    desk.citizen("Yilmaz").sends("email", "Wo finde ich meinen Bescheid?")

    def rouse() -> None:
        desk.do(lambda s: s.execute(text("UPDATE due SET due_at = helpdesk_now()")))
        desk.do(lambda s: s.execute(PAGE))

    waiting = text("SELECT count(*) FROM due WHERE due_at <= helpdesk_now()")

    def looked() -> bool:
        return bool(desk.do(lambda s: s.execute(waiting).scalar_one()) == 0)

    async def evening() -> None:
        mail.prepare()
        stop = asyncio.Event()
        running = asyncio.create_task(desk.worker.run(stop))
        async with asyncio.timeout(8):
            await mail.began.wait()
        await asyncio.to_thread(rouse)
        await until(lambda: any(message.to.value == "4711" for message in desk.providers["telegram"].sent))
        await until(looked)
        assert not mail.sent
        stop.set()
        await asyncio.sleep(0.2)
        mail.let_go.set()
        await asyncio.wait_for(running, 8)

    asyncio.run(evening())
    assert {each.state for each in deliveries(desk)} == {"sent"}
