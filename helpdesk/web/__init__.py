"""Every URL on one page, by who looks: citizens, the console, other systems, machines that watch us."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount

from helpdesk.house import House
from helpdesk.settings import Settings
from helpdesk.web import api, citizen, console, errors, headers, health, live, session
from helpdesk.web.assets import MOUNT, Assets


def routes() -> list[BaseRoute]:
    return [
        *health.routes(),  # /healthz /readyz /metrics
        Mount("/api", routes=api.routes()),  # /api/v1/… /api/openapi.json
        Mount(MOUNT, Assets()),  # /static/…
        *console.routes(),  # /console… /anmelden /abmelden
        *citizen.routes(),  # / /anliegen/{secret} /orte and the fixed pages
    ]


def middleware(settings: Settings) -> Sequence[Middleware]:
    """Outermost first."""
    return [
        Middleware(headers.SecurityHeaders, https=settings.base_url.startswith("https://")),
        Middleware(session.SameOrigin, base_url=settings.base_url),
        Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
    ]


def exception_handlers() -> Mapping[Any, Callable[..., Any]]:
    return errors.handlers()


@contextlib.asynccontextmanager
async def lifespan(house: House) -> AsyncIterator[None]:
    """What the web process runs beside requests: the one listening connection of all live streams."""
    async with live.listening(house):
        yield
