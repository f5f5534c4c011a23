"""E-mail: IMAP in, SMTP out, one conversation per ticket. README.md tells operators how to set it up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Self
from uuid import UUID

from starlette.routing import BaseRoute

from channels.email import reading
from channels.email.addresses import KIND
from channels.email.content import MAX_MAIL
from channels.email.imap import PROCESSED, MailboxError, mailbox
from channels.email.inbound import Pass
from channels.email.originals import Originals, Reference
from channels.email.parsing import as_json, parse
from channels.email.settings import Account, accounts
from channels.email.smtp import ACCEPT_SECONDS, Relay
from channels.email.writing import BadAddress, compose, own_domain
from helpdesk.channel import (
    ChannelInfo,
    DeliveryError,
    DeliveryReport,
    Desk,
    File,
    FileTooLarge,
    Go,
    Health,
    InboundMessage,
    OutboundMessage,
    Outcome,
    Rate,
    Raw,
    Reason,
    State,
)

MAX_FILES = 10_000_000  #: bytes of all files of one outgoing mail, before encoding; also of one file that is fetched
IDLE_SECONDS = 25.0  #: so that a pass that found nothing ends within 30 s
_CHUNK = 65_536
_DATES = 1_000
FileSource = Callable[[File], AsyncIterator[bytes]]


class EmailChannel:
    """One mailbox."""

    name: ClassVar[str] = "email"
    info: ClassVar[ChannelInfo] = ChannelInfo(
        label="E-Mail",
        address_kind=KIND,
        inbound=True,
        outbound=True,
        third_party=False,
        can_ring=True,
        max_file=MAX_FILES,
        receipts=frozenset({State.SENT, State.FAILED}),
        rates=(
            Rate(scope="channel", count=60, per=timedelta(minutes=1)),
            Rate(scope="recipient", count=1, per=timedelta(seconds=1)),
        ),
        repeat_safe=True,
    )
    #: tools of the command line: `helpdesk mail parse FILE` shows what the reader sees
    tools: ClassVar[Mapping[str, Callable[[bytes], dict[str, object]]]] = {"parse": lambda data: as_json(parse(data))}

    def __init__(
        self, account: Account, *, idle_seconds: float = IDLE_SECONDS, accept_seconds: float = ACCEPT_SECONDS
    ) -> None:
        self.account = account.address
        #: where the bytes of outgoing files come from; set by the core, which stores them
        self.files: FileSource | None = None
        self._account = account
        self._relay = Relay(account.smtp, own_domain(account), accept_seconds=accept_seconds)
        self._idle_seconds = idle_seconds
        self._originals = Originals()
        self._dates: OrderedDict[UUID, datetime] = OrderedDict()
        self._pass = Pass(account, self._originals)
        self._last_out: datetime | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> tuple[Self, ...]:
        return tuple(cls(account) for account in accounts(settings))

    def routes(self, desk: Desk) -> list[BaseRoute]:
        """None: mail is fetched."""
        return []

    def read(self, raw: Raw) -> tuple[InboundMessage | DeliveryReport, ...]:
        """Raises `reading.Unreadable` for what is no mail at all."""
        return reading.read(raw, self._account.rules)

    def attachments(self, raw: Raw) -> Iterator[tuple[File, bytes]]:
        """The files of an original that the core has kept, without asking the mailbox."""
        return reading.attachments(raw)

    async def poll(self, desk: Desk) -> None:
        """Takes in what waits, then waits for news and takes that in.

        Raises `MailboxError`, and what the desk raises when it fails at everything; what could not be taken in stays in
        INBOX for the next pass.
        """
        async with mailbox(self._account.imap) as box:
            complete = await self._pass.run(box, desk)
            if complete and self._idle_seconds and await box.news(self._idle_seconds):
                await self._pass.run(box, desk)

    async def send(self, message: OutboundMessage, go: Go) -> str:
        """Returns the Message-ID, the same on every attempt; a receiver drops the second copy by it."""
        try:
            letter = compose(message, self._account, self._date(message.key), await self._contents(message))
        except BadAddress as wrong:
            raise DeliveryError(Outcome.PERMANENT, Reason.INVALID_ADDRESS, detail=str(wrong)) from wrong
        await self._relay.send(letter, go)
        self._last_out = datetime.now(UTC)
        return letter.message_id

    async def find(self, message: OutboundMessage) -> str | None:
        """SMTP cannot say."""
        return None

    async def fetch(self, file: File) -> AsyncIterator[bytes]:
        """From what was read lately, else from the mailbox. Nothing is deleted: the mailbox is ours.

        A core that keeps originals asks `attachments` instead: no network, and no cap but that of the mail.
        Raises `FileTooLarge`, and `DeliveryError` for a file that cannot be had.
        """
        if file.size > MAX_FILES:
            raise FileTooLarge(f"{file.size} bytes")
        reference = Reference.of(file.ref)
        try:
            body = self._originals.get(reference.digest) or await self._from_mailbox(reference)
        except MailboxError as away:
            raise DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN, detail=str(away)) from away
        content = reading.content_of(body, reference.path) if body is not None else None
        if content is None:
            raise DeliveryError(Outcome.PERMANENT, Reason.UNKNOWN, detail="not in the mailbox any more")
        if len(content) > MAX_FILES:
            raise FileTooLarge(f"{len(content)} bytes")
        for start in range(0, len(content), _CHUNK):
            yield content[start : start + _CHUNK]

    async def check(self) -> Health:
        """Logs in to both servers."""
        problems = []
        try:
            async with mailbox(self._account.imap):
                pass
        except MailboxError as problem:
            problems.append(str(problem))
        try:
            await self._relay.check()
        except DeliveryError as problem:
            problems.append(f"SMTP: {problem}")
        return Health(ok=not problems, last_in=self._pass.last_in, last_out=self._last_out, problem="; ".join(problems))

    def _date(self, key: UUID) -> datetime:
        """Of the first attempt: the same bytes go out on the second."""
        date = self._dates.setdefault(key, datetime.now(UTC).replace(microsecond=0))
        while len(self._dates) > _DATES:
            self._dates.popitem(last=False)
        return date

    async def _contents(self, message: OutboundMessage) -> list[tuple[File, bytes]]:
        """Raises `DeliveryError`: better no mail than one that speaks of a file it does not have."""
        if sum(file.size for file in message.files) > MAX_FILES:
            raise DeliveryError(Outcome.PERMANENT, Reason.TOO_LARGE, detail="files over 10 MB")
        found: list[tuple[File, bytes]] = []
        for file in message.files:
            if self.files is None:
                raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED, detail="no source of files")
            found.append((file, b"".join([chunk async for chunk in self.files(file)])))
        return found

    async def _from_mailbox(self, reference: Reference) -> bytes | None:
        """The original is looked for where mails go after they were taken in, and known by its hash."""
        if not reference.message_id:
            return None
        async with mailbox(self._account.imap) as box:
            for folder in ("INBOX", await box.folder(PROCESSED)):
                await box.select(folder)
                for uid in await box.with_message_id(reference.message_id):
                    body = await box.fetch(uid, MAX_MAIL)
                    if body is not None and sha256(body).hexdigest() == reference.digest:
                        self._originals.keep(body)
                        return body
        return None
