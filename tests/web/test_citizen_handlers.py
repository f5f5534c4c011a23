"""Citizens' stories over HTTP: writing, confirmation, the own page behind its door, and everything that goes wrong."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from time import time
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from helpdesk import clock, notifications, tickets
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.i18n import INTERFACE
from helpdesk.models import Attachment, Delivery, Inbound, Message, SecretLink, Ticket
from helpdesk.tickets import Actor
from helpdesk.web.citizen import contact, offer, seals
from tests.web.citizen_samples import TYPED

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
AGENT = Actor(kind="agent", name="Kaya")


@pytest.fixture(autouse=True)
def afternoon(database: Database) -> None:
    """A Thursday, 19:42: the hotline is open until 22:00."""
    turn(database, datetime(2026, 11, 19, 18, 42, tzinfo=UTC))


def turn(database: Database, instant: datetime) -> None:
    with database.transaction() as session:
        clock.freeze(session, instant)


def hidden(html: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)}


def stamped(house: House, key: str, *, seconds_ago: float = 30) -> str:
    return seals.seal(house.context, "form", key, at=time() - seconds_ago)


def filled(house: House, **changes: str) -> dict[str, str]:
    """A form as a browser sends it, served half a minute ago."""
    key = changes.pop("key", str(uuid4()))
    return TYPED | {"key": key, "stamp": stamped(house, key), "website": "", "sprache": "de"} | changes


def write(client: TestClient, house: House, **changes: str) -> Ticket:
    """Sends a form; the ticket that it made."""
    answer = client.post("/", data=filled(house, **changes))
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/gesendet")
    return only(house.database)


def only(database: Database) -> Ticket:
    with database.transaction() as session:
        return session.scalars(select(Ticket)).one()


def count(database: Database, table: type) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def secret_path(house: House, ticket: Ticket) -> str:
    return f"/anliegen/{notifications.secret_of(house.context, ticket)}"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2].partition("</main>")[0]).split())


def enter(client: TestClient, path: str) -> str:
    client.get(path)
    assert client.post(path).status_code == 303
    return client.get(path).text


# the contact page


def test_the_page_offers_portals_hours_and_a_promise(client: TestClient):
    page = client.get("/")
    shown = words(page.text)
    assert page.status_code == 200
    assert "Kommunalportal.NRW" in shown
    assert "ELSTER" not in shown  # others' portals are offered only to who comes from there
    assert "geöffnet bis 22 Uhr" in shown
    assert "Montag bis Freitag 8 Uhr bis 22 Uhr" in shown
    assert "Feiertage 10 Uhr bis 20 Uhr" in shown
    assert re.search(r"Sie bekommen eine Antwort (heute|bis) ", shown)
    assert 'href="tel:+492214710100"' in page.text


def test_at_night_it_says_when_somebody_is_there_again(client: TestClient, database: Database):
    turn(database, datetime(2026, 11, 20, 22, 30, tzinfo=UTC))
    assert "wieder ab morgen, Samstag, 9 Uhr" in words(client.get("/").text)


def test_round_the_clock_has_no_end(house: House):
    with house.database.transaction() as session:
        always = offer.read(session)
        calendar = offer.book(session).engine.calendars["immer"]
    assert offer.opening(calendar, always.now) == (True, None)


def test_a_link_presets_portal_place_and_what_it_was_about(client: TestClient):
    page = client.get("/?portal=kommunalportal-nrw&ags=05315000&component=postfach&form=F-1&error=SK-504").text
    assert "Sie kommen von: Kommunalportal.NRW, Köln." in words(page)
    assert re.search(r'value="kommunalportal-nrw" checked', page)
    assert 'name="place" value="Köln"' in page
    assert hidden(page) | {"ags": "05315000", "component": "postfach", "form": "F-1", "error": "SK-504"} == hidden(page)
    assert "portal=kommunalportal-nrw" in page  # changing the language keeps what the link said


def test_an_external_portal_is_offered_to_whoever_comes_from_it(client: TestClient):
    assert re.search(r'value="extern" checked', client.get("/?portal=extern").text)


def test_an_unknown_portal_in_a_link_is_a_page_without_a_preset(client: TestClient, house: House):
    for query in ("portal=gibt-es-nicht", "portal=%3Cscript%3E", "ags=99999999&component=nichts"):
        page = client.get(f"/?{query}")
        assert page.status_code == 200
        assert "Sie kommen von" not in page.text
        assert "<script>" not in page.text
        sent = hidden(page.text) | {"text": "Hilfe", "answer": "online"}
        sent["stamp"] = stamped(house, sent["key"])
        assert client.post("/", data=sent).status_code == 303


def test_a_link_never_brings_a_key_a_text_or_an_address(client: TestClient):
    key = str(uuid4())
    page = client.get(f"/?key={key}&text=Untergeschoben&address=boese@example.org&stamp=1").text
    assert key not in page
    assert "Untergeschoben" not in page
    assert "boese@" not in page


def test_places_are_suggested(client: TestClient):
    found = client.get("/orte?q=koel").json()
    assert found[0] == {"ags": "05315000", "name": "Köln", "district": "Köln"}
    assert client.get("/orte?q=").json() == []
    assert client.get("/orte").status_code == 200


# sending


def test_a_message_becomes_a_ticket_and_only_its_sender_sees_the_confirmation(client: TestClient, house: House):
    ticket = write(client, house, deadline="yes", error="SK-504", form="F-1", component="postfach")
    assert (ticket.portal, ticket.ags, ticket.component) == ("kommunalportal-nrw", "05315000", "postfach")
    assert ticket.facts == {
        "form": "F-1", "error": "SK-504", "deadline": "today_or_tomorrow", "overrides": ["frist24h"],
    }  # fmt: skip
    assert (ticket.severity, ticket.kind, ticket.channel, ticket.language) == ("S2", "question", "web", "de")
    shown = words(client.get("/gesendet").text)
    assert ticket.number in shown
    assert "Nummer und Link schicken wir auch an" not in shown  # no mailbox is set up here
    assert re.search(r"Sie bekommen eine Antwort (heute|bis)", shown)
    assert secret_path(house, ticket) in client.get("/gesendet").text
    client.cookies.clear()
    stranger = client.get("/gesendet")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/anliegen")


WITH_MAIL = {
    "HELPDESK_EMAIL_ADDRESS": "hilfe@nrw.example",
    "HELPDESK_EMAIL_IMAP_HOST": "127.0.0.1",
    "HELPDESK_EMAIL_IMAP_PASSWORD": "x",
    "HELPDESK_EMAIL_SMTP_HOST": "127.0.0.1",
    "HELPDESK_EMAIL_SECRET": "s" * 32,
}


@pytest.mark.parametrize("environ", [WITH_MAIL])
def test_with_a_mailbox_the_confirmation_says_where_the_copy_goes(client: TestClient, house: House):
    write(client, house)
    assert "Nummer und Link schicken wir auch an k.yilmaz@post.example." in words(client.get("/gesendet").text)


def test_the_receipt_goes_out_by_mail_and_nothing_goes_to_who_looks_online(client: TestClient, house: House):
    write(client, house)
    with house.database.transaction() as session:
        assert session.scalars(select(Delivery.to_value)).all() == ["k.yilmaz@post.example"]
    client.post("/", data=filled(house, answer="online", address="wird@ignoriert.example"))
    assert (count(house.database, Ticket), count(house.database, Delivery)) == (2, 1)
    assert "schicken wir auch" not in words(client.get("/gesendet").text)


def test_a_district_counts_as_a_place_and_an_unknown_place_is_kept_as_said(client: TestClient, house: House):
    assert write(client, house, place="Kreis Coesfeld").ags == "05558"
    with house.database.transaction() as session:
        session.execute(text("TRUNCATE ticket CASCADE"))
    ticket = write(client, house, place="Atlantis", ags="-")
    assert (ticket.ags, ticket.facts["place"]) == (None, "Atlantis")


def test_a_barrier_is_feedback_in_its_own_category(client: TestClient, house: House):
    ticket = write(client, house, topic="barriere")
    assert (ticket.kind, ticket.category) == ("feedback", "barrierefreiheit")


def test_a_double_click_is_one_ticket(client: TestClient, house: House):
    form = filled(house)
    first, second = (client.post("/", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert only(house.database).number in words(client.get("/gesendet").text)


def test_two_at_the_very_same_moment_are_one_ticket(client: TestClient, house: House):
    form = filled(house)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.post("/", data=form).status_code, range(4)))
    assert answers == [303] * 4
    assert (count(house.database, Ticket), count(house.database, Inbound)) == (1, 1)


def test_going_back_and_asking_something_else_is_a_second_ticket(client: TestClient, house: House):
    form = filled(house)
    client.post("/", data=form)
    for _ in range(2):
        client.post("/", data=form | {"text": "Und noch eine andere Frage"})
    assert count(house.database, Ticket) == 2


def test_somebody_elses_key_is_worth_nothing_without_its_stamp(client: TestClient, house: House):
    form = filled(house)
    client.post("/", data=form)
    client.cookies.clear()
    thief = client.post("/", data=form | {"stamp": stamped(house, str(uuid4()))})
    assert thief.status_code == 422
    assert "beleg" not in thief.headers.get("set-cookie", "")


def test_every_script_arrives_as_it_was_typed(client: TestClient, house: House):
    typed = "Größe & Maß: 100 % + „Störung“ — مرحبا Привіт 😀 Ã¼"
    client.post("/", data=filled(house, text=typed))
    assert message_of(house) == typed
    client.post("/", files={name: (None, value) for name, value in filled(house, text=typed[::-1]).items()})
    assert message_of(house) == typed[::-1]


def test_unescaped_bytes_of_simple_programs_are_read_as_they_were_meant(client: TestClient, house: House):
    for encoding in ("utf-8", "cp1252"):
        form = filled(house, text=f"Störung {encoding}", place="", deadline="no")
        body = "&".join(f"{name}={value}" for name, value in form.items()).encode(encoding)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/", content=body, headers=kind).status_code == 303
        assert message_of(house) == f"Störung {encoding}"


def message_of(house: House) -> str:
    with house.database.transaction() as session:
        return session.scalars(select(Message.text).order_by(Message.id.desc()).limit(1)).one()


# refused


def test_faults_come_back_with_everything_typed(client: TestClient, house: House):
    form = filled(house, text="  ", address="kaputt", place="51467", deadline="yes", error="SK-504")
    answer = client.post("/", data=form)
    assert answer.status_code == 422
    assert 'value="kaputt"' in answer.text
    assert 'value="51467"' in answer.text
    kept = hidden(answer.text)
    assert (kept["key"], kept["stamp"], kept["error"]) == (form["key"], form["stamp"], "SK-504")
    assert count(house.database, Inbound) == 0


def test_twenty_thousand_characters_are_taken_and_one_more_is_not(client: TestClient, house: House):
    answer = client.post("/", data=filled(house, text="ä" * 20_001))
    assert answer.status_code == 422
    assert "20001 Zeichen" in words(answer.text)
    assert "ä" * 20_001 in answer.text
    write(client, house, text="ä" * 20_000)
    assert len(message_of(house)) == 20_000


def test_a_portal_that_is_not_offered_is_refused(client: TestClient, house: House):
    answer = client.post("/", data=filled(house, portal="gibt-es-nicht"))
    assert answer.status_code == 422
    assert "Diese Auswahl gibt es nicht mehr" in words(answer.text)


def test_who_fills_in_the_trap_is_thanked_and_forgotten(client: TestClient, house: House):
    answer = client.post("/", data=filled(house, website="https://spam.example"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/gesendet")
    assert (count(house.database, Ticket), count(house.database, Inbound)) == (0, 0)


def test_too_fast_is_asked_once_more_and_then_taken(client: TestClient, house: House):
    key = str(uuid4())
    form = filled(house, key=key, stamp=stamped(house, key, seconds_ago=0.2))
    answer = client.post("/", data=form)
    assert answer.status_code == 422
    assert "Bitte senden Sie noch einmal ab" in words(answer.text)
    assert TYPED["text"] in unescape(answer.text)
    assert hidden(answer.text)["stamp"] == form["stamp"]
    form["stamp"] = stamped(house, key, seconds_ago=5)
    assert client.post("/", data=form).status_code == 303


def test_a_stamp_that_is_not_ours_is_replaced(client: TestClient, house: House):
    for stamp in ("", "x", "a.b.c", "..", "é.1.é"):
        answer = client.post("/", data=filled(house, stamp=stamp))
        assert answer.status_code == 422
        fresh = hidden(answer.text)
        seal = seals.opened(house.context, "form", fresh["stamp"], timedelta(minutes=1))
        assert seal is not None
        assert seal.value == fresh["key"]
        assert TYPED["text"] in unescape(answer.text)


def test_a_form_left_open_for_a_week_is_still_good_and_older_ones_get_a_new_stamp(client: TestClient, house: House):
    key = str(uuid4())
    old = filled(house, key=key, stamp=stamped(house, key, seconds_ago=8 * 86_400))
    assert client.post("/", data=old).status_code == 422
    young = filled(house, key=key, stamp=stamped(house, key, seconds_ago=6 * 86_400))
    assert client.post("/", data=young).status_code == 303


def test_the_sixth_message_in_ten_minutes_waits_with_its_text(client: TestClient, house: House):
    for _ in range(5):
        assert client.post("/", data=filled(house)).status_code == 303
    answer = client.post("/", data=filled(house, text="Die sechste Nachricht"))
    assert answer.status_code == 429
    assert 60 <= int(answer.headers["retry-after"]) <= 120
    assert "0221 4710 100" in words(answer.text)
    assert "Die sechste Nachricht" in answer.text
    assert count(house.database, Ticket) == 5


def test_who_sends_too_much_fills_no_disk(client: TestClient, house: House):
    path = secret_path(house, write(client, house))
    for _ in range(4):
        client.post("/", data=filled(house))
    refused = client.post("/", data=filled(house), files=[("files", ("bild.png", PNG, "image/png"))])
    assert refused.status_code == 429
    lost = client.post(f"{path[:-3]}xyz/messages", files=[("files", ("bild.png", PNG, "image/png"))])
    assert lost.status_code == 404
    assert list((house.settings.data / "files").rglob("*")) == []


def test_a_fault_of_ours_keeps_what_was_typed(client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(contact.intake, "take_in", broken)
    answer = client.post("/", data=filled(house))
    assert answer.status_code == 500
    assert "Der Fehler liegt bei uns" in words(answer.text)
    assert TYPED["text"] in unescape(answer.text)


def test_while_the_database_is_away_the_page_stands_and_keeps_the_text(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
):
    client.get("/")
    form = filled(house, text="Wichtig und lang")
    away(house, monkeypatch)
    page = client.get("/")
    assert page.status_code == 200
    assert "Kommunalportal.NRW" in words(page.text)
    answer = client.post("/", data=form)
    assert answer.status_code == 503
    shown = words(answer.text)
    assert "Wichtig und lang" in answer.text
    assert "Wir können Ihre Nachricht gerade nicht speichern" in shown
    assert "0221 4710 100" in shown
    assert hidden(answer.text)["key"] == form["key"]
    monkeypatch.undo()
    assert client.post("/", data=form).status_code == 303


def test_a_process_that_never_saw_the_database_still_draws_its_page(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
):
    away(house, monkeypatch)
    assert 'name="place"' in client.get("/").text
    answer = client.post("/", data=filled(house))
    assert answer.status_code == 503
    assert TYPED["text"] in unescape(answer.text)
    for path in ("/anliegen", "/impressum", "/anliegen/abc"):
        assert client.get(path).status_code == 200


def away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database refuses connections: its engine points at a port where nobody listens."""
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    monkeypatch.setattr(house.database, "engine", gone.engine)


