"""One run of one escalation policy: its state, and what people may do to it (ENGINE §5.3, §5.4, §5.6).

The verbs here only say what the next engine pass must do (`Move`) and when; steps are run by
`escalation.policy.advance` alone, so there is one place that pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum, auto

from escalation.plain import Node, Refused


class ChainState(StrEnum):
    """Only RUNNING and WAITING have a due, exactly one."""

    RUNNING = auto()
    WAITING = auto()  #: a gate holds the next step back
    HELD = auto()  #: silence, maintenance, or carried by an outage
    ACKNOWLEDGED = auto()
    EXHAUSTED = auto()  #: all steps ran, nobody reacted
    NO_STEPS = auto()  #: nobody will be paged until a step is added
    CLOSED = auto()


class Move(StrEnum):
    """Which step the next pass runs."""

    FORWARD = auto()  #: the one after the current
    BY_HAND = auto()  #: the one after the current, past its gate and past the end of the list
    AGAIN = auto()  #: the current one, under a new pass number
    FIRST = auto()  #: step 1, under a new pass number


class Hold(StrEnum):
    """Why nobody is paged for now."""

    SILENCE = auto()  #: asked for by a person, for some minutes
    MAINTENANCE = auto()  #: planned
    CARRIED = auto()  #: the ticket is linked to an outage, whose own chain runs; no end of its own


class ChainError(Refused):
    """Der gespeicherte Stand einer Eskalation ist unlesbar."""


#: What a page of the catch-all contact carries in place of a step's id.
CATCH_ALL_STEP = "catch-all"


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The whole state of one chain, as stored.

    `done` are the ids of the steps behind us in this run of the list, in order: the position in the live list is
    read from them, so edits of the policy neither repeat nor lose a step. The last `len(done) - ran_from` of them
    ran under the current `pass_number`. `reached` are those of this run of the list that reached somebody.
    """

    state: ChainState
    pass_number: int = 1
    repetition: int = 0
    step_id: str | None = None
    step_started_at: datetime | None = None
    due_at: datetime | None = None
    move: Move = Move.FORWARD
    done: tuple[str, ...] = ()
    ran_from: int = 0
    reached: tuple[str, ...] = ()
    gated: str | None = None  #: the step that a gate holds, while WAITING
    also: tuple[str, ...] = ()  #: paged beside the targets of the next step (acknowledge timeout)
    awaited: tuple[str, ...] = ()  #: who must still acknowledge by themselves
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    further: tuple[str, ...] = ()  #: who acknowledged after the first
    hold: Hold | None = None
    held_until: datetime | None = None
    alarmed: tuple[str, ...] = ()  #: kinds of alarm already raised

    @property
    def position(self) -> tuple[int, str | None]:
        """What a page carries, so that an answer to it can be told from one to an older page."""
        return self.pass_number, self.step_id

    @property
    def ran(self) -> tuple[str, ...]:
        """Ids of the steps that ran under this pass number, empty ones too."""
        return self.done[self.ran_from :]

    @property
    def look_at(self) -> datetime | None:
        """When the next pass has something to do here; None when only a verb can change anything."""
        return self.held_until if self.state is ChainState.HELD else self.due_at

    def is_due(self, now: datetime) -> bool:
        return self.look_at is not None and now >= self.look_at

    def to_json(self) -> dict[str, object]:
        """Texts, whole numbers, lists and null only; instants in ISO 8601."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Chain:
        """The inverse of `to_json`; a key that an older version did not write has its default."""
        found = Node(value=data, where="chain", error=ChainError).table(
            required=("state",), optional=[field.name for field in fields(cls)]
        )
        read = _Stored(found=found)
        return cls(
            state=ChainState(found["state"].text()),
            pass_number=read.number("pass_number", 1),
            repetition=read.number("repetition", 0),
            step_id=read.text("step_id"),
            step_started_at=read.instant("step_started_at"),
            due_at=read.instant("due_at"),
            move=Move(read.text("move") or Move.FORWARD),
            done=read.texts("done"),
            ran_from=read.number("ran_from", 0),
            reached=read.texts("reached"),
            gated=read.text("gated"),
            also=read.texts("also"),
            awaited=read.texts("awaited"),
            acknowledged_by=read.text("acknowledged_by"),
            acknowledged_at=read.instant("acknowledged_at"),
            further=read.texts("further"),
            hold=Hold(held) if (held := read.text("hold")) else None,
            held_until=read.instant("held_until"),
            alarmed=read.texts("alarmed"),
        )


class Outcome(StrEnum):
    """The three lists of a bulk verb."""

    CHANGED = auto()
    UNCHANGED = auto()
    REFUSED = auto()


class Why(StrEnum):
    """Why a verb changed nothing or was refused, or what kind of change it was."""

    DONE = auto()
    NOTED = auto()  #: recorded, the state stays
    FURTHER = auto()  #: one more acknowledge of a step where each must
    ALREADY_ACKNOWLEDGED = auto()
    ALREADY_ESCALATED = auto()
    ALREADY_CLOSED = auto()
    CLOSED = auto()
    NOT_ACKNOWLEDGED = auto()
    NOT_HELD = auto()
    IN_MAINTENANCE = auto()
    CARRIED = auto()
    NO_STEPS = auto()


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a verb did. The chain is the old one unless `outcome` is CHANGED."""

    chain: Chain
    outcome: Outcome
    why: Why


