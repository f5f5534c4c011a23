"""The database: one pool, one transaction per edge, threads for the sync core.

No session state lives in a connection (`SET LOCAL` only, no session advisory locks), so a pooler in transaction mode
may stand in between (`prepare_threshold` 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from helpdesk.errors import DatabaseAway

T = TypeVar("T")

#: SQLSTATE classes that mean "run the same transaction again": serialisation failure, deadlock
TRY_AGAIN = ("40001", "40P01")


class Database:
    def __init__(self, url: str, *, pool_size: int = 8, prepare_threshold: int | None = 5) -> None:
        self.url = url
        self.info: dict[str, object] = {}  #: handed to every session; holds the `Context`
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,  # values are people's words and secrets; errors go to the log
            connect_args={"prepare_threshold": prepare_threshold or None, "connect_timeout": 5},
        )
        self._each = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._limiter: CapacityLimiter | None = None
        self._pool_size = pool_size

    def transaction(self) -> AbstractContextManager[Session]:
        """One transaction; commits at the end. Raises `DatabaseAway` when the database cannot be reached."""
        return self._session(self.engine)

    def statements(self) -> AbstractContextManager[Session]:
        """Every statement is a transaction of its own: no BEGIN and no COMMIT where nothing hangs together."""
        return self._session(self._each)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        session = Session(engine, expire_on_commit=False, autoflush=False, info=dict(self.info))
        try:
            with session, session.begin():
                yield session
        except (OperationalError, PoolTimeout) as error:
            if isinstance(error, OperationalError) and sqlstate(error) in TRY_AGAIN:
                raise
            raise DatabaseAway() from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseAway() from error
            raise

    def work(self, job: Callable[[Session], T], *, tries: int = 3) -> T:
        """Runs `job` in one transaction, again when the database says so (SQLSTATE class 40) or the connection was stale."""
        for left in reversed(range(tries)):
            try:
                with self.transaction() as session:
                    return job(session)
            except OperationalError as error:
                if not left or sqlstate(error) not in TRY_AGAIN:
                    raise DatabaseAway() from error
            except DatabaseAway as away:
                if not left or not _cut_off(away.__cause__):
                    raise
        raise AssertionError("unreachable")

    async def run(self, job: Callable[[Session], T]) -> T:
        """`work` in a thread; as many at once as the pool has connections."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._pool_size)
        return await anyio.to_thread.run_sync(self.work, job, limiter=self._limiter)

    def ready(self) -> bool:
        with self.transaction() as session:
            session.execute(text("SELECT 1"))
        return True

    def dispose(self) -> None:
        self.engine.dispose()


def _cut_off(error: BaseException | None) -> bool:
    """Whether the connection broke during a statement, as an old one does after the server was started anew.

    Nothing of that transaction is stored, so it may run again. A break during COMMIT names no statement: it may be
    stored, and only the caller knows what a repeat would do.
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated and error.statement is not None


def sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")
