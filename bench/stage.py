"""Where it is measured: an embedded PostgreSQL as in production, seeded, with bearer tokens and a signed-in browser."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import select, text

from bench import costs, served
from helpdesk import accounts, app, config, embedded
from helpdesk.house import House
from helpdesk.models import Agent
from helpdesk.settings import Settings

SEED = Path(config.__file__).parent.parent / "data" / "seed"
#: a token may call 600 times at once; so many share the calls of one operation
TOKENS = 16
PASSWORD = secrets.token_urlsafe(12)
ECHO_SECRET = secrets.token_urlsafe(12)


@dataclass(frozen=True, kw_only=True)
class Stage:
    folder: Path
    house: House
    tokens: tuple[str, ...]
    cookie: str
    postmaster: int  #: process id of the database server
    server: dict[str, str]  #: what decides how dear a commit is

    @property
    def environ(self) -> dict[str, str]:
        """For processes of ours on this database; nothing of the caller's own settings passes."""
        return {
            **served.clean_environ(),
            "DATABASE_URL": self.house.database.url,
            "HELPDESK_DATA": str(self.folder),
            "HELPDESK_ECHO_SECRET": ECHO_SECRET,
            "HELPDESK_LOG_LEVEL": "ERROR",
        }

    def forgive(self) -> None:
        """Empties the rate limits: the next operation starts with full buckets."""
        with self.house.database.transaction() as session:
            session.execute(text("TRUNCATE rate_limit"))


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that the server's own user can pass, too."""
    made = Path(tempfile.mkdtemp(prefix="anlaufstelle-bench-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    with folder() as made, embedded.open(made) as server:
        settings = Settings.model_validate({"database_url": server.url, "data": made})
        house = app.build(settings, server.url, {"HELPDESK_ECHO_SECRET": ECHO_SECRET})
        app.migrate(house.database)
        with house.database.transaction() as session:
            config.apply(session, SEED, "bench")
        tokens, cookie = _let_in(house)
        pid = costs.postmaster(made)
        try:
            yield Stage(
                folder=made, house=house, tokens=tokens, cookie=cookie, postmaster=pid, server=_as_set(server.dsn)
            )
        finally:
            house.database.dispose()


def _let_in(house: House) -> tuple[tuple[str, ...], str]:
    with house.database.transaction() as session:
        tokens = tuple(accounts.add_token(session, f"bench-{n}", "agent") for n in range(TOKENS))
        agent = session.scalars(select(Agent).where(Agent.email == "agent@demo.example")).one()
        accounts.set_password(session, agent, PASSWORD)
    with house.database.transaction() as session:
        return tokens, accounts.sign_in(session, "agent@demo.example", PASSWORD)


def _as_set(dsn: str) -> dict[str, str]:
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_sync_method")
    with psycopg.connect(dsn) as connection:
        return {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names}  # type: ignore[index]
