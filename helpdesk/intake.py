"""Taking in: one original, one transaction, one receipt. The same original again gets the same receipt and does nothing.

1. the original is stored under (channel, account, external id): a repeat stops here;
2. the person is found by address or made; an address is a way back, never a proof;
3. the ticket of this conversation is found by the strongest hint, else a new one is opened.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, false, insert, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from escalation.severity import Impact, Override, Urgency
from helpdesk import alarms, clock, contacts, i18n, notifications, tickets
from helpdesk.channel import Address, InboundMessage, Kind, Raw, Receipt
from helpdesk.context import book, context
from helpdesk.errors import BadInput, TooLarge
from helpdesk.models import Attachment, Clock, Delivery, Inbound, Message, Status, Ticket, TicketKind
from helpdesk.notifications import Reachable
from helpdesk.plain import clean
from helpdesk.tickets import Heard, Opened, Opening

MOST_SUBJECT = 300
#: bytes of an original's key and characters of a hint; both are indexed, and an index entry ends at 2,704 bytes
MOST_KEY = 500
OPEN = (Status.NEW, Status.OPEN, Status.PENDING)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a form, a link or an API client said beside the text. None = not said."""

    portal: str | None = None
    component: str | None = None
    category: str | None = None
    ags: str | None = None
    impact: str | None = None
    urgency: str | None = None
    kind: TicketKind | None = None
    sender_role: str = "citizen"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that came along and lies in the store already, by its hash."""

    name: str
    media_type: str
    size: int
    sha256: str | None
    ref: str | None = None
    state: str = "stored"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What the sender is told. `ticket` is None where nothing was opened (a repeat finds number and promise)."""

    receipt: Receipt
    ticket_id: int
    secret: str = field(repr=False)
    ticket: Ticket | None = None
    opened: Opened | None = None


def take_in(
    session: Session,
    message: InboundMessage,
    *,
    channel: str,
    account: str,
    about: About | None = None,
    files: Sequence[Stored] = (),
) -> Accepted:
    """Takes in one message. Raises `BadInput` for facts that do not exist; then nothing is stored."""
    about, message = about or About(), storable(message)
    original = _keep(session, message, channel, account, draw=not message.hints)
    if original is None:
        return _repeated(session, channel, account, message.external_id)
    book(session, original["newest"])
    checked(session, about)
    person = _person(session, message, about)
    ticket = _conversation(session, message, channel, person)
    if ticket is not None:
        return _further(session, message, channel, original["id"], person, ticket, files)
    return _new(session, message, channel, original, person, about, files)


def storable(message: InboundMessage) -> InboundMessage:
    """Everything short in it as PostgreSQL can keep and index it, wherever a channel let something odd through."""
    sender = message.sender
    return replace(
        message,
        external_id=_key_of(message.external_id),
        sender=Address(kind=sender.kind, value=clean(sender.value, 320), name=clean(sender.name, 200)),
        language=clean(message.language, 35) if message.language else None,
        hints=tuple(clean(hint, MOST_KEY) for hint in message.hints[:50]),
    )


def _key_of(external_id: str) -> str:
    """A long one is replaced by its hash: cut, two messages could look like one."""
    plain = clean(external_id)
    if len(plain.encode()) <= MOST_KEY:
        return plain
    return f"sha256:{hashlib.sha256(external_id.encode('utf-8', 'replace')).hexdigest()}"


def checked(session: Session, about: About) -> None:
    """Refuses names that the configuration does not know, each with its field."""
    catalog = book(session).catalog
    known: list[tuple[str, str | None, Any, str]] = [
        ("portal", about.portal, catalog.portals, "Dieses Portal kennen wir nicht."),
        ("component", about.component, catalog.components, "Diesen Baustein kennen wir nicht."),
        ("category", about.category, catalog.categories, "Diese Kategorie kennen wir nicht."),
        ("municipality", about.ags, catalog.places, "Diese Kommune kennen wir nicht."),
        ("impact", about.impact, Impact.__members__.values(), "Diese Auswirkung kennen wir nicht."),
        ("urgency", about.urgency, Urgency.__members__.values(), "Diese Dringlichkeit kennen wir nicht."),
    ]
    for name, value, choices, words in known:
        if value is not None and value not in choices:
            raise BadInput(words, field=name)
    for name in about.facts.get("overrides", ()):
        if name not in Override.__members__.values():
            raise BadInput("Diesen Umstand kennen wir nicht.", field="overrides")


# 1. the original

