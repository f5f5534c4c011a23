"""The verbs of a ticket. Each changes one thing, leaves an Event, and ends with `look`. None commits.

A verb takes a ticket that the caller has locked (`locked`), so two people at the same moment act one after the other.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, literal_column, select, text
from sqlalchemy.orm import Session

from escalation import policy
from escalation.case import Decision
from escalation.policy import Chain, ChainState, Why
from escalation.severity import Severity
from escalation.sla import SlaEventKind
from helpdesk import clock, deliveries, limits, look, notifications
from helpdesk.context import book, context
from helpdesk.errors import BadInput, Conflict, NotFound, TooMany
from helpdesk.history import Happened
from helpdesk.models import Base, Message, SecretLink, Status, Ticket, TicketKind
from helpdesk.models.tickets import ticket_id as ticket_ids
from helpdesk.notifications import Reachable
from helpdesk.plain import clean

ZONE = ZoneInfo("Europe/Berlin")
#: automatic answers a day to one address: where machines may answer each other, and where people fill in our own form
RECEIPTS_A_DAY = {False: 5, True: 20}
DONE = (Status.RESOLVED, Status.CLOSED)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something. `id` only for people with an account."""

    kind: str  #: agent, requester, token, system
    name: str
    id: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id if self.id is not None else self.name}"


SYSTEM = Actor(kind="system", name="system")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Everything known about a new ticket. None = not known, which is allowed for portal, component and municipality."""

    subject: str
    text: str = field(repr=False)
    channel: str
    language: str
    contact_id: int | None
    author_name: str = field(default="", repr=False)
    sender_role: str = "citizen"
    kind: TicketKind = TicketKind.QUESTION
    thread: str | None = None
    portal: str | None = None
    component: str | None = None
    category: str | None = None
    ags: str | None = None
    impact: str | None = None
    urgency: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    external_id: str | None = None
    inbound_id: int | None = None
    verified: bool = False
    automatic: bool = False
    way: Reachable | None = None  #: where the receipt goes
    first_notice: bool = False  #: the notice of a third-party channel goes first
    staff: Actor | None = None  #: opened by an agent for somebody


@dataclass(frozen=True, kw_only=True)
class Opened:
    ticket: Ticket
    message_id: int
    decision: Decision
    secret: str = field(repr=False)

    @property
    def answer_by(self) -> datetime | None:
        return self.decision.clocks.first_response.due_at if self.decision.clocks.first_response else None


def number_of(key: int, at: datetime) -> str:
    """`T-2026-048213`: the year in local time, and at least six digits."""
    return f"T-{at.astimezone(ZONE).year}-{key:06d}"


# opening


def open_ticket(session: Session, opening: Opening, key: int | None = None) -> Opened:
    """A new ticket with its first message. `key`: an id drawn already, by the statement that stored the original."""
    now = clock.now(session)
    ticket = _drafted(opening, key or _draw(session), now)
    by = "staff" if opening.staff else "requester"
    first = look.line(SlaEventKind.OPENED, now, by=by, message=True)
    decision = look.ask(session, ticket, [first])
    if decision.pin is not None:
        first |= {"target_version": decision.pin.target_version, "calendar_version": decision.pin.calendar_version}
    first["severity"] = str(decision.severity)
    secret = notifications.secret_of(context(session), ticket)
    message_id = _store(session, ticket, opening, secret)
    opened = Opened(ticket=ticket, message_id=message_id, decision=decision, secret=secret)
    happened, drafts = _opening_events(opening, decision), _receipt(session, opened, opening)
    look.record(session, ticket, decision, happened, (), drafts, [first])
    return opened


def _draw(session: Session) -> int:
    return session.execute(select(ticket_ids.next_value())).scalar_one()


def _drafted(opening: Opening, key: int, now: datetime) -> Ticket:
    return Ticket(
        id=key,
        number=number_of(key, now),
        token=secrets.token_hex(8),
        link_round=1,
        kind=opening.kind,
        status=Status.NEW,
        subject=opening.subject,
        channel=opening.channel,
        thread=opening.thread,
        language=opening.language,
        contact_id=opening.contact_id,
        sender_role=opening.sender_role,
        portal=opening.portal,
        component=opening.component,
        category=opening.category,
        ags=opening.ags,
        facts=opening.facts,
        impact=opening.impact,
        urgency=opening.urgency,
        severity_by_hand=False,
        route={},
        opened_at=now,
        last_message_at=now,
        last_author="agent" if opening.staff else "requester",
        changed=1,
    )


def _columns(model: type[Base], *but: str) -> str:
    return ", ".join(f'"{column.name}"' for column in model.__table__.columns if column.name not in but)


#: written at opening; the other columns have their defaults
_TICKET = _columns(
    Ticket, "assignee_id", "acknowledged_at", "acknowledged_by", "pending_until", "resolved_at", "closed_at"
)
_MESSAGE = _columns(Message, "id", "search")
_SAY = f"""
    INSERT INTO message ({_MESSAGE})
    SELECT {_MESSAGE} FROM jsonb_populate_record(NULL::message, CAST(:message AS jsonb)) RETURNING id
