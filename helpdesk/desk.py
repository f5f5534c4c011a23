"""The desk, as channels see it: each call is one transaction, in a thread, committed before it returns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import anyio.to_thread
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from escalation.chain import Why
from helpdesk import clock, contacts, deliveries, i18n, intake, plain, tickets
from helpdesk.channel import (
    Answer,
    Channel,
    DeliveryReport,
    File,
    InboundMessage,
    Kind,
    Line,
    LiveLine,
    Raw,
    Reason,
    Receipt,
    State,
)
from helpdesk.context import book
from helpdesk.errors import NotFound
from helpdesk.files import FileStore
from helpdesk.house import House
from helpdesk.intake import Stored
from helpdesk.models import Agent, Delivery, Ticket
from helpdesk.notifications import ZONE
from helpdesk.tickets import Actor

LARGEST = 25 * 1024 * 1024
#: what a person on duty may answer with; the others are help
VERBS = ("acknowledge", "acknowledge_all", "escalate", "close", "status")


class Unpacking(Protocol):
    """A channel whose originals hold the files themselves, such as mail."""

    def attachments(self, raw: Raw) -> list[tuple[File, bytes]]: ...


@dataclass(frozen=True)
class ChannelDesk:
    """What one channel account may ask. Made by the application for each configured account."""

    house: House
    channel: Channel

    async def take_in(self, message: InboundMessage) -> Receipt:
        """Files are stored first, by hash, so that the transaction holds no network call and no large copy."""
        if message.kind is Kind.BLOCKED:
            await self.house.database.run(lambda session: intake.blocked(session, message))
            return Receipt(number="", answer_by=None, repeated=False)
        files = await self._files(message)

        def job(session: Session) -> Receipt:
            return intake.take_in(
                session, message, channel=self.channel.name, account=self.channel.account, files=files
            ).receipt

        return await self.house.database.run(job)

    async def _files(self, message: InboundMessage) -> list[Stored]:
        """Stored when they lie in the original; those still at the provider are fetched by the worker, after commit."""
        if not message.files:
            return []
        if hasattr(self.channel, "attachments"):
            unpacking = cast(Unpacking, self.channel)
            return await anyio.to_thread.run_sync(_unpacked, self.house.files, unpacking, message.raw)
        return [_waiting(file) for file in message.files]

    async def act(self, key: str, verb: str, by: str) -> Answer:
        """A person on duty answers a page. `by` is the address that it came from; only who was paged is heard.

        An answer with an empty text and `done=False` means that this address was never paged.
        """
        return await self.house.database.run(lambda session: act(session, self.channel.name, key, verb, by))

    async def line(self, number: str) -> Line:
        return await self.house.database.run(_line)

    def follow(self, thread: str, after: int) -> AsyncIterator[LiveLine]:
        raise NotFound("Diese Unterhaltung gibt es nicht.")

    async def report(self, report: DeliveryReport) -> None:
        """What a provider says of a delivery; a reply that never arrived undoes the promise that it had met."""
        name = self.channel.name
        await self.house.database.run(lambda session: take_report(session, name, report))

    async def park(self, raw: Raw, why: str) -> None:
        name, account = self.channel.name, self.channel.account
        await self.house.database.run(lambda session: intake.park(session, raw, why, channel=name, account=account))


def _unpacked(files: FileStore, channel: Unpacking, raw: Raw) -> list[Stored]:
    return [_kept(files, file, data) for file, data in channel.attachments(raw)]


def _kept(files: FileStore, file: File, data: bytes) -> Stored:
    name = plain.clean(file.name, 200) or "Datei"
    if len(data) > LARGEST:
        return Stored(name=name, media_type=file.media_type, size=len(data), sha256=None, state="too_large")
    return Stored(name=name, media_type=file.media_type, size=len(data), sha256=files.keep(data))


def _waiting(file: File) -> Stored:
    return Stored(
        name=plain.clean(file.name, 200) or "Datei",
        media_type=file.media_type,
        size=file.size,
        sha256=None,
        ref=file.ref,
        state="waiting",
    )


def _line(session: Session) -> Line:
    calendar = book(session).engine.calendars.get("hotline")
    now = clock.now(session)
    if calendar is None or calendar.is_open(now):
        return Line(portal=None, open=calendar is not None, next_opening=None, outage=None)
    return Line(portal=None, open=False, next_opening=calendar.next_open(now), outage=None)


PAGED = text("""
    SELECT d.ticket_id, d.agent_id, d.chain FROM delivery d JOIN agent a ON a.id = d.agent_id AND a.active
    WHERE d.channel = :channel AND d.to_value = :by AND d.purpose = 'page' AND d.state IN ('sending', 'uncertain', 'sent', 'delivered', 'read')
      AND (:code < 0 OR d.reply_code = :code)
    ORDER BY d.id DESC LIMIT 1
