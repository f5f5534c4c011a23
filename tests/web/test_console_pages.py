"""The console over HTTP: who gets in, what is shown, every verb and every refusal, on the seeded database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from helpdesk import app, clock, contacts, deliveries, limits, tickets
from helpdesk.channel import Address
from helpdesk.db import Database
from helpdesk.errors import DatabaseAway, TooMany
from helpdesk.house import House
from helpdesk.models import Agent, Attachment, Delivery, Event, Grant, Message, Ticket
from helpdesk.tickets import Opening
from helpdesk.web.console import inbox
from tests.conftest import PASSWORD, make_settings

AGENT, LEAD, PARTNER = "agent@demo.example", "lead@demo.example", "partner@demo.example"
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


# the stage


def signed_in(client: TestClient, email: str = AGENT) -> TestClient:
    answer = client.post("/anmelden", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def console(client: TestClient) -> TestClient:
    return signed_in(client)


@pytest.fixture
def colleague(house: House) -> Iterator[TestClient]:
    """Kim Beispiel at another desk."""
    with TestClient(app.create_app(house.settings, house), follow_redirects=False) as other:
        yield signed_in(other, LEAD)


def written(
    database: Database, words: str = "Die Anmeldung bricht ab", sender: str = "em@mail.example", **more: object
) -> str:
    """A citizen's ticket by mail; its number."""

    def job(session: Session) -> str:
        known = contacts.find_or_make(session, "email", sender, name="Erika Mustermann")
        values = {
            "channel": "email",
            "language": "de",
            "contact_id": known.contact_id,
            "author_name": "Erika Mustermann",
            **more,
        }
        return tickets.open_ticket(session, Opening(subject=words, text=f"{words}.", **values)).ticket.number

    return database.work(job)


@pytest.fixture
def number(database: Database) -> str:
    return written(database)


def stored(database: Database, number: str) -> Ticket:
    return database.work(lambda s: s.scalars(select(Ticket).where(Ticket.number == number)).one())


def said(database: Database, number: str) -> list[Message]:
    ticket = stored(database, number)
    return database.work(
        lambda s: list(s.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)))
    )


def kinds(database: Database, number: str) -> list[str]:
    ticket = stored(database, number)
    return database.work(
        lambda s: list(s.scalars(select(Event.kind).where(Event.ticket_id == ticket.id).order_by(Event.id)))
    )


