"""Ask the engine about one ticket, and do what it says. Every verb ends here; every tick looks at what is due.

`decide` is pure; this module loads the case, and writes the decision: severity, team, clocks, chain, pages, events, and
the instant of the next look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from escalation.case import Case, Clocked, Decision
from escalation.engine import decide
from escalation.policy import Alarm as ChainAlarm
from escalation.policy import Chain
from escalation.routing import Facts, Route
from escalation.severity import Impact, Override, Severity, Urgency
from escalation.sla import Clock, OpenedBy, SlaEvent, SlaEventKind, Then
from helpdesk import alarms, clock, deliveries, history, notifications
from helpdesk.context import book, context
from helpdesk.history import Happened
from helpdesk.models import Clock as ClockRow
from helpdesk.models import ClockEvent, Status, Ticket

Ledger = Sequence[Mapping[str, Any]]
LEDGER_COLUMNS = tuple(column.name for column in ClockEvent.__table__.columns if column.name not in ("id", "ticket_id"))
BLANK = dict.fromkeys(LEDGER_COLUMNS)
#: these are what a verb may add to a ledger without saying more
WANTS_CHAIN = (Status.NEW, Status.OPEN)


def line(kind: SlaEventKind, at: datetime, **values: Any) -> dict[str, Any]:
    """One line of the ledger, with every column, so that lines go in together."""
    return {**BLANK, "message": False, "kind": str(kind), "at": at, **values}


def look(
    session: Session,
    ticket: Ticket,
    happened: Sequence[Happened] = (),
    ledger: Ledger = (),
    drafts: Sequence[deliveries.Draft] = (),
) -> Decision:
    """Looks at a stored ticket. The verb adds `ledger` lines, events that `happened`, and `drafts` to be sent."""
    old = ledger_of(session, ticket.id)
    rows = _clocks(session, ticket.id)
    decision = ask(session, ticket, [*old, *ledger], rows)
    ticket.changed = (ticket.changed or 0) + 1
    session.flush()
    record(session, ticket, decision, happened, rows, drafts, [*ledger, *_repin(session, decision)])
    return decision


LEDGER = text("SELECT * FROM clock_event WHERE ticket_id = :ticket ORDER BY id")
CLOCKS = text("SELECT kind, round, warned, breached FROM clock WHERE ticket_id = :ticket")


def ledger_of(session: Session, ticket_id: int) -> list[Mapping[str, Any]]:
    return [dict(row) for row in session.execute(LEDGER, {"ticket": ticket_id}).mappings()]


def _clocks(session: Session, ticket_id: int) -> list[Mapping[str, Any]]:
    return [dict(row) for row in session.execute(CLOCKS, {"ticket": ticket_id}).mappings()]


def _repin(session: Session, decision: Decision) -> list[dict[str, Any]]:
    if not decision.repinned:
        return []
    pin = decision.pin
    return [
        line(
            SlaEventKind.REPINNED,
            clock.now(session),
            target_version=pin.target_version if pin else None,
            calendar_version=pin.calendar_version if pin else None,
            severity=str(decision.severity),
        )
    ]


def ask(session: Session, ticket: Ticket, ledger: Ledger, rows: Sequence[Mapping[str, Any]] = ()) -> Decision:
    """What the engine says; its answer is put on the ticket, nothing is written yet."""
    now, shelf = clock.now(session), book(session)
    decision = decide(case_of(session, ticket, ledger, rows), shelf.engine, now)
    if decision.pin is not None:
        context(session).shelf.remember([decision.pin])
    _put_on(ticket, decision, now)
    return decision


def case_of(session: Session, ticket: Ticket, ledger: Ledger, rows: Sequence[Mapping[str, Any]]) -> Case:
    pinned = next((each for each in ledger if each["target_version"] is not None and each["kind"] != "repinned"), None)
    shelf = context(session).shelf
    return Case(
        facts=facts_of(session, ticket),
        impact=Impact(ticket.impact) if ticket.impact else None,
        urgency=Urgency(ticket.urgency) if ticket.urgency else None,
        overrides=frozenset(Override(name) for name in ticket.facts.get("overrides", ())),
        by_hand=Severity(ticket.severity) if ticket.severity_by_hand else None,
        severity=_pinned_severity(ledger),
        route=_route(ticket.route),
        pin=shelf.pin(session, pinned["target_version"], pinned["calendar_version"]) if pinned else None,
        ledger=tuple(_sla_event(session, each) for each in ledger),
        warned=frozenset(Clocked(kind=row["kind"], round=row["round"]) for row in rows if row["warned"]),
        breached=frozenset(Clocked(kind=row["kind"], round=row["round"]) for row in rows if row["breached"]),
        policy=ticket.policy,
        chain=Chain.from_json(ticket.chain) if ticket.chain else None,
        wants_chain=ticket.status in WANTS_CHAIN and ticket.acknowledged_at is None,
    )


def _pinned_severity(ledger: Ledger) -> Severity | None:
    """The severity that the running promise was made for; a changed one takes another promise."""
    named = [each["severity"] for each in ledger if each["severity"]]
    return Severity(named[-1]) if named else None


def facts_of(session: Session, ticket: Ticket) -> Facts:
    """What routing may ask about: what was said, and what follows from it."""
    shelf, now = book(session), clock.now(session)
    place = shelf.catalog.places.get(ticket.ags or "")
    return Facts(
        portal=ticket.portal,
        component=ticket.component,
        service=ticket.facts.get("service"),
        category=ticket.category,
        kind=ticket.kind,
        sender_role=ticket.sender_role,
        ags=ticket.ags,
        district=place.district if place else None,
        provider=place.provider if place else None,
        language=ticket.language,
        channel=ticket.channel,
        organisation=ticket.facts.get("organisation"),
        operator=shelf.catalog.operator(ticket.portal, ticket.component),
        text=ticket.subject,
        open={name: calendar.is_open(now) for name, calendar in shelf.engine.calendars.items()},
    )


def _route(stored: Mapping[str, Any]) -> Route | None:
    if not stored:
        return None
    return Route(
        team=stored["team"],
        level=stored["level"],
        partner=stored["partner"],
        sla_policy=None,
        policy=stored["policy"],
        skills=tuple(stored.get("skills", ())),
        rule_id=stored["rule"],
        reason=stored["reason"],
        skipped=(),
    )


def _sla_event(session: Session, row: Mapping[str, Any]) -> SlaEvent:
    kind, shelf = SlaEventKind(row["kind"]), context(session).shelf
    repinned = kind is SlaEventKind.REPINNED and row["target_version"] is not None
    pin = shelf.pin(session, row["target_version"], row["calendar_version"]) if repinned else None
    return SlaEvent(
        kind=kind,
        at=row["at"],
        by=OpenedBy(row["by"]) if row["by"] else None,
        message=row["message"],
        contact_at=row["contact_at"],
        then=Then(row["then"]) if row["then"] else None,
        until=row["until"],
        reason=row["reason"],
        target=pin.target if pin else None,
        calendar=pin.calendar if pin else None,
        message_at=row["message_at"],
    )


def _put_on(ticket: Ticket, decision: Decision, now: datetime) -> None:
    if not ticket.severity_by_hand:
        ticket.severity_reason = decision.severity_reason
    ticket.severity, ticket.severity_computed = str(decision.severity), str(decision.computed)
    if not ticket.route:
        _put_route(ticket, decision.route)
    ticket.policy = decision.policy
    ticket.chain = decision.chain.to_json() if decision.chain else None
    upcoming = decision.clocks.next_due_clock
    ticket.next_due_at = decision.clocks.next_due
    ticket.next_clock = str(upcoming.kind) if upcoming else None
    ticket.next_warn_at = upcoming.warn_at[0] if upcoming and upcoming.warn_at else None
    ticket.look_at = decision.look_at


def _put_route(ticket: Ticket, route: Route) -> None:
    ticket.team, ticket.level, ticket.partner = route.team, route.level, route.partner
    ticket.route = {
        "team": route.team,
        "level": route.level,
        "partner": route.partner,
        "policy": route.policy,
        "skills": list(route.skills),
        "rule": route.rule_id,
        "reason": route.reason,
        "skipped": [list(pair) for pair in route.skipped],
    }


def record(
    session: Session,
    ticket: Ticket,
    decision: Decision,
    happened: Sequence[Happened] = (),
    known: Sequence[Mapping[str, Any]] = (),
    drafts: Sequence[deliveries.Draft] = (),
    ledger: Ledger = (),
) -> None:
    """Writes what the decision says: clocks, events, deliveries, the next look; then wakes whoever listens."""
    events = [_addressed(each, ticket) for each in (*happened, *_events(ticket, decision))]
    values = {
        "ledger": as_json([{"ticket_id": ticket.id, **each} for each in ledger]),
        "clocks": as_json(_clock_rows(ticket.id, decision, known)),
        "events": history.rows(events),
        "deliveries": deliveries.rows(session, [*drafts, *notifications.pages(session, ticket, decision.messages)]),
        "ticket": ticket.id,
        "look_at": ticket.look_at,
        "rank": int(ticket.severity[1:]),
    }
    session.execute(RECORD, values)
    for alarm in decision.alarms:
        _raise(session, ticket, alarm)


def as_json(rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Rows as one parameter; `jsonb_populate_record` and `…_recordset` read them."""
    return json.dumps(rows, ensure_ascii=False, default=datetime.isoformat)


