"""The console's pages rendered from sample values: what is on them, and what is never on them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from escalation.severity import Severity
from helpdesk.channel import State
from helpdesk.web.assets import MOUNT, STATIC, Assets, asset
from helpdesk.web.console.views import (
    Acts,
    ClockState,
    DayItem,
    DeliveryMark,
    Direction,
    EventGroup,
    EventItem,
    MessageItem,
    Person,
    arranged,
    channel_icon,
)
from helpdesk.web.pages import ZONE, drawing, render
from tests.web import samples

VOID = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """Start tags with their attributes, visible text per element id, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Attributes of each `tag` with these attributes; `class_` asks for one of several classes."""
        return [attrs for name, attrs in self.tags if name == tag and _has(attrs, wanted)]

    def words(self) -> str:
        return " ".join(self.text.split())


def _has(attrs: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(
        value in attrs.get("class", "").split() if name == "class_" else attrs.get(name) == value
        for name, value in wanted.items()
    )


def inbox(**more: object) -> Page:
    return Page(render("console/inbox.html", page=samples.inbox(**more)))


def pane(**more: object) -> Page:
    return inbox(ticket=samples.ticket(**more))


EVERY = {
    "inbox": lambda: render("console/inbox.html", page=samples.inbox()),
    "nothing open": lambda: render("console/inbox.html", page=samples.nothing_open()),
    "all answered": lambda: render("console/inbox.html", page=samples.all_answered()),
    "held answer": lambda: render("console/inbox.html", page=samples.held_answer()),
    "opened": lambda: render("console/opened.html", page=samples.inbox()),
    "listed": lambda: render("console/listed.html", page=samples.inbox()),
    "sign in": lambda: render("console/sign_in.html", page=samples.SIGN_IN),
    "no access": lambda: render("console/error.html", error=samples.NO_ACCESS),
    "failed": lambda: render("console/error.html", error=samples.FAILED),
    "failed pane": lambda: render("console/_error.html", error=samples.FAILED),
}
every_page = pytest.mark.parametrize("html", [make() for make in EVERY.values()], ids=list(EVERY))


# what holds on every page


@every_page
def test_nothing_inline_so_the_policy_can_be_strict(html: str) -> None:
    page = Page(html)
    assert not [tag for tag, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]
    assert all("src" in script for script in page.all("script"))
    assert page.all("style") == []
    assert "javascript:" not in html
    assert "hx-on" not in html


@every_page
def test_every_file_is_ours(html: str) -> None:
    page = Page(html)
    addresses = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]
    assert [address for address in addresses if "//" in address] == []


@every_page
def test_ids_are_unique_and_labels_meet_their_fields(html: str) -> None:
    page = Page(html)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert sorted(set(ids)) == sorted(ids)
    assert {attrs["for"] for _, attrs in page.tags if "for" in attrs} <= set(ids)


@every_page
def test_every_drawing_is_in_the_sprite(html: str) -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
    used = {attrs["href"].partition("#")[2] for attrs in Page(html).all("use")}
    assert used <= sprite


@every_page
def test_every_post_carries_the_form_token(html: str) -> None:
    posts = re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL)
    assert all(f'name="csrf" value="{samples.CSRF}"' in form for form in posts)


@pytest.mark.parametrize("name", ["inbox", "nothing open", "all answered", "no access"])
def test_landmarks_and_one_heading(name: str) -> None:
    page = Page(EVERY[name]())
    assert len(page.all("main")) == 1
    assert len(page.all("h1")) == 1
    assert page.all("html") == [{"lang": "de"}]
    assert page.all("a", class_="skip") == [{"class": "skip", "href": "#main"}]
    labels = [nav["aria-label"] for nav in page.all("nav")]
    assert len(set(labels)) == len(labels)


def test_the_chosen_theme_is_on_the_page() -> None:
    me = replace(samples.frame().me, theme="dark")
    page = inbox(frame=samples.frame(me=me))
    assert page.all("html") == [{"lang": "de", "data-kern-theme": "dark"}]


# list


def test_rows_are_links_in_the_given_order() -> None:
    links = inbox().all("a", class_="subject")
    assert [link["href"] for link in links] == [row.href for row in samples.ROWS]
    assert [link["href"] for link in links if "aria-current" in link] == [samples.ROWS[1].href]


def test_a_row_says_its_state_in_words() -> None:
    words = inbox().words()
    for said in ("Schweregrad S1 kritisch", "überfällig seit 1 Min", "noch 14 Min", "noch 0:50", "3 Std 56", "beantwortet",
                 "wartet auf Fachamt", "ab Fr 08:00", "2 T 3 Std", "bei Kim Beispiel", "T-2026-048190 auswählen"):  # fmt: skip
        assert said in words


def test_only_running_clocks_are_counted_down() -> None:
    page = Page(render("console/listed.html", page=samples.inbox()))
    running = [row.clock for row in samples.ROWS if row.clock and row.clock.state in ("ok", "warn", "over")]
    assert [chip["data-left"] for chip in page.all("span", class_="words") if "data-left" in chip] == [
        str(clock.left) for clock in running
    ]


def test_an_overdue_clock_in_its_first_minute_counts_seconds() -> None:
    row = replace(samples.ROWS[0], clock=samples.chip(ClockState.OVER, -0.5))
    assert "seit 0:30" in inbox(list=samples.ticket_list(rows=(row,))).words()


def test_what_cannot_be_done_is_not_drawn() -> None:
    bare = inbox(list=samples.ticket_list(bulk=None, sorts=(), next_href=""))
    assert bare.all("input", type="checkbox") == []
    assert bare.all("form", id="bulk") == []
    assert bare.all("select", id="sort") == []
    quiet = inbox(frame=samples.frame(search_href="", outage=None, service=None))
    assert quiet.all("input", type="search") == []
    assert "Großstörung" not in quiet.text


def test_an_empty_view_says_what_it_means_and_what_next() -> None:
    page = Page(render("console/inbox.html", page=samples.all_answered()))
    assert "Alles beantwortet" in page.text
    assert page.all("a", href="/console?view=unassigned", class_="button") != []


# ticket


def test_words_of_people_are_text_never_markup() -> None:
    evil = '<script>alert(1)</script><b hx-get="/x">"&'
    message = MessageItem(id=9, direction=Direction.INCOMING, author=evil, at=samples.NOW, text=evil)
    row = replace(samples.ROWS[0], who=evil, subject=evil, portal=evil)
    page = inbox(list=samples.ticket_list(rows=(row,)), ticket=samples.ticket(subject=evil, timeline=(message,)))
    assert all("src" in script for script in page.all("script"))
    assert [tag for tag, attrs in page.tags if attrs.get("hx-get")] == []
    assert page.text.count(evil) == 7  # title, row: who, subject, portal; head, author, message


def test_foreign_messages_carry_their_language_and_direction() -> None:
    message = MessageItem(id=9, direction=Direction.INCOMING, author="A", at=samples.NOW, text="سلام", language="ar")
    said = pane(timeline=(message,)).all("div", class_="said")
    assert said == [{"class": "said", "dir": "auto", "lang": "ar", "hx-ignore": ""}]


def test_notes_say_that_citizens_do_not_see_them() -> None:
    page = pane(timeline=tuple(item for item in samples.TIMELINE if getattr(item, "direction", "") == Direction.NOTE))
    assert page.all("li", class_="note") != []
    assert "für Bürgerinnen und Bürger nicht sichtbar" in page.text


def test_a_failed_delivery_gives_the_reason_and_a_way_to_repeat() -> None:
    mark = DeliveryMark(
        state=State.FAILED, reason="Das Postfach gibt es nicht.", retry_href="/console/deliveries/3/retry"
    )
    message = MessageItem(id=9, direction=Direction.OUTGOING, author="A", at=samples.NOW, text="Hallo", delivery=mark)
    page = pane(timeline=(message,))
    assert "fehlgeschlagen" in page.text
    assert "Das Postfach gibt es nicht." in page.text
    assert page.all("form", action="/console/deliveries/3/retry")[0]["method"] == "post"


def test_files_that_are_not_stored_are_no_links() -> None:
    page = pane()
    assert [link["href"] for link in page.all("a", class_="file")] == ["/console/files/9"]
    assert "zu groß, nicht gespeichert" in page.text


def test_each_act_is_a_form_on_its_own_resource() -> None:
    everything = Acts(
        acknowledge=True,
        assignees=samples.ticket().acts.assignees,
        resolve=True,
        reopen=True,
        resume=True,
        pause_reasons=samples.ticket().acts.pause_reasons,
        severities=samples.ticket().acts.severities,
    )
    base = "/console/tickets/T-2026-048213"
    posted = {form["action"].removeprefix(base) for form in pane(acts=everything).all("form", method="post")}
    assert posted >= {"/acknowledgement", "/assignment", "/resolution", "/reopening", "/resumption", "/pause", "/severity", "/messages"}  # fmt: skip


def test_without_rights_there_are_no_acts_and_the_reason_is_given() -> None:
    page = pane(acts=Acts(), composer=None, read_only="Nur lesen: Sie gehören nicht zu diesem Team.")
    assert [form for form in page.all("form") if "/tickets/" in form.get("action", "")] == []
    assert "Nur lesen" in page.text


def test_the_composer_keeps_what_was_typed_when_sending_was_refused() -> None:
    page = pane(composer=samples.composer(text="Mein Text", error="Die Datei ist zu groß.", public=False))
    assert "Mein Text" in page.text
    assert page.all("textarea")[0]["aria-describedby"] == "composer-error"
    assert "checked" in page.all("input", name="public", value="0")[0]


def test_a_conflict_holds_the_answer_and_offers_three_ways() -> None:
    page = Page(render("console/inbox.html", page=samples.held_answer()))
    assert "Kim Beispiel hat um 19:43 Uhr geantwortet," in page.text
    assert page.all("button", name="despite", value="1") != []
    assert page.all("button", name="as_note", value="1") != []
    assert samples.DRAFT in page.text


def test_nobody_can_be_answered_without_a_channel() -> None:
    page = pane(composer=samples.composer(channels=()))
    assert page.all("input", name="public", value="1") == []
    assert "checked" in page.all("input", name="public", value="0")[0]


def test_the_clocks_explain_themselves() -> None:
    words = pane().words()
    assert "30 Minuten Servicezeit (S2)" in words
    assert "Warum hier?" in words
    assert "Regel: servicekonto-abend" in words


def test_opening_a_person_says_that_it_is_logged() -> None:
    assert "Öffnen (wird protokolliert)" in pane().words()


# parts for htmx


def test_opening_brings_title_ticket_and_context() -> None:
    page = Page(render("console/opened.html", page=samples.inbox()))
    assert page.text.strip().startswith("T-2026-048213 Anmeldung im Servicekonto bricht ab – Portalservice Konsole")
    assert page.all("section", id="ticket")[0]["data-number"] == "T-2026-048213"
    assert [part["hx-target"] for part in page.all("hx-partial")] == ["#context"]
    assert page.all("html") == []


def test_listing_brings_list_and_counts() -> None:
    page = Page(render("console/listed.html", page=samples.inbox()))
    assert page.all("section", id="list") != []
    assert page.all("nav", id="views") != []
    assert page.all("section", id="ticket") == []


# small parts


def test_events_in_a_row_collapse_and_days_begin_with_a_line() -> None:
    def event(minutes: int) -> EventItem:
        return EventItem(at=samples.NOW + timedelta(minutes=minutes), icon="link", text=str(minutes))

    message = MessageItem(id=1, direction=Direction.NOTE, author="A", at=samples.NOW, text="x")
    lines = arranged([event(3), event(1), event(2), message, event(-1), event(-2), event(24 * 60)], ZONE)
    assert [type(line) for line in lines] == [
        DayItem,
        EventItem,
        EventItem,
        MessageItem,
        EventGroup,
        DayItem,
        EventItem,
    ]
    assert isinstance(lines[4], EventGroup)
    assert [one.text for one in lines[4].events] == ["1", "2", "3"]


def test_a_day_begins_at_local_midnight() -> None:
    late = samples.NOW.replace(hour=22, minute=59)
    lines = arranged([EventItem(at=late, icon="link", text="a"), EventItem(at=late + timedelta(minutes=2), icon="link", text="b")], ZONE)  # fmt: skip
    assert [type(line) for line in lines] == [DayItem, EventItem, DayItem, EventItem]


@pytest.mark.parametrize(
    ("name", "initials"), [("Kim Beispiel", "KB"), ("Ada", "A"), ("Anna von der Heide", "AH"), ("", "?"), ("  ", "?")]
)
def test_initials(name: str, initials: str) -> None:
    assert Person(name=name).initials == initials


def test_a_channel_nobody_drew_has_a_drawing_all_the_same() -> None:
    assert channel_icon("email") == "mail"
    assert channel_icon("fax") == "inbox"


def test_an_unknown_drawing_raises() -> None:
    assert drawing("inbox", "large").startswith(
        '<svg class="icon large" aria-hidden="true"><use href="/static/icons.svg?v='
    )
    with pytest.raises(KeyError):
        drawing("teapot")


def test_a_misspelt_name_in_a_template_raises() -> None:
    with pytest.raises(UndefinedError):
        render("console/inbox.html")


def test_an_unknown_status_raises() -> None:
    with pytest.raises(UndefinedError):
        pane(status="half-done")


def test_every_severity_has_word_and_drawing() -> None:
    for level in Severity:
        assert f"Schweregrad {level}" in pane(severity=level).words()


# static files


def test_static_files_are_kept_for_good_only_under_their_fingerprint() -> None:
    client = TestClient(Starlette(routes=[Mount(MOUNT, Assets())]))
    kept = client.get(asset("console.css"))
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-encoding"] == "gzip"
    assert "--ui-" in kept.text
    assert client.get("/static/console.css").headers["cache-control"] == "public, max-age=86400"
    assert "content-encoding" not in client.get("/static/console.css", headers={"accept-encoding": "identity"}).headers
    assert client.get("/static/nothing.css").status_code == 404


def test_an_address_for_a_missing_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        asset("nothing.css")


def test_the_first_load_is_light() -> None:
    """DESIGN §9: below 250 kB, as the browser receives it."""
    client = TestClient(Starlette(routes=[Mount(MOUNT, Assets())]))
    html = render("console/inbox.html", page=samples.inbox())
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', html))
    fonts = {f"/static/vendor/fira-sans/fira-sans-{part}-{weight}.woff2" for part in ("latin", "latin-ext") for weight in (400, 500, 600)}  # fmt: skip
    weight = len(html.encode())
    for address in addresses | fonts:
        with client.stream("GET", address) as answer:
            weight += sum(len(chunk) for chunk in answer.iter_raw())
    assert weight < 250_000
