"""What the console's screens show: plain values, filled by the handlers, rendered by `templates/console/`.

No database and no decisions here. Instants are aware; templates turn them into local time. Text that comes from people
is carried as it is and escaped by the templates; words of the interface are in the templates, never in these values.
What is None or empty is not drawn, so a screen never shows a control that does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from itertools import groupby
from typing import TypeVar, dataclass_transform
from zoneinfo import ZoneInfo

from escalation.severity import Severity
from helpdesk.channel import State

V = TypeVar("V")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def view(cls: type[V]) -> type[V]:
    """A frozen value with keyword-only fields."""
    return dataclass(frozen=True, kw_only=True)(cls)


#: this many system events in a row become one line that opens
COLLAPSE_FROM = 3


# small parts


class ClockKind(StrEnum):
    """Which promise a clock measures."""

    FIRST_RESPONSE = auto()
    NEXT_RESPONSE = auto()
    RESOLUTION = auto()
    PUBLIC_UPDATE = auto()


class ClockState(StrEnum):
    """How a clock's chip looks; the server decides, the browser only counts down."""

    OK = auto()  #: running, more than a quarter left
    WARN = auto()  #: running, a quarter or less left
    OVER = auto()  #: overdue
    MET = auto()  #: kept
    PAUSE = auto()  #: waits for somebody else
    OFF = auto()  #: stands still until service time begins


@view
class ClockChip:
    """One clock of a ticket. `left` is service time in seconds, and negative real time when overdue; the browser
    counts it down while `state` is ok, warn or over. It needs no value in the other states."""

    kind: ClockKind
    state: ClockState
    left: int = 0
    due_at: datetime | None = None
    waits_for: str = ""  #: state pause: "Fachamt" gives "wartet auf Fachamt"
    resumes_at: datetime | None = None  #: state off: gives "ab Fr 08:00"


@view
class Channel:
    """How a message travels: the drawing and the word for it. See `channel_icon`."""

    icon: str
    label: str


#: address kinds and names of channels that have a drawing of their own
_CHANNEL_ICONS = {
    "email": "mail",
    "telegram": "send",
    "phone": "call",
    "sms": "sms",
    "chat": "chat",
    "web": "form",
    "api": "api",
    "municipality": "municipality",
    "alerts": "alerts",
}


def channel_icon(name: str) -> str:
    """The drawing for a channel's name or address kind; an envelope tray for one nobody drew yet."""
    return _CHANNEL_ICONS.get(name, "inbox")


@view
class Person:
    """Somebody with a name, drawn as an avatar: initials, and one of four tones that goes with the name for good."""

    name: str

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[0], words[-1])[: len(words)]).upper() if words else "?"

    @property
    def tone(self) -> int:
        return (ord(self.name[0]) + len(self.name)) % 4 if self.name else 0


@view
class Fact:
    """A line of a list of facts: label and text, both finished. `icon` stands before the text."""

    label: str
    text: str
    href: str = ""
    icon: str = ""


@view
class Link:
    label: str
    href: str


@view
class Option:
    """A choice of a select or of radio buttons."""

    value: str
    label: str
    selected: bool = False


# the frame of every console screen


@view
class RailLink:
    """A main section. `badge` counts what waits there, `badge_words` says it aloud ("23 offen")."""

    icon: str
    label: str
    href: str
    current: bool = False
    badge: int = 0
    badge_words: str = ""
    urgent: bool = False  #: red badge


@view
class OutagePill:
    """Shown only while an S1 or S2 outage is active."""

    text: str  #: "1 Großstörung · nächste Meldung in 18 Min"
    href: str


@view
class ServicePill:
    """Service time now: "Abendbetrieb bis 22:00 · 4 von 5 besetzt". `thin` when fewer are there than needed."""

    text: str
    icon: str = "moon"
    thin: bool = False


@view
class Me(Person):
    """Who is signed in. `theme` is "light", "dark" or "" (as the system says); `shortcuts`: single keys are on.
    `sign_out_href` is posted to; so is `preferences_href` with theme and shortcuts (on, off), if there is one."""

    email: str
    sign_out_href: str
    preferences_href: str = ""
    team: str = ""
    theme: str = ""
    shortcuts: bool = True


@view
class Notice:
    """The result of the last act, shown for at least ten seconds. `undo` is an address to post to."""

    text: str
    icon: str = "tick"
    undo: str = ""


@view
class Frame:
    """Everything around a screen.

    `live_href` is a stream of server-sent events. Each has an id (the cursor), the name `changed` and the data
    `{"tickets": ["T-2026-048213", …]}`: tickets this agent may see that changed. The browser goes on after
    `Last-Event-ID`, or after the query parameter `after` when it had to begin anew, and fetches what it shows of them.
    """

    brand: str  #: "Portalservice"
    section: str  #: "Konsole · 1. Ebene"
    me: Me
    csrf: str
    now: datetime
    rail: tuple[RailLink, ...]
    outage: OutagePill | None = None
    service: ServicePill | None = None
    notice: Notice | None = None
    search_href: str = ""  #: a GET with `q`; without it there is no search field
    search_text: str = ""
    live_href: str = ""  #: without it nothing is live


