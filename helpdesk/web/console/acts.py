"""What agents do, each as a form posted to a resource: one verb, one transaction, then back to the ticket (303).

A refused act shows the ticket again with status 4xx, with everything that was typed and why it was not taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from escalation.policy import Why
from helpdesk import access, deliveries, history, intake, tickets, uploads
from helpdesk.access import WORKING, Visitor
from helpdesk.context import book
from helpdesk.errors import BadInput, Conflict, HelpdeskError, NotFound, TooLarge
from helpdesk.intake import Stored
from helpdesk.models import Delivery, Message, Ticket
from helpdesk.web import session as sessions
from helpdesk.web.console import inbox, pages, views
from helpdesk.web.console.inbox import HOME
from helpdesk.web.console.pane import REPEATABLE, Typed, href
from helpdesk.web.endpoint import house, work
from helpdesk.web.pages import ZONE

#: more than any form of ours has
MOST_FIELDS = 200
#: room for the fields beside the files
FIELDS_SIZE = 1024 * 1024
MOST_NUMBERS = 100
THENS = ("open", "pending", "resolved")


@dataclass(frozen=True, kw_only=True)
class Act:
    """A form that somebody sent about one ticket."""

    visitor: Visitor
    ticket: Ticket
    form: FormData
    request: Request
    files: Sequence[Stored] = ()

    def text(self, name: str) -> str:
        value = self.form.get(name, "")
        return value.replace("\0", "") if isinstance(value, str) else ""


#: does it, and says what happened as a key of `words.DONE`
Verb = Callable[[Session, Act], str]
Endpoint = Callable[[Request], Awaitable[Response]]


class AnsweredMeanwhile(Conflict):
    """Jemand anderes hat inzwischen geantwortet. Ihre Antwort ist noch nicht gesendet."""

    def __init__(self, told: views.Conflict) -> None:
        super().__init__()
        self.told = told


def act(verb: Verb) -> Endpoint:
    """The endpoint of a verb on the ticket of the address."""

    async def endpoint(request: Request) -> Response:
        form = await _form(request)
        who = pages.caller(request, inbox.asked(form))
        number = pages.number_of(request)

        def job(session: Session) -> str:
            visitor = _signed(session, who, form)
            ticket = access.ticket(session, visitor, number)
            return verb(session, Act(visitor=visitor, ticket=ticket, form=form, request=request, files=kept))

        try:
            kept = await _kept(request, form)
            done = await work(request, job)
        except (BadInput, Conflict, TooLarge) as error:
            return await _refused(request, who, number, form, error)
        return RedirectResponse(who.asked.address(href(number), done=done), 303)

    return endpoint


def _signed(session: Session, who: pages.Caller, form: FormData) -> Visitor:
    visitor = sessions.visitor(session, who.cookie, str(form.get("csrf", "")))
    visitor.require(*WORKING)
    return visitor


async def _refused(request: Request, who: pages.Caller, number: str, form: FormData, error: HelpdeskError) -> Response:
    """The ticket again, with what was typed. The text of an answer stays in its field, other refusals are a notice."""
    typed = _typed(form, error) if "text" in form else None
    page = await work(
        request, lambda session: pages.opened(session, who, number, typed, "" if typed else error.message)
    )
    return pages.answer(request, page, "opened", error.status)


def _typed(form: FormData, error: HelpdeskError) -> Typed:
    held = error.told if isinstance(error, AnsweredMeanwhile) else None
    return Typed(
        text=str(form.get("text", "")),
        public=form.get("public") != "0",
        then=str(form.get("then", "")),
        error="" if held else error.message,
        conflict=held,
    )


# forms


async def _form(request: Request) -> FormData:
    """Reads the fields. What is larger than our own form can be is refused before it is read."""
    settings = house(request).settings
    most = settings.max_files * settings.max_upload + FIELDS_SIZE
    if int(request.headers.get("content-length") or 0) > most or "transfer-encoding" in request.headers:
        raise TooLarge
    return await request.form(max_files=settings.max_files, max_fields=MOST_FIELDS, max_part_size=FIELDS_SIZE)


async def _kept(request: Request, form: FormData) -> list[Stored]:
    """The files of a form, checked and stored."""
    return [
        await _keep(request, each) for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename
    ]


async def _keep(request: Request, file: UploadFile) -> Stored:
    place, name = house(request), uploads.safe_name(file.filename or "")
    if (file.size or 0) > place.settings.max_upload:
        raise TooLarge(f"„{name}“ ist zu groß.", field="files")
    data = await file.read()
    media = uploads.media_type(name, data[: uploads.HEAD])
    if media is None:
        raise BadInput(f"„{name}“ ist von einer Art, die wir nicht annehmen.", field="files")
    return await run_in_threadpool(uploads.keep, place.files, name, media, data)


# verbs


def say(session: Session, act: Act) -> str:
    """An answer or a note, held back when a colleague has answered since the form was made."""
    if act.text("public") == "0" or act.text("as_note") or act.text("then") == "note":
        return _note(session, act)
    _hold(session, act)
    then = act.text("then") if act.text("then") in THENS else "open"
    text = _limited(act)
    message = tickets.reply(session, act.ticket, _with_names(text, act.files), act.visitor.actor, then=then)
    intake.attach(session, message, act.files)
    return "sent"


def _note(session: Session, act: Act) -> str:
    message = tickets.note(session, act.ticket, _limited(act), act.visitor.actor)
    intake.attach(session, message, act.files)
    return "noted"


def _limited(act: Act) -> str:
    return intake.limited(act.text("text"), house(act.request).settings.max_text)


def _with_names(text: str, files: Sequence[Stored]) -> str:
    """Files wait on the person's page, behind the link; the answer names them in any channel."""
    if not files or not text.strip():
        return text
    return f"{text.rstrip()}\n\nAnlagen / Attachments: {', '.join(file.name for file in files)}"


