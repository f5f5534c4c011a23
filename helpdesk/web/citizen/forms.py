"""What a citizen typed, checked. Pure: a mapping and the names of files go in, a form or all its faults come out.

Faults are codes; the words stand in the templates, since each language says them in its own way. A refusal carries a
`Draft` with everything as typed, so that no page ever loses input.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from uuid import UUID

import phonenumbers

from helpdesk.i18n import Language, interface_language
from helpdesk.uploads import KINDS, ending_of
from helpdesk.web.citizen.places import Place, Places

UNKNOWN_PORTAL = "unknown"  #: "Ich weiß es nicht"
NO_SUCH_PLACE = "-"  #: "Mein Ort ist nicht dabei"
_HINT_LENGTH = 200
_EMPTY_SIGNS = "\u2800\u3164\u115f\u1160\uffa0"  #: count as letters or signs, show nothing
_ADDRESS_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the brackets

#: one mailbox as people write it; quoted local parts and address literals are left out on purpose
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")


class Fault(StrEnum):
    """Why a field is refused."""

    EMPTY = auto()
    TOO_LONG = auto()
    UNKNOWN_CHOICE = auto()
    PLACE_AMBIGUOUS = auto()
    PLACE_UNKNOWN = auto()
    ADDRESS_MISSING = auto()
    NOT_AN_EMAIL = auto()
    NOT_A_PHONE = auto()
    TOO_MANY_FILES = auto()
    FILE_TOO_LARGE = auto()
    FILE_EMPTY = auto()
    FILE_TYPE = auto()


class AddressKind(StrEnum):
    """What has to be typed so that an answer arrives."""

    NONE = auto()
    EMAIL = auto()
    PHONE = auto()


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """`name` is that of the field; `detail` is a file's name; `choices` are places to choose from."""

    name: str
    fault: Fault
    detail: str = field(default="", repr=False)
    choices: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as the browser announced it; its bytes stay with the caller, in the same order."""

    name: str = field(repr=False)
    size: int  #: bytes
    fits: bool = True  #: its first bytes are of the kind that its name says, see `uploads.media_type`


@dataclass(frozen=True, kw_only=True)
class Limits:
    characters: int = 20_000
    files: int = 10
    file_bytes: int = 15 * 1024 * 1024
    endings: tuple[str, ...] = tuple(KINDS)

    @property
    def accept(self) -> str:
        """For the `accept` attribute of a file field."""
        return ",".join(f".{ending}" for ending in self.endings)


@dataclass(frozen=True, kw_only=True)
class AnswerWay:
    """A way in which an answer can come. `label` is needed only for a way that the templates have no words for."""

    id: str
    address: AddressKind
    label: str = ""


#: the person looks at their own page; always there, since the page itself is
ONLINE = AnswerWay(id="online", address=AddressKind.NONE)
EMAIL = AnswerWay(id="email", address=AddressKind.EMAIL)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the form offers at this moment."""

    portals: frozenset[str]
    places: Places
    answers: tuple[AnswerWay, ...] = (EMAIL, ONLINE)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Everything as typed, to be shown again."""

    key: str = ""
    language: str = ""
    portal: str = ""
    ags: str = ""
    place: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    deadline: bool = False
    answer: str = ""
    address: str = field(default="", repr=False)
    component: str = ""
    form: str = ""
    error: str = ""
    topic: str = ""  #: "barriere" when somebody reports a barrier
    file_names: tuple[str, ...] = field(default=(), repr=False)  #: must be chosen again


@dataclass(frozen=True, kw_only=True)
class ContactForm:
    """A contact form without faults."""

    key: UUID | None  #: made when the page was served; None = was missing or broken, make one
    stamp: str = field(repr=False)  #: signed instant of serving, to be checked by the caller
    honeypot: bool  #: somebody filled in the field that people do not see
    language: Language
    portal: str | None
    place: Place | None
    place_text: str = field(repr=False)  #: as typed, where it is none of our places
    text: str = field(repr=False)
    deadline: bool  #: a deadline ends today or tomorrow
    answer: AnswerWay
    address: str = field(repr=False)
    component: str
    form: str
    error: str
    topic: str
    uploads: tuple[Upload, ...]


@dataclass(frozen=True, kw_only=True)
class ReplyForm:
    """A further message of a citizen: a text, files, or both."""

    key: UUID | None
    text: str = field(repr=False)
    uploads: tuple[Upload, ...]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    draft: Draft
    errors: tuple[FieldError, ...]


def read_contact(data: Mapping[str, str], uploads: Sequence[Upload], rules: Rules) -> ContactForm | Refusal:
    """The contact form, or every fault of it at once."""
    files = _chosen(uploads)
    draft = draft_of(data, files)
    place, place_errors = _place(draft, rules.places)
    way, address, answer_errors = _answer(draft, rules.answers)
    errors = (
        *_portal_errors(draft.portal, rules.portals),
        *place_errors,
        *_text_errors(draft.text, rules.limits),
        *answer_errors,
        *file_errors(files, rules.limits),
    )
    if errors:
        return Refusal(draft=draft, errors=errors)
    return ContactForm(
        key=_uuid(draft.key),
        stamp=data.get("stamp", "")[:_HINT_LENGTH],
        honeypot=bool(data.get("website", "").strip()),
        language=interface_language(draft.language) or Language.DE,
        portal=None if draft.portal in {"", UNKNOWN_PORTAL} else draft.portal,
        place=place,
        place_text="" if place else draft.place,
        text=draft.text,
        deadline=draft.deadline,
        answer=way,
        address=address,
        component=draft.component,
        form=draft.form,
        error=draft.error,
        topic=draft.topic,
        uploads=files,
    )


def read_reply(data: Mapping[str, str], uploads: Sequence[Upload], limits: Limits) -> ReplyForm | Refusal:
    """A further message. Without a text a file is enough."""
    files = _chosen(uploads)
    draft = draft_of(data, files)
    text_errors = () if files and is_blank(draft.text) else _text_errors(draft.text, limits)
    errors = (*text_errors, *file_errors(files, limits))
    if errors:
        return Refusal(draft=draft, errors=errors)
    return ReplyForm(key=_uuid(draft.key), text="" if is_blank(draft.text) else draft.text, uploads=files)


def draft_of(data: Mapping[str, str], uploads: Sequence[Upload] = ()) -> Draft:
    """Typed values and those of a link (`?portal=…&ags=…&component=…&form=…&error=…`), safe to keep and to show."""

    def hint(name: str) -> str:
        return one_line(data.get(name, ""))[:_HINT_LENGTH]

    return Draft(
        key=hint("key"),
        language=hint("sprache"),
        portal=hint("portal"),
        ags=hint("ags"),
        place=hint("place"),
        text=clean(data.get("text", "")),
        deadline=data.get("deadline") == "yes",
        answer=hint("answer"),
        address=one_line(data.get("address", ""))[: 2 * _ADDRESS_LENGTH],
        component=hint("component"),
        form=hint("form"),
        error=hint("error"),
        topic=hint("topic"),
        file_names=tuple(upload.name for upload in uploads),
    )


def clean(typed: str) -> str:
    """Typed text with plain line ends, without control characters and lone surrogates; all scripts and emoji stay."""
    lines = typed.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


def one_line(typed: str) -> str:
    """As `clean`, with every run of white space as one blank: nothing typed here can add a line to a mail header."""
    return " ".join(clean(typed).split())


def is_blank(text: str) -> bool:
    """Nothing that a reader would see: blanks, joiners, direction marks, empty braille cells, fillers."""
    return all(c in _EMPTY_SIGNS or unicodedata.category(c)[0] in "ZCM" for c in text)


def file_errors(uploads: Sequence[Upload], limits: Limits) -> tuple[FieldError, ...]:
    """Every fault of the files, each with the file's name."""
    if len(uploads) > limits.files:
        return (FieldError(name="files", fault=Fault.TOO_MANY_FILES),)
    faults = ((upload, _file_fault(upload, limits)) for upload in uploads)
    return tuple(FieldError(name="files", fault=fault, detail=upload.name) for upload, fault in faults if fault)


