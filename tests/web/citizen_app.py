"""A small service for looking at the citizens' pages and walking through them; it remembers one ticket, stores nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import sleep

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from helpdesk.i18n import Language, interface_language
from helpdesk.web.assets import MOUNT, Assets
from helpdesk.web.citizen.forms import ContactForm, Refusal, ReplyForm, Upload, draft_of, read_contact, read_reply
from helpdesk.web.citizen.views import Author, Done, DoorPage, LostLinkPage, MessageRow, Page, draw
from tests.web import citizen_samples as samples

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TAKEN: list[ContactForm] = []
REPLIES: list[ReplyForm] = []


def _html(page: Page, status: int = 200) -> Response:
    return HTMLResponse(draw(page), status, {"content-security-policy": POLICY})


def _language(request: Request) -> Language:
    return interface_language(request.query_params.get("sprache")) or Language.DE


def _sample(request: Request) -> Response:
    return _html(samples.every_page(Language(request.path_params["language"]))[request.path_params["name"]])


def _typed(form: FormData) -> tuple[dict[str, str], list[Upload]]:
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return texts, [Upload(name=file.filename or "", size=file.size or 0) for file in files]


async def _contact(request: Request) -> Response:
    language = _language(request)
    if request.method == "GET":
        draft = draft_of(dict(request.query_params))
        frame = replace(samples.frame(language), query=dict(request.query_params.items() - {("sprache", language)}))
        return _html(samples.contact(language, draft=replace(draft, key=samples.TYPED["key"]), frame=frame, origin=""))
    async with request.form() as form:
        texts, files = _typed(form)
    read = read_contact(texts, files, samples.RULES)
    if isinstance(read, Refusal):
        return _html(samples.contact(language, draft=read.draft, errors=read.errors, origin=""), 422)
    TAKEN.append(read)
    return RedirectResponse(samples.frame(read.language).address("/gesendet"), 303)


def _sent(request: Request) -> Response:
    return _html(samples.confirmation(_language(request)))


async def _ticket(request: Request) -> Response:
    language, path = _language(request), request.url.path
    frame = samples.frame(language, path)
    if request.method == "GET" and "geoeffnet" not in request.query_params:
        return _html(DoorPage(frame=frame))
    if path != samples.SECRET:
        return _html(LostLinkPage(frame=frame), 404)
    own = tuple(MessageRow(author=Author.YOU, at=samples.NOW, text=reply.text) for reply in REPLIES)
    page = samples.ticket(language, done=Done.REPLIED if own else None)
    return _html(replace(page, messages=page.messages + own))


async def _reply(request: Request) -> Response:
    language = _language(request)
    async with request.form() as form:
        texts, files = _typed(form)
    read = read_reply(texts, files, samples.RULES.limits)
    if isinstance(read, Refusal):
        return _html(samples.ticket(language, draft=read.draft, errors=read.errors), 422)
    REPLIES.append(read)
    return RedirectResponse(samples.frame(language).address(samples.SECRET, geoeffnet="1"), 303)


def _places(request: Request) -> Response:
    found = samples.PLACES.find(request.query_params["q"])
    return JSONResponse([{"ags": place.ags, "name": place.name, "district": place.district} for place in found])


def application() -> Starlette:
    return Starlette(
        routes=[
            Mount(MOUNT, Assets()),
            Route("/muster/{language}/{name}", _sample),
            Route("/", _contact, methods=["GET", "POST"]),
            Route("/gesendet", _sent),
            Route("/orte", _places),
            Route("/anliegen/{secret}", _ticket, methods=["GET", "POST"]),
            Route("/anliegen/{secret}/messages", _reply, methods=["POST"]),
        ]
    )


@contextmanager
def served() -> Iterator[str]:
    """The address while the block runs; forgets what it took in before."""
    TAKEN.clear()
    REPLIES.clear()
    server = uvicorn.Server(uvicorn.Config(application(), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
