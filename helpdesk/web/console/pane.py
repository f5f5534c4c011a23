"""The open ticket: its story put into the values that the screen shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Row

from escalation.severity import Severity
from helpdesk import notifications
from helpdesk.access import Visitor
from helpdesk.channel import State
from helpdesk.context import Context as Capabilities
from helpdesk.models import Ticket
from helpdesk.rulebook import Catalog
from helpdesk.web.console import clocks, words
from helpdesk.web.console.inbox import HOME, Asked, colleagues
from helpdesk.web.console.reading import Moment, Story
from helpdesk.web.console.views import (
    Acts,
    AttachmentLink,
    Channel,
    Composer,
    Conflict,
    Context,
    DeliveryMark,
    Direction,
    EventItem,
    Fact,
    MessageItem,
    Option,
    Person,
    PersonCard,
    Related,
    Routing,
    TicketPane,
    arranged,
    channel_icon,
)
from helpdesk.web.pages import ZONE

DONE = ("resolved", "closed")
#: deliveries of these purposes may be sent again by hand; pages have their own escalation
REPEATABLE = ("receipt", "reply", "notice")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed that could not be taken: shown again, with the reason."""

    text: str
    public: bool
    then: str
    error: str = ""
    conflict: Conflict | None = None


def href(number: str) -> str:
    return f"{HOME}/tickets/{number}"


def pane(
    story: Story, visitor: Visitor, moment: Moment, capable: Capabilities, list_asked: Asked, typed: Typed | None = None
) -> TicketPane:
    ticket, catalog = story.ticket, moment.book.catalog
    assignee = catalog.colleagues.get(ticket.assignee_id or 0)
    return TicketPane(
        number=ticket.number,
        href=href(ticket.number),
        subject=ticket.subject,
        status=ticket.status,
        severity=Severity(ticket.severity),
        severity_reason=_severity_reason(ticket),
        clocks=clocks.of_ticket(story.clocks, ticket.severity, moment),
        timeline=arranged([*_messages(story, catalog, capable), *_events(story.events, catalog)], ZONE),
        context=_context(story, moment, list_asked),
        assignee=Person(name=assignee.name) if assignee else None,
        team=catalog.teams.get(ticket.team or "", ticket.team or ""),
        acknowledged=_acknowledged(ticket, moment),
        acts=_acts(ticket, visitor, moment),
        composer=_composer(story, capable, typed),
    )


def _severity_reason(ticket: Ticket) -> str:
    if ticket.severity_by_hand and ticket.severity_computed != ticket.severity:
        return f"Von Hand: {ticket.severity_reason} (berechnet: {ticket.severity_computed})"
    return ticket.severity_reason


def _acknowledged(ticket: Ticket, moment: Moment) -> str:
    if ticket.acknowledged_at is None:
        return ""
    colleague = moment.book.catalog.colleagues.get(ticket.acknowledged_by or 0)
    told = words.when(ticket.acknowledged_at, moment.now)
    return f"{told} von {colleague.name}" if colleague else told


def _acts(ticket: Ticket, visitor: Visitor, moment: Moment) -> Acts:
    done = ticket.status in DONE
    pending = ticket.status == "pending"
    team = colleagues(visitor, moment.book, ticket.team, ticket.assignee_id)
    nobody = Option(value="", label="Niemand, zurück ans Team", selected=ticket.assignee_id is None)
    return Acts(
        acknowledge=not done and ticket.acknowledged_at is None,
        assignees=() if done else (*team, nobody),
        resolve=not done,
        reopen=done,
        pause_reasons=() if done or pending else tuple(Option(value=k, label=v) for k, v in words.PAUSES.items()),
        resume=pending,
        severities=tuple(Option(value=each, label=each, selected=each == ticket.severity) for each in Severity),
    )


# composer


