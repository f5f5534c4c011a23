"""How well people cover promised hours: spans with nobody, and how much that is (ENGINE §4.2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from escalation.calendar import Calendar
from escalation.instants import utc

#: Half-open, UTC.
Span = tuple[datetime, datetime]


class Coverage(NamedTuple):
    """Real seconds: promised altogether, and of those with nobody on duty."""

    total: float
    uncovered: float


def promised_spans(start: datetime, end: datetime, promised: Calendar | None) -> list[Span]:
    """The time in ``[start, end)`` that must be covered: the open time of a calendar, or all of it."""
    start, end = utc(start), utc(end)
    if end <= start:
        return []
    return list(promised.intervals(start, end)) if promised else [(start, end)]


def uncovered(needed: Iterable[Span], covered: Iterable[Span]) -> list[Span]:
    """What of `needed` is not in `covered`, as maximal spans. Both ascending, each disjoint. One second is a gap."""
    gaps: list[Span] = []
    present = iter(covered)
    current = next(present, None)
    for start, end in needed:
        while current and current[0] < end:
            if start < current[0]:
                gaps.append((start, current[0]))
            start = max(start, current[1])
            if current[1] > end:
                break
            current = next(present, None)
        if start < end:
            gaps.append((start, end))
    return list(_joined(gaps))


def measure(needed: Iterable[Span], gaps: Iterable[Span]) -> Coverage:
    return Coverage(_seconds(needed), _seconds(gaps))


def _seconds(spans: Iterable[Span]) -> float:
    return sum((end - start).total_seconds() for start, end in spans)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that touch made one."""
    before: Span | None = None
    for span in spans:
        if before and before[1] == span[0]:
            before = (before[0], span[1])
            continue
        if before:
            yield before
        before = span
    if before:
        yield before
