"""Routing: one ordered list of rules, the first that matches wins, and the answer says why (ENGINE §3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final, assert_never

from escalation.plain import Node, Refused

#: The value of a condition that holds when the fact is not known.
UNKNOWN: Final = "unknown"
#: As partner of a rule: whoever operates the service, else the component.
OPERATOR: Final = "operator"


class RoutingError(Refused):
    """Die Zuordnungsregeln sind unvollständig oder widersprüchlich."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about a ticket when it is routed; None is "not known".

    `service` is a LeiKa key, `ags` eight digits, `district` five. `open` says of each service calendar whether it is
    open at that instant. `operator` is derived: who operates the service, else the component.
    """

    portal: str | None = None
    component: str | None = None
    service: str | None = None
    category: str | None = None
    kind: str | None = None
    sender_role: str | None = None
    ags: str | None = None
    district: str | None = None
    provider: str | None = None
    severity: str | None = None
    language: str | None = None
    channel: str | None = None
    organisation: str | None = None
    operator: str | None = None
    text: str | None = field(default=None, repr=False)
    open: Mapping[str, bool] = field(default_factory=dict)


class Special(StrEnum):
    """Conditions that are more than "the fact is one of these"."""

    TEXT = "text"  #: one of these words or phrases occurs
    CALENDAR_OPEN = "calendar_open"  #: at least one of these calendars is open
    CALENDAR_CLOSED = "calendar_closed"  #: all of these calendars are known and closed


#: Conditions by equality, with the word that the reason shows.
EQUAL: Final[Mapping[str, str]] = {
    "portal": "Portal",
    "component": "Baustein",
    "service": "Leistung",
    "category": "Kategorie",
    "kind": "Art",
    "sender_role": "Absender",
    "ags": "Kommune",
    "district": "Kreis",
    "provider": "IT-Dienstleister",
    "severity": "Schweregrad",
    "language": "Sprache",
    "channel": "Kanal",
    "organisation": "Organisation",
    "operator": "Betreiber",
}
SHOWN: Final[Mapping[str, str]] = {
    **EQUAL,
    Special.TEXT: "Text enthält",
    Special.CALENDAR_OPEN: "geöffnet",
    Special.CALENDAR_CLOSED: "geschlossen",
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One line of a rule: this fact is one of these values."""

    key: str
    values: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...] = ()

    def holds(self, facts: Facts, folded: str) -> str | None:
        """What made it hold, for the reason; None when it does not. `folded` is the text as `fold` gives it."""
        if self.key in EQUAL:
            value: object = getattr(facts, self.key)
            found = UNKNOWN if value is None else str(value)
            return found if found in self.values else None
        match Special(self.key):
            case Special.TEXT:
                hits = (word for word, seen in zip(self.values, self.patterns, strict=True) if seen.search(folded))
                return next((f"„{word}“" for word in hits), None)
            case Special.CALENDAR_OPEN:
                return next((calendar for calendar in self.values if facts.open.get(calendar)), None)
            case Special.CALENDAR_CLOSED:
                return ", ".join(self.values) if all(facts.open.get(c) is False for c in self.values) else None
            case never:
                assert_never(never)

    def implies(self, other: Condition) -> bool:
        """Whether `other` holds whenever this one does, as far as the lists of values can tell."""
        if self.key != other.key:
            return False
        narrow, wide = set(self.values), set(other.values)
        return narrow >= wide if self.key == Special.CALENDAR_CLOSED else narrow <= wide


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a rule gives: who gets the ticket, who helps technically, which promise and which chain."""

    team: str
    level: str
    partner: str | None = None
    sla_policy: str | None = None
    policy: str | None = None
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    id: str
    name: str
    when: tuple[Condition, ...]
    then: Result

    def failed(self, facts: Facts, folded: str) -> str | None:
        """The key of the first condition that does not hold; None when all do."""
        return next((c.key for c in self.when if c.holds(facts, folded) is None), None)

    def covers(self, later: Rule) -> bool:
        """Whether `later` could never win behind this rule, since each condition here is implied by one there."""
        return all(any(theirs.implies(ours) for theirs in later.when) for ours in self.when)


@dataclass(frozen=True, kw_only=True)
class Route(Result):
    """The result for one ticket, with the rule that won and, for each earlier rule, the first condition that failed."""

    rule_id: str
    reason: str
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """A checked, ordered list of rules whose last one takes whatever is left."""

    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, data: Sequence[Mapping[str, object]]) -> RuleSet:
        """From a list of ``{"id", "name", "when": {condition: value | [values]}, "then": {…}}``.

        Raises `RoutingError`: `no_catch_all`, `unreachable` (an earlier rule takes all that this one could),
        `duplicate_id`, `empty_condition`, and the shape errors `missing_key`, `unknown_key`, `not_a_text` ….
        """
        nodes = Node(value=data, where="rules", error=RoutingError).items()
        rules: list[Rule] = []
        for node in nodes:
            rule = _rule(node)
            _check_place(rule, rules, node)
            rules.append(rule)
        if not rules or rules[-1].when:
            raise RoutingError("no_catch_all", "rules", "die letzte Regel muss ohne Bedingungen alles Übrige auffangen")
        return cls(rules=tuple(rules))

    def route(self, facts: Facts) -> Route:
        """The first matching rule's result. There always is one."""
        folded = fold(facts.text or "") if self._reads_text else ""
        skipped: list[tuple[str, str]] = []
        for rule in self.rules:
            failed = rule.failed(facts, folded)
            if failed is None:
                return _route(rule, facts, folded, tuple(skipped))
            skipped.append((rule.id, failed))
        raise AssertionError("a rule set without a catch-all cannot be parsed")

    @property
    def _reads_text(self) -> bool:
        return any(condition.patterns for rule in self.rules for condition in rule.when)