def _composer(story: Story, capable: Capabilities, typed: Typed | None) -> Composer:
    seen = max((row.id for row in story.said if row.id is not None), default=0)
    settings = capable.settings
    fresh = Composer(
        channels=(_way(story, capable),),
        seen=seen,
        file_limit=f"{settings.max_upload // 2**20} MB",
    )
    if typed is None:
        return fresh
    return replace(
        fresh,
        text=typed.text,
        public=typed.public,
        then=typed.then if typed.then in ("open", "pending", "resolved") else "open",
        error=typed.error,
        conflict=typed.conflict,
    )


def _way(story: Story, capable: Capabilities) -> Option:
    """The one way an answer takes: the channel last used, else mail, else the person's own page behind the link."""
    way = notifications.best_way(capable, story.ticket.channel, story.addresses)
    if way is None:
        return Option(value="web", label="Seite der Person", selected=True)
    return Option(value=way.channel, label=words.channel(way.channel), selected=True)


# timeline


def _messages(story: Story, catalog: Catalog, capable: Capabilities) -> Iterator[MessageItem | EventItem]:
    spoken = [row for row in story.said if row.id is not None]
    for _, rows in groupby(spoken, key=lambda row: row.id):
        yield _message(list(rows), story.ticket, capable)
    for row in story.said:
        if row.id is None:
            yield from _sent_alone(row, story.ticket, catalog, capable)


def _message(rows: list[Row[Any]], ticket: Ticket, capable: Capabilities) -> MessageItem:
    said = rows[0]
    sent = [row for row in rows if row.delivery is not None]
    inward = said.author == "requester"
    direction = Direction.INCOMING if inward else Direction.OUTGOING if said.public else Direction.NOTE
    return MessageItem(
        id=said.id,
        direction=direction,
        author=said.author_name or ("Ohne Namen" if inward else "Portalservice"),
        at=said.at,
        text=said.text,
        channel=_channel(said.channel) if said.public else None,
        language="" if (said.language or "de").startswith("de") else said.language,
        attachments=tuple(_file(each, ticket) for each in said.files or ()),
        delivery=_mark(_worst(sent), ticket, capable) if sent else None,
        automatic=said.automatic,
    )


def _worst(sent: list[Row[Any]]) -> Row[Any]:
    """Of a message in several parts, the one that somebody must see."""
    return next((row for row in sent if row.state in ("failed", "uncertain")), sent[-1])


def _sent_alone(
    row: Row[Any], ticket: Ticket, catalog: Catalog, capable: Capabilities
) -> Iterator[MessageItem | EventItem]:
    """A receipt, a notice, a page: one line while it goes well, a message with its mark when it does not."""
    purpose = words.PURPOSES.get(row.purpose, row.purpose)
    colleague = catalog.colleagues.get(row.paged or 0)
    what = f"{purpose} an {colleague.name}" if colleague else purpose
    if _is_withdrawn(row):
        return
    if row.state in ("failed", "uncertain"):
        yield MessageItem(
            id=-row.delivery,
            direction=Direction.OUTGOING,
            author=what,
            at=row.created_at,
            text=f"{what} per {words.channel(row.carrier)}",
            channel=_channel(row.carrier),
            delivery=_mark(row, ticket, capable),
            automatic=True,
        )
        return
    yield EventItem(
        at=row.created_at,
        icon=channel_icon(row.carrier),
        text=f"{what} per {words.channel(row.carrier)}: {_progress(row, capable)}",
    )


def _progress(row: Row[Any], capable: Capabilities) -> str:
    if row.state == "pending" and row.carrier not in capable.channels:
        return words.NOT_SET_UP
    return words.STATES.get(row.state, row.state)


def _is_withdrawn(row: Row[Any]) -> bool:
    return row.state == "failed" and (row.detail or "").startswith("withdrawn")


