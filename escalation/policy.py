"""The one function that runs the steps of an escalation policy (ENGINE §5.2, §5.5). This module is the whole API of §5.

`advance` is pure: the worker loads a chain, calls it, stores what comes back. The policy is the live one at each
call; the chain keeps only ids and instants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum, auto
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
from escalation.steps import CATCH_ALL, Policy, PolicyError, Step, Target, TargetKind

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


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A person that a target leads to, with the ids of the contact points that could be used now."""

    person: str
    contact_points: tuple[str, ...] = ()


#: Resolves a target at the instant of the step. An empty answer is "nobody on duty"; None is "no longer exists".
Who = Callable[[Target], Sequence[Reach] | None]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One person to be paged; which contact points and when is up to their own rules. `late`: the engine was down."""

    person: str
    step_id: str
    pass_number: int
    reason: str
    late: bool = False


class LogCode(StrEnum):
    RAN = auto()
    EMPTY = auto()  #: nobody on duty
    UNREACHABLE = auto()  #: nobody with a usable contact point
    MISSING_TARGET = auto()
    REPEATED = auto()
    EXHAUSTED = auto()
    NO_COVERAGE = auto()
    NO_STEPS = auto()


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of the chain's log; `text` is German and names no person's data but their name."""

    code: LogCode
    pass_number: int
    step_id: str | None
    text: str


class Alarm(StrEnum):
    """Raised once per chain, kept until somebody confirms it."""

    NO_COVERAGE = auto()  #: a whole list reached nobody
    CATCH_ALL_UNREACHABLE = auto()  #: … and neither was the catch-all contact reachable
    NO_STEPS = auto()  #: nobody will be paged


