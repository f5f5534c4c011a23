"""What people must be told, written as Deliveries: receipt, answer, page. Nothing is sent here.

To channels of third parties goes a pointer, never content (CHANNELS §3).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from escalation.case import Message as Page
from helpdesk import clock, i18n
from helpdesk.channel import Address, ChannelInfo
from helpdesk.context import Context, book, context
from helpdesk.deliveries import Draft
from helpdesk.models import Ticket

ZONE = ZoneInfo("Europe/Berlin")
#: a receipt waits this long when the notice of a third-party channel goes first
AFTER_NOTICE = timedelta(seconds=5)
#: channels that only exist on our own pages: nothing is sent by them
OWN_PAGES = frozenset({"web", "api", "console"})


@dataclass(frozen=True, kw_only=True)
class Reachable:
    """A way back to a person: a channel, and their address there."""

    channel: str
    address: Address


def secret_of(where: Context, ticket: Ticket) -> str:
    """The secret of the ticket's link: 128 bits that only this installation can make; the table keeps its hash."""
    sealed = where.seal("link", ticket.token, str(ticket.link_round))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def link_to(where: Context, ticket: Ticket) -> str:
    return f"{where.settings.base_url}/anliegen/{secret_of(where, ticket)}"


def way_back(session: Session, ticket: Ticket) -> Reachable | None:
    """How the requester is answered: by the channel they last used, if they can be reached there, else by mail."""
    if ticket.contact_id is None:
        return None
    rows = session.execute(ADDRESSES, {"contact": ticket.contact_id})
    return best_way(context(session), ticket.channel, [Address(kind=row.kind, value=row.value) for row in rows])


ADDRESSES = text("SELECT kind, value FROM address WHERE contact_id = :contact AND blocked_at IS NULL ORDER BY id")


def best_way(where: Context, used: str, addresses: Sequence[Address]) -> Reachable | None:
    info = where.channels.get(used)
    if info is not None and info.outbound:
        for address in addresses:
            if address.kind == info.address_kind:
                return Reachable(channel=used, address=address)
    mail = next((address for address in addresses if address.kind == "email"), None)
    return Reachable(channel="email", address=mail) if mail else None


def third_party(where: Context, channel: str) -> bool:
    info = where.channels.get(channel)
    return info.third_party if info is not None else False


def notice(where: Context, channel: str, language: str) -> str:
    """Said before anything else at the first contact over a third party's channel."""
    info = where.channels[channel]
    return i18n.text(
        "notice_third_party",
        language,
        service=where.settings.brand,
        carrier=info.label,
        place="außerhalb der EU",
        link=where.settings.base_url,
        phone=where.settings.hotline,
        stop="/stop",
    )


def receipt(
    session: Session,
    ticket: Ticket,
    way: Reachable,
    answer_by: datetime | None,
    *,
    first_notice: bool,
    message_id: str | None,
) -> Draft:
    """Number, promise and secret link, in the writer's language."""
    where, now = context(session), clock.now(session)
    key = "pointer_reply" if third_party(where, way.channel) else "receipt_body"
    values: dict[str, object] = {"number": ticket.number, "link": link_to(where, ticket)}
    if key == "pointer_reply":
        values["state"] = i18n.text("state_received", ticket.language)
    return Draft(
        purpose="receipt",
        rank=5,
        channel=way.channel,
        to=way.address,
        subject=i18n.text("receipt_subject", ticket.language, number=ticket.number),
        text=_with_promise(key, ticket.language, answer_by, now, values),
        language=ticket.language,
        ticket_id=ticket.id,
        thread=_thread(ticket, message_id),
        due_at=now + AFTER_NOTICE if first_notice else now,
    )


def _with_promise(key: str, language: str, answer_by: datetime | None, now: datetime, values: dict[str, object]) -> str:
    if answer_by is None:
        return i18n.text(f"{key}_no_promise", language, **values)
    return i18n.text(key, language, promise=i18n.promise_words(answer_by, now, ZONE, language), **values)


def _thread(ticket: Ticket, message_id: str | None) -> dict[str, str]:
    thread = {"ticket": ticket.number, "number": ticket.number, "token": ticket.token}
    is_mail = message_id is not None and message_id.startswith("<")  # a Message-ID, not another channel's key
    return {**thread, "in_reply_to": message_id} if message_id and is_mail else thread


