"""The citizen's own ticket behind its secret link.

Every GET of a link shows a door, whether the link is right or wrong: programs that look into mails and messengers open
links too, and learn nothing. Pressing the button decides, and leaves a cookie for this one address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote
from uuid import uuid4

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from helpdesk import clock, intake, limits, tickets, uploads
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.errors import Conflict, DatabaseAway, NotFound, TooLarge, TooMany
from helpdesk.intake import Stored
from helpdesk.models import Ticket
from helpdesk.tickets import Actor
from helpdesk.web.citizen import contact, offer, reader, seals, thread
from helpdesk.web.citizen.forms import Draft, Refusal, ReplyForm, draft_of, read_reply
from helpdesk.web.citizen.posts import posted
from helpdesk.web.citizen.views import Done, DoorPage, Frame, LostLinkPage, Problem, ProblemPage, TicketPage
from helpdesk.web.endpoint import house, work
from helpdesk.web.headers import SANDBOX

DOOR = "tuer"  #: cookie for one secret address
KNOCK = "knocked"  #: its value before the button: shows that this browser keeps cookies
ACCOUNT = "ticket"
MOST_REPLIES = 20
REQUESTER = Actor(kind="requester", name="requester")


def _secret(request: Request) -> str:
    return str(request.path_params["secret"])


def _path(request: Request) -> str:
    """Escaped as in the address bar: it goes into pages, a cookie and redirects, and anybody can type anything there."""
    return f"/anliegen/{quote(_secret(request), safe='')}"


def _is_open(request: Request) -> bool:
    """Whether this browser has pressed the button of this very link."""
    cookie = request.cookies.get(DOOR, "")
    seal = seals.opened(house(request).context, "door", cookie, seals.DOOR_LASTS)
    return seal is not None and seal.value == _secret(request)


async def asked(request: Request) -> Response:
    """`GET /anliegen`: for who has no link at hand."""
    now, _ = await offer.current(request)
    return reader.html(LostLinkPage(frame=reader.frame_of(request, now.now), asked=True))


async def show(request: Request) -> Response:
    """`GET /anliegen/{secret}`: the door; behind it, for the browser that opened it, the ticket."""
    if not _is_open(request):
        return await _door(request)
    return await _with_ticket(request, lambda session, ticket: _page(session, ticket, request, _done(request)))


def _done(request: Request) -> Done | None:
    told = request.query_params.get("getan", "")
    return Done(told) if told in list(Done) else None


async def _door(request: Request) -> Response:
    now, _ = await offer.current(request)
    response = reader.html(DoorPage(frame=reader.frame_of(request, now.now, path=_path(request))))
    reader.remember(request, response, DOOR, KNOCK, _path(request))
    return response


async def enter(request: Request) -> Response:
    """`POST /anliegen/{secret}`: the button. Without cookies the page is drawn at once, and a reload asks again."""
    async with posted(request, contact.limits_of(house(request).settings)) as post:
        frame = _frame(request, post.texts.get("sprache", ""))
    response = await _with_ticket(request, lambda session, ticket: _page(session, ticket, request))
    if response.status_code == 200 and request.cookies.get(DOOR):
        response = reader.go(frame.address(_path(request)))
    if response.status_code in (200, 303):
        sealed = seals.seal(house(request).context, "door", _secret(request))
        reader.remember(request, response, DOOR, sealed, _path(request))
    return response


def _page(session: Session, ticket: Ticket, request: Request, done: Done | None = None) -> TicketPage:
    frame = reader.frame_of(request, clock.now(session), path=_path(request))
    return thread.page_of(session, ticket, frame, done)


async def _with_ticket(request: Request, job: Callable[[Session, Ticket], TicketPage]) -> Response:
    """A page about the ticket, or the one for lost links."""

    def found(session: Session) -> TicketPage:
        return job(session, tickets.by_secret(session, _secret(request)))

    try:
        return reader.html(await work(request, found))
    except NotFound:
        return await _lost(request)


async def _lost(request: Request, typed: str = "") -> Response:
    now, _ = await offer.current(request)
    frame = reader.frame_of(request, now.now, path=_path(request))
    page = ProblemPage(frame=frame, problem=Problem.NOT_FOUND, typed=typed) if typed else LostLinkPage(frame=frame)
    return reader.html(page, NotFound.status)


# what the requester does


async def reply(request: Request) -> Response:
    """`POST …/messages`: a further message; the same key twice is one."""
    settings = house(request).settings
    async with posted(request, contact.limits_of(settings)) as post:
        read = read_reply(post.texts, post.chosen, contact.limits_of(settings))
        frame = _frame(request, post.texts.get("sprache", ""))
        if post.problem:
            return await _typed_again(request, draft_of(post.texts), frame, post.problem, TooLarge.status)
        if isinstance(read, Refusal):
            return await _refused(request, read, frame)
        draft = draft_of(post.texts, post.chosen)
        try:
            await _taken(request, read, post.files)
        except NotFound:
            return await _lost(request, read.text)
        except Conflict:
            return await _write_anew(request, draft)
        except TooMany as many:
            return await _typed_again(request, draft, frame, Problem.TOO_MANY, many.status, many.retry_after)
        except DatabaseAway as away:
            return reader.html(_not_saved(frame, read.text), away.status)
    return reader.go(frame.address(_path(request), getan=Done.REPLIED.value))


async def _taken(request: Request, form: ReplyForm, files: tuple[UploadFile, ...]) -> None:
    """Raises `NotFound`, `Conflict`, `TooMany`, `DatabaseAway`; files are stored only for a ticket that takes them."""
    secret, sender = _secret(request), f"reply:{reader.sender_of(request)}"
    if not files:
        await work(request, lambda session: hear(session, addressed(session, secret, sender), form, ()))
        return
    await work(request, lambda session: addressed(session, secret, sender))
    stored = await contact.kept(house(request), files)
    await work(request, lambda session: hear(session, addressed(session, secret), form, stored))


def addressed(session: Session, secret: str, sender: str | None = None) -> Ticket:
    """The ticket that a reply is for. Raises `NotFound`, and `Conflict` when it was done too long ago.

    `sender`: whose limit the reply counts for; None = counted already.
    """
    ticket = tickets.by_secret(session, secret, lock=True)
    if ticket.status in tickets.DONE and not tickets.may_reopen(session, ticket):
        raise Conflict
    if sender is not None:
        limits.allow(session, sender, count=MOST_REPLIES, per=contact.WITHIN)
    return ticket


def hear(session: Session, ticket: Ticket, form: ReplyForm, files: tuple[Stored, ...]) -> None:
    """Takes the reply in, once per key."""
    message = InboundMessage(
        external_id=f"{ticket.id}:{form.key or uuid4()}",
        kind=Kind.MESSAGE,
        sender=Address(kind="web", value=""),
        recipient=Address(kind="web", value=ACCOUNT),
        text=form.text,
        raw=Raw(body=form.text.encode(), headers={}, received_at=clock.now(session)),
        hints=(f"token:{ticket.token}",),
    )
    intake.take_in(session, message, channel="web", account=ACCOUNT, files=files)


async def resolve(request: Request) -> Response:
    """`POST …/resolution`: the requester says that it is done."""
    return await _verb(request, lambda session, ticket: tickets.resolve(session, ticket, REQUESTER), Done.CLOSED)


async def reopen(request: Request) -> Response:
    """`POST …/reopening`: it is not."""
    return await _verb(request, lambda session, ticket: tickets.reopen(session, ticket, REQUESTER), Done.REOPENED)


async def _verb(request: Request, verb: Callable[[Session, Ticket], None], done: Done) -> Response:
    async with posted(request, contact.limits_of(house(request).settings)) as post:
        frame = _frame(request, post.texts.get("sprache", ""))
    try:
        await work(request, lambda session: verb(session, tickets.by_secret(session, _secret(request), lock=True)))
    except NotFound:
        return await _lost(request)
    except Conflict:  # too late to reopen: the page says so
        return reader.go(frame.address(_path(request)))
    return reader.go(frame.address(_path(request), getan=done.value))


def _frame(request: Request, language: str) -> Frame:
    now = offer.known(request).now
    return reader.frame_of(request, now, path=_path(request), typed={"sprache": language})


async def _refused(request: Request, refusal: Refusal, frame: Frame) -> Response:
    def job(session: Session) -> TicketPage:
        ticket = tickets.by_secret(session, _secret(request))
        page = thread.page_of(session, ticket, replace(frame, now=clock.now(session)))
        return replace(page, draft=refusal.draft, errors=refusal.errors, reply_key=refusal.draft.key or page.reply_key)

    return await _drawn(request, job, frame, refusal.draft, 422)


async def _typed_again(
    request: Request, draft: Draft, frame: Frame, problem: Problem, status: int, retry_after: int = 0
) -> Response:
    def job(session: Session) -> TicketPage:
        ticket = tickets.by_secret(session, _secret(request))
        page = thread.page_of(session, ticket, replace(frame, now=clock.now(session)))
        return replace(page, draft=draft, problem=problem, reply_key=draft.key or page.reply_key)

    response = await _drawn(request, job, frame, draft, status)
    if retry_after:
        response.headers["retry-after"] = str(retry_after)
    return response


async def _drawn(
    request: Request, job: Callable[[Session], TicketPage], frame: Frame, draft: Draft, status: int
) -> Response:
    try:
        return reader.html(await work(request, job), status)
    except NotFound:
        return await _lost(request, draft.text)
    except DatabaseAway as away:
        return reader.html(_not_saved(frame, draft.text), away.status)


def _not_saved(frame: Frame, typed: str) -> ProblemPage:
    return ProblemPage(frame=frame, problem=Problem.DATABASE_AWAY, typed=typed)


async def _write_anew(request: Request, draft: Draft) -> Response:
    """Done too long ago: the text stands in a new form."""
    now, _ = await offer.current(request)
    return reader.html(contact.fresh(request, now, Draft(text=draft.text), query={}), Conflict.status)


# files


async def download(request: Request) -> Response:
    """`GET …/files/{id}`: always an attachment, for the browser that opened the door."""
    if not _is_open(request):
        return reader.go(_path(request))

    def job(session: Session) -> tuple[str, str, str]:
        ticket = tickets.by_secret(session, _secret(request))
        row = thread.file_of(session, ticket, request.path_params["file"])
        return row.sha256 or "", row.name, row.media_type

    sha256, name, media_type = await work(request, job)
    try:
        data = await anyio.to_thread.run_sync(house(request).files.read, sha256)
    except FileNotFoundError:
        raise NotFound("Diese Datei gibt es nicht.") from None
    return attached(data, name, media_type)


def attached(data: bytes, name: str, media_type: str) -> Response:
    """Bytes of a stranger: never shown in place, and harmless if a browser did."""
    headers = {
        "content-disposition": uploads.disposition(name),
        "content-security-policy": SANDBOX,
        "cache-control": "private, no-store",
    }
    return Response(data, media_type=media_type or "application/octet-stream", headers=headers)
