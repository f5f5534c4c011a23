"""The steps of one engine pass over one chain, and what they lead to (ENGINE §5.2, §5.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum, auto

from escalation.chain import CATCH_ALL_STEP, Chain, ChainState, Move
from escalation.steps import CATCH_ALL, AlertsGate, Policy, Step, Target, TargetKind


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
    GATE_CLOSED = auto()  #: passed over, like an empty one
    WAITS = auto()  #: a gate holds it back
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


@dataclass(kw_only=True)
class Walk:
    """The steps of one pass, collecting what they lead to. `base` is the instant that the next delay counts from."""

    policy: Policy
    who: Who
    late: bool
    now: datetime
    base: datetime
    alerts: Sequence[datetime]
    log: list[LogLine] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def run(self, chain: Chain) -> Advance:
        by_hand, waited_for = chain.move is Move.BY_HAND, chain.gated
        chain, step = self._begin(chain)
        forced = step.id if step is not None and by_hand else None
        while True:
            while step is not None:
                opens = self.now if step.id == forced else self._opens_at(step, waited_for)
                if opens is not None and opens > self.now:
                    return self._wait(chain, step, opens, waited_for)
                chain = self._onto(chain, step)
                found = self._resolve(chain, step) if opens is not None else self._passed_over(chain, step)
                if found.pages or found.queues:
                    return self._ran(chain, step, found)
                step = self.policy.after(chain.done)
            if not self._runs_again(chain, by_hand):
                return self._end(chain)
            by_hand = False
            chain = self._again_from_the_top(chain)
            step = self.policy.after(())

    def _runs_again(self, chain: Chain, by_hand: bool) -> bool:
        """Whether the list starts over: by hand always; else if it reached somebody and repetitions are left."""
        if not self.policy.steps:
            return False
        return by_hand or (bool(chain.reached) and self.policy.may_repeat(chain.repetition))

    def _opens_at(self, step: Step, waited_for: str | None) -> datetime | None:
        """When the step may run: now, later (then it is waited for), or None: it is passed over."""
        gate = step.only_if
        if gate is None:
            return self.now
        if isinstance(gate, AlertsGate):
            return self.now if gate.is_met(self.now, self.alerts) else self.now + gate.within
        if gate.wait and step.id == waited_for:
            return self.now  # its opening came; were the pass late and the gate shut again, it still runs, once
        opens = gate.opens_at(self.now)
        return opens if gate.wait or opens == self.now else None

    def _wait(self, chain: Chain, step: Step, until: datetime, waited_for: str | None) -> Advance:
        if step.id != waited_for:
            self._note(LogCode.WAITS, chain, f"{self._name(step)} wartet auf ihre Bedingung")
        return self._answer(replace(chain, state=ChainState.WAITING, due_at=until, gated=step.id))

    def _passed_over(self, chain: Chain, step: Step) -> _Found:
        self._note(LogCode.GATE_CLOSED, chain, f"{self._name(step)}: Bedingung nicht erfüllt")
        return _Found()

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
        return self._answer(self._watching(chain), found)

    def _watching(self, chain: Chain) -> Chain:
        """A threshold on the next step replaces the wait before it. If it is met already: the next pass."""
        following = self.policy.after(chain.done)
        if following is None or not isinstance(gate := following.only_if, AlertsGate):
            return chain
        look = self.now if gate.is_met(self.now, self.alerts) else self.now + gate.within
        return replace(chain, state=ChainState.WAITING, due_at=look, gated=following.id)

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


def _named(target: Target) -> str:
    words = {TargetKind.ROTA: "Dienstplan", TargetKind.PERSON: "Person"}
    return f"{words.get(target.kind, target.kind)} {target.ref}"
