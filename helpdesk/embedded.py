"""A PostgreSQL of our own for machines without one: started, watched and taken over without anybody's help.

How it works, step by step:

1. Every process that opens a data folder has a thread that tries to lock `supervisor.lock` (flock). The one that gets
   it supervises; the others attach and keep trying, so that one of them takes over when the supervisor dies.
2. The supervisor ends what is left of an earlier server and waits until `server.lock` is free. The processes of a
   server inherit that lock, so it is the kernel that says: nobody writes these data any more. Only then
   pid files are surely stale and are removed.
3. It makes the cluster if there is none, starts the server and looks every 0.2 s whether it still lives.
4. The server dies with the supervising thread (see `pgchild`), so it never runs without somebody who watches it.

Killing any of these processes loses no row that was acknowledged: that is PostgreSQL's write-ahead log, with fsync on.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import structlog

from helpdesk import pgbinaries, pgcluster, pgfolder
from helpdesk.database_url import check_url
from helpdesk.pgerrors import EmbeddedError, NotAnswering, PasswordMissing
from helpdesk.pgfolder import Cluster

__all__ = ["Embedded", "EmbeddedError", "check_url", "open"]

log = structlog.get_logger(__name__)

#: Seconds between two looks at the server or at the lock.
LOOK = 0.2
#: Seconds before the next try when a start failed (a full disk, say).
TRY_AGAIN = 2.0
#: Seconds that a fast, then an immediate shutdown may take before the next harder one.
PATIENCE = {signal.SIGINT: 30.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}


def open(data: Path, *, wait: float = 120.0) -> Embedded:
    """The database of this data folder, accepting connections; made if there is none. `wait` in seconds.

    Raises EmbeddedError, in words for the operator.
    """
    embedded = Embedded(pgfolder.lay_out(data))
    try:
        embedded.ensure(wait=wait, hopeful=False)
    except BaseException:
        embedded.close()
        raise
    return embedded


class Embedded:
    """One process's part in the embedded database, a context manager. Thread-safe."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        #: Why the last start failed; None when all is well. For `/readyz`.
        self.trouble: EmbeddedError | None = None
        self._held: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        # The server dies with the thread that started it, so this thread lasts until `close`.
        self._thread = threading.Thread(target=self._watch, name="embedded-postgres", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """For SQLAlchemy, with the password: never log it."""
        return self.cluster.url.render_as_string(hide_password=False)

    @property
    def dsn(self) -> str:
        """For psycopg and LISTEN, with the password: never log it."""
        return self.cluster.dsn

    @property
    def supervising(self) -> bool:
        return self._held is not None

    def ensure(self, *, wait: float = 30.0, hopeful: bool = True) -> None:
        """Return once the server accepts connections. Unless `hopeful`, the first failed start ends the waiting.

        Raises EmbeddedError when `wait` seconds have passed.
        """
        deadline = time.monotonic() + wait
        while not self._answers():
            late = time.monotonic() > deadline
            if self.trouble is not None and (late or not hopeful):
                raise self.trouble
            if late:
                raise NotAnswering(folder=self.cluster.home.parent, seconds=round(wait), log=self.cluster.log)
            time.sleep(0.02)

    def close(self) -> None:
        """Stop the server if we supervise it; an attached process then takes over. May be called twice."""
        self._closing.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _watch(self) -> None:
        pause = 0.0
        try:
            while not self._closing.wait(pause):
                pause = LOOK if self._look() else TRY_AGAIN
        finally:
            self._stop()
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _look(self) -> bool:
        """Whether all is well: somebody supervises, and if it is us, the server lives."""
        try:
            if self._held is None:
                self._held = self._lock("supervisor.lock")
            if self._held is not None and (self._server is None or self._server.poll() is not None):
                self._start()
                pgfolder.trim_log(self.cluster)
        except EmbeddedError as error:
            self.trouble = error
        except OSError as error:
            self.trouble = pgfolder.explain_os(error, self.cluster.home)
        else:
            self.trouble = None
            return True
        log.error("embedded_database_down", reason=self.trouble.message)
        return False

    def _start(self) -> None:
        began, status = time.monotonic(), self._server and self._server.returncode
        cluster, lock = self.cluster, self._last_server_gone()
        try:
            pgfolder.require_room(cluster)
            binaries = pgbinaries.find(major=cluster.major, data=cluster.home.parent)
            if os.getuid() == 0:
                binaries = pgbinaries.mirror(binaries, cluster.home / "programs")
            if cluster.major is None:
                pgcluster.create(cluster, binaries, lock=lock)
            self._server = pgcluster.start(cluster, binaries, lock=lock)
        finally:
            os.close(lock)
        self._await(self._server)
        seconds = round(time.monotonic() - began, 2)
        log.info("embedded_database_up", version=binaries.version, seconds=seconds, ended_before_with=status)

    def _await(self, server: subprocess.Popen[bytes]) -> None:
        while not self._answers() and not self._closing.is_set():
            if (status := server.poll()) is not None:
                raise pgfolder.explain_exit(self.cluster, status)
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.cluster.dsn, connect_timeout=2).close()
        except (psycopg.OperationalError, PasswordMissing):
            return False
        return True

    def _last_server_gone(self) -> int:
        """The locked `server.lock`: no process of an earlier server lives. Ends those that a busy query keeps alive."""
        for kind in (signal.SIGQUIT, signal.SIGKILL):
            for process in self._leftovers():
                with suppress(ProcessLookupError):
                    os.kill(process, kind)
            deadline = time.monotonic() + PATIENCE[kind]
            while time.monotonic() < deadline:
                if (lock := self._lock("server.lock")) is not None:
                    return lock
                time.sleep(0.02)
        raise EmbeddedError(reason="ein früherer Server arbeitet noch mit diesen Daten", log=self.cluster.log)

    def _leftovers(self) -> Iterator[int]:
        """Processes of an earlier server, on systems with /proc; elsewhere they are waited for."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                ours = self.cluster.mark.encode() in (process / "cmdline").read_bytes()
                if ours and (process / "comm").read_text() == "postgres\n":
                    yield int(process.name)

    def _lock(self, name: str) -> int | None:
        """The file, locked for as long as a copy of its descriptor is open anywhere; None when somebody has it."""
        descriptor = pgfolder.open_private(self.cluster, self.cluster.home / name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _stop(self) -> None:
        for kind, patience in PATIENCE.items():
            if self._server is None or self._server.poll() is not None:
                return
            self._server.send_signal(kind)
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(patience)