""")


def act(session: Session, channel: str, key: str, verb: str, by: str) -> Answer:
    """Replies and buttons of people on duty (ENGINE §6). Said or sent back only after commit."""
    code = int(key) if key.isascii() and key.isdigit() and len(key) < 6 else -1 if not key else -2
    row = session.execute(PAGED, {"channel": channel, "by": by, "code": code}).one_or_none()
    if row is None or verb not in VERBS:
        return Answer(text="", done=False)
    agent = session.get_one(Agent, row.agent_id)
    ticket = tickets.locked_by_id(session, row.ticket_id)
    actor = Actor(kind="agent", name=agent.name, id=agent.id)
    if verb in ("acknowledge", "acknowledge_all"):
        return _acknowledged(session, ticket, actor)
    if verb == "escalate":
        return _escalated(session, ticket, actor, row.chain)
    if verb == "close":
        return _resolved(session, ticket, actor)
    return Answer(text=f"{ticket.number}: {ticket.severity}, {ticket.status}", done=True)


def _acknowledged(session: Session, ticket: Ticket, actor: Actor) -> Answer:
    why = tickets.acknowledge(session, ticket, actor)
    if why is Why.CLOSED:
        return Answer(text=i18n.text("already_closed", "de", number=ticket.number), done=False)
    if why is Why.ALREADY_ACKNOWLEDGED and ticket.acknowledged_by != actor.id:
        by = book(session).catalog.colleagues.get(ticket.acknowledged_by or 0)
        at = ticket.acknowledged_at.astimezone(ZONE).strftime("%H:%M") if ticket.acknowledged_at else ""
        words = i18n.text("already_acknowledged", "de", number=ticket.number, by=by.name if by else "", at=at)
        return Answer(text=words, done=False)
    return Answer(text=i18n.text("acknowledged", "de", number=ticket.number), done=True)


def _escalated(session: Session, ticket: Ticket, actor: Actor, chain: Mapping[str, Any] | None) -> Answer:
    """The page says at which step it was sent: two presses, or one that comes late, pass the ticket on once."""
    seen = (int(chain["pass"]), str(chain["step"])) if chain else None
    why = tickets.escalate(session, ticket, actor, seen)
    if why is Why.CLOSED:
        return Answer(text=i18n.text("already_closed", "de", number=ticket.number), done=False)
    words = {Why.DONE: "weitergegeben.", Why.ALREADY_ESCALATED: "schon weitergegeben."}
    return Answer(text=f"{ticket.number}: {words.get(why, 'Es gibt keine weitere Stufe.')}", done=why is Why.DONE)


def _resolved(session: Session, ticket: Ticket, actor: Actor) -> Answer:
    if ticket.status in tickets.DONE:
        return Answer(text=i18n.text("already_closed", "de", number=ticket.number), done=False)
    tickets.resolve(session, ticket, actor)
    return Answer(text=f"{ticket.number}: gelöst.", done=True)


def take_report(session: Session, channel: str, report: DeliveryReport) -> None:
    failed = deliveries.report(session, channel, report)
    if failed is not None:
        undo(session, failed)


def undo(session: Session, failed: Delivery) -> None:
    """A message failed for good: the address is no longer used, and an answer counts as never given."""
    if failed.reason in (Reason.BLOCKED, Reason.INVALID_ADDRESS, Reason.OPTED_OUT):
        contacts.block(session, failed.to_kind, failed.to_value, clock.now(session))
    if failed.ticket_id is None:
        return
    if failed.purpose == "reply":
        tickets.answer_failed(session, tickets.locked_by_id(session, failed.ticket_id), failed.created_at)
    elif failed.purpose == "page" and failed.chain and not deliveries.others_of_step(session, failed):
        seen = (int(failed.chain["pass"]), str(failed.chain["step"]))
        tickets.step_failed(session, tickets.locked_by_id(session, failed.ticket_id), seen)


def failed_by_worker(session: Session, delivery_id: int) -> None:
    """The same, for a delivery that the worker has just given up."""
    delivery = session.scalars(select(Delivery).where(Delivery.id == delivery_id)).one()
    if delivery.state == State.FAILED and delivery.reason is not None:
        undo(session, delivery)
