"""What machines that watch us see: alive, ready, and figures without anybody's name in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text
from starlette.testclient import TestClient

from helpdesk import alarms, app, metrics
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.web import health
from tests.desk import Desk


def figures(client: TestClient) -> dict[str, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@pytest.fixture
def homeless(house: House) -> TestClient:
    """A process whose database has gone away."""
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing", pool_size=2)
    gone.info.update(house.database.info)
    away = House(**{**vars(house), "database": gone})
    return TestClient(app.create_app(away.settings, away))


def test_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "checks": {"database": "ok", "migrations": "ok"}}
    assert response.headers["cache-control"] == "no-store"


def test_without_the_database_alive_but_not_ready(homeless: TestClient) -> None:
    assert homeless.get("/healthz").status_code == 200
    response = homeless.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "away"


def test_another_schema_is_not_ready(client: TestClient, database: Database) -> None:
    database.work(lambda session: session.execute(text("UPDATE alembic_version SET version_num = '0000'")))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == f"at 0000, this release needs {health.head()}"


def test_a_database_before_its_first_migration_is_not_ready(client: TestClient, database: Database) -> None:
    database.work(lambda session: session.execute(text("DROP TABLE alembic_version")))
    assert client.get("/readyz").status_code == 503


def test_figures_of_a_quiet_house(client: TestClient) -> None:
    seen = figures(client)
    assert seen["helpdesk_database_up"] == 1
    assert [seen[f"helpdesk_deliveries,{state}"] for state in ("pending", "sending", "uncertain")] == [0, 0, 0]
    assert seen["helpdesk_oldest_delivery_seconds"] == seen["helpdesk_oldest_look_seconds"] == 0
    assert seen["helpdesk_workers"] == 0
    assert "helpdesk_heartbeat_age_seconds" not in seen
    assert "helpdesk_worker_passes_total" in seen
    assert seen["process_resident_memory_bytes"] > 0


def test_figures_of_what_waits(client: TestClient, database: Database) -> None:
    waiting = """
        INSERT INTO delivery (purpose, rank, channel, to_kind, to_value, text, language, state, due_at, expires_at)
        VALUES ('reply', 5, 'email', 'email', 'yilmaz@example.org', 'x', 'de', :state,
            helpdesk_now() - CAST(:ago AS interval), helpdesk_now())
    """
    with database.transaction() as session:
        for state, ago in (("pending", "90 s"), ("pending", "-1 day"), ("uncertain", "5 s"), ("sent", "9 days")):
            session.execute(text(waiting), {"state": state, "ago": ago})
        session.execute(text("UPDATE delivery SET due_at = NULL WHERE state = 'sent'"))
        session.execute(
            text(
                "INSERT INTO due (kind, subject_id, due_at, rank) VALUES ('look', 1, helpdesk_now() - interval '40 s', 1)"
            )
        )
        session.execute(text("INSERT INTO heartbeat VALUES ('a', clock_timestamp() - interval '20 s')"))
        session.execute(text("INSERT INTO heartbeat VALUES ('b', clock_timestamp() - interval '2 days')"))
        alarms.raise_alarm(session, "parked", "email", "Eine Nachricht liegt bereit.")
    seen = figures(client)
    assert (seen["helpdesk_deliveries,pending"], seen["helpdesk_deliveries,uncertain"]) == (2, 1)
    assert 90 <= seen["helpdesk_oldest_delivery_seconds"] < 120
    assert 40 <= seen["helpdesk_oldest_look_seconds"] < 70
    assert 20 <= seen["helpdesk_heartbeat_age_seconds"] < 50
    assert seen["helpdesk_workers"] == 1
    assert seen["helpdesk_alarms,parked"] == 1


def test_a_long_writing_transaction_shows_as_lag(client: TestClient, database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SELECT pg_current_xact_id(), pg_sleep(0.3)"))
        assert figures(client)["helpdesk_live_lag_seconds"] >= 0.3
    assert figures(client)["helpdesk_live_lag_seconds"] < 0.3


def test_passes_are_counted(client: TestClient) -> None:
    before = figures(client)
    metrics.count_pass(looks=3, sends=2)
    after = figures(client)
    grown = {
        name: after[name] - before[name]
        for name in ("helpdesk_worker_passes_total", "helpdesk_looks_total", "helpdesk_sends_total")
    }
    assert grown == {"helpdesk_worker_passes_total": 1, "helpdesk_looks_total": 3, "helpdesk_sends_total": 2}


def test_without_the_database_the_figures_say_so(homeless: TestClient) -> None:
    seen = figures(homeless)
    assert seen["helpdesk_database_up"] == 0
    assert "helpdesk_workers" not in seen


def test_figures_name_nobody(client: TestClient, desk: Desk) -> None:
    desk.citizen("Yilmaz").writes("echo", "Im ganzen Ort ist das Portal nicht erreichbar")
    shown = client.get("/metrics").text
    assert "Yilmaz" not in shown and "@" not in shown and "T-20" not in shown


def test_a_scrape_is_few_statements(client: TestClient, database: Database) -> None:
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    figures(client)
    assert len(seen) == 3


def test_the_reference_names_every_figure(client: TestClient, database: Database) -> None:
    reference = (Path(metrics.__file__).parents[1] / "docs" / "reference" / "api.md").read_text()
    database.work(lambda session: session.execute(text("INSERT INTO heartbeat VALUES ('a', now())")))
    names = {name.partition(",")[0] for name in figures(client) if name.startswith("helpdesk_")}
    for name in names - {name for name in names if name.endswith("_created")}:
        assert f"`{name}" in reference, name
