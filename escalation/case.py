"""What `decide` is asked, and what it answers: plain values, one case at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from escalation.calendar import Calendar
from escalation.paging import ContactPoint, PersonalRule
from escalation.policy import Alarm, Chain, LogLine, Policy
from escalation.rota import Rota
from escalation.routing import Facts, Route, RuleSet
from escalation.severity import Impact, Matrix, Override, Severity, Urgency
from escalation.sla import Clocks, SlaEvent, Target


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A promise as a ticket holds it: target and calendar, each as the version it started with."""

    target: Target
    calendar: Calendar
    target_version: int
    calendar_version: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can be on duty. `points` and `rules` say how they are reached."""

    handle: str
    points: tuple[ContactPoint, ...] = ()
    rules: tuple[PersonalRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """Everything that is in force at one moment. Parsed once per version and kept."""

    matrix: Matrix
    rules: RuleSet
    rules_version: int
    pins: Mapping[str, Pin]  #: by "S2" and, narrower for a sender role, "S2.municipality"
    calendars: Mapping[str, Calendar]
    policies: Mapping[str, Policy]
    rotas: Mapping[str, Rota]
    people: Mapping[str, Person]
    teams: frozenset[str]
    last_resort: str | None = None  #: handle of the catch-all contact

    def pin(self, severity: Severity, sender_role: str | None) -> Pin | None:
        """The promise for this severity; the narrower one of a sender role wins (ENGINE §2.1)."""
        return self.pins.get(f"{severity}.{sender_role}") or self.pins.get(severity)


@dataclass(frozen=True, kw_only=True)
class Clocked:
    """A threshold that has been acted on: this clock, in this round."""

    kind: str
    round: int


@dataclass(frozen=True, kw_only=True)
class Case:
    """One ticket as the engine sees it. None where the core has nothing yet."""

    facts: Facts
    impact: Impact | None = None
    urgency: Urgency | None = None
    overrides: frozenset[Override] = frozenset()
    by_hand: Severity | None = None  #: severity set by a person, stays until changed by a person
    severity: Severity | None = None  #: as of the last look
    route: Route | None = None  #: kept once made; None = route (again)
    pin: Pin | None = None
    ledger: tuple[SlaEvent, ...]
    warned: frozenset[Clocked] = frozenset()
    breached: frozenset[Clocked] = frozenset()
    policy: str | None = None
    chain: Chain | None = None
    wants_chain: bool = True  #: open and nobody has taken it


@dataclass(frozen=True, kw_only=True)
class Message:
    """One alert to one contact point of one person, at an instant that may lie ahead."""

    person: str
    contact_point: str
    at: datetime
    step_id: str
    pass_number: int
    late: bool
    fallback: bool  #: none of the person's rules fits; all their contact points are used


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What must hold now, and when to look again. The core writes it down; nothing here has happened yet."""

    severity: Severity
    computed: Severity
    severity_reason: str
    emergency: bool
    route: Route
    pin: Pin | None
    repinned: bool  #: the promise changed with the severity: the core adds a line to the ledger
    clocks: Clocks
    warned: tuple[Clocked, ...] = ()
    breached: tuple[Clocked, ...] = ()
    policy: str | None = None
    chain: Chain | None = None
    messages: tuple[Message, ...] = ()
    queues: tuple[str, ...] = ()
    log: tuple[LogLine, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    unreachable: tuple[str, ...] = field(default=())
    look_at: datetime | None = None
