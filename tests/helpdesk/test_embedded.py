"""The embedded database: made, shared, killed in every way, and what it says when the machine does not let it live."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Self

import psycopg
import pytest

from helpdesk import embedded, pgbinaries, pgfolder
from helpdesk.embedded import Embedded, EmbeddedError, check_url
from helpdesk.pgerrors import (
    DatabaseError,
    FolderClosed,
    FolderFull,
    FolderReadOnly,
    HostAway,
    NoPrograms,
    NoSuchDatabase,
    NotUtf8,
    OtherVersion,
    PasswordMissing,
    ServerTooOld,
    UnknownHost,
    UrlUnreadable,
    WrongPassword,
)
from tests.postgres import DEBIAN, PeerMissing, external_postgres, open_folder

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="nur root darf Dateisysteme einhängen und Benutzer wechseln")
needs_debian = pytest.mark.skipif(not DEBIAN.exists(), reason=f"{DEBIAN} fehlt: apt-get install postgresql")


class Process:
    """A process of its own on the same data folder."""

    def __init__(self, data: Path, name: str, *, writes: bool) -> None:
        self.name, self.file = name, data / f"{name}.acknowledged"
        command = [sys.executable, "-m", "tests.helpdesk.embedded_writer", str(data), name]
        command += [str(self.file)] if writes else []
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def role(self) -> str:
        """Waits until the process has the database open."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def acknowledged(self) -> list[int]:
        return [int(line.split()[0]) for line in self._lines()]

    def writes_more(self, rows: int = 40) -> None:
        before = len(self._lines())
        eventually(lambda: len(self._lines()) >= before + rows, seconds=40)

    def longest_gap(self) -> float:
        """Seconds between two acknowledged rows: how long the database was away for this writer."""
        times = [float(line.split()[1]) for line in self._lines()]
        return max(after - before for before, after in pairwise(times))

    def _lines(self) -> list[str]:
        """Whole lines only: a killed process may leave half of one."""
        return self.file.read_text().rpartition("\n")[0].splitlines() if self.file.exists() else []


