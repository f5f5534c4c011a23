"""One person's way through the real application in a real browser: ask, read, answer, reopen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from helpdesk import app, clock, tickets
from helpdesk.house import House
from helpdesk.models import Attachment, Ticket
from helpdesk.tickets import Actor
from helpdesk.web.citizen import seals
from tests.browser.shots import LOOKS, Look, axe, chromium, opened, sideways
from tests.conftest import make_settings
from tests.processes import free_port

pytestmark = pytest.mark.peer_chromium

DESKTOP, PHONE = LOOKS[0], Look(width=320, height=640, scheme="dark")
AGENT = Actor(kind="agent", name="Kaya")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
TEXT = "Ich kann mich nicht anmelden.\n<script>alert('x')</script> 😀"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """As the others', with an address that a browser can reach; it is Thursday, 19:42."""
    settings = make_settings(database_url, tmp_path, public_url=f"http://127.0.0.1:{free_port()}")
    made = app.build(settings, database_url, {})
    with made.database.transaction() as session:
        clock.freeze(session, datetime(2026, 11, 19, 18, 42, tzinfo=UTC))
    yield made
    made.database.dispose()


@pytest.fixture
def site(house: House) -> Iterator[str]:
    """The application behind uvicorn; its address."""
    port = int(house.settings.base_url.rpartition(":")[2])
    config = uvicorn.Config(app.create_app(house.settings, house), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    yield house.settings.base_url
    server.should_exit = True
    thread.join()


def ticket_of(house: House) -> Ticket:
    with house.database.transaction() as session:
        return session.scalars(select(Ticket)).one()


def agent_replies(house: House, typed: str, then: str) -> None:
    key = ticket_of(house).id
    house.database.work(lambda s: tickets.reply(s, tickets.locked_by_id(s, key), typed, AGENT, then=then))


def settled(page: Page) -> None:
    """Nobody types faster than the trap for programs allows; the test does."""
    page.wait_for_timeout(seals.FASTEST.total_seconds() * 1000 + 100)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_contact_page_to_the_answer_and_back(browser: Browser, house: House, site: str, scripts: bool):
    refused: list[str] = []
    with opened(
        browser, f"{site}/?portal=kommunalportal-nrw", DESKTOP, locale="de-DE", java_script_enabled=scripts
    ) as page:
        page.on("console", lambda message: refused.append(message.text))
        page.locator("#place").fill("50667 Köln")
        page.locator("#text").fill(TEXT)
        page.get_by_label("Ja", exact=True).check()
        page.locator("#address").fill("k.yilmaz@post.example")
        page.locator("#files").set_input_files({"name": "bild.png", "mimeType": "image/png", "buffer": PNG})
        settled(page)
        page.get_by_role("button", name="Absenden").click()
        page.wait_for_url("**/gesendet")
        ticket = ticket_of(house)
        assert (ticket.portal, ticket.ags, ticket.severity) == ("kommunalportal-nrw", "05315000", "S2")
        assert ticket.number in page.locator("main").inner_text()

        page.locator(".link-line a").click()
        assert ticket.number not in page.content()  # the door comes first
        page.get_by_role("button", name="Anliegen öffnen").click()
        assert page.locator(".from-you .typed").inner_text() == TEXT
        with page.expect_download() as download:
            page.get_by_role("link", name="bild.png").click()
        assert download.value.path().read_bytes() == PNG

        agent_replies(house, "Bitte versuchen Sie es jetzt noch einmal.", "resolved")
        page.reload()
        shown = page.locator("main").inner_text()
        assert "Bitte versuchen Sie es jetzt noch einmal." in shown
        assert "Ihr Anliegen ist gelöst." in shown

        page.locator("#text").fill("Es geht leider immer noch nicht.")
        page.get_by_role("button", name="Nachricht senden").click()
        assert page.locator("#done:focus").count() == 1
        assert "Wir arbeiten daran." in page.locator("main").inner_text()
        assert ticket_of(house).status == "open"
        page.get_by_text("das Anliegen schließen").click()
        page.get_by_role("button", name="Ja, schließen").click()
        page.get_by_role("button", name="Anliegen wieder öffnen").click()
        assert "Ihr Anliegen ist wieder offen." in page.locator("main").inner_text()
    assert ticket_of(house).status == "open"
    assert refused == []  # the content security policy has nothing to refuse
    with house.database.transaction() as session:
        assert session.scalars(select(Attachment.media_type)).all() == ["image/png"]


def test_with_the_keyboard_only(browser: Browser, house: House, site: str):
    with opened(browser, site, DESKTOP, locale="de-DE") as page:
        tab_to(page, "#place")
        page.keyboard.type("Muelheim an der")
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator("#place").input_value() == "Mülheim an der Ruhr"
        tab_to(page, "#text")
        page.keyboard.type("Die Seite bleibt weiß.")
        tab_to(page, "[name=answer]")
        page.keyboard.press("ArrowDown")  # looks online
        settled(page)
        tab_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/gesendet")
        tab_to(page, ".link-line a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/anliegen/*")
        tab_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Nachrichten").wait_for()
        tab_to(page, "#text")
        page.keyboard.type("Noch etwas")
        tab_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.wait_for_url("**getan=replied")
    assert ticket_of(house).ags == "05117000"


def tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=lambda look: look.name)
def test_axe_finds_nothing_on_the_real_pages_and_all_reflow(browser: Browser, house: House, site: str, look: Look):
    with opened(browser, f"{site}/?portal=extern", look, locale="de-DE") as page:
        seen = {"contact": (axe(page), sideways(page))}
        page.locator("#address").fill("falsch")
        page.get_by_role("button", name="Absenden").click()
        page.locator("#faults").wait_for()
        seen["refused"] = (axe(page), sideways(page))
        page.locator("#text").fill(TEXT)
        page.locator("#address").fill("k.yilmaz@post.example")
        settled(page)
        page.get_by_role("button", name="Absenden").click()
        page.wait_for_url("**/gesendet")
        seen["confirmation"] = (axe(page), sideways(page))
        page.locator(".link-line a").click()
        seen["door"] = (axe(page), sideways(page))
        page.get_by_role("button", name="Anliegen öffnen").click()
        agent_replies(house, "Welche Meldung sehen Sie?", "pending")
        page.reload()
        seen["ticket"] = (axe(page), sideways(page))
        page.goto(f"{site}/gibt-es-nicht")
        seen["problem"] = (axe(page), sideways(page))
    assert seen == dict.fromkeys(seen, ([], 0))