# inbox: views and list


@view
class ViewLink:
    """A view of the inbox with its count. `urgent`: overdue tickets are inside, the count turns red."""

    key: str
    icon: str
    label: str
    href: str
    count: int | None = None
    current: bool = False
    urgent: bool = False


@view
class ViewGroup:
    """A titled block of views: "Ansichten", "Portale"."""

    title: str
    links: tuple[ViewLink, ...]


@view
class TicketRow:
    """A line of the list. `at`: the last message; `clock`: the next running clock, a kept one if none runs."""

    number: str
    href: str
    who: str
    subject: str
    at: datetime
    channel: Channel
    severity: Severity
    clock: ClockChip | None = None
    portal: str = ""
    assignee: Person | None = None
    outage: str = ""  #: number of the outage the ticket hangs on
    selected: bool = False
    unread: bool = False


@view
class EmptyState:
    """Nothing to show: what it means and the next useful step."""

    title: str
    text: str
    icon: str = "tick"
    action: Link | None = None


@view
class BulkBar:
    """Acts on the ticked rows. Each posts `numbers` (repeated) to `{href}/assignment` (with `agent`) or
    `{href}/acknowledgement`. None on the list: rows have no boxes."""

    href: str
    agents: tuple[Option, ...]


@view
class TicketList:
    """One view's tickets, one page of them. `href` gives the list again (`console/_list.html`), for live updates."""

    title: str
    href: str
    view: str  #: key of the view, carried along in every act
    count: int | None
    rows: tuple[TicketRow, ...]
    sorts: tuple[Option, ...] = ()  #: values of `sort`: due, created
    next_href: str = ""
    empty: EmptyState | None = None
    bulk: BulkBar | None = None


# ticket


@view
class ClockDetail:
    """A clock in the popover of all clocks: its chip and how it came about (target, calendar, pauses, rule applied)."""

    chip: ClockChip
    explanation: tuple[Fact, ...]


@view
class Routing:
    """Why the ticket is where it is: "Servicekonto, S2 am Abend → 1. Ebene". `earlier`: rules tried before it, each
    with the first condition that failed."""

    team: str
    rule: str
    reason: str
    earlier: tuple[Fact, ...] = ()


@view
class Presence:
    """Somebody else in this ticket; `writing` is "", "reply" or "note"."""

    person: Person
    writing: str = ""


@view
class AttachmentLink:
    """A file of a message. `state` is that of the row (stored, waiting, too_large, failed); only stored ones link."""

    name: str
    size: int
    state: str
    href: str = ""


class Direction(StrEnum):
    """Where a message goes, and so how its bubble looks."""

    INCOMING = auto()
    OUTGOING = auto()
    NOTE = auto()  #: internal; citizens never see it


@view
class DeliveryMark:
    """How far an outgoing message came. `reason` in words when it failed; `retry_href` is posted to."""

    state: State
    reason: str = ""
    retry_href: str = ""
    waits: bool = False  #: its channel is not set up


@view
class MessageItem:
    id: int
    direction: Direction
    author: str
    at: datetime
    text: str
    channel: Channel | None = None
    language: str = ""  #: BCP 47 tag when it is not German
    attachments: tuple[AttachmentLink, ...] = ()
    delivery: DeliveryMark | None = None
    facts: tuple[Fact, ...] = ()  #: of a call: wait, length, recording
    automatic: bool = False
    first_unread: bool = False


@view
class EventItem:
    """A line of history: "Mit Störung STÖ-2026-0118 verknüpft". `text` is finished."""

    at: datetime
    icon: str
    text: str


@view
class DayItem:
    """The start of a calendar day."""

    at: datetime


@view
class EventGroup:
    """Events in a row, collapsed."""

    events: tuple[EventItem, ...]


TimelineItem = MessageItem | EventItem | DayItem | EventGroup


def arranged(items: Iterable[MessageItem | EventItem], zone: ZoneInfo) -> tuple[TimelineItem, ...]:
    """Messages and events, oldest first, with a line where a day begins and long runs of events collapsed."""
    ordered = sorted(items, key=lambda item: item.at)
    days = groupby(ordered, key=lambda item: item.at.astimezone(zone).date())
    return tuple(line for _, day in days for line in _day(tuple(day)))


def _day(items: tuple[MessageItem | EventItem, ...]) -> Iterator[TimelineItem]:
    yield DayItem(at=items[0].at)
    for is_event, same in groupby(items, key=lambda item: isinstance(item, EventItem)):
        run = tuple(same)
        yield from _collapsed(run) if is_event else run


