"""The whole API of escalation chains (ENGINE §5): a policy, one run of it, an engine pass, and what people may do.

`advance` is pure: the worker loads a chain, calls it, stores what comes back. The policy is the live one at each
call; the chain keeps only ids and instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from escalation.chain import (
    CATCH_ALL_STEP,
    Chain,
    ChainError,
    ChainState,
    Change,
    Hold,
    Move,
    Outcome,
    Why,
    acknowledge,
    close,
    give_back,
    hold,
    push,
    release,
    restart,
    step_failed,
    time_out,
)
from escalation.instants import utc
from escalation.steps import CATCH_ALL, AlertsGate, Policy, PolicyError, Step, Target, TargetKind
from escalation.walk import Advance, Alarm, LogCode, LogLine, Page, Reach, Walk, Who

__all__ = [
    "CATCH_ALL",
    "CATCH_ALL_STEP",
    "Advance",
    "Alarm",
    "Chain",
    "ChainError",
    "ChainState",
    "Change",
    "Hold",
    "LogCode",
    "LogLine",
    "Outcome",
    "Page",
    "Policy",
    "PolicyError",
    "Reach",
    "Step",
    "Target",
    "TargetKind",
    "Who",
    "Why",
    "acknowledge",
    "advance",
    "close",
    "escalate",
    "give_back",
    "hold",
    "release",
    "restart",
    "start",
    "step_failed",
    "time_out",
]

#: A step that runs later than this is marked late and counts its delay from now.
LATE: Final = timedelta(seconds=60)


def start(policy: Policy, now: datetime) -> Chain:
    """A new chain. Its first step is due at once; without steps nobody will be paged until one is added."""
    if not policy.steps:
        return Chain(state=ChainState.NO_STEPS, move=Move.FIRST)
    return Chain(state=ChainState.RUNNING, move=Move.FIRST, due_at=utc(now))


def escalate(policy: Policy, chain: Chain, now: datetime, seen: tuple[int, str] | None = None) -> Change:
    """By hand: the next step runs in the pass that follows at once, its delay counts from now.

    `seen` is (pass number, step) of the message that is answered; if the chain has moved since, nothing happens.
    """
    refusal = _refusal(policy, chain, now)
    if refusal is not None:
        return Change(chain=chain, outcome=Outcome.REFUSED, why=refusal)
    if seen is not None and seen != chain.position:
        return Change(chain=chain, outcome=Outcome.UNCHANGED, why=Why.ALREADY_ESCALATED)
    return push(chain, now)


def advance(policy: Policy, chain: Chain, now: datetime, who: Who, alerts: Sequence[datetime] = ()) -> Advance:
    """One engine pass: nothing before the due, else at most one step that reaches somebody.

    1. The move says where to begin: the next step, the current one again, or step 1.
    2. A step behind a closed gate is passed over or waited for. Steps that reach nobody are logged and passed without
       waiting; the first that reaches somebody ends the pass. Its delay counts from the due, so nothing drifts; from
       now, if the pass is more than a minute late.
    3. At the end of the list it runs again, or the chain is exhausted. A list that reached nobody at all pages the
       catch-all contact, raises one alarm, and waits the last delay.

    `alerts` are the instants at which alerts of this incident came in; only threshold gates read them.
    """
    now = utc(now)
    counted = _threshold(policy, chain)
    met = counted is not None and counted.is_met(now, alerts)
    added = chain.state is ChainState.NO_STEPS and policy.steps
    if not (added or met or chain.is_due(now)):
        return Advance(chain=chain)
    due = now if counted else chain.look_at or now
    late = now - due > LATE
    walk = Walk(policy=policy, who=who, late=late, now=now, base=now if late else due, alerts=alerts)
    return walk.run(chain)


def _threshold(policy: Policy, chain: Chain) -> AlertsGate | None:
    """The threshold that a waiting chain watches."""
    step = policy.step(chain.gated) if chain.state is ChainState.WAITING else None
    return step.only_if if step is not None and isinstance(step.only_if, AlertsGate) else None


def _refusal(policy: Policy, chain: Chain, now: datetime) -> Why | None:
    if chain.state is ChainState.CLOSED:
        return Why.CLOSED
    if not policy.steps:
        return Why.NO_STEPS
    lasts = chain.held_until is None or chain.held_until > now
    if chain.hold is Hold.MAINTENANCE and lasts:
        return Why.IN_MAINTENANCE
    return Why.CARRIED if chain.hold is Hold.CARRIED else None