def token(page: httpx2.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def seen(page: httpx2.Response) -> str:
    found = re.search(r'name="seen" value="(\d+)"', page.text)
    assert found
    return found[1]


def send(
    client: TestClient, number: str, resource: str, page: httpx2.Response | None = None, **fields: object
) -> httpx2.Response:
    """Fills in the ticket's form as a browser would, and sends it."""
    page = page or client.get(f"/console/tickets/{number}")
    data = {"csrf": token(page), "view": "mine", "seen": seen(page), **fields}
    return client.post(f"/console/tickets/{number}/{resource}", data=data)


def agent_id(database: Database, email: str) -> int:
    return database.work(lambda s: s.scalars(select(Agent.id).where(Agent.email == email)).one())


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


# the door


def test_nobody_sees_anything_before_the_sign_in(client: TestClient, number: str):
    answer = client.get(f"/console/tickets/{number}?view=mine")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/anmelden?next=%2Fconsole%2Ftickets%2F{number}%3Fview%3Dmine"


def test_htmx_is_sent_to_the_sign_in_as_a_whole_page(client: TestClient, number: str):
    answer = client.get(f"/console/tickets/{number}", headers=PART)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/anmelden?next=")


def test_the_right_password_leads_to_where_one_wanted_to_go(client: TestClient, number: str):
    page = client.get(f"/anmelden?next=/console/tickets/{number}")
    assert f'name="next" value="/console/tickets/{number}"' in page.text
    form = {"email": "  Agent@Demo.example ", "password": PASSWORD, "next": f"/console/tickets/{number}"}
    answer = client.post("/anmelden", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/tickets/{number}")
    assert client.get(f"/console/tickets/{number}").status_code == 200


@pytest.mark.parametrize(
    "away", ["https://evil.example", "//evil.example", "/\\evil.example", "/console/../anliegen", "/consolex"]
)
def test_the_sign_in_leads_nowhere_else(client: TestClient, away: str):
    answer = client.post("/anmelden", data={"email": AGENT, "password": PASSWORD, "next": away})
    assert answer.headers["location"] in ("/console", "/console/../anliegen")


def test_the_cookie_is_for_servers_only_and_bound_to_the_host_over_https(house: House, client: TestClient):
    plain = client.post("/anmelden", data={"email": AGENT, "password": PASSWORD}).headers["set-cookie"]
    assert plain.startswith("anlaufstelle=")
    assert "HttpOnly" in plain
    assert "samesite=lax" in plain.lower()
    assert "Secure" not in plain
    settings = make_settings(house.database.url, house.settings.data, public_url="https://hilfe.example")
    secure = House(**{**vars(house), "settings": settings})
    with TestClient(
        app.create_app(settings, secure), base_url="https://hilfe.example", follow_redirects=False
    ) as other:
        cookie = other.post("/anmelden", data={"email": AGENT, "password": PASSWORD}).headers["set-cookie"]
        assert cookie.startswith("__Host-anlaufstelle=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "domain" not in cookie.lower()
        assert other.get("/console").status_code == 200


def test_a_wrong_password_keeps_the_name_and_leaves_an_event(client: TestClient, database: Database):
    answer = client.post("/anmelden", data={"email": AGENT, "password": "falsch", "next": "/console"})
    assert answer.status_code == 401
    assert f'value="{AGENT}"' in answer.text
    assert "Name oder Passwort stimmen nicht." in answer.text
    assert "sign_in.refused" in database.work(lambda s: s.scalars(select(Event.kind)).all())


def test_who_guesses_must_wait_even_with_the_right_password(client: TestClient):
    for _ in range(10):
        assert client.post("/anmelden", data={"email": AGENT, "password": "falsch"}).status_code == 401
    answer = client.post("/anmelden", data={"email": AGENT, "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert client.post("/anmelden", data={"email": LEAD, "password": PASSWORD}).status_code == 303


def test_a_limit_lets_a_burst_through_and_says_how_long_to_wait(database: Database):
    def once(session: Session) -> None:
        limits.allow(session, "test", count=3, per=timedelta(minutes=3))

    for _ in range(3):
        database.work(once)
    with pytest.raises(TooMany) as refused:
        database.work(once)
    assert 58 <= refused.value.retry_after <= 60
    database.work(lambda s: s.execute(text("UPDATE rate_limit SET arrival_at = arrival_at - interval '1 minute'")))
    database.work(once)


def test_limits_nobody_needs_any_more_are_swept(database: Database):
    database.work(lambda s: limits.allow(s, "old", count=1, per=timedelta(seconds=1)))
    database.work(lambda s: s.execute(text("UPDATE rate_limit SET arrival_at = arrival_at - interval '2 days'")))
    database.work(lambda s: limits.allow(s, "new", count=1, per=timedelta(seconds=1)))
    assert database.work(limits.sweep) == 1
    assert database.work(lambda s: s.scalars(text("SELECT key FROM rate_limit")).all()) == ["new"]


def test_signing_out_ends_the_session(console: TestClient):
    page = console.get("/console")
    cookie = console.cookies["anlaufstelle"]
    answer = console.post("/abmelden", data={"csrf": token(page)})
    assert answer.headers["location"] == "/anmelden"
    console.cookies.set("anlaufstelle", cookie)
    assert console.get("/console").status_code == 303


def test_without_a_working_role_there_is_no_console(client: TestClient):
    signed_in(client, "kommune@demo.example")
    answer = client.get("/console")
    assert answer.status_code == 403
    assert "Dafür haben Sie keine Berechtigung." in answer.text


# forged requests


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(
    console: TestClient, database: Database, number: str, headers: dict[str, str]
):
    page = console.get(f"/console/tickets/{number}")
    answer = console.post(f"/console/tickets/{number}/acknowledgement", data={"csrf": token(page)}, headers=headers)
    assert answer.status_code == 403
    assert stored(database, number).acknowledged_at is None


def test_our_own_page_may_send(console: TestClient, number: str):
    page = console.get(f"/console/tickets/{number}")
    for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://testserver"}):
        answer = console.post(f"/console/tickets/{number}/acknowledgement", data={"csrf": token(page)}, headers=headers)
        assert answer.status_code == 303


@pytest.mark.parametrize("forged", ["", "x" * 32])
def test_a_form_without_our_token_is_refused(console: TestClient, database: Database, number: str, forged: str):
    answer = console.post(f"/console/tickets/{number}/resolution", data={"csrf": forged})
    assert answer.status_code == 403
    assert stored(database, number).status == "new"


# what is shown


def test_the_inbox_shows_tickets_views_and_portals(console: TestClient, database: Database):
    number = written(database, portal="kommunalportal" if _has_portal(database, "kommunalportal") else None)
    page = console.get("/console")
    assert page.status_code == 200
    assert f'id="row-{number}"' in page.text
    assert "Erika Mustermann" in page.text
    assert "Nicht zugewiesen" in page.text
    assert page.headers["vary"].lower().count("hx-request-type") == 1


def _has_portal(database: Database, portal: str) -> bool:
    return bool(
        database.work(
            lambda s: s.execute(text("SELECT count(*) FROM portal WHERE id = :id"), {"id": portal}).scalar_one()
        )
    )


def test_a_part_is_the_list_alone(console: TestClient, number: str):
    part = console.get("/console?view=all", headers=PART)
    assert part.text.startswith('<section id="list"')
    assert "<html" not in part.text
    assert f'id="row-{number}"' in part.text


def test_a_ticket_tells_its_whole_story(console: TestClient, number: str):
    page = console.get(f"/console/tickets/{number}").text
    for told in (
        "Die Anmeldung bricht ab.",
        "em@mail.example",
        "Warum hier?",
        "Servicezeit",
        "Ziel",
        "Fällig",
        "Annehmen",
    ):
        assert told in page
    assert "<html" in page
    assert f'id="row-{number}"' in page
    assert 'hx-target:inherited="#ticket"' in page


def test_a_part_is_the_ticket_alone(console: TestClient, number: str):
    part = console.get(f"/console/tickets/{number}?view=mine", headers=PART).text
    assert "<html" not in part
    assert f'data-number="{number}"' in part
    assert 'id="list"' not in part
    assert 'name="view" value="mine"' in part


def test_what_people_write_is_shown_as_text(console: TestClient, database: Database):
    number = written(database, "<script>alert(1)</script>")
    page = console.get(f"/console/tickets/{number}").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_earlier_tickets_of_the_person_are_named(console: TestClient, database: Database, number: str):
    second = written(database, "Noch etwas")
    stranger = written(database, "Ganz anderes", sender="jemand@mail.example")
    page = console.get(f"/console/tickets/{second}", headers=PART).text
    assert number in page
    assert stranger not in page


def test_a_search_finds_words_and_jumps_to_a_number(console: TestClient, database: Database, number: str):
    page = console.get("/console?q=Anmeldungen").text
    assert f'id="row-{number}"' in page
    answer = console.get(f"/console?q={number.lower()}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/tickets/{number}")
    assert "Nichts gefunden" in console.get("/console?q=Quastenflosser").text


def test_views_narrow_the_list(console: TestClient, database: Database, number: str):
    assert f'id="row-{number}"' not in console.get("/console?view=mine").text
    send(console, number, "acknowledgement")
    assert f'id="row-{number}"' in console.get("/console?view=mine").text
    assert f'id="row-{number}"' not in console.get("/console?view=unassigned").text


@pytest.mark.parametrize(
    "query", ["view=%00", "view=nonsense", "sort=sideways", "cursor=xx", "q=%00%00", "view=portal:none"]
)
def test_odd_addresses_get_a_clear_answer(console: TestClient, query: str):
    assert console.get(f"/console?{query}").status_code in (200, 422)


@pytest.mark.parametrize("number", ["T-2026-999999", "%00", "ä", "'--", "x" * 300])
def test_a_ticket_that_is_none_is_not_found(console: TestClient, number: str):
    answer = console.get(f"/console/tickets/{number}")
    assert answer.status_code == 404
    assert "Dieses Ticket gibt es nicht." in answer.text
    part = console.get(f"/console/tickets/{number}", headers=PART)
    assert part.text.lstrip().startswith('<section id="ticket"')


def test_who_may_not_see_a_ticket_cannot_tell_it_from_none(client: TestClient, database: Database):
    hidden = written(database, "Vertraulich", kind=tickets.TicketKind.SECURITY)
    signed_in(client)
    for path in (f"/console/tickets/{hidden}", f"/console/tickets/{hidden}/files/1", f"/console?q={hidden}"):
        answer = client.get(path)
        assert "Vertraulich." not in answer.text
        assert answer.status_code in (200, 404)
    page = client.get("/console")
    answer = client.post(f"/console/tickets/{hidden}/acknowledgement", data={"csrf": token_of(client)})
    assert answer.status_code == 404
    assert f'id="row-{hidden}"' not in page.text
    assert stored(database, hidden).acknowledged_at is None


def token_of(client: TestClient) -> str:
    return token(client.get("/console"))


def test_opening_a_person_is_logged_once_an_hour(console: TestClient, database: Database, number: str):
    for _ in range(3):
        console.get(f"/console/tickets/{number}")
    assert kinds(database, number).count("person.opened") == 1


# budgets


@pytest.mark.parametrize("many", [3, 60])
def test_pages_need_a_fixed_number_of_statements(console: TestClient, database: Database, many: int):
    numbers = [written(database, f"Anliegen {each}", sender=f"p{each % 7}@mail.example") for each in range(many)]
    for each in range(many):
        send(console, numbers[0], "messages", text=f"Notiz {each}", public="0", then="note")
    for path, most in (("/console", 6), (f"/console/tickets/{numbers[0]}", 8), ("/console?q=Anliegen", 6)):
        console.get(path)
        with counted(database) as statements:
            assert console.get(path).status_code == 200
        assert len(statements) <= most, "\n".join(statements)


# promises


def turn(database: Database, at: datetime) -> None:
    database.work(lambda session: clock.freeze(session, at))


def test_the_clock_explains_nights_and_pauses(console: TestClient, database: Database):
    """Thursday 21:00 to Friday 10:00 with an hour that waited for the person; hotline hours 8 to 22."""
    thursday = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    turn(database, thursday)
    number = written(database, impact="einzeln", urgency="mittel")
    turn(database, thursday + timedelta(minutes=10))
    send(console, number, "pause", reason="answer", until="2026-11-19T21:40")
    turn(database, thursday + timedelta(minutes=20))
    send(console, number, "resumption")
    told = console.get(f"/console/tickets/{number}", headers=PART).text
    for line in (
        "4 Std Servicezeit (Frist für S3, Servicezeiten „hotline“)",
        "Do 19.11. 21:00 bis 21:10, zusammen 10 Min",
        "Do 19.11. 21:10 bis 21:20, wartete auf Antwort",
        "Do 19.11. 21:20 bis 22:00, zusammen 50 Min",
        "Do 19.11. 22:00 bis Fr 20.11. 08:00",
        "Fr 20.11. 08:00 bis 11:10, zusammen 4 Std",
        "morgen, 11:10 Uhr",
    ):
        assert line in told, line


def test_a_row_says_when_service_begins_again_or_how_long_it_is_overdue(console: TestClient, database: Database):
    evening = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    turn(database, evening)
    written(database, impact="einzeln", urgency="mittel")
    assert "4 Std 00" in console.get("/console").text
    turn(database, evening + timedelta(hours=5))
    assert "ab Fr 08:00" in console.get("/console").text
    turn(database, evening + timedelta(hours=14, minutes=30))
    assert "seit 30 Min" in console.get("/console").text


# verbs


def test_acknowledging_stops_paging_and_says_so(console: TestClient, database: Database, number: str):
    answer = send(console, number, "acknowledgement")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/console/tickets/{number}?view=mine&done=acknowledged",
    )
    page = console.get(answer.headers["location"]).text
    assert "Angenommen. Weitere Alarme sind gestoppt." in page
    assert "Angenommen von Alex Muster" in page
    assert stored(database, number).acknowledged_by == agent_id(database, AGENT)


def test_whoever_comes_second_hears_that_it_is_taken(console: TestClient, colleague: TestClient, number: str):
    send(console, number, "acknowledgement")
    answer = send(colleague, number, "acknowledgement")
    assert answer.headers["location"].endswith("done=already")


WITH_MAIL = {
    "HELPDESK_EMAIL_ADDRESS": "hilfe@nrw.example",
    "HELPDESK_EMAIL_IMAP_HOST": "127.0.0.1",
    "HELPDESK_EMAIL_IMAP_PASSWORD": "x",
    "HELPDESK_EMAIL_SMTP_HOST": "127.0.0.1",
    "HELPDESK_EMAIL_SECRET": "s" * 32,
}


@pytest.mark.parametrize("environ", [WITH_MAIL])
def test_with_a_mailbox_an_answer_is_on_its_way(console: TestClient, number: str):
    send(console, number, "messages", text="Wir kümmern uns.", public="1", channel="email", then="open")
    shown = console.get(f"/console/tickets/{number}").text
    assert "wird gesendet" in shown and "nicht eingerichtet" not in shown


def test_an_answer_goes_out_and_stops_the_clock(console: TestClient, database: Database, number: str):
    answer = send(console, number, "messages", text="Wir kümmern uns.", public="1", channel="email", then="pending")
    assert answer.status_code == 303
    assert [m.text for m in said(database, number)][-1] == "Wir kümmern uns."
    assert stored(database, number).status == "pending"
    sent = database.work(lambda s: s.scalars(select(Delivery).where(Delivery.purpose == "reply")).one())
    assert sent.to_value == "em@mail.example"
    assert "wartet, der Kanal ist nicht eingerichtet" in console.get(f"/console/tickets/{number}").text


def test_a_note_never_leaves_the_house(console: TestClient, database: Database, number: str):
    send(console, number, "messages", text="Nur intern", public="0", then="note")
    assert [(m.text, m.public) for m in said(database, number)][-1] == ("Nur intern", False)
    assert database.work(lambda s: s.scalars(select(Delivery).where(Delivery.purpose == "reply")).all()) == []
    assert "für Bürgerinnen und Bürger nicht sichtbar" in console.get(f"/console/tickets/{number}").text


def test_assigning_resolving_and_reopening(console: TestClient, database: Database, number: str):
    kim = agent_id(database, LEAD)
    send(console, number, "assignment", agent=str(kim))
    assert stored(database, number).assignee_id == kim
    send(console, number, "assignment", agent="")
    assert stored(database, number).assignee_id is None
    send(console, number, "resolution")
    assert stored(database, number).status == "resolved"
    assert "Wieder öffnen" in console.get(f"/console/tickets/{number}").text
    send(console, number, "reopening")
    assert stored(database, number).status == "open"


def test_pausing_and_going_on(console: TestClient, database: Database, number: str):
    answer = send(console, number, "pause", reason="documents", until="2099-01-02T12:00")
    assert answer.status_code == 303
    ticket = stored(database, number)
    assert ticket.status == "pending"
    assert ticket.pending_until is not None
    assert ticket.pending_until.isoformat() == "2099-01-02T11:00:00+00:00"
    assert "wartet auf Unterlagen" in console.get(f"/console/tickets/{number}").text
    send(console, number, "resumption")
    assert stored(database, number).status == "open"


def test_severity_by_hand_needs_a_reason(console: TestClient, database: Database, number: str):
    refused = send(console, number, "severity", severity="S1", reason=" ")
    assert refused.status_code == 422
    assert "Bitte nennen Sie einen Grund." in refused.text
    assert send(console, number, "severity", severity="S1", reason="Ganze Stadt betroffen").status_code == 303
    assert stored(database, number).severity == "S1"
    assert "Ganze Stadt betroffen" in console.get(f"/console/tickets/{number}").text


def test_a_partner_gives_tickets_to_its_own_people_only(client: TestClient, database: Database):
    signed_in(client, PARTNER)
    mine = database.work(
        lambda s: s.scalars(select(Grant.organisation).join(Agent).where(Agent.email == PARTNER)).one()
    )
    number = written(database)
    database.work(lambda s: s.execute(update(Ticket).where(Ticket.number == number).values(partner=mine)))
    page = client.get(f"/console/tickets/{number}")
    assert page.status_code == 200
    assert "Kim Beispiel</button>" not in page.text
    assert send(client, number, "assignment", agent=str(agent_id(database, LEAD))).status_code == 422
    assert send(client, number, "assignment", agent=str(agent_id(database, PARTNER))).status_code == 303


def test_several_tickets_at_once(console: TestClient, database: Database):
    numbers = [written(database, f"Anliegen {each}") for each in range(3)]
    form = {"csrf": token_of(console), "view": "all", "numbers": numbers[:2]}
    assert console.post("/console/bulk/acknowledgement", data=form).status_code == 303
    assert [stored(database, each).status for each in numbers] == ["open", "open", "new"]
    kim = agent_id(database, LEAD)
    console.post("/console/bulk/assignment", data={**form, "agent": str(kim)})
    assert [stored(database, each).assignee_id for each in numbers][:2] == [kim, kim]


def test_preferences_stay_in_the_browser(console: TestClient):
    form = {"csrf": token_of(console), "theme": "dark", "shortcuts": "off"}
    assert console.post("/console/preferences", data=form).status_code == 303
    page = console.get("/console").text
    assert 'data-kern-theme="dark"' in page
    assert 'data-shortcuts="off"' in page


# files


def test_a_file_goes_with_an_answer_and_comes_back_as_an_attachment(
    console: TestClient, database: Database, number: str
):
    page = console.get(f"/console/tickets/{number}")
    form = {"csrf": token(page), "seen": seen(page), "text": "Siehe Anlage", "public": "1", "then": "open"}
    answer = console.post(
        f"/console/tickets/{number}/messages", data=form, files={"files": ("Anleitung.txt", b"Schritt 1", "text/plain")}
    )
    assert answer.status_code == 303
    key = database.work(lambda s: s.scalars(select(Attachment.id)).one())
    file = console.get(f"/console/tickets/{number}/files/{key}")
    assert file.content == b"Schritt 1"
    assert file.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in file.headers["content-security-policy"]
    assert said(database, number)[-1].text == "Siehe Anlage\n\nAnlagen / Attachments: Anleitung.txt"


def test_a_dangerous_file_is_refused_and_the_text_stays(console: TestClient, database: Database, number: str):
    page = console.get(f"/console/tickets/{number}")
    form = {"csrf": token(page), "seen": seen(page), "text": "Langer Text", "public": "1"}
    files = {"files": ("programm.exe", b"MZ\x90", "application/octet-stream")}
    answer = console.post(f"/console/tickets/{number}/messages", data=form, files=files)
    assert answer.status_code == 422
    assert "Langer Text</textarea>" in answer.text
    assert "programm.exe" in answer.text
    assert len(said(database, number)) == 1


def test_files_of_another_ticket_are_not_found(console: TestClient, number: str):
    assert console.get(f"/console/tickets/{number}/files/1").status_code == 404
    assert console.get(f"/console/tickets/{number}/files/{10**30}").status_code == 404


# refusals keep what was typed


def test_an_empty_answer_is_refused(console: TestClient, number: str):
    answer = send(console, number, "messages", text="  ", public="1")
    assert answer.status_code == 422
    assert "Bitte schreiben Sie einen Text." in answer.text


def test_too_long_an_answer_comes_back_whole(console: TestClient, number: str):
    words = "ä" * 20_001
    answer = send(console, number, "messages", text=words, public="0", then="note")
    assert answer.status_code == 413
    assert words in answer.text


def test_a_colleague_was_faster_so_the_answer_is_held(
    console: TestClient, colleague: TestClient, database: Database, number: str
):
    old = console.get(f"/console/tickets/{number}")
    send(colleague, number, "messages", text="Schon erledigt.", public="1", then="open")
    held = send(console, number, "messages", old, text="Ich kümmere mich.", public="1", then="pending")
    assert held.status_code == 409
    assert '<input type="hidden" name="then" value="pending">' in held.text
    for told in ("Kim Beispiel", "Schon erledigt.", "Ich kümmere mich.</textarea>", "Trotzdem senden"):
        assert told in held.text
    assert len(said(database, number)) == 2
    again = send(console, number, "messages", old, text="Ich kümmere mich.", public="1", then="pending", despite="1")
    assert again.status_code == 303
    assert stored(database, number).status == "pending"
    assert [m.text for m in said(database, number)][-1] == "Ich kümmere mich."


def test_a_held_answer_can_become_a_note(console: TestClient, colleague: TestClient, database: Database, number: str):
    old = console.get(f"/console/tickets/{number}")
    send(colleague, number, "messages", text="Schon erledigt.", public="1", then="open")
    send(console, number, "messages", old, text="Mein Entwurf", public="1", as_note="1")
    assert [(m.text, m.public) for m in said(database, number)][-1] == ("Mein Entwurf", False)


def test_notes_and_answers_of_ones_own_are_no_conflict(console: TestClient, colleague: TestClient, number: str):
    old = console.get(f"/console/tickets/{number}")
    send(colleague, number, "messages", text="Nur eine Notiz", public="0", then="note")
    assert send(console, number, "messages", old, text="Erste Antwort", public="1").status_code == 303
    assert send(console, number, "messages", old, text="Nachtrag", public="1").status_code == 303


def test_a_refused_part_is_the_ticket_alone(console: TestClient, number: str):
    page = console.get(f"/console/tickets/{number}")
    form = {"csrf": token(page), "seen": seen(page), "text": " ", "public": "1"}
    answer = console.post(f"/console/tickets/{number}/messages", data=form, headers=PART)
    assert answer.status_code == 422
    assert "<html" not in answer.text
    assert 'id="composer-error"' in answer.text


@pytest.mark.parametrize(
    ("resource", "fields"),
    [
        ("assignment", {"agent": "9" * 30}),
        ("assignment", {"agent": "kim"}),
        ("pause", {"reason": "answer", "until": "morgen"}),
        ("pause", {"reason": "answer", "until": "2001-01-01T00:00"}),
        ("severity", {"severity": "S9", "reason": "so"}),
    ],
)
def test_nonsense_is_refused_in_words(console: TestClient, number: str, resource: str, fields: dict[str, str]):
    answer = send(console, number, resource, **fields)
    assert answer.status_code == 422
    assert 'class="notice"' in answer.text


# deliveries


def put(session: Session, number: str, state: str, **more: object) -> int:
    ticket = session.scalars(select(Ticket).where(Ticket.number == number)).one()
    draft = deliveries.Draft(
        purpose="receipt", rank=5, channel="email", to=Address(kind="email", value="em@mail.example"), text="x",
        language="de", ticket_id=ticket.id,
    )  # fmt: skip
    deliveries.put(session, [draft])
    row = session.scalars(select(Delivery).order_by(Delivery.id.desc()).limit(1)).one()
    row.state, row.due_at = state, None
    for name, value in more.items():
        setattr(row, name, value)
    session.flush()
    return row.id


@pytest.mark.parametrize(
    ("state", "words"), [("failed", "Die Adresse gibt es nicht."), ("uncertain", "unklar, ob gesendet")]
)
def test_what_did_not_arrive_can_be_sent_again(
    console: TestClient, database: Database, number: str, state: str, words: str
):
    key = database.work(lambda s: put(s, number, state, reason="invalid_address"))
    page = console.get(f"/console/tickets/{number}")
    assert words in page.text
    assert "Noch einmal senden" in page.text
    answer = send(console, number, f"deliveries/{key}/again", page)
    assert answer.status_code == 303
    assert database.work(lambda s: s.get_one(Delivery, key).state) == "pending"
    assert "delivery.again" in kinds(database, number)


def test_a_delivery_of_another_ticket_is_not_found(console: TestClient, database: Database, number: str):
    other = written(database, "Anderes", sender="x@mail.example")
    key = database.work(lambda s: put(s, other, "failed"))
    for each in (key, 10**30):
        assert send(console, number, f"deliveries/{each}/again").status_code == 404
    assert database.work(lambda s: s.get_one(Delivery, key).state) == "failed"


def test_a_withdrawn_page_is_not_shown_as_a_failure(console: TestClient, database: Database, number: str):
    database.work(lambda s: put(s, number, "failed", detail="withdrawn: acknowledged", purpose="page"))
    assert "fehlgeschlagen" not in console.get(f"/console/tickets/{number}").text


# when something breaks


def test_an_unforeseen_error_names_a_reference_and_no_cause(house: House, monkeypatch: pytest.MonkeyPatch):
    def broken(*given: object, **more: object) -> object:
        raise RuntimeError("secret cause")

    with TestClient(
        app.create_app(house.settings, house), raise_server_exceptions=False, follow_redirects=False
    ) as client:
        signed_in(client)
        monkeypatch.setattr(inbox, "ticket_list", broken)
        answer = client.get("/console")
    assert answer.status_code == 500
    assert re.search(r"Kennung für die Technik: E-[0-9A-F]{6}", answer.text)
    assert "secret cause" not in answer.text


def test_without_the_database_there_is_a_page_that_says_so(console: TestClient, monkeypatch: pytest.MonkeyPatch):
    async def away(*given: object) -> None:
        raise DatabaseAway

    monkeypatch.setattr(Database, "run", away)
    answer = console.get("/console")
    assert answer.status_code == 503
    assert "Die Datenbank ist gerade nicht erreichbar" in answer.text


def test_other_systems_get_problems_as_json(client: TestClient):
    answer = client.get("/channels/nowhere", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"], told["title"]) == (404, "not_found", "Not Found")
    assert "haben" not in told["detail"]


def test_an_unknown_address_of_the_console_is_a_page(console: TestClient):
    answer = console.get("/console/nirgends")
    assert answer.status_code == 404
    assert "Zurück zum Eingang" in answer.text
