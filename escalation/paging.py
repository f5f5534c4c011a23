"""How one person is reached: their own rules, which contact points, when (ENGINE §6, first two bullets)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Final, NamedTuple

from escalation.instants import utc
from escalation.severity import Severity
from escalation.windows import Windows

#: Delayed messages of two cycles to one contact point, no further apart than this, are one message.
SAME: Final = timedelta(seconds=60)
#: These wait for the end of a person's quiet hours; S1 and S2 never do.
QUIET: Final = frozenset({Severity.S3, Severity.S4})


@dataclass(frozen=True, kw_only=True)
class ContactPoint:
    """One phone, mailbox or messenger of a person. `kind` as in `helpdesk.channel.Address`."""

    id: str
    kind: str
    verified: bool
    enabled: bool = True

    @property
    def usable(self) -> bool:
        return self.verified and self.enabled


@dataclass(frozen=True, kw_only=True)
class PersonalRule:
    """For these severities, write to this contact point so long after the step ran."""

    severities: frozenset[Severity]
    contact_point: str
    delay: timedelta = timedelta()


class PlannedBy(StrEnum):
    RULE = auto()
    FALLBACK = auto()  #: no rule fits; the owner of the rota is told


class Planned(NamedTuple):
    at: datetime
    contact_point: str
    why: PlannedBy


def plan(
    rules: Sequence[PersonalRule],
    points: Iterable[ContactPoint],
    severity: Severity,
    cycle_start: datetime,
    *,
    quiet: Windows | None = None,
    waiting: Sequence[Planned] = (),
) -> tuple[Planned, ...]:
    """The messages of one cycle, which a step run starts, by time, then in the order of the rules.

    Only verified, enabled contact points are used. If no rule fits, all of those at once; if there are none, the
    person is unreachable and the answer is empty. `quiet` are the person's quiet hours, `waiting` what earlier cycles
    of the same person and incident still have to send.
    """
    start = utc(cycle_start)
    usable = [point.id for point in points if point.usable]
    by_rule = [
        Planned(start + rule.delay, rule.contact_point, PlannedBy.RULE)
        for rule in rules
        if severity in rule.severities and rule.contact_point in usable
    ]
    chosen = by_rule or [Planned(start, point, PlannedBy.FALLBACK) for point in usable]
    held = (message._replace(at=_held(message.at, severity, quiet)) for message in chosen)
    once = dict.fromkeys(sorted(held, key=lambda message: message.at))
    return tuple(message for message in once if message.at == start or not _repeats(message, waiting))


def _held(at: datetime, severity: Severity, quiet: Windows | None) -> datetime:
    """Quiet hours without an end hold nothing: a page must not vanish."""
    if quiet is None or severity not in QUIET:
        return at
    return quiet.closes_at(at) or at


def _repeats(message: Planned, waiting: Sequence[Planned]) -> bool:
    return any(other.contact_point == message.contact_point and abs(other.at - message.at) <= SAME for other in waiting)
