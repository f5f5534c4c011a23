"""The command line, run as people run it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from helpdesk import cli, config
from helpdesk.settings import Settings
from tests.desk import Desk

HERE = Path(__file__).parent


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HELPDESK_DATA", str(tmp_path))
    monkeypatch.setenv("HELPDESK_TEST_CLOCK", "1")
    runner = CliRunner()

    def call(*words: str, answer: str = "", fails: bool = False) -> str:
        result = runner.invoke(cli.main, list(words), input=answer, env={"COLUMNS": "200"})
        assert (result.exit_code != 0) is fails, result.output + result.stderr
        return result.output

    return call


def test_every_command_shows_an_example(run) -> None:  # type: ignore[no-untyped-def]
    for words in (("up",), ("serve",), ("work",), ("migrate",), ("check",), ("config", "plan"), ("config", "apply"),
                  ("config", "export"), ("user", "add"), ("user", "password"), ("token", "add"), ("sla", "explain"), ("mail", "parse")):  # fmt: skip
        assert "Beispiel:" in run(*words, "--help"), words


def test_a_new_portal_is_a_few_lines(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "portal.toml"
    file.write_text(
        '[[portal]]\nid = "hunde-nrw"\nname = "Hunde.NRW"\nkind = "specialised_portal"\nowner = "mags"\n'
        'audience = ["citizen"]\ncomponents = ["portal-basis"]\n'
    )
    assert "hunde-nrw" in run("config", "plan", str(file))
    run("config", "apply", str(file), answer="n\n", fails=True)
    assert "In Kraft." in run("config", "apply", str(file), answer="j\ny\n")
    assert "Keine Änderung" in run("config", "plan", str(file))


def test_a_contradiction_names_file_key_and_reason(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "falsch.toml"
    file.write_text(
        '[[portal]]\nid = "x"\nname = "X"\nkind = "state_portal"\nowner = "niemand"\naudience = []\ncomponents = []\n'
    )
    runner = CliRunner()
    result = runner.invoke(cli.main, ["config", "apply", "--yes", str(file)])
    assert result.exit_code == 1
    assert "falsch.toml" in result.stderr and "niemand" in result.stderr


def test_export_and_plan_agree(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("config", "export", str(tmp_path / "out"))
    assert "Keine Änderung" in run("config", "plan", str(tmp_path / "out"))
    assert "Keine Änderung" in run("config", "plan", str(Path(config.__file__).parent.parent / "data" / "seed"))


def test_tokens_and_users_are_shown_once(run) -> None:  # type: ignore[no-untyped-def]
    assert run("token", "add", "stadtapp", "--role", "reporter").startswith("as_")
    assert re.search(
        r"neu@demo\.example +Passwort: \S{12,}",
        run("user", "add", "Neu@demo.example", "--name", "Neu Hier", "--team", "l1"),
    )
    run("token", "add", "x", "--role", "gott", fails=True)
    assert re.search(r"agent@demo\.example +Passwort: \S{12,}", run("user", "password", "Agent@demo.example"))
    run("user", "password", "niemand@demo.example", fails=True)


def test_sla_explain_adds_up(run, desk: Desk) -> None:  # type: ignore[no-untyped-def]
    desk.at("2026-11-21 19:10")
    story = desk.citizen("Yilmaz").writes("telegram", "Hallo")
    german = run("sla", "explain", story.number)
    assert "Erste Antwort 1: Zeit 4:00:00, fällig Sun 22.11.2026 13:10:00 CET (läuft)" in german
    # 50 minutes on Saturday until 20:00, the rest on Sunday from 10:00
    assert re.search(r"Sat 21\.11\.2026 19:10:00 CET – Sat 21\.11\.2026 20:00:00 CET +zählt +zusammen 0:50:00", german)
    assert re.search(r"Sun 22\.11\.2026 10:00:00 CET – Sun 22\.11\.2026 13:10:00 CET +zählt +zusammen 4:00:00", german)
    assert "First response 1: budget 4:00:00" in run("sla", "explain", story.number, "--language", "en")
    run("sla", "explain", "T-2026-999999", fails=True)


def test_mail_parse_prints_one_object_a_line(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mail = tmp_path / "brief.eml"
    mail.write_bytes(
        b"From: Anna <anna@example.org>\r\nSubject: =?utf-8?q?St=C3=B6rung?=\r\nMessage-ID: <1@example.org>\r\n\r\nHallo\r\n"
    )
    lines = run("mail", "parse", str(mail), str(mail)).splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["Störung", "Störung"]


def test_check_says_what_is_missing(run) -> None:  # type: ignore[no-untyped-def]
    said = run("check", fails=True)
    assert "HELPDESK_PUBLIC_URL" in said and "E-Mail ist nicht eingerichtet" in said


def test_a_wrong_database_url_is_told_in_words(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("DATABASE_URL", "postgresql://helpdesk@127.0.0.1:1/nichts")
    result = CliRunner().invoke(cli.main, ["migrate"])
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr and result.stderr.strip()


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cli._log_to_stderr(Settings(data=tmp_path))
    closed = (tmp_path / "log").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    structlog.get_logger().warning("still.alive")
    monkeypatch.setattr(sys, "stderr", open("/dev/full", "w"))  # noqa: SIM115
    structlog.get_logger().warning("still.alive")
