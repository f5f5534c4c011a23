"""The console in a real browser: how it looks, that it works without scripts, and what the scripts add."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.sample_pages import PAGES, Desk, served
from tests.browser.shots import LOOKS, Look, axe, chromium, opened, sideways
from tests.web import samples

pytestmark = [
    pytest.mark.peer_chromium,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
]

WIDE, NARROW = LOOKS[0], LOOKS[-1]
FIRST, SECOND = "T-2026-048190", "T-2026-048213"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def url(desk: Desk) -> Iterator[str]:
    with served(desk) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The list in a wide window; nothing may break the content policy or raise in a script."""
    complaints: list[str] = []
    with opened(browser, f"{url}/console", WIDE) as page:
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


def open_ticket(page: Page, number: str) -> None:
    page.click(f"#row-{number} .subject")
    expect(page.locator("#ticket")).to_have_attribute("data-number", number)


# look


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_inbox_is_accessible_in_every_window(browser: Browser, url: str, look: Look) -> None:
    with opened(browser, f"{url}/pages/inbox", look) as page:
        assert axe(page) == []
        assert sideways(page) <= 0


@pytest.mark.parametrize("name", [name for name in PAGES if name != "inbox"])
@pytest.mark.parametrize("look", [WIDE, NARROW], ids=lambda look: look.name)
def test_every_other_page_is_accessible(browser: Browser, url: str, name: str, look: Look) -> None:
    with opened(browser, f"{url}/pages/{name}", look) as page:
        assert axe(page) == []
        assert sideways(page) <= 0


@pytest.mark.parametrize("menu", ["severity-menu", "status-menu", "assign-menu"])
def test_open_menus_are_accessible_and_inside_the_window(browser: Browser, url: str, menu: str) -> None:
    with opened(browser, f"{url}/pages/inbox", NARROW) as page:
        page.click(f"#{menu} > summary")
        assert axe(page) == []
        assert sideways(page) <= 0


def test_drawers_open_and_close_in_a_middle_window(browser: Browser, url: str) -> None:
    with opened(browser, f"{url}/pages/inbox", Look(width=1000, height=760, scheme="light")) as page:
        expect(page.locator("#context")).to_be_hidden()
        page.click("button[popovertarget=context] >> nth=0")
        expect(page.locator("#context")).to_be_visible()
        assert axe(page) == []
        page.keyboard.press("Escape")
        expect(page.locator("#context")).to_be_hidden()


def test_forced_colours_keep_the_form_of_every_chip(browser: Browser, url: str) -> None:
    with opened(browser, f"{url}/pages/inbox", WIDE, forced_colors="active") as page:
        widths = page.eval_on_selector_all(".chip", "chips => chips.map(chip => getComputedStyle(chip).borderTopWidth)")
        assert set(widths) <= {"1px", "2px"}


# without scripts


def test_without_scripts_a_ticket_is_opened_and_answered(browser: Browser, url: str, desk: Desk) -> None:
    with opened(browser, f"{url}/console", WIDE, java_script_enabled=False) as page:
        page.click(f"#row-{FIRST} .subject")
        expect(page).to_have_url(f"{url}/console/tickets/{FIRST}?view=evening")
        page.fill("#text", "Wir prüfen das.")
        page.click(".send > button")
        expect(page).to_have_url(f"{url}/console/tickets/{FIRST}?view=evening")
    assert desk.sent[0]["text"] == "Wir prüfen das."
    assert {key: desk.sent[0][key] for key in ("csrf", "view", "public", "then", "channel", "seen")} == {
        "csrf": samples.CSRF, "view": "evening", "public": "1", "then": "open", "channel": "email", "seen": "4",
    }  # fmt: skip


def test_without_scripts_a_note_is_saved_and_files_travel_along(browser: Browser, url: str, desk: Desk) -> None:
    with opened(browser, f"{url}/console/tickets/{FIRST}", WIDE, java_script_enabled=False) as page:
        page.check("[name=public][value='0']")
        expect(page.locator(".send")).to_be_hidden()
        page.fill("#text", "Fachamt ist informiert.")
        page.set_input_files("#files", {"name": "bild.png", "mimeType": "image/png", "buffer": b"png"})
        page.click("button.only-note")
        expect(page.locator("#text")).to_have_value("")
    assert (desk.sent[0]["public"], desk.sent[0]["then"]) == ("0", "note")
    assert "bild.png" in desk.sent[0]["files"]


# with scripts


def test_opening_swaps_ticket_and_context_and_moves_the_focus(page: Page, url: str) -> None:
    page.evaluate("document.body.dataset.same = 'yes'")
    open_ticket(page, SECOND)
    expect(page).to_have_url(f"{url}/console/tickets/{SECOND}?view=evening")
    expect(page).to_have_title(f"{SECOND} Anmeldung im Servicekonto bricht ab – Portalservice Konsole")
    expect(page.locator("#ticket-title")).to_be_focused()
    expect(page.locator("#context")).to_contain_text("Erika Mustermann")
    expect(page.locator(".row [aria-current]")).to_have_count(1)
    expect(page.locator(f"#row-{SECOND} .subject")).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.body.dataset.same") == "yes"


def test_going_back_shows_the_list_again(page: Page, url: str) -> None:
    open_ticket(page, SECOND)
    page.go_back()
    expect(page).to_have_url(f"{url}/console")
    expect(page.locator("#ticket")).to_contain_text("Kein Ticket geöffnet")


