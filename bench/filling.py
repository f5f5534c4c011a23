"""Many tickets, fast: a few hundred are opened and worked on by the real verbs, then copied by the database.

So every row is one that the product writes: ticket, messages, ledger, clocks, events, deliveries, links, future looks.
Copies get keys, numbers, people and places of their own, and lie back in time by up to some hours (open ones) or months.
Pages are not copied: nobody on duty was called ten thousand times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from bench import words
from helpdesk import intake, tickets
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.house import House
from helpdesk.intake import About
from helpdesk.models import Base, Ticket
from helpdesk.tickets import Actor

TEMPLATES = 200
#: what becomes of ten tickets in a row: most wait for us, some for the person, some are done
COURSE = ("new", "new", "new", "open", "open", "open", "pending", "resolved", "resolved", "closed")
#: the part of them that is open
OPEN = sum(state not in ("resolved", "closed") for state in COURSE) / len(COURSE)
#: tickets copied in one transaction
BATCH = 50_000


def fill(house: House, count: int) -> None:
    """Brings the number of tickets up to `count`."""
    if _stored(house) == 0:
        _open_templates(house)
    if (missing := count - _stored(house)) > 0:
        for begun in range(0, missing, BATCH):
            _copy(house, min(BATCH, missing - begun))
    settle(house)


def _stored(house: House) -> int:
    with house.database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM ticket")).scalar_one())


def settle(house: House) -> None:
    """What a server does in quiet hours, done now, so that it does not fall into the measurement."""
    with house.database.engine.connect() as connection:
        quiet = connection.execution_options(isolation_level="AUTOCOMMIT")
        quiet.execute(text("VACUUM ANALYZE"))


# templates


def _open_templates(house: House) -> None:
    clerk = house.database.work(_a_clerk)
    for number in range(TEMPLATES):
        house.database.work(lambda session, n=number: _template(session, n, clerk))  # type: ignore[misc]
    with house.database.transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'sent', sent_at = created_at, due_at = NULL"))


def _a_clerk(session: Session) -> Actor:
    row = session.execute(text("SELECT id, name FROM agent WHERE email = 'agent@demo.example'")).one()
    return Actor(kind="agent", name=row.name, id=row.id)


def _template(session: Session, number: int, clerk: Actor) -> None:
    portal, component, category, impact, urgency = words.ABOUT[number % len(words.ABOUT)]
    said = words.message(number)
    message = InboundMessage(
        external_id=f"template-{number}",
        kind=Kind.MESSAGE,
        sender=Address(kind="email", value=f"template-{number}@example.org", name=f"Person {number}"),
        recipient=Address(kind="api", value="bench"),
        text=said,
        subject=words.subject(number),
        language="de",
        raw=Raw(body=said.encode(), headers={}, received_at=datetime.now(UTC)),
    )
    about = About(portal=portal, component=component, category=category, impact=impact, urgency=urgency)
    accepted = intake.take_in(session, message, channel="api", account="bench", about=about)
    ticket = tickets.locked(session, accepted.receipt.number)
    _worked_on(session, ticket, COURSE[number // len(words.ABOUT) % len(COURSE)], clerk)


def _worked_on(session: Session, ticket: Ticket, until: str, clerk: Actor) -> None:
    if until == "new":
        return
    tickets.acknowledge(session, ticket, clerk)
    tickets.reply(session, ticket, words.ANSWER, clerk, then="pending" if until == "pending" else "open")
    if until in ("resolved", "closed"):
        tickets.note(session, ticket, "Am Telefon bestätigt.", clerk)
        tickets.resolve(session, ticket, clerk)
    if until == "closed":
        tickets.close(session, ticket, clerk)


# copies

#: one row per new ticket: keys, place, and how far its life lies back
PLAN = """
    CREATE TEMP TABLE plan ON COMMIT DROP AS
    WITH template AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, status FROM ticket ORDER BY id LIMIT :templates),
         town AS (SELECT ags, name, row_number() OVER (ORDER BY ags) - 1 AS place, count(*) OVER () AS many
                  FROM organisation WHERE ags IS NOT NULL)
    SELECT template.id AS old, nextval('ticket_id_seq') AS new, nextval(pg_get_serial_sequence('contact', 'id')) AS person,
           town.ags, town.name AS town,
           make_interval(secs => random() * CASE WHEN template.status IN ('resolved', 'closed') THEN 8e6 ELSE 1e4 END) AS back,
           now() + make_interval(hours => 24, secs => random() * 8e5) AS look_at
    FROM generate_series(1, :count) n JOIN template ON template.place = n % :templates
    JOIN town ON town.place = (n * 7919) % town.many