_LINE = ", ".join(f'"{name}"' for name in ("ticket_id", *LEDGER_COLUMNS))
_KEY = ("ticket_id", "kind", "round")
_STATE = tuple(column.name for column in ClockRow.__table__.columns if column.name not in ("id", *_KEY))
_CLOCK = ", ".join((*_KEY, *_STATE))
#: one statement, since each one costs more on its way than for its rows
RECORD = text(f"""
    WITH lines AS (
        INSERT INTO clock_event ({_LINE})
        SELECT {_LINE} FROM jsonb_populate_recordset(NULL::clock_event, CAST(:ledger AS jsonb))
    ), clocks AS (
        INSERT INTO clock ({_CLOCK})
        SELECT {_CLOCK} FROM jsonb_populate_recordset(NULL::clock, CAST(:clocks AS jsonb))
        ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _STATE)}
    ), events AS ({history.INSERT}), deliveries AS ({deliveries.INSERT}), no_look AS (
        DELETE FROM due WHERE kind = 'look' AND subject_id = :ticket AND CAST(:look_at AS timestamptz) IS NULL
    ), next_look AS (
        INSERT INTO due (kind, subject_id, due_at, rank)
        SELECT 'look', :ticket, CAST(:look_at AS timestamptz), :rank WHERE CAST(:look_at AS timestamptz) IS NOT NULL
        ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = excluded.due_at, rank = excluded.rank, tries = 0
    )
    SELECT pg_notify('helpdesk', '')
""")  # noqa: S608 - constants only


