"""The database that every test stands on: real PostgreSQL, a fresh copy of a migrated and seeded one per test."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from helpdesk import accounts, app, config
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.models import Agent
from helpdesk.settings import Settings
from tests.desk import Desk
from tests.postgres import embedded_postgres

SEED = Path(config.__file__).parent.parent / "data" / "seed"
PASSWORD = "nur-für-Tests-1"
ECHO_SECRET = "echo-secret-of-the-tests"
_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a server: TEST_DATABASE_URL, else the embedded one. The role may create databases."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded_postgres() as url:
        yield url


def make_settings(url: str, data: Path, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "database_url": url,
            "data": data,
            "test_clock": True,
            "secret": "s" * 32,
            "public_url": "http://testserver",
            **more,
        }
    )


def seeded(url: str, data: Path) -> None:
    """Migrates, applies the seed, and gives the demo people a password."""
    house = app.build(make_settings(url, data), url, {})
    app.migrate(house.database)
    with house.database.transaction() as session:
        config.apply(session, SEED, "tests")
        hashed = accounts.HASHER.hash(PASSWORD)
        session.execute(Agent.__table__.update().values(password_hash=hashed))
    house.database.dispose()


@pytest.fixture(scope="session")
def template(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name = f"template_{os.getpid()}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    seeded(url_of(server, name), tmp_path_factory.mktemp("template"))
    yield name
    drop(admin, name)
    admin.dispose()


def drop(admin: Engine, name: str) -> None:
    """An autovacuum worker in it may not be ended by us; it ends by itself."""
    for _ in range(20):
        try:
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            return
        except ProgrammingError:
            time.sleep(0.2)


def url_of(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def database_url(server: str, template: str) -> Iterator[str]:
    """A fresh copy of the seeded database, with the test clock."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield url_of(server, name)
    drop(admin, name)
    admin.dispose()


@pytest.fixture
def environ() -> dict[str, str]:
    """Settings of channels; a test that needs others overrides this fixture."""
    return {"HELPDESK_ECHO_SECRET": ECHO_SECRET}


@pytest.fixture
def options() -> dict[str, object]:
    """Settings that differ; a test sets them with `parametrize("options", …)`."""
    return {}


@pytest.fixture
def house(database_url: str, tmp_path: Path, environ: dict[str, str], options: dict[str, object]) -> Iterator[House]:
    made = app.build(make_settings(database_url, tmp_path, **options), database_url, environ)
    yield made
    made.database.dispose()


@pytest.fixture
def database(house: House) -> Database:
    return house.database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One transaction on the fresh database, rolled back at the end."""
    with Session(database.engine, expire_on_commit=False, autoflush=False, info=dict(database.info)) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(app.create_app(house.settings, house), follow_redirects=False) as made:
        yield made


@pytest.fixture
def desk(house: House) -> Desk:
    """The story's stage: a clock that is turned, citizens who write, people who are paged."""
    return Desk(house)