def test_what_is_typed_survives_another_ticket_and_goes_when_sent(page: Page, desk: Desk) -> None:
    open_ticket(page, FIRST)
    page.fill("#text", "Halb geschrieben")
    open_ticket(page, SECOND)
    expect(page.locator("#text")).to_have_value("")
    open_ticket(page, FIRST)
    expect(page.locator("#text")).to_have_value("Halb geschrieben")
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#text")).to_have_value("")
    open_ticket(page, SECOND)
    open_ticket(page, FIRST)
    expect(page.locator("#text")).to_have_value("")
    assert [sent["text"] for sent in desk.sent] == ["Halb geschrieben"]


def test_a_proxys_error_page_wipes_nothing_out(page: Page, desk: Desk) -> None:
    open_ticket(page, FIRST)
    page.fill("#text", "Wichtig")
    desk.broken = True
    page.click(".send > button")
    expect(page.locator("#notices")).to_contain_text("Ihr Text ist noch da.")
    expect(page.locator("#text")).to_have_value("Wichtig")
    desk.broken = False
    page.click(".send > button")
    expect(page.locator("#text")).to_have_value("")
    assert [sent["text"] for sent in desk.sent] == ["Wichtig"]


def test_the_split_button_sends_with_another_status(page: Page, desk: Desk) -> None:
    open_ticket(page, FIRST)
    page.fill("#text", "Bitte senden Sie uns den Bescheid.")
    page.click(".send summary")
    page.click(".send [value=pending]")
    expect(page.locator("#text")).to_have_value("")
    assert desk.sent[0]["then"] == "pending"


def test_keys_walk_the_list_and_open_what_they_say(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(f"#row-{FIRST} .subject")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#ticked")).to_have_text("1 ausgewählt")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-title")).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("jrsz?")
    expect(page.locator("#text")).to_have_value("jrsz?")
    expect(page.locator("[name=public][value='0']")).to_be_checked()
    page.focus("#ticket-title")
    page.keyboard.press("s")
    expect(page.locator("#status-menu")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("#status-menu > summary")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()


def test_single_keys_can_be_switched_off(page: Page) -> None:
    page.evaluate("document.body.dataset.shortcuts = 'off'")
    page.keyboard.press("?")
    page.keyboard.press("j")
    expect(page.locator("#keys")).to_be_hidden()
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()


def test_every_control_is_reached_by_tab(page: Page) -> None:
    open_ticket(page, FIRST)
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached >= {"search", "pick-all", "sort", "subject", "timeline", "text", "channel", "files"}


def test_clocks_count_down(page: Page) -> None:
    chip = page.locator("#row-T-2026-048231 .words")
    expect(chip).to_have_text("noch 0:48", timeout=4000)


# live


@pytest.fixture
def live(browser: Browser, url: str, desk: Desk) -> Iterator[Page]:
    desk.live = True
    with opened(browser, f"{url}/console/tickets/{SECOND}?view=evening", WIDE) as page:
        yield page


NEW = replace(samples.ROWS[0], number="T-2026-048300", href="/console/tickets/T-2026-048300", subject="Ganz neu")


def test_a_new_ticket_appears_by_itself_when_nobody_reads(live: Page, desk: Desk) -> None:
    desk.rows = (NEW, *samples.ROWS)
    desk.changes.append(NEW.number)
    expect(live.locator(f"#row-{NEW.number}")).to_be_visible()
    expect(live.locator("#list-title")).to_contain_text("12")
    live.evaluate("document.body.dataset.same = 'yes'")
    open_ticket(live, FIRST)  # rows that came later are opened in place too
    assert live.evaluate("document.body.dataset.same") == "yes"


def test_a_new_ticket_waits_behind_a_button_while_somebody_reads(live: Page, desk: Desk) -> None:
    live.focus(f"#row-{FIRST} .subject")
    desk.rows = (NEW, *samples.ROWS[1:])
    desk.changes.append(NEW.number)
    expect(live.locator("#new-rows")).to_have_text("1 neues Ticket anzeigen")
    expect(live.locator(f"#row-{NEW.number}")).to_have_count(0)
    expect(live.locator(f"#row-{FIRST}")).to_have_class("row unread gone")
    live.click("#new-rows")
    expect(live.locator(f"#row-{NEW.number} .subject")).to_be_focused()
    expect(live.locator(f"#row-{FIRST}")).to_have_count(0)


def test_the_open_ticket_changes_under_the_pen_and_keeps_what_is_typed(live: Page, desk: Desk) -> None:
    live.fill("#text", "Ich schreibe gerade")
    live.evaluate("document.querySelector('#timeline').dataset.old = 'yes'")
    desk.changes.append(SECOND)
    expect(live.locator("#timeline[data-old]")).to_have_count(0)
    expect(live.locator("#text")).to_have_value("Ich schreibe gerade")
    expect(live.locator("#text")).to_be_focused()


def test_the_stream_goes_on_where_it_broke(live: Page, desk: Desk) -> None:
    desk.changes.append(FIRST)
    live.wait_for_timeout(300)
    desk.live = False
    live.wait_for_timeout(300)
    desk.live = True
    for _ in range(80):
        if len(desk.heard_after) > 1:
            break
        live.wait_for_timeout(100)
    assert desk.heard_after[-1] == "1"