def _collapsed(run: tuple[MessageItem | EventItem, ...]) -> tuple[TimelineItem, ...]:
    events = tuple(item for item in run if isinstance(item, EventItem))
    return (EventGroup(events=events),) if len(events) >= COLLAPSE_FROM else events


@view
class Conflict:
    """Somebody answered while this answer was being written; sending is held. Nothing typed is lost."""

    who: str
    at: datetime
    text: str


@view
class Composer:
    """The form for an answer or a note, posted to `{ticket.href}/messages` with csrf, view, seen, text, public (1 or
    0), channel, then (open, pending, resolved; note for notes), files. After a conflict also `despite=1` (send all the
    same) or `as_note=1` (keep it as an internal note)."""

    channels: tuple[Option, ...]  #: the citizen's preferred one is selected; empty: no way to answer, notes only
    seen: int  #: id of the newest message on the page; a newer answer by a colleague is a conflict
    text: str = ""
    public: bool = True
    then: str = "open"
    error: str = ""  #: why the last attempt was refused, in words
    conflict: Conflict | None = None
    files: bool = True  #: attachments are possible
    file_limit: str = ""  #: "20 MB"


@view
class Acts:
    """What this agent may do with this ticket now. Each is a form posted to `{ticket.href}/{resource}`:
    acknowledgement, assignment (agent), resolution, reopening, pause (until as local date and time, reason),
    resumption, severity (severity, reason). In `assignees` oneself comes first: Shift+Z picks it."""

    acknowledge: bool = False
    assignees: tuple[Option, ...] = ()
    resolve: bool = False
    reopen: bool = False
    pause_reasons: tuple[Option, ...] = ()
    resume: bool = False
    severities: tuple[Option, ...] = ()


@view
class PersonCard(Person):
    """The citizen. Opening the person is logged, and the card says so."""

    summary: str = ""  #: "3 Anliegen seit 2025 · zuletzt 04.09."
    facts: tuple[Fact, ...] = ()  #: Telefon, E-Mail, Antwort per, Bedarf, Identität
    href: str = ""


@view
class OutageCard:
    number: str
    href: str
    severity: Severity
    title: str
    text: str  #: "seit 18:55 · 47 Tickets · nächste Meldung 20:00"


@view
class Related:
    """A link with a remark: an earlier or similar ticket, an article."""

    label: str
    href: str
    remark: str = ""


@view
class Context:
    """The right-hand column: person, portal and service, outage, routing, earlier and similar tickets, knowledge."""

    person: PersonCard | None = None
    service: tuple[Fact, ...] = ()  #: Portal, Kommune, Leistung, Vorgang, Betreiber
    outage: OutageCard | None = None
    routing: Routing | None = None
    earlier: tuple[Related, ...] = ()
    similar: tuple[Related, ...] = ()
    knowledge: tuple[Related, ...] = ()


@view
class TicketPane:
    """The open ticket. `href` is its address without the view: /console/tickets/T-2026-048213."""

    number: str
    href: str
    subject: str
    status: str  #: new, open, pending, resolved, closed
    severity: Severity
    severity_reason: str
    clocks: tuple[ClockDetail, ...]  #: the running ones first; the head shows them, the popover explains all
    timeline: tuple[TimelineItem, ...]
    context: Context
    assignee: Person | None = None
    team: str = ""
    acknowledged: str = ""  #: "19:21 von Alex Muster"; empty while nobody has
    acts: Acts = field(default_factory=Acts)
    composer: Composer | None = None
    read_only: str = ""  #: why there is no composer
    presence: tuple[Presence, ...] = ()


# pages


@view
class InboxPage:
    """`console/inbox.html`. For a request with `HX-Request-Type: partial` the parts are rendered alone, with the same
    value as `page`: `console/opened.html` (ticket, context, notice), `console/listed.html` (list and views)."""

    frame: Frame
    views: tuple[ViewGroup, ...]
    list: TicketList
    ticket: TicketPane | None = None


@view
class SignInPage:
    """`console/sign_in.html`: posts csrf, next, email, password to `action`, and `code` when `code_wanted`."""

    brand: str
    csrf: str
    action: str
    next: str
    email: str = ""
    error: str = ""
    code_wanted: bool = False
    theme: str = ""
    single_sign_on: Link | None = None
    demo: tuple[Fact, ...] = ()  #: demo accounts, only in a demo


@view
class ErrorPage:
    """`console/error.html`, and `console/_error.html` in place of a ticket. `reference` helps the technicians."""

    status: int
    title: str
    text: str
    frame: Frame | None = None
    brand: str = ""
    icon: str = "sync-problem"
    reference: str = ""
    action: Link | None = None
    back: Link | None = None
