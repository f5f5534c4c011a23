"""How often something may be done: the generic cell rate algorithm (GCRA) in one statement, exact over all processes.

A key may come `count` times at once, and from then on once every `per / count`. Real database time, not the test clock.
"""

from __future__ import annotations

import math
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from helpdesk.errors import TooMany

#: `arrival_at` is the theoretical arrival time: when the bucket of this key is empty again
TAKE = text("""
    INSERT INTO rate_limit AS kept (key, arrival_at) VALUES (:key, clock_timestamp() + :each)
    ON CONFLICT (key) DO UPDATE SET arrival_at = greatest(kept.arrival_at, clock_timestamp()) + :each
        WHERE kept.arrival_at <= clock_timestamp() + :slack
    RETURNING arrival_at
""")
WAIT = text("SELECT extract(epoch FROM arrival_at - :slack - clock_timestamp()) FROM rate_limit WHERE key = :key")


def allow(session: Session, key: str, *, count: int, per: timedelta) -> None:
    """Counts one use of `key`. Raises `TooMany` with the seconds to wait; a refused use is not counted.

    The count stands when the transaction commits: who must count failures catches them inside it. The row stays locked
    until then, so uses of one key at the same moment come one after the other.
    """
    each = per / count
    values = {"key": key, "each": each, "slack": per - each}
    if session.execute(TAKE, values).one_or_none() is None:
        wait = session.execute(WAIT, {"key": key, "slack": per - each}).scalar_one()
        raise TooMany(retry_after=max(1, math.ceil(wait)))


SWEEP = text("""
    WITH gone AS (DELETE FROM rate_limit WHERE arrival_at < clock_timestamp() - interval '1 day' RETURNING 1)
    SELECT count(*) FROM gone
""")


def sweep(session: Session) -> int:
    """Forgets keys that have long been free again; how many. Once a day is enough."""
    return int(session.execute(SWEEP).scalar_one())
