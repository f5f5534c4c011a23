"""What the citizens' pages show, and nothing else. Instants come in as they are; `draw` puts them into words.

Free text of people (`text`, `title`, file names) is escaped when drawn. `href` values are addresses of ours, made by
the caller; a page never turns typed text into a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from functools import cache, partial
from typing import ClassVar
from urllib.parse import urlencode

from jinja2 import Environment

from helpdesk.i18n import Language, catalog, moment_words, opening_words, promise_words, right_to_left
from helpdesk.web.citizen.forms import AddressKind, AnswerWay, Draft, FieldError, Limits
from helpdesk.web.pages import ZONE, environment

# what stands around every page


@dataclass(frozen=True, kw_only=True)
class Brand:
    """Names shown to people; configuration, the defaults are the placeholder of the pictures."""

    name: str = "Portalservice"
    claim: str = ""  #: empty = "Hilfe zu allen Portalen" in the reader's language
    topline: str = ""  #: empty = "Ein gemeinsames Angebot von Land und Kommunen"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Reader, address and time of a page. `phone` is shown where something has failed; empty = we have none."""

    language: Language
    path: str  #: of this page, without a query
    now: datetime
    brand: Brand = field(default_factory=Brand)
    query: Mapping[str, str] = field(default_factory=dict)  #: kept when the reader changes the language
    reader_language: Language = Language.DE  #: what the reader gets without `?sprache=`, see `i18n.negotiate`
    phone: str = ""
    csrf: str = field(default="", repr=False)  #: hidden field of every form; empty = none needed

    def address(self, path: str, language: Language | None = None, **query: str) -> str:
        """A page of ours in the reader's language, told by the address alone: no cookie is needed."""
        wanted = language or self.language
        chosen = {} if wanted is self.reader_language else {"sprache": wanted.value}
        asked = urlencode(chosen | query)
        return f"{path}?{asked}" if asked else path

    def same_page(self, language: Language) -> str:
        return self.address(self.path, language, **self.query)


# contact page


@dataclass(frozen=True, kw_only=True)
class PortalChoice:
    id: str
    label: str


class LineKind(StrEnum):
    """A way to reach people of ours; the templates know its name and its icon."""

    WRITING = auto()  #: messages are read and answered
    PHONE = auto()
    CHAT = auto()
    CALLBACK = auto()
    SIGN_LANGUAGE = auto()


@dataclass(frozen=True, kw_only=True)
class ContactLine:
    """One row of "Jetzt erreichbar". `changes_at` is when it closes or opens next; None = no change is planned."""

    kind: LineKind
    is_open: bool
    changes_at: datetime | None
    label: str = ""  #: a number or an address to be read
    href: str = ""  #: `tel:` or a page


@dataclass(frozen=True, kw_only=True)
class Hours:
    """One row of "Alle Öffnungszeiten", ready to read: "Montag bis Freitag", "7 bis 22 Uhr"."""

    days: str
    hours: str


@dataclass(frozen=True, kw_only=True)
class OutageNotice:
    """A running disturbance that the reader may have come for. Title and text are public updates."""

    title: str
    text: str = ""
    next_update_at: datetime | None = None
    href: str = ""


class Problem(StrEnum):
    """Why nothing was saved although the form has no fault."""

    TOO_MANY = auto()  #: 429
    DATABASE_AWAY = auto()  #: 503
    TOO_FAST = auto()  #: sent faster than a person can type
    TOO_LARGE = auto()  #: 413, the request as a whole
    NOT_FOUND = auto()  #: 404
    FAILED = auto()  #: 500


@dataclass(frozen=True, kw_only=True)
class ContactPage:
    template: ClassVar[str] = "contact.html"

    frame: Frame
    draft: Draft
    portals: tuple[PortalChoice, ...]
    answers: tuple[AnswerWay, ...]
    stamp: str = field(repr=False)  #: signed instant of serving
    origin: str = ""  #: name of the portal that the link came from
    promise_at: datetime | None = None  #: when a message sent now gets its answer, at the latest
    lines: tuple[ContactLine, ...] = ()
    hours: tuple[Hours, ...] = ()
    outages: tuple[OutageNotice, ...] = ()
    limits: Limits = field(default_factory=Limits)
    errors: tuple[FieldError, ...] = ()
    problem: Problem | None = None

    def errors_of(self, name: str) -> tuple[FieldError, ...]:
        return errors_of(self.errors, name)

    @property
    def asks_address(self) -> bool:
        return any(way.address is not AddressKind.NONE for way in self.answers)


@dataclass(frozen=True, kw_only=True)
class ConfirmationPage:
    """After sending. Only for the browser that sent: it shows the secret link."""

    template: ClassVar[str] = "confirmation.html"

    frame: Frame
    number: str
    link: str = field(repr=False)  #: whole address of the citizen's own page
    promise_at: datetime | None
    copy_to: str = field(default="", repr=False)  #: e-mail address that gets a copy; empty = none


# the citizen's own ticket


@dataclass(frozen=True, kw_only=True)
class DoorPage:
    """What a GET of a secret link shows, for right and wrong links alike: a button, nothing of a ticket."""

    template: ClassVar[str] = "door.html"

    frame: Frame


@dataclass(frozen=True, kw_only=True)
class LostLinkPage:
    """A wrong, old or revoked link, after the button: how to get a new one, no hint whether a ticket exists.

    Also the page behind "Stand Ihres Anliegens ansehen" (`asked`), for who has no link at hand.
    """

    template: ClassVar[str] = "lost_link.html"

    frame: Frame
    asked: bool = False


