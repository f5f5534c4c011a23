"""The folder of the embedded database: what lies where, who owns it, and what the operator must hear about it.

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
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from helpdesk.pgchild import CLOSED
from helpdesk.pgerrors import EmbeddedError, FolderClosed, FolderFull, FolderReadOnly, PasswordMissing

ROLE = DATABASE = "helpdesk"
PORT = "5432"
#: What a new cluster takes, with its first write-ahead log and some room to work.
NEEDED_MB = 200
LOG_LIMIT = 5_000_000


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
        make_folder(home, mode=0o711 if os.getuid() == 0 else 0o700)
    except OSError as error:
        raise explain_os(error, home) from error
    return Cluster(home=home, user=user, group=group)


def open_private(cluster: Cluster, file: Path, flags: int = 0) -> int:
    """A file descriptor of a file that only the server's user (and root) may read and write."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
    if os.getuid() == 0:
        os.fchown(descriptor, cluster.user, cluster.group)
    return descriptor


def make_folder(folder: Path, *, mode: int) -> None:
    """`mkdir -p` that ignores the umask for what it makes, and leaves alone what is there."""
    if not folder.is_dir():
        make_folder(folder.parent, mode=mode)
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)


def require_room(cluster: Cluster) -> None:
    """Raises FolderFull when a new cluster would not fit; an existing one may use the last block."""
    if cluster.major is None and (free := _free_mb(cluster.home)) < NEEDED_MB:
        raise FolderFull(folder=cluster.home.parent, free=free, needed=NEEDED_MB)


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


def _free_mb(folder: Path) -> int:
    """What the server's user may still write; the reserve of root does not count."""
    while not folder.exists():
        folder = folder.parent
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize // 1_000_000 if status.f_favail or not status.f_files else 0


def _last_lines(cluster: Cluster) -> list[str]:
    try:
        with cluster.log.open("rb") as stream:
            stream.seek(max(0, cluster.log.stat().st_size - 4000))
            return stream.read().decode(errors="replace").splitlines()[-20:]
    except FileNotFoundError:
        return []