def acknowledge(chain: Chain, by: str, now: datetime) -> Change:
    """Somebody takes it: the due goes, owner and instant are set once. A later one changes nothing."""
    if chain.state is ChainState.CLOSED:
        return _refused(chain, Why.CLOSED)
    if chain.state is not ChainState.ACKNOWLEDGED:
        taken = replace(
            _still(chain, ChainState.ACKNOWLEDGED),
            acknowledged_by=by,
            acknowledged_at=now,
            awaited=tuple(person for person in chain.awaited if person != by),
            further=(),
        )
        return _changed(taken)
    if by in chain.awaited:
        awaited = tuple(person for person in chain.awaited if person != by)
        return _changed(replace(chain, awaited=awaited, further=(*chain.further, by)), Why.FURTHER)
    return _unchanged(chain, Why.ALREADY_ACKNOWLEDGED)


def give_back(chain: Chain, now: datetime) -> Change:
    """The owner cannot go on: the current step runs again now."""
    if chain.state is not ChainState.ACKNOWLEDGED:
        return _refused(chain, Why.CLOSED if chain.state is ChainState.CLOSED else Why.NOT_ACKNOWLEDGED)
    return _changed(_resumed(chain, _afresh(chain), now))


def time_out(chain: Chain, now: datetime) -> Change:
    """No sign of work since the acknowledge: like giving back, and the acknowledger is paged too."""
    given = give_back(chain, now)
    if given.outcome is not Outcome.CHANGED or chain.acknowledged_by is None:
        return given
    return _changed(replace(given.chain, also=(chain.acknowledged_by,)))


def hold(chain: Chain, why: Hold, until: datetime | None) -> Change:
    """Nobody is paged until then (`until` None, for CARRIED: until released). The longer end wins.

    Where nobody would be paged anyway, the hold is noted and counts when the chain runs again.
    """
    if chain.state is ChainState.CLOSED:
        return _unchanged(chain, Why.ALREADY_CLOSED)
    if chain.hold and not _outlasts(until, chain.held_until):
        return _unchanged(chain, Why.NOTED)
    noted = replace(chain, hold=why, held_until=until)
    if chain.state in (ChainState.RUNNING, ChainState.WAITING):
        return _changed(replace(noted, state=ChainState.HELD, due_at=None, gated=None, move=_afresh(chain)))
    return _changed(noted, Why.DONE if chain.state is ChainState.HELD else Why.NOTED)


def release(chain: Chain, now: datetime) -> Change:
    """The hold ends before its time (unlinked, maintenance cancelled): the current step runs again now."""
    if chain.hold is None:
        return _unchanged(chain, Why.NOT_HELD)
    free = replace(chain, hold=None, held_until=None)
    return _changed(_resumed(free, _afresh(chain), now) if chain.state is ChainState.HELD else free)


