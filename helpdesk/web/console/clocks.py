"""Promises as signs and in words: the chip of a row, and every clock of a ticket with how it came about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from escalation.calendar import Calendar
from escalation.hours import TimeKind
from escalation.severity import Severity
from escalation.sla import Clock, Clocks, Outcome
from escalation.sla import ClockKind as Promise
from helpdesk.rulebook import Book
from helpdesk.web.console import words
from helpdesk.web.console.reading import Moment
from helpdesk.web.console.views import ClockChip, ClockDetail, ClockKind, ClockState, Fact
from helpdesk.web.pages import ZONE

KINDS = {
    Promise.FIRST_RESPONSE: ClockKind.FIRST_RESPONSE,
    Promise.NEXT_RESPONSE: ClockKind.NEXT_RESPONSE,
    Promise.RESOLUTION: ClockKind.RESOLUTION,
    Promise.UPDATE: ClockKind.PUBLIC_UPDATE,
}
DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
#: an explanation longer than this is told in its first lines
MOST_LINES = 6


# rows


def of_row(row: RowMapping, moment: Moment) -> ClockChip | None:
    """The next clock of a row, from what the last look stored. None: nothing is promised."""
    if row["status"] in ("resolved", "closed"):
        return ClockChip(kind=ClockKind.RESOLUTION, state=ClockState.MET)
    if row["status"] == "pending":
        return ClockChip(kind=ClockKind.RESOLUTION, state=ClockState.PAUSE, waits_for=words.waits_for(None))
    if row["next_due_at"] is None or row["next_clock"] is None:
        return None
    pin = moment.book.engine.pin(Severity(row["severity"]), row["sender_role"])
    kind = KINDS[Promise(row["next_clock"])]
    return _running(kind, row["next_due_at"], row["next_warn_at"], pin.calendar if pin else None, moment.now)


def _running(
    kind: ClockKind, due_at: datetime, warn_at: datetime | None, calendar: Calendar | None, now: datetime
) -> ClockChip:
    if due_at < now:
        return ClockChip(kind=kind, state=ClockState.OVER, left=-_seconds(now - due_at), due_at=due_at)
    if calendar is not None and not calendar.is_open(now):
        return ClockChip(kind=kind, state=ClockState.OFF, due_at=due_at, resumes_at=calendar.next_open(now))
    left = calendar.elapsed(now, due_at) if calendar else due_at - now
    state = ClockState.WARN if warn_at is not None and warn_at <= now else ClockState.OK
    return ClockChip(kind=kind, state=state, left=_seconds(left), due_at=due_at)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


# a ticket


def of_ticket(clocks: Clocks, severity: str, moment: Moment) -> tuple[ClockDetail, ...]:
    """The last round of each promise, running ones first, due ones before others."""
    shown = list(_shown(clocks))
    shown.sort(key=lambda one: (not one.is_running, one.due_at is None, one.due_at or moment.now))
    return tuple(
        ClockDetail(chip=_chip(one, moment.now), explanation=tuple(_explained(one, severity, moment))) for one in shown
    )


def _shown(clocks: Clocks) -> Iterator[Clock]:
    """The first message starts first and next response together: one chip is enough for both."""
    first, following = clocks.first_response, clocks.next_response
    if first:
        yield first
    if following and not (first and following.started_at == first.started_at):
        yield following
    yield from (one for one in (clocks.resolution, clocks.update) if one)


def _chip(one: Clock, now: datetime) -> ClockChip:
    kind = KINDS[one.kind]
    if one.is_paused:
        reason = one.course.paused_reason if one.course else None
        return ClockChip(kind=kind, state=ClockState.PAUSE, waits_for=words.waits_for(reason))
    if one.is_running and one.due_at is not None and one.course is not None:
        warn_at = one.warn_at[0] if one.warn_at else None
        return _running(kind, one.due_at, warn_at, one.course.calendar, now)
    if one.outcome is Outcome.BREACHED and one.due_at is not None and one.stopped_at is not None:
        return ClockChip(kind=kind, state=ClockState.OVER, left=-_seconds(one.stopped_at - one.due_at))
    return ClockChip(kind=kind, state=ClockState.MET)


def _explained(one: Clock, severity: str, moment: Moment) -> Iterator[Fact]:
    course = one.course
    if course is None or one.budget is None:
        return
    hours = _calendar_name(course.calendar, moment.book)
    target = f"{words.span(one.budget)} Servicezeit (Frist für {severity}"
    yield Fact(label="Ziel", text=f"{target}, Servicezeiten „{hours}“)" if hours else f"{target})")
    yield Fact(label="Beginn", text=words.when(course.started_at, moment.now))
    if one.due_at is not None:
        yield Fact(label="Fällig", text=words.when(one.due_at, moment.now))
    yield Fact(label="Stand", text=f"{words.OUTCOMES.get(one.outcome, one.outcome)}, {words.span(one.used)} verbraucht")
    yield from _lines(one)


def _lines(one: Clock) -> Iterator[Fact]:
    """From the start to the due instant: what counted, what did not and why."""
    lines = one.explain()
    for line in lines[:MOST_LINES]:
        told = _stretch(line.from_at, line.to_at)
        if line.counts:
            told += f", zusammen {words.span(line.total)}"
        elif line.kind is TimeKind.PAUSED:
            told += f", wartete auf {words.waits_for(line.why)}"
        yield Fact(label=words.TIMES.get(line.kind, line.kind), text=told)
    if len(lines) > MOST_LINES:
        yield Fact(label="…", text=f"und {len(lines) - MOST_LINES} weitere Abschnitte")


def _calendar_name(calendar: Calendar, book: Book) -> str:
    return next((name for name, known in book.engine.calendars.items() if known == calendar), "")


def _stretch(start: datetime, end: datetime) -> str:
    """ "Do 19.11. 19:32 bis 22:00", with the second day where it is another one."""
    here, there = start.astimezone(ZONE), end.astimezone(ZONE)
    until = f"{there:%H:%M}" if here.date() == there.date() else _instant(there)
    return f"{_instant(here)} bis {until}"


def _instant(local: datetime) -> str:
    return f"{DAYS[local.weekday()]} {local:%d.%m. %H:%M}"