# files


def test_files_come_along_and_are_only_ever_attachments(client: TestClient, house: House):
    files = [
        ("files", ("../böse\u202egpj.png", PNG, "text/html")),
        ("files", ("notiz.txt", b"<script>1</script>", "x/y")),
    ]
    client.post("/", data=filled(house), files=files)
    ticket = only(house.database)
    with house.database.transaction() as session:
        rows = session.scalars(select(Attachment).order_by(Attachment.id)).all()
    assert [(row.name, row.media_type, row.size) for row in rows] == [
        ("bösegpj.png", "image/png", len(PNG)),
        ("notiz.txt", "text/plain", 18),
    ]
    path = secret_path(house, ticket)
    address = f"{path}/files/{rows[1].id}"
    assert client.get(address).headers["location"] == path  # the door first
    assert address in enter(client, path)
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (200, b"<script>1</script>")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get(f"{path}/files/{rows[1].id + 1000}").status_code == 404


def test_files_of_others_and_of_notes_stay_closed(client: TestClient, house: House):
    client.post("/", data=filled(house), files=[("files", ("bild.png", PNG, "image/png"))])
    first = only(house.database)
    client.post("/", data=filled(house, text="Etwas anderes"))
    with house.database.transaction() as session:
        second = session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
        theirs = session.scalars(select(Attachment.id)).one()
    path = secret_path(house, second)
    enter(client, path)
    assert client.get(f"{path}/files/{theirs}").status_code == 404
    with house.database.transaction() as session:
        session.execute(text("UPDATE message SET public = false"))
    mine = secret_path(house, first)
    enter(client, mine)
    assert client.get(f"{mine}/files/{theirs}").status_code == 404


