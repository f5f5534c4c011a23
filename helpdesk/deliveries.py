"""What must be sent: rows claimed with a lease, sent once, and never blindly repeated.

The way of one row (CHANNELS §1, ENGINE §7):

1. a verb `put`s it, in the transaction of the change it tells of;
2. a worker `claim`s it: state `sending`, a new lease of 30 s of real database time;
3. just before the first byte the channel awaits `go`, which asks `still_wanted`: still our lease, and still wanted;
4. the outcome is written by one of `sent`, `again`, `failed`, `unsure`; a row whose worker died keeps state `sending`,
   is claimed when its lease is over, and is treated as uncertain.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from helpdesk import alarms, clock, history
from helpdesk.channel import Address, ChannelInfo, DeliveryReport, OutboundMessage, Reason, State
from helpdesk.context import context
from helpdesk.models import Delivery, DeliveryReportRow

LEASE = timedelta(seconds=30)
#: waits between attempts of a message, ± 20 %; pages have their own, ENGINE §6
WAITS = tuple(timedelta(seconds=s) for s in (10, 30, 90, 300, 900, 2700, 7200, 21600))
PAGE_WAIT, PAGE_TRIES = timedelta(seconds=15), 4
#: with a broken account nothing is given up: it is tried again when this has passed, and operators are told
ACCOUNT_WAIT = timedelta(minutes=1)
GIVE_UP = timedelta(hours=48)
UNCERTAIN_TRIES = 2

#: order of states; a report never moves a delivery down
ORDER = {state: rank for rank, state in enumerate(State)}

_WRITTEN = """
    purpose, rank, ticket_id, message_id, agent_id, contact_point_id, channel, to_kind, to_value, to_name, subject, text,
    language, thread, automatic, due_at, expires_at, chain, reply_code, created_at"""
#: queues `rows` of messages; `look` makes it a part of its one statement
INSERT = f"""
    INSERT INTO delivery ({_WRITTEN})
    SELECT {_WRITTEN} FROM jsonb_populate_recordset(NULL::delivery, CAST(:deliveries AS jsonb))
"""  # noqa: S608 - constants only
_INSERT = text(INSERT)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One message to one address, as a verb wants it sent."""

    purpose: str  #: receipt, reply, page, hint, notice
    rank: int
    channel: str
    to: Address
    text: str = field(repr=False)
    language: str
    ticket_id: int | None = None
    message_id: int | None = None
    agent_id: int | None = None
    contact_point_id: int | None = None
    subject: str | None = field(default=None, repr=False)
    thread: dict[str, str] = field(default_factory=dict)
    automatic: bool = True
    due_at: datetime | None = None  #: None = now
    chain: dict[str, Any] | None = None
    reply_code: int | None = None


def put(session: Session, drafts: Iterable[Draft]) -> None:
    """Queues messages, too long ones in parts; all in one statement. Nothing leaves before the commit."""
    session.execute(_INSERT, {"deliveries": rows(session, drafts)})


def rows(session: Session, drafts: Iterable[Draft]) -> str:
    """As JSON, the way several rows travel in one parameter."""
    now = clock.now(session)
    channels = context(session).channels
    parts = [_row(draft, part, now) for draft in drafts for part in split(draft.text, channels.get(draft.channel))]
    return json.dumps(parts, ensure_ascii=False, default=datetime.isoformat)


def _row(draft: Draft, part: str, now: datetime) -> dict[str, Any]:
    due_at = draft.due_at or now
    return {
        "purpose": draft.purpose,
        "rank": draft.rank,
        "ticket_id": draft.ticket_id,
        "message_id": draft.message_id,
        "agent_id": draft.agent_id,
        "contact_point_id": draft.contact_point_id,
        "channel": draft.channel,
        "to_kind": draft.to.kind,
        "to_value": draft.to.value,
        "to_name": draft.to.name,
        "subject": draft.subject,
        "text": part,
        "language": draft.language,
        "thread": draft.thread,
        "automatic": draft.automatic,
        "due_at": due_at,
        "expires_at": due_at + GIVE_UP,
        "chain": draft.chain,
        "reply_code": draft.reply_code,
        "created_at": now,
    }


