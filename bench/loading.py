"""Filling large tables without paying for every index and reference row by row: put aside, and made again at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, text

REFERENCES = text("""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS away,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS again
    FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables)
""")
INDEXES = text("""
    SELECT format('DROP INDEX %I', indexname) AS away, indexdef AS again
    FROM pg_indexes JOIN pg_index ON indexrelid = format('%I.%I', schemaname, indexname)::regclass
    WHERE tablename = ANY(:tables) AND schemaname = 'public' AND NOT indisunique
""")


@contextlib.contextmanager
def lightened(engine: Engine, tables: Sequence[str]) -> Iterator[None]:
    """Inside, these tables have no references and only their unique indexes."""
    with engine.begin() as connection:
        aside = [row for query in (REFERENCES, INDEXES) for row in connection.execute(query, {"tables": list(tables)})]
        _run(connection, [row.away for row in aside])
    yield
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        _run(connection, [row.again for row in reversed(aside)])


def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