def test_programs_in_disguise_empty_and_too_many_files_are_refused(client: TestClient, house: House):
    for files, fault in (
        ([("files", ("bild.png", b"MZ\x90\x00", "image/png"))], "Dateien wie „bild.png“ nehmen wir nicht an"),
        ([("files", ("a.exe", b"MZ", "image/png"))], "Dateien wie „a.exe“"),
        ([("files", ("leer.png", b"", "image/png"))], "„leer.png“ ist leer"),
        ([("files", (f"{n}.png", PNG, "image/png")) for n in range(11)], "Höchstens 10 Dateien"),
    ):
        answer = client.post("/", data=filled(house), files=files)
        assert answer.status_code == 422
        assert fault in words(answer.text)
        assert TYPED["text"] in unescape(answer.text)
    assert count(house.database, Ticket) == 0


def test_a_file_that_is_too_large_is_named(client: TestClient, house: House):
    big = PNG + bytes(15 * 1024 * 1024)
    answer = client.post("/", data=filled(house), files=[("files", ("riesig.png", big, "image/png"))])
    assert answer.status_code == 422
    assert "„riesig.png“ ist zu groß" in words(answer.text)


def test_a_body_beyond_all_limits_keeps_what_was_typed(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("helpdesk.web.citizen.posts.MOST_TEXT", 1000)
    small = contact.limits_of(house.settings.model_copy(update={"max_upload": 1000, "max_files": 1}))
    monkeypatch.setattr(contact, "limits_of", lambda settings: small)
    answer = client.post("/", data=filled(house), files=[("files", ("a.png", PNG + bytes(9000), "image/png"))])
    assert answer.status_code == 413
    assert "Das ist zu groß" in words(answer.text)
    assert TYPED["text"] in unescape(answer.text)


def test_broken_bodies_never_break_the_page(client: TestClient):
    nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"
    for body in (b"", b"--x\r\n", nameless, b"\xff\x00", b"a=1&" * 100):
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "application/x-www-form-urlencoded", ""):
            answer = client.post("/", content=body, headers={"content-type": kind})
            assert answer.status_code in (413, 422), (body, kind)
            assert "<textarea" in answer.text


