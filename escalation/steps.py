"""What an escalation policy says: whom to page, in which order, with which waits (ENGINE §5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, auto
from typing import Final

from escalation.chain import CATCH_ALL_STEP
from escalation.plain import Node, Refused

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
class Step:
    """`delay` is the wait after this step before the next."""

    id: str
    targets: tuple[Target, ...]
    delay: timedelta
    each_must_acknowledge: bool = False


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
    def parse(cls, data: Mapping[str, object]) -> Policy:
        """From the format of ENGINE §5.1; minutes become durations.

        Raises `PolicyError`: `bad_repeat`, `bad_delay` (1 minute to 7 days), `bad_minutes`, `bad_target`,
        `no_targets`, `duplicate_id`, and the shape errors `missing_key`, `unknown_key`, `not_a_text` ….
        """
        found = Node(value=data, error=PolicyError).table(
            required=("name", "repeat", "steps"), optional=("ack_timeout", "ack_reminder", "close_after")
        )
        steps: list[Step] = []
        for node in found["steps"].items():
            step = _step(node)
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


def _step(node: Node) -> Step:
    found = node.table(required=("id", "targets", "delay"), optional=("each_must_acknowledge", "only_if"))
    if "only_if" in found:
        raise found["only_if"].refused("not_supported", "Bedingungen an Stufen werden noch nicht ausgewertet")
    targets = tuple(_target(target) for target in found["targets"].items())
    if not targets:
        raise found["targets"].refused("no_targets", "eine Stufe ohne Ziel erreicht nie jemanden")
    must = found.get("each_must_acknowledge")
    return Step(
        id=found["id"].text(),
        targets=targets,
        delay=timedelta(minutes=found["delay"].whole(1, DAYS_7, "bad_delay")),
        each_must_acknowledge=must.flag() if must else False,
    )


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
