"""DATABASE_URL: read it as people write it, and say in words what is wrong with it before anything else starts."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from helpdesk.pgbinaries import OLDEST
from helpdesk.pgerrors import (
    DatabaseError,
    HostAway,
    NoSuchDatabase,
    NotUtf8,
    Refused,
    ServerTooOld,
    TooSlow,
    UnknownHost,
    UrlUnreadable,
    WrongPassword,
)

#: Seconds; a firewall that drops packets would otherwise hold the start for two minutes.
CONNECT_TIMEOUT = 5

#: libpq gives no SQLSTATE for a failed connection, only text in the server's language: English and German are known.
FAILURES: tuple[tuple[str, type[DatabaseError]], ...] = (
    (r"password authentication failed|passwort-authentifizierung|no password supplied", WrongPassword),
    (r'role ".*" does not exist|rolle ».*« existiert nicht', WrongPassword),
    (r'database ".*" does not exist|datenbank ».*« existiert nicht', NoSuchDatabase),
    (r"translate host name|failed to resolve|name or service not known|nodename nor servname", UnknownHost),
    (r"timeout expired|timed out", TooSlow),
    (r"connection refused|no such file|no route to host|unreachable|closed the connection unexpectedly", HostAway),
)


def sqlalchemy_url(text: str) -> URL:
    """`postgres://…`, `postgresql://…` and `postgresql+psycopg://…` mean the same. Raises UrlUnreadable."""
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise UrlUnreadable from None
    if url.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise UrlUnreadable
    return url.set(drivername="postgresql+psycopg")


def check_url(text: str) -> None:
    """Connect once. Raises a DatabaseError in words for the operator; none of them contains the password."""
    url = sqlalchemy_url(text)
    _, arguments = url.get_dialect()().create_connect_args(url)
    try:
        connection = psycopg.connect(**{"connect_timeout": CONNECT_TIMEOUT, "prepare_threshold": None, **arguments})
    except psycopg.OperationalError as error:
        raise _explain(url, str(error)) from None
    except psycopg.Error:  # an option that libpq does not know
        raise UrlUnreadable from None
    with connection:
        _check_server(url, connection)


def _check_server(url: URL, connection: psycopg.Connection) -> None:
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        raise ServerTooOld(address=_address(url), found=f"{version // 10_000}.{version % 10_000}", oldest=OLDEST)
    row = connection.execute("SHOW server_encoding").fetchone()
    if row is None or row[0] != "UTF8":
        names = {"address": _address(url), "database": connection.info.dbname, "user": connection.info.user}
        raise NotUtf8(found=row and row[0], **names)


def _explain(url: URL, message: str) -> DatabaseError:
    kind = next((kind for pattern, kind in FAILURES if re.search(pattern, message, re.IGNORECASE)), Refused)
    last = message.strip().splitlines()[-1] if message.strip() else "?"
    return kind(
        address=_address(url),
        user=url.username or "?",
        database=url.database or url.username or "?",
        seconds=CONNECT_TIMEOUT,
        reason=re.sub(r"^.*(FATAL|failed|error): *", "", last).rstrip("."),
    )


def _address(url: URL) -> str:
    host = url.host or url.query.get("host") or "localhost"
    if not isinstance(host, str):
        return ", ".join(host)
    return host if host.startswith("/") else f"{host}:{url.port or url.query.get('port') or 5432}"
