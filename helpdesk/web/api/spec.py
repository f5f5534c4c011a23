"""The OpenAPI 3.1 document, made from the operations and their models; the same input gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from helpdesk.web.api import problems, reading
from helpdesk.web.api.layer import Operation

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
#: what every operation may answer beside its own
ALWAYS = (401, 403, 422, 429, 500, 503)
NUMBER: Json = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "Ticket number",
    "schema": {"type": "string", "examples": ["T-2026-048213"]},
}


def document(operations: Sequence[Operation]) -> bytes:
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(f"/api/v1{operation.path}", {})[operation.method.lower()] = _operation(operation)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Anlaufstelle API",
            "version": "1",
            "description": "Tickets of the public portals. Errors are problem documents (RFC 9457).",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(operations),
        },
    }
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"For tokens of: {', '.join(sorted(operation.roles))}.",
        "parameters": [*_path(operation), *_query(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {reading.JSON: {"schema": _ref(operation.body)}}}
    return described


def _path(operation: Operation) -> list[Json]:
    return [NUMBER for _ in re.findall(r"\{number\}", operation.path)]


def _query(operation: Operation) -> list[Json]:
    """Each field of the query's model as a parameter, its references spelled out where they stand."""
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema(ref_template=REFERENCE)
    needed = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "schema": _plain(field, schema.get("$defs", {})),
            **({"description": field["description"]} if "description" in field else {}),
        }
        for name, field in schema["properties"].items()
    ]


def _plain(field: Json, named: Json) -> Json:
    """Without null, which a query cannot say, and without references to the model's own definitions."""
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    chosen = dict(choices[0])
    if "$ref" in chosen:
        chosen = {**named[chosen.pop("$ref").rpartition("/")[2]], **chosen}
    default = field.get("default")
    kept = {key: value for key, value in chosen.items() if key not in ("title", "description", "default")}
    return kept if default is None else {**kept, "default": default}


def _headers(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}
        for name, words in (operation.headers or {}).items()
    ]


def _responses(operation: Operation) -> Json:
    statuses = sorted({*ALWAYS, *operation.problems})
    good = {
        "description": HTTPStatus(operation.status).phrase,
        "content": {reading.JSON: {"schema": _ref(operation.answer)}},
    }
    return {str(operation.status): good, **{str(status): _problem(status) for status in statuses}}


def _problem(status: int) -> Json:
    described: Json = {
        "description": HTTPStatus(status).phrase,
        "content": {problems.MEDIA_TYPE: {"schema": _ref(problems.Problem)}},
    }
    names = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    if status in names:
        described["headers"] = {names[status]: {"schema": {"type": "string"}}}
    return described


def _ref(shape: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=shape.__name__)}


def _schemas(operations: Iterable[Operation]) -> Json:
    sent = {operation.body for operation in operations if operation.body is not None}
    answered = {operation.answer for operation in operations} | {problems.Problem}
    _, found = models_json_schema(
        [
            *((shape, "validation") for shape in sorted(sent, key=lambda shape: shape.__name__)),
            *((shape, "serialization") for shape in sorted(answered, key=lambda shape: shape.__name__)),
        ],
        ref_template=REFERENCE,
    )
    return dict(sorted(found["$defs"].items()))
