"""What an escalation policy says: whom to page, in which order, with which waits (ENGINE §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Final

from escalation.calendar import Calendar, NeverOpensAgain
from escalation.chain import CATCH_ALL_STEP
from escalation.plain import Node, Refused
from escalation.windows import Windows

DAYS_7: Final = 7 * 24 * 60


class PolicyError(Refused):
    """Der Eskalationsplan ist unvollständig oder widersprüchlich."""


class TargetKind(StrEnum):
    ROTA = auto()  #: whoever is on duty when the step runs
    PERSON = auto()
    QUEUE = auto()  #: a team sees the incident, nobody is paged
    CATCH_ALL = auto()  #: the body's last resort; in no policy, asked for by the engine


@dataclass(frozen=True, kw_only=True)
class Target:
    kind: TargetKind
    ref: str


CATCH_ALL: Final = Target(kind=TargetKind.CATCH_ALL, ref="")


@dataclass(frozen=True, kw_only=True)
class TimeGate:
    """The step runs only inside these hours; outside it is passed over, or waits for the opening."""

    hours: Windows | Calendar
    wait: bool

    def opens_at(self, now: datetime) -> datetime | None:
        """`now`, if open; else the next opening. None when there is none."""
        if isinstance(self.hours, Windows):
            return self.hours.opens_at(now)
        try:
            return self.hours.next_open(now)
        except NeverOpensAgain:
            return None


@dataclass(frozen=True, kw_only=True)
class AlertsGate:
    """The step runs as soon as more alerts than that came in so short a time. This replaces the wait before it."""

    more_than: int
    within: timedelta

    def is_met(self, now: datetime, alerts: Iterable[datetime]) -> bool:
        return sum(now - self.within <= at <= now for at in alerts) > self.more_than


Gate = TimeGate | AlertsGate


@dataclass(frozen=True, kw_only=True)
class Step:
    """`delay` is the wait after this step before the next."""

    id: str
    targets: tuple[Target, ...]
    delay: timedelta
    each_must_acknowledge: bool = False
    only_if: Gate | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`repeat` is how often the list runs again after its first run; None is endless."""

    name: str
    repeat: int | None
    steps: tuple[Step, ...]
    ack_timeout: timedelta | None = None
    ack_reminder: timedelta | None = None
    close_after: timedelta | None = None

    @classmethod
    def parse(cls, data: Mapping[str, object], calendars: Mapping[str, Calendar] | None = None) -> Policy:
        """From the format of ENGINE §5.1; minutes become durations. `calendars` are those that gates may name.

        Raises `PolicyError`: `bad_repeat`, `bad_delay` (1 minute to 7 days), `bad_minutes`, `bad_target`, `no_targets`,
        `duplicate_id`, `bad_gate`, `unknown_calendar`, those of `Windows.parse`, and the shape errors `missing_key` ….
        """
        found = Node(value=data, error=PolicyError).table(
            required=("name", "repeat", "steps"), optional=("ack_timeout", "ack_reminder", "close_after")
        )
        steps: list[Step] = []
        for node in found["steps"].items():
            step = _step(node, calendars or {})
            if step.id in {other.id for other in steps} | {CATCH_ALL_STEP}:
                raise node.refused("duplicate_id", f"die Kennung „{step.id}“ ist schon vergeben")
            steps.append(step)
        return cls(
            name=found["name"].text(),
            repeat=_repeat(found["repeat"]),
            steps=tuple(steps),
            ack_timeout=_minutes(found.get("ack_timeout")),
            ack_reminder=_minutes(found.get("ack_reminder")),
            close_after=_minutes(found.get("close_after")),
        )

    def after(self, done: Sequence[str]) -> Step | None:
        """The step to run when these are behind us; None at the end of the list.

        The place is behind the last one that still stands in the list, so a deleted step is followed by the one now
        in its place. A step that was moved does not run twice.
        """
        ids = [step.id for step in self.steps]
        place = next((ids.index(step_id) + 1 for step_id in reversed(done) if step_id in ids), 0)
        return next((step for step in self.steps[place:] if step.id not in done), None)

    def step(self, step_id: str | None) -> Step | None:
        return next((step for step in self.steps if step.id == step_id), None)

    def may_repeat(self, repetition: int) -> bool:
        return self.repeat is None or repetition < self.repeat


def _step(node: Node, calendars: Mapping[str, Calendar]) -> Step:
    found = node.table(required=("id", "targets", "delay"), optional=("each_must_acknowledge", "only_if"))
    targets = tuple(_target(target) for target in found["targets"].items())
    if not targets:
        raise found["targets"].refused("no_targets", "eine Stufe ohne Ziel erreicht nie jemanden")
    must = found.get("each_must_acknowledge")
    return Step(
        id=found["id"].text(),
        targets=targets,
        delay=timedelta(minutes=found["delay"].whole(1, DAYS_7, "bad_delay")),
        each_must_acknowledge=must.flag() if must else False,
        only_if=_gate(found["only_if"], calendars) if "only_if" in found else None,
    )


def _gate(node: Node, calendars: Mapping[str, Calendar]) -> Gate:
    kinds = node.entries().keys() & {"windows", "calendar", "alerts"}
    if len(kinds) != 1:
        raise node.refused("bad_gate", "eine Bedingung ist genau eines von windows, calendar, alerts")
    if kinds == {"alerts"}:
        return _alerts_gate(node.table(required=("alerts",))["alerts"])
    found = node.table(required=("otherwise",), optional=kinds)
    if found["otherwise"].value not in ("skip", "wait"):
        raise found["otherwise"].refused("bad_gate", "hier wird skip oder wait erwartet")
    hours = Windows.read(found["windows"]) if "windows" in found else _calendar(found["calendar"], calendars)
    return TimeGate(hours=hours, wait=found["otherwise"].value == "wait")


def _alerts_gate(node: Node) -> AlertsGate:
    found = node.table(required=("more_than", "within"))
    return AlertsGate(
        more_than=found["more_than"].whole(0, 10**6),
        within=timedelta(minutes=found["within"].whole(1, DAYS_7, "bad_minutes")),
    )


def _calendar(node: Node, calendars: Mapping[str, Calendar]) -> Calendar:
    calendar = calendars.get(node.text())
    if calendar is None:
        raise node.refused("unknown_calendar", f"den Kalender „{node.value}“ gibt es nicht")
    return calendar


def _target(node: Node) -> Target:
    found = node.table(optional=("rota", "person", "queue"))
    if len(found) != 1:
        raise node.refused("bad_target", "ein Ziel ist genau eines von rota, person, queue")
    [(kind, ref)] = found.items()
    return Target(kind=TargetKind(kind), ref=ref.text())


def _repeat(node: Node) -> int | None:
    return None if node.value == "endless" else node.whole(0, 1000, "bad_repeat")


def _minutes(node: Node | None) -> timedelta | None:
    if node is None or node.value is None:
        return None
    return timedelta(minutes=node.whole(1, 366 * 24 * 60, "bad_minutes"))
