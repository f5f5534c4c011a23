"""The inbox around a ticket: frame, views with their counts, one page of the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import RowMapping

from escalation.severity import Severity
from helpdesk.access import SEES_ALL, Visitor
from helpdesk.queues import MOST, Counts, Page, Sort, View, Wanted
from helpdesk.rulebook import Book, Colleague
from helpdesk.settings import Settings
from helpdesk.web.console import clocks, words
from helpdesk.web.console.reading import Moment
from helpdesk.web.console.views import (
    BulkBar,
    Channel,
    EmptyState,
    Frame,
    Link,
    Me,
    Notice,
    Option,
    Person,
    RailLink,
    ServicePill,
    TicketList,
    TicketRow,
    ViewGroup,
    ViewLink,
    channel_icon,
)
from helpdesk.web.pages import ZONE

HOME = "/console"
PORTAL = "portal:"
VIEWS: Mapping[View, tuple[str, str]] = {
    View.ALL: ("inbox", "Alle offenen"),
    View.MINE: ("person", "Meine offenen"),
    View.UNASSIGNED: ("people", "Nicht zugewiesen"),
    View.AT_RISK: ("hourglass", "Frist in Gefahr"),
    View.MUNICIPALITIES: ("municipality", "Kommunen melden"),
    View.WAITING: ("pause", "Wartet"),
    View.DONE: ("tick", "Gelöst"),
}
SORTS: Mapping[Sort, str] = {Sort.DUE: "Frist zuerst", Sort.CREATED: "Neueste zuerst"}
#: whose hours the top bar tells, if the configuration has them
SERVICE_HOURS = "hotline"
MOST_COLLEAGUES = 100


# what is asked for


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The list that an address names. `view` is a view's key or "portal:" and a portal's id; unknown ones are "all"."""

    view: str = View.ALL
    sort: Sort = Sort.DUE
    cursor: str | None = None
    search: str = ""

    @property
    def wanted(self) -> Wanted:
        if self.view.startswith(PORTAL):
            return Wanted(portal=self.view.removeprefix(PORTAL), sort=self.sort, cursor=self.cursor)
        return Wanted(view=View(self.view), sort=self.sort, cursor=self.cursor)

    def address(self, path: str = HOME, **more: str) -> str:
        """An address of ours that keeps this list beside it."""
        sort = {} if self.sort is Sort.DUE else {"sort": self.sort}
        return f"{path}?{urlencode({'view': self.view, **sort, **more})}"


def asked(given: Mapping[str, object]) -> Asked:
    """From the query, or from the fields that every form carries."""
    view, sort = str(given.get("view", "")).replace("\0", ""), str(given.get("sort", ""))
    known = view in View.__members__.values() or (view.startswith(PORTAL) and len(view) < 100)
    return Asked(
        view=view if known else View.ALL,
        sort=Sort(sort) if sort in Sort.__members__.values() else Sort.DUE,
        cursor=str(given["cursor"]) if given.get("cursor") else None,
        search=str(given.get("q", "")).replace("\0", "").strip()[:200],
    )


