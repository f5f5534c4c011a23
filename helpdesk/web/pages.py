"""The template environment: where templates are, what they may call, how a page becomes text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpdesk.web.assets import STATIC, asset

TEMPLATES = Path(__file__).parent.parent / "templates"
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Instants as people here read them: local time of North Rhine-Westphalia, 24 hours."""

    locale: str
    zone: ZoneInfo = ZONE

    def clock(self, at: datetime) -> str:
        """19:36"""
        return f"{at.astimezone(self.zone):%H:%M}"

    def short(self, at: datetime, now: datetime) -> str:
        """19:36 for today, 04.09. within the year, 04.09.25 beyond."""
        there, here = at.astimezone(self.zone), now.astimezone(self.zone)
        if there.date() == here.date():
            return self.clock(at)
        return f"{there:%d.%m.}" if there.year == here.year else f"{there:%d.%m.%y}"

    def day(self, at: datetime) -> str:
        """Donnerstag, 19. November"""
        skeleton = "EEEE, d. MMMM" if self.locale.startswith("de") else "EEEE, d MMMM"
        return format_date(at.astimezone(self.zone), skeleton, locale=self.locale)

    def weekday_clock(self, at: datetime) -> str:
        """Fr 08:00"""
        return format_datetime(at, "EEE HH:mm", tzinfo=self.zone, locale=self.locale).replace(".", "", 1)

    def full(self, at: datetime) -> str:
        """19.11.2026, 19:36"""
        return f"{at.astimezone(self.zone):%d.%m.%Y, %H:%M}"

    def date(self, at: datetime) -> str:
        """2026-11-19, the local calendar day; templates group by it."""
        return at.astimezone(self.zone).date().isoformat()

    def span(self, length: timedelta) -> str:
        """3 Stunden: the largest unit, rounded."""
        return format_timedelta(length, locale=self.locale)


def file_size(size: int) -> str:
    """212 KB; bytes in powers of 1000, as mail programs show them."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} KB"
    return f"{size / 1_000_000:.1f} MB".replace(".", ",")


def iso(at: datetime) -> str:
    """Machine-readable, for `datetime` attributes."""
    return at.isoformat(timespec="seconds")


@cache
def _drawings() -> frozenset[str]:
    return frozenset(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))


@cache
def drawing(name: str, style: str = "") -> Markup:
    """The `<svg>` that uses a symbol of the sprite, hidden from screen readers; `style` adds a class.

    An unknown name raises KeyError.
    """
    if name not in _drawings():
        raise KeyError(f"icons.svg has no {name!r}")
    svg = Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>')
    return svg.format(f"icon {style}".strip(), asset("icons.svg"), name)


def environment(translations: NullTranslations, locale: str = "de", *, reload: bool = False) -> Environment:
    """One environment per language. Autoescape is on everywhere; a misspelt name raises instead of vanishing.

    `reload` looks at the files before every use, for whoever edits templates.
    """
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=reload,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    moments = Moments(locale=locale)
    env.filters.update(
        clock=moments.clock,
        short=moments.short,
        day=moments.day,
        weekday_clock=moments.weekday_clock,
        full=moments.full,
        date=moments.date,
        span=moments.span,
        iso=iso,
        file_size=file_size,
    )
    env.globals.update(asset=asset, drawing=drawing, lang=locale, theme="")
    return env


@cache
def german() -> Environment:
    """The source language needs no catalogue."""
    return environment(NullTranslations())


def render(name: str, env: Environment | None = None, **context: object) -> str:
    """A template as text. `env` is the reader's language, German when left out."""
    return (env or german()).get_template(name).render(**context)
