"""Time is the database's: one instant per transaction. Host clocks never decide anything."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

NOW = text("SELECT helpdesk_now()")

#: the test clock: transaction time plus an offset, or a frozen instant; both kept in a table so that all processes see it
TEST_CLOCK = """
CREATE TABLE IF NOT EXISTS test_clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), shift interval, frozen timestamptz);
INSERT INTO test_clock DEFAULT VALUES ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION helpdesk_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT coalesce(frozen, transaction_timestamp() + coalesce(shift, '0')) FROM test_clock $$;
"""


def now(session: Session) -> datetime:
    """The instant of this transaction, aware, UTC; asked once, then remembered for the transaction."""
    known = session.info.get("now")
    if isinstance(known, datetime):
        return known
    return remember(session, session.execute(NOW).scalar_one())


def remember(session: Session, instant: datetime) -> datetime:
    """For statements that return `helpdesk_now()` along with something else: saves asking."""
    instant = instant.astimezone(UTC)
    session.info["now"] = instant
    return instant


def install_test_clock(connection: Connection) -> None:
    """Replaces `helpdesk_now()`. The caller checks that this is allowed (`HELPDESK_TEST_CLOCK=1`, or the demo's filling)."""
    connection.execute(text(TEST_CLOCK))


def freeze(session: Session, instant: datetime | None) -> None:
    session.execute(text("UPDATE test_clock SET frozen = :instant, shift = NULL"), {"instant": instant})
    session.info.pop("now", None)