# the frame


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What a person chose for this browser."""

    theme: str = ""  #: light, dark, or as the system says
    shortcuts: bool = True  #: single keys act (WCAG 2.1.4)

    @classmethod
    def read(cls, cookie: str) -> Preferences:
        theme, _, keys = cookie.partition(".")
        return cls(theme=theme if theme in ("light", "dark") else "", shortcuts=keys != "off")

    def __str__(self) -> str:
        return f"{self.theme}.{'on' if self.shortcuts else 'off'}"


def frame(
    visitor: Visitor, moment: Moment, settings: Settings, preferences: Preferences, list_asked: Asked, done: str = ""
) -> Frame:
    catalog = moment.book.catalog
    teams = ", ".join(catalog.teams.get(team, team) for team in sorted(visitor.teams))
    return Frame(
        brand=settings.brand,
        section=f"Konsole · {teams}" if len(visitor.teams) == 1 else "Konsole",
        me=Me(
            name=visitor.actor.name,
            email=visitor.email,
            team=teams,
            sign_out_href="/abmelden",
            preferences_href=f"{HOME}/preferences",
            theme=preferences.theme,
            shortcuts=preferences.shortcuts,
        ),
        csrf=visitor.form_token,
        now=moment.now,
        rail=(RailLink(icon="inbox", label="Eingang", href=HOME, current=True),),
        service=_service(moment),
        notice=Notice(text=words.DONE[done]) if done in words.DONE else None,
        search_href=HOME,
        search_text=list_asked.search,
        live_href=f"{HOME}/live?after={moment.cursor}",
    )


def counted(page_frame: Frame, counts: Counts) -> Frame:
    """The rail's badge: what is open."""
    total = counts.views["all"]
    many = f"mehr als {MOST}" if total >= MOST else str(total)
    inbox = replace(page_frame.rail[0], badge=total, badge_words=f"{many} offen", urgent=counts.overdue > 0)
    return replace(page_frame, rail=(inbox, *page_frame.rail[1:]))


def _service(moment: Moment) -> ServicePill | None:
    calendar = moment.book.engine.calendars.get(SERVICE_HOURS)
    if calendar is None:
        return None
    if not calendar.is_open(moment.now):
        return ServicePill(text=f"Servicezeit ab {words.when(calendar.next_open(moment.now), moment.now)}", thin=True)
    spans = calendar.intervals(moment.now, moment.now + timedelta(days=2))
    _, until = next(spans)
    local = until.astimezone(ZONE)
    return ServicePill(
        text=f"Servicezeit bis {local:%H:%M}", icon="sun" if moment.now.astimezone(ZONE).hour < 18 else "moon"
    )


# views


