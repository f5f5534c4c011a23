"""What a client sent: the body, capped while it arrives, and its values, checked field by field."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from helpdesk.errors import TooLarge
from helpdesk.web.api.problems import NotJson, WrongType, invalid

M = TypeVar("M", bound=BaseModel)

#: bytes of a body
MOST_BODY = 64 * 1024
JSON = "application/json"


async def body(request: Request) -> bytes:
    """The whole body. Raises `TooLarge` as soon as the cap is passed, before the rest has been read."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MOST_BODY:
        raise TooLarge(TOO_LONG)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY:
            raise TooLarge(TOO_LONG)
        parts.append(part)
    return b"".join(parts)


TOO_LONG = "Der Inhalt ist zu groß. Höchstens 64 kB sind möglich."


def parsed(shape: type[M], raw: bytes, content_type: str) -> M:
    """The body as `shape`. Raises `WrongType`, `NotJson` or `Invalid`."""
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise WrongType
    try:
        return shape.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid":
            raise invalid(error) from None
    return _repaired(shape, raw)


def _repaired(shape: type[M], raw: bytes) -> M:
    r"""JSON with lone surrogates (`"\ud83d"`, half an emoji that some client cut): kept, with ? in their place."""
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        mended = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode()
        return shape.model_validate_json(mended)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise NotJson from None
        raise invalid(error) from None
    except (ValueError, RecursionError):
        raise NotJson from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def asked(shape: type[M], request: Request) -> M:
    """The query as `shape`; names that do not exist are refused, a typing error must not look like "everything"."""
    try:
        return shape.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error) from None