# the own page


def test_right_and_wrong_links_show_the_same_door(client: TestClient, house: House):
    path = secret_path(house, write(client, house))
    right, wrong = client.get(path), client.get("/anliegen/AAAAAAAAAAAAAAAAAAAAAA")
    assert right.status_code == wrong.status_code == 200
    assert words(right.text) == words(wrong.text)
    assert "T-2026" not in right.text
    assert right.headers["x-robots-tag"] == "noindex, nofollow"
    assert right.headers["cache-control"] == "no-store"


def test_the_button_opens_the_right_link_only(client: TestClient, house: House):
    ticket = write(client, house)
    assert ticket.number in words(enter(client, secret_path(house, ticket)))
    wrong = client.post("/anliegen/AAAAAAAAAAAAAAAAAAAAAA")
    assert wrong.status_code == 404
    assert "Dieser Link öffnet nichts" in words(wrong.text)
    assert "set-cookie" not in wrong.headers


def test_without_cookies_the_button_shows_the_ticket_at_once(client: TestClient, house: House):
    ticket = write(client, house)
    client.cookies.clear()
    answer = client.post(secret_path(house, ticket))
    assert (answer.status_code, ticket.number in words(answer.text)) == (200, True)


def test_the_door_of_one_ticket_opens_no_other(client: TestClient, house: House):
    first = write(client, house)
    path = secret_path(house, first)
    enter(client, path)
    cookie = client.cookies.get("tuer", path=path)
    client.cookies.clear()
    answer = client.get("/anliegen/BBBBBBBBBBBBBBBBBBBBBB", headers={"cookie": f"tuer={cookie}"})
    assert "Anliegen öffnen" in words(answer.text)


