"""One process of an application on the embedded database, to be killed by tests.

    python -m tests.helpdesk.embedded_writer DATA NAME ACKNOWLEDGED

Opens the database, says so on standard output, then writes rows for ever. What PostgreSQL acknowledged goes to the file
ACKNOWLEDGED, a line "number seconds" each. Without a file it only holds the database open, as an idle application.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path

import psycopg
import structlog

from helpdesk import embedded
from helpdesk.embedded import Embedded


def main(data: str, name: str, acknowledged: str = "") -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for the test
    with embedded.open(Path(data)) as database:
        print("supervising" if database.supervising else "attached", flush=True)
        if acknowledged:
            write_for_ever(database, name, os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        sys.stdin.read()


def write_for_ever(database: Embedded, name: str, acknowledged: int) -> None:
    connection: psycopg.Connection | None = None
    for number in count():
        try:
            connection = connection or psycopg.connect(database.dsn, autocommit=True)
            connection.execute("INSERT INTO written VALUES (%s, %s)", (name, number))
        except psycopg.OperationalError:  # nobody knows about this row; only acknowledged ones are promised
            connection = None
            database.ensure(wait=60)
        else:
            os.write(acknowledged, f"{number} {time.monotonic()}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