@dataclass(frozen=True, kw_only=True)
class Advance:
    """What one engine pass does with one chain. `queues` are the teams that now see the incident."""

    chain: Chain
    pages: tuple[Page, ...] = ()
    log: tuple[LogLine, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    queues: tuple[str, ...] = ()


def start(policy: Policy, now: datetime) -> Chain:
    """A new chain. Its first step is due at once; without steps nobody will be paged until one is added."""
    if not policy.steps:
        return Chain(state=ChainState.NO_STEPS, move=Move.FIRST)
    return Chain(state=ChainState.RUNNING, move=Move.FIRST, due_at=now)


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


def advance(policy: Policy, chain: Chain, now: datetime, who: Who) -> Advance:
    """One engine pass: nothing before the due, else at most one step that reaches somebody.

    1. The move says where to begin: the next step, the current one again, or step 1.
    2. Steps that reach nobody are logged and passed without waiting; the first that reaches somebody ends the pass.
       Its delay counts from the due, so nothing drifts; from now, if the pass is more than a minute late.
    3. At the end of the list it runs again, or the chain is exhausted. A list that reached nobody at all pages the
       catch-all contact, raises one alarm, and waits the last delay.
    """
    added = chain.state is ChainState.NO_STEPS and policy.steps
    if not added and not chain.is_due(now):
        return Advance(chain=chain)
    due = chain.look_at or now
    late = now - due > LATE
    walk = _Walk(policy=policy, who=who, late=late, now=now, base=now if late else due)
    return walk.run(chain)


@dataclass(kw_only=True)
class _Walk:
    """The steps of one pass, collecting what they lead to. `base` is the instant that the next delay counts from."""

    policy: Policy
    who: Who
    late: bool
    now: datetime
    base: datetime
    log: list[LogLine] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def run(self, chain: Chain) -> Advance:
        by_hand = chain.move is Move.BY_HAND
        chain, step = self._begin(chain)
        while True:
            while step is not None:
                chain = self._onto(chain, step)
                found = self._resolve(chain, step)
                if found.pages or found.queues:
                    return self._ran(chain, step, found)
                step = self.policy.after(chain.done)
            if not self.policy.steps or not (by_hand or chain.reached):
                break
            if not by_hand and not self.policy.may_repeat(chain.repetition):
                break
            by_hand = False
            chain = self._again_from_the_top(chain)
            step = self.policy.after(())
        return self._end(chain)

    def _begin(self, chain: Chain) -> tuple[Chain, Step | None]:
        """Apply the move: the chain as it enters this pass, and the first step to try."""
        free = replace(
            chain, state=ChainState.RUNNING, move=Move.FORWARD, gated=None, hold=None, held_until=None, awaited=()
        )
        current = chain.step_id
        match chain.move:
            case Move.FORWARD | Move.BY_HAND:
                return free, self.policy.after(free.done)
            case Move.AGAIN if current is not None and current != CATCH_ALL_STEP:
                before = tuple(step for step in free.done if step != current)
                reached = tuple(step for step in free.reached if step != current)
                free = replace(free, pass_number=free.pass_number + 1, ran_from=len(before), reached=reached)
                standing = self.policy.step(current)
                return (replace(free, done=before), standing) if standing else (free, self.policy.after(free.done))
            case _:
                number = free.pass_number + (1 if current else 0)
                fresh = replace(free, pass_number=number, done=(), ran_from=0, reached=())
                first = replace(fresh, repetition=0) if chain.move is Move.FIRST else fresh
                return first, self.policy.after(())

    def _onto(self, chain: Chain, step: Step) -> Chain:
        return replace(chain, done=(*chain.done, step.id), step_id=step.id, step_started_at=self.now)

    def _again_from_the_top(self, chain: Chain) -> Chain:
        chain = replace(
            chain,
            pass_number=chain.pass_number + 1,
            repetition=chain.repetition + 1,
            done=(),
            ran_from=0,
            reached=(),
        )
        self._note(LogCode.REPEATED, chain, f"Liste beginnt von vorn, Durchgang {chain.pass_number}")
        return chain

    def _resolve(self, chain: Chain, step: Step) -> _Found:
        """Who is reached by this step now. Each person once, however many targets lead there."""
        people: dict[str, tuple[Reach, str]] = {}
        queues: list[str] = []
        extra = (Target(kind=TargetKind.PERSON, ref=person) for person in chain.also)
        for target in (*step.targets, *extra):
            if target.kind is TargetKind.QUEUE:
                queues.append(target.ref)
                continue
            answer = self.who(target)
            if answer is None:
                self._note(LogCode.MISSING_TARGET, chain, f"{self._name(step)}: {_named(target)} gibt es nicht mehr")
            for reach in answer or ():
                if reach.person not in people or not people[reach.person][0].contact_points:
                    people[reach.person] = (reach, _named(target))
        pages = [self._page(chain, step.id, r, f"{self._name(step)}, {name}") for r, name in people.values()]
        found = _Found(pages=tuple(page for page in pages if page), queues=tuple(dict.fromkeys(queues)))
        self._log_unreached(chain, step, [reach for reach, _ in people.values()], found)
        return found

    def _page(self, chain: Chain, step_id: str, reach: Reach, reason: str) -> Page | None:
        if not reach.contact_points:
            return None
        return Page(person=reach.person, step_id=step_id, pass_number=chain.pass_number, reason=reason, late=self.late)

    def _log_unreached(self, chain: Chain, step: Step, people: Iterable[Reach], found: _Found) -> None:
        names = [reach.person for reach in people if not reach.contact_points]
        if names:
            self._note(LogCode.UNREACHABLE, chain, f"{self._name(step)}: nicht erreichbar: {', '.join(names)}")
        elif not found.pages and not found.queues:
            self._note(LogCode.EMPTY, chain, f"{self._name(step)}: niemand im Dienst")

    def _ran(self, chain: Chain, step: Step, found: _Found) -> Advance:
        names = ", ".join([*(page.person for page in found.pages), *found.queues])
        self._note(LogCode.RAN, chain, f"{self._name(step)}: {names}{' (verspätet)' if self.late else ''}")
        people = tuple(page.person for page in found.pages)
        chain = replace(
            chain,
            due_at=self.base + step.delay,
            reached=(*chain.reached, step.id),
            awaited=people if step.each_must_acknowledge else (),
            also=(),
        )
        return self._answer(chain, found)

    def _end(self, chain: Chain) -> Advance:
        """The list is through and does not run again, or nobody in it was reached."""
        if chain.reached and not self.policy.may_repeat(chain.repetition):
            self._note(LogCode.EXHAUSTED, chain, "alle Stufen ohne Reaktion durchlaufen")
            return self._answer(replace(chain, state=ChainState.EXHAUSTED, due_at=None, also=()))
        if not self.policy.steps:
            self._note(LogCode.NO_STEPS, chain, "der Eskalationsplan hat keine Stufen, niemand wird alarmiert")
            stopped = replace(chain, state=ChainState.NO_STEPS, move=Move.FIRST, due_at=None, also=())
            return self._answer(self._alarmed(stopped, Alarm.NO_STEPS))
        return self._nobody(chain)

    def _nobody(self, chain: Chain) -> Advance:
        """Silence is the worst fault: the catch-all contact is paged, and the operators hear of it once."""
        self._note(LogCode.NO_COVERAGE, chain, "keine Stufe hat jemanden erreicht, Auffangkontakt wird alarmiert")
        answer = self.who(CATCH_ALL) or ()
        pages = (self._page(chain, CATCH_ALL_STEP, reach, "Auffangkontakt: niemand im Dienst") for reach in answer)
        found = _Found(pages=tuple(page for page in pages if page))
        chain = self._alarmed(chain, Alarm.NO_COVERAGE)
        if not found.pages:
            chain = self._alarmed(chain, Alarm.CATCH_ALL_UNREACHABLE)
        chain = replace(
            chain,
            step_id=CATCH_ALL_STEP,
            due_at=self.base + self.policy.steps[-1].delay,
            reached=(CATCH_ALL_STEP,),
            also=(),
        )
        return self._answer(chain, found)

    def _alarmed(self, chain: Chain, alarm: Alarm) -> Chain:
        if alarm in chain.alarmed:
            return chain
        self.alarms.append(alarm)
        return replace(chain, alarmed=(*chain.alarmed, alarm.value))

    def _answer(self, chain: Chain, found: _Found | None = None) -> Advance:
        return Advance(
            chain=chain,
            pages=found.pages if found else (),
            queues=found.queues if found else (),
            log=tuple(self.log),
            alarms=tuple(self.alarms),
        )

    def _note(self, code: LogCode, chain: Chain, text: str) -> None:
        self.log.append(LogLine(code=code, pass_number=chain.pass_number, step_id=chain.step_id, text=text))

    def _name(self, step: Step) -> str:
        return f"Stufe {self.policy.steps.index(step) + 1}"


@dataclass(frozen=True, kw_only=True)
class _Found:
    pages: tuple[Page, ...] = ()
    queues: tuple[str, ...] = ()


def _refusal(policy: Policy, chain: Chain, now: datetime) -> Why | None:
    if chain.state is ChainState.CLOSED:
        return Why.CLOSED
    if not policy.steps:
        return Why.NO_STEPS
    lasts = chain.held_until is None or chain.held_until > now
    if chain.hold is Hold.MAINTENANCE and lasts:
        return Why.IN_MAINTENANCE
    return Why.CARRIED if chain.hold is Hold.CARRIED else None


def _named(target: Target) -> str:
    words = {TargetKind.ROTA: "Dienstplan", TargetKind.PERSON: "Person"}
    return f"{words.get(target.kind, target.kind)} {target.ref}"
