"""Who is on duty (ENGINE §4). One function, `Rota.on_duty`, answers paging, preview, gaps and export alike.

Layers first, then taken swaps, then overrides; a temporary schedule beats all of them. `segments` asks `on_duty` at
every instant at which the answer can change, so nothing is kept that could differ from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from escalation.calendar import Calendar
from escalation.coverage import Coverage, Span, measure, promised_spans, uncovered
from escalation.instants import utc
from escalation.plain import Node
from escalation.rotation import Rotation
from escalation.windows import (
    Holidays,
    RotaError,
    Windows,
    daily,
    read_dates,
    read_instant,
    read_windows,
    read_zone,
)

__all__ = ["Coverage", "Handoff", "Rota", "RotaError", "Segment", "Windows", "daily"]

#: The zone of a bare rotation that names none.
DEFAULT_ZONE = "Europe/Berlin"
NOBODY: frozenset[str] = frozenset()


class Segment(NamedTuple):
    """A maximal span ``[start, end)`` of one set of people."""

    start: datetime
    end: datetime
    people: frozenset[str]


class Handoff(NamedTuple):
    at: datetime
    rotation: str
    people: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Those active with the highest `priority` serve together. The target is a rotation's key or a user."""

    name: str
    priority: int
    windows: Windows
    rotation: str | None = None
    user: str | None = None


@dataclass(frozen=True, kw_only=True)
class Swap:
    """`giver` gives duty to `taker`, where they would serve. Without effect until taken."""

    start: datetime
    end: datetime
    giver: str
    taker: str
    taken: bool


@dataclass(frozen=True, kw_only=True)
class Override:
    """Both: `add` in place of `remove`, where they are on duty. One: only that."""

    start: datetime
    end: datetime
    remove: str | None
    add: str | None


@dataclass(frozen=True, kw_only=True)
class Shift:
    start: datetime
    end: datetime
    user: str


@dataclass(frozen=True, kw_only=True)
class Temporary:
    """Replaces everything in its span; where it has no shift there is nobody."""

    start: datetime
    end: datetime
    shifts: tuple[Shift, ...]


class _Bounded(Protocol):
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


_B = TypeVar("_B", bound=_Bounded)


