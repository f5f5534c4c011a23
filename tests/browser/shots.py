"""Photographs of pages and their accessibility, with Debian's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

#: quiet and alone: no network of its own, no sandbox (containers run as root)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass(frozen=True, kw_only=True)
class Look:
    """A window: size in CSS pixels and the reader's colour scheme."""

    width: int
    height: int
    scheme: Literal["light", "dark"]

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}-{self.scheme}"


SIZES = ((1440, 900), (390, 844), (320, 640))
LOOKS = tuple(Look(width=w, height=h, scheme=scheme) for w, h in SIZES for scheme in ("light", "dark"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser; playwright only steers it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, look: Look, **context: Any) -> Iterator[Page]:
    """The page at `url`, loaded with its fonts."""
    window = ViewportSize(width=look.width, height=look.height)
    with browser.new_context(viewport=window, color_scheme=look.scheme, **context) as profile:
        page = profile.new_page()
        page.goto(url, wait_until="load")
        page.evaluate("document.fonts.ready.then(() => true)")
        yield page


def photograph(url: str, folder: Path, name: str = "page", looks: tuple[Look, ...] = LOOKS) -> list[Path]:
    """One PNG per look in `folder`; narrow windows in full length."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    with chromium() as browser:
        for look in looks:
            with opened(browser, url, look) as page:
                picture = folder / f"{name}-{look.name}.png"
                page.screenshot(path=picture, full_page=look.width < 800)
                pictures.append(picture)
    return pictures


@cache
def _axe_source() -> str:
    """The newest axe-core at hand: only recent ones know WCAG 2.2."""
    package = next(name for name in ("axe_playwright_python", "axe_core_python") if find_spec(name))
    return (files(package) / "axe.min.js").read_text(encoding="utf-8")


def axe(page: Page, rules: tuple[str, ...] = RULES) -> list[str]:
    """What axe-core finds, one line per rule and place: "color-contrast: .chip > span (…)". Empty is good."""
    page.evaluate(_axe_source())
    found = page.evaluate(
        """tags => {
            const known = axe.getRules().map(rule => rule.ruleId);
            const extra = known.includes('target-size') ? {'target-size': {enabled: true}} : {};
            return axe.run(document, {runOnly: {type: 'tag', values: tags}, rules: extra});
        }""",
        list(rules),
    )
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))} ({node['failureSummary'].splitlines()[-1].strip()})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def sideways(page: Page) -> int:
    """By how many CSS pixels the page is wider than the window; 0 when it reflows."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
