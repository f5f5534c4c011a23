"""Holes in rotas, told before somebody puts them in force: promised hours of the next days with nobody on duty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from escalation.calendar import Calendar
from escalation.rota import Rota
from helpdesk.config.difference import Plan
from helpdesk.config.record import Kind, Ref, State, table, text

#: as far ahead as the daily watch looks (ENGINE §4.3)
AHEAD: Final = timedelta(days=14)
CAUSES: Final = frozenset({Kind.ROTA, Kind.CALENDAR, Kind.PERSON})
DAYS: Final = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")


def warnings(plan: Plan, state: State, now: datetime) -> tuple[str, ...]:
    """A line for each hole, exact to the minute, in the rota's own time; none when the plan touches no duty at all."""
    if not any(change.kind in CAUSES for change in plan.changes):
        return ()
    return tuple(line for ref in sorted(state) if ref.kind is Kind.ROTA for line in _holes(ref, state, now))


def _holes(ref: Ref, state: State, now: datetime) -> Iterator[str]:
    content = state[ref]
    written = table(content, "rota")
    promised = table(state.get(Ref(Kind.CALENDAR, str(content["promised"])), {}), "calendar")
    zone = ZoneInfo(text(written, "tz") or "Europe/Berlin")
    try:
        rota, calendar = Rota.parse(written), Calendar.parse(promised)
    except ValueError as refused:  # an old one that these files do not touch
        yield f"Dienstplan {ref.name}: nicht lesbar: {refused}"
        return
    for start, end in rota.gaps(now, now + AHEAD, calendar):
        yield f"Dienstplan {ref.name}: niemand im Dienst von {_shown(start, zone)} bis {_shown(end, zone)}"


def _shown(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local:%d.%m.%Y %H:%M}"