# A person's messages are taken in one after the other (the lock ends with the transaction), so that the second of two
# that come at the same moment finds the ticket of the first.
KEEP = text("""
    INSERT INTO inbound (channel, account, external_id, state, body, headers, received_at)
    VALUES (:channel, :account, :external_id, 'taken', :body, CAST(:headers AS jsonb), helpdesk_now())
    ON CONFLICT (channel, account, external_id) DO NOTHING
    RETURNING id, pg_advisory_xact_lock(:sender), helpdesk_now() AS now, CASE WHEN :draw THEN nextval('ticket_id_seq') END AS key,
        (SELECT coalesce(max(id), 0) FROM version) AS newest
""")


def _keep(session: Session, message: InboundMessage, channel: str, account: str, *, draw: bool) -> RowMapping | None:
    row = session.execute(
        KEEP,
        {
            "channel": channel,
            "account": account,
            "external_id": message.external_id,
            "body": message.raw.body,
            "headers": Headers(message.raw.headers).json(),
            "draw": draw,
            "sender": _lock_of(message.sender),
        },
    ).mappings().one_or_none()  # fmt: skip
    if row is not None:
        clock.remember(session, row["now"])
    return row


def _lock_of(sender: Address) -> int:
    """A signed 64-bit key; those without an address are locked by nobody else's."""
    words = f"{sender.kind}:{sender.value}" if sender.value else secrets.token_hex(8)
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True)
class Headers:
    """Headers of an original, as JSON that PostgreSQL accepts."""

    values: Mapping[str, str]

    def json(self) -> str:
        return json.dumps({clean(name, 200): clean(value, 4_000) for name, value in self.values.items()})


def park(session: Session, raw: Raw, why: str, *, channel: str, account: str) -> None:
    """Genuine but unreadable: kept, operators told. The same bytes again are kept once."""
    digest = hashlib.sha256(raw.body).hexdigest()
    row = upsert(Inbound).values(
        channel=channel,
        account=account,
        external_id=f"parked:{digest}",
        state="parked",
        why=clean(why, 500),
        body=raw.body,
        headers={clean(name, 200): clean(value, 4_000) for name, value in raw.headers.items()},
        received_at=clock.now(session),
    )
    fresh = session.execute(row.on_conflict_do_nothing().returning(Inbound.id)).scalar_one_or_none()
    if fresh is not None:
        alarms.raise_alarm(
            session, "parked", channel, f"Eine Nachricht über {channel} war nicht lesbar und liegt bereit."
        )


def _repeated(session: Session, channel: str, account: str, external_id: str) -> Accepted:
    """The receipt of the first time."""
    rows = (
        select(Ticket, Clock.due_at)
        .join(Message, Message.ticket_id == Ticket.id)
        .join(Inbound, Inbound.id == Message.inbound_id)
        .outerjoin(Clock, (Clock.ticket_id == Ticket.id) & (Clock.kind == "first_response") & (Clock.round == 1))
        .where(Inbound.channel == channel, Inbound.account == account, Inbound.external_id == external_id)
    )
    row = session.execute(rows).first()
    if row is None:  # an original that opened nothing, such as "blocked"
        return Accepted(receipt=Receipt(number="", answer_by=None, repeated=True), ticket_id=0, secret="")
    ticket: Ticket = row[0]
    receipt = Receipt(number=ticket.number, answer_by=row[1], repeated=True)
    return Accepted(receipt=receipt, ticket_id=ticket.id, secret=notifications.secret_of(context(session), ticket))


# 2. the person


def _person(session: Session, message: InboundMessage, about: About) -> contacts.Known | None:
    name = message.sender.name.strip()
    language = i18n.language_of(message.language) if message.language else None
    if not message.sender.value:
        if not name:
            return None
        return contacts.make(session, name=name, language=language, role=about.sender_role)
    return contacts.find_or_make(
        session, message.sender.kind, message.sender.value, name=name, language=language, role=about.sender_role
    )


# 3. the conversation


def _conversation(
    session: Session, message: InboundMessage, channel: str, person: contacts.Known | None
) -> Ticket | None:
    """The ticket that this message belongs to: by the strongest hint that leads to one that is open, or just done."""
    for hint in message.hints:
        where = _hinted(hint, channel, person)
        if where is None:
            continue
        ticket = session.scalars(
            select(Ticket).where(where).order_by(Ticket.id.desc()).limit(1).with_for_update()
        ).one_or_none()
        if ticket is not None and (ticket.status in OPEN or tickets.may_reopen(session, ticket)):
            return ticket
    return None


def _hinted(hint: str, channel: str, person: contacts.Known | None) -> ColumnElement[bool] | None:
    """Tokens are signed and may be trusted; numbers and Message-IDs anybody can write or overhear: only participants."""
    kind, _, value = hint.partition(":")
    mine = Ticket.contact_id == person.contact_id if person else false()  # nobody takes part as nobody
    if kind == "token":
        return Ticket.token == value
    if kind == "number":
        return (Ticket.number == value) & mine
    if kind in ("message-id", "message"):
        said = select(Message.ticket_id).where(
            or_(Message.external_id == value, Message.external_id.like(_safe(value) + "#%"))
        )
        sent = select(Delivery.ticket_id).where(Delivery.channel == channel, Delivery.provider_id == value)
        return or_(Ticket.id.in_(said), Ticket.id.in_(sent)) & mine
    if kind == channel:
        return (Ticket.thread == hint) & mine
    return None