"""  # noqa: S608 - constants only
#: ticket, link and message in one statement; the rows travel as JSON, since forty parameters cost more than one
_STORE = text(f"""
    WITH ticket_row AS (
        INSERT INTO ticket ({_TICKET}) SELECT {_TICKET} FROM jsonb_populate_record(NULL::ticket, CAST(:ticket AS jsonb))
    ), link_row AS (
        INSERT INTO secret_link (hash, ticket_id, contact_id, created_at, expires_at)
        VALUES (:hash, :key, :contact, :now, :expires)
    ) {_SAY}
""")  # noqa: S608 - constants only


def _store(session: Session, ticket: Ticket, opening: Opening, secret: str) -> int:
    now = clock.now(session)
    message = {
        "ticket_id": ticket.id,
        "at": now,
        "public": True,
        "author": "agent" if opening.staff else "requester",
        "author_name": opening.author_name,
        "agent_id": opening.staff.id if opening.staff else None,
        "contact_id": opening.contact_id,
        "channel": opening.channel,
        "text": opening.text,
        "language": opening.language,
        "automatic": opening.automatic,
        "verified": opening.verified,
        "external_id": opening.external_id,
        "inbound_id": opening.inbound_id,
    }
    values = {
        "ticket": look.as_json({name: value for name, value in vars(ticket).items() if not name.startswith("_")}),
        "message": look.as_json(message),
        "hash": notifications.hash_of(secret),
        "key": ticket.id,
        "contact": opening.contact_id,
        "now": now,
        "expires": now + timedelta(days=context(session).settings.link_days),
    }
    return int(session.execute(_STORE, values).scalar_one())


def _opening_events(opening: Opening, decision: Decision) -> list[Happened]:
    actor = str(opening.staff) if opening.staff else "requester"
    events = [
        Happened(kind="ticket.opened", actor=actor, data={"channel": opening.channel}),
        Happened(
            kind="ticket.routed",
            data={
                "team": decision.route.team,
                "rule": decision.route.rule_id,
                "reason": decision.route.reason,
                "severity": str(decision.severity),
                "why": decision.severity_reason,
            },
        ),
    ]
    return [*events, Happened(kind="emergency")] if decision.emergency else events


def _receipt(session: Session, opened: Opened, opening: Opening) -> list[deliveries.Draft]:
    if opening.way is None or opening.automatic or not _may_answer(session, opening.way, opening.channel):
        return []
    heard = opening.external_id
    return [
        notifications.receipt(
            session, opened.ticket, opening.way, opened.answer_by, first_notice=opening.first_notice, message_id=heard
        )
    ]


def _may_answer(session: Session, way: Reachable, channel: str) -> bool:
    """So many automatic answers a day to one address: machines must not answer each other, our form must not be a weapon.

    The number of a further ticket is still in every answer that a person writes.
    """
    if channel == "api":  # a system that has proven itself and has a pace of its own
        return True
    count = RECEIPTS_A_DAY[channel in notifications.OWN_PAGES]
    whose = notifications.hash_of(way.address.value).hex()[:32]
    try:
        with session.begin_nested():
            limits.allow(session, f"receipt:{way.channel}:{whose}", count=count, per=timedelta(days=1))
    except TooMany:
        return False
    return True


# finding


_LOCKED = select(Ticket, func.helpdesk_now().label("now"), literal_column("(SELECT coalesce(max(id), 0) FROM version)"))


def locked(session: Session, number: str, *only: ColumnElement[bool]) -> Ticket:
    """The ticket with this number, locked for a change; one that does not meet `only` is not found. Raises `NotFound`."""
    row = session.execute(_LOCKED.where(Ticket.number == number, *only).with_for_update(of=Ticket)).one_or_none()
    if row is None:
        raise NotFound("Dieses Ticket gibt es nicht.")
    ticket, now, newest = row
    clock.remember(session, now)
    book(session, newest)
    return ticket  # type: ignore[no-any-return]  # a Row says nothing of its types


def locked_by_id(session: Session, key: int) -> Ticket:
    ticket = session.scalars(select(Ticket).where(Ticket.id == key).with_for_update()).one_or_none()
    if ticket is None:
        raise NotFound("Dieses Ticket gibt es nicht.")
    return ticket


def by_secret(session: Session, secret: str, *, lock: bool = False) -> Ticket:
    """The ticket behind a secret link. Raises `NotFound`, without saying whether there ever was one."""
    rows = (
        select(Ticket)
        .join(SecretLink, SecretLink.ticket_id == Ticket.id)
        .where(
            SecretLink.hash == notifications.hash_of(secret),
            SecretLink.revoked_at.is_(None),
            SecretLink.expires_at > clock.now(session),
        )
    )
    ticket = session.scalars(rows.with_for_update(of=Ticket) if lock else rows).one_or_none()
    if ticket is None:
        raise NotFound("Dieser Link führt zu keinem Anliegen.")
    return ticket


# what the requester does


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A further message of the requester side."""

    text: str = field(repr=False)
    channel: str
    author_name: str = field(default="", repr=False)
    contact_id: int | None = None
    language: str | None = None
    external_id: str | None = None
    inbound_id: int | None = None
    automatic: bool = False
    verified: bool = False


