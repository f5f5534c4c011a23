"""Live updates: open consoles hear which of their tickets changed, as server-sent events.

One process listens on one connection and reads the history once for all its streams:

1. a NOTIFY wakes `Feed` (without a listening connection it looks every two seconds and tries to listen again);
2. the feed reads the events after its cursor, once, and puts them into the queue of every stream;
3. a stream asks which of these tickets its visitor may see, once for all streams with the same rights, and sends the
   numbers. The id of an event is the cursor behind it, so a browser that comes back misses nothing.

While nothing happens a stream costs a timer and no thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from helpdesk import access, history
from helpdesk.access import WORKING, Right, Visitor
from helpdesk.errors import HelpdeskError
from helpdesk.history import WAKE, Cursor
from helpdesk.house import House
from helpdesk.models import Ticket
from helpdesk.web import session as sessions
from helpdesk.web.endpoint import house, work

log = logging.getLogger("helpdesk.live")

HEARTBEAT = 15.0  #: seconds; keeps proxies from closing, and finds browsers that have gone
CHECK_EVERY = 4  #: heartbeats after which a stream asks whether its visitor is still signed in
POLL = 2.0  #: seconds between looks while nobody wakes us
IDLE = 30.0  #: seconds between looks while somebody does: a safety net
SOON = 0.05  #: seconds; an older transaction still runs and holds back what is behind it
BATCH = 500
MOST_WAITING = 100  #: batches that a stream may lag behind; then it begins anew
#: who opened what is for the audit; no screen shows it
UNSEEN = frozenset({"person.opened"})
#: behind every event of its transaction
LAST = 2**62

Rights = tuple[tuple[Right, ...], frozenset[str]]


@dataclass(kw_only=True)
class Batch:
    """Tickets that changed, and where the history stands behind it."""

    cursor: Cursor
    tickets: frozenset[int]
    numbers: dict[Rights, asyncio.Future[list[str]]] = field(default_factory=dict)


# the feed


class Feed:
    """What happens, read once per process, handed to all streams."""

    def __init__(self, place: House) -> None:
        self._house = place
        self._rung = asyncio.Event()
        self._listens = False
        self._streams: set[asyncio.Queue[Batch]] = set()
        self._cursor: Cursor | None = None  #: how far the streams were told; None while there are none
        self._soon = SOON

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read())]
        try:
            yield
        finally:
            left = set(tasks)
            while left:  # again, since `wait_for` of Python 3.11 can swallow a cancellation
                for task in left:
                    task.cancel()
                _, left = await asyncio.wait(left, timeout=0.5)

    @contextlib.asynccontextmanager
    async def joined(self) -> AsyncIterator[asyncio.Queue[Batch]]:
        """The queue of one stream, for as long as it lasts. Everything that commits from now on comes through it."""
        queue: asyncio.Queue[Batch] = asyncio.Queue(MOST_WAITING)
        self._streams.add(queue)
        try:
            if self._cursor is None:
                edge = await self._house.database.run(history.live_edge)
                self._cursor = self._cursor or edge
            self._rung.set()
            yield queue
        finally:
            self._streams.discard(queue)

    @property
    def streams(self) -> int:
        """How many consoles are open at this process."""
        return len(self._streams)

    async def _listen(self) -> None:
        """Keeps one listening connection; a lost one is tried again, later each time."""
        wait = 0.5
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._house.listen_dsn, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {WAKE}")
                    self._listens, wait = True, 0.5
                    self._rung.set()
                    async for _ in connection.notifies():
                        self._rung.set()
            except (psycopg.Error, OSError) as error:
                log.warning("not listening, polling instead: %s", type(error).__name__)
            self._listens = False
            self._rung.set()
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def _read(self) -> None:
        """Reads on whenever somebody rings, as long as there is a stream to read for."""
        pause = POLL
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), pause)
            self._rung.clear()
            try:
                pause = await self._pass()
            except HelpdeskError as error:  # the database is away: what happens meanwhile is read when it is back
                log.warning("cannot read the history: %s", error.code)
                pause = POLL
            except Exception:
                log.exception("cannot read the history")
                pause = POLL

    async def _pass(self) -> float:
        """One look; returns after how many seconds to look again if nobody rings."""
        if not self._streams:
            self._cursor = None
        cursor = self._cursor
        if cursor is None:
            return IDLE
        news = await self._house.database.run(lambda session: read(session, cursor))
        self._cursor = news.batch.cursor
        if news.batch.tickets:
            self._hand_out(news.batch)
        if news.more:
            return 0.0
        self._soon = min(self._soon * 2, POLL) if news.held_back else SOON
        return self._soon if news.held_back else IDLE if self._listens else POLL

    def _hand_out(self, batch: Batch) -> None:
        for queue in list(self._streams):
            try:
                queue.put_nowait(batch)
            except asyncio.QueueFull:  # a browser that does not read: it comes back with its cursor
                self._streams.discard(queue)

    def has(self, queue: asyncio.Queue[Batch]) -> bool:
        return queue in self._streams

    async def numbers(self, visitor: Visitor, batch: Batch) -> list[str]:
        """Which of the tickets this visitor may see; asked once for all who have the same rights."""
        rights = (visitor.rights, visitor.teams)
        if rights not in batch.numbers:
            job = self._house.database.run(lambda session: _visible(session, visitor, batch.tickets))
            batch.numbers[rights] = asyncio.ensure_future(job)
        return await asyncio.shield(batch.numbers[rights])


@dataclass(frozen=True, kw_only=True)
class News:
    batch: Batch
    more: bool  #: there was more than one look takes
    held_back: bool  #: an older transaction still runs, events behind it are not shown yet


HELD_BACK = text("SELECT pg_snapshot_xmin(pg_current_snapshot()) <> pg_snapshot_xmax(pg_current_snapshot())")


def read(session: Session, cursor: Cursor) -> News:
    """What happened after `cursor`."""
    held_back = bool(session.execute(HELD_BACK).scalar_one())
    rows: Sequence[Any] = history.since(session, cursor, BATCH)
    ids = frozenset(row.ticket_id for row in rows if row.ticket_id is not None and row.kind not in UNSEEN)
    reached = (int(rows[-1].xid), int(rows[-1].id)) if rows else cursor
    return News(batch=Batch(cursor=reached, tickets=ids), more=len(rows) == BATCH, held_back=held_back)


def _visible(session: Session, visitor: Visitor, ids: frozenset[int]) -> list[str]:
    rows = select(Ticket.number).where(Ticket.id.in_(sorted(ids)), access.visible(visitor)).order_by(Ticket.id)
    return list(session.scalars(rows))


@contextlib.asynccontextmanager
async def listening(place: House) -> AsyncIterator[None]:
    """The feed of this process, for as long as the application runs."""
    feed = Feed(place)
    key = _key(place)
    _feeds[key] = feed
    try:
        async with feed.running():
            yield
    finally:
        del _feeds[key]


#: a process has one house and one loop, a test may have several of both
_feeds: dict[tuple[int, int], Feed] = {}


def _key(place: House) -> tuple[int, int]:
    return id(place), id(asyncio.get_running_loop())


# a stream


async def stream(request: Request) -> Response:
    """`text/event-stream` of the visitor's changed tickets, from `Last-Event-ID`, else `?after=`, else from now on."""
    cookie = sessions.cookie_of(request, house(request).settings)
    cursor = cursor_of(request.headers.get("last-event-id") or request.query_params.get("after") or "")

    def begin(session: Session) -> tuple[Visitor, Cursor]:
        visitor = sessions.visitor(session, cookie)
        visitor.require(*WORKING)
        return visitor, cursor or history.live_edge(session)

    visitor, start = await work(request, begin)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    body = _events(_feeds[_key(house(request))], request, cookie, visitor, start)
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


