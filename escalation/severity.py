"""Severity: impact × urgency by matrix, then the overrides in a fixed order (ENGINE §3).

What a monitoring system or a person calls severity is an input to somebody's judgement, never read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from escalation.plain import Node, Refused


class Impact(StrEnum):
    """Auswirkung: how many are hit."""

    LAND = "land"
    MEHRERE = "mehrere"
    KOMMUNE = "kommune"
    EINZELN = "einzeln"


class Urgency(StrEnum):
    """Dringlichkeit: how long it can wait."""

    HOCH = "hoch"
    MITTEL = "mittel"
    NIEDRIG = "niedrig"


class Severity(StrEnum):
    """Schweregrad. S1 is the highest; `rank` is for comparing and sorting, highest first."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"

    @property
    def rank(self) -> int:
        return int(self.value[1:])

    def is_at_least(self, other: Severity) -> bool:
        """Whether this is as severe as `other` or more: S1 is at least S2."""
        return self.rank <= other.rank

    def at_least(self, floor: Severity) -> Severity:
        """The more severe of the two."""
        return self if self.is_at_least(floor) else floor

    def raised(self, steps: int) -> Severity:
        """So many steps more severe, S1 at most."""
        return Severity(f"S{max(1, self.rank - steps)}")


class Override(StrEnum):
    """Facts that overrule the matrix, in the order in which they apply."""

    FRIST24H = "frist24h"  #: a deadline within 24 h and no other way
    SICHERHEIT_AKTIV = "sicherheit_aktiv"  #: an attack that goes on
    DATENPANNE = "datenpanne"  #: a personal data breach
    BEDROHUNG = "bedrohung"  #: a threat against people
    NOTLAGE = "notlage"  #: danger to life: also the text with 112 and 110, and the shift lead


WORDS: Final[Mapping[Override, str]] = {
    Override.FRIST24H: "Frist in 24 h",
    Override.SICHERHEIT_AKTIV: "laufender Angriff",
    Override.DATENPANNE: "Datenpanne",
    Override.BEDROHUNG: "Bedrohung",
    Override.NOTLAGE: "Notlage",
}
#: What stands for "not known": one person hindered. Never lower, or an unread message would look harmless.
UNKNOWN_IMPACT: Final = Impact.EINZELN
UNKNOWN_URGENCY: Final = Urgency.MITTEL
#: Provenance that seed files carry beside the values; no part of the rule.
NOTES: Final = ("basis", "source")


class SeverityError(Refused):
    """Die Schweregrad-Regel ist unvollständig oder widersprüchlich."""


@dataclass(frozen=True, kw_only=True)
class Lift:
    """What an override does: go up `steps`, or be at least `floor`. Exactly one of them is set."""

    steps: int = 0
    floor: Severity | None = None

    def of(self, severity: Severity) -> Severity:
        return severity.at_least(self.floor) if self.floor else severity.raised(self.steps)

    def __str__(self) -> str:
        return f"mindestens {self.floor}" if self.floor else f"+{self.steps}"


@dataclass(frozen=True, kw_only=True)
class Applied:
    """One override that was among the facts, and the severity after it (perhaps the same as before)."""

    override: Override
    lift: Lift
    severity: Severity


@dataclass(frozen=True, kw_only=True)
class SeverityResult:
    """The computed severity and all it rests on. `impact` and `urgency` are those used, `assumed` the unknown."""

    severity: Severity
    base: Severity
    applied: tuple[Applied, ...]
    impact: Impact
    urgency: Urgency
    assumed: frozenset[str] = frozenset()

    @property
    def emergency(self) -> bool:
        """Whether the sender must at once be shown 112 and 110, and the shift lead be told."""
        return any(step.override is Override.NOTLAGE for step in self.applied)

    def reason(self) -> str:
        """German, one line: ``Auswirkung kommune × Dringlichkeit hoch = S2; Frist in 24 h: +1 → S1``."""
        impact = f"{self.impact}{' (angenommen)' if 'impact' in self.assumed else ''}"
        urgency = f"{self.urgency}{' (angenommen)' if 'urgency' in self.assumed else ''}"
        first = f"Auswirkung {impact} × Dringlichkeit {urgency} = {self.base}"
        return "; ".join([first, *(f"{WORDS[s.override]}: {s.lift} → {s.severity}" for s in self.applied)])


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A complete rule: every impact × urgency, every override."""

    cells: Mapping[tuple[Impact, Urgency], Severity]
    lifts: Mapping[Override, Lift]

    @classmethod
    def parse(cls, data: Mapping[str, object]) -> Matrix:
        """From ``{"matrix": {impact: {urgency: "S1"}}, "overrides": {name: "+1" | "S2"}}``.

        Raises `SeverityError`: `missing_key` (incomplete), `unknown_key`, `bad_severity`, `bad_override`.
        """
        root = Node(value=data, error=SeverityError).table(required=("matrix", "overrides"))
        rows = root["matrix"].table(required=Impact, optional=NOTES)
        lifts = root["overrides"].table(required=Override, optional=NOTES)
        columns = {impact: rows[impact].table(required=Urgency) for impact in Impact}
        return cls(
            cells={(impact, urgency): _severity(columns[impact][urgency]) for impact in Impact for urgency in Urgency},
            lifts={override: _lift(lifts[override]) for override in Override},
        )

    def decide(
        self, impact: Impact | None, urgency: Urgency | None, overrides: Set[Override] = frozenset()
    ) -> SeverityResult:
        """The severity of these facts; None is "not known"."""
        known = {"impact": impact, "urgency": urgency}
        impact, urgency = impact or UNKNOWN_IMPACT, urgency or UNKNOWN_URGENCY
        base = severity = self.cells[impact, urgency]
        applied: list[Applied] = []
        for override in Override:  # the order of the rule, not of the facts
            if override in overrides:
                severity = self.lifts[override].of(severity)
                applied.append(Applied(override=override, lift=self.lifts[override], severity=severity))
        return SeverityResult(
            severity=severity,
            base=base,
            applied=tuple(applied),
            impact=impact,
            urgency=urgency,
            assumed=frozenset(name for name, value in known.items() if value is None),
        )


def _severity(node: Node) -> Severity:
    try:
        return Severity(node.text())
    except ValueError as wrong:
        if isinstance(wrong, Refused):
            raise
        raise node.refused("bad_severity", f"„{node.value}“ ist kein Schweregrad (S1 bis S4)") from None


def _lift(node: Node) -> Lift:
    if node.value in ("+1", "+2", "+3"):
        return Lift(steps=int(node.text()))
    try:
        return Lift(floor=_severity(node))
    except SeverityError:
        raise node.refused("bad_override", "hier wird S1 bis S4 (mindestens) oder +1 bis +3 erwartet") from None