def _safe(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _further(
    session: Session,
    message: InboundMessage,
    channel: str,
    inbound_id: int,
    person: contacts.Known | None,
    ticket: Ticket,
    files: Sequence[Stored],
) -> Accepted:
    heard = Heard(
        text=clean(message.text),
        channel=channel,
        author_name=message.sender.name or (person.name if person else ""),
        contact_id=person.contact_id if person else None,
        language=message.language,
        external_id=message.external_id,
        inbound_id=inbound_id,
        automatic=message.automatic or message.kind is Kind.AUTOREPLY,
        verified=message.verified,
    )
    message_id = tickets.hear(session, ticket, heard)
    attach(session, message_id, files)
    receipt = Receipt(number=ticket.number, answer_by=ticket.next_due_at, repeated=False)
    secret = notifications.secret_of(context(session), ticket)
    return Accepted(receipt=receipt, ticket_id=ticket.id, secret=secret, ticket=ticket)


def _new(
    session: Session,
    message: InboundMessage,
    channel: str,
    original: RowMapping,
    person: contacts.Known | None,
    about: About,
    files: Sequence[Stored],
) -> Accepted:
    where = context(session)
    way = _way(session, message, channel)
    language = str(i18n.language_of(message.language or (person.language if person else None)))
    noticing = _noticing(session, channel, person)
    if noticing:
        contacts.noticed(session, message.sender.kind, message.sender.value, clock.now(session))
    opening = Opening(
        subject=_subject(message),
        text=clean(message.text),
        channel=channel,
        language=language,
        contact_id=person.contact_id if person else None,
        author_name=message.sender.name or (person.name if person else ""),
        sender_role=_role(message, about, person),
        kind=about.kind or TicketKind.QUESTION,
        thread=next((hint for hint in message.hints if hint.startswith(f"{channel}:")), None),
        portal=about.portal,
        component=about.component,
        category=about.category,
        ags=about.ags,
        impact=about.impact,
        urgency=about.urgency,
        facts=dict(about.facts),
        external_id=message.external_id,
        inbound_id=original["id"],
        verified=message.verified,
        automatic=message.automatic,
        way=way,
        first_notice=noticing,
    )
    opened = tickets.open_ticket(session, opening, original["key"])
    attach(session, opened.message_id, files)
    receipt = Receipt(
        number=opened.ticket.number,
        answer_by=opened.answer_by,
        repeated=False,
        notice=notifications.notice(where, channel, language) if noticing else None,
    )
    return Accepted(
        receipt=receipt, ticket_id=opened.ticket.id, secret=opened.secret, ticket=opened.ticket, opened=opened
    )


def _role(message: InboundMessage, about: About, person: contacts.Known | None) -> str:
    """What a form or an API client says; else what is known of the person, if it is proven that they wrote."""
    if about.sender_role != "citizen" or person is None or not message.verified:
        return about.sender_role
    return person.role


def _noticing(session: Session, channel: str, person: contacts.Known | None) -> bool:
    third_party = notifications.third_party(context(session), channel)
    return third_party and person is not None and person.noticed_at is None


def _way(session: Session, message: InboundMessage, channel: str) -> Reachable | None:
    if not message.sender.value or message.automatic:
        return None
    return notifications.best_way(context(session), channel, [message.sender])


def _subject(message: InboundMessage) -> str:
    """The sender's own, else the first line of what they wrote."""
    lines = (message.subject or message.text).strip().splitlines()
    first = clean(lines[0] if lines else "", MOST_SUBJECT).strip()
    if message.subject or len(first) <= 80:
        return first or "(ohne Text)"
    return first[:79].rstrip() + "…"


def attach(session: Session, message_id: int, files: Sequence[Stored]) -> None:
    if files:
        rows = [{"message_id": message_id, **asdict(each)} for each in files]
        session.execute(insert(Attachment.__table__), rows)  # type: ignore[arg-type]


def limited(words: str, most: int) -> str:
    """What people type on our own pages and over the API: refused when too long, never cut."""
    if len(words) > most:
        raise TooLarge(
            f"Der Text ist zu lang. Höchstens {most:,} Zeichen sind möglich.".replace(",", "."), field="text"
        )
    return words


def blocked(session: Session, message: InboundMessage) -> None:
    """The person blocked us there, or wrote STOP: nothing more is sent to that address."""
    sender = storable(message).sender
    contacts.block(session, sender.kind, sender.value, clock.now(session))