def _hold(session: Session, act: Act) -> None:
    if act.text("despite"):
        return
    seen = act.text("seen")
    newer = session.execute(
        select(Message.author_name, Message.at, Message.text)
        .where(
            Message.ticket_id == act.ticket.id,
            Message.id > (int(seen) if seen.isdecimal() and len(seen) < 19 else 0),
            Message.public,
            Message.author == "agent",
            Message.agent_id.is_distinct_from(act.visitor.actor.id),
        )
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()
    if newer is not None and act.text("text").strip():
        raise AnsweredMeanwhile(views.Conflict(who=newer.author_name, at=newer.at, text=newer.text))


def acknowledge(session: Session, act: Act) -> str:
    why = tickets.acknowledge(session, act.ticket, act.visitor.actor)
    if why is Why.CLOSED:
        raise Conflict("Dieses Ticket ist schon abgeschlossen.")
    return "acknowledged" if why is Why.DONE else "already"


def assign(session: Session, act: Act) -> str:
    _assign(session, act.ticket, act.visitor, act.text("agent"))
    return "assigned"


def _assign(session: Session, ticket: Ticket, visitor: Visitor, agent: str) -> None:
    agent_id = _agent_id(agent)
    colleague = book(session).catalog.colleagues.get(agent_id) if agent_id is not None else None
    if colleague is not None and not inbox.may_be_given(visitor, colleague):
        raise BadInput("Diese Person gibt es nicht.", field="agent")
    tickets.assign(session, ticket, agent_id, visitor.actor)


def _agent_id(value: str) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or len(value) > 18:
        raise BadInput("Diese Person gibt es nicht.", field="agent")
    return int(value)


def resolve(session: Session, act: Act) -> str:
    tickets.resolve(session, act.ticket, act.visitor.actor)
    return "resolved"


def reopen(session: Session, act: Act) -> str:
    tickets.reopen(session, act.ticket, act.visitor.actor)
    return "reopened"


def resume(session: Session, act: Act) -> str:
    tickets.resume(session, act.ticket, act.visitor.actor)
    return "resumed"


def pause(session: Session, act: Act) -> str:
    tickets.pend(session, act.ticket, act.visitor.actor, reason=act.text("reason"), until=_local(act.text("until")))
    return "paused"


def _local(value: str) -> datetime:
    """`2026-11-20T12:00` of the form, in the time of the people here."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=ZONE)
    except ValueError:
        raise BadInput("Bitte geben Sie an, bis wann Sie warten.", field="until") from None


def set_severity(session: Session, act: Act) -> str:
    tickets.set_severity(session, act.ticket, act.text("severity"), act.text("reason"), act.visitor.actor)
    return "severity"


def send_again(session: Session, act: Act) -> str:
    """An agent's word on a message that failed, or of which nobody knows."""
    key = pages.key_of(act.request, "delivery")
    rows = select(Delivery.id).where(
        Delivery.id == key, Delivery.ticket_id == act.ticket.id, Delivery.purpose.in_(REPEATABLE)
    )
    if session.scalars(rows).one_or_none() is None:
        raise NotFound("Diese Nachricht gibt es nicht.")
    deliveries.send_again(session, key)
    again = history.Happened(
        kind="delivery.again", actor=str(act.visitor.actor), ticket_id=act.ticket.id, data={"delivery": key}
    )
    history.record(session, [again])
    return "again"


# several tickets at once


Each = Callable[[Session, Ticket, Visitor, FormData], Any]


def bulk(verb: Each) -> Endpoint:
    """The endpoint of a verb on all ticked tickets: all of them, or none."""

    async def endpoint(request: Request) -> Response:
        form = await _form(request)
        who = pages.caller(request, inbox.asked(form))
        numbers = sorted({str(number).replace("\0", "") for number in form.getlist("numbers")})[:MOST_NUMBERS]

        def job(session: Session) -> None:
            visitor = _signed(session, who, form)
            for number in numbers:  # in one order, so that two at the same moment never wait for each other
                verb(session, access.ticket(session, visitor, number), visitor, form)

        await work(request, job)
        return RedirectResponse(who.asked.address(HOME, done="bulk" if numbers else ""), 303)

    return endpoint


def acknowledge_each(session: Session, ticket: Ticket, visitor: Visitor, form: FormData) -> None:
    tickets.acknowledge(session, ticket, visitor.actor)


def assign_each(session: Session, ticket: Ticket, visitor: Visitor, form: FormData) -> None:
    _assign(session, ticket, visitor, str(form.get("agent", "")))
