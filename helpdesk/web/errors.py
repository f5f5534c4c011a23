"""What goes wrong, as an answer: one place turns every error into a page of the face that was asked, or a problem.

A face says once how its errors look: `@errors.face("/console")`. Whatever no face claims, such as the API and channels,
gets RFC 9457 problem JSON. A cause that nobody foresaw is logged with a reference, and only the reference is told.
"""

from __future__ import annotations

import dataclasses
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from helpdesk import errors
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import catalog, negotiate

log = logging.getLogger("helpdesk.web")

UNFORESEEN = "Das hat nicht geklappt."
#: words for statuses that Starlette raises itself, taken from the errors that mean the same
WORDS: Mapping[int, type[HelpdeskError]] = {
    401: errors.NotSignedIn,
    403: errors.Forbidden,
    404: errors.NotFound,
    413: errors.TooLarge,
    429: errors.TooMany,
    503: errors.DatabaseAway,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """An error as people and programs are told it. `text` is German, the id of a translation."""

    status: int
    code: str
    text: str
    field: str | None = None  #: which input was wrong
    reference: str = ""  #: names the line of the log
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


Face = Callable[[Request, Problem], Response]
_faces: dict[str, Face] = {}


def face(*prefixes: str) -> Callable[[Face], Face]:
    """Registers how errors look below these addresses; the longest fitting prefix counts."""

    def register(draw: Face) -> Face:
        _faces.update(dict.fromkeys(prefixes, draw))
        return draw

    return register


def answer(request: Request, error: Exception) -> Response:
    """The answer to an error, drawn by the face that was asked."""
    problem = problem_of(error)
    response = _face_of(request.url.path)(request, problem)
    response.headers.update(problem.headers)
    response.headers.setdefault("cache-control", "no-store")
    return response


def problem_of(error: Exception) -> Problem:
    match error:
        case HelpdeskError():
            headers = {"retry-after": str(error.retry_after)} if isinstance(error, errors.TooMany) else {}
            return Problem(status=error.status, code=error.code, text=error.message, field=error.field, headers=headers)
        case HTTPException():
            return _of_framework(error)
        case _:
            reference = f"E-{secrets.token_hex(3).upper()}"
            log.error("unforeseen, told as %s", reference, exc_info=error)
            return Problem(status=500, code="error", text=UNFORESEEN, reference=reference)


def _of_framework(error: HTTPException) -> Problem:
    known = WORDS.get(error.status_code)
    text = known().message if known else UNFORESEEN
    code = known.code if known else HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return Problem(status=error.status_code, code=code, text=text, headers=dict(error.headers or {}))


def _face_of(path: str) -> Face:
    fitting = [prefix for prefix in _faces if path == prefix or path.startswith(f"{prefix.rstrip('/')}/")]
    return _faces[max(fitting, key=len)] if fitting else as_json


@face("/api", "/channels", "/static", "/healthz", "/readyz", "/metrics")
def as_json(request: Request, problem: Problem) -> Response:
    """RFC 9457, in the language that the request asks for."""
    words = catalog(negotiate(request.headers.get("accept-language"))).gettext(problem.text)
    more = {name: value for name, value in (("field", problem.field), ("reference", problem.reference)) if value}
    body = {
        "type": f"urn:anlaufstelle:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": words,
        "code": problem.code,
        **more,
    }
    return JSONResponse(body, status_code=problem.status, media_type="application/problem+json")


def handlers() -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """For Starlette: every kind of error has the same way out."""

    async def answered(request: Request, error: Exception) -> Response:
        return answer(request, error)

    return {HelpdeskError: answered, HTTPException: answered, Exception: answered}