def views(counts: Counts, list_asked: Asked, book: Book) -> tuple[ViewGroup, ...]:
    own = tuple(_view(view, counts, list_asked) for view in VIEWS)
    names = book.catalog.portals
    portals = tuple(
        ViewLink(
            key=f"{PORTAL}{portal}",
            icon="bank",
            label=names.get(portal, portal),
            href=Asked(view=f"{PORTAL}{portal}").address(),
            count=count,
            current=list_asked.view == f"{PORTAL}{portal}" and not list_asked.search,
        )
        for portal, count in sorted(counts.portals.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    groups = (ViewGroup(title="Ansichten", links=own), ViewGroup(title="Portale", links=portals))
    return tuple(group for group in groups if group.links)


def _view(view: View, counts: Counts, list_asked: Asked) -> ViewLink:
    icon, label = VIEWS[view]
    count = counts.views.get(view)
    return ViewLink(
        key=view,
        icon=icon,
        label=label,
        href=Asked(view=view).address(),
        count=count,
        current=list_asked.view == view and not list_asked.search,
        urgent=view is View.AT_RISK and bool(count),
    )


# the list


def ticket_list(
    page: Page, counts: Counts, list_asked: Asked, moment: Moment, visitor: Visitor, selected: str = ""
) -> TicketList:
    rows = tuple(_row(row, list_asked, moment, selected) for row in page.rows)
    return TicketList(
        title=title(list_asked, moment.book),
        href=list_asked.address(),
        view=list_asked.view,
        count=_count(counts, list_asked),
        rows=rows,
        sorts=tuple(Option(value=sort, label=label, selected=sort is list_asked.sort) for sort, label in SORTS.items()),
        next_href=list_asked.address(cursor=page.next_cursor) if page.next_cursor else "",
        empty=None if rows else _nothing(list_asked, moment.book),
        bulk=BulkBar(href=f"{HOME}/bulk", agents=colleagues(visitor, moment.book)) if rows else None,
    )


def found_list(rows: Sequence[RowMapping], list_asked: Asked, moment: Moment) -> TicketList:
    """What a search found, newest first."""
    shown = tuple(_row(row, list_asked, moment) for row in rows)
    empty = EmptyState(
        title="Nichts gefunden",
        text=f"Zu „{list_asked.search}“ gibt es kein Ticket, das Sie sehen dürfen.",
        icon="search",
        action=Link(label="Zurück zum Eingang", href=HOME),
    )
    return TicketList(
        title=f"Suche: {list_asked.search}",
        href=f"{HOME}?{urlencode({'q': list_asked.search})}",
        view=list_asked.view,
        count=len(shown),
        rows=shown,
        empty=None if shown else empty,
    )


def no_list(list_asked: Asked, book: Book) -> TicketList:
    """For answers that show a ticket alone: only what its forms carry along."""
    return TicketList(
        title=title(list_asked, book), href=list_asked.address(), view=list_asked.view, count=None, rows=()
    )


def title(list_asked: Asked, book: Book) -> str:
    if list_asked.view.startswith(PORTAL):
        portal = list_asked.view.removeprefix(PORTAL)
        return book.catalog.portals.get(portal, portal)
    return VIEWS[View(list_asked.view)][1]


def _count(counts: Counts, list_asked: Asked) -> int | None:
    if list_asked.view.startswith(PORTAL):
        return counts.portals.get(list_asked.view.removeprefix(PORTAL), 0)
    return counts.views.get(list_asked.view)


def _nothing(list_asked: Asked, book: Book) -> EmptyState:
    shown = title(list_asked, book)
    more = None if list_asked.view == View.ALL else Link(label="Alle offenen ansehen", href=HOME)
    return EmptyState(title="Alles erledigt", text=f"In „{shown}“ ist nichts.", action=more)


def _row(row: RowMapping, list_asked: Asked, moment: Moment, selected: str = "") -> TicketRow:
    catalog = moment.book.catalog
    return TicketRow(
        number=row["number"],
        href=list_asked.address(f"{HOME}/tickets/{row['number']}"),
        who=row["contact"] or _place(row, moment.book) or "Ohne Namen",
        subject=row["subject"],
        at=row["last_message_at"],
        channel=Channel(icon=channel_icon(row["channel"]), label=words.channel(row["channel"])),
        severity=Severity(row["severity"]),
        clock=clocks.of_row(row, moment),
        portal=catalog.portals.get(row["portal"] or "", ""),
        assignee=Person(name=row["assignee"]) if row["assignee"] else None,
        selected=row["number"] == selected,
        unread=row["acknowledged_at"] is None and row["last_author"] == "requester" and row["status"] == "new",
    )


def _place(row: RowMapping, book: Book) -> str:
    place = book.catalog.places.get(row["ags"] or "")
    return place.name if place else ""


def colleagues(visitor: Visitor, book: Book, team: str | None = None, current: int | None = None) -> tuple[Option, ...]:
    """Whom a ticket can be given to: oneself first, then its team, then everybody else."""
    return tuple(_colleagues(visitor, book, team, current))


def _colleagues(visitor: Visitor, book: Book, team: str | None, current: int | None) -> Iterator[Option]:
    me = visitor.actor
    if me.id is not None:
        yield Option(value=str(me.id), label=f"{me.name} (ich)", selected=me.id == current)
    others = [
        each for each in book.catalog.colleagues.values()
        if each.active and each.teams and each.id != me.id and may_be_given(visitor, each)
    ]  # fmt: skip
    others.sort(key=lambda each: (team not in each.teams, each.name))
    for each in others[:MOST_COLLEAGUES]:
        yield Option(value=str(each.id), label=each.name, selected=each.id == current)


def may_be_given(visitor: Visitor, colleague: Colleague) -> bool:
    """Whether this visitor may give tickets to this person: a partner only within its own teams."""
    return visitor.has(*SEES_ALL) or colleague.id == visitor.actor.id or bool(colleague.teams & visitor.teams)