@dataclass(frozen=True, kw_only=True)
class Rota:
    """A rota. All spans are half-open, all instants that come back are UTC; naive ones raise `NaiveInstant`."""

    rotations: Mapping[str, Rotation]
    layers: tuple[Layer, ...]
    swaps: tuple[Swap, ...] = ()
    overrides: tuple[Override, ...] = ()
    temporary: tuple[Temporary, ...] = ()
    absent: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, data: Mapping[str, object]) -> Rota:
        """From the format of ENGINE §4.1; a bare rotation is one layer, always.

        Raises `RotaError`: `unknown_timezone`, `unknown_unit`, `unknown_weekday`, `unknown_rotation`, `bad_time`,
        `bad_instant`, `bad_date`, `bad_mode`, `bad_every`, `days_without_daily`, `no_days`, `not_forward`,
        `bad_target`, `empty_override`, `overlap`, and the shape errors `missing_key`, `unknown_key` ….
        """
        node = Node(value=data, error=RotaError)
        return _bare(node) if "unit" in node.entries() else _rota(node)

    def without(self, people: Iterable[str]) -> Rota:
        """The same rota while these people cannot serve: their turns stay theirs, and are holes."""
        return replace(self, absent=self.absent | frozenset(people))

    def on_duty(self, at: datetime) -> frozenset[str]:
        """Who serves at this instant."""
        return self._on_duty(utc(at))

    def segments(self, start: datetime, end: datetime) -> list[Segment]:
        """Maximal spans of one constant, non-empty set in ``[start, end)``, ascending."""
        start, end = utc(start), utc(end)
        if end <= start:
            return []
        asked = self._within(start, end)
        edges = sorted({start, end, *asked._edges(start, end)})
        found: list[Segment] = []
        for begin, stop in pairwise(edges):
            people = asked._on_duty(begin)
            if found and found[-1].people == people and found[-1].end == begin:
                found[-1] = found[-1]._replace(end=stop)
            elif people:
                found.append(Segment(begin, stop, people))
        return found

    def handoffs(self, start: datetime, end: datetime) -> list[Handoff]:
        """Each hand-over of each rotation in ``[start, end)``, also when the same person follows."""
        start, end = utc(start), utc(end)
        return sorted(
            (
                Handoff(at, name, people - self.absent)
                for name, rotation in self.rotations.items()
                for at, people in rotation.handoffs(start, end)
            ),
            key=lambda handoff: (handoff.at, handoff.rotation),
        )

    def gaps(self, start: datetime, end: datetime, promised: Calendar | None = None) -> list[Span]:
        """Maximal spans with nobody on duty; with `promised` only inside its open time."""
        covered = [(segment.start, segment.end) for segment in self.segments(start, end)]
        return uncovered(promised_spans(start, end, promised), covered)

    def coverage(self, start: datetime, end: datetime, promised: Calendar | None = None) -> Coverage:
        """Real seconds that are promised, and of those with nobody."""
        return measure(promised_spans(start, end, promised), self.gaps(start, end, promised))

    def _on_duty(self, at: datetime) -> frozenset[str]:
        for schedule in self.temporary:
            if _covers(schedule, at):
                return frozenset(shift.user for shift in schedule.shifts if _covers(shift, at)) - self.absent
        return self._overridden(self._swapped(self._layered(at), at), at) - self.absent

    def _layered(self, at: datetime) -> frozenset[str]:
        """The people of the active layers of the highest priority. A layer without people hides nothing."""
        best: int | None = None
        people: set[str] = set()
        for layer in self.layers:  # highest priority first
            if best is not None and layer.priority < best:
                break
            if layer.windows.is_open(at) and (serving := self._serving(layer, at)):
                best = layer.priority
                people |= serving
        return frozenset(people)

    def _serving(self, layer: Layer, at: datetime) -> frozenset[str]:
        if layer.rotation is not None:
            return self.rotations[layer.rotation].serving(at) - self.absent
        return (frozenset({layer.user}) if layer.user else NOBODY) - self.absent

    def _swapped(self, people: frozenset[str], at: datetime) -> frozenset[str]:
        for swap in self.swaps:
            if swap.taken and swap.giver in people and _covers(swap, at):
                people = people - {swap.giver} | {swap.taker}
        return people

    def _overridden(self, people: frozenset[str], at: datetime) -> frozenset[str]:
        """Each override looks at the set after swaps, not at what the one before it made."""
        after = set(people)
        for override in self.overrides:
            if not _covers(override, at) or (override.remove and override.remove not in people):
                continue
            after.discard(override.remove or "")
            if override.add:
                after.add(override.add)
        return frozenset(after)

    def _within(self, start: datetime, end: datetime) -> Rota:
        """Only what can matter in this span, so that asking at each edge costs no more than it must."""
        return replace(
            self,
            swaps=_overlapping(self.swaps, start, end),
            overrides=_overlapping(self.overrides, start, end),
            temporary=_overlapping(self.temporary, start, end),
        )

    def _edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every instant in ``[start, end)`` at which the answer can change, some of them without need."""
        for layer in self.layers:
            yield from layer.windows.edges(start, end)
        for rotation in self.rotations.values():
            yield from (at for at, _ in rotation.handoffs(start, end))
            if rotation.until is not None and start <= rotation.until < end:
                yield rotation.until
        spans: list[_Bounded] = [*self.swaps, *self.overrides, *self.temporary]
        spans += [shift for schedule in self.temporary for shift in schedule.shifts]
        for span in spans:
            yield from (edge for edge in (span.start, span.end) if start <= edge < end)


def _covers(span: _Bounded, at: datetime) -> bool:
    return span.start <= at < span.end


def _overlapping(spans: Sequence[_B], start: datetime, end: datetime) -> tuple[_B, ...]:
    return tuple(span for span in spans if span.start < end and span.end > start)


def _bare(node: Node) -> Rota:
    zone = ZoneInfo(DEFAULT_ZONE)
    rotation = Rotation.read(node, zone)
    always = Windows(zone=rotation.zone, windows=None)
    layer = Layer(name="", priority=0, windows=always, rotation="rotation")
    return Rota(rotations={"rotation": rotation}, layers=(layer,))


def _rota(node: Node) -> Rota:
    found = node.table(required=("tz", "layers"), optional=("rotations", "holidays", "swaps", "overrides", "temporary"))
    zone = read_zone(found["tz"])
    holidays = read_dates(found.get("holidays"))
    rotations = found["rotations"].entries() if "rotations" in found else {}
    layers = [_layer(item, zone, holidays, rotations) for item in found["layers"].items()]
    return Rota(
        rotations={name: Rotation.read(rotation, zone) for name, rotation in rotations.items()},
        layers=tuple(sorted(layers, key=lambda layer: -layer.priority)),
        swaps=tuple(_swap(item) for item in _list(found.get("swaps"))),
        overrides=tuple(_override(item) for item in _list(found.get("overrides"))),
        temporary=_temporaries(_list(found.get("temporary"))),
    )


def _layer(node: Node, zone: ZoneInfo, holidays: frozenset[date], rotations: Mapping[str, Node]) -> Layer:
    found = node.table(required=("target",), optional=("name", "priority", "windows", "holidays"))
    target = found["target"].table(optional=("rotation", "user"))
    if len(target) != 1:
        raise found["target"].refused("bad_target", "ein Ziel ist genau eines von rotation, user")
    rotation = target["rotation"].text() if "rotation" in target else None
    if rotation is not None and rotation not in rotations:
        raise target["rotation"].refused("unknown_rotation", f"den Wechsel „{rotation}“ gibt es nicht")
    windows = Windows(
        zone=zone,
        windows=read_windows(found.get("windows")),
        holidays=holidays,
        mode=_mode(found["holidays"]) if "holidays" in found else Holidays.ORDINARY,
    )
    return Layer(
        name=found["name"].text() if "name" in found else "",
        priority=found["priority"].whole(-(10**6), 10**6, "bad_priority") if "priority" in found else 0,
        windows=windows,
        rotation=rotation,
        user=target["user"].text() if "user" in target else None,
    )


def _mode(node: Node) -> Holidays:
    if node.value not in ("exclude", "include"):
        raise node.refused("bad_mode", "hier wird exclude oder include erwartet")
    return Holidays(node.text())


def _swap(node: Node) -> Swap:
    found = node.table(required=("from_user", "to_user", "start", "end"), optional=("taken",))
    start, end = _span(node, found)
    return Swap(
        start=start,
        end=end,
        giver=found["from_user"].text(),
        taker=found["to_user"].text(),
        taken=found["taken"].flag() if "taken" in found else False,
    )


def _override(node: Node) -> Override:
    found = node.table(required=("start", "end"), optional=("remove", "add"))
    start, end = _span(node, found)
    remove, add = (found[key].text() if key in found else None for key in ("remove", "add"))
    if remove is None and add is None:
        raise node.refused("empty_override", "eine Vertretung nennt remove, add oder beides")
    return Override(start=start, end=end, remove=remove, add=add)


def _temporaries(nodes: Sequence[Node]) -> tuple[Temporary, ...]:
    schedules: list[Temporary] = []
    for node in nodes:
        found = node.table(required=("start", "end", "shifts"))
        start, end = _span(node, found)
        if _overlapping(schedules, start, end):
            raise node.refused("overlap", "zwei vorübergehende Pläne überschneiden sich")
        shifts = tuple(_shift(item) for item in found["shifts"].items())
        schedules.append(Temporary(start=start, end=end, shifts=shifts))
    return tuple(schedules)


def _shift(node: Node) -> Shift:
    found = node.table(required=("user", "start", "end"))
    start, end = _span(node, found)
    return Shift(start=start, end=end, user=found["user"].text())


def _span(node: Node, found: Mapping[str, Node]) -> Span:
    start, end = read_instant(found["start"]), read_instant(found["end"])
    if end <= start:
        raise node.refused("not_forward", "das Ende liegt nicht nach dem Anfang")
    return start, end


def _list(node: Node | None) -> list[Node]:
    return node.items() if node is not None and node.value is not None else []