def _mark(row: Row[Any], ticket: Ticket, capable: Capabilities) -> DeliveryMark:
    state = State(row.state)
    if state not in (State.FAILED, State.UNCERTAIN) or _is_withdrawn(row):
        return DeliveryMark(state=state, waits=state is State.PENDING and row.carrier not in capable.channels)
    reason = words.UNCERTAIN if state is State.UNCERTAIN else words.FAILURES.get(row.reason, words.FAILURES["unknown"])
    again = f"{href(ticket.number)}/deliveries/{row.delivery}/again" if row.purpose in REPEATABLE else ""
    return DeliveryMark(state=state, reason=reason, retry_href=again)


def _channel(name: str) -> Channel:
    return Channel(icon=channel_icon(name), label=words.channel(name))


def _file(said: Mapping[str, Any], ticket: Ticket) -> AttachmentLink:
    link = f"{href(ticket.number)}/files/{said['id']}" if said["state"] == "stored" else ""
    return AttachmentLink(name=said["name"], size=said["size"], state=said["state"], href=link)


def _events(rows: Iterable[Row[Any]], catalog: Catalog) -> Iterator[EventItem]:
    for row in rows:
        told = words.event(row.kind, row.actor, row.data, catalog)
        if told is not None:
            yield EventItem(at=row.at, icon=told[0], text=told[1])


# context


def _context(story: Story, moment: Moment, list_asked: Asked) -> Context:
    return Context(
        person=_person_card(story, moment),
        service=tuple(_service(story.ticket, moment.book.catalog)),
        routing=_routing(story.ticket, moment.book.catalog),
        earlier=tuple(
            Related(
                label=f"{each.number} {each.subject}",
                href=list_asked.address(href(each.number)),
                remark=f"{each.opened_at.astimezone(ZONE):%d.%m.%Y}",
            )
            for each in story.earlier
        ),
    )


def _person_card(story: Story, moment: Moment) -> PersonCard | None:
    contact = story.contact
    if contact is None:
        return None
    earlier = len(story.earlier)
    summary = "Erstes Anliegen" if not earlier else f"{earlier} weitere{'s' if earlier == 1 else ''} Anliegen"
    return PersonCard(name=contact.name or "Ohne Namen", summary=summary, facts=tuple(_person_facts(story)))


def _person_facts(story: Story) -> Iterator[Fact]:
    contact, ticket = story.contact, story.ticket
    for each in story.reaches:
        remark = " (gesperrt)" if each.blocked else " (bestätigt)" if each.verified else ""
        yield Fact(label=words.ADDRESSES.get(each.kind, each.kind), text=f"{each.value}{remark}")
    yield Fact(label="Rolle", text=words.SENDERS.get(ticket.sender_role, ticket.sender_role))
    yield Fact(label="Sprache", text=words.language(ticket.language))
    if contact is not None and contact.needs:
        yield Fact(label="Bedarf", text=contact.needs, icon="hearing")
    yield Fact(label="Identität", text="nicht geprüft")


def _service(ticket: Ticket, catalog: Catalog) -> Iterator[Fact]:
    operator = ticket.partner or catalog.operator(ticket.portal, ticket.component)
    place = catalog.places.get(ticket.ags or "")
    facts = (
        ("Portal", catalog.portals.get(ticket.portal or "", ticket.portal or "nicht bekannt")),
        ("Baustein", catalog.components.get(ticket.component or "", "")),
        ("Kommune", place.name if place else ""),
        ("Anliegen", catalog.categories.get(ticket.category or "", "")),
        ("Betreiber", catalog.organisations.get(operator or "", operator or "")),
        ("Vorgang", str(ticket.facts.get("case_id", ""))),
        ("Fehlercode", str(ticket.facts.get("error_code", ""))),
    )
    yield from (Fact(label=label, text=text) for label, text in facts if text)


def _routing(ticket: Ticket, catalog: Catalog) -> Routing | None:
    route = ticket.route
    if not route:
        return None
    return Routing(
        team=catalog.teams.get(route["team"], route["team"]),
        rule=route["rule"],
        reason=route["reason"],
        earlier=tuple(Fact(label=str(rule), text=str(why)) for rule, why in route.get("skipped", ())[:8]),
    )