def hear(session: Session, ticket: Ticket, heard: Heard) -> int:
    """A message of the requester side: ends a pause, reopens a ticket done within the last days. Returns its id.

    Automatic mail is kept and shown, but neither resumes nor reopens (ENGINE §2.2).
    """
    now = clock.now(session)
    message_id = _say(
        session, ticket, public=True, author="requester", author_name=heard.author_name, contact_id=heard.contact_id,
        channel=heard.channel, text=heard.text, language=heard.language, external_id=heard.external_id,
        inbound_id=heard.inbound_id, automatic=heard.automatic, verified=heard.verified,
    )  # fmt: skip
    happened = [
        Happened(kind="message.received", actor="requester", data={"message": message_id, "channel": heard.channel})
    ]
    if heard.automatic:
        look.look(session, ticket, happened)
        return message_id
    ticket.last_author, ticket.last_message_at = "requester", now
    if heard.channel not in notifications.OWN_PAGES:
        ticket.channel = heard.channel
    lines = [look.line(SlaEventKind.REQUESTER_MESSAGE, now)]
    if ticket.status in DONE:
        happened.append(_opened_again(ticket, "requester"))
        lines = [look.line(SlaEventKind.REOPENED, now, by="requester", message=True)]
    elif ticket.status == Status.PENDING:
        ticket.status, ticket.pending_until = Status.OPEN, None
        happened.append(Happened(kind="ticket.resumed", actor="requester"))
    look.look(session, ticket, happened, lines)
    return message_id


def may_reopen(session: Session, ticket: Ticket) -> bool:
    """Whether an answer still reopens this ticket; later ones open a new one."""
    done_at = ticket.closed_at or ticket.resolved_at
    days = context(session).settings.reopen_days
    return ticket.status in DONE and done_at is not None and clock.now(session) <= done_at + timedelta(days=days)


def _opened_again(ticket: Ticket, actor: str) -> Happened:
    ticket.status, ticket.resolved_at, ticket.closed_at, ticket.pending_until = Status.OPEN, None, None, None
    ticket.chain = None  # a fresh chain, as long as nobody holds the ticket
    return Happened(kind="ticket.reopened", actor=actor)


# what agents do


