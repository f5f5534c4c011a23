"""Errors of the API as problem documents (RFC 9457): what went wrong, in words, with the field where there is one."""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DataError
from starlette.requests import Request
from starlette.responses import Response

from helpdesk import i18n
from helpdesk.errors import BadInput, DatabaseAway, HelpdeskError, NotSignedIn, TooMany

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:anlaufstelle:problem:"
#: seconds after which a client may try again when we, not it, were too busy
SOON = 5


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one field. `field` is a path such as `contact.email`; for a header, its name."""

    field: str
    message: str


class Invalid(BadInput):
    """Bitte prüfen Sie Ihre Angaben."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(dict.fromkeys(fault.message for fault in faults)) or None)
        self.faults = tuple(faults)


class NotJson(HelpdeskError):
    """Der Inhalt ist kein gültiges JSON in UTF-8."""

    status = 400
    code = "not_json"


class WrongType(HelpdeskError):
    """Bitte senden Sie den Inhalt als application/json."""

    status = 415
    code = "wrong_type"


class NotAllowed(HelpdeskError):
    """Diese Methode gibt es an dieser Adresse nicht."""

    status = 405
    code = "not_allowed"

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__()
        self.methods = tuple(methods)


class Busy(HelpdeskError):
    """Gerade warten sehr viele Anfragen. Diese wurde nicht angenommen; bitte senden Sie sie gleich noch einmal."""

    status = 503
    code = "busy"


class FieldProblem(BaseModel):
    """One field and what is wrong with it."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457. `type` and `errors[].field` are for programs, the words are for people."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Stable name of the kind of problem, a URN")
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


def answer(request: Request, error: Exception) -> Response:
    """The problem document for anything that was raised; what we did not expect is logged and says nothing."""
    known = _known(error)
    say = i18n.catalog(i18n.negotiate(request.headers.get("accept-language"))).gettext
    body = {
        "type": TYPE + known.code.replace("_", "-"),
        "title": say(inspect.getdoc(type(known)) or ""),
        "status": known.status,
        "detail": say(known.message),
        "errors": [{"field": fault.field, "message": say(fault.message)} for fault in faults_of(known)],
    }
    return Response(
        json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        status_code=known.status,
        media_type=MEDIA_TYPE,
        headers=headers_of(known),
    )


def _known(error: Exception) -> HelpdeskError:
    if isinstance(error, HelpdeskError):
        return error
    if isinstance(error, DataError | OverflowError):  # a value that no column can hold, such as NUL in a filter
        return BadInput()
    # where, not what: the values in a message or a frame may be a token or somebody's words
    log.error("api.raised", error=type(error).__name__, at=traceback.format_tb(error.__traceback__))
    return HelpdeskError()


def faults_of(error: HelpdeskError) -> Sequence[Fault]:
    if isinstance(error, Invalid):
        return error.faults
    return [Fault(field=error.field, message=error.message)] if error.field else []


def headers_of(error: HelpdeskError) -> Mapping[str, str]:
    """What each status owes its client (RFC 9110 §15.5.2, §15.5.6, §10.2.3)."""
    match error:
        case NotSignedIn():
            return {"www-authenticate": 'Bearer realm="api"'}
        case NotAllowed():
            return {"allow": ", ".join(error.methods)}
        case TooMany():
            return {"retry-after": str(error.retry_after)}
        case DatabaseAway() | Busy():
            return {"retry-after": str(SOON)}
        case _:
            return {}


def invalid(error: ValidationError) -> Invalid:
    """What pydantic found, field by field."""
    return Invalid([Fault(field=_path(one), message=_words(one)) for one in error.errors(include_url=False)[:50]])


def _path(one: ErrorDetails) -> str:
    return ".".join(str(part) for part in one["loc"]) or "body"


def _words(one: ErrorDetails) -> str:
    limits = {name: str(value) for name, value in one.get("ctx", {}).items()}
    if one["type"] == "value_error":
        return limits["error"]
    return WORDS.get(one["type"], OTHERWISE).format_map(limits)


OTHERWISE = "Diese Angabe passt nicht zu dem Feld."
WORDS = {
    "missing": "Dieses Feld fehlt.",
    "extra_forbidden": "Dieses Feld gibt es nicht.",
    "string_type": "Hier wird Text erwartet.",
    "string_too_long": "Höchstens {max_length} Zeichen sind möglich.",
    "string_too_short": "Mindestens {min_length} Zeichen sind nötig.",
    "enum": "Erlaubt sind: {expected}.",
    "literal_error": "Erlaubt sind: {expected}.",
    "bool_type": "Hier wird true oder false erwartet.",
    "bool_parsing": "Hier wird true oder false erwartet.",
    "int_type": "Hier wird eine ganze Zahl erwartet.",
    "int_parsing": "Hier wird eine ganze Zahl erwartet.",
    "greater_than_equal": "Mindestens {ge}.",
    "less_than_equal": "Höchstens {le}.",
    "model_type": "Hier wird ein JSON-Objekt erwartet.",
    "model_attributes_type": "Hier wird ein JSON-Objekt erwartet.",
}
