"""Two agents at their consoles, real pages on a real database: what one does, the other sees; keys, no script, looks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from time import monotonic

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from helpdesk import contacts, tickets
from helpdesk.house import House
from helpdesk.tickets import Opening
from tests.browser.shots import LOOKS, Look, axe, chromium, opened, sideways
from tests.conftest import PASSWORD
from tests.web.test_live import served

pytestmark = [
    pytest.mark.peer_chromium,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
]

WIDE = LOOKS[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def url(house: House) -> Iterator[str]:
    with served(house) as url:
        yield url


@pytest.fixture
def number(house: House) -> str:
    return house.database.work(lambda session: written(session, "Die Anmeldung bricht ab"))


def written(session: Session, words: str, **more: object) -> str:
    person = contacts.find_or_make(session, "email", "em@mail.example", name="Erika Mustermann")
    values = {
        "channel": "email",
        "language": "de",
        "contact_id": person.contact_id,
        "author_name": "Erika Mustermann",
        **more,
    }
    return tickets.open_ticket(session, Opening(subject=words, text=f"{words}.", **values)).ticket.number


def sign_in(page: Page, email: str = "agent@demo.example") -> None:
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("#list")


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Nothing may break the content policy or raise in a script."""
    told: list[str] = []
    yield told
    assert told == []


def watch(page: Page, complaints: list[str]) -> None:
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))


def test_one_answers_and_the_other_sees_it_at_once(browser: Browser, url: str, number: str, complaints: list[str]):
    ticket = f"{url}/console/tickets/{number}"
    with opened(browser, ticket, WIDE) as alex, opened(browser, ticket, WIDE) as kim:
        for page, email in ((alex, "agent@demo.example"), (kim, "lead@demo.example")):
            sign_in(page, email)
            watch(page, complaints)
        kim.wait_for_timeout(300)  # her stream is open
        kim.evaluate("document.body.dataset.sameDocument = 'yes'")
        alex.fill("#text", "Wir kümmern uns darum.")
        alex.press("#text", "Control+Enter")
        begin = monotonic()
        kim.wait_for_selector(".message.outgoing:has-text('Wir kümmern uns darum.')", timeout=3000)
        took = monotonic() - begin
        expect(alex.locator(".message.outgoing")).to_contain_text("Wir kümmern uns darum.")
        assert took < 1, f"{took:.2f} s"
        assert kim.evaluate("document.body.dataset.sameDocument") == "yes"
        expect(kim.locator("#assign-menu > summary")).to_contain_text("Alex Muster")


def test_a_new_ticket_appears_in_the_open_list(
    browser: Browser, url: str, house: House, number: str, complaints: list[str]
):
    with opened(browser, f"{url}/console", WIDE) as page:
        sign_in(page)
        watch(page, complaints)
        page.wait_for_timeout(300)
        new = house.database.work(lambda session: written(session, "Noch ein Anliegen"))
        page.wait_for_selector(f"#row-{new}", timeout=2000)
        expect(page.locator("#list-title .count")).to_have_text("2")


def test_an_answer_is_held_while_a_colleague_was_faster(browser: Browser, url: str, number: str, complaints: list[str]):
    ticket = f"{url}/console/tickets/{number}"
    with opened(browser, ticket, WIDE) as alex, opened(browser, ticket, WIDE) as kim:
        sign_in(alex)
        sign_in(kim, "lead@demo.example")
        kim.fill("#text", "Mein langer Entwurf")
        alex.fill("#text", "Schon erledigt.")
        alex.press("#text", "Control+Enter")
        kim.wait_for_selector(".message.outgoing:has-text('Schon erledigt.')")
        kim.press("#text", "Control+Enter")
        expect(kim.locator(".conflict")).to_contain_text("Alex Muster")
        expect(kim.locator("#text")).to_have_value("Mein langer Entwurf")
        assert axe(kim) == []
        kim.click("text=Trotzdem senden")
        kim.wait_for_selector(".message.outgoing:has-text('Mein langer Entwurf')")


def test_the_whole_work_goes_by_keys_alone(browser: Browser, url: str, number: str, complaints: list[str]):
    with opened(browser, f"{url}/console", WIDE) as page:
        sign_in(page)
        watch(page, complaints)
        page.wait_for_load_state()
        page.keyboard.press("j")
        expect(page.locator(".row .subject").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#ticket-title")).to_be_focused()
        page.keyboard.press("Shift+Z")
        expect(page.locator("#assign-menu > summary")).to_contain_text("Alex Muster")
        expect(page.locator("#notices")).to_contain_text("Zugewiesen.")  # likewise
        expect(page.locator("#ticket-title")).to_be_focused()
        page.keyboard.press("r")
        expect(page.locator("#text")).to_be_focused()
        page.keyboard.type("Das Portal geht wieder.")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".message.outgoing")).to_contain_text("Das Portal geht wieder.")
        expect(
            page.locator("#ticket-title")
        ).to_be_focused()  # the answer to the sending is there, not only the live news
        page.keyboard.press("s")
        expect(page.locator("#status-menu")).to_have_attribute("open", "")
        page.keyboard.press("Enter")
        expect(page.locator("#notices")).to_contain_text("Als gelöst gemeldet.")


def test_everything_works_without_scripts(browser: Browser, url: str, number: str):
    with opened(browser, f"{url}/console", WIDE, java_script_enabled=False) as page:
        sign_in(page)
        page.click(f"#row-{number} .subject")
        page.click("text=Annehmen >> visible=true")
        expect(page.locator("#notices")).to_contain_text("Angenommen.")
        page.fill("#text", "Ohne Skript geschrieben.")
        page.click(".send > button")
        expect(page.locator(".message.outgoing")).to_contain_text("Ohne Skript geschrieben.")
        page.click("#status-menu > summary")
        page.click("text=Gelöst melden")
        expect(page.locator("#status-menu > summary")).to_contain_text("Gelöst")


def test_who_was_signed_out_comes_back_to_the_ticket(browser: Browser, url: str, number: str):
    with opened(browser, f"{url}/console", WIDE) as page:
        sign_in(page)
        page.context.clear_cookies()
        page.click(f"#row-{number} .subject")
        page.wait_for_selector("#email")
        sign_in(page)
        expect(page.locator("#ticket")).to_have_attribute("data-number", number)


def test_what_could_not_be_stored_stays_in_its_field(browser: Browser, url: str, number: str):
    away = '<section id="ticket" class="ticket none open"><p>Die Datenbank ist gerade nicht erreichbar</p></section>'
    with opened(browser, f"{url}/console/tickets/{number}", WIDE) as page:
        sign_in(page)
        page.route("**/messages", lambda route: route.fulfill(status=503, content_type="text/html", body=away))
        page.fill("#text", "Eine lange Antwort")
        page.press("#text", "Control+Enter")
        expect(page.locator("#notices")).to_contain_text("Ihr Text ist noch da.")
        expect(page.locator("#text")).to_have_value("Eine lange Antwort")
        page.unroute("**/messages")
        page.press("#text", "Control+Enter")
        expect(page.locator(".message.outgoing")).to_contain_text("Eine lange Antwort")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_real_console_is_accessible_in_every_window(browser: Browser, url: str, number: str, look: Look):
    with opened(browser, f"{url}/anmelden", look) as page:
        assert axe(page) == []
        sign_in(page)
        for path in ("/console", f"/console/tickets/{number}", "/console?q=nichts", "/console/nirgends"):
            page.goto(f"{url}{path}")
            assert axe(page) == [], path
            assert sideways(page) <= 0, path