def test_old_and_revoked_links_look_like_wrong_ones(client: TestClient, house: House):
    ticket = write(client, house)
    path = secret_path(house, ticket)
    enter(client, path)
    with house.database.transaction() as session:
        session.execute(SecretLink.__table__.update().values(expires_at=datetime(2026, 11, 19, tzinfo=UTC)))
    for answer in (
        client.get(path),
        client.post(path),
        client.post(f"{path}/resolution"),
        client.post(f"{path}/reopening"),
    ):
        assert answer.status_code == 404
        assert "Dieser Link öffnet nichts" in words(answer.text)
    lost = client.post(f"{path}/messages", data={"text": "Mein langer Text"})
    assert lost.status_code == 404
    assert "Mein langer Text" in lost.text


def test_anything_may_stand_in_an_address(client: TestClient):
    for typed in (
        "a%0d%0aSet-Cookie:%20x=1",
        "a;%20Domain=evil.example",
        "%00",
        "%22%3E%3Cscript%3E",
        "%F0%9F%98%80",
        "a.b",
    ):
        page = client.get(f"/anliegen/{typed}")
        assert page.status_code == 200
        assert page.headers.get_list("set-cookie")[0].startswith("tuer=knocked;")
        assert "domain=" not in page.headers["set-cookie"].lower()
        assert "<script>" not in page.text
        assert client.post(f"/anliegen/{typed}").status_code == 404
        assert client.get(f"/anliegen/{typed}/files/1").status_code == 303