class Situation(StrEnum):
    """What the first sentence says: what happens, and whether the person must act."""

    RECEIVED = auto()
    WORKING = auto()
    WAITING_FOR_YOU = auto()
    SOLVED = auto()
    CLOSED = auto()


class Step(StrEnum):
    """The four steps, in this order."""

    RECEIVED = auto()
    ACCEPTED = auto()
    WORKING = auto()
    SOLVED = auto()


class StepState(StrEnum):
    DONE = auto()
    CURRENT = auto()
    OPEN = auto()


@dataclass(frozen=True, kw_only=True)
class StepRow:
    step: Step
    state: StepState
    at: datetime | None = None  #: when it was reached


class Author(StrEnum):
    YOU = auto()
    US = auto()
    CALL = auto()  #: what was noted of a call


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str = field(repr=False)
    href: str = field(repr=False)
    size: int  #: bytes


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    author: Author
    at: datetime
    text: str = field(repr=False)
    channel: str = ""  #: label of the channel, "E-Mail"; empty = written on this page
    language: str = "de"  #: BCP 47, of the text
    files: tuple[Attachment, ...] = ()

    @property
    def direction(self) -> str:
        """`auto` for German as well: a message may be written in any script whatever its language is said to be."""
        return "rtl" if right_to_left(self.language) else "auto"


class Done(StrEnum):
    """What the reader has just done, told once on top."""

    REPLIED = auto()
    CLOSED = auto()
    REOPENED = auto()


@dataclass(frozen=True, kw_only=True)
class TicketPage:
    """The open thread. Posts go to `<path>/messages`, `<path>/resolution`, `<path>/reopening`."""

    template: ClassVar[str] = "ticket.html"

    frame: Frame
    number: str
    portal: str  #: name of the portal, with the place; empty = not known
    title: str = field(repr=False)
    title_language: str = "de"  #: BCP 47
    situation: Situation
    steps: tuple[StepRow, ...]
    messages: tuple[MessageRow, ...]  #: oldest first
    promise_at: datetime | None = None  #: of the next running promise
    by_mail: bool = False  #: the answer comes by e-mail as well
    reply_key: str = ""  #: idempotency key of the next message
    can_reply: bool = True
    can_close: bool = False
    reopen_days: int = 7  #: told before closing
    reopen_until: datetime | None = None  #: None = cannot be reopened
    outage: OutageNotice | None = None
    lines: tuple[ContactLine, ...] = ()
    limits: Limits = field(default_factory=Limits)
    draft: Draft = field(default_factory=Draft)
    errors: tuple[FieldError, ...] = ()
    problem: Problem | None = None
    done: Done | None = None

    def errors_of(self, name: str) -> tuple[FieldError, ...]:
        return errors_of(self.errors, name)

    @property
    def is_late(self) -> bool:
        """The promise has passed and nobody has answered: the page says so instead of repeating it."""
        return self.promise_at is not None and self.promise_at < self.frame.now

    @property
    def phone(self) -> ContactLine | None:
        return next((line for line in self.lines if line.kind is LineKind.PHONE), None)


# fixed pages and faults


class Fixed(StrEnum):
    """Pages whose text is the operator's; the value is the address."""

    IMPRINT = "impressum"
    PRIVACY = "datenschutz"
    ACCESSIBILITY = "barrierefreiheit"
    BARRIER = "barriere-melden"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and paragraphs of the operator's text, plain text."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FixedPage:
    """Without `sections` the page names what the operator still has to fill in; it invents no legal statement."""

    template: ClassVar[str] = "fixed.html"

    frame: Frame
    page: Fixed
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProblemPage:
    """A fault on a page of citizens. `typed` is what was not saved, so that it can be copied."""

    template: ClassVar[str] = "problem.html"

    frame: Frame
    problem: Problem
    typed: str = field(default="", repr=False)


Page = ContactPage | ConfirmationPage | DoorPage | LostLinkPage | TicketPage | FixedPage | ProblemPage


def errors_of(errors: tuple[FieldError, ...], name: str) -> tuple[FieldError, ...]:
    return tuple(error for error in errors if error.name == name)


def draw(page: Page) -> str:
    """The page as HTML, in the language of its frame; Leichte Sprache has templates of its own."""
    language = page.frame.language
    folder = "citizen/leicht" if language is Language.DE_LEICHT else "citizen"
    template = _environment(language).get_template(f"{folder}/{page.template}")
    return template.render(page=page, frame=page.frame)


@cache
def _environment(language: Language) -> Environment:
    env = environment(catalog(language), language.tag)
    env.filters.update(
        promise=partial(_promise, language=language),
        moment=partial(_moment, language=language),
        opening=partial(_opening, language=language),
    )
    env.globals.update(Language=Language, Fixed=Fixed)
    return env


def _promise(at: datetime, now: datetime, *, language: Language) -> str:
    return promise_words(at, now, ZONE, language)


def _moment(at: datetime, now: datetime, *, language: Language) -> str:
    return moment_words(at, now, ZONE, language)


def _opening(line: ContactLine, now: datetime, *, language: Language) -> str:
    return opening_words(is_open=line.is_open, changes_at=line.changes_at, now=now, tz=ZONE, language=language)
