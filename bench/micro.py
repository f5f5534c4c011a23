"""Figures that are no requests: the engine alone, the worker's idle and busy clock, a warm start, the weight of a page."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import median
from urllib.parse import urljoin

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import client, costs, served
from bench.filling import OPEN, fill, settle
from bench.stage import Stage, folder
from helpdesk import access, deliveries, queues, worker
from helpdesk.queues import Wanted
from helpdesk.tickets import Actor

#: name → (measured, budget)
Single = dict[str, tuple[str, str]]
AGENT = access.Visitor(actor=Actor(kind="agent", name="bench", id=1), rights=(access.Right(role="agent"),))
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}


def all_of(stage: Stage, *, burst: int, opened: int) -> Single:
    fill(stage.house, int(opened / OPEN))
    return {
        **engine(stage),
        **queue_data(stage),
        **idle_tick(stage, opened * 10),
        **weight(stage),
        **deadlines(stage, burst),
    }


def engine(stage: Stage) -> Single:
    """40 service hours added to instants spread over a year, in every calendar in force."""
    with stage.house.database.transaction() as session:
        calendars = stage.house.context.shelf.current(session).engine.calendars.values()
    starts = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=37 * n) for n in range(200)]
    began = time.process_time()
    for calendar in calendars:
        for start in starts:
            calendar.add(start, timedelta(hours=40))
    each = (time.process_time() - began) / (len(starts) * len(calendars))
    return {"engine: calendar.add(40 h)": (f"{each * 1e6:.0f} µs", "–")}


def queue_data(stage: Stage, times: int = 200) -> Single:
    """First page of all open tickets, as the console asks for it: CPU of this process and the database."""
    with stage.house.database.transaction() as session:
        live = session.execute(
            text("SELECT count(*) FROM ticket WHERE status IN ('new', 'open', 'pending')")
        ).scalar_one()
        queues.page(session, AGENT, Wanted())
        before = time.process_time() * 1000 + costs.of_server(stage.postmaster)
        for _ in range(times):
            queues.page(session, AGENT, Wanted())
        used = time.process_time() * 1000 + costs.of_server(stage.postmaster) - before
    return {f"queue page data, {live:,} open": (f"{used / times:.2f} ms CPU", "5 ms at 100,000 open")}


def idle_tick(stage: Stage, waiting: int, times: int = 200) -> Single:
    """What a tick costs when nothing is due, with few and with very many looks waiting."""
    with stage.house.database.transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'sent', due_at = NULL WHERE due_at IS NOT NULL"))
        session.execute(text("DELETE FROM due WHERE due_at <= helpdesk_now()"))
    settle(stage.house)
    with stage.house.database.transaction() as session:
        few = _tick(stage, session, times)
        session.execute(text(WAITING), {"count": waiting})
        many = _tick(stage, session, times)
        session.rollback()
    return {
        "idle tick": (f"{few:.2f} ms CPU", "–"),
        f"idle tick, {waiting:,} looks waiting": (f"{many:.2f} ms CPU", "nothing more"),
    }


def _tick(stage: Stage, session: Session, times: int) -> float:
    before = time.process_time() * 1000 + costs.of_server(stage.postmaster)
    for _ in range(times):
        deliveries.claim(session, CHANNELS)
        session.execute(worker.DUE, {"most": worker.BATCH}).all()
    return (time.process_time() * 1000 + costs.of_server(stage.postmaster) - before) / times


CHANNELS = ("echo", "email", "telegram")
WAITING = """
    INSERT INTO due (kind, subject_id, due_at, rank)
    SELECT 'look', -n, helpdesk_now() + make_interval(secs => n), 3 FROM generate_series(1, :count) n
"""


def deadlines(stage: Stage, burst: int) -> Single:
    """Many looks due at the same instant, two workers that wait for them."""
    database = stage.house.database
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(served.running((*served.HELPDESK, "work"), stage.environ))
        _until(stage, "SELECT count(*) >= 2 FROM heartbeat WHERE beat_at > now() - interval '3 seconds'")
        _until(stage, NOTHING_DUE)
        with database.transaction() as session:
            session.execute(text(SHIFT), {"count": burst})
        began = time.perf_counter()
        _until(stage, NOTHING_DUE)
        seconds = time.perf_counter() - began
    return {f"{burst:,} deadlines at once, two workers": (f"{seconds:.1f} s", "2 s")}


NOTHING_DUE = "SELECT NOT EXISTS (SELECT FROM due WHERE due_at <= helpdesk_now())"
SHIFT = """
    WITH chosen AS (SELECT id FROM due WHERE kind = 'look' ORDER BY due_at DESC LIMIT :count), moved AS (
        UPDATE due SET due_at = helpdesk_now() FROM chosen WHERE due.id = chosen.id)
    SELECT pg_notify('helpdesk', '')
"""


def _until(stage: Stage, question: str, patience: float = 300.0) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with stage.house.database.transaction() as session:
            if session.execute(text(question)).scalar_one():
                return
        time.sleep(0.02)
    raise RuntimeError(f"not within {patience:.0f} s: {question}")


# the page


def weight(stage: Stage) -> Single:
    """Bytes over the wire: the console with everything it names, and the same page once that is in the browser."""
    port = served.free_port()
    with served.listening((*served.HELPDESK, "serve"), {**stage.environ, "HELPDESK_PORT": str(port)}, port):
        page, parts = asyncio.run(_loaded(port, stage.cookie))
    return {
        "console page, first load": (f"{(page + parts) / 1000:.0f} kB", "250 kB"),
        "console page, afterwards": (f"{page / 1000:.0f} kB", "30 kB"),
    }


NAMED = re.compile(rb"""(?:href|src)="(/static/[^"#]+)|url\(["']?([^"')]+\.woff2)""")


async def _loaded(port: int, cookie: str) -> tuple[int, int]:
    headers = {**BROWSER, "Cookie": f"anlaufstelle={cookie}"}
    seen: dict[str, int] = {}
    waiting = ["/console"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = await client.once(port, client.Ask(path=path, headers=headers))
        if answer.status != 200:
            raise client.Wrong(f"{answer.status}: {path}")
        seen[path] = len(answer.body)
        body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        waiting += [urljoin(path, (a or b).decode()) for a, b in NAMED.findall(body)]
    page = seen.pop("/console")
    return page, sum(seen.values())


# the start


def starting(times: int) -> Single:
    """`helpdesk up` until the contact page is there: from nothing, then warm."""
    with folder() as made:
        took = [_start(str(made)) for _ in range(times + 1)]
    return {
        "helpdesk up, first time, to the first page": (f"{took[0]:.1f} s", "–"),
        "helpdesk up, warm, to the first page": (f"{median(took[1:]):.1f} s", "2 s"),
    }


def _start(data: str) -> float:
    port = served.free_port()
    environ = served.clean_environ() | {"HELPDESK_DATA": data, "HELPDESK_PORT": str(port)}
    began = time.perf_counter()
    with served.listening((*served.HELPDESK, "up"), environ, port):
        answer = asyncio.run(client.once(port, client.Ask(path="/", headers=BROWSER)))
        if answer.status != 200:
            raise client.Wrong(f"{answer.status}: /")
        return time.perf_counter() - began