def test_the_story_from_answer_to_reopening(client: TestClient, house: House):
    ticket = write(client, house)
    path = secret_path(house, ticket)
    assert "Ihr Anliegen ist bei uns" in words(enter(client, path))

    answer_as_agent(house, ticket, "Bitte schicken Sie uns ein Bild.", then="pending")
    shown = words(client.get(path).text)
    assert "Wir brauchen eine Antwort von Ihnen" in shown
    assert "Bitte schicken Sie uns ein Bild." in shown
    assert "Kaya" not in shown  # people of ours are not named

    files = [("files", ("bild.png", PNG, "image/png"))]
    sent = client.post(
        f"{path}/messages", data={"key": str(uuid4()), "text": "Hier ist es", "sprache": "de"}, files=files
    )
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?getan=replied")
    shown = words(client.get(sent.headers["location"]).text)
    assert "Ihre Nachricht ist angekommen." in shown
    assert "bild.png" in shown
    assert "Wir arbeiten daran" in shown

    answer_as_agent(house, ticket, "Jetzt geht es wieder.", then="resolved")
    shown = words(client.get(path).text)
    assert "Ihr Anliegen ist gelöst" in shown
    assert "Anliegen wieder öffnen" in shown
    assert client.post(f"{path}/reopening").headers["location"] == f"{path}?getan=reopened"
    assert only(house.database).status == "open"
    assert client.post(f"{path}/resolution").headers["location"] == f"{path}?getan=closed"
    assert "Ihr Anliegen ist geschlossen." in words(client.get(f"{path}?getan=closed").text)
    client.post(f"{path}/messages", data={"key": str(uuid4()), "text": "Doch nicht"})
    assert only(house.database).status == "open"


def answer_as_agent(house: House, ticket: Ticket, typed: str, then: str) -> None:
    def job(session):
        return tickets.reply(session, tickets.locked_by_id(session, ticket.id), typed, AGENT, then=then)

    house.database.work(job)


def test_a_reply_sent_twice_is_one_message(client: TestClient, house: House):
    path = secret_path(house, write(client, house))
    form = {"key": str(uuid4()), "text": "Noch etwas"}
    with ThreadPoolExecutor(3) as threads:
        assert (
            list(threads.map(lambda _: client.post(f"{path}/messages", data=form).status_code, range(3))) == [303] * 3
        )
    assert count(house.database, Message) == 2


def test_notes_are_never_shown_and_hostile_text_is_only_text(client: TestClient, house: House):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }}"
    ticket = write(client, house, text=hostile)
    house.database.work(lambda s: tickets.note(s, tickets.locked_by_id(s, ticket.id), "GEHEIME NOTIZ", AGENT))
    answer_as_agent(house, ticket, hostile, then="open")
    page = enter(client, secret_path(house, ticket))
    assert "GEHEIME NOTIZ" not in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count("{{ 7*7 }}") >= 2
    assert "&lt;script&gt;alert(1)" in page


