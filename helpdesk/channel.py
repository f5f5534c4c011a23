"""The channel contract: what the core asks of a channel, and what a channel may ask of the core.

A channel imports this module and nothing else of ours; this module needs the standard library and Starlette's route
type, nothing else. `helpdesk/testing/channel_contract.py` is the suite that every channel runs against it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import ClassVar, Literal, Protocol, Self, TypeVar, dataclass_transform
from uuid import UUID

from starlette.routing import BaseRoute

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass."""
    return dataclass(frozen=True, kw_only=True)(cls)


class Outcome(StrEnum):
    """What a failed attempt to send means for the next attempt."""

    TEMPORARY = auto()  #: certainly not sent; try again later
    PERMANENT = auto()  #: certainly not sent, and never will be to this address
    UNCERTAIN = auto()  #: may have been sent; never blindly repeated


class State(StrEnum):
    """State of a delivery. Moves forward only; `FAILED` is final."""

    PENDING = auto()
    SENDING = auto()
    UNCERTAIN = auto()
    SENT = auto()
    DELIVERED = auto()
    READ = auto()
    FAILED = auto()


class Kind(StrEnum):
    """What an inbound original is about."""

    MESSAGE = auto()
    EDIT = auto()
    CALL = auto()
    AUTOREPLY = auto()  #: out-of-office and the like: kept, neither resumes nor reopens
    BLOCKED = auto()  #: the person blocked us
    ALERT = auto()
    RESOLVE = auto()


class Reason(StrEnum):
    """Why a delivery failed; shown to agents in German, with the next best channel."""

    INVALID_ADDRESS = auto()
    BLOCKED = auto()
    OPTED_OUT = auto()
    WINDOW_CLOSED = auto()
    TOO_LARGE = auto()
    REJECTED = auto()
    QUOTA = auto()
    PROVIDER_DOWN = auto()
    ACCOUNT = auto()  #: our own credentials or account are broken: stop, keep pending, alarm
    NO_ANSWER = auto()
    UNKNOWN = auto()


@value
class Rate:
    scope: Literal["channel", "recipient"]
    count: int
    per: timedelta


@value
class Address:
    """`kind` is "email", "phone", "telegram" …; `value` is canonical (E.164, lower-case domain)."""

    kind: str
    value: str = field(repr=False)
    name: str = field(default="", repr=False)


@value
class Raw:
    """The untouched original, as it came over the wire."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received_at: datetime


@value
class File:
    """A file that came with a message. `fetch` finds its bytes by `ref`; bytes never travel in a message."""

    name: str = field(repr=False)
    media_type: str
    size: int
    ref: str = field(repr=False)


@value
class ChannelInfo:
    """Capabilities. Console, documentation and core decide by these, never by a channel's name."""

    label: str
    address_kind: str
    inbound: bool
    outbound: bool
    third_party: bool  #: off by default, notice first, pointer not content
    can_ring: bool = False  #: may page a person on duty
    measure: Callable[[str], int] = len
    max_units: int | None = None  #: characters, UTF-16 units or SMS septets, as `measure` counts
    max_file: int | None = None  #: bytes
    receipts: frozenset[State] = frozenset({State.SENT})
    rates: tuple[Rate, ...] = ()
    reply_window: timedelta | None = None
    repeat_safe: bool = False  #: the receiver recognises a repeat by our key


@value
class InboundMessage:
    external_id: str  #: idempotency key, unique per channel account
    kind: Kind
    sender: Address
    recipient: Address
    text: str = field(repr=False)
    raw: Raw
    subject: str | None = field(default=None, repr=False)
    files: tuple[File, ...] = ()
    language: str | None = None
    provider_time: datetime | None = None  #: never for a clock
    #: ticket tokens, Message-IDs, chat id, alert key: strongest first
    hints: tuple[str, ...] = field(default=(), repr=False)
    automatic: bool = False
    verified: bool = False  #: the provider signed it AND the sender's identity is proven


@value
class OutboundMessage:
    key: UUID  #: the same on every attempt
    attempt: int
    to: Address
    text: str = field(repr=False)
    language: str
    subject: str | None = field(default=None, repr=False)
    files: tuple[File, ...] = ()
    thread: Mapping[str, str]  #: what keeps the conversation together, e.g. token, in_reply_to, number
    template: str | None = None
    automatic: bool = False