def split(words: str, info: ChannelInfo | None) -> list[str]:
    """Parts that fit the channel, cut at the end of a paragraph, sentence or word; joined they give the whole text."""
    if info is None or info.max_units is None or info.measure(words) <= info.max_units:
        return [words]
    parts, rest = [], words
    while info.measure(rest) > info.max_units:
        cut = _cut(rest, info.max_units, info)
        parts.append(rest[:cut])
        rest = rest[cut:]
    return [*parts, rest] if rest else parts


def _cut(words: str, most: int, info: ChannelInfo) -> int:
    low, high = 1, min(len(words), most)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if info.measure(words[:middle]) <= most else (low, middle - 1)
    for mark in ("\n\n", "\n", ". ", "! ", "? ", " "):
        at = words.rfind(mark, low // 2, low)
        if at > 0:
            return at + len(mark)
    return low


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A row in hand: `lease` proves that it is still ours; `rescued` = somebody died or hung while sending it."""

    id: int
    lease: UUID
    channel: str
    purpose: str
    rescued: bool
    uncertain_before: int
    message: OutboundMessage
    ticket_id: int | None


CLAIM = text("""
    WITH due AS (
        SELECT d.id, d.state AS was FROM delivery d
        WHERE d.state IN ('pending', 'sending', 'uncertain') AND d.due_at <= helpdesk_now()
          AND d.channel = ANY(:channels)
          AND (d.purpose = 'page' OR NOT CAST(:only_pages AS boolean))
          AND (d.state <> 'sending' OR d.lease_until < clock_timestamp())
          AND (d.purpose = 'page' OR NOT EXISTS (
                SELECT FROM delivery e WHERE e.channel = d.channel AND e.to_value = d.to_value AND e.id < d.id
                   AND e.state IN ('pending', 'sending') AND e.purpose <> 'page'))
        ORDER BY d.rank, d.due_at, d.id LIMIT :most FOR UPDATE OF d SKIP LOCKED)
    UPDATE delivery d SET state = 'sending', lease = gen_random_uuid(), attempt = d.attempt + 1,
        lease_until = clock_timestamp() + CAST(:lease AS interval)
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.key, d.lease, d.channel, d.purpose, d.attempt, d.to_kind, d.to_value, d.to_name, d.subject,
        d.text, d.language, d.thread, d.automatic, d.ticket_id, d.rank, due.was
""")


def claim(session: Session, channels: Sequence[str], most: int = 20, *, only_pages: bool = False) -> list[Claimed]:
    """Takes up to `most` due rows of these channels into hand, the most important first; other workers skip them.

    What is meant for a channel that is not configured waits, and goes out when it is.
    """
    values = {"most": most, "lease": LEASE, "channels": list(channels), "only_pages": only_pages}
    rows = session.execute(CLAIM, values).all()
    return [
        Claimed(
            id=row.id,
            lease=row.lease,
            channel=row.channel,
            purpose=row.purpose,
            rescued=row.was != "pending",
            uncertain_before=int(row.thread.get("uncertain", 0)),
            ticket_id=row.ticket_id,
            message=OutboundMessage(
                key=row.key,
                attempt=row.attempt,
                to=Address(kind=row.to_kind, value=row.to_value, name=row.to_name),
                text=row.text,
                language=row.language,
                subject=row.subject,
                thread={k: str(v) for k, v in row.thread.items() if k != "uncertain"},
                automatic=row.automatic,
            ),
        )
        for row in sorted(rows, key=lambda row: (row.rank, row.id))
    ]


STILL_OURS = text("""
    UPDATE delivery SET lease_until = clock_timestamp() + CAST(:lease AS interval)
    WHERE id = :id AND lease = :token AND state = 'sending' AND lease_until >= clock_timestamp()
    RETURNING id
""")
UNWANTED = text("""
    SELECT CASE WHEN d.expires_at < helpdesk_now() THEN 'expired'
        WHEN t.chain ->> 'state' IN ('acknowledged', 'closed') THEN t.chain ->> 'state' END
    FROM delivery d LEFT JOIN ticket t ON t.id = d.ticket_id WHERE d.id = :id AND d.purpose = 'page'
""")


def still_ours(session: Session, claimed: Claimed) -> bool:
    """Whether the lease holds; renews it. A frozen process that wakes is told no."""
    row = session.execute(STILL_OURS, {"id": claimed.id, "token": claimed.lease, "lease": LEASE}).one_or_none()
    return row is not None


def unwanted(session: Session, claimed: Claimed) -> str | None:
    """For a page: why nobody needs it any more (acknowledged, closed, too old), else None."""
    return session.execute(UNWANTED, {"id": claimed.id}).scalar_one_or_none()


def sent(session: Session, claimed: Claimed, provider_id: str) -> None:
    now = clock.now(session)
    _settle(
        session, claimed, state=State.SENT, due_at=None, provider_id=provider_id, sent_at=now, reason=None, detail=None
    )


def again(
    session: Session, claimed: Claimed, reason: Reason, retry_after: timedelta | None = None, detail: str = ""
) -> None:
    """Certainly not sent: later, or given up when it has waited too long."""
    now = clock.now(session)
    if reason is Reason.ACCOUNT:
        alarms.raise_alarm(
            session, "channel_account", claimed.channel, f"Zugang des Kanals {claimed.channel} ist gestört."
        )
        _settle(session, claimed, state=State.PENDING, due_at=now + ACCOUNT_WAIT, reason=reason, detail=detail)
        return
    expires_at = session.execute(select(Delivery.expires_at).where(Delivery.id == claimed.id)).scalar_one()
    if now >= expires_at or (claimed.purpose == "page" and claimed.message.attempt >= PAGE_TRIES):
        failed(session, claimed, reason, detail)
        return
    due_at = min(now + (retry_after or _wait(claimed)), expires_at)  # the last try is made at the very end
    _settle(session, claimed, state=State.PENDING, due_at=due_at, reason=reason, detail=detail)


def postpone(session: Session, claimed: Claimed, wait: timedelta) -> None:
    """The channel's rate is used up: later, and this does not count as an attempt.

    What may have been sent before stays uncertain, so that it is not repeated blindly after the wait.
    """
    state = State.UNCERTAIN if claimed.rescued else State.PENDING
    due_at, attempt = clock.now(session) + wait, claimed.message.attempt - 1
    _settle(session, claimed, state=state, due_at=due_at, attempt=attempt)


def _wait(claimed: Claimed) -> timedelta:
    base = PAGE_WAIT if claimed.purpose == "page" else WAITS[min(claimed.message.attempt, len(WAITS)) - 1]
    return base * random.uniform(0.8, 1.2)  # noqa: S311  # spreads retries, decides nothing


def failed(session: Session, claimed: Claimed, reason: Reason, detail: str = "") -> None:
    """Lasting: never sent to this address. The ticket shows it."""
    _settle(session, claimed, state=State.FAILED, due_at=None, reason=reason, detail=detail)
    _tell(session, claimed, "delivery_failed", reason)


def withdrawn(session: Session, claimed: Claimed, why: str) -> None:
    """Nobody needs it any more; the reason is kept."""
    _settle(session, claimed, state=State.FAILED, due_at=None, reason=None, detail=f"withdrawn: {why}")


def unsure(session: Session, claimed: Claimed, *, repeat_safe: bool, detail: str = "") -> None:
    """May have been sent. Repeated only where the receiver recognises it, or for a page; else the agent decides."""
    now = clock.now(session)
    before = claimed.uncertain_before + 1
    if (repeat_safe and before <= UNCERTAIN_TRIES) or (claimed.purpose == "page" and before < UNCERTAIN_TRIES):
        _settle(session, claimed, state=State.UNCERTAIN, due_at=now + PAGE_WAIT, detail=detail, reason=Reason.UNKNOWN)
        session.execute(
            text(
                "UPDATE delivery SET thread = thread || jsonb_build_object('uncertain', CAST(:n AS int)) WHERE id = :id"
            ),
            {"n": before, "id": claimed.id},
        )
        return
    _settle(session, claimed, state=State.UNCERTAIN, due_at=None, detail=detail, reason=Reason.UNKNOWN)
    _tell(session, claimed, "delivery_uncertain", Reason.UNKNOWN)


def _settle(session: Session, claimed: Claimed, **values: Any) -> None:
    """Writes the outcome, unless the row has been taken over or a report was faster."""
    row = update(Delivery).where(
        Delivery.id == claimed.id, Delivery.lease == claimed.lease, Delivery.state == "sending"
    )
    session.execute(row.values(lease=None, lease_until=None, **values))


def _tell(session: Session, claimed: Claimed, kind: str, reason: Reason) -> None:
    data = {"delivery": claimed.id, "channel": claimed.channel, "purpose": claimed.purpose, "reason": reason}
    history.record(session, [history.Happened(kind=kind, ticket_id=claimed.ticket_id, data=data)])
    history.wake(session)


def withdraw_pages(session: Session, ticket_id: int, why: str) -> None:
    """Takes back the pages of a ticket that have not left yet; those in a sender's hand are stopped by `go`."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.ticket_id == ticket_id, Delivery.purpose == "page", Delivery.state.in_(["pending", "uncertain"])
        )
        .values(state=State.FAILED, due_at=None, detail=f"withdrawn: {why}")
    )