def test_an_empty_or_too_long_reply_comes_back(client: TestClient, house: House):
    path = secret_path(house, write(client, house))
    key = str(uuid4())
    empty = client.post(f"{path}/messages", data={"key": key, "text": "   "})
    long = client.post(f"{path}/messages", data={"key": key, "text": "x" * 20_001})
    assert (empty.status_code, long.status_code) == (422, 422)
    assert "x" * 20_001 in long.text
    assert hidden(long.text)["key"] == key
    assert count(house.database, Message) == 1


def test_after_the_days_of_reopening_the_text_moves_to_a_new_form(client: TestClient, house: House, database: Database):
    ticket = write(client, house)
    path = secret_path(house, ticket)
    answer_as_agent(house, ticket, "Fertig", then="resolved")
    turn(database, datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
    assert "Anliegen wieder öffnen" not in words(enter(client, path))
    answer = client.post(f"{path}/messages", data={"text": "Leider wieder kaputt"})
    assert answer.status_code == 409
    assert "Leider wieder kaputt" in answer.text
    assert 'name="stamp"' in answer.text
    assert client.post(f"{path}/reopening").headers["location"] == path
    assert only(house.database).status == "resolved"


def test_a_reply_while_the_database_is_away_can_be_copied(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
):
    path = secret_path(house, write(client, house))
    away(house, monkeypatch)
    answer = client.post(f"{path}/messages", data={"text": "Mein langer Text"})
    assert answer.status_code == 503
    assert "Mein langer Text" in answer.text
    assert "0221 4710 100" in words(answer.text)


def test_twenty_replies_in_ten_minutes_are_enough(client: TestClient, house: House):
    path = secret_path(house, write(client, house))
    statuses = [
        client.post(f"{path}/messages", data={"key": str(uuid4()), "text": f"{n}"}).status_code for n in range(21)
    ]
    assert statuses == [303] * 20 + [429]


def test_a_late_answer_is_admitted(client: TestClient, house: House, database: Database):
    ticket = write(client, house)
    turn(database, datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    assert "Wir sind später dran als versprochen" in words(enter(client, secret_path(house, ticket)))


# around


def test_fixed_pages_stand_in_every_language(client: TestClient):
    for path in ("/impressum", "/datenschutz", "/barrierefreiheit", "/barriere-melden", "/anliegen"):
        for language in INTERFACE:
            page = client.get(f"{path}?sprache={language}")
            assert page.status_code == 200
            assert f'<html lang="{language.tag}"' in page.text


def test_the_language_follows_the_link_then_the_form_then_the_browser(client: TestClient, house: House):
    english = {"accept-language": "en-GB,en;q=0.9"}
    assert 'lang="en"' in client.get("/", headers=english).text
    assert 'lang="de"' in client.get("/?sprache=de", headers=english).text
    answer = client.post("/", data=filled(house, sprache="en"))
    assert answer.headers["location"] == "/gesendet?sprache=en"
    assert only(house.database).language == "en"
    assert "Your message has reached us" in words(client.get("/gesendet?sprache=en").text)


def test_plain_language_has_an_address_of_its_own(client: TestClient):
    assert client.get("/leicht/").headers["location"] == "/?sprache=de-leicht"
    assert client.get("/leicht?portal=bauportal-nrw").headers["location"] == "/?sprache=de-leicht&portal=bauportal-nrw"
    assert "Leichte Sprache" in client.get("/?sprache=de-leicht").text


def test_an_address_that_does_not_exist_is_a_page_of_ours(client: TestClient):
    answer = client.get("/gibt/es/nicht")
    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht" in words(answer.text)


def test_every_answer_keeps_browsers_on_our_side(client: TestClient):
    for path in ("/", "/anliegen/abc", "/impressum", "/gibt-es-nicht", "/orte?q=k", "/static/citizen.css"):
        headers = client.get(path).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_the_original_is_kept_as_it_was_filled_in(client: TestClient, house: House):
    write(client, house)
    with house.database.transaction() as session:
        kept = json.loads(session.scalars(select(Inbound.body)).one())
    assert (kept["text"], kept["place"], kept["answer"]) == (TYPED["text"], "05315000", "email")
    assert not {"stamp", "csrf", "website"} & set(kept)
