"""The pictures of the documentation: the real pages on a fresh house that the demo has filled. `make pictures` runs this."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk import app, clock, demo, tickets
from helpdesk.house import House
from helpdesk.models import Agent, Ticket
from helpdesk.tickets import Actor, Heard
from tests.browser.shots import LOOKS, Look, chromium, opened
from tests.conftest import PASSWORD, make_settings, seeded
from tests.postgres import embedded_postgres
from tests.web.test_live import served

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
EVENING = datetime(2026, 11, 19, 18, 41, tzinfo=UTC)  # a Thursday, 19:41 in Düsseldorf
OPEN = "Nachricht lässt sich nicht öffnen"


def main() -> None:
    with embedded_postgres() as url, tempfile.TemporaryDirectory() as folder:
        seeded(url, Path(folder))
        house = app.build(make_settings(url, Path(folder)), url, {"HELPDESK_ECHO_SECRET": "x" * 20})
        number = filled(house)
        with served(house) as address:
            photograph(address, f"/console/tickets/{number}", "console")
        house.database.dispose()


def filled(house: House) -> str:
    """An afternoon's messages; the number of a ticket that tells a story."""
    at = EVENING - timedelta(hours=3, minutes=20)
    turn(house, at)
    for _ in demo.play(house.database):
        at += timedelta(minutes=2, seconds=40)
        turn(house, at)
    number = house.database.work(lambda s: s.scalars(select(Ticket.number).where(Ticket.subject == OPEN)).one())
    for minutes, tell in ((13, answered), (9, asked), (4, noted)):
        turn(house, EVENING - timedelta(minutes=minutes))
        house.database.work(lambda session, tell=tell: tell(session, number))
    turn(house, EVENING)
    return number


def turn(house: House, at: datetime) -> None:
    house.database.work(lambda session: clock.freeze(session, at))


def actor(session: Session, email: str) -> Actor:
    agent = session.scalars(select(Agent).where(Agent.email == email)).one()
    return Actor(kind="agent", name=agent.name, id=agent.id)


def answered(session: Session, number: str) -> None:
    words = "Guten Tag,\n\nwelchen Browser benutzen Sie, und was genau steht in der Meldung?"
    tickets.reply(session, tickets.locked(session, number), words, actor(session, "agent@demo.example"), then="pending")


def asked(session: Session, number: str) -> None:
    ticket = tickets.locked(session, number)
    words = (
        "Firefox 145. Es erscheint nur „Dokument nicht verfügbar“. Reicht es, wenn ich es morgen noch einmal versuche?"
    )
    heard = Heard(text=words, channel="email", author_name="Muster T014", contact_id=ticket.contact_id)
    tickets.hear(session, ticket, heard)


def noted(session: Session, number: str) -> None:
    words = "Laut Betrieb läuft bis 20 Uhr eine Wartung am Postfach, danach geht es wieder."
    tickets.note(session, tickets.locked(session, number), words, actor(session, "lead@demo.example"))


def photograph(address: str, path: str, name: str, look: Look = LOOKS[0]) -> None:
    with chromium() as browser, opened(browser, f"{address}/anmelden?next={path}", look) as page:
        page.fill("#email", "agent@demo.example")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("#ticket-title")
        page.evaluate("document.fonts.ready.then(() => true)")
        page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
