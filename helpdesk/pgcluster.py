"""How the cluster of the embedded database is made and its server started, as the user who may."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from helpdesk.pgbinaries import Binaries
from helpdesk.pgerrors import PasswordMissing
from helpdesk.pgfolder import DATABASE, PORT, ROLE, Cluster, explain_exit, make_folder, open_private

#: `sun_path` of Linux holds 108 bytes with the closing zero; macOS 104.
LONGEST_SOCKET = 103
#: Nothing of the caller's environment: PGDATA, PGOPTIONS and others would change the server.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

SETTINGS = """
# Anlaufstelle: written once, for two cores and 2 GB of memory. Change it as you like; the next start reads it.
# fsync, full_page_writes and synchronous_commit stay on: what was acknowledged must survive a power cut.
max_connections = 100
shared_buffers = 256MB
effective_cache_size = 768MB
work_mem = 8MB
maintenance_work_mem = 64MB
random_page_cost = 1.1
max_wal_size = 512MB                # bounds the recovery after a crash to seconds
jit = off                           # short queries: compiling costs more than it saves
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
# What citizens wrote does not belong into a log: no statements, no row values.
log_min_error_statement = panic
log_error_verbosity = terse
"""


def create(cluster: Cluster, binaries: Binaries, *, lock: int) -> None:
    """A new cluster with role and database. It gets its name at the very end: a kill leaves nothing half made."""
    new, password = cluster.home / "cluster.new", secrets.token_urlsafe(24)
    shutil.rmtree(new, ignore_errors=True)
    _write_private(cluster, cluster.home / "password", password)
    _make_private_folder(cluster, new)
    options = ["-D", str(new), "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--data-checksums"]
    options += ["--pwfile", str(cluster.home / "password"), "--no-instructions", *_locale(binaries)]
    _run(cluster, binaries.folder / "initdb", options, lock)
    with (new / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    # Not a superuser: whoever finds a way to send SQL must not reach the machine. CREATEDB lets a restore load into
    # a second database and change names at the end.
    statements = f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"
    single = ["--single", "-D", str(new), "-c", "exit_on_error=true", "postgres"]
    _run(cluster, binaries.folder / "postgres", single, lock, statements)
    new.rename(cluster.data)


def start(cluster: Cluster, binaries: Binaries, *, lock: int) -> subprocess.Popen[bytes]:
    """Start the server; every process of it inherits the locked file `lock`. It does not yet accept connections.

    Raises PasswordMissing: nobody could use that server.
    """
    if not (cluster.home / "password").exists():
        raise PasswordMissing(file=cluster.home / "password")
    _adopt(cluster)
    _make_sockets_folder(cluster)
    _forget_the_dead(cluster)
    quoted = '"' + str(cluster.sockets).replace('"', '""') + '"'
    settings = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": quoted,
        "unix_socket_permissions": "0700",
        "cluster_name": cluster.mark,
        "logging_collector": "off",
    }
    options = ["-D", str(cluster.data)]
    for name, value in settings.items():
        options += ["-c", f"{name}={value}"]
    return _spawn(cluster, binaries.folder / "postgres", options, lock)


def _locale(binaries: Binaries) -> list[str]:
    """Code-point order on every machine: an index never breaks because the C library was updated."""
    if binaries.major >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _adopt(cluster: Cluster) -> None:
    """Data copied back by root (from a backup) belong to the server's user again."""
    if os.getuid() != 0 or cluster.data.stat().st_uid != 0:
        return
    for folder, folders, files in os.walk(cluster.data):
        for name in (*folders, *files):
            os.lchown(Path(folder) / name, cluster.user, cluster.group)
    os.chown(cluster.home / "password", cluster.user, cluster.group)
    os.chown(cluster.data, cluster.user, cluster.group)


def _forget_the_dead(cluster: Cluster) -> None:
    """Remove the pid files of a killed server, since `server.lock` is ours.

    PostgreSQL would refuse to start when the number in them belongs to another process by now, or to a zombie.
    """
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    (cluster.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _make_sockets_folder(cluster: Cluster) -> None:
    """`run`, or a link to a folder below /tmp when the path is too long or libpq would misread it.

    /tmp and not XDG_RUNTIME_DIR, which goes when its user signs off, nor TMPDIR, which may be private to root. The
    name is not predictable, and a link that came with a copied data folder (another mark) is not followed.
    """
    run = cluster.home / "run"
    plain = re.fullmatch(r"[\w./ -]+", str(run)) is not None
    if plain and len(os.fsencode(run / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET:
        return _make_private_folder(cluster, run)
    if run.is_symlink() and _is_ours(cluster, run.readlink()):
        return None
    run.unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{cluster.mark}-", dir="/tmp"))
    os.chown(folder, cluster.user, cluster.group)
    return run.symlink_to(folder)


def _is_ours(cluster: Cluster, folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir() or not folder.name.startswith(cluster.mark):
        return False
    return folder.stat().st_uid == cluster.user and folder.stat().st_mode & 0o077 == 0


def _make_private_folder(cluster: Cluster, folder: Path) -> None:
    make_folder(folder, mode=0o700)
    os.chown(folder, cluster.user, cluster.group)


def _write_private(cluster: Cluster, file: Path, text: str) -> None:
    with os.fdopen(open_private(cluster, file, os.O_TRUNC), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _run(cluster: Cluster, program: Path, options: list[str], lock: int, statements: str = "") -> None:
    child = _spawn(cluster, program, options, lock, read=subprocess.PIPE)
    try:
        child.communicate(statements.encode())
    except BaseException:
        child.kill()
        raise
    if child.returncode != 0:
        raise explain_exit(cluster, child.returncode)


def _spawn(
    cluster: Cluster,
    program: Path,
    options: list[str],
    lock: int,
    *,
    read: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Run as the server's user; dies with the thread that calls this. A session of its own: Ctrl-C is for us."""
    ids = [str(os.getpid()), str(cluster.user), str(cluster.group), str(cluster.home)]
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("pgchild.py")), *ids, str(program), *options]
    log = open_private(cluster, cluster.log, os.O_APPEND)
    try:
        return subprocess.Popen(
            command,
            stdin=read,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            cwd=cluster.home,
            pass_fds=(lock,),
            start_new_session=True,
        )
    finally:
        os.close(log)