def fold(text: str) -> str:
    """Text as conditions compare it: one form of each umlaut, no case, ``ß`` like ``ss``."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _route(rule: Rule, facts: Facts, folded: str, skipped: tuple[tuple[str, str], ...]) -> Route:
    then = rule.then
    return Route(
        team=then.team,
        level=then.level,
        partner=facts.operator if then.partner == OPERATOR else then.partner,
        sla_policy=then.sla_policy,
        policy=then.policy,
        skills=then.skills,
        rule_id=rule.id,
        reason=_reason(rule, facts, folded),
        skipped=skipped,
    )


def _reason(rule: Rule, facts: Facts, folded: str) -> str:
    """``Regel „Bezahlung“: Baustein epayment, Schweregrad S1``."""
    if not rule.when:
        return f"Regel „{rule.name}“: keine frühere Regel passt"
    return f"Regel „{rule.name}“: " + ", ".join(f"{SHOWN[c.key]} {c.holds(facts, folded)}" for c in rule.when)


def _rule(node: Node) -> Rule:
    found = node.table(required=("id", "name", "then"), optional=("when",))
    when = found["when"].table(optional=SHOWN) if "when" in found else {}
    return Rule(
        id=found["id"].text(),
        name=found["name"].text(),
        when=tuple(_condition(key, value) for key, value in when.items()),
        then=_result(found["then"]),
    )


def _condition(key: str, node: Node) -> Condition:
    values = node.texts()
    if not values:
        raise node.refused("empty_condition", "eine Bedingung ohne Werte kann nie zutreffen")
    patterns = tuple(_pattern(value, node) for value in values) if key == Special.TEXT else ()
    return Condition(key=key, values=values, patterns=patterns)


def _pattern(phrase: str, node: Node) -> re.Pattern[str]:
    """Whole words in this order; a ``*`` at an end leaves that end open (German compounds: ``*ausfall``)."""
    words = fold(phrase).strip("*").split()
    if not words:
        raise node.refused("empty_condition", "hier wird mindestens ein Wort erwartet")
    start = "" if phrase.startswith("*") else r"(?<!\w)"
    end = "" if phrase.endswith("*") else r"(?!\w)"
    return re.compile(start + r"\s+".join(map(re.escape, words)) + end)


def _result(node: Node) -> Result:
    found = node.table(required=("team", "level"), optional=[f.name for f in fields(Result)])
    optional = {key: found[key].text() for key in ("partner", "sla_policy", "policy") if key in found}
    return Result(
        team=found["team"].text(),
        level=found["level"].text(),
        partner=optional.get("partner"),
        sla_policy=optional.get("sla_policy"),
        policy=optional.get("policy"),
        skills=found["skills"].texts() if "skills" in found else (),
    )


def _check_place(rule: Rule, earlier: Iterable[Rule], node: Node) -> None:
    for other in earlier:
        if other.id == rule.id:
            raise node.refused("duplicate_id", f"die Kennung „{rule.id}“ gibt es schon")
        if other.covers(rule):
            raise node.refused("unreachable", f"„{rule.name}“ kommt nie zum Zug: „{other.name}“ greift vorher")
