"""A Thursday evening at the first level, as the design's pictures show it. All names are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from escalation.severity import Severity
from helpdesk.channel import State
from helpdesk.web.console.views import (
    Acts,
    AttachmentLink,
    BulkBar,
    Channel,
    ClockChip,
    ClockDetail,
    ClockKind,
    ClockState,
    Composer,
    Conflict,
    Context,
    DeliveryMark,
    Direction,
    EmptyState,
    ErrorPage,
    EventItem,
    Fact,
    Frame,
    InboxPage,
    Link,
    Me,
    MessageItem,
    Notice,
    Option,
    OutageCard,
    OutagePill,
    Person,
    PersonCard,
    Presence,
    RailLink,
    Related,
    Routing,
    ServicePill,
    SignInPage,
    TicketList,
    TicketPane,
    TicketRow,
    ViewGroup,
    ViewLink,
    arranged,
)
from helpdesk.web.pages import ZONE

NOW = datetime(2026, 11, 19, 18, 41, tzinfo=UTC)  # 19:41 in Düsseldorf
CSRF = "form-token"
ALEX, KIM, JULE = Person(name="Alex Muster"), Person(name="Kim Beispiel"), Person(name="Jule Fiktiv")
MAIL, PHONE, WEB = (
    Channel(icon="mail", label="E-Mail"),
    Channel(icon="call", label="Telefon"),
    Channel(icon="form", label="Webformular"),
)
SMS, TELEGRAM = Channel(icon="sms", label="SMS"), Channel(icon="send", label="Telegram")
CHAT, TOWN = Channel(icon="chat", label="Chat"), Channel(icon="municipality", label="Meldung einer Kommune")


def at(clock: str) -> datetime:
    """Today, local winter time."""
    hour, minute = (int(part) for part in clock.split(":"))
    return NOW.replace(hour=hour - 1, minute=minute)


def chip(state: ClockState, minutes: float = 0, kind: ClockKind = ClockKind.NEXT_RESPONSE, **more: object) -> ClockChip:
    running = state in (ClockState.OK, ClockState.WARN, ClockState.OVER)
    due = NOW + timedelta(minutes=minutes) if running else None
    return replace(ClockChip(kind=kind, state=state, left=int(minutes * 60), due_at=due), **more)


def frame(**more: object) -> Frame:
    sample = Frame(
        brand="Portalservice",
        section="Konsole · 1. Ebene",
        me=Me(
            name="Alex Muster",
            email="agent@demo.example",
            team="1. Ebene",
            sign_out_href="/console/sign-out",
            preferences_href="/console/preferences",
        ),
        csrf=CSRF,
        now=NOW,
        rail=(
            RailLink(icon="inbox", label="Eingang", href="/console", current=True, badge=23, badge_words="23 offen"),
            RailLink(icon="settings", label="Admin", href="/admin"),
        ),
        outage=OutagePill(text="1 Großstörung · nächste Meldung in 18 Min", href="/console/outages/STÖ-2026-0118"),
        service=ServicePill(text="Abendbetrieb bis 22:00 · 4 von 5 besetzt"),
        search_href="/console",
        live_href="",
    )
    return replace(sample, **more)


def _view(key: str, icon: str, label: str, count: int, **more: object) -> ViewLink:
    link = ViewLink(key=key, icon=icon, label=label, href=f"/console?view={key}", count=count)
    return replace(link, **more)


VIEWS = (
    ViewGroup(
        title="Ansichten",
        links=(
            _view("mine", "person", "Meine offenen", 7),
            _view("evening", "moon", "Abendbetrieb", 23, current=True),
            _view("unassigned", "inbox", "Nicht zugewiesen", 12),
            _view("at-risk", "hourglass", "Frist in Gefahr", 3, urgent=True),
            _view("municipalities", "municipality", "Kommunen melden", 4, urgent=True),
            _view("waiting", "pause", "Wartet", 14),
            _view("mentioned", "people", "Erwähnt / beteiligt", 1),
        ),
    ),
    ViewGroup(
        title="Portale",
        links=(
            _view("portal:kommunal", "bank", "Kommunalportal", 21),
            _view("portal:land", "bank", "Serviceportal Land", 8),
            _view("portal:fach", "file", "Fachportale (5)", 6),
            _view("portal:konto", "lock", "Servicekonto", 11),
            _view("portal:epayment", "card", "E-Payment", 2),
        ),
    ),
)


def _row(number: int, who: str, time: str, subject: str, channel: Channel, severity: Severity, clock: ClockChip,
         **more: object) -> TicketRow:  # fmt: skip
    name = f"T-2026-{number:06d}"
    row = TicketRow(number=name, href=f"/console/tickets/{name}?view=evening", who=who, subject=subject, at=at(time),
                    channel=channel, severity=severity, clock=clock)  # fmt: skip
    return replace(row, **more)


S1, S2, S3, S4 = Severity
C = ClockState
ROWS = (
    _row(48190, "Gemeinde Beispielrode · IT", "19:36", "Formularserver nicht erreichbar", TOWN, S1, chip(C.OVER, -1), portal="Kommunalportal", unread=True),
    _row(48213, "Erika Mustermann", "19:26", "Anmeldung im Servicekonto bricht ab", PHONE, S2, chip(C.WARN, 14), outage="STÖ-2026-0118", assignee=KIM, selected=True),
    _row(48231, "Gast im Chat", "19:40", "Wohngeld: Upload bricht ab", CHAT, S3, chip(C.WARN, 50 / 60), portal="Serviceportal Land", unread=True),
    _row(48229, "Ali Muster", "19:38", "Bescheid im Postfach öffnet nicht", MAIL, S3, chip(C.OK, 236), portal="Kommunalportal · Postfach", unread=True),
    _row(48170, "Sam Platzhalter", "19:12", "Rückruf 20:15 – Gewerbe ummelden", Channel(icon="voicemail", label="Rückruf"), S3, chip(C.OK, 33), portal="Fachportal Wirtschaft", assignee=ALEX),
    _row(48144, "Robin Exempel", "18:47", "Gebühr zweimal abgebucht", WEB, S2, chip(C.PAUSE, waits_for="Fachamt"), portal="E-Payment"),
    _row(48225, "Toni Probe", "19:31", "Wo finde ich die Meldebescheinigung?", TELEGRAM, S4, chip(C.OFF, resumes_at=datetime(2026, 11, 20, 7, 0, tzinfo=UTC)), portal="Kommunalportal", unread=True),
    _row(48102, "Stadt Musterhausen · Bürgerbüro", "18:05", "Terminmodul zeigt falsche Zeiten", WEB, S3, chip(C.OK, 143), portal="Kommunalportal", assignee=JULE),
    _row(48099, "Chris Vorlage", "17:52", "Bauantrag: Anlage 4 fehlt", MAIL, S3, chip(C.MET), portal="Fachportal Bauen"),
    _row(48087, "0171 39200 44", "17:40", "Code für Anmeldung kommt nicht an", SMS, S3, chip(C.MET), portal="Servicekonto"),
    _row(48021, "Şule Örnek-Łęcka", "16:10", "شهادة الميلاد – Geburtsurkunde", MAIL, S4, chip(C.OK, 3060, ClockKind.RESOLUTION), portal="Kommunalportal"),
)  # fmt: skip


def ticket_list(**more: object) -> TicketList:
    sample = TicketList(
        title="Abendbetrieb",
        href="/console/list?view=evening",
        view="evening",
        count=23,
        rows=ROWS,
        sorts=(
            Option(value="due", label="Frist zuerst", selected=True),
            Option(value="created", label="Neueste zuerst"),
        ),
        next_href="/console?view=evening&cursor=abc",
        bulk=BulkBar(
            href="/console/bulk",
            agents=(Option(value="1", label="Alex Muster"), Option(value="2", label="Kim Beispiel")),
        ),
    )
    return replace(sample, **more)


TIMELINE = arranged(
    [
        MessageItem(
            id=1,
            direction=Direction.INCOMING,
            author="Anruf von Erika Mustermann",
            at=at("19:21"),
            channel=PHONE,
            facts=(
                Fact(label="Wartezeit", text="0:48"),
                Fact(label="Dauer", text="3:12"),
                Fact(label="", text="Keine Aufzeichnung"),
            ),
            text="Kann sich seit etwa 19 Uhr nicht anmelden. Meldung „Zeitüberschreitung (SK-504)“. Möchte die "
            "Kita-Anmeldung heute noch abschicken, Frist endet um 24 Uhr.",
        ),
        EventItem(at=at("19:22"), icon="route", text="Regel „Servicekonto, S2“: Team 1. Ebene"),
        EventItem(at=at("19:22"), icon="stopwatch", text="Frist bis 19:55 für die Antwort"),
        EventItem(at=at("19:23"), icon="check", text="Angenommen von Alex Muster"),
        MessageItem(
            id=2,
            direction=Direction.OUTGOING,
            author="Portalservice",
            at=at("19:24"),
            channel=SMS,
            delivery=DeliveryMark(state=State.DELIVERED),
            automatic=True,
            text="Ihr Anliegen hat die Nummer T-2026-048213. Den Stand sehen Sie unter portalservice.example/s/7KQ4-M2.",
        ),
        MessageItem(
            id=3,
            direction=Direction.INCOMING,
            author="Erika Mustermann",
            at=at("19:26"),
            channel=MAIL,
            first_unread=True,
            attachments=(
                AttachmentLink(name="fehlermeldung.png", size=212_000, state="stored", href="/console/files/9"),
                AttachmentLink(name="film.mov", size=81_000_000, state="too_large"),
            ),
            text="Hier das Bild von der Fehlermeldung. Reicht es, wenn ich es morgen früh noch einmal versuche?",
        ),
        EventItem(at=at("19:27"), icon="link", text="Mit Störung STÖ-2026-0118 verknüpft (Alex Muster)"),
        MessageItem(
            id=4,
            direction=Direction.NOTE,
            author="Kim Beispiel",
            at=at("19:29"),
            text="Jugendamt Musterhausen (Bereitschaft): Frist wird wegen der Störung bis 20.11., 12 Uhr verlängert.",
        ),
    ],
    ZONE,
)

CONTEXT = Context(
    person=PersonCard(
        name="Erika Mustermann",
        summary="3 Anliegen seit 2025 · zuletzt 04.09.",
        href="/console/contacts/17",
        facts=(
            Fact(label="Telefon", text="0171 39200 21"),
            Fact(label="E-Mail", text="em@mail.example"),
            Fact(label="Antwort per", text="E-Mail (bevorzugt), SMS"),
            Fact(label="Bedarf", text="langsam sprechen, große Schrift", icon="hearing"),
            Fact(label="Identität", text="nicht geprüft"),
        ),
    ),
    service=(
        Fact(label="Portal", text="Kommunalportal"),
        Fact(label="Kommune", text="Stadt Musterhausen"),
        Fact(label="Leistung", text="Kita-Anmeldung"),
        Fact(label="Vorgang", text="KP-88-2041 (Entwurf)"),
        Fact(label="Betreiber", text="Betriebspartner Rheinland"),
    ),
    outage=OutageCard(
        number="STÖ-2026-0118",
        href="/console/outages/STÖ-2026-0118",
        severity=S1,
        title="Servicekonto: Anmeldung schlägt fehl",
        text="seit 18:55 · 47 Tickets · nächste Meldung 20:00",
    ),
    routing=Routing(
        team="1. Ebene, Abendbetrieb",
        rule="servicekonto-abend",
        reason="Servicekonto, Schweregrad S2, außerhalb der Zeiten des Partners",
        earlier=(Fact(label="sicherheit", text="Art ist nicht „Sicherheit“"),),
    ),
    similar=(
        Related(label="Login dreht sich endlos", href="/console/tickets/T-2026-048220", remark="19:33"),
        Related(label="SK-504 bei Kita-Antrag", href="/console/tickets/T-2026-048217", remark="19:30"),
    ),
    knowledge=(Related(label="Servicekonto: Fehler SK-504", href="/console/knowledge/sk-504"),),
)

DRAFT = (
    "Guten Tag Frau Mustermann,\ndie Anmeldung am Servicekonto ist zurzeit gestört. Wir arbeiten daran. Das Jugendamt "
    "hat die Frist für Ihre Kita-Anmeldung bis morgen, 20. November, 12 Uhr verlängert. Sie müssen jetzt nichts tun."
)


def composer(**more: object) -> Composer:
    sample = Composer(
        channels=(Option(value="email", label="E-Mail", selected=True), Option(value="sms", label="SMS")),
        seen=4,
        text=DRAFT,
        then="pending",
        file_limit="20 MB",
    )
    return replace(sample, **more)


def ticket(**more: object) -> TicketPane:
    sample = TicketPane(
        number="T-2026-048213",
        href="/console/tickets/T-2026-048213",
        subject="Anmeldung im Servicekonto bricht ab",
        status="open",
        severity=S2,
        severity_reason="Auswirkung Einzelfall, Dringlichkeit hoch: gesetzliche Frist heute",
        clocks=(
            ClockDetail(
                chip=chip(C.WARN, 14),
                explanation=(
                    Fact(label="Ziel", text="30 Minuten Servicezeit (S2)"),
                    Fact(label="Beginn", text="19:26, Nachricht von Erika Mustermann"),
                    Fact(label="Fällig", text="heute, 19:55 Uhr"),
                ),
            ),
            ClockDetail(
                chip=chip(C.OK, 459, ClockKind.RESOLUTION),
                explanation=(
                    Fact(label="Ziel", text="8 Stunden Servicezeit (S2)"),
                    Fact(label="Fällig", text="morgen, 12:20 Uhr"),
                ),
            ),
            ClockDetail(
                chip=chip(C.MET, kind=ClockKind.FIRST_RESPONSE),
                explanation=(Fact(label="Eingehalten", text="19:24, nach 3 Minuten"),),
            ),
        ),
        timeline=TIMELINE,
        context=CONTEXT,
        assignee=ALEX,
        team="1. Ebene",
        acknowledged="19:23 von Alex Muster",
        acts=Acts(
            assignees=(
                Option(value="1", label="Alex Muster (ich)", selected=True),
                Option(value="2", label="Kim Beispiel"),
                Option(value="", label="Niemand, zurück ans Team"),
            ),
            resolve=True,
            pause_reasons=(
                Option(value="citizen", label="die Bürgerin oder den Bürger"),
                Option(value="office", label="das Fachamt"),
            ),
            severities=tuple(Option(value=level, label=level, selected=level is S2) for level in Severity),
        ),
        composer=composer(),
        presence=(Presence(person=KIM, writing="note"), Presence(person=JULE)),
    )
    return replace(sample, **more)


def inbox(**more: object) -> InboxPage:
    return replace(InboxPage(frame=frame(), views=VIEWS, list=ticket_list(), ticket=ticket()), **more)


def nothing_open() -> InboxPage:
    return inbox(ticket=None, list=ticket_list(rows=tuple(replace(row, selected=False) for row in ROWS)))


def opened(number: str) -> InboxPage:
    """One of the list's tickets open, with an empty composer, so that drafts can be told apart."""
    rows = tuple(replace(row, selected=row.number == number) for row in ROWS)
    row = next(row for row in rows if row.selected)
    pane = ticket(
        number=number,
        href=f"/console/tickets/{number}",
        subject=row.subject,
        severity=row.severity,
        composer=composer(text="", then="open"),
    )
    return inbox(frame=frame(live_href=""), list=ticket_list(rows=rows), ticket=pane)