def cursor_of(words: str) -> Cursor | None:
    """`812-17`: transaction and event; `812` alone: behind that transaction. None for anything else."""
    xid, _, key = words.partition("-")
    if not (xid.isdecimal() and len(xid) < 19) or not (key == "" or (key.isdecimal() and len(key) < 20)):
        return None
    return int(xid), min(int(key), LAST) if key else LAST


async def _events(feed: Feed, request: Request, cookie: str, visitor: Visitor, cursor: Cursor) -> AsyncIterator[str]:
    """Ends when the visitor is signed out, lags too far behind, or the database is away: the browser comes back."""
    yield "retry: 2000\n: welcome\n\n"
    with contextlib.suppress(HelpdeskError):
        async with feed.joined() as queue:
            more = True
            while more:  # what happened between the page and this stream
                news = await _news(request, cursor)
                cursor, more = news.batch.cursor, news.more
                yield await _said(feed, visitor, news.batch)
            quiet = 0
            while feed.has(queue):
                try:
                    batch = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except TimeoutError:
                    quiet += 1
                    if quiet % CHECK_EVERY == 0:
                        await work(request, lambda session: sessions.visitor(session, cookie))
                    yield ": still here\n\n"
                    continue
                if batch.cursor > cursor:
                    yield await _said(feed, visitor, batch)


async def _news(request: Request, cursor: Cursor) -> News:
    return await work(request, lambda session: read(session, cursor))


async def _said(feed: Feed, visitor: Visitor, batch: Batch) -> str:
    """The event, or nothing where this visitor sees none of the tickets."""
    numbers = await feed.numbers(visitor, batch) if batch.tickets else []
    if not numbers:
        return ""
    xid, key = batch.cursor
    return f"id: {xid}-{key}\nevent: changed\ndata: {json.dumps({'tickets': numbers})}\n\n"
