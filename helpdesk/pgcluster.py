"""The folder of the embedded database: what lies where, who owns it, how it is made and how its server is started.

postgres/           root: 0711, so that the server's user passes; else 0700
  cluster/          the data of PostgreSQL
  password          of the roles `helpdesk` and `postgres`, 0600
  run               folder of the socket, 0700; a link to a short folder below /tmp when the path is too long
  programs/         only as root: a mirror of the wheel's programs
  supervisor.lock   who holds it starts and watches the server
  server.lock       held by the server's processes themselves: free means that none of them lives
  server.log
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from helpdesk.pgbinaries import Binaries
from helpdesk.pgchild import CLOSED
from helpdesk.pgerrors import EmbeddedError, FolderClosed, FolderFull, FolderReadOnly, PasswordMissing

ROLE = DATABASE = "helpdesk"
PORT = "5432"
#: `sun_path` of Linux holds 108 bytes with the closing zero; macOS 104.
LONGEST_SOCKET = 103
#: What a new cluster takes, with its first write-ahead log and some room to work.
NEEDED_MB = 200
LOG_LIMIT = 5_000_000
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


@dataclass(frozen=True, kw_only=True)
class Cluster:
    home: Path
    user: int
    group: int

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def mark(self) -> str:
        """Stands in the command line of every process of this server (`cluster_name`), and of no other."""
        return "helpdesk-" + hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    @property
    def major(self) -> int | None:
        """The version of PostgreSQL that the data belong to; None when there are none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @property
    def sockets(self) -> Path:
        run = self.home / "run"
        return run.readlink() if run.is_symlink() else run

    @property
    def url(self) -> URL:
        """For SQLAlchemy; contains the password. Raises PasswordMissing."""
        place = {"host": str(self.sockets), "port": PORT}
        return URL.create("postgresql+psycopg", ROLE, self._password(), database=DATABASE, query=place)

    @property
    def dsn(self) -> str:
        """For libpq; contains the password. Raises PasswordMissing."""
        host, port = str(self.sockets), PORT
        return make_conninfo(host=host, port=port, user=ROLE, password=self._password(), dbname=DATABASE)

    def _password(self) -> str:
        file = self.home / "password"
        try:
            return file.read_text()
        except FileNotFoundError:
            raise PasswordMissing(file=file) from None


def lay_out(data: Path) -> Cluster:
    """The cluster of this data folder, with the folders made that are missing. Nothing is started.

    Raises FolderReadOnly and FolderFull.
    """
    home = data.resolve() / "postgres"
    user, group = _server_user(home)
    try:
        _make_folder(home, mode=0o711 if os.getuid() == 0 else 0o700)
    except OSError as error:
        raise explain_os(error, home) from error
    return Cluster(home=home, user=user, group=group)


def require_room(cluster: Cluster) -> None:
    """Raises FolderFull when a new cluster would not fit; an existing one may use the last block."""
    if cluster.major is None and (free := _free_mb(cluster.home)) < NEEDED_MB:
        raise FolderFull(folder=cluster.home.parent, free=free, needed=NEEDED_MB)


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


def open_private(cluster: Cluster, file: Path, flags: int = 0) -> int:
    """A file descriptor of a file that only the server's user (and root) may read and write."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
    if os.getuid() == 0:
        os.fchown(descriptor, cluster.user, cluster.group)
    return descriptor


def trim_log(cluster: Cluster) -> None:
    """The log starts anew when it is too long. The server appends, so it may be running."""
    if cluster.log.exists() and cluster.log.stat().st_size > LOG_LIMIT:
        os.truncate(cluster.log, 0)


def explain_exit(cluster: Cluster, status: int) -> EmbeddedError:
    """Why a program of PostgreSQL ended, from what it wrote last."""
    lines = _last_lines(cluster)
    text = "\n".join(lines)
    if status == CLOSED:
        return FolderClosed(folder=lines[-1] if lines else cluster.home, user=user_name(cluster.user))
    if _free_mb(cluster.home) < 1 or "No space left" in text or "quota exceeded" in text:
        return FolderFull(folder=cluster.home.parent, free=_free_mb(cluster.home), needed=NEEDED_MB)
    if "Read-only file system" in text:
        return FolderReadOnly(folder=cluster.home.parent, user=user_name(cluster.user))
    grave = [line for line in lines if re.search(r"FATAL|PANIC|error:|Error", line)]
    reason = (grave or lines or [f"Status {status}"])[-1]
    return EmbeddedError(reason=re.sub(r"^.*(FATAL|PANIC): *", "", reason).rstrip("."), log=cluster.log)


def explain_os(error: OSError, folder: Path) -> EmbeddedError:
    """What an error of the file system means for the operator."""
    if "No space" in (error.strerror or "") or "quota" in (error.strerror or ""):
        return FolderFull(folder=folder.parent, free=_free_mb(folder), needed=NEEDED_MB)
    if isinstance(error, PermissionError) or "Read-only" in (error.strerror or ""):
        return FolderReadOnly(folder=folder.parent, user=user_name(os.getuid()))
    return EmbeddedError(reason=f"{error.strerror}: {error.filename}", log=folder / "server.log")


def user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _server_user(home: Path) -> tuple[int, int]:
    """PostgreSQL refuses to run as root: then it is the owner of the data, else `postgres`, else `nobody`."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    if (home / "cluster").exists() and (owner := (home / "cluster").stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


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
    _make_folder(folder, mode=0o700)
    os.chown(folder, cluster.user, cluster.group)


def _make_folder(folder: Path, *, mode: int) -> None:
    """`mkdir -p` that ignores the umask for what it makes, and leaves alone what is there."""
    if not folder.is_dir():
        _make_folder(folder.parent, mode=mode)
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)


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


def _last_lines(cluster: Cluster) -> list[str]:
    try:
        with cluster.log.open("rb") as stream:
            stream.seek(max(0, cluster.log.stat().st_size - 4000))
            return stream.read().decode(errors="replace").splitlines()[-20:]
    except FileNotFoundError:
        return []


def _free_mb(folder: Path) -> int:
    """What the server's user may still write; the reserve of root does not count."""
    while not folder.exists():
        folder = folder.parent
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize // 1_000_000 if status.f_favail or not status.f_files else 0
