"""What the contact page offers at a moment: portals, places, hours, the promise. Made from the rulebook in force.

The last one is kept by the process, so the page stands even while the database is away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

import phonenumbers
from babel.dates import get_day_names
from sqlalchemy.orm import Session
from starlette.requests import Request

from escalation.calendar import Calendar, NeverOpensAgain
from escalation.hours import HolidayMode, Hours
from helpdesk import clock, i18n
from helpdesk.context import book
from helpdesk.errors import DatabaseAway
from helpdesk.rulebook import Book, Catalog
from helpdesk.settings import Settings
from helpdesk.web import endpoint
from helpdesk.web.citizen import views
from helpdesk.web.citizen.forms import Limits, Rules
from helpdesk.web.citizen.places import Place, Places, fold
from helpdesk.web.citizen.views import ContactLine, LineKind, PortalChoice

HOTLINE = "hotline"  #: the calendar of the people who answer
USUAL = "S3"  #: severity of a message about which nothing is known (one person, medium urgency)


@dataclass(frozen=True, kw_only=True)
class Offer:
    now: datetime
    version: int = -1
    catalog: Catalog | None = field(default=None, repr=False)
    places: Places = field(default_factory=lambda: Places(()), repr=False)
    hotline: Calendar | None = field(default=None, repr=False)
    promise_at: datetime | None = None

    def rules(self, limits: Limits) -> Rules:
        """While nothing was ever read any portal and place may be named: the database decides when it is back."""
        return Rules(portals=frozenset(self.catalog.portals if self.catalog else ()), places=self.places, limits=limits)

    def portal_choices(self, chosen: str) -> tuple[PortalChoice, ...]:
        """Portals of ours, by name. One that others run is offered only to whoever comes from it."""
        if self.catalog is None:
            return ()
        hidden = self.catalog.external_portals - {chosen}
        named = sorted(self.catalog.portals.items(), key=lambda portal: fold(portal[1]))
        return tuple(PortalChoice(id=key, label=name) for key, name in named if key not in hidden)

    def portal_name(self, portal: str | None, place: str = "") -> str:
        """ "Kommunalportal.NRW, Köln"; empty where the portal is not known."""
        name = self.catalog.portals.get(portal or "", "") if self.catalog else ""
        return ", ".join(part for part in (name, place) if part) if name else ""


def known(request: Request) -> Offer:
    """The last offer, by the host's clock; for pages that must not ask the database."""
    last: Offer | None = getattr(request.app.state, "offer", None)
    now = datetime.now(UTC)
    return replace(last, now=now, promise_at=None) if last else Offer(now=now)


async def current(request: Request) -> tuple[Offer, DatabaseAway | None]:
    """The offer of this moment; while the database is away the last one, by the host's clock, and the error."""
    state = request.app.state
    last: Offer | None = getattr(state, "offer", None)
    try:
        state.offer = await endpoint.work(request, lambda session: read(session, last))
    except DatabaseAway as away:
        return known(request), away
    offer: Offer = state.offer
    return offer, None


def read(session: Session, last: Offer | None = None) -> Offer:
    """What is in force now. Places are folded anew only when the configuration has changed."""
    now, found = clock.now(session), book(session)
    if last is None or last.version != found.version:
        hotline = found.engine.calendars.get(HOTLINE)
        last = Offer(
            now=now, version=found.version, catalog=found.catalog, places=places_of(found.catalog), hotline=hotline
        )
    return replace(last, now=now, promise_at=promise_of(found, now))


def places_of(catalog: Catalog) -> Places:
    """Municipalities with their postal codes, and the districts; a district-free city is a municipality only."""
    towns = [place for place in catalog.places.values() if len(place.key) == 8]
    taken = {place.name for place in towns}
    districts = [place for place in catalog.places.values() if len(place.key) == 5 and place.name not in taken]
    return Places(
        tuple(
            Place(
                ags=place.key,
                name=place.name,
                district=_district(catalog, place.district) if len(place.key) == 8 else "",
                postal_codes=catalog.postal_codes.get(place.key, ()),
            )
            for place in (*towns, *districts)
        )
    )


def _district(catalog: Catalog, code: str | None) -> str:
    district = catalog.places.get(code or "")
    return district.name if district else ""


def promise_of(found: Book, now: datetime) -> datetime | None:
    """By when a message sent now is answered at the latest; None where nothing is promised."""
    pin = found.engine.pins.get(USUAL)
    if pin is None or pin.target.response is None:
        return None
    try:
        return pin.calendar.add(now, pin.target.response)
    except NeverOpensAgain:
        return None


# being reachable


def lines(offer: Offer, settings: Settings) -> tuple[ContactLine, ...]:
    """Telephone and messages, open by the calendar of the hotline; without a calendar nothing is claimed."""
    if offer.hotline is None:
        return ()
    is_open, changes_at = opening(offer.hotline, offer.now)
    writing = ContactLine(kind=LineKind.WRITING, is_open=is_open, changes_at=changes_at)
    if not settings.hotline:
        return (writing,)
    phone = ContactLine(
        kind=LineKind.PHONE,
        is_open=is_open,
        changes_at=changes_at,
        label=settings.hotline,
        href=f"tel:{dialled(settings.hotline)}",
    )
    return (phone, writing)


def opening(calendar: Calendar, now: datetime) -> tuple[bool, datetime | None]:
    """Whether it is open, and when that changes; None = never again."""
    if calendar.is_open(now):
        closing = next(iter(calendar.intervals(now, None)))[1] if any(_gaps(calendar)) else None
        return True, closing
    try:
        return False, calendar.next_open(now)
    except NeverOpensAgain:
        return False, None


def _gaps(calendar: Calendar) -> list[bool]:
    """Where the hours have an end: a week without one runs on for ever and must not be walked through."""
    whole: Hours = ((0, 24 * 60),)
    special = [hours for hours, _ in calendar.hours.special_dates().values()]
    return [hours != whole for hours in (*calendar.hours.week, *special)]


def dialled(number: str) -> str:
    """E.164 where the number is one, else its digits."""
    try:
        parsed = phonenumbers.parse(number, "DE")
    except phonenumbers.NumberParseException:
        return "".join(c for c in number if c.isdigit())
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def week(offer: Offer, language: str) -> tuple[views.Hours, ...]:
    """Rows of "Alle Öffnungszeiten": days with the same hours together, closed days left out."""
    if offer.hotline is None:
        return ()
    hours = offer.hotline.hours
    rows = []
    for spans, days in groupby(range(7), key=lambda day: hours.week[day]):
        if spans:
            rows.append(views.Hours(days=_days(list(days), language), hours=_spans(spans, language)))
    if hours.holiday_mode is HolidayMode.SUNDAY_HOURS and hours.week[6]:
        days_off = i18n.text("hours_holidays", language)
        rows.append(views.Hours(days=days_off, hours=_spans(hours.week[6], language)))
    return tuple(rows)


def _days(days: Sequence[int], language: str) -> str:
    names = get_day_names("wide", locale=i18n.language_of(language).tag)
    if len(days) == 1:
        return str(names[days[0]])
    return i18n.text("hours_days", language, first=names[days[0]], last=names[days[-1]])


def _spans(spans: Hours, language: str) -> str:
    def told(minute: int) -> str:
        hour, rest = divmod(minute, 60)
        if rest == 0:
            return i18n.text("clock_hour", language, hour=hour)
        return i18n.text("clock", language, time=f"{hour}:{rest:02}")

    return ", ".join(i18n.text("hours_span", language, opens=told(start), closes=told(end)) for start, end in spans)
