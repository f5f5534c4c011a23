"""What the engine reads, read once by the engine itself before it may be in force; and the names inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from escalation.calendar import Calendar, CalendarError
from escalation.policy import Policy, TargetKind
from escalation.rota import Rota
from escalation.routing import OPERATOR, UNKNOWN, Condition, Rule, RuleSet
from escalation.severity import Matrix, Severity
from escalation.targets import Target
from helpdesk.config.findings import Findings
from helpdesk.config.record import Kind, Record, Ref, State, table, tables, texts

#: severities that must reach a person
URGENT: Final = frozenset({Severity.S1.value, Severity.S2.value})
#: which thing a condition of a rule names
CONDITIONS: Final[Mapping[str, Kind]] = {
    "portal": Kind.PORTAL,
    "component": Kind.COMPONENT,
    "category": Kind.CATEGORY,
    "district": Kind.DISTRICT,
    "provider": Kind.ORGANISATION,
    "organisation": Kind.ORGANISATION,
    "operator": Kind.ORGANISATION,
    "calendar_open": Kind.CALENDAR,
    "calendar_closed": Kind.CALENDAR,
}
Calendars = Mapping[str, Calendar]
PARSERS: Final[Mapping[Kind, Callable[[Record, Calendars], object]]] = {
    Kind.SEVERITY: lambda content, _: Matrix.parse(content),
    Kind.TARGET: lambda content, _: Target.parse(content),
    Kind.POLICY: lambda content, calendars: Policy.parse(table(content, "policy"), calendars),
    Kind.ROTA: lambda content, _: Rota.parse(table(content, "rota")),
    Kind.RULES: lambda content, _: RuleSet.parse(tables(content, "rules")),
}


def check(state: State, findings: Findings) -> None:
    """The engine's own refusals, then the names that rules, policies and rotas use."""
    calendars = _calendars(state, findings)
    for ref, record in state.items():
        for calendar in _gates(ref, record):
            findings.need(ref, "steps", Ref(Kind.CALENDAR, calendar), state)
        parsed = _parsed(ref, record, calendars, findings)
        match parsed:
            case Policy():
                _policy(ref, parsed, state, findings)
            case Rota():
                for person in sorted(set(people_of(table(record, "rota")))):
                    findings.need(ref, "", Ref(Kind.PERSON, person), state)
            case RuleSet():
                for rule in parsed.rules:
                    _rule(ref, rule, state, findings)
            case _:
                pass


def _calendars(state: State, findings: Findings) -> Calendars:
    found: dict[str, Calendar] = {}
    for ref, record in state.items():
        if ref.kind is Kind.CALENDAR:
            try:
                found[ref.name] = Calendar.parse(table(record, "calendar"))
            except CalendarError as refused:
                findings.add(ref, _in_the_file(ref.kind, refused.where), refused.message)
    return found


def _parsed(ref: Ref, record: Record, calendars: Calendars, findings: Findings) -> object:
    parse = PARSERS.get(ref.kind)
    if parse is None:
        return None
    try:
        return parse(record, calendars)
    except ValueError as refused:
        where, message = getattr(refused, "where", ""), getattr(refused, "message", str(refused))
        findings.add(ref, _in_the_file(ref.kind, str(where)), message or str(refused))
        return None


def _in_the_file(kind: Kind, where: str) -> str:
    """The engine's place in what it read, as the place in the table that somebody wrote."""
    if kind is Kind.CALENDAR:
        return where.removeprefix("week.").replace("holiday_mode", "holidays")
    return where.removeprefix("rules") if kind is Kind.RULES else where


def _gates(ref: Ref, record: Record) -> Iterator[str]:
    """The calendars that a policy's gates name: told also when somebody takes the calendar away."""
    steps = tables(table(record, "policy"), "steps") if ref.kind is Kind.POLICY else []
    for step in steps:
        yield from texts(table(step, "only_if"), "calendar")


def _policy(ref: Ref, policy: Policy, state: State, findings: Findings) -> None:
    kinds = {TargetKind.ROTA: Kind.ROTA, TargetKind.PERSON: Kind.PERSON, TargetKind.QUEUE: Kind.TEAM}
    for step in policy.steps:
        for target in step.targets:
            findings.need(ref, f"steps.{step.id}", Ref(kinds[target.kind], target.ref), state)


def _rule(ref: Ref, rule: Rule, state: State, findings: Findings) -> None:
    place, then = f"{rule.id}", rule.then
    findings.need(ref, f"{place}.then.team", Ref(Kind.TEAM, then.team), state)
    findings.need(ref, f"{place}.then.level", Ref(Kind.LEVEL, then.level), state)
    if then.partner and then.partner != OPERATOR:
        findings.need(ref, f"{place}.then.partner", Ref(Kind.ORGANISATION, then.partner), state)
    for condition in rule.when:
        for needed in _named(condition):
            findings.need(ref, f"{place}.when.{condition.key}", needed, state)
    _reaches(ref, rule, state, findings)


def _named(condition: Condition) -> Iterator[Ref]:
    kind = CONDITIONS.get(condition.key)
    for value in condition.values:
        if condition.key == "ags" and value != UNKNOWN:
            yield Ref(Kind.ORGANISATION, f"ags-{value}")
        elif kind and value != UNKNOWN:
            yield Ref(kind, value)


def _reaches(ref: Ref, rule: Rule, state: State, findings: Findings) -> None:
    """S1 and S2 always end with a policy that has steps (ENGINE §3)."""
    policy = rule.then.policy
    named = Ref(Kind.POLICY, policy or "")
    if policy:
        findings.need(ref, f"{rule.id}.then.policy", named, state)
    asked = next((condition.values for condition in rule.when if condition.key == "severity"), None)
    if asked is not None and not URGENT & set(asked):
        return
    if not policy:
        findings.add(ref, f"{rule.id}.then", "kann S1 oder S2 treffen und nennt keinen Eskalationsplan (policy)")
    elif named in state and not table(state[named], "policy").get("steps"):
        words = f"kann S1 oder S2 treffen, und der Eskalationsplan „{policy}“ hat keine Stufen"
        findings.add(ref, f"{rule.id}.then.policy", words, about=named)


def people_of(rota: Record) -> Iterator[str]:
    """Everybody a rota names, in whatever place."""
    for rotation in [*table(rota, "rotations").values(), rota]:
        participants = rotation.get("participants") if isinstance(rotation, Mapping) else None
        for group in participants if isinstance(participants, list) else ():
            yield from [group] if isinstance(group, str) else group
    for layer in tables(rota, "layers"):
        yield from texts(table(layer, "target"), "user")
    for swap in tables(rota, "swaps"):
        yield from (*texts(swap, "from_user"), *texts(swap, "to_user"))
    for override in tables(rota, "overrides"):
        yield from (*texts(override, "remove"), *texts(override, "add"))
    for temporary in tables(rota, "temporary"):
        for shift in tables(temporary, "shifts"):
            yield from texts(shift, "user")
