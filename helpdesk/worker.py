"""The worker: looks at what is due, sends what must be sent, polls channels. It holds no state; the rows do.

Several workers share one database: due rows are claimed with SKIP LOCKED, none is a leader. APScheduler ticks once a
second (missed ticks are merged); LISTEN wakes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from helpdesk import accounts, alarms, deliveries, history, limits, metrics, tickets
from helpdesk.channel import Channel, DeliveryError, File, FileTooLarge, Outcome, Rate, Reason, Withdrawn
from helpdesk.desk import ChannelDesk, failed_by_worker
from helpdesk.errors import HelpdeskError, TooMany
from helpdesk.house import House
from helpdesk.killpoint import reach
from helpdesk.models import Attachment, Message, Ticket

log = structlog.get_logger()

BATCH = 50
#: one attempt to send may take this long; then it is uncertain (the lease is 30 s)
LONGEST_SEND = 25.0
#: at the end, what is in hand gets so many seconds
LAST_WORDS = 10.0
POLL_PAUSE = 2.0


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What one pass did."""

    looks: int = 0
    sends: int = 0


@dataclass(kw_only=True)
class Worker:
    house: House
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    _bells: list[asyncio.Event] = field(default_factory=list)
    _ending: bool = False

    # one pass

    async def run_pass(self) -> Pass:
        """Exactly one pass: all looks due now, then all sends due now, then the files."""
        done = Pass(looks=await self.run_looks(), sends=await self.run_sends())
        await self.fetch_files()
        metrics.count_pass(looks=done.looks, sends=done.sends)
        return done

    async def run_looks(self) -> int:
        """Looks at every ticket that is due, up to 50 in one transaction, the most severe first."""
        done = 0
        while count := await self.house.database.run(_look_batch):
            done += count
        return done

    async def run_sends(self, *, only_pages: bool = False) -> int:
        """Sends everything that is due, up to 20 at once; the next ones when the slowest of these is through."""
        done, channels = 0, tuple(self.house.channels)
        while not self._ending:
            batch = await self.house.database.run(lambda s: deliveries.claim(s, channels, only_pages=only_pages))
            if not batch:
                break
            reach("send.claimed")
            await asyncio.gather(*(self._deliver(claimed) for claimed in batch))
            done += len(batch)
        return done

    async def _deliver(self, claimed: deliveries.Claimed) -> None:
        channel = self.house.channels[claimed.channel]
        run = self.house.database.run
        if await run(lambda session: _throttled(session, claimed, channel.info.rates)):
            return
        try:
            outcome = await self._attempt(channel, claimed)
        except Exception:  # a stranger's exception says nothing about whether it was sent (CHANNELS §2)
            log.exception("send.raised", channel=claimed.channel, delivery=claimed.id)
            outcome = DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN)
        reach("send.done")
        await run(lambda session: _write_outcome(session, claimed, outcome, channel))

    async def _attempt(self, channel: Channel, claimed: deliveries.Claimed) -> str | DeliveryError | Withdrawn | None:
        """One attempt. The provider's id, what went wrong, or None: no longer ours."""
        if claimed.rescued and (found := await self._found(channel, claimed)):
            return found
        if claimed.rescued and not channel.info.repeat_safe and claimed.purpose != "page":
            return DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN, detail="the sender died while sending")
        gone = asyncio.Event()

        async def go() -> None:
            why = await self.house.database.run(lambda session: _checked(session, claimed))
            if why is not None:
                if why == "":
                    gone.set()
                raise Withdrawn(why)
            reach("send.checked")

        try:
            return await asyncio.wait_for(channel.send(claimed.message, go), LONGEST_SEND)
        except Withdrawn as why:
            return None if gone.is_set() else why
        except DeliveryError as error:
            return error
        except TimeoutError:
            return DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN, detail="time limit")

    async def _found(self, channel: Channel, claimed: deliveries.Claimed) -> str | None:
        try:
            return await asyncio.wait_for(channel.find(claimed.message), LONGEST_SEND)
        except Exception:  # cannot tell
            return None

    async def fetch_files(self) -> int:
        """Files that lie at a provider still; after commit, one by one."""
        waiting = await self.house.database.run(_waiting_files)
        for key, channel_name, file in waiting:
            channel = self.house.channels.get(channel_name)
            if channel is None:
                continue
            state, name, size = await _fetched(self.house, channel, file)
            await self.house.database.run(lambda s, k=key, v=(state, name, size): _file_done(s, k, *v))  # type: ignore[misc]
        return len(waiting)

    # for ever

    async def run(self, stop: asyncio.Event) -> None:
        """Ticks, listens and polls until `stop`; then ends what is in hand, since a half-sent message is an uncertain one.

        Looks, pages, all other sends and files go side by side: a provider that hangs holds up no look and no page.
        """
        scheduler = AsyncIOScheduler()
        scheduler.add_job(self._tick, "interval", seconds=1, coalesce=True, max_instances=1)
        scheduler.add_job(self._sweep, "interval", hours=6, coalesce=True, max_instances=1)
        scheduler.start()
        polls = [self._poll(channel) for channel in self.house.channels.values()]
        around = [asyncio.create_task(job) for job in (self._listen(), *polls)]
        lanes = [asyncio.create_task(self._lane(job)) for job in (self._look, self._page, self._send, self.fetch_files)]
        try:
            await stop.wait()
            self._ending = True
            self._ring()
            await asyncio.wait(lanes, timeout=LAST_WORDS)
        finally:
            scheduler.shutdown(wait=False)
            tasks = [*around, *lanes]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        """A coroutine, so that it runs in the loop: an asyncio event must not be set from a thread."""
        self._ring()

    def _ring(self) -> None:
        """Something may be due."""
        for bell in self._bells:
            bell.set()

    async def _sweep(self) -> None:
        """Forgets what is over: buckets of rate limits, sessions, workers that are gone."""
        await self.house.database.run(sweep)

    async def _lane(self, job: Callable[[], Awaitable[object]]) -> None:
        """Does one kind of work whenever the bell rings, whatever the others are waiting for."""
        bell = asyncio.Event()
        self._bells.append(bell)
        while True:
            await bell.wait()
            if self._ending:
                return
            bell.clear()
            try:
                await job()
            except HelpdeskError as error:  # database away: the rows wait
                log.warning("worker.waits", why=error.code)
                await asyncio.sleep(1)
            except Exception:
                log.exception("worker.pass_failed")
                await asyncio.sleep(1)

    async def _look(self) -> None:
        await self.house.database.run(lambda session: _beat(session, self.name))
        metrics.count_pass(looks=await self.run_looks(), sends=0)

    async def _page(self) -> None:
        metrics.SENDS.inc(await self.run_sends(only_pages=True))

    async def _send(self) -> None:
        metrics.SENDS.inc(await self.run_sends())

    async def _listen(self) -> None:
        """Wakes the lanes at once when something was written; without it the tick does within a second."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                async for _ in notified(self.house.listen_dsn):
                    self._ring()
            await asyncio.sleep(1)

    async def _poll(self, channel: Channel) -> None:
        if not channel.info.inbound:
            return
        desk = ChannelDesk(self.house, channel)
        await _set_up(channel)
        while True:
            try:
                await channel.poll(desk)
                await asyncio.sleep(0.05)
            except Exception as error:  # a mailbox that is away must not stop the others
                log.warning("poll.failed", channel=channel.name, error=type(error).__name__)
                await asyncio.sleep(POLL_PAUSE)


async def _set_up(channel: Channel) -> None:
    """Tells the provider where we are, where a channel has such a step (a webhook's address). Repeatable."""
    setup = getattr(channel, "setup", None)
    if setup is None:
        return
    try:
        await setup()
    except Exception as error:  # the provider is away: `helpdesk check` shows it, the next start tries again
        log.warning("setup.failed", channel=channel.name, error=type(error).__name__)


async def notified(dsn: str) -> AsyncIterator[None]:
    """Yields once per wake-up of `history.WAKE`, over a connection of its own."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        await connection.execute(f"LISTEN {history.WAKE}")
        async for _ in connection.notifies():
            yield


# looks

DUE = text("""
    SELECT id, subject_id, tries FROM due WHERE kind = 'look' AND due_at <= helpdesk_now()
    ORDER BY rank, due_at LIMIT :most FOR UPDATE SKIP LOCKED
""")
PUSHED = text("""
    UPDATE due SET tries = tries + 1, due_at = helpdesk_now() + CAST(:wait AS interval) WHERE id = :id RETURNING tries
""")


def _look_batch(session: Session) -> int:
    """One transaction; a ticket whose look raises is set aside and does not stop the others."""
    rows = session.execute(DUE, {"most": BATCH}).all()
    for row in rows:
        try:
            with session.begin_nested():
                _look_at_one(session, row.id, row.subject_id)
        except Exception as error:
            log.exception("look.raised", ticket=row.subject_id)
            session.expire_all()
            _set_aside(session, row.id, row.subject_id, error)
    return len(rows)


HELD = text("UPDATE due SET due_at = helpdesk_now() + interval '1 second' WHERE id = :id")


def _look_at_one(session: Session, due_id: int, ticket_id: int) -> None:
    """Never waits for a ticket in somebody's hand: a verb locks the ticket first and its due row then, we the other way
    round. Whoever holds it looks at the end; should that fail, we come back in a second.
    """
    rows = select(Ticket).where(Ticket.id == ticket_id)
    ticket = session.scalars(rows.with_for_update(skip_locked=True)).one_or_none()
    if ticket is not None:
        tickets.wake_up(session, ticket)
    elif session.scalars(select(Ticket.id).where(Ticket.id == ticket_id)).one_or_none() is not None:
        session.execute(HELD, {"id": due_id})
    else:
        session.execute(text("DELETE FROM due WHERE id = :id"), {"id": due_id})


def _set_aside(session: Session, due_id: int, ticket_id: int, error: Exception) -> None:
    wait = timedelta(hours=1)
    session.execute(PUSHED, {"id": due_id, "wait": wait})
    history.record(
        session, [history.Happened(kind="look.failed", ticket_id=ticket_id, data={"error": type(error).__name__})]
    )
    alarms.raise_alarm(session, "look_failed", str(ticket_id), f"Ticket {ticket_id} lässt sich nicht prüfen.")


# sends


def _throttled(session: Session, claimed: deliveries.Claimed, rates: Sequence[Rate]) -> bool:
    """Whether the channel's rates say "later". Pages have their own lane: a broadcast never delays one (CHANNELS §1.7)."""
    if claimed.purpose == "page":
        return False
    try:
        with session.begin_nested():
            for rate in rates:
                limits.allow(session, _bucket(claimed, rate), count=rate.count, per=rate.per)
    except TooMany as full:
        deliveries.postpone(session, claimed, timedelta(seconds=full.retry_after))
        return True
    return False


def _bucket(claimed: deliveries.Claimed, rate: Rate) -> str:
    """Addresses are personal data: a recipient's bucket is named by a hash."""
    whose = hashlib.sha256(claimed.message.to.value.encode()).hexdigest()[:32] if rate.scope == "recipient" else ""
    return f"send:{claimed.channel}:{rate.count}/{rate.per.total_seconds():g}:{whose}"


def _checked(session: Session, claimed: deliveries.Claimed) -> str | None:
    """None = send it. "" = no longer ours. Else why nobody wants it any more."""
    if not deliveries.still_ours(session, claimed):
        return ""
    return deliveries.unwanted(session, claimed)


def _write_outcome(
    session: Session, claimed: deliveries.Claimed, outcome: str | DeliveryError | Withdrawn | None, channel: Channel
) -> None:
    match outcome:
        case None:
            return
        case str():
            deliveries.sent(session, claimed, outcome)
        case Withdrawn():
            deliveries.withdrawn(session, claimed, str(outcome))
        case DeliveryError(outcome=Outcome.TEMPORARY):
            deliveries.again(session, claimed, outcome.reason, outcome.retry_after, str(outcome))
        case DeliveryError(outcome=Outcome.UNCERTAIN):
            deliveries.unsure(session, claimed, repeat_safe=channel.info.repeat_safe, detail=str(outcome))
        case DeliveryError():
            deliveries.failed(session, claimed, outcome.reason, str(outcome))
    if isinstance(outcome, DeliveryError):
        failed_by_worker(session, claimed.id)


# files


def _waiting_files(session: Session) -> list[tuple[int, str, Attachment]]:
    rows = session.execute(
        select(Attachment, Message.channel)
        .join(Message, Message.id == Attachment.message_id)
        .where(Attachment.state == "waiting")
        .limit(20)
        .with_for_update(skip_locked=True, of=Attachment)
    )
    found = [(row[0].id, row[1], row[0]) for row in rows]
    for _, _, attachment in found:
        session.expunge(attachment)
    return found


async def _fetched(house: House, channel: Channel, attachment: Attachment) -> tuple[str, str | None, int]:
    file = File(name=attachment.name, media_type=attachment.media_type, size=attachment.size, ref=attachment.ref or "")
    data = bytearray()
    try:
        async for part in channel.fetch(file):
            data += part
    except FileTooLarge:
        return "too_large", None, attachment.size
    except Exception as error:
        log.warning("file.failed", channel=channel.name, error=type(error).__name__)
        return "failed", None, attachment.size
    return "stored", house.files.keep(bytes(data)), len(data)


def _file_done(session: Session, key: int, state: str, name: str | None, size: int) -> None:
    attachment = session.get(Attachment, key)
    if attachment is not None:
        attachment.state, attachment.sha256, attachment.size = state, name, size
        session.flush()
        history.wake(session)


BEAT = text("""
    INSERT INTO heartbeat (worker, beat_at) VALUES (:name, clock_timestamp())
    ON CONFLICT (worker) DO UPDATE SET beat_at = clock_timestamp()
""")


def sweep(session: Session) -> None:
    limits.sweep(session)
    accounts.sweep(session)
    session.execute(text("DELETE FROM heartbeat WHERE beat_at < now() - interval '1 day'"))


def _beat(session: Session, name: str) -> None:
    session.execute(BEAT, {"name": name})


logging.getLogger("apscheduler").setLevel(logging.WARNING)
