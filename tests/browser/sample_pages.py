"""The console's pages with sample values, served on loopback: for looking at them, nothing is stored."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import sleep

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from helpdesk.web.assets import MOUNT, Assets
from helpdesk.web.console.views import InboxPage, TicketRow
from helpdesk.web.pages import render
from tests.web import samples

#: what the project promises browsers; the pages must live with it
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

PAGES: dict[str, Callable[[], str]] = {
    "inbox": lambda: render("console/inbox.html", page=samples.inbox()),
    "list": lambda: render("console/inbox.html", page=samples.nothing_open()),
    "empty": lambda: render("console/inbox.html", page=samples.all_answered()),
    "conflict": lambda: render("console/inbox.html", page=samples.held_answer()),
    "sign-in": lambda: render("console/sign_in.html", page=samples.SIGN_IN),
    "no-access": lambda: render("console/error.html", error=samples.NO_ACCESS),
    "failed": lambda: render("console/error.html", error=samples.FAILED),
}


def _html(text: str) -> Response:
    return HTMLResponse(text, headers={"content-security-policy": POLICY})


def _page(request: Request) -> Response:
    return _html(PAGES[request.path_params["name"]]())


def _inbox(request: Request, page: InboxPage, part: str) -> Response:
    partial = request.headers.get("hx-request-type") == "partial"
    return _html(render(f"console/{part if partial else 'inbox'}.html", page=page))


@dataclass
class Desk:
    """What the sample server was told and what it shows; a test changes it while the browser looks."""

    sent: list[dict[str, str]] = field(default_factory=list)
    rows: tuple[TicketRow, ...] = samples.ROWS
    broken: bool = False  #: a proxy in between answers
    live: bool = False
    changes: list[str] = field(default_factory=list)  #: numbers of tickets, streamed in order
    heard_after: list[str] = field(default_factory=list)  #: cursors that streams began with

    def page(self, page: InboxPage) -> InboxPage:
        frame = replace(page.frame, live_href="/console/live" if self.live else "")
        selected = page.ticket.number if page.ticket else ""
        rows = tuple(replace(row, selected=row.number == selected) for row in self.rows)
        return replace(page, frame=frame, list=replace(page.list, rows=rows, count=len(rows)))

    def home(self, request: Request) -> Response:
        return _inbox(request, self.page(samples.nothing_open()), "listed")

    def ticket(self, request: Request) -> Response:
        if self.broken:
            return _html("<h1>502 Bad Gateway</h1>")
        return _inbox(request, self.page(samples.opened(request.path_params["number"])), "opened")

    async def message(self, request: Request) -> Response:
        """As the real handler: done, then look at the ticket."""
        if self.broken:
            return _html("<h1>502 Bad Gateway</h1>")
        number = request.path_params["number"]
        async with request.form() as form:
            self.sent.append({key: str(value) for key, value in form.multi_items()})
        return RedirectResponse(f"/console/tickets/{number}?view=evening", status_code=303)

    async def stream(self, request: Request) -> Response:
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        self.heard_after.append(after)
        return StreamingResponse(self._changes(request, int(after or 0)), media_type="text/event-stream")

    async def _changes(self, request: Request, cursor: int) -> AsyncIterator[str]:
        yield ": hello\n\n"
        while self.live and not await request.is_disconnected():
            for number in self.changes[cursor:]:
                cursor += 1
                yield f"id: {cursor}\nevent: changed\ndata: {json.dumps({'tickets': [number]})}\n\n"
            await asyncio.sleep(0.02)


def application(desk: Desk) -> Starlette:
    return Starlette(
        routes=[
            Mount(MOUNT, Assets()),
            Route("/pages/{name}", _page),
            Route("/console", desk.home),
            Route("/console/list", desk.home),
            Route("/console/live", desk.stream),
            Route("/console/tickets/{number}", desk.ticket),
            Route("/console/tickets/{number}/messages", desk.message, methods=["POST"]),
        ]
    )


@contextmanager
def served(desk: Desk | None = None) -> Iterator[str]:
    """The address, e.g. http://127.0.0.1:41234, while the block runs."""
    desk = desk or Desk()
    server = uvicorn.Server(uvicorn.Config(application(desk), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    desk.live = False
    server.should_exit = True
    thread.join()
