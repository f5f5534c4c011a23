"""The citizens' pages in a real browser: nothing to complain about for axe, keyboard only, scripts off, narrow windows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from helpdesk.i18n import INTERFACE, Language
from tests.browser.shots import LOOKS, Look, axe, chromium, opened, sideways
from tests.web import citizen_app, citizen_samples
from tests.web.citizen_samples import SECRET, TYPED

pytestmark = pytest.mark.peer_chromium

CONTROLS = "button, textarea, input.kern-form-input__input, header nav a, footer a, summary"
DESKTOP, PHONE = LOOKS[0], Look(width=320, height=640, scheme="dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with citizen_app.served() as address:
        yield address


@pytest.fixture(autouse=True)
def nothing_taken() -> None:
    citizen_app.TAKEN.clear()
    citizen_app.REPLIES.clear()


@pytest.mark.parametrize("language", INTERFACE)
@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=lambda look: look.name)
def test_axe_finds_nothing_and_every_page_reflows(browser: Browser, site: str, language: Language, look: Look):
    with opened(browser, f"{site}/muster/{language}/kontakt", look) as page:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        for name in citizen_samples.every_page(language):
            page.goto(f"{site}/muster/{language}/{name}")
            assert (name, axe(page), sideways(page)) == (name, [], 0)
        assert refused == []  # the content security policy has nothing to refuse


@pytest.mark.parametrize("name", ["kontakt-fehler", "anliegen"])
def test_public_controls_are_large_enough_for_a_thumb(browser: Browser, site: str, name: str):
    with opened(browser, f"{site}/muster/de/{name}", PHONE) as page:
        for control in page.locator(CONTROLS).filter(visible=True).all():
            box = control.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def tab_to(page: Page, selector: str) -> None:
    """Only the Tab key; fails if the control cannot be reached or if the focus is not to be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = page.evaluate(
                "() => { const style = getComputedStyle(document.activeElement);"
                " return style.outlineStyle !== 'none' || style.boxShadow !== 'none' }"
            )
            assert outline, f"no focus ring on {selector}"
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_a_citizen_writes_with_the_keyboard_only(browser: Browser, site: str):
    with opened(browser, f"{site}/?portal=bauportal-nrw&error=SK-504", DESKTOP) as page:
        tab_to(page, ".skip")
        page.keyboard.press("Enter")
        tab_to(page, "[name=portal]")
        page.keyboard.press("ArrowDown")
        tab_to(page, "#place")
        page.keyboard.type("Muelh")
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("ArrowDown")
        active = page.locator("#place").get_attribute("aria-activedescendant")
        assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
        assert axe(page) == []
        page.keyboard.press("Enter")
        assert page.locator("#place").input_value() == "Mülheim an der Ruhr"
        tab_to(page, "#text")
        page.keyboard.type("Ich kann mich nicht anmelden.")
        tab_to(page, "[name=deadline]")
        page.keyboard.press("ArrowUp")
        tab_to(page, "[name=answer]")
        tab_to(page, "#address")
        page.keyboard.type("k.yilmaz@post.example")
        tab_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/gesendet")
        assert "bis morgen, Freitag, 8:45 Uhr" in page.locator("main").inner_text()
    form = citizen_app.TAKEN[0]
    assert (form.place and form.place.ags, form.deadline, form.error) == ("05117000", True, "SK-504")
    assert form.portal is None  # one step below the preset one is "Ich weiß es nicht"


def test_a_suggestion_can_be_dismissed_and_a_changed_text_forgets_it(browser: Browser, site: str):
    with opened(browser, f"{site}/", DESKTOP) as page:
        field, chosen = page.locator("#place"), page.locator("input[name=ags]")
        field.press_sequentially("Bad")
        page.get_by_role("option", name="Bad Salzuflen").click()
        assert chosen.input_value() == "05766008"
        field.press_sequentially("x")
        assert chosen.input_value() == ""
        field.fill("Köl")
        page.get_by_role("option").first.wait_for()
        field.press("Escape")
        assert field.get_attribute("aria-expanded") == "false"
        field.fill("Atlantis")
        page.get_by_text("Kein Ort gefunden").wait_for(state="attached")


