"""The stage with real channels: what the settings describe is spoken to, nothing is played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from channels.email import EmailChannel
from helpdesk import tickets
from helpdesk.house import House
from helpdesk.models import Alarm, Delivery, Event, Inbound, Ticket
from tests.desk import ZONE, Desk, Story


def just_after(at: datetime | None, local: str, seconds: int = 30) -> bool:
    """Whether this instant is the local time, or a little later: processes take their time."""
    return at is not None and timedelta() <= at - instant(local) < timedelta(seconds=seconds)


def instant(local: str) -> datetime:
    """A local time in Germany."""
    return datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC)


class RealDesk(Desk):
    """`Desk` over the channels of this house; whatever a pass sends leaves for real."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.providers = {}
        self.use(house)

    def use(self, house: House) -> None:
        house.database.info["context"] = house.context
        self.house = house
        self.worker = replace(self.worker, house=house)

    def turn(self, local: str) -> None:
        """It is this local time in Germany, and time goes on; passes are made by a worker process."""
        shift = text("UPDATE test_clock SET frozen = NULL, shift = :at - transaction_timestamp()")
        self.do(lambda s: s.execute(shift, {"at": instant(local)}))

    def answers(self, story: Story, handle: str, words: str, then: str = "open") -> None:
        """An agent answers, and nobody makes a pass."""
        actor, key = self.agent(handle), story.ticket.id
        self.do(lambda s: tickets.reply(s, tickets.locked_by_id(s, key), words, actor, then=then))

    def story(self, number: str) -> Story:
        return Story(desk=self, number=number)

    def reaches_all_by_mail_at(self, domain: str) -> None:
        """The people on duty have their mailboxes at this domain."""
        move = text("UPDATE contact_point SET value = split_part(value, '@', 1) || :at WHERE kind = 'email'")
        self.do(lambda s: s.execute(move, {"at": f"@{domain}"}))


def without_waiting(house: House) -> House:
    """The same house, whose mailbox does not wait for news during a pass."""
    found = house.channels["email"]
    assert isinstance(found, EmailChannel)
    eager = EmailChannel(found._account, idle_seconds=0)
    return replace(house, channels={**house.channels, "email": eager})


def as_environment(settings: dict[str, str]) -> dict[str, str]:
    """Settings of a channel as an operator gives them."""
    return {f"HELPDESK_{name.upper()}": value for name, value in settings.items()}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A delivery, as a story asks about it."""

    purpose: str
    state: str
    attempt: int
    reason: str | None
    due: bool


def deliveries(desk: Desk, **where: Any) -> list[Sent]:
    """What was to be sent, oldest first."""
    rows = select(Delivery).filter_by(**where).order_by(Delivery.id)
    found = desk.do(lambda s: list(s.scalars(rows)))
    return [
        Sent(purpose=d.purpose, state=d.state, attempt=d.attempt, reason=d.reason, due=d.due_at is not None)
        for d in found
    ]


def alarms(desk: Desk) -> list[tuple[str, str]]:
    """Kind and subject of every open alarm."""
    return desk.do(lambda s: [(a.kind, a.subject) for a in s.scalars(select(Alarm).order_by(Alarm.id))])


def parked(desk: Desk) -> int:
    return len(desk.do(lambda s: list(s.scalars(select(Inbound.id).where(Inbound.state == "parked")))))


def numbers(desk: Desk) -> list[str]:
    """All tickets, in the order they were opened."""
    return desk.do(lambda s: list(s.scalars(select(Ticket.number).order_by(Ticket.id))))


def happened(desk: Desk, kind: str) -> list[dict[str, Any]]:
    """The data of every event of this kind."""
    return desk.do(lambda s: list(s.scalars(select(Event.data).where(Event.kind == kind).order_by(Event.id))))