def _clock_rows(ticket_id: int, decision: Decision, known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    acted = {(row["kind"], row["round"]): (row["warned"], row["breached"]) for row in known}
    warned = {(mark.kind, mark.round) for mark in decision.warned}
    breached = {(mark.kind, mark.round) for mark in decision.breached}
    rows = []
    for one in decision.clocks:
        key = (str(one.kind), one.round)
        was_warned, was_breached = acted.get(key, (False, False))
        rows.append(_clock_row(ticket_id, one, was_warned or key in warned, was_breached or key in breached))
    return rows


def _clock_row(ticket_id: int, one: Clock, warned: bool, breached: bool) -> dict[str, Any]:
    margin = one.margin
    return {
        "ticket_id": ticket_id,
        "kind": str(one.kind),
        "round": one.round,
        "outcome": str(one.outcome),
        "started_at": one.started_at,
        "due_at": one.due_at,
        "warn_at": one.warn_at[0] if one.warn_at else None,
        "stopped_at": one.stopped_at,
        "used_seconds": one.used.total_seconds(),
        "margin_seconds": margin.total_seconds() if margin is not None else None,
        "warned": warned,
        "breached": breached,
        "details": {"cause": one.cause, "paused": one.is_paused},
    }


def _events(ticket: Ticket, decision: Decision) -> list[Happened]:
    events = [Happened(kind="clock.warned", data={"clock": m.kind, "round": m.round}) for m in decision.warned]
    events += [Happened(kind="clock.breached", data={"clock": m.kind, "round": m.round}) for m in decision.breached]
    events += [
        Happened(
            kind="chain",
            data={"code": str(each.code), "step": each.step_id, "pass": each.pass_number, "text": each.text},
        )
        for each in decision.log
    ]
    for person in dict.fromkeys(message.person for message in decision.messages):
        events.append(Happened(kind="paged", data={"person": person}))
    if decision.emergency and decision.repinned:
        events.append(Happened(kind="emergency"))
    return events


def _addressed(one: Happened, ticket: Ticket) -> Happened:
    return Happened(
        kind=one.kind,
        actor=one.actor,
        ticket_id=ticket.id,
        data=one.data,
        team=ticket.team,
        agent_id=ticket.assignee_id,
    )


def _raise(session: Session, ticket: Ticket, alarm: ChainAlarm) -> None:
    words = {
        ChainAlarm.NO_COVERAGE: "Niemand ist im Dienst",
        ChainAlarm.CATCH_ALL_UNREACHABLE: "Auch die letzte Stelle ist nicht erreichbar",
        ChainAlarm.NO_STEPS: "Niemand wird alarmiert: Der Eskalationsplan hat keine Stufen",
    }
    alarms.raise_alarm(session, str(alarm), ticket.number, f"{ticket.number}: {words[alarm]}.")
