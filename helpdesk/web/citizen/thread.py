"""The citizen's own ticket as a page: only public messages, in words that need no explanation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk import notifications, tickets
from helpdesk.context import book, context
from helpdesk.errors import NotFound
from helpdesk.models import Attachment as AttachmentRow
from helpdesk.models import Message, Status, Ticket
from helpdesk.web.citizen import offer
from helpdesk.web.citizen.forms import Limits
from helpdesk.web.citizen.views import (
    Attachment,
    Author,
    Done,
    Frame,
    MessageRow,
    Situation,
    Step,
    StepRow,
    StepState,
    TicketPage,
)

#: promises to the person; the others are between us and partners, or their own deadline
PROMISES = ("first_response", "next_response", "update", "resolution")
SITUATIONS = {
    Status.NEW: Situation.RECEIVED,
    Status.OPEN: Situation.WORKING,
    Status.PENDING: Situation.WAITING_FOR_YOU,
    Status.RESOLVED: Situation.SOLVED,
    Status.CLOSED: Situation.CLOSED,
}


def page_of(session: Session, ticket: Ticket, frame: Frame, done: Done | None = None) -> TicketPage:
    """Everything that the requester may see, and what they may do."""
    settings = context(session).settings
    now = offer.read(session)
    reopenable = tickets.may_reopen(session, ticket)
    done_at = ticket.closed_at or ticket.resolved_at
    way = notifications.way_back(session, ticket)
    return TicketPage(
        frame=frame,
        number=ticket.number,
        portal=now.portal_name(ticket.portal, _place(session, ticket)),
        title=ticket.subject,
        title_language=ticket.language,
        situation=SITUATIONS[Status(ticket.status)],
        steps=steps(ticket),
        messages=messages(session, ticket, frame.path),
        promise_at=ticket.next_due_at if ticket.next_clock in PROMISES else None,
        by_mail=way is not None and way.channel == "email" and "email" in context(session).channels,
        reply_key=str(uuid4()),
        can_reply=ticket.status not in tickets.DONE or reopenable,
        can_close=ticket.status not in tickets.DONE,
        reopen_days=settings.reopen_days,
        reopen_until=done_at + timedelta(days=settings.reopen_days) if reopenable and done_at else None,
        lines=offer.lines(now, settings),
        limits=Limits(characters=settings.max_text, files=settings.max_files, file_bytes=settings.max_upload),
        done=done,
    )


def _place(session: Session, ticket: Ticket) -> str:
    place = book(session).catalog.places.get(ticket.ags or "")
    return place.name if place else ""


def steps(ticket: Ticket) -> tuple[StepRow, ...]:
    """Four steps: done up to where the ticket is, then the current one."""
    solved = ticket.status in tickets.DONE
    reached = {
        Step.RECEIVED: ticket.opened_at,
        Step.ACCEPTED: ticket.acknowledged_at,
        Step.WORKING: None,
        Step.SOLVED: ticket.resolved_at or ticket.closed_at if solved else None,
    }
    current = Step.SOLVED if solved else Step.ACCEPTED if ticket.status == Status.NEW else Step.WORKING
    order = list(Step)

    def state(step: Step) -> StepState:
        if solved or order.index(step) < order.index(current):
            return StepState.DONE
        return StepState.CURRENT if step is current else StepState.OPEN

    return tuple(StepRow(step=step, state=state(step), at=reached[step]) for step in order)


def messages(session: Session, ticket: Ticket, path: str) -> tuple[MessageRow, ...]:
    """Oldest first; internal notes are never read."""
    rows = session.scalars(
        select(Message).where(Message.ticket_id == ticket.id, Message.public).order_by(Message.id)
    ).all()
    files = _files(session, [row.id for row in rows], path)
    return tuple(
        MessageRow(
            author=_author(row),
            at=row.at,
            text=row.text,
            channel=_channel(session, row.channel),
            language=row.language or ticket.language,
            files=files.get(row.id, ()),
        )
        for row in rows
    )


def _author(row: Message) -> Author:
    if row.channel == "phone":
        return Author.CALL
    return Author.YOU if row.author == "requester" else Author.US


def _channel(session: Session, name: str) -> str:
    info = context(session).channels.get(name)
    return info.label if info and name not in notifications.OWN_PAGES else ""


def _files(session: Session, message_ids: Sequence[int], path: str) -> dict[int, tuple[Attachment, ...]]:
    rows = session.scalars(
        select(AttachmentRow)
        .where(AttachmentRow.message_id.in_(message_ids), AttachmentRow.sha256.is_not(None))
        .order_by(AttachmentRow.id)
    )
    found: dict[int, tuple[Attachment, ...]] = {}
    for row in rows:
        shown = Attachment(name=row.name, href=f"{path}/files/{row.id}", size=row.size)
        found[row.message_id] = (*found.get(row.message_id, ()), shown)
    return found


def file_of(session: Session, ticket: Ticket, key: int) -> AttachmentRow:
    """A file of a public message of this ticket. Raises `NotFound`."""
    row = session.scalars(
        select(AttachmentRow)
        .join(Message, Message.id == AttachmentRow.message_id)
        .where(AttachmentRow.id == key, Message.ticket_id == ticket.id, Message.public)
    ).one_or_none()
    if row is None or row.sha256 is None:
        raise NotFound("Diese Datei gibt es nicht.")
    return row
