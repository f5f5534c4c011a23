"""What the console shows: inbox, search, ticket, files. Each page is one transaction with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from helpdesk import access, queues, uploads
from helpdesk.access import WORKING, Visitor
from helpdesk.errors import NotFound
from helpdesk.models import Attachment, Message, Ticket
from helpdesk.web import session as sessions
from helpdesk.web.console import inbox, pane, reading
from helpdesk.web.console.inbox import Asked, Preferences
from helpdesk.web.console.pane import Typed
from helpdesk.web.console.reading import Moment
from helpdesk.web.console.views import Frame, InboxPage, Notice
from helpdesk.web.endpoint import house, work
from helpdesk.web.headers import SANDBOX
from helpdesk.web.pages import render

PREFERENCES = "ansicht"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What a request brings along, read before the transaction starts."""

    request: Request
    cookie: str
    asked: Asked
    preferences: Preferences
    done: str = ""

    @property
    def wants_part(self) -> bool:
        return is_partial(self.request)


def caller(request: Request, list_asked: Asked | None = None) -> Caller:
    """Raises `NotSignedIn` where there is no cookie."""
    return Caller(
        request=request,
        cookie=sessions.cookie_of(request, house(request).settings),
        asked=list_asked or inbox.asked(request.query_params),
        preferences=Preferences.read(request.cookies.get(PREFERENCES, "")),
        done=request.query_params.get("done", ""),
    )


def is_partial(request: Request) -> bool:
    """htmx swaps a part of the page, or our script fetches one."""
    return request.headers.get("hx-request-type") == "partial"


def number_of(request: Request) -> str:
    """The ticket number of the address, as we write it. Raises `NotFound` for what can be none."""
    number: str = request.path_params["number"].upper()
    if not number.isascii() or not number.isprintable():
        raise NotFound("Dieses Ticket gibt es nicht.")
    return number


def key_of(request: Request, name: str) -> int:
    """A key of the address; larger than any of ours is `NotFound`."""
    key = int(request.path_params[name])
    if key >= 2**63:
        raise NotFound
    return key


# pages


async def show_inbox(request: Request) -> Response:
    who = caller(request)
    if who.asked.search:
        return await _found(who)
    page = await work(request, lambda session: _inbox(session, who))
    return answer(request, page, "listed")


def _inbox(session: Session, who: Caller) -> InboxPage:
    visitor, moment, frame = _begin(session, who)
    return _whole(session, who, visitor, moment, frame)


async def _found(who: Caller) -> Response:
    def job(session: Session) -> InboxPage | str:
        visitor, moment, frame = _begin(session, who)
        rows = queues.search(session, visitor, who.asked.search)
        if len(rows) == 1 and rows[0]["number"] == who.asked.search.upper():
            return str(rows[0]["number"])
        counts = queues.counts(session, visitor)
        return InboxPage(
            frame=inbox.counted(frame, counts),
            views=inbox.views(counts, who.asked, moment.book),
            list=inbox.found_list(rows, who.asked, moment),
        )

    found = await work(who.request, job)
    if isinstance(found, str):
        return RedirectResponse(pane.href(found), 303)
    return answer(who.request, found, "listed")


async def show_ticket(request: Request) -> Response:
    who, number = caller(request), number_of(request)
    page = await work(request, lambda session: opened(session, who, number))
    return answer(request, page, "opened")


def opened(session: Session, who: Caller, number: str, typed: Typed | None = None, refusal: str = "") -> InboxPage:
    """The page with this ticket open; only the ticket where a part is wanted. Raises `NotFound`."""
    visitor, moment, frame = _begin(session, who)
    if refusal:
        frame = replace(frame, notice=Notice(text=refusal, icon="failed"))
    told = reading.story(session, visitor, number)
    ticket = pane.pane(told, visitor, moment, house(who.request).context, who.asked, typed)
    if who.wants_part:
        return InboxPage(frame=frame, views=(), list=inbox.no_list(who.asked, moment.book), ticket=ticket)
    return replace(_whole(session, who, visitor, moment, frame, number), ticket=ticket)


def _begin(session: Session, who: Caller) -> tuple[Visitor, Moment, Frame]:
    visitor = sessions.visitor(session, who.cookie)
    visitor.require(*WORKING)
    moment = reading.moment(session)
    settings = house(who.request).settings
    return visitor, moment, inbox.frame(visitor, moment, settings, who.preferences, who.asked, who.done)


def _whole(
    session: Session, who: Caller, visitor: Visitor, moment: Moment, frame: Frame, selected: str = ""
) -> InboxPage:
    found = queues.page(session, visitor, who.asked.wanted)
    counts = queues.counts(session, visitor)
    return InboxPage(
        frame=inbox.counted(frame, counts),
        views=inbox.views(counts, who.asked, moment.book),
        list=inbox.ticket_list(found, counts, who.asked, moment, visitor, selected),
    )


def answer(request: Request, page: InboxPage, part: str, status: int = 200) -> Response:
    """The whole page, or the part that is swapped in; caches must not mix them up."""
    name = part if is_partial(request) else "inbox"
    return HTMLResponse(render(f"console/{name}.html", page=page), status, headers={"vary": "HX-Request-Type, Cookie"})


# files


async def show_file(request: Request) -> Response:
    """A file of a message: always as an attachment, never run or shown by the browser."""
    who = caller(request)
    file = await work(request, _stored(who, number_of(request), key_of(request, "file")))
    try:
        data = await run_in_threadpool(house(request).files.read, file.sha256 or "")
    except FileNotFoundError:
        raise NotFound("Diese Datei gibt es nicht mehr.") from None
    headers = {
        "content-disposition": uploads.disposition(file.name),
        "content-security-policy": SANDBOX,
    }
    return Response(data, media_type=file.media_type or "application/octet-stream", headers=headers)


def _stored(who: Caller, number: str, key: int) -> Callable[[Session], Attachment]:
    def job(session: Session) -> Attachment:
        visitor = sessions.visitor(session, who.cookie)
        visitor.require(*WORKING)
        rows = (
            select(Attachment)
            .join(Message, Message.id == Attachment.message_id)
            .join(Ticket, Ticket.id == Message.ticket_id)
            .where(Attachment.id == key, Ticket.number == number, access.visible(visitor))
        )
        file = session.scalars(rows).one_or_none()
        if file is None or file.state != "stored" or not file.sha256:
            raise NotFound("Diese Datei gibt es nicht.")
        return file

    return job