def _file_fault(upload: Upload, limits: Limits) -> Fault | None:
    if upload.size == 0:
        return Fault.FILE_EMPTY
    if upload.size > limits.file_bytes:
        return Fault.FILE_TOO_LARGE
    return None if upload.fits and ending_of(upload.name) in limits.endings else Fault.FILE_TYPE


def _chosen(uploads: Sequence[Upload]) -> tuple[Upload, ...]:
    """An empty file field comes as one nameless file."""
    return tuple(upload for upload in uploads if upload.name)


def _portal_errors(portal: str, known: frozenset[str]) -> tuple[FieldError, ...]:
    """No choice is a choice: whoever does not know the portal must still be able to write."""
    if portal in {"", UNKNOWN_PORTAL} or portal in known:
        return ()
    return (FieldError(name="portal", fault=Fault.UNKNOWN_CHOICE),)


def _place(draft: Draft, places: Places) -> tuple[Place | None, tuple[FieldError, ...]]:
    """The place meant. A chosen `ags` counts only while the text still means it: without scripts it may be stale."""
    if not draft.place or draft.ags == NO_SUCH_PLACE:
        return None, ()
    found = places.resolve(draft.place)
    chosen = places.get(draft.ags)
    if chosen and (chosen == found.place or chosen in found.choices):
        return chosen, ()
    if found.place:
        return found.place, ()
    fault = Fault.PLACE_AMBIGUOUS if found.choices else Fault.PLACE_UNKNOWN
    return None, (FieldError(name="place", fault=fault, choices=found.choices),)


