"""The engine: one case, the rulebook, an instant → one decision. The same question gives the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from escalation.case import Case, Clocked, Decision, Message, Pin, Rulebook
from escalation.paging import PlannedBy, plan
from escalation.policy import (
    CATCH_ALL,
    Advance,
    Chain,
    ChainState,
    Page,
    Policy,
    Reach,
    Target,
    TargetKind,
    advance,
    restart,
    start,
)
from escalation.routing import Route
from escalation.severity import Severity
from escalation.sla import Clocks, Outcome, repinned, replay


def decide(case: Case, rulebook: Rulebook, now: datetime) -> Decision:
    """1. severity 2. route 3. promise and clocks 4. warnings, breaches 5. chain and pages 6. when to look again."""
    computed = rulebook.matrix.decide(case.impact, case.urgency, case.overrides)
    severity = case.by_hand or computed.severity
    route = case.route or rulebook.rules.route(replace(case.facts, severity=severity))
    pin, changed = _pin(case, rulebook, severity)
    clocks = _clocks(case, pin, changed, now)
    policy_name, chain = _chain(case, rulebook, route, severity, now)
    step = _advance(rulebook, policy_name, chain, now)
    messages = tuple(_messages(step.pages, rulebook, severity, now))
    return Decision(
        severity=severity,
        computed=computed.severity,
        severity_reason=computed.reason(),
        emergency=computed.emergency,
        route=route,
        pin=pin,
        repinned=changed,
        clocks=clocks,
        warned=tuple(_warned(clocks, now, case.warned)),
        breached=tuple(_breached(clocks, case.breached)),
        policy=policy_name,
        chain=step.chain if chain else None,
        messages=messages,
        queues=step.queues,
        log=step.log,
        alarms=step.alarms,
        unreachable=tuple(page.person for page in step.pages if page.person not in {m.person for m in messages}),
        look_at=_look_at(clocks, step.chain if chain else None, now),
    )


def _pin(case: Case, rulebook: Rulebook, severity: Severity) -> tuple[Pin | None, bool]:
    """The pinned promise stays; only another severity takes another one, counted from the old start (ENGINE §2.3)."""
    fresh = case.pin is None and case.severity is None
    if not fresh and case.severity == severity:
        return case.pin, False
    return rulebook.pin(severity, case.facts.sender_role), not fresh


def _clocks(case: Case, pin: Pin | None, changed: bool, now: datetime) -> Clocks:
    first = case.pin or pin
    if first is None:
        return Clocks()
    ledger = case.ledger
    if changed:
        ledger = (*ledger, repinned(now, pin.target if pin else None, pin.calendar if pin else None))
    return replay(first.target, first.calendar, ledger, now)


def _warned(clocks: Clocks, now: datetime, known: frozenset[Clocked]) -> Iterator[Clocked]:
    for clock in clocks:
        mark = Clocked(kind=clock.kind, round=clock.round)
        if clock.is_running and mark not in known and any(at <= now for at in clock.warn_at):
            yield mark


def _breached(clocks: Clocks, known: frozenset[Clocked]) -> Iterator[Clocked]:
    """Late but done is a breach, whether or not a pass saw it open."""
    for clock in clocks:
        mark = Clocked(kind=clock.kind, round=clock.round)
        if clock.outcome is Outcome.BREACHED and mark not in known:
            yield mark


def _chain(
    case: Case, rulebook: Rulebook, route: Route, severity: Severity, now: datetime
) -> tuple[str | None, Chain | None]:
    """The chain that runs: a new one, the old one, or the old one turned to a policy that a raised severity brings."""
    wanted = route.policy if case.route is None else _policy_for(case, rulebook, severity) or case.policy
    policy = rulebook.policies.get(wanted) if wanted else None
    if case.chain is None:
        return (wanted, start(policy, now)) if policy and case.wants_chain else (wanted, None)
    raised = case.severity is not None and severity.rank < case.severity.rank
    if policy and wanted != case.policy and raised:
        return wanted, restart(case.chain, now).chain
    return case.policy, case.chain


def _policy_for(case: Case, rulebook: Rulebook, severity: Severity) -> str | None:
    """The policy that routing would give at this severity, when it has changed since the last look."""
    if case.severity is None or severity == case.severity:
        return None
    return rulebook.rules.route(replace(case.facts, severity=severity)).policy


def _advance(rulebook: Rulebook, name: str | None, chain: Chain | None, now: datetime) -> Advance:
    policy = rulebook.policies.get(name) if name else None
    if chain is None:
        return Advance(chain=Chain(state=ChainState.NO_STEPS))
    return advance(policy or Policy(name="", repeat=0, steps=()), chain, now, _Duty(rulebook=rulebook, now=now).who)


@dataclass(frozen=True, kw_only=True)
class _Duty:
    """Who stands behind a target at this instant."""

    rulebook: Rulebook
    now: datetime

    def who(self, target: Target) -> Sequence[Reach] | None:
        if target == CATCH_ALL:
            return self._reach([self.rulebook.last_resort] if self.rulebook.last_resort else [])
        if target.kind is TargetKind.ROTA:
            rota = self.rulebook.rotas.get(target.ref)
            return None if rota is None else self._reach(sorted(rota.on_duty(self.now)))
        if target.kind is TargetKind.PERSON:
            return self._reach([target.ref]) if target.ref in self.rulebook.people else None
        return [] if target.ref in self.rulebook.teams else None

    def _reach(self, handles: Sequence[str]) -> list[Reach]:
        people = (self.rulebook.people.get(handle) for handle in handles)
        return [
            Reach(person=person.handle, contact_points=tuple(point.id for point in person.points if point.usable))
            for person in people
            if person is not None
        ]


def _messages(pages: Sequence[Page], rulebook: Rulebook, severity: Severity, now: datetime) -> Iterator[Message]:
    """Each page by the person's own rules."""
    for page in pages:
        person = rulebook.people[page.person]
        for planned in plan(person.rules, person.points, severity, now):
            yield Message(
                person=person.handle,
                contact_point=planned.contact_point,
                at=planned.at,
                step_id=page.step_id,
                pass_number=page.pass_number,
                late=page.late,
                fallback=planned.why is PlannedBy.FALLBACK,
            )


def _look_at(clocks: Clocks, chain: Chain | None, now: datetime) -> datetime | None:
    """The earliest instant at which another answer is possible; always later than now."""
    instants = [clocks.next_look_at(now), chain.look_at if chain else None]
    return min((at for at in instants if at is not None and at > now), default=None)
