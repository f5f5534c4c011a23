"""Real databases for tests: Debian's PostgreSQL 15 as an external server, and the embedded one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from helpdesk import embedded

DEBIAN = Path("/usr/lib/postgresql/15/bin")


class PeerMissing(Exception):
    """A real peer that a test needs is not on this machine; the text says what to install."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users can pass; pytest's `tmp_path` is closed to the server's user under root."""
    folder = Path(tempfile.mkdtemp(prefix="anlaufstelle-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def embedded_postgres() -> Iterator[str]:
    """The embedded database in a folder of its own, for a test session; its SQLAlchemy URL. The role may CREATE DATABASE."""
    with open_folder() as folder, embedded.open(folder) as database:
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            # Tests do not cut the power: commits need not wait for the disk.
            connection.execute("ALTER ROLE helpdesk SET synchronous_commit = off")
        yield database.url


@contextmanager
def external_postgres(*, encoding: str = "UTF8") -> Iterator[str]:
    """Debian's PostgreSQL 15 on a free port of 127.0.0.1; the SQLAlchemy URL of its empty database `helpdesk`.

    Its role owns the database, may CREATE DATABASE and is no superuser, as on a server that somebody else runs.
    Raises PeerMissing.
    """
    if not (DEBIAN / "initdb").exists():
        raise PeerMissing(f"{DEBIAN} fehlt: apt-get install postgresql")
    with open_folder() as folder:
        data, port = folder / "data", _free_port()
        _give_away(folder)
        (folder / "password").write_text("geheim")
        options = ["-E", encoding, "--locale=C", "-A", "scram-sha-256", "-U", "postgres", "--no-sync"]
        _run(folder, "initdb", "-D", data, *options, f"--pwfile={folder / 'password'}")
        settings = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        _run(folder, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", settings, "start")
        try:
            yield _make_database(port)
        finally:
            _run(folder, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _make_database(port: int) -> str:
    admin = f"postgresql://postgres:geheim@127.0.0.1:{port}/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE ROLE helpdesk LOGIN CREATEDB PASSWORD 'geheim'")
        connection.execute("CREATE DATABASE helpdesk OWNER helpdesk")
    return f"postgresql+psycopg://helpdesk:geheim@127.0.0.1:{port}/helpdesk"


def _run(folder: Path, program: str, *options: str | Path) -> None:
    """As the owner of the folder: PostgreSQL refuses to run as root. Its output is not read, the server keeps it open."""
    owner = folder.stat()
    subprocess.run(
        [DEBIAN / program, *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        timeout=60,
        user=owner.st_uid if os.getuid() == 0 else None,
        group=owner.st_gid if os.getuid() == 0 else None,
        extra_groups=[] if os.getuid() == 0 else None,
    )


def _give_away(folder: Path) -> None:
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")  # Debian's package comes with it
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