def _text_errors(text: str, limits: Limits) -> tuple[FieldError, ...]:
    if is_blank(text):
        return (FieldError(name="text", fault=Fault.EMPTY),)
    if len(text) > limits.characters:
        return (FieldError(name="text", fault=Fault.TOO_LONG, detail=str(len(text))),)
    return ()


def _answer(draft: Draft, ways: tuple[AnswerWay, ...]) -> tuple[AnswerWay, str, tuple[FieldError, ...]]:
    """The way of the answer and the address in its canonical form."""
    way = next((way for way in ways if way.id == (draft.answer or ways[0].id)), None)
    if way is None:
        return ways[0], "", (FieldError(name="answer", fault=Fault.UNKNOWN_CHOICE),)
    if way.address is AddressKind.NONE:
        return way, "", ()
    if not draft.address:
        return way, "", (FieldError(name="address", fault=Fault.ADDRESS_MISSING),)
    address, fault = _email(draft.address) if way.address is AddressKind.EMAIL else _phone(draft.address)
    return way, address, (FieldError(name="address", fault=fault),) if fault else ()


def _email(typed: str) -> tuple[str, Fault | None]:
    """Domain in lower case; whether the mailbox exists only a mail can tell."""
    if len(typed) > _ADDRESS_LENGTH or not _EMAIL.fullmatch(typed) or ".." in typed:
        return "", Fault.NOT_AN_EMAIL
    local, _, domain = typed.rpartition("@")
    return f"{local}@{domain.lower()}", None


def _phone(typed: str) -> tuple[str, Fault | None]:
    """E.164; a number without country code is a German one."""
    try:
        number = phonenumbers.parse(typed, "DE")
    except phonenumbers.NumberParseException:
        return "", Fault.NOT_A_PHONE
    if not phonenumbers.is_possible_number(number):
        return "", Fault.NOT_A_PHONE
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None


def _uuid(typed: str) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        return None
