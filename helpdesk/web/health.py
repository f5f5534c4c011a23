"""For machines that watch us: does the process live, can it work, how does the house stand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import anyio
import structlog
from alembic.config import Config
from alembic.script import ScriptDirectory
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import migrations
from helpdesk import metrics
from helpdesk.errors import DatabaseAway
from helpdesk.web.endpoint import house, work

log = structlog.get_logger()

#: seconds that a check may wait for a free thread; a process that cannot spare one is not ready
PATIENCE = 5.0
NO_STORE = {"cache-control": "no-store"}


def routes() -> list[BaseRoute]:
    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]


async def alive(request: Request) -> Response:
    """The process answers. Asks nothing of the database: a restart would not bring that back."""
    return PlainTextResponse("ok\n", headers=NO_STORE)


async def ready(request: Request) -> Response:
    """200 when requests can be served; else 503, with what is missing."""
    checks = await _checks(request)
    good = all(state == "ok" for state in checks.values())
    body = json.dumps({"ready": good, "checks": checks}, ensure_ascii=False)
    return Response(body, 200 if good else 503, headers=NO_STORE, media_type="application/json")


async def _checks(request: Request) -> dict[str, str]:
    checks = {"database": "ok", "migrations": "ok"}
    try:
        with anyio.fail_after(PATIENCE):
            revision = await work(request, _revision)
    except (DatabaseAway, SQLAlchemyError, TimeoutError) as error:
        log.warning("ready.no_database", error=type(error).__name__)
        return {"database": "away", "migrations": "unknown", **_embedded(request)}
    if revision != head():
        checks["migrations"] = f"at {revision}, this release needs {head()}"
    return {**checks, **_embedded(request)}


def _embedded(request: Request) -> dict[str, str]:
    """Why the embedded database does not start, where this house has one."""
    server = house(request).embedded
    trouble = getattr(server, "trouble", None)
    return {"embedded": str(trouble)} if trouble is not None else {}


def _revision(session: Session) -> str | None:
    """Of the schema; None before the first migration."""
    if session.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    found: str | None = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


@cache
def head() -> str | None:
    """The newest migration of this release."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config).get_current_head()


async def figures(request: Request) -> Response:
    """Prometheus text. The database away is a figure, not an error: the process's own figures still come."""
    try:
        with anyio.fail_after(PATIENCE):
            now = await work(request, metrics.standing)
    except (DatabaseAway, SQLAlchemyError, TimeoutError) as error:
        log.warning("metrics.no_database", error=type(error).__name__)
        now = None
    return Response(metrics.exposition(now), media_type=None, headers={"content-type": CONTENT_TYPE_LATEST, **NO_STORE})