@value
class DeliveryReport:
    report_id: str
    provider_id: str | None
    key: UUID | None
    state: State
    reason: Reason | None = None
    raw: Raw


@value
class Receipt:
    number: str
    answer_by: datetime | None
    repeated: bool
    notice: str | None = None  #: to be sent or said first


@value
class Answer:
    text: str  #: said or sent back only after commit
    done: bool


@value
class Line:
    portal: str | None
    open: bool
    next_opening: datetime | None
    outage: str | None


@value
class LiveLine:
    seq: int
    text: str
    by: str
    kind: Kind


@value
class Health:
    ok: bool
    last_in: datetime | None = None
    last_out: datetime | None = None
    problem: str = ""


class DeliveryError(Exception):
    """One attempt to send failed; `outcome` says what that means for the next one."""

    def __init__(
        self,
        outcome: Outcome,
        reason: Reason,
        *,
        retry_after: timedelta | None = None,
        provider_id: str | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(f"{outcome}: {reason}" + (f" ({detail})" if detail else ""))
        self.outcome = outcome
        self.reason = reason
        self.retry_after = retry_after
        self.provider_id = provider_id


class Withdrawn(Exception):
    """Raised by `go()`: this message is no longer wanted or no longer ours; send nothing."""


class FileTooLarge(Exception):
    """Raised by `fetch` while streaming, as soon as the cap is passed; the message is taken in all the same."""


class NotNow(Exception):
    """The desk can keep nothing at the moment (its database is away). No fault of the message: never a reason to park it."""


class Misconfigured(Exception):
    """Raised by `from_settings`: the settings are half there; the text names what is missing."""


Go = Callable[[], Awaitable[None]]


class Channel(Protocol):
    """What the core asks of a channel. One object per account (mailbox, bot, number)."""

    name: ClassVar[str]
    info: ClassVar[ChannelInfo]
    account: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> tuple[Self, ...]:
        """Accounts that these settings describe. Empty = not configured. No I/O, nothing read at import.

        Keys are lower case without the `HELPDESK_` prefix, e.g. `telegram_token`. Raises `Misconfigured`.
        """
        ...

    def routes(self, desk: Desk) -> list[BaseRoute]:
        """Mounted below `/channels/{name}`; each checks the signature first."""
        ...

    def read(self, raw: Raw) -> tuple[InboundMessage | DeliveryReport, ...]:
        """Pure: no clock, no network, repeatable."""
        ...

    async def poll(self, desk: Desk) -> None:
        """One bounded pass; waits at most 30 s for news (IDLE, getUpdates)."""
        ...

    async def send(self, message: OutboundMessage, go: Go) -> str:
        """Exactly one attempt. Awaits `go()` just before the first byte. Returns the provider's id.

        Raises `DeliveryError`; lets `Withdrawn` through.
        """
        ...

    async def find(self, message: OutboundMessage) -> str | None:
        """Was an uncertain one sent after all? The provider's id, or None = cannot tell."""
        ...

    def fetch(self, file: File) -> AsyncIterator[bytes]:
        """The bytes of a file, capped; afterwards deletes at the provider if it can. Raises `FileTooLarge`."""
        ...

    async def check(self) -> Health: ...


class Desk(Protocol):
    """What a channel may ask of the core. Each call is one transaction."""

    async def take_in(self, message: InboundMessage) -> Receipt:
        """Idempotent: the same (channel account, external_id) gets the same receipt, `repeated=True`."""
        ...

    async def act(self, key: str, verb: str, by: str) -> Answer:
        """ "press 1", "ack 52": `key` is a one-time token or reply code."""
        ...

    async def line(self, number: str) -> Line:
        """What to say first: open now? next opening, running outage."""
        ...

    def follow(self, thread: str, after: int) -> AsyncIterator[LiveLine]: ...

    async def report(self, report: DeliveryReport) -> None: ...

    async def park(self, raw: Raw, why: str) -> None:
        """Genuine but unreadable: kept, operators told, the sender gets its 200."""
        ...