def reply(
    session: Session, ticket: Ticket, words: str, actor: Actor, *, then: str = "open", key: str | None = None
) -> int:
    """A public answer of our side. `then`: open, pending (waits for the requester) or resolved. Returns the message id.

    `key` names the message for a sender who may send it again; see `said`.
    """
    words = clean(words)
    if not words.strip():
        raise BadInput("Bitte schreiben Sie einen Text.", field="text")
    now = clock.now(session)
    way = notifications.way_back(session, ticket)
    message_id = _say(
        session, ticket, public=True, author="agent", author_name=actor.name, agent_id=actor.id,
        channel=way.channel if way else "web", text=words, language=ticket.language, external_id=key,
    )  # fmt: skip
    ticket.last_author, ticket.last_message_at = "agent", now
    happened = [Happened(kind="message.sent", actor=str(actor), data={"message": message_id, "by": actor.name})]
    happened += _take(ticket, actor, now)
    lines = [look.line(SlaEventKind.OUR_MESSAGE, now, then=_left(ticket, then))]
    is_done = ticket.status in DONE
    if is_done and then != "resolved":
        happened.append(_opened_again(ticket, str(actor)))
        lines.insert(0, look.line(SlaEventKind.REOPENED, now, by="staff", message=False))
    if ticket.status == Status.PENDING and then == "open":
        happened.append(Happened(kind="ticket.resumed", actor=str(actor)))
    if then != "resolved" or not is_done:  # what is done stays done, and as of when it was
        ticket.status = {"pending": Status.PENDING, "resolved": Status.RESOLVED}.get(then, Status.OPEN)
        ticket.pending_until = None
    if then == "pending":
        happened.append(Happened(kind="ticket.paused", actor=str(actor), data={"reason": "waiting_for_requester"}))
    if then == "resolved" and not is_done:
        ticket.resolved_at = now
        ticket.chain = _closed_chain(session, ticket, now)
        lines.append(look.line(SlaEventKind.RESOLVED, now, message=True))
        happened.append(Happened(kind="ticket.resolved", actor=str(actor)))
    drafts = [notifications.reply(session, ticket, message_id, words, way)] if way is not None else []
    look.look(session, ticket, happened, lines, drafts)
    return message_id


def _left(ticket: Ticket, then: str) -> str | None:
    """How the ledger is told what an answer leaves behind: one that does not wait ends a pause."""
    if then == "pending":
        return "paused"
    return "open" if then == "open" and ticket.status == Status.PENDING else None


def said(session: Session, ticket: Ticket, key: str) -> Message | None:
    """The message that was sent under this key. Exact, since who asks holds the ticket's lock."""
    rows = select(Message).where(Message.ticket_id == ticket.id, Message.external_id == key)
    return session.scalars(rows).one_or_none()


def note(session: Session, ticket: Ticket, words: str, actor: Actor, *, key: str | None = None) -> int:
    """An internal note: never leaves the house, stops no clock."""
    words = clean(words)
    if not words.strip():
        raise BadInput("Bitte schreiben Sie einen Text.", field="text")
    message_id = _say(
        session, ticket, public=False, author="agent", author_name=actor.name, agent_id=actor.id, channel="console",
        text=words, language="de", external_id=key,
    )  # fmt: skip
    look.look(session, ticket, [Happened(kind="note.written", actor=str(actor), data={"message": message_id})])
    return message_id


def assign(session: Session, ticket: Ticket, agent_id: int | None, actor: Actor) -> None:
    """Gives the ticket to a person, or back to the team's queue (None)."""
    colleague = book(session).catalog.colleagues.get(agent_id) if agent_id is not None else None
    if agent_id is not None and (colleague is None or not colleague.active):
        raise BadInput("Diese Person gibt es nicht.", field="agent")
    if ticket.assignee_id == agent_id:
        return
    now = clock.now(session)
    ticket.assignee_id = agent_id
    happened = [Happened(kind="ticket.assigned", actor=str(actor), data={"to": colleague.name if colleague else None})]
    if actor.id is not None and actor.id == agent_id:
        happened += _take(ticket, actor, now)
    look.look(session, ticket, happened)


