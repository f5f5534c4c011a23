"""API v1, for other systems: every operation on one page. Contract: DESIGN.md §7, docs/reference/api.md."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from helpdesk.web.api import acts, opening, reading, spec, tickets
from helpdesk.web.api.layer import Endpoint, Operation
from helpdesk.web.api.shapes import (
    AgentIn,
    MessageCreated,
    MessageIn,
    SearchQuery,
    TicketCreated,
    TicketHits,
    TicketIn,
    TicketPage,
    TicketsQuery,
    TicketState,
    TicketWhole,
)

WORKS = frozenset({"agent", "admin"})
REPORTS = WORKS | {"reporter"}
KEY = "One request, one key: a repeat gets the first answer again"
BODY = (400, 413, 415)

#: operations of one path stand together
OPERATIONS = (
    Operation(
        method="GET", path="/tickets", name="listTickets", summary="One page of tickets, due first",
        run=tickets.listed, query=TicketsQuery, answer=TicketPage, roles=REPORTS,
    ),
    Operation(
        method="POST", path="/tickets", name="createTicket", summary="Opens a ticket",
        run=opening.create, body=TicketIn, answer=TicketCreated, roles=REPORTS, status=201,
        headers={"Idempotency-Key": KEY}, problems=(409, *BODY),
    ),
    Operation(
        method="GET", path="/tickets/{number}", name="readTicket", summary="One ticket with clocks and messages",
        run=tickets.whole, answer=TicketWhole, roles=REPORTS, problems=(404,),
    ),
    Operation(
        method="POST", path="/tickets/{number}/messages", name="writeMessage", summary="Answers, or notes",
        run=acts.write, body=MessageIn, answer=MessageCreated, roles=WORKS, status=201,
        headers={"Idempotency-Key": KEY}, problems=(404, *BODY),
    ),
    Operation(
        method="PUT", path="/tickets/{number}/acknowledgement", name="acknowledge", summary="Says who takes it",
        run=acts.acknowledge, body=AgentIn, answer=TicketState, roles=WORKS, problems=(404, *BODY),
    ),
    Operation(
        method="PUT", path="/tickets/{number}/assignment", name="assign", summary="Gives it to a person",
        run=acts.assign, body=AgentIn, answer=TicketState, roles=WORKS, problems=(404, *BODY),
    ),
    Operation(
        method="DELETE", path="/tickets/{number}/assignment", name="unassign", summary="Gives it back to the team",
        run=acts.unassign, answer=TicketState, roles=WORKS, problems=(404,),
    ),
    Operation(
        method="PUT", path="/tickets/{number}/resolution", name="resolve", summary="Marks it as solved",
        run=acts.resolve, answer=TicketState, roles=WORKS, problems=(404,),
    ),
    Operation(
        method="DELETE", path="/tickets/{number}/resolution", name="reopen", summary="Opens it again",
        run=acts.reopen, answer=TicketState, roles=WORKS, problems=(404,),
    ),
    Operation(
        method="GET", path="/search", name="search", summary="Tickets by number or by words",
        run=tickets.search, query=SearchQuery, answer=TicketHits, roles=REPORTS,
    ),
)  # fmt: skip


def routes() -> list[BaseRoute]:
    """Mounted at `/api`."""
    by_path = groupby(OPERATIONS, key=lambda operation: operation.path)
    return [
        Route("/openapi.json", described),
        *(Route(f"/v1{path}", Endpoint(list(group))) for path, group in by_path),
        Route("/{rest:path}", Endpoint(())),
    ]


async def described(request: Request) -> Response:
    """The OpenAPI document; no token is needed to read it."""
    return Response(_document(), media_type=reading.JSON)


@cache
def _document() -> bytes:
    return spec.document(OPERATIONS)
