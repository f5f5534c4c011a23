"""POST /tickets: one transaction, one ticket, however often it is sent.

`Idempotency-Key` is read as draft-ietf-httpapi-idempotency-key-header says: the same key with the same content gets the
first answer again, with other content it is refused (422).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from escalation.clocks import Clock
from escalation.severity import Severity
from helpdesk import contacts, intake
from helpdesk.access import Right, Visitor
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.context import context
from helpdesk.errors import BadInput, Conflict, Forbidden, HelpdeskError
from helpdesk.intake import About, Accepted
from helpdesk.models import Clock as ClockRow
from helpdesk.models import Inbound, Status, Ticket
from helpdesk.plain import clean
from helpdesk.web.api import reading
from helpdesk.web.api.layer import Call
from helpdesk.web.api.problems import Fault, Invalid
from helpdesk.web.api.shapes import ClockOut, ContactIn, TicketCreated, TicketIn

CHANNEL = "api"
KEY = "idempotency-key"
#: what a key may look like: a structured-field string without its quotes, printable ASCII
KEY_SHAPE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def create(session: Session, call: Call) -> TicketCreated:
    wanted = call.sent(TicketIn)
    intake.limited(wanted.text, call.house.settings.max_text)
    message = _message(session, call, wanted)
    account = call.visitor.actor.name
    accepted = intake.take_in(session, message, channel=CHANNEL, account=account, about=_about(call.visitor, wanted))
    if accepted.opened is None:
        return _again(session, account, message.external_id, wanted, accepted)
    return _created(session, accepted.opened.ticket, _promised(accepted.opened.decision.clocks), accepted.secret)


def _message(session: Session, call: Call, wanted: TicketIn) -> InboundMessage:
    sender = _sender(wanted.contact or ContactIn())
    kept = {name: call.headers[name] for name in ("content-type", KEY) if name in call.headers}
    return InboundMessage(
        external_id=key_of(call.headers.get(KEY)) or wanted.external_id or str(uuid.uuid4()),
        kind=Kind.MESSAGE,
        sender=sender,
        recipient=Address(kind=CHANNEL, value=call.visitor.actor.name),
        text=wanted.text,
        subject=wanted.subject.strip() or None,
        language=wanted.language,
        raw=Raw(body=call.raw, headers=kept, received_at=datetime.now(UTC)),
    )


def key_of(header: str | None) -> str | None:
    """The key without its quotes; some clients send it bare."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not KEY_SHAPE.fullmatch(key):
        raise Invalid([Fault(field="Idempotency-Key", message="1 bis 255 Zeichen aus ASCII sind möglich.")])
    return key


def _sender(contact: ContactIn) -> Address:
    """The address that answers go to. Raises `BadInput` where it cannot be one."""
    given = [(kind, value) for kind, value in (("email", contact.email), ("phone", contact.phone)) if value is not None]
    found = [Address(kind=kind, value=_canonical(kind, value), name=contact.name) for kind, value in given]
    return found[0] if found else Address(kind="none", value="", name=contact.name)


def _canonical(kind: str, value: str) -> str:
    try:
        return contacts.canonical(kind, value)
    except BadInput as error:
        raise Invalid([Fault(field=f"contact.{kind}", message=error.message)]) from None


def _about(visitor: Visitor, wanted: TicketIn) -> About:
    right = visitor.rights[0]  # a token has exactly one
    return About(
        portal=_within(right, "portal", right.portal, wanted.portal),
        component=wanted.component,
        category=wanted.category,
        ags=_within(right, "municipality", right.ags, wanted.municipality),
        impact=wanted.impact,
        urgency=wanted.urgency,
        sender_role="municipality" if right.role == "reporter" and right.ags else "citizen",
        facts={"external_id": clean(wanted.external_id)} if wanted.external_id else {},
    )


def _within(right: Right, name: str, own: str | None, said: str | None) -> str | None:
    """A narrowed token reports for its own portal and municipality only; what it leaves out is its own."""
    if own is None or said in (None, own):
        return own or said
    raise Forbidden("Dieser Zugangsschlüssel gilt nicht für diese Angabe.", field=name)


def _promised(clocks: Iterable[Clock]) -> list[ClockOut]:
    return [
        ClockOut(
            kind=one.kind,
            round=one.round,
            state=one.outcome,
            started_at=one.started_at,
            due_at=one.due_at,
            stopped_at=one.stopped_at,
        )
        for one in clocks
    ]


def _created(session: Session, ticket: Ticket, clocks: list[ClockOut], secret: str) -> TicketCreated:
    return TicketCreated(
        number=ticket.number,
        status=Status(ticket.status),
        severity=Severity(ticket.severity),
        team=ticket.team,
        clocks=clocks,
        status_url=f"{context(session).settings.base_url}/anliegen/{secret}",
    )


# the same once more


def _again(session: Session, account: str, external_id: str, wanted: TicketIn, accepted: Accepted) -> TicketCreated:
    """The ticket of the first time, as it stands now. Raises `Conflict` when it has been erased since."""
    if not accepted.ticket_id:
        raise Conflict("Das Ticket zu diesem Schlüssel gibt es nicht mehr.")
    rows = select(Inbound.body).where(
        Inbound.channel == CHANNEL, Inbound.account == account, Inbound.external_id == clean(external_id, 2_000)
    )
    if not _same(session.execute(rows).scalar_one(), wanted):
        words = (
            "Unter diesem Schlüssel kam schon etwas anderes. Für ein neues Ticket bitte einen neuen Schlüssel senden."
        )
        raise Invalid([Fault(field="Idempotency-Key", message=words)])
    ticket = session.scalars(select(Ticket).where(Ticket.id == accepted.ticket_id)).one()
    return _created(session, ticket, stored_clocks(session, ticket.id), accepted.secret)


def _same(first: bytes, wanted: TicketIn) -> bool:
    """Whether the values are the same; their order and spacing do not matter."""
    try:
        return reading.parsed(TicketIn, first, reading.JSON) == wanted
    except HelpdeskError:
        return False  # stored by an earlier release, which knew other names


def stored_clocks(session: Session, ticket_id: int) -> list[ClockOut]:
    rows = select(ClockRow).where(ClockRow.ticket_id == ticket_id).order_by(ClockRow.id)
    return [
        ClockOut(
            kind=row.kind,
            round=row.round,
            state=row.outcome,
            started_at=row.started_at,
            due_at=row.due_at,
            stopped_at=row.stopped_at,
        )
        for row in session.scalars(rows)
    ]