def acknowledge(session: Session, ticket: Ticket, actor: Actor) -> Why:
    """Somebody takes it: paging stops, the owner is set once. A later one changes nothing and hears by whom.

    Returns DONE, ALREADY_ACKNOWLEDGED or CLOSED.
    """
    if actor.id is None:
        raise BadInput("Nur eine Person kann ein Ticket annehmen.", field="agent")
    if ticket.status in DONE:
        return Why.CLOSED
    if ticket.acknowledged_at is not None:
        return Why.ALREADY_ACKNOWLEDGED
    happened = _take(ticket, actor, clock.now(session))
    deliveries.withdraw_pages(session, ticket.id, "acknowledged")
    look.look(session, ticket, happened)
    return Why.DONE


def _take(ticket: Ticket, actor: Actor, now: datetime) -> list[Happened]:
    """Acting on a ticket is taking it, unless somebody holds it already. A system that answers stops the paging as well."""
    if actor.kind not in ("agent", "token") or ticket.acknowledged_at is not None:
        return []
    ticket.acknowledged_at, ticket.acknowledged_by = now, actor.id
    ticket.assignee_id = ticket.assignee_id or actor.id
    ticket.status = Status.OPEN if ticket.status == Status.NEW else ticket.status
    if ticket.chain:
        ticket.chain = policy.acknowledge(Chain.from_json(ticket.chain), actor.name, now).chain.to_json()
    return [Happened(kind="ticket.acknowledged", actor=str(actor), data={"by": actor.name})]


def escalate(session: Session, ticket: Ticket, actor: Actor, seen: tuple[int, str] | None = None) -> Why:
    """By hand: the next step runs now; an acknowledged ticket becomes unacknowledged (ENGINE §5.4).

    `seen`: pass and step of the page that is answered; nothing happens when the chain has moved since.
    """
    engine = book(session).engine
    plan = engine.policies.get(ticket.policy or "")
    if plan is None or not ticket.chain:
        return Why.NO_STEPS
    change = policy.escalate(plan, Chain.from_json(ticket.chain), clock.now(session), seen)
    if change.outcome is not policy.Outcome.CHANGED:
        return change.why
    ticket.chain = change.chain.to_json()
    ticket.acknowledged_at, ticket.acknowledged_by = None, None
    look.look(session, ticket, [Happened(kind="ticket.escalated", actor=str(actor), data={"by": actor.name})])
    return Why.DONE


def step_failed(session: Session, ticket: Ticket, seen: tuple[int, str]) -> None:
    """All pages of this step failed for good: the chain goes on at once (ENGINE §5.2)."""
    if not ticket.chain:
        return
    change = policy.step_failed(Chain.from_json(ticket.chain), seen, clock.now(session))
    if change.outcome is policy.Outcome.CHANGED:
        ticket.chain = change.chain.to_json()
        look.look(session, ticket, [Happened(kind="chain.unreachable", data={"step": seen[1]})])


def wake_up(session: Session, ticket: Ticket) -> None:
    """The tick's look: the agreed date of a pause may have come; else the engine is just asked."""
    now = clock.now(session)
    if ticket.status == Status.PENDING and ticket.pending_until is not None and ticket.pending_until <= now:
        resume(session, ticket, SYSTEM)
    else:
        look.look(session, ticket)


def pend(session: Session, ticket: Ticket, actor: Actor, *, reason: str, until: datetime | None = None) -> None:
    """Waits for the requester: the citizen's clocks stop. Where our side did not speak last, a reason is demanded."""
    if ticket.status in DONE:
        raise Conflict("Dieses Ticket ist schon abgeschlossen.")
    reason = clean(reason, 1_000)
    if ticket.last_author != "agent" and not reason.strip():
        raise BadInput("Bitte nennen Sie einen Grund: Die Person hat zuletzt geschrieben.", field="reason")
    now = clock.now(session)
    if until is not None and until <= now:
        raise BadInput("Dieser Zeitpunkt liegt schon zurück.", field="until")
    ticket.status, ticket.pending_until = Status.PENDING, until
    happened = [Happened(kind="ticket.paused", actor=str(actor), data={"reason": reason or "waiting_for_requester"})]
    happened += _take(ticket, actor, now)
    look.look(session, ticket, happened, [look.line(SlaEventKind.PAUSED, now, reason=reason or None, until=until)])