def eventually(what: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def postmaster(data: Path) -> int:
    return int((data / "postgres/cluster/postmaster.pid").read_text().split()[0])


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def server_processes(data: Path) -> list[int]:
    mark = pgfolder.lay_out(data).mark.encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def query(database: Embedded, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def data() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def ready() -> Iterator[Path]:
    """A data folder after its first start."""
    with open_folder() as folder:
        embedded.open(folder).close()
        yield folder


@pytest.fixture
def made(data: Path, ready: Path) -> None:
    """`data` has had its first start: a copy costs a fraction of making it."""
    subprocess.run(["cp", "-a", "--reflink=auto", ready / "postgres", data], check=True)


@pytest.fixture(scope="module")
def database() -> Iterator[Embedded]:
    with open_folder() as folder, embedded.open(folder) as opened:
        yield opened


# What it is


def test_the_first_start_makes_what_the_schema_needs(database: Embedded) -> None:
    assert database.supervising
    for extension in ("pg_trgm", "unaccent", "btree_gist"):
        query(database, f"CREATE EXTENSION {extension}")
    assert query(database, "SELECT lower('ÜBACH'), similarity('Übach', 'Übach-Palenberg') > 0.3") == [("übach", True)]
    assert query(database, "SHOW server_encoding") == [("UTF8",)]


def test_the_role_owns_its_database_and_is_no_superuser(database: Embedded) -> None:
    assert query(database, "SELECT current_user, current_database()") == [("helpdesk", "helpdesk")]
    assert query(database, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [(False, True)]


def test_what_is_acknowledged_is_on_disk(database: Embedded) -> None:
    names = "'fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums'"
    assert query(database, f"SELECT DISTINCT setting FROM pg_settings WHERE name IN ({names})") == [("on",)]


def test_only_who_has_the_password_gets_in_and_only_through_the_private_socket(database: Embedded) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.dsn, password="falsch")
    assert query(database, "SHOW listen_addresses") == [("",)]
    assert stat.S_IMODE(database.cluster.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE((database.cluster.home / "password").stat().st_mode) == 0o600


def test_the_url_is_one_that_sqlalchemy_and_the_check_accept(database: Embedded) -> None:
    assert database.url.startswith("postgresql+psycopg://helpdesk:")
    check_url(database.url)


def test_the_server_never_runs_as_root(database: Embedded) -> None:
    owner = Path(f"/proc/{postmaster(database.cluster.home.parent)}").stat().st_uid
    assert owner != 0
    assert owner == database.cluster.user


def test_what_people_wrote_stays_out_of_the_log(database: Embedded) -> None:
    query(database, "CREATE TABLE secret (word text UNIQUE)")
    query(database, "INSERT INTO secret VALUES ('Blinddarm')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        query(database, "INSERT INTO secret VALUES ('Blinddarm')")
    log = database.cluster.log.read_text()
    assert "secret_word_key" in log
    assert "Blinddarm" not in log


@pytest.mark.usefixtures("made")
def test_a_later_start_finds_the_rows_of_an_earlier_one(data: Path) -> None:
    with embedded.open(data) as first:
        query(first, "CREATE TABLE kept AS SELECT 7 AS number")
    with embedded.open(data) as second:
        assert query(second, "SELECT number FROM kept") == [(7,)]


@pytest.mark.parametrize("name", ["x" * 120, "mit Komma, Doppelpunkt: und Ümlaut", "mit Leerzeichen"])
def test_any_folder_name_will_do(data: Path, name: str) -> None:
    with embedded.open(data / name) as opened:
        assert query(opened, "SELECT 1") == [(1,)]
        assert len(os.fsencode(opened.cluster.sockets / ".s.PGSQL.5432")) < 107
        check_url(opened.url)
        if opened.cluster.sockets.parent == Path("/tmp"):
            opened.close()
            shutil.rmtree(opened.cluster.sockets)


def test_a_folder_below_tmp_that_somebody_else_holds_is_not_trusted(data: Path) -> None:
    long = data / ("y" * 120)
    with embedded.open(long) as first:
        shared = first.cluster.sockets
    shared.chmod(0o777)
    with embedded.open(long) as second:
        mine = second.cluster.sockets
        assert mine != shared
    shutil.rmtree(shared)
    shutil.rmtree(mine)


# Many processes


@pytest.mark.usefixtures("made")
def test_a_second_process_attaches_and_takes_over_when_the_supervisor_dies(data: Path) -> None:
    with Process(data, "first", writes=False) as first:
        assert first.role() == "supervising"
        with embedded.open(data) as second:
            assert not second.supervising
            assert query(second, "SELECT 1") == [(1,)]
            first.kill()
            eventually(lambda: second.supervising)
            second.ensure()
            assert query(second, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("made")
def test_who_closes_hands_over(data: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(embedded.open(data))
        second = stack.enter_context(embedded.open(data))
        assert (first.supervising, second.supervising) == (True, False)
        first.close()
        eventually(lambda: second.supervising)
        second.ensure()
        assert query(second, "SELECT 1") == [(1,)]


def test_four_processes_that_start_at_once_share_one_server(data: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(data, f"p{number}", writes=False)) for number in range(4)]
        assert sorted(process.role() for process in processes) == ["attached"] * 3 + ["supervising"]


@pytest.mark.usefixtures("made")
def test_the_server_does_not_outlive_its_supervisor(data: Path) -> None:
    with Process(data, "only", writes=False) as only:
        only.role()
        server = postmaster(data)
        assert alive(server)
    eventually(lambda: not alive(server))


@pytest.mark.usefixtures("made")
def test_the_server_outlives_the_thread_that_opened_it(data: Path) -> None:
    opened: list[Embedded] = []
    opener = threading.Thread(target=lambda: opened.append(embedded.open(data)))
    opener.start()
    opener.join()
    with opened[0] as database:
        server = postmaster(data)
        time.sleep(0.3)
        assert alive(server)
        assert query(database, "SELECT 1") == [(1,)]


# Kills


@contextmanager
def application_with_two_writers(data: Path) -> Iterator[tuple[Process, list[Process]]]:
    with ExitStack() as stack:
        application = stack.enter_context(Process(data, "application", writes=False))
        assert application.role() == "supervising"
        with embedded.open(data) as attached:
            query(attached, "CREATE TABLE written (writer text, number bigint, PRIMARY KEY (writer, number))")
        writers = [stack.enter_context(Process(data, name, writes=True)) for name in ("a", "b")]
        for writer in writers:
            writer.writes_more()
        yield application, writers


def lost_rows(data: Path, writers: list[Process]) -> set[tuple[str, int]]:
    """What was acknowledged and is not there. The writers are dead by now."""
    with embedded.open(data) as database:
        found = set(query(database, "SELECT writer, number FROM written"))
    promised = {(writer.name, number) for writer in writers for number in writer.acknowledged()}
    assert len(promised) >= 80
    return promised - found


@pytest.mark.usefixtures("made")
def test_kill_9_of_the_database_loses_no_acknowledged_row(data: Path) -> None:
    with application_with_two_writers(data) as (_, writers):
        for _ in range(3):
            os.kill(postmaster(data), signal.SIGKILL)
            for writer in writers:
                writer.writes_more()
    print("database killed, longest gaps:", [round(writer.longest_gap(), 2) for writer in writers])
    assert lost_rows(data, writers) == set()


@pytest.mark.usefixtures("made")
def test_kill_9_of_every_process_of_the_server_loses_no_acknowledged_row(data: Path) -> None:
    with application_with_two_writers(data) as (_, writers):
        for process in server_processes(data):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for writer in writers:
            writer.writes_more()
    assert lost_rows(data, writers) == set()


@pytest.mark.usefixtures("made")
def test_kill_9_of_the_application_loses_no_acknowledged_row(data: Path) -> None:
    with application_with_two_writers(data) as (application, writers):
        application.kill()
        for writer in writers:
            writer.writes_more()
    print("application killed, longest gaps:", [round(writer.longest_gap(), 2) for writer in writers])
    assert lost_rows(data, writers) == set()


@pytest.mark.usefixtures("made")
def test_kill_9_of_both_loses_no_acknowledged_row(data: Path) -> None:
    with application_with_two_writers(data) as (application, writers):
        os.kill(application.process.pid, signal.SIGKILL)
        os.kill(postmaster(data), signal.SIGKILL)
        for writer in writers:
            writer.writes_more()
    print("both killed, longest gaps:", [round(writer.longest_gap(), 2) for writer in writers])
    assert lost_rows(data, writers) == set()


@pytest.mark.usefixtures("made")
def test_kill_9_of_everything_at_once_loses_no_acknowledged_row(data: Path) -> None:
    with application_with_two_writers(data) as (application, writers):
        for ours in (application, *writers):
            os.kill(ours.process.pid, signal.SIGKILL)
        for process in server_processes(data):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    assert lost_rows(data, writers) == set()


@pytest.mark.usefixtures("made")
def test_a_busy_query_does_not_delay_the_new_server(data: Path) -> None:
    """A process of the old server that computes does not notice the end of its parent."""
    with embedded.open(data) as database, psycopg.connect(database.dsn) as busy:
        backend = busy.info.backend_pid
        computing = threading.Thread(target=lambda: _compute_for_ever(busy))
        computing.start()
        eventually(lambda: query(database, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %'") == [(1,)])
        os.kill(postmaster(data), signal.SIGKILL)
        computing.join(timeout=20)
        eventually(lambda: not alive(backend))
        database.ensure()
        assert query(database, "SELECT 1") == [(1,)]


def _compute_for_ever(connection: psycopg.Connection) -> None:
    with suppress(psycopg.OperationalError):
        connection.execute("DO $$ BEGIN LOOP END LOOP; END $$")


def test_a_kill_in_the_middle_of_the_first_start_leaves_nothing_half_made(data: Path) -> None:
    with Process(data, "early", writes=False):
        eventually((data / "postgres/cluster.new/PG_VERSION").exists)
    assert not (data / "postgres/cluster").exists()
    with embedded.open(data) as database:
        assert query(database, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("made")
def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(data: Path) -> None:
    with embedded.open(data) as database:
        user, pid_file = database.cluster.user, database.cluster.data / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"], user=user if os.getuid() == 0 else None) as stranger:
        pid_file.write_text(f"{stranger.pid}\n{database.cluster.data}\n1700000000\n5432\n/nowhere\n\n 1 1\nready\n")
        os.chown(pid_file, user, -1)
        with embedded.open(data) as again:
            assert query(again, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


# What the machine may deny


def message(kind: type[DatabaseError], data: Path) -> str:
    with pytest.raises(kind) as caught:
        embedded.open(data, wait=30).close()
    assert "{" not in caught.value.message
    return caught.value.message


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    place = folder / "disk"
    place.mkdir()
    options = f"size={megabytes}m,mode=755"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"mount ist hier nicht erlaubt: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@needs_root
def test_too_small_a_disk_is_said_before_anything_is_made(data: Path) -> None:
    with small_disk(data, megabytes=60) as disk:
        text = message(FolderFull, disk)
        assert str(disk) in text
        assert "Schaffen Sie Platz, mindestens 200 MB" in text
        assert [file.name for file in (disk / "postgres").iterdir() if file.is_dir()] == []


@needs_root
def test_a_disk_that_filled_up_is_said_and_costs_no_row(data: Path) -> None:
    with small_disk(data, megabytes=260) as disk:
        with embedded.open(disk) as database:
            query(database, "CREATE TABLE kept AS SELECT 7 AS number")
        fill(disk)
        assert "ist voll" in message(FolderFull, disk)
        (disk / "filler").unlink()
        with embedded.open(disk) as database:
            assert query(database, "SELECT number FROM kept") == [(7,)]


@needs_root
def test_a_disk_that_fills_while_the_server_runs_refuses_rows_until_there_is_room(data: Path) -> None:
    with small_disk(data, megabytes=260) as disk, embedded.open(disk) as database:
        query(database, "CREATE TABLE kept AS SELECT 7 AS number")
        fill(disk)
        with pytest.raises(psycopg.Error):
            query(database, "CREATE TABLE big AS SELECT repeat('x', 900) FROM generate_series(1, 300000)")
        (disk / "filler").unlink()
        database.ensure()
        query(database, "INSERT INTO kept VALUES (8)")
        assert query(database, "SELECT number FROM kept ORDER BY 1") == [(7,), (8,)]


@pytest.mark.usefixtures("made")
def test_a_server_that_cannot_start_again_heals_once_the_reason_is_gone(data: Path) -> None:
    with embedded.open(data) as database:
        settings = database.cluster.data / "postgresql.conf"
        good = settings.read_text()
        settings.write_text("max_connections = viele\n")
        os.kill(postmaster(data), signal.SIGKILL)
        eventually(lambda: database.trouble is not None)
        with pytest.raises(EmbeddedError, match="startet nicht"):
            database.ensure(wait=0.1)
        settings.write_text(good)
        database.ensure()
        eventually(lambda: database.trouble is None)


def fill(disk: Path) -> None:
    """Every block, also the last one: the log cannot tell either."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(100_000))


@needs_root
def test_a_read_only_folder_is_said(data: Path) -> None:
    with small_disk(data, megabytes=60) as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        text = message(FolderReadOnly, disk)
        assert str(disk) in text
        assert "HELPDESK_DATA" in text


@needs_root
def test_a_folder_that_became_read_only_is_said(data: Path) -> None:
    with small_disk(data, megabytes=260) as disk:
        embedded.open(disk).close()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "nicht schreiben" in message(FolderReadOnly, disk)


@needs_root
def test_a_folder_that_the_servers_user_cannot_pass_is_named_and_not_changed(data: Path) -> None:
    closed = data / "privat"
    closed.mkdir(mode=0o700)
    text = message(FolderClosed, closed / "helpdesk")
    assert f"chmod o+x {closed}" in text
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_a_strict_umask_of_root_does_not_lock_the_server_out(data: Path) -> None:
    before = os.umask(0o077)
    try:
        with embedded.open(data / "neu" / "daten") as database:
            assert query(database, "SELECT 1") == [(1,)]
    finally:
        os.umask(before)


@needs_root
@pytest.mark.usefixtures("made")
def test_data_that_root_copied_back_belong_to_the_server_again(data: Path) -> None:
    with embedded.open(data) as database:
        query(database, "CREATE TABLE kept AS SELECT 7 AS number")
    shutil.copytree(data / "postgres", data / "copy/postgres", ignore=shutil.ignore_patterns("*.lock"))
    with embedded.open(data / "copy") as database:
        assert query(database, "SELECT number FROM kept") == [(7,)]


@needs_root
def test_an_ordinary_user_runs_it_and_hears_when_the_folder_is_not_his(data: Path) -> None:
    python = python_for("nobody")
    mine = data / "mine"
    mine.mkdir(mode=0o700)
    os.chown(mine, pwd.getpwnam("nobody").pw_uid, -1)
    script = "import sys, os; from pathlib import Path; from helpdesk import embedded\n"
    script += "with embedded.open(Path(sys.argv[1])) as it: print(it.supervising, it.cluster.user == os.getuid())"
    ran = as_user("nobody", [*python, "-c", script, str(mine)])
    assert "True True" in ran.stdout, ran.stderr
    denied = as_user("nobody", [*python, "-c", script, str(data)])
    assert f"Der Benutzer „nobody“ darf in den Datenordner {data} nicht schreiben" in denied.stderr
    with embedded.open(mine) as database:
        assert database.cluster.user == pwd.getpwnam("nobody").pw_uid
        assert query(database, "SELECT 1") == [(1,)]
    ran = as_user("nobody", [*python, "-c", script, str(mine)])
    assert "True True" in ran.stdout, "root left something behind: " + ran.stderr


def as_user(name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    site = Path(psycopg.__file__).parents[1]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{site}", "PYTHONDONTWRITEBYTECODE": "1"}
    entry = pwd.getpwnam(name)
    ids: dict[str, int] = {"user": entry.pw_uid, "group": entry.pw_gid}
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, extra_groups=[], **ids)  # type: ignore[call-overload,no-any-return]


def python_for(name: str) -> list[str]:
    """A Python that this user may run and that finds our packages: that of root's home is closed to him."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with suppress(OSError):
            if as_user(name, [python, "-c", "import helpdesk.embedded, psycopg_binary"]).returncode == 0:
                return [python]
    pytest.skip(f"der Benutzer {name} kommt nicht an ein Python mit unseren Paketen")


@pytest.mark.skipif(
    os.getuid() == 0, reason="root darf überall schreiben; für root prüft es das schreibgeschützte Dateisystem"
)
def test_a_folder_of_somebody_else_is_said(data: Path) -> None:
    data.chmod(0o500)
    assert "HELPDESK_DATA" in message(FolderReadOnly, data)


@pytest.mark.usefixtures("made")
def test_a_lost_password_file_is_named(data: Path) -> None:
    (data / "postgres/password").unlink()
    assert str(data / "postgres/password") in message(PasswordMissing, data)


@pytest.mark.usefixtures("made")
def test_a_broken_cluster_says_why_and_where_more_stands(data: Path) -> None:
    settings = data / "postgres/cluster/postgresql.conf"
    settings.write_text("max_connections = viele\n")
    text = message(EmbeddedError, data)
    assert "configuration file" in text
    assert str(data / "postgres/server.log") in text


# Versions


@pytest.mark.usefixtures("made")
def test_data_of_another_version_are_left_alone_and_both_versions_named(data: Path) -> None:
    version = data / "postgres/cluster/PG_VERSION"
    present = version.read_text().strip()
    version.write_text("11\n")
    text = message(OtherVersion, data)
    assert "gehören zu PostgreSQL 11," in text
    assert f"PostgreSQL {present}" in text


@needs_debian
def test_data_made_with_debians_programs_keep_them(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pgbinaries, "_wheel", lambda: None)
        with embedded.open(data) as database:
            query(database, "CREATE EXTENSION pg_trgm")
            assert query(database, "SELECT lower('ÜBACH'), 'a' < 'B' COLLATE \"default\"") == [("übach", False)]
    with embedded.open(data) as database:
        assert query(database, "SELECT current_setting('server_version_num')::int / 10000") == [
            (database.cluster.major,)
        ]


def test_a_machine_without_programs_says_what_to_install(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbinaries, "_wheel", lambda: None)
    monkeypatch.setattr(pgbinaries, "SYSTEM", data / "nowhere")
    assert "Paket „postgresql“" in message(NoPrograms, data)


# DATABASE_URL


@pytest.fixture(scope="module")
def external() -> Iterator[str]:
    try:
        with external_postgres() as url:
            yield url
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.peer_postgres
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_right_database_url_is_accepted_in_every_spelling(external: str, scheme: str) -> None:
    check_url(external.replace("postgresql+psycopg", scheme))


@pytest.mark.peer_postgres
@pytest.mark.parametrize(
    ("right", "wrong", "kind"),
    [
        (":geheim@", ":falsch@", WrongPassword),
        ("//helpdesk:", "//niemand:", WrongPassword),
        ("127.0.0.1", "gibt-es-nicht.invalid", UnknownHost),
    ],
)
def test_a_wrong_database_url_says_what_is_wrong(
    external: str, right: str, wrong: str, kind: type[DatabaseError]
) -> None:
    with pytest.raises(kind) as caught:
        check_url(external.replace(right, wrong))
    assert "DATABASE_URL" in caught.value.message
    assert "geheim" not in caught.value.message
    assert "falsch" not in caught.value.message


@pytest.mark.peer_postgres
def test_a_database_that_is_not_there_is_named_with_the_command_that_makes_it(external: str) -> None:
    with pytest.raises(NoSuchDatabase, match=r"createdb --encoding=UTF8 .* --owner=helpdesk fehlt"):
        check_url(external.removesuffix("helpdesk") + "fehlt")


def test_a_server_that_is_away_is_said_with_its_address() -> None:
    with pytest.raises(HostAway, match=r"127\.0\.0\.1:1 antwortet kein PostgreSQL"):
        check_url("postgresql://wer:geheim@127.0.0.1:1/helpdesk")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "helpdesk",
        "mysql://a@b/c",
        "postgresql://a:b@c:port/d",
        "sqlite:///x.db",
        "postgresql://a@127.0.0.1:1/c?unsinn=1",
    ],
)
def test_what_is_no_database_url_gets_an_example(text: str) -> None:
    with pytest.raises(UrlUnreadable, match=r"postgresql://benutzer:kennwort@rechner:5432/datenbank"):
        check_url(text)


@pytest.mark.peer_postgres
def test_a_database_in_another_encoding_is_refused() -> None:
    try:
        with external_postgres(encoding="LATIN1") as url, pytest.raises(NotUtf8, match="speichert LATIN1 statt UTF8"):
            check_url(url)
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.peer_postgres
def test_an_older_server_is_refused(external: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpdesk.database_url.OLDEST", 16)
    with pytest.raises(ServerTooOld, match=r"läuft PostgreSQL 15\.\d+, gebraucht wird 16"):
        check_url(external)