"""
#: one row per new message, with a new original where the old one had one
SAID = """
    CREATE TEMP TABLE said ON COMMIT DROP AS
    SELECT m.id AS old, plan.new AS ticket, nextval(pg_get_serial_sequence('message', 'id')) AS new, m.inbound_id AS old_inbound,
           CASE WHEN m.inbound_id IS NOT NULL THEN nextval(pg_get_serial_sequence('inbound', 'id')) END AS inbound
    FROM plan JOIN message m ON m.ticket_id = plan.old
"""
INDEX = "CREATE INDEX ON said (ticket, old); ANALYZE plan; ANALYZE said"
PEOPLE = """
    INSERT INTO contact (id, name, language, ags, created_at)
    SELECT person, 'Person ' || person, 'de', ags, now() - back FROM plan
"""
ADDRESSES = """
    INSERT INTO address (contact_id, kind, value) SELECT person, 'email', 'person-' || person || '@example.org' FROM plan
"""
BY_TICKET = "plan JOIN {table} r ON r.ticket_id = plan.old"
#: what differs in a copy; every other column is the template's, instants moved back
CHANGED: Mapping[str, Mapping[str, str]] = {
    "ticket": {
        "id": "plan.new", "number": "'T-' || extract(year FROM now()) || '-' || lpad(plan.new::text, 6, '0')",
        "token": "md5(plan.new::text)", "subject": "r.subject || ' (' || plan.town || ')'", "contact_id": "plan.person",
        "ags": "plan.ags", "look_at": "CASE WHEN r.look_at IS NOT NULL THEN plan.look_at END",
    },
    "inbound": {"id": "said.inbound", "external_id": "'copy-' || said.inbound"},
    "message": {
        "id": "said.new", "ticket_id": "plan.new", "inbound_id": "said.inbound",
        "contact_id": "CASE WHEN r.contact_id IS NOT NULL THEN plan.person END",
        "external_id": "CASE WHEN r.external_id IS NOT NULL THEN 'copy-' || said.inbound END",
        "text": "r.text || E'\\n' || plan.town || ', Vorgang ' || plan.new",
    },
    "secret_link": {
        "ticket_id": "plan.new", "contact_id": "plan.person", "hash": "sha256(convert_to(plan.new::text, 'UTF8'))",
    },
    "clock_event": {"ticket_id": "plan.new"},
    "clock": {"ticket_id": "plan.new"},
    "event": {"ticket_id": "plan.new"},
    "due": {"subject_id": "plan.new", "due_at": "plan.look_at"},
    "delivery": {
        "ticket_id": "plan.new", "key": "gen_random_uuid()", "message_id": "said.new",
        "to_value": "'person-' || plan.person || '@example.org'",
    },
}  # fmt: skip
SOURCES: Mapping[str, str] = {
    "ticket": "plan JOIN ticket r ON r.id = plan.old",
    "inbound": "said JOIN plan ON plan.new = said.ticket JOIN inbound r ON r.id = said.old_inbound",
    "message": "said JOIN plan ON plan.new = said.ticket JOIN message r ON r.id = said.old",
    "due": "plan JOIN due r ON r.kind = 'look' AND r.subject_id = plan.old",
    "delivery": "plan JOIN delivery r ON r.ticket_id = plan.old AND r.purpose <> 'page' LEFT JOIN said ON said.ticket = plan.new AND said.old = r.message_id",
}
#: filled by the database itself
LEFT_OUT = {"id", "xid", "search"}


def _copy(house: House, count: int) -> None:
    with house.database.engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        connection.execute(text(PLAN), {"count": count, "templates": TEMPLATES})
        for statement in (SAID, *INDEX.split("; "), PEOPLE, ADDRESSES):
            connection.execute(text(statement))
        for table in CHANGED:
            connection.execute(_copied(table))


def _copied(table: str) -> TextClause:
    """INSERT … SELECT of all columns of `table`."""
    changed = CHANGED[table]
    columns = [c for c in Base.metadata.tables[table].columns if c.name in changed or c.name not in LEFT_OUT]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(changed.get(c.name) or _moved(c.name, c.type.python_type is datetime) for c in columns)
    source = SOURCES.get(table) or BY_TICKET.format(table=table)
    return text(f"INSERT INTO {table} ({names}) SELECT {values} FROM {source}".replace(":", r"\:"))


def _moved(name: str, is_instant: bool) -> str:
    return f"r.{name} - plan.back" if is_instant else f'r."{name}"'