def others_of_step(session: Session, page: Delivery) -> bool:
    """Whether another page of the same step may still reach somebody."""
    rows = select(Delivery.id).where(
        Delivery.ticket_id == page.ticket_id,
        Delivery.purpose == "page",
        Delivery.chain == page.chain,
        Delivery.state != State.FAILED,
    )
    return session.scalars(rows.limit(1)).first() is not None


def send_again(session: Session, delivery_id: int) -> None:
    """An agent's word on a failed or uncertain delivery: send it once more."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_(["failed", "uncertain"]))
        .values(state=State.PENDING, due_at=clock.now(session), attempt=0, expires_at=clock.now(session) + GIVE_UP)
    )
    history.wake(session)


def report(session: Session, channel: str, said: DeliveryReport) -> Delivery | None:
    """What a provider says of a delivery: kept once, and applied when it moves the state up. Unknown ones are kept too.

    Returns the delivery when it has just failed for good.
    """
    known = _of_report(session, channel, said)
    row = upsert(DeliveryReportRow).values(
        channel=channel,
        report_id=said.report_id,
        delivery_id=known.id if known else None,
        provider_id=said.provider_id,
        state=said.state,
        reason=said.reason,
        body=said.raw.body,
    )
    fresh = session.execute(row.on_conflict_do_nothing().returning(DeliveryReportRow.id)).one_or_none()
    if fresh is None or known is None or known.state == State.FAILED:
        return None
    if ORDER[said.state] <= ORDER[State(known.state)]:
        return None
    known.state, known.due_at, known.reason = said.state, None, said.reason
    session.flush()
    happened = "delivery_failed" if said.state is State.FAILED else "delivery_confirmed"
    data = {
        "delivery": known.id,
        "channel": channel,
        "purpose": known.purpose,
        "reason": said.reason,
        "state": said.state,
    }
    history.record(session, [history.Happened(kind=happened, ticket_id=known.ticket_id, data=data)])
    history.wake(session)
    return known if said.state is State.FAILED else None


def _of_report(session: Session, channel: str, said: DeliveryReport) -> Delivery | None:
    rows = select(Delivery).where(Delivery.channel == channel).with_for_update()
    if said.key is not None:
        return session.scalars(rows.where(Delivery.key == said.key)).one_or_none()
    if said.provider_id is not None:
        return session.scalars(rows.where(Delivery.provider_id == said.provider_id).limit(1)).one_or_none()
    return None


def of_ticket(session: Session, ticket_id: int) -> Sequence[Delivery]:
    return session.scalars(select(Delivery).where(Delivery.ticket_id == ticket_id).order_by(Delivery.id)).all()