def restart(chain: Chain, now: datetime) -> Change:
    """Another policy applies. Unacknowledged: its step 1 now. Acknowledged: used when given back."""
    if chain.state is ChainState.CLOSED:
        return _refused(chain, Why.CLOSED)
    fresh = replace(chain, move=Move.FIRST, gated=None)
    if chain.state in (ChainState.ACKNOWLEDGED, ChainState.HELD):
        return _changed(fresh, Why.NOTED)
    return _changed(_resumed(fresh, Move.FIRST, now))


def step_failed(chain: Chain, seen: tuple[int, str], now: datetime) -> Change:
    """All messages of this step failed for good: the chain goes on at once. Nothing, if it has moved meanwhile."""
    if chain.state is not ChainState.RUNNING or chain.position != seen or chain.step_id == CATCH_ALL_STEP:
        return _unchanged(chain, Why.ALREADY_ESCALATED)
    reached = tuple(step for step in chain.reached if step != chain.step_id)
    return _changed(replace(chain, reached=reached, due_at=now))


def close(chain: Chain, now: datetime) -> Change:
    """Final: the due, the timers and the hold go."""
    if chain.state is ChainState.CLOSED:
        return _unchanged(chain, Why.ALREADY_CLOSED)
    return _changed(replace(_still(chain, ChainState.CLOSED), awaited=(), hold=None, held_until=None))


def push(chain: Chain, now: datetime) -> Change:
    """One step on by hand: it runs now. Whether it may is asked by `escalation.policy.escalate`."""
    move = Move.FIRST if chain.move is Move.FIRST else Move.BY_HAND
    return _changed(_resumed(replace(chain, hold=None, held_until=None), move, now))


def _afresh(chain: Chain) -> Move:
    """How a chain goes on after an interruption: at its current step, or at step 1 of the policy it got meanwhile."""
    return Move.FIRST if chain.move is Move.FIRST else Move.AGAIN


def _resumed(chain: Chain, move: Move, now: datetime) -> Chain:
    """Running again, unless a hold that was noted meanwhile still lasts."""
    free = replace(
        chain, move=move, gated=None, acknowledged_by=None, acknowledged_at=None, awaited=(), further=(), also=()
    )
    if chain.hold and _outlasts(chain.held_until, now):
        return replace(free, state=ChainState.HELD, due_at=None)
    return replace(free, state=ChainState.RUNNING, due_at=now, hold=None, held_until=None)


def _still(chain: Chain, state: ChainState) -> Chain:
    return replace(chain, state=state, due_at=None, gated=None, also=())


def _outlasts(until: datetime | None, other: datetime | None) -> bool:
    """Whether an end lies behind another; None is never."""
    return other is not None and (until is None or until > other)


def _changed(chain: Chain, why: Why = Why.DONE) -> Change:
    return Change(chain=chain, outcome=Outcome.CHANGED, why=why)


def _unchanged(chain: Chain, why: Why) -> Change:
    return Change(chain=chain, outcome=Outcome.UNCHANGED, why=why)


def _refused(chain: Chain, why: Why) -> Change:
    return Change(chain=chain, outcome=Outcome.REFUSED, why=why)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """The stored keys of a chain, missing ones as their default."""

    found: Mapping[str, Node]

    def text(self, key: str) -> str | None:
        return self.found[key].text() if self._has(key) else None

    def texts(self, key: str) -> tuple[str, ...]:
        return self.found[key].texts() if self._has(key) else ()

    def number(self, key: str, default: int) -> int:
        return self.found[key].whole(0, 2**31) if self._has(key) else default

    def instant(self, key: str) -> datetime | None:
        if not self._has(key):
            return None
        at = datetime.fromisoformat(self.found[key].text())
        if at.tzinfo is None:
            raise self.found[key].refused("naive_instant", "hier wird ein Zeitpunkt mit Zeitzone erwartet")
        return at

    def _has(self, key: str) -> bool:
        return key in self.found and self.found[key].value is not None
