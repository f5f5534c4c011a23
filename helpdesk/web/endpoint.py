"""What every page and API call shares: the house behind the request, one transaction per job, errors in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from helpdesk.house import House

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


def house(request: Request) -> House:
    found = request.app.state.house
    assert isinstance(found, House)
    return found


async def work(request: Request, job: Callable[[Session], T]) -> T:
    """Runs `job` as one transaction in a thread; committed before the answer starts. Raises what `job` raises."""
    return await house(request).database.run(job)
