"""From an empty database to the models and back, on the embedded server and on Debian's PostgreSQL 15."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from helpdesk import app, models
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.models import Base
from tests.conftest import make_settings, url_of
from tests.desk import Desk
from tests.postgres import external_postgres
from tests.processes import helpdesk

_numbers = count(1)
PEERS = ["embedded", pytest.param("debian", marks=pytest.mark.peer_postgres)]


@pytest.fixture(scope="module")
def debian() -> Iterator[str]:
    with external_postgres() as url:
        yield url


@pytest.fixture(params=PEERS)
def empty(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database."""
    server: str = request.getfixturevalue("server" if request.param == "embedded" else "debian")
    name = f"migrated_{next(_numbers)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url_of(server, name)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def plain(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


def migrate(url: str, data: Path) -> None:
    """As `helpdesk migrate` does it, without the test clock."""
    house = app.build(make_settings(url, data, test_clock=False), url, {})
    app.migrate(house.database)
    assert app.is_current(house.database)
    house.database.dispose()


def step(url: str, way: str, revision: str) -> None:
    config = app.alembic_config()
    with plain(url).connect() as connection:
        config.attributes["connection"] = connection
        {"up": command.upgrade, "down": command.downgrade}[way](config, revision)
        connection.commit()


def differences(url: str) -> list[object]:
    """What the models say and the database does not, or the other way round."""
    with plain(url).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Did not recognize type 'xid8'")
            found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
        return [each for each in found if "test_clock" not in repr(each)]


OURS = text("""
    SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
    UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL SELECT 'search', cfgname FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
""")


def things(url: str) -> set[tuple[str, str]]:
    """Everything of ours in the schema, but for what extensions brought along."""
    with plain(url).connect() as connection:
        return {(row[0], row[1]) for row in connection.execute(OURS)}


def test_empty_becomes_what_the_models_say(empty: str, tmp_path: Path) -> None:
    migrate(empty, tmp_path)
    assert differences(empty) == []


def test_the_comparison_would_notice(empty: str, tmp_path: Path) -> None:
    migrate(empty, tmp_path)
    with plain(empty).begin() as connection:
        connection.execute(text("ALTER TABLE ticket DROP COLUMN subject CASCADE, ALTER COLUMN status DROP NOT NULL"))
        connection.execute(text("DROP INDEX ix_delivery_due"))
    found = repr(differences(empty))
    assert all(name in found for name in ("subject", "status", "ix_delivery_due"))


def test_up_down_and_up_again(empty: str, tmp_path: Path) -> None:
    before = things(empty)
    migrate(empty, tmp_path)
    full = things(empty)
    assert len(full) > len(before) + 30
    step(empty, "down", "base")
    assert things(empty) == before
    migrate(empty, tmp_path)
    assert things(empty) == full
    assert differences(empty) == []


def test_two_processes_migrate_at_the_same_moment(empty: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(helpdesk("migrate", empty, tmp_path)) for _ in range(3)]
        codes = [each.wait_until_dead(60) for each in three]
    assert codes == [0, 0, 0], [each.words() for each in three]
    assert differences(empty) == []


def test_a_database_of_another_version_is_seen(empty: str, tmp_path: Path) -> None:
    database = Database(empty)
    assert not app.is_current(database)
    migrate(empty, tmp_path)
    assert app.is_current(database)
    with plain(empty).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not app.is_current(database)
    database.dispose()


def rows(url: str) -> dict[str, tuple[int, str | None]]:
    """Of every table: how many rows, and a hash of all of them."""
    found = {}
    with plain(url).connect() as connection:
        for table in Base.metadata.sorted_tables:
            name = f'"{table.name}"'
            kept = connection.execute(
                text(f"SELECT count(*), md5(string_agg(r::text, '|' ORDER BY r::text)) FROM {name} r")
            ).one()
            found[table.name] = (kept[0], kept[1])
    return found


def filled(desk: Desk) -> None:
    """A seeded database in which something has happened."""
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("email", "Wo finde ich meinen Bescheid? 😟", subject="Bescheid")
    story.answered("alex", "Im Postfach.", then="resolved")
    desk.citizen("Çelik").writes("telegram", "البوابة لا تعمل", language="ar")
    desk.forward(hours=1)


def test_a_filled_database_keeps_every_row(desk: Desk, house: House, database_url: str) -> None:
    """Down to the oldest revision that holds data and up again. From 0001 to "empty" all is lost, on purpose and named so."""
    filled(desk)
    before = rows(database_url)
    assert before["ticket"][0] == 2 and before["organisation"][0] > 400
    house.database.dispose()
    oldest = ScriptDirectory.from_config(app.alembic_config()).get_bases()[0]
    step(database_url, "down", oldest)
    step(database_url, "up", "head")
    app.migrate(house.database)  # and once more: nothing left to do
    assert rows(database_url) == before
    assert differences(database_url) == []
    again = desk.citizen("Kruse").writes("email", "Danach")
    assert again.number == "T-2026-000003"


def test_every_index_says_which_query_it_serves() -> None:
    """A comment may stand above several. Unique ones are rules about the data and need no reason of speed."""
    silent = []
    for path in sorted(Path(models.__file__).parent.glob("*.py")):
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if re.search(r'"ix_\w+"', line) and not any("#" in near for near in lines[max(0, at - 6) : at + 1]):
                silent.append(line.strip())
    assert silent == []


def test_there_is_one_head_and_every_revision_has_a_way_back() -> None:
    scripts = ScriptDirectory.from_config(app.alembic_config())
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        assert callable(script.module.upgrade) and callable(script.module.downgrade)
