"""The console's pages with sample values, served on loopback: for looking at them, nothing is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from helpdesk.web.assets import MOUNT, Assets
from helpdesk.web.console.views import InboxPage
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


def _ticket(request: Request) -> Response:
    return _inbox(request, samples.opened(request.path_params["number"]), "opened")


def _list(request: Request) -> Response:
    return _inbox(request, samples.nothing_open(), "listed")


def _home(request: Request) -> Response:
    return _html(PAGES["list"]())


async def _message(request: Request) -> Response:
    """As the real handler: done, then look at the ticket."""
    number = request.path_params["number"]
    async with request.form() as form:
        samples.SENT.append({key: str(value) for key, value in form.multi_items()})
    return RedirectResponse(f"/console/tickets/{number}?view=evening", status_code=303)


def application() -> Starlette:
    return Starlette(
        routes=[
            Mount(MOUNT, Assets()),
            Route("/pages/{name}", _page),
            Route("/console", _home),
            Route("/console/list", _list),
            Route("/console/tickets/{number}", _ticket),
            Route("/console/tickets/{number}/messages", _message, methods=["POST"]),
        ]
    )


@contextmanager
def served() -> Iterator[str]:
    """The address, e.g. http://127.0.0.1:41234, while the block runs."""
    server = uvicorn.Server(uvicorn.Config(application(), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
