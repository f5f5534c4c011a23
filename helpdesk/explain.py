"""Promises explained line by line: the same ledger, the same engine, for agents, auditors and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from escalation.sla import Clock, Clocks, replay
from helpdesk import clock, look
from helpdesk.errors import NotFound
from helpdesk.models import Ticket

ZONE = ZoneInfo("Europe/Berlin")
WORDS = {
    "de": {
        "first_response": "Erste Antwort", "next_response": "Nächste Antwort", "resolution": "Lösung", "update": "Zwischenstand",
        "open": "zählt", "closed": "geschlossen", "holiday": "Feiertag", "override_closed": "geschlossen (Ausnahme)",
        "paused": "angehalten", "due": "fällig", "budget": "Zeit", "none": "kein Versprechen", "total": "zusammen",
        "running": "läuft", "met": "eingehalten", "breached": "verletzt", "unanswered": "ohne Antwort beendet",
        "cancelled": "entfallen", "merged": "zusammengeführt", "ended": "beendet",
    },
    "en": {
        "first_response": "First response", "next_response": "Next response", "resolution": "Resolution", "update": "Update",
        "open": "counts", "closed": "closed", "holiday": "holiday", "override_closed": "closed (exception)",
        "paused": "paused", "due": "due", "budget": "budget", "none": "no promise", "total": "total",
        "running": "running", "met": "met", "breached": "breached", "unanswered": "ended without an answer",
        "cancelled": "cancelled", "merged": "merged", "ended": "ended",
    },
}  # fmt: skip


def ticket(session: Session, number: str, language: str = "de") -> str:
    """All clocks of a ticket with their segments. Raises `NotFound`."""
    found = session.scalars(select(Ticket).where(Ticket.number == number.upper())).one_or_none()
    if found is None:
        raise NotFound("Dieses Ticket gibt es nicht.")
    words = WORDS.get(language, WORDS["de"])
    lines = [f"{found.number}  {found.severity}  {found.severity_reason}", str(found.route.get("reason", ""))]
    for one in clocks_of(session, found):
        lines += ["", *explained(one, words)]
    return "\n".join(lines)


def clocks_of(session: Session, found: Ticket) -> Clocks:
    """The clocks as the ledger says them now; nothing stored is believed."""
    case = look.case_of(session, found, look.ledger_of(session, found.id), ())
    if case.pin is None:
        return Clocks()
    return replay(case.pin.target, case.pin.calendar, case.ledger, clock.now(session))


def explained(one: Clock, words: dict[str, str]) -> Iterator[str]:
    due = f"{words['due']} {_instant(one.due_at)}" if one.due_at else words["paused"] if one.is_paused else ""
    outcome = words.get(str(one.outcome), str(one.outcome))
    yield f"{words[str(one.kind)]} {one.round}: {words['budget']} {_span(one.budget)}, {due} ({outcome})"
    for part in one.explain():
        total = f"  {words['total']} {_span(part.total)}" if part.counts else ""
        kind = words.get(str(part.kind), str(part.kind))
        yield f"  {_instant(part.from_at)} – {_instant(part.to_at)}  {kind}{total}"


def _instant(at: datetime | None) -> str:
    return at.astimezone(ZONE).strftime("%a %d.%m.%Y %H:%M:%S %Z") if at else ""


def _span(span: timedelta | None) -> str:
    if span is None:
        return "–"
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
