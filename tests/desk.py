"""The stage of the stories: the clock is turned, citizens write, people are paged and answer.

The world outside is the echo channel: it takes what citizens send, keeps what we send, and plays the providers of mail
and Telegram where a story needs a page without a real peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from helpdesk import accounts, clock, tickets
from helpdesk.channel import (
    Address,
    Answer,
    ChannelInfo,
    File,
    Health,
    InboundMessage,
    Kind,
    OutboundMessage,
    Raw,
    Receipt,
)
from helpdesk.desk import ChannelDesk
from helpdesk.house import House
from helpdesk.models import Agent, Clock, ContactPoint, Due, Event, Message, Ticket
from helpdesk.tickets import Actor
from helpdesk.worker import Worker

ZONE = ZoneInfo("Europe/Berlin")
_ids = count(1)
T = TypeVar("T")


@dataclass
class Simulated:
    """A provider that only remembers: what it was asked to send, in order. `script` answers the next attempts."""

    name: str
    info: ChannelInfo
    account: str = "simulated"
    sent: list[OutboundMessage] = field(default_factory=list)
    script: list[Exception] = field(default_factory=list)
    files: ClassVar[Mapping[str, bytes]] = {}

    def routes(self, desk: object) -> list[Any]:
        return []

    def read(self, raw: Raw) -> tuple[Any, ...]:
        return ()

    async def poll(self, desk: object) -> None:
        await asyncio.sleep(0.1)

    async def send(self, message: OutboundMessage, go: Callable[[], Awaitable[None]]) -> str:
        await go()
        if self.script:
            raise self.script.pop(0)
        self.sent.append(message)
        return f"{self.name}-{len(self.sent)}"

    async def find(self, message: OutboundMessage) -> str | None:
        return next((f"{self.name}-{at + 1}" for at, sent in enumerate(self.sent) if sent.key == message.key), None)

    async def fetch(self, file: File) -> Any:
        yield self.files[file.ref]

    async def check(self) -> Health:
        return Health(ok=True)


def simulated(name: str, kind: str, *, third_party: bool = False) -> Simulated:
    info = ChannelInfo(
        label=name.title(), address_kind=kind, inbound=True, outbound=True, third_party=third_party, can_ring=True
    )
    return Simulated(name=name, info=info)


class Desk:
    """What a story says."""

    def __init__(self, house: House) -> None:
        self.providers = {
            "email": simulated("email", "email"),
            "telegram": simulated("telegram", "telegram", third_party=True),
        }
        channels: dict[str, Any] = {**house.channels, **self.providers}
        infos = {name: channel.info for name, channel in channels.items()}
        context = type(house.context)(
            settings=house.settings, secret=house.context.secret, channels=infos, shelf=house.context.shelf
        )
        house.database.info["context"] = context
        self.house = House(
            settings=house.settings,
            database=house.database,
            context=context,
            channels=channels,
            files=house.files,
            listen_dsn=house.listen_dsn,
        )
        self.worker = Worker(house=self.house)

    # time

    def at(self, local: str) -> None:
        """It is this local time in Germany, and a pass is made."""
        self._turn(datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC))
        self.passes()

    def forward(self, **span: float) -> None:
        """Time goes on: every instant at which something is due is visited, in order."""
        until = self.now() + timedelta(**span)
        while (due := self._next_due()) is not None and due <= until:
            self._turn(max(due, self.now()))
            self.passes()
        self._turn(until)
        self.passes()

    def now(self) -> datetime:
        return self.do(clock.now)

    def _turn(self, instant: datetime) -> None:
        self.do(lambda session: clock.freeze(session, instant))

    def _next_due(self) -> datetime | None:
        return self.do(
            lambda s: s.execute(
                text(
                    "SELECT min(at) FROM (SELECT due_at AS at FROM due UNION ALL SELECT due_at FROM delivery"
                    " WHERE state = 'pending' AND channel = ANY(:channels)) AS all_due WHERE at > helpdesk_now()"
                ),
                {"channels": list(self.house.channels)},
            ).scalar_one()
        )

    def passes(self) -> None:
        asyncio.run(self.worker.run_pass())

    def do(self, job: Callable[[Session], T]) -> T:
        return self.house.database.work(job)

    # people

    def citizen(self, name: str) -> Citizen:
        return Citizen(desk=self, name=name)

    def agent(self, handle: str) -> Actor:
        agent = self.do(lambda s: s.scalars(select(Agent).where(Agent.handle == handle)).one())
        return Actor(kind="agent", name=agent.name, id=agent.id)

    def reaches(self, handle: str, **points: str) -> None:
        """Gives a person verified contact points, e.g. telegram="4711"."""
        agent = self.agent(handle)

        def job(session: Session) -> None:
            for kind, value in points.items():
                accounts.add_contact_point(session, agent.id or 0, kind, value, verified=True)

        self.do(job)

    def phone_of(self, handle: str, kind: str = "telegram") -> Phone:
        return Phone(desk=self, handle=handle, kind=kind)


@dataclass
class Citizen:
    desk: Desk
    name: str

    @property
    def value(self) -> str:
        return f"{self.name.lower()}@example.org"

    def writes(self, channel: str, words: str, *, key: str | None = None, **more: Any) -> Story:
        """Sends a message; the worker sends what follows from it."""
        receipt = self.sends(channel, words, key=key, **more)
        self.desk.passes()
        return Story(desk=self.desk, number=receipt.number)

    def sends(self, channel: str, words: str, *, key: str | None = None, **more: Any) -> Receipt:
        message = self.message(channel, words, key=key, **more)
        return asyncio.run(ChannelDesk(self.desk.house, self.desk.house.channels[channel]).take_in(message))

    def message(self, channel: str, words: str, *, key: str | None = None, **more: Any) -> InboundMessage:
        """What a channel would make of it."""
        provider = self.desk.house.channels[channel]
        address = Address(kind=provider.info.address_kind, value=f"{channel}:{self.value}", name=self.name)
        if provider.info.address_kind == "email":
            address = Address(kind="email", value=self.value, name=self.name)
        return InboundMessage(
            external_id=key or f"message-{next(_ids)}",
            kind=Kind.MESSAGE,
            sender=address,
            recipient=Address(kind=provider.info.address_kind, value="us"),
            text=words,
            raw=Raw(body=words.encode(), headers={}, received_at=datetime.now(UTC)),
            hints=more.pop("hints", (f"{channel}:{self.value}",)),
            **more,
        )

    def heard(self, channel: str) -> list[str]:
        """What we sent this person, oldest first."""
        return [m.text for m in self.desk.providers[channel].sent if m.to.value.endswith(self.value)]


@dataclass
class Phone:
    """One contact point of a person on duty."""

    desk: Desk
    handle: str
    kind: str

    def rang_about(self, story: Story) -> bool:
        return bool(self.pages(story))

    def pages(self, story: Story) -> list[OutboundMessage]:
        agent = self.desk.agent(self.handle)
        mine = self.desk.do(lambda s: [p.value for p in _points(s, agent.id or 0, self.kind)])
        sent = self.desk.providers[self.kind].sent
        return [m for m in sent if m.to.value in mine and m.thread.get("number") == story.number and "key" in m.thread]

    def presses(self, verb: str, story: Story) -> Answer:
        page = self.pages(story)[-1]
        provider = self.desk.house.channels[self.kind]
        answer = asyncio.run(ChannelDesk(self.desk.house, provider).act(page.thread["key"], verb, page.to.value))
        self.desk.passes()
        return answer


def _points(session: Session, agent_id: int, kind: str) -> list[Any]:
    return list(
        session.scalars(select(ContactPoint).where(ContactPoint.agent_id == agent_id, ContactPoint.kind == kind))
    )


@dataclass
class Story:
    """A ticket, as a story asks about it: always read afresh."""

    desk: Desk
    number: str

    def _read(self, job: Callable[[Session, Ticket], T]) -> T:
        def work(session: Session) -> T:
            return job(session, session.scalars(select(Ticket).where(Ticket.number == self.number)).one())

        return self.desk.do(work)

    @property
    def ticket(self) -> Ticket:
        return self._read(lambda _, ticket: ticket)

    @property
    def acknowledged_by(self) -> str | None:
        return self._read(lambda s, t: s.get_one(Agent, t.acknowledged_by).handle if t.acknowledged_by else None)

    def clock(self, kind: str, round: int = 1) -> Clock:
        rows = select(Clock).where(Clock.kind == kind, Clock.round == round)
        return self._read(lambda s, t: s.scalars(rows.where(Clock.ticket_id == t.id)).one())

    def events(self) -> list[str]:
        return self._read(
            lambda s, t: list(s.scalars(select(Event.kind).where(Event.ticket_id == t.id).order_by(Event.id)))
        )

    def messages(self) -> list[str]:
        return self._read(
            lambda s, t: list(s.scalars(select(Message.text).where(Message.ticket_id == t.id).order_by(Message.id)))
        )

    def looks_again_at(self) -> datetime | None:
        return self._read(lambda s, t: s.scalars(select(Due.due_at).where(Due.subject_id == t.id)).one_or_none())

    def answered(self, handle: str, words: str, then: str = "open") -> None:
        actor = self.desk.agent(handle)
        self._read(lambda s, t: tickets.reply(s, tickets.locked_by_id(s, t.id), words, actor, then=then))
        self.desk.passes()

    def done(self, verb: Callable[[Session, Ticket, Actor], Any], handle: str) -> Any:
        """An agent's verb on this ticket; the worker sends what follows."""
        actor = self.desk.agent(handle)
        result = self._read(lambda s, t: verb(s, tickets.locked_by_id(s, t.id), actor))
        self.desk.passes()
        return result