def test_without_scripts_nothing_typed_is_lost_and_the_place_is_asked_again(browser: Browser, site: str):
    with opened(browser, f"{site}/?sprache=en", DESKTOP, java_script_enabled=False) as page:
        page.locator("#place").fill("51467")
        page.locator("#text").fill("  erste Zeile\nzweite")
        page.locator("#address").fill("falsch")
        page.locator("#files").set_input_files({"name": "bild.png", "mimeType": "image/png", "buffer": b"x"})
        page.locator("button[type=submit]").click()
        assert page.locator("#faults:focus").count() == 1
        assert "Please choose again: bild.png" in page.locator("#files-hint").inner_text()
        assert page.locator("#text").input_value() == "erste Zeile\nzweite"
        page.get_by_role("link", name="Several places match").click()
        page.get_by_label("Bergisch Gladbach").check()
        page.locator("#address").fill("k.yilmaz@post.example")
        page.locator("button[type=submit]").click()
        page.wait_for_url("**/gesendet?sprache=en")
        assert "by tomorrow, Friday, 8:45" in page.locator("main").inner_text()
    form = citizen_app.TAKEN[0]
    assert (form.place and form.place.ags, form.language, form.text) == ("05378004", Language.EN, "erste Zeile\nzweite")
    assert str(form.key) == TYPED["key"]


def test_whoever_looks_online_is_not_asked_for_an_address(browser: Browser, site: str):
    with opened(browser, f"{site}/?sprache=de-leicht", PHONE, java_script_enabled=False) as page:
        assert page.locator("#address").is_visible()
        page.get_by_label("Ich sehe selbst im Internet nach").check()
        assert not page.locator("#address").is_visible()
        page.locator("#text").fill("Das geht nicht")
        page.get_by_role("button", name="Abschicken").click()
        page.wait_for_url("**/gesendet?sprache=de-leicht")
    assert citizen_app.TAKEN[0].answer.id == "online"


def test_people_do_not_see_the_trap(browser: Browser, site: str):
    with opened(browser, f"{site}/", DESKTOP) as page:
        box = page.locator("#website").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < 0
        assert page.locator("#website").get_attribute("tabindex") == "-1"
        assert sideways(page) == 0


def test_the_door_opens_by_a_button_and_a_wrong_link_says_nothing(browser: Browser, site: str):
    with opened(browser, f"{site}{SECRET}", DESKTOP, java_script_enabled=False) as page:
        assert "T-2026-048213" not in page.content()
        page.get_by_role("button", name="Anliegen öffnen").click()
        assert "Sie müssen zurzeit nichts tun" in page.locator("main").inner_text()
        page.locator("#text").fill("Danke, es geht wieder 😀")
        page.get_by_role("button", name="Nachricht senden").click()
        assert page.locator("#done:focus").count() == 1
        assert page.locator(".from-you").last.inner_text().endswith("Danke, es geht wieder 😀")
        page.goto(f"{site}/anliegen/falsch")
        page.get_by_role("button", name="Anliegen öffnen").click()
        assert "Dieser Link öffnet nichts" in page.locator("h1").inner_text()


def test_high_contrast_keeps_forms_and_steps_apart(browser: Browser, site: str):
    with opened(browser, f"{site}/muster/de/anliegen", DESKTOP, forced_colors="active") as page:
        current = page.locator(".step-current .dot")
        assert current.evaluate("dot => getComputedStyle(dot).outlineStyle") == "solid"
        assert page.locator(".from-you").first.evaluate("bubble => getComputedStyle(bubble).borderTopWidth") == "3px"
        assert axe(page) == []
