"""The contact page: shown, sent, confirmed. Whatever goes wrong, everything typed is shown again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from helpdesk import clock, contacts, intake, limits, notifications, tickets, uploads
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.context import book, context
from helpdesk.errors import BadInput, DatabaseAway, TooLarge, TooMany
from helpdesk.house import House
from helpdesk.intake import About, Accepted, Stored
from helpdesk.models import Clock, Inbound, TicketKind
from helpdesk.settings import Settings
from helpdesk.web import errors
from helpdesk.web.citizen import offer, reader, seals
from helpdesk.web.citizen.forms import (
    AddressKind,
    ContactForm,
    Draft,
    Fault,
    FieldError,
    Limits,
    Refusal,
    draft_of,
    read_contact,
)
from helpdesk.web.citizen.offer import Offer
from helpdesk.web.citizen.posts import Post, posted
from helpdesk.web.citizen.views import ConfirmationPage, ContactPage, Frame, Problem
from helpdesk.web.endpoint import house, work

ACCOUNT = "contact"
MOST, WITHIN = 5, timedelta(minutes=10)  #: messages of one sender
PRESETS = ("portal", "ags", "place", "component", "form", "error", "topic")
RECEIPT = "beleg"  #: cookie of the browser that has sent
BARRIER = "barriere"


def limits_of(settings: Settings) -> Limits:
    return Limits(characters=settings.max_text, files=settings.max_files, file_bytes=settings.max_upload)


# shown


async def show(request: Request) -> Response:
    """`GET /`: empty, or with what the link of a portal says (`docs/how-to/link-from-a-portal.md`)."""
    now, _ = await offer.current(request)
    query = {name: value for name in PRESETS if (value := request.query_params.get(name))}
    return reader.html(fresh(request, now, preset(draft_of(query), now), query=query))


def preset(draft: Draft, now: Offer) -> Draft:
    """What a link says, as far as we know it. Neither key nor text nor address ever comes from a link."""
    place = now.places.get(draft.ags)
    known = now.catalog
    return replace(
        draft,
        portal=draft.portal if known and draft.portal in known.portals else "",
        component=draft.component if known and draft.component in known.components else "",
        ags=place.ags if place else "",
        place=draft.place or (place.name if place else ""),
    )


def fresh(request: Request, now: Offer, draft: Draft, query: dict[str, str]) -> ContactPage:
    """The page with a key of its own: the same key sent twice is one message."""
    key = str(uuid4())
    origin = ""
    if draft.portal:
        place = now.places.get(draft.ags)
        origin = now.portal_name(draft.portal, place.name if place else "")
    stamp = seals.seal(house(request).context, "form", key)
    frame = reader.frame_of(request, now.now, path="/", query=query)
    return page_of(request, frame, now, replace(draft, key=key), stamp, origin=origin)


def page_of(request: Request, frame: Frame, now: Offer, draft: Draft, stamp: str, *, origin: str = "") -> ContactPage:
    settings = house(request).settings
    limits = limits_of(settings)
    return ContactPage(
        frame=frame,
        draft=draft,
        portals=now.portal_choices(draft.portal),
        answers=now.rules(limits).answers,
        stamp=stamp,
        origin=origin,
        promise_at=now.promise_at,
        lines=offer.lines(now, settings),
        hours=offer.week(now, frame.language),
        limits=limits,
    )


async def places(request: Request) -> Response:
    """`GET /orte?q=`: suggestions while typing."""
    known: Offer | None = getattr(request.app.state, "offer", None)
    if known is None:
        known, _ = await offer.current(request)
    found = known.places.find(request.query_params.get("q", "")[:100])
    rows = [{"ags": place.ags, "name": place.name, "district": place.district} for place in found]
    return JSONResponse(rows, headers={"cache-control": "public, max-age=300"})


# sent


@dataclass(frozen=True, kw_only=True)
class Again:
    """The page once more, with everything typed: why, and how the answer is marked."""

    status: int
    problem: Problem | None = None
    errors: tuple[FieldError, ...] = ()
    retry_after: int = 0
    renew: bool = False  #: the stamp cannot be used again


async def send(request: Request) -> Response:
    """`POST /`: one message, then the way to its confirmation."""
    now, away = await offer.current(request)
    settings = house(request).settings
    async with posted(request, limits_of(settings)) as post:
        read = read_contact(post.texts, post.chosen, now.rules(limits_of(settings)))
        again = refused(house(request), post, read, away)
        if again is None and isinstance(read, ContactForm):
            if read.honeypot:
                return reader.go(_frame(request, now, post).address("/gesendet"))
            try:
                accepted = await taken(request, read, post.files)
            except Exception as error:
                again = told(error)
            else:
                return _sent(request, _frame(request, now, post), accepted)
        draft = read.draft if isinstance(read, Refusal) else draft_of(post.texts, post.chosen)
    return _redrawn(
        request, _frame(request, now, post), now, draft, post.texts.get("stamp", ""), again or Again(status=500)
    )


def refused(house: House, post: Post, read: ContactForm | Refusal, away: DatabaseAway | None) -> Again | None:
    """Why this form cannot be taken in now, the reason that helps most first; None = it can."""
    if post.problem:
        return Again(status=TooLarge.status, problem=post.problem)
    if away:
        return Again(status=away.status, problem=Problem.DATABASE_AWAY)
    if isinstance(read, Refusal):
        return Again(status=BadInput.status, errors=read.errors)
    stamp = seals.opened(house.context, "form", read.stamp, seals.STAMP_LASTS)
    if stamp is None or stamp.value != str(read.key):
        return Again(status=BadInput.status, problem=Problem.TOO_FAST, renew=True)
    if stamp.age < seals.FASTEST and not read.honeypot:
        return Again(status=BadInput.status, problem=Problem.TOO_FAST)
    return None


def told(error: Exception) -> Again:
    """What an error means on this page; one that nobody foresaw is logged, and what was typed comes back all the same."""
    status = errors.problem_of(error).status
    match error:
        case TooMany():
            return Again(status=status, problem=Problem.TOO_MANY, retry_after=error.retry_after)
        case DatabaseAway():
            return Again(status=status, problem=Problem.DATABASE_AWAY)
        case BadInput(field="municipality"):
            return Again(status=status, errors=(FieldError(name="place", fault=Fault.PLACE_UNKNOWN),))
        case BadInput(field="portal"):
            return Again(status=status, errors=(FieldError(name="portal", fault=Fault.UNKNOWN_CHOICE),))
        case BadInput(field="email"):
            return Again(status=status, errors=(FieldError(name="address", fault=Fault.NOT_AN_EMAIL),))
        case _:
            return Again(status=status, problem=Problem.FAILED)


def _frame(request: Request, now: Offer, post: Post) -> Frame:
    return reader.frame_of(request, now.now, path="/", typed=post.texts)


def _redrawn(request: Request, frame: Frame, now: Offer, draft: Draft, stamp: str, again: Again) -> Response:
    ours = house(request).context
    if again.renew or seals.opened(ours, "form", stamp, seals.STAMP_LASTS) is None:
        draft = replace(draft, key=str(uuid4()))
        stamp = seals.seal(ours, "form", draft.key)
    page = replace(page_of(request, frame, now, draft, stamp), problem=again.problem, errors=again.errors)
    return reader.html(page, again.status, {"retry-after": str(again.retry_after)} if again.retry_after else None)


def _sent(request: Request, frame: Frame, accepted: Accepted) -> Response:
    response = reader.go(frame.address("/gesendet"))
    sealed = seals.seal(house(request).context, "receipt", accepted.secret)
    reader.remember(request, response, RECEIPT, sealed, "/gesendet")
    return response


# taken in


async def taken(request: Request, form: ContactForm, files: tuple[UploadFile, ...]) -> Accepted:
    """Limit, files, ticket. Raises `TooMany`, `BadInput`, `DatabaseAway`; then nothing was stored but nameless files."""
    sender = f"contact:{reader.sender_of(request)}"
    if not files:
        return await work(request, lambda session: take(session, form, (), sender))
    # Files are stored before the ticket, so whoever sends too much is stopped before them.
    await work(request, lambda session: limits.allow(session, sender, count=MOST, per=WITHIN))
    stored = await kept(house(request), files)
    return await work(request, lambda session: take(session, form, stored))


async def kept(house: House, files: tuple[UploadFile, ...]) -> tuple[Stored, ...]:
    """One file at a time, so that never more than one lies in memory."""
    return tuple([await anyio.to_thread.run_sync(_keep, house, file) for file in files])


def _keep(house: House, file: UploadFile) -> Stored:
    data, name = file.file.read(), file.filename or ""
    return uploads.keep(house.files, name, uploads.media_type(name, data[: uploads.HEAD]) or "", data)


def take(session: Session, form: ContactForm, files: tuple[Stored, ...], sender: str | None = None) -> Accepted:
    """The message of a form. The same key again is the same message, unless something else was typed meanwhile.

    `sender`: whose limit a new message counts for; None = counted already.
    """
    message, about = inbound(session, form, files), about_of(session, form)
    earlier = session.scalars(
        select(Inbound.body).where(
            Inbound.channel == "web", Inbound.account == ACCOUNT, Inbound.external_id == message.external_id
        )
    ).one_or_none()
    if sender is not None and earlier != message.raw.body:
        limits.allow(session, sender, count=MOST, per=WITHIN)
    if earlier is not None and earlier != message.raw.body:  # "back" in the browser, and another question
        digest = hashlib.sha256(message.raw.body).hexdigest()[:16]
        message = replace(message, external_id=f"{message.external_id}#{digest}")
    return intake.take_in(session, message, channel="web", account=ACCOUNT, about=about, files=files)


def inbound(session: Session, form: ContactForm, files: tuple[Stored, ...]) -> InboundMessage:
    address = contacts.canonical("email", form.address) if form.answer.address is AddressKind.EMAIL else form.address
    kind = "email" if form.answer.address is AddressKind.EMAIL else "phone" if form.address else "web"
    return InboundMessage(
        external_id=str(form.key),
        kind=Kind.MESSAGE,
        sender=Address(kind=kind, value=address),
        recipient=Address(kind="web", value=ACCOUNT),
        text=form.text,
        raw=Raw(body=original(form, files), headers={}, received_at=clock.now(session)),
        language=form.language.value,
    )


def original(form: ContactForm, files: tuple[Stored, ...]) -> bytes:
    """The form as it was filled in, always the same bytes for the same answers."""
    filled = {
        "portal": form.portal,
        "place": form.place.ags if form.place else form.place_text,
        "text": form.text,
        "deadline": form.deadline,
        "answer": form.answer.id,
        "address": form.address,
        "component": form.component,
        "form": form.form,
        "error": form.error,
        "topic": form.topic,
        "files": [[file.name, file.sha256] for file in files],
    }
    return json.dumps(filled, ensure_ascii=False, sort_keys=True).encode()


def about_of(session: Session, form: ContactForm) -> About:
    """What the form says beside its text. A component that no longer exists is left out: nobody typed it."""
    catalog = book(session).catalog
    barrier = form.topic == BARRIER
    facts: dict[str, object] = {"form": form.form, "error": form.error, "place": form.place_text}
    if form.deadline:
        facts |= {"deadline": "today_or_tomorrow", "overrides": ["frist24h"]}
    return About(
        portal=form.portal,
        component=form.component if form.component in catalog.components else None,
        category="barrierefreiheit" if barrier and "barrierefreiheit" in catalog.categories else None,
        kind=TicketKind.FEEDBACK if barrier else None,
        ags=form.place.ags if form.place else None,
        facts={name: value for name, value in facts.items() if value},
    )


# confirmed


async def sent(request: Request) -> Response:
    """`GET /gesendet`: only for the browser that has sent; others are told how to find their link."""
    cookie = request.cookies.get(RECEIPT, "")
    seal = seals.opened(house(request).context, "receipt", cookie, seals.RECEIPT_LASTS)
    if seal is None:
        return reader.go(f"/anliegen?{request.url.query}" if request.url.query else "/anliegen")
    return reader.html(await work(request, lambda session: confirmation(session, seal.value, request)))


def confirmation(session: Session, secret: str, request: Request) -> ConfirmationPage:
    """Raises `NotFound` when the link was revoked meanwhile."""
    ticket = tickets.by_secret(session, secret)
    way = notifications.way_back(session, ticket)
    promise = session.scalars(
        select(Clock.due_at).where(Clock.ticket_id == ticket.id, Clock.kind == "first_response", Clock.round == 1)
    ).one_or_none()
    return ConfirmationPage(
        frame=reader.frame_of(request, clock.now(session)),
        number=ticket.number,
        link=notifications.link_to(context(session), ticket),
        promise_at=promise,
        copy_to=way.address.value if way and way.channel == "email" and "email" in context(session).channels else "",
    )
