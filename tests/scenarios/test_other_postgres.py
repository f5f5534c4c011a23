"""The stories of a Saturday evening on Debian's PostgreSQL 15, as an operator's own server: no superuser, no embedded one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.conftest import seeded, url_of
from tests.postgres import external_postgres
from tests.scenarios.test_saturday_evening import (  # noqa: F401  # run here once more
    test_a_message_by_telegram_becomes_a_routed_clocked_ticket,
    test_a_resolved_ticket_is_reopened_by_an_answer_within_seven_days_and_not_later,
    test_an_answer_meets_the_promise_and_a_question_back_pauses_it,
    test_nobody_answers_so_the_phone_rings,
)

pytestmark = pytest.mark.peer_postgres


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's server with a seeded database `model`."""
    with external_postgres() as url:
        do(url, "CREATE DATABASE model")
        seeded(url_of(url, "model"), tmp_path_factory.mktemp("model"))
        yield url


@pytest.fixture
def database_url(debian: str) -> Iterator[str]:
    do(debian, "CREATE DATABASE evening TEMPLATE model")
    yield url_of(debian, "evening")
    do(debian, "DROP DATABASE evening WITH (FORCE)")


def do(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def test_it_is_the_other_server(database_url: str) -> None:
    with create_engine(database_url, poolclass=NullPool).connect() as connection:
        assert connection.execute(text("SHOW server_version")).scalar_one().startswith("15.")
        assert (
            connection.execute(text("SELECT usesuper FROM pg_user WHERE usename = current_user")).scalar_one() is False
        )
