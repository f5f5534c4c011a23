"""The live stream: what changed reaches whoever may see it, at once, without gaps, and ends when it must."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic, sleep

import httpx2
import psycopg
import pytest
import uvicorn
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from helpdesk import app, tickets
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.tickets import Actor, Opening
from helpdesk.web import live
from tests.conftest import PASSWORD

AGENT, LEAD, PARTNER = "agent@demo.example", "lead@demo.example", "partner@demo.example"
SYSTEM = Actor(kind="system", name="test")


@contextmanager
def served(house: House) -> Iterator[str]:
    """The real application behind a real server; its address."""
    config = uvicorn.Config(
        app.create_app(house.settings, house),
        host="127.0.0.1",
        port=0,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def url(house: House) -> Iterator[str]:
    with served(house) as url:
        yield url


def opened(session: Session, words: str = "Etwas geht nicht", **more: object) -> str:
    values = {"channel": "web", "language": "de", "contact_id": None, **more}
    return tickets.open_ticket(session, Opening(subject=words, text=words, **values)).ticket.number


class Listener:
    """A browser's stream, read on in the background."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.cursor = ""
        self.reading = asyncio.create_task(self._read(answer))

    async def _read(self, answer: httpx2.Response) -> None:
        async for line in answer.aiter_lines():
            self.lines.put_nowait(line)
        self.lines.put_nowait(None)

    async def next(self, within: float = 2.0) -> list[str]:
        """Numbers of the next event. Raises `TimeoutError`, and `EOFError` at the end of the stream."""
        async with asyncio.timeout(within):
            while (line := await self.lines.get()) is not None:
                if line.startswith("id: "):
                    self.cursor = line.removeprefix("id: ")
                if line.startswith("data: "):
                    numbers: list[str] = json.loads(line.removeprefix("data: "))["tickets"]
                    return numbers
        raise EOFError

    async def says(self, wanted: str, within: float = 2.0) -> None:
        async with asyncio.timeout(within):
            while await self.lines.get() != wanted:
                pass

    async def is_quiet(self, seconds: float = 0.5) -> bool:
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def listening(url: str, email: str = AGENT, after: str = "", last: str = "") -> AsyncIterator[Listener]:
    async with httpx2.AsyncClient(base_url=url, timeout=5) as client:
        answer = await client.post("/anmelden", data={"email": email, "password": PASSWORD})
        cookie = answer.headers["set-cookie"].partition(";")[0]
        headers = {"cookie": cookie} | ({"last-event-id": last} if last else {})
        async with client.stream("GET", f"/console/live?after={after}", headers=headers) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in stream.headers
            listener = Listener(stream)
            await listener.says("retry: 2000")
            yield listener
            listener.reading.cancel()


def test_a_change_is_heard_within_a_second(url: str, database: Database):
    async def story() -> None:
        async with listening(url) as listener:
            number = await database.run(opened)
            begin = monotonic()  # committed
            assert await listener.next() == [number]
            assert monotonic() - begin < 1

    asyncio.run(story())


def test_who_may_not_see_a_ticket_hears_nothing_of_it(url: str, database: Database):
    def both(session: Session) -> str:
        opened(session, "Vertraulich", kind=tickets.TicketKind.SECURITY)
        return opened(session, "Offen")

    async def story() -> None:
        async with listening(url) as listener, listening(url, PARTNER) as partner:
            number = await database.run(both)
            assert await listener.next() == [number]
            assert await partner.is_quiet()

    asyncio.run(story())


@pytest.mark.parametrize("how", ["after", "last"])
def test_who_comes_back_misses_nothing(url: str, database: Database, how: str):
    async def story() -> None:
        async with listening(url) as listener:
            await database.run(opened)
            await listener.next()
        missed = await database.run(opened)
        async with listening(url, **{how: listener.cursor}) as listener:
            assert await listener.next() == [missed]
            assert await listener.is_quiet()

    asyncio.run(story())


def test_what_commits_late_is_not_missed(url: str, house: House, database: Database):
    """An older transaction holds the newer one back; both are heard when it is over."""

    async def story() -> None:
        async with listening(url) as listener:
            with psycopg.connect(house.listen_dsn) as slow:
                slow.execute("INSERT INTO event (kind, actor) VALUES ('slow', 'test')")
                number = await database.run(opened)
                assert await listener.is_quiet()
                slow.commit()  # without a NOTIFY
            assert await listener.next() == [number]

    asyncio.run(story())


def test_without_its_listening_connection_it_polls_and_listens_again(url: str, database: Database):
    mine = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    kill, count = (text(f"SELECT count({what}) {mine}") for what in ("pg_terminate_backend(pid)", "*"))

    async def until_it_listens() -> None:
        for _ in range(100):
            if await database.run(lambda s: s.execute(count).scalar_one()) == 1:
                return
            await asyncio.sleep(0.1)
        pytest.fail("it does not listen")

    async def story() -> None:
        async with listening(url) as listener:
            await until_it_listens()
            assert await database.run(lambda s: s.execute(kill).scalar_one()) == 1
            for _ in range(2):
                number = await database.run(opened)
                assert await listener.next(live.POLL + 1) == [number]
            await until_it_listens()

    asyncio.run(story())


def test_opening_a_ticket_rings_nowhere(url: str, database: Database):
    async def story() -> None:
        number = await database.run(opened)
        async with listening(url) as listener, httpx2.AsyncClient(base_url=url) as client:
            await client.post("/anmelden", data={"email": LEAD, "password": PASSWORD})
            assert (await client.get(f"/console/tickets/{number}")).status_code == 200
            assert await listener.is_quiet()

    asyncio.run(story())


def test_the_same_rights_ask_once(url: str, database: Database):
    """A change costs the database the same for three consoles as for one."""

    async def statements(streams: int) -> int:
        count = 0

        def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
            nonlocal count
            count += "FROM ticket" in statement or "FROM event" in statement

        async with listening(url) as one, listening(url) as two, listening(url) as three:
            listeners = [one, two, three][:streams]
            await asyncio.sleep(0.3)
            event.listen(database.engine, "before_cursor_execute", note)
            try:
                await database.run(opened)
                for listener in listeners:
                    await listener.next()
            finally:
                event.remove(database.engine, "before_cursor_execute", note)
        return count

    assert asyncio.run(statements(3)) <= 6


def test_nobody_listens_unless_signed_in(url: str):
    answer = httpx2.get(f"{url}/console/live")
    assert answer.status_code == 401
    assert "location" not in answer.headers


def test_a_stream_ends_when_its_visitor_is_signed_out(url: str, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)

    async def story() -> None:
        async with listening(url) as listener:
            await database.run(lambda session: session.execute(text("DELETE FROM session")))
            with pytest.raises(EOFError):
                await listener.next()

    asyncio.run(story())


def test_a_quiet_stream_beats_and_a_gone_browser_is_forgotten(url: str, house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)

    async def story() -> None:
        async with listening(url) as listener:
            await listener.says(": still here")
        feed = next(each for (place, _), each in live._feeds.items() if place == id(house))
        for _ in range(40):
            if not feed.streams:
                break
            await asyncio.sleep(0.05)
        assert feed.streams == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("words", "cursor"),
    [
        ("812-17", (812, 17)),
        ("812", (812, live.LAST)),
        ("", None),
        ("x", None),
        ("1-x", None),
        ("9" * 30, None),
        ("-1", None),
    ],
)
def test_cursors_are_read_strictly(words: str, cursor: tuple[int, int] | None):
    assert live.cursor_of(words) == cursor