LAST_HEARD = text("""
    SELECT external_id FROM message WHERE ticket_id = :ticket AND author = 'requester' AND external_id IS NOT NULL
    ORDER BY id DESC LIMIT 1
""")


def reply(session: Session, ticket: Ticket, message_id: int, words: str, way: Reachable) -> Draft:
    """An agent's answer. By mail in full, with the link below; to a third party only that it is there."""
    where = context(session)
    link = link_to(where, ticket)
    if third_party(where, way.channel):
        state = i18n.text("state_answered", ticket.language)
        words = i18n.text("pointer_reply_no_promise", ticket.language, number=ticket.number, state=state, link=link)
    elif way.address.kind == "email":
        words = (
            f"{words.rstrip()}\n\n-- \n{i18n.text('reply_footer', ticket.language, number=ticket.number, link=link)}"
        )
    heard = session.execute(LAST_HEARD, {"ticket": ticket.id}).scalar_one_or_none()
    return Draft(
        purpose="reply",
        rank=4,
        channel=way.channel,
        to=way.address,
        subject=i18n.text("reply_subject", ticket.language, number=ticket.number),
        text=words,
        language=ticket.language,
        ticket_id=ticket.id,
        message_id=message_id,
        thread=_thread(ticket, heard),
        automatic=False,
    )


FREE_CODES = text("""
    SELECT n FROM generate_series(1, 1 + (
        SELECT coalesce(max(reply_code), 0) FROM delivery WHERE channel = :channel AND to_value = :value)) n
    WHERE NOT EXISTS (
        SELECT FROM delivery d JOIN ticket t ON t.id = d.ticket_id
        WHERE d.channel = :channel AND d.to_value = :value AND d.reply_code = n
          AND t.id <> :ticket AND (t.closed_at IS NULL OR t.closed_at > helpdesk_now() - interval '24 hours'))
    ORDER BY n LIMIT 1
""")
OWN_CODE = text("""
    SELECT reply_code FROM delivery WHERE channel = :channel AND to_value = :value AND ticket_id = :ticket
      AND reply_code IS NOT NULL ORDER BY id LIMIT 1
""")


def pages(session: Session, ticket: Ticket, messages: Sequence[Page]) -> list[Draft]:
    """One message per contact point. No word of the ticket enters it: number, portal, severity, a title from a list."""
    where, catalog = context(session), book(session).catalog
    drafts = []
    for page in messages:
        point = catalog.points[page.contact_point]
        channel = ringing_channel(where, point.kind)
        code = reply_code(session, channel, point.value, ticket.id)
        drafts.append(
            Draft(
                purpose="page",
                rank={"S1": 0, "S2": 1}.get(ticket.severity, 2),
                channel=channel,
                to=Address(kind=point.kind, value=point.value),
                subject=f"[{ticket.severity}] {ticket.number}",
                text=_page_words(session, ticket, page, code),
                language="de",
                ticket_id=ticket.id,
                agent_id=point.agent_id,
                contact_point_id=point.id,
                thread={"number": ticket.number, "key": str(code), "button.acknowledge": "Annehmen"},
                due_at=page.at,
                chain={"pass": page.pass_number, "step": page.step_id, "person": page.person},
                reply_code=code,
            )
        )
    return drafts


def ringing_channel(where: Context, kind: str) -> str:
    """The channel that may page a person by this kind of address."""
    fitting = (name for name, info in where.channels.items() if info.address_kind == kind and _rings(info))
    return next(fitting, kind)


def _rings(info: ChannelInfo) -> bool:
    return info.can_ring and info.outbound


def reply_code(session: Session, channel: str, value: str, ticket_id: int) -> int:
    """The short number that answers about this ticket from this contact point; the same on every page of it."""
    values = {"channel": channel, "value": value, "ticket": ticket_id}
    known = session.execute(OWN_CODE, values).scalar_one_or_none()
    return int(known if known is not None else session.execute(FREE_CODES, values).scalar_one())


def _page_words(session: Session, ticket: Ticket, page: Page, code: int) -> str:
    catalog = book(session).catalog
    title = catalog.categories.get(ticket.category or "") or i18n.text("no_title", "de")
    restricted = ticket.kind in ("security", "privacy")
    return i18n.text(
        "page_text",
        "de",
        number=ticket.number,
        portal=catalog.portals.get(ticket.portal or "", "Portal unbekannt"),
        severity=ticket.severity,
        title="bitte anmelden" if restricted else title,
        late=page.late,
        code=code,
    )
