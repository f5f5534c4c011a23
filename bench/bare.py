"""The floor, served and measured the same way: constant JSON, and three rows written by SQLAlchemy Core.

`python -m bench.bare PORT` on the database of DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import os
import sys

import uvicorn
from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text, func, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from helpdesk.db import Database
from helpdesk.settings import Settings

TABLES = MetaData(schema="bare")
ITEM = Table(
    "item", TABLES, Column("id", BigInteger, Identity(), primary_key=True), Column("subject", Text),
    Column("status", Text), Column("at", DateTime(timezone=True), server_default=func.now()),
)  # fmt: skip
WORDS = Table(
    "words", TABLES, Column("id", BigInteger, Identity(), primary_key=True), Column("item", BigInteger),
    Column("author", Text), Column("text", Text), Column("at", DateTime(timezone=True), server_default=func.now()),
)  # fmt: skip
TRACE = Table(
    "trace", TABLES, Column("id", BigInteger, Identity(), primary_key=True), Column("item", BigInteger),
    Column("kind", Text), Column("data", JSONB), Column("at", DateTime(timezone=True), server_default=func.now()),
)  # fmt: skip


def application(database: Database) -> Starlette:
    async def constant(request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def three_rows(request: Request) -> Response:
        said = await request.json()
        return JSONResponse({"id": await database.run(lambda session: write(session, said))}, 201)

    routes = [Route("/constant", constant), Route("/three", three_rows, methods=["POST"])]
    return Starlette(routes=routes)


def write(session: Session, said: dict[str, str]) -> int:
    key = session.execute(insert(ITEM).values(subject=said["subject"], status="new").returning(ITEM.c.id)).scalar_one()
    session.execute(insert(WORDS).values(item=key, author="requester", text=said["text"]))
    session.execute(insert(TRACE).values(item=key, kind="opened", data={"channel": "api"}))
    return int(key)


def main() -> None:
    settings = Settings()
    database = Database(os.environ["DATABASE_URL"], pool_size=settings.pool_size)
    config = uvicorn.Config(
        application(database), port=int(sys.argv[1]), log_level="warning", access_log=False, proxy_headers=False
    )
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
