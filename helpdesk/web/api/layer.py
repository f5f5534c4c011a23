"""From Starlette's routes to operations: one endpoint per path, read, checked, run as one thread job, answered.

An operation is a plain function `(session, call) -> model` and a description; `spec` makes the OpenAPI document from
the same descriptions, so the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from helpdesk.access import Visitor
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.house import House
from helpdesk.web.api import gate, problems, reading
from helpdesk.web.endpoint import house

M = TypeVar("M", bound=BaseModel)

#: requests that one process holds at a time; beyond, the answer is a 503 at once instead of a long wait
MOST_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, read and checked."""

    house: House
    visitor: Visitor
    path: Mapping[str, str]
    headers: Mapping[str, str]  #: lower-case names
    raw: bytes
    values: BaseModel | None  #: the body, or the query of a GET

    def sent(self, shape: type[M]) -> M:
        """Body or query, with its type."""
        assert isinstance(self.values, shape)
        return self.values


@dataclass(frozen=True, kw_only=True)
class Operation:
    method: str
    path: str
    name: str  #: operationId
    summary: str
    run: Callable[[Session, Call], BaseModel]
    answer: type[BaseModel]
    roles: frozenset[str]
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] | None = None  #: optional request headers with their description
    problems: tuple[int, ...] = ()  #: statuses beside those that every operation may answer


class Endpoint:
    """The one endpoint of a path, for every method. Never raises: whatever happens inside becomes a problem document."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = {operation.method: operation for operation in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            with _room(request):
                response = await _answered(self._operation(request.method), request)
        except Exception as error:
            response = problems.answer(request, error)
        await response(scope, receive, send)

    def _operation(self, method: str) -> Operation:
        if not self._operations:
            raise NotFound("Diese Adresse gibt es nicht.")
        if method not in self._operations:
            raise problems.NotAllowed(sorted(self._operations))
        return self._operations[method]


class _Room:
    """Counts the requests in hand."""

    def __init__(self) -> None:
        self.held = 0

    def __enter__(self) -> None:
        if self.held >= MOST_AT_ONCE:
            raise problems.Busy
        self.held += 1

    def __exit__(self, *_: object) -> None:
        self.held -= 1


def _room(request: Request) -> _Room:
    state = request.app.state
    if not hasattr(state, "api_room"):
        state.api_room = _Room()
    room = state.api_room
    assert isinstance(room, _Room)
    return room


async def _answered(operation: Operation, request: Request) -> Response:
    bearer = gate.bearer_of(request.headers.get("authorization"))
    raw = await reading.body(request)
    inside = house(request)
    values, refusal = _values(operation, request, raw)
    visitor: list[Visitor] = []  # a transaction that is run again passes the gate once

    def job(session: Session) -> BaseModel:
        if not visitor:
            visitor.append(gate.pass_in(inside.database, bearer, inside.settings.api_per_minute))
        if refusal is not None:
            raise refusal
        visitor[0].require(*operation.roles)
        call = Call(
            house=inside, visitor=visitor[0], path=request.path_params, headers=request.headers, raw=raw, values=values
        )
        return operation.run(session, call)

    found = await inside.database.run(job)
    return Response(found.__pydantic_serializer__.to_json(found), operation.status, media_type="application/json")


def _values(operation: Operation, request: Request, raw: bytes) -> tuple[BaseModel | None, HelpdeskError | None]:
    """What was sent, or why it is refused: said only to callers who have passed the gate."""
    try:
        if operation.body is not None:
            return reading.parsed(operation.body, raw, request.headers.get("content-type", "")), None
        if operation.query is not None:
            return reading.asked(operation.query, request), None
    except HelpdeskError as refusal:
        return None, refusal
    return None, None
