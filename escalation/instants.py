"""Instants as whole microseconds since 1970 in UTC, and back.

Sums over wall-clock values go wrong at every clock change; sums over these numbers cannot. Each function that takes
a datetime from outside turns it into such a number first, and that is also where a naive one is refused.
"""

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = EPOCH.toordinal()

#: half-open stretch of time `[from, to)` in microseconds since the epoch
Span = tuple[int, int]


class NaiveInstant(ValueError):
    """A datetime without a UTC offset is not an instant."""


def micros(at: datetime) -> int:
    """Microseconds from the epoch to `at`; raises NaiveInstant when `at` carries no offset."""
    if at.utcoffset() is None:
        raise NaiveInstant(f"{at.isoformat()} has no UTC offset")
    return length(at - EPOCH)


def length(duration: timedelta) -> int:
    """The whole duration in microseconds (timedelta division goes through slower big-number paths)."""
    return (duration.days * 86_400 + duration.seconds) * SECOND + duration.microseconds


def instant(us: int) -> datetime:
    """The aware UTC datetime of a number made by `micros`."""
    return EPOCH + timedelta(microseconds=us)


def utc(at: datetime) -> datetime:
    """The same instant in UTC; raises NaiveInstant when `at` carries no offset."""
    if at.utcoffset() is None:
        raise NaiveInstant(f"{at.isoformat()} has no UTC offset")
    return at.astimezone(UTC)


def union(spans: list[Span]) -> list[Span]:
    """Ascending disjoint spans covering the same time; empty ones vanish, touching ones become one."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