def resume(session: Session, ticket: Ticket, actor: Actor) -> None:
    if ticket.status != Status.PENDING:
        return
    ticket.status, ticket.pending_until = Status.OPEN, None
    now = clock.now(session)
    happened = [Happened(kind="ticket.resumed", actor=str(actor))]
    look.look(session, ticket, happened, [look.line(SlaEventKind.RESUMED, now)])


def resolve(session: Session, ticket: Ticket, actor: Actor) -> None:
    """Done, as far as we know; the person may reopen it by an answer for some days."""
    if ticket.status in DONE:
        return
    now = clock.now(session)
    happened = [*_take(ticket, actor, now), Happened(kind="ticket.resolved", actor=str(actor))]
    ticket.status, ticket.resolved_at, ticket.pending_until = Status.RESOLVED, now, None
    ticket.chain = _closed_chain(session, ticket, now)
    look.look(session, ticket, happened, [look.line(SlaEventKind.RESOLVED, now)])


def close(session: Session, ticket: Ticket, actor: Actor) -> None:
    """Final. A later message opens a new ticket, or this one within the days of reopening."""
    if ticket.status == Status.CLOSED:
        return
    now = clock.now(session)
    ticket.status, ticket.closed_at, ticket.pending_until = Status.CLOSED, now, None
    ticket.chain = _closed_chain(session, ticket, now)
    happened = [Happened(kind="ticket.closed", actor=str(actor))]
    look.look(session, ticket, happened, [look.line(SlaEventKind.CLOSED, now)])


def reopen(session: Session, ticket: Ticket, actor: Actor) -> None:
    if ticket.status not in DONE:
        return
    by = "requester" if actor.kind == "requester" else "staff"
    if by == "requester" and not may_reopen(session, ticket):
        raise Conflict("Dieses Anliegen kann nicht mehr geöffnet werden. Bitte schreiben Sie uns neu.")
    happened = [_opened_again(ticket, str(actor))]
    line = look.line(SlaEventKind.REOPENED, clock.now(session), by=by, message=False)
    look.look(session, ticket, happened, [line])


def set_severity(session: Session, ticket: Ticket, severity: str, reason: str, actor: Actor) -> None:
    """By hand, with a reason; stays until changed by hand. The computed one stays visible beside it."""
    if severity not in Severity.__members__:
        raise BadInput("Diesen Schweregrad gibt es nicht.", field="severity")
    if not reason.strip():
        raise BadInput("Bitte nennen Sie einen Grund.", field="reason")
    reason = clean(reason, 1_000)
    data = {"from": ticket.severity, "to": severity, "reason": reason}
    ticket.severity, ticket.severity_by_hand, ticket.severity_reason = severity, True, reason
    look.look(session, ticket, [Happened(kind="ticket.severity", actor=str(actor), data=data)])


def _closed_chain(session: Session, ticket: Ticket, now: datetime) -> dict[str, object] | None:
    if not ticket.chain:
        return None
    deliveries.withdraw_pages(session, ticket.id, "closed")
    chain = Chain.from_json(ticket.chain)
    return chain.to_json() if chain.state is ChainState.CLOSED else policy.close(chain, now).chain.to_json()


# what went wrong with what we said


def answer_failed(session: Session, ticket: Ticket, sent_at: datetime) -> None:
    """Our message never arrived: the promise that it had met runs on from its old start (ENGINE §2.2)."""
    now = clock.now(session)
    lines = [look.line(SlaEventKind.OUR_MESSAGE_FAILED, now, message_at=sent_at)]
    if ticket.status == Status.PENDING:
        ticket.status, ticket.pending_until = Status.OPEN, None
        lines.append(look.line(SlaEventKind.RESUMED, now))
    look.look(session, ticket, [Happened(kind="answer.failed")], lines)


_SAY_ALONE = text(_SAY)


def _say(session: Session, ticket: Ticket, **values: Any) -> int:
    message = {"ticket_id": ticket.id, "at": clock.now(session), "automatic": False, "verified": False, **values}
    return int(session.execute(_SAY_ALONE, {"message": look.as_json(message)}).scalar_one())
