"""A desk with something on it: plays the sample messages in, as their channels would bring them.

What a person would read from a message (portal, component, impact …) comes from the labels of the samples. Nothing is
sent: the senders' addresses end in `.example`, and only channels that exist here take anything out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from helpdesk import intake, tickets
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.context import book
from helpdesk.db import Database
from helpdesk.errors import Conflict
from helpdesk.intake import About
from helpdesk.models import Agent, Delivery, Message, Ticket, TicketKind
from helpdesk.tickets import Actor

ACCOUNT = "demo"
#: our name of the channel, by the sample's; and the kind of address people have there
CHANNELS: Mapping[str, tuple[str, str]] = {
    "email": ("email", "email"),
    "web_form": ("web", "email"),
    "outage_report": ("web", "email"),
    "telegram": ("telegram", "telegram"),
    "whatsapp": ("whatsapp", "phone"),
    "sms": ("sms", "phone"),
    "phone": ("phone", "phone"),
    "web_chat": ("chat", "visitor"),
}
ANSWERS = (
    "Guten Tag,\n\nwir haben Ihre Nachricht gelesen und prüfen sie gerade. Sie müssen jetzt nichts tun.",
    "Guten Tag,\n\ndas kennen wir. Bitte versuchen Sie es in einem anderen Browser und schreiben Sie uns, ob es geht.",
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    id: str
    channel: str
    sender_role: str
    subject: str | None
    text: str = field(repr=False)
    labels: Mapping[str, Any]


def samples() -> list[Sample]:
    text = (files("helpdesk") / "data" / "demo" / "messages.jsonl").read_text(encoding="utf-8")
    names = ("id", "channel", "sender_role", "subject", "text", "labels")
    return [Sample(**{name: row[name] for name in names}) for row in map(json.loads, text.splitlines())]


def play(database: Database) -> Iterator[str]:
    """Takes each sample in, in a transaction of its own, and yields its ticket's number. Some are answered.

    Raises `Conflict` where tickets exist that are not the demo's.
    """
    database.work(_only_ours)
    for index, sample in enumerate(samples()):
        number = database.work(partial(_take_in, sample=sample))
        if index % 5 == 0:
            database.work(partial(_answer, number=number, index=index))
        yield number


def _only_ours(session: Session) -> None:
    foreign = (
        select(Ticket.id).join(Message, Message.ticket_id == Ticket.id).where(Message.external_id.not_like("demo-%"))
    )
    if session.scalars(foreign.limit(1)).first() is not None:
        raise Conflict("Hier gibt es schon echte Tickets. Die Demo füllt nur eine leere Datenbank.")


def _take_in(session: Session, sample: Sample) -> str:
    channel, kind = CHANNELS[sample.channel]
    labels = sample.labels
    catalog = book(session).catalog
    message = InboundMessage(
        external_id=f"demo-{sample.id}",
        kind=Kind.MESSAGE,
        sender=Address(kind=kind, value=_address(kind, sample.id), name=f"Muster {sample.id}"),
        recipient=Address(kind=kind, value=ACCOUNT),
        text=sample.text,
        subject=sample.subject,
        language=labels["reply_language"],
        raw=Raw(body=sample.text.encode(), headers={}, received_at=datetime.now(UTC)),
    )
    about = About(
        portal=labels["portal"] if labels["portal"] in catalog.portals else None,
        component=labels["component"] if labels["component"] in catalog.components else None,
        category=labels["category"] if labels["category"] in catalog.categories else None,
        ags=labels["ags"],
        impact=labels["impact"],
        urgency=labels["urgency"],
        kind=TicketKind(labels["type"]),
        sender_role=sample.sender_role,
        facts={"overrides": list(labels["overrides"])} if labels["overrides"] else {},
    )
    accepted = intake.take_in(session, message, channel=channel, account=ACCOUNT, about=about)
    _keep_here(session, accepted.ticket_id)
    return accepted.receipt.number


def _keep_here(session: Session, ticket_id: int) -> None:
    """What these people would be told is shown in the ticket, and never leaves: they do not exist."""
    session.execute(
        update(Delivery)
        .where(Delivery.ticket_id == ticket_id, Delivery.state == "pending", Delivery.purpose != "page")
        .values(state="failed", due_at=None, detail="withdrawn: demo")
    )


def _address(kind: str, name: str) -> str:
    return f"{name.lower()}@mail.example" if kind == "email" else f"demo-{name.lower()}"


def _answer(session: Session, number: str, index: int) -> None:
    """Some tickets are in hand already: answered, waiting for the person, done."""
    agent = session.scalars(select(Agent).where(Agent.email == "agent@demo.example")).one_or_none()
    ticket = tickets.locked(session, number)
    if agent is None or ticket.last_author == "agent" or ticket.kind in ("security", "privacy", "spam"):
        return
    actor = Actor(kind="agent", name=agent.name, id=agent.id)
    then = ("open", "pending", "resolved")[index // 5 % 3]
    tickets.reply(session, ticket, ANSWERS[index % 2], actor, then=then)
    _keep_here(session, ticket.id)