def all_answered() -> InboxPage:
    empty = EmptyState(
        title="Alles beantwortet",
        text="In „Abendbetrieb“ ist nichts offen. Nächste Frist: morgen, 08:00 Uhr.",
        action=Link(label="Nicht zugewiesene ansehen", href="/console?view=unassigned"),
    )
    quiet = frame(outage=None, notice=Notice(text="Antwort gesendet.", undo="/console/deliveries/7/undo"))
    return inbox(frame=quiet, ticket=None, list=ticket_list(rows=(), count=0, next_href="", empty=empty, bulk=None))


def held_answer() -> InboxPage:
    conflict = Conflict(who="Kim Beispiel", at=at("19:43"), text="Die Frist ist verlängert bis morgen, 12 Uhr.")
    return inbox(ticket=ticket(composer=composer(conflict=conflict)))


SIGN_IN = SignInPage(
    brand="Portalservice",
    csrf=CSRF,
    action="/console/sign-in",
    next="/console",
    email="agent@demo.example",
    error="E-Mail-Adresse oder Passwort stimmt nicht.",
    code_wanted=True,
    single_sign_on=Link(label="Mit dem Landeskonto anmelden", href="/console/oidc"),
    demo=(Fact(label="Servicekraft", text="agent@demo.example"), Fact(label="Leitung", text="lead@demo.example")),
)

NO_ACCESS = ErrorPage(
    status=403,
    title="Dieses Ticket gehört zum Fachportal Gesundheit",
    text="Sie haben dafür keine Rechte. Zuständig: Gruppe Gesundheit.",
    frame=frame(),
    icon="lock",
    back=Link(label="Zurück zur Liste", href="/console"),
)
FAILED = ErrorPage(
    status=500,
    title="Das Ticket konnte nicht geladen werden",
    text="Ihre Eingabe ist gesichert.",
    brand="Portalservice",
    reference="E-7F21",
    action=Link(label="Noch einmal versuchen", href="/console"),
)
