"""Invented sample pages of the citizens' face: what the pictures show, and a few states they do not."""

from __future__ import annotations

from datetime import datetime, timedelta

from helpdesk.i18n import Language
from helpdesk.web.citizen import views
from helpdesk.web.citizen.forms import (
    EMAIL,
    ONLINE,
    AddressKind,
    AnswerWay,
    Draft,
    Fault,
    FieldError,
    Refusal,
    Rules,
    Upload,
    read_contact,
)
from helpdesk.web.citizen.places import Place, Places
from helpdesk.web.citizen.views import (
    Attachment,
    Author,
    ConfirmationPage,
    ContactLine,
    ContactPage,
    DoorPage,
    Fixed,
    FixedPage,
    Frame,
    Hours,
    LineKind,
    LostLinkPage,
    MessageRow,
    OutageNotice,
    PortalChoice,
    Problem,
    ProblemPage,
    Section,
    Situation,
    Step,
    StepRow,
    StepState,
    TicketPage,
)
from helpdesk.web.pages import ZONE

NOW = datetime(2026, 11, 19, 19, 42, tzinfo=ZONE)
SECRET = "/anliegen/qJm3V0t2RkW1"
TITLE = "Anmeldung im Servicekonto bricht ab"

PLACES = Places(
    (
        Place(ags="05315000", name="Köln", district="Köln", postal_codes=("50667", "50668", "51467")),
        Place(
            ags="05378004",
            name="Bergisch Gladbach",
            district="Rheinisch-Bergischer Kreis",
            postal_codes=("51427", "51467"),
        ),
        Place(ags="05566028", name="Emsdetten", district="Steinfurt", postal_codes=("48282",)),
        Place(ags="05558012", name="Coesfeld", district="Coesfeld", postal_codes=("48653",)),
        Place(ags="05558", name="Kreis Coesfeld"),
        Place(ags="05117000", name="Mülheim an der Ruhr", district="Mülheim an der Ruhr", postal_codes=("45468",)),
        Place(ags="05766008", name="Bad Salzuflen", district="Lippe", postal_codes=("32105",)),
        Place(ags="05762004", name="Bad Driburg", district="Höxter", postal_codes=("33014",)),
        Place(ags="05382056", name="Sankt Augustin", district="Rhein-Sieg-Kreis", postal_codes=("53757",)),
    )
)
PORTALS = (
    PortalChoice(id="kommunalportal-nrw", label="Portal meiner Stadt oder Gemeinde"),
    PortalChoice(id="serviceportal-nrw", label="Serviceportal des Landes"),
    PortalChoice(id="bauportal-nrw", label="Fachportal, zum Beispiel Bauen"),
)
RULES = Rules(portals=frozenset(portal.id for portal in PORTALS), places=PLACES)
LINES = (
    ContactLine(
        kind=LineKind.PHONE,
        is_open=True,
        changes_at=NOW.replace(hour=22, minute=0),
        label="0221 4710 100",
        href="tel:+492214710100",
    ),
    ContactLine(kind=LineKind.WRITING, is_open=True, changes_at=NOW.replace(hour=22, minute=0)),
    ContactLine(
        kind=LineKind.SIGN_LANGUAGE, is_open=False, changes_at=(NOW + timedelta(days=1)).replace(hour=8, minute=0)
    ),
)
HOURS = (Hours(days="Montag bis Freitag", hours="7 bis 22 Uhr"), Hours(days="Samstag", hours="9 bis 20 Uhr"))
TYPED = {
    "key": "5f0c8f0e-6a39-4c0e-9a0b-2f6f1f0a9c11",
    "portal": "kommunalportal-nrw",
    "place": "Köln",
    "text": "Ich kann mich nicht anmelden. Es kommt „Zeitüberschreitung (SK-504)“.",
    "deadline": "no",
    "answer": "email",
    "address": "k.yilmaz@post.example",
}
WRONG = TYPED | {"place": "51467", "text": "  ", "address": "k.yilmaz"}


def frame(language: Language = Language.DE, path: str = "/", **changes: object) -> Frame:
    return Frame(language=language, path=path, now=NOW, phone="0221 4710 100", **changes)  # type: ignore[arg-type]


def contact(language: Language = Language.DE, **changes: object) -> ContactPage:
    values: dict[str, object] = {
        "frame": frame(language),
        "draft": Draft(key=TYPED["key"], portal="kommunalportal-nrw", place="Köln", ags="05315000"),
        "portals": PORTALS,
        "answers": (EMAIL, ONLINE),
        "stamp": "stamp-of-serving",
        "origin": "Kommunalportal der Stadt Köln",
        "promise_at": datetime(2026, 11, 20, 8, 45, tzinfo=ZONE),
        "lines": LINES,
        "hours": HOURS,
    }
    return ContactPage(**(values | changes))  # type: ignore[arg-type]


def refused(language: Language = Language.DE) -> ContactPage:
    refusal = read_contact(WRONG, [Upload(name="urlaub.exe", size=10), Upload(name="bild.png", size=0)], RULES)
    assert isinstance(refusal, Refusal)
    return contact(language, draft=refusal.draft, errors=refusal.errors)


def outage(language: Language = Language.DE) -> ContactPage:
    notice = OutageNotice(
        title="Die Anmeldung am Servicekonto ist zurzeit gestört",
        next_update_at=NOW.replace(hour=20, minute=0),
        href="/status",
    )
    return contact(language, outages=(notice,))


def confirmation(language: Language = Language.DE) -> ConfirmationPage:
    return ConfirmationPage(
        frame=frame(language, SECRET),
        number="T-2026-048213",
        link=f"https://portalservice.example{SECRET}",
        promise_at=datetime(2026, 11, 20, 8, 45, tzinfo=ZONE),
        copy_to="k.yilmaz@post.example",
    )


def ticket(language: Language = Language.DE, **changes: object) -> TicketPage:
    values: dict[str, object] = {
        "frame": frame(language, SECRET),
        "number": "T-2026-048213",
        "portal": "Kommunalportal Köln",
        "title": TITLE,
        "situation": Situation.WORKING,
        "steps": (
            StepRow(step=Step.RECEIVED, state=StepState.DONE, at=NOW.replace(minute=21)),
            StepRow(step=Step.ACCEPTED, state=StepState.DONE, at=NOW.replace(minute=24)),
            StepRow(step=Step.WORKING, state=StepState.CURRENT),
            StepRow(step=Step.SOLVED, state=StepState.OPEN),
        ),
        "messages": (
            MessageRow(
                author=Author.CALL,
                at=NOW.replace(minute=21),
                text="Sie haben uns angerufen. Notiz: Anmeldung bricht ab mit „Zeitüberschreitung (SK-504)“.",
            ),
            MessageRow(
                author=Author.YOU,
                at=NOW.replace(minute=26),
                channel="E-Mail",
                text="Hier das Bild von der Fehlermeldung.\nReicht es, wenn ich es morgen früh noch einmal versuche?",
                files=(Attachment(name="fehlermeldung.png", href=f"{SECRET}/dateien/1", size=212_000),),
            ),
            MessageRow(
                author=Author.US, at=NOW.replace(minute=40), channel="E-Mail", text="Ja. Ihr Entwurf ist gespeichert."
            ),
        ),
        "promise_at": NOW.replace(hour=20, minute=0),
        "by_mail": True,
        "reply_key": TYPED["key"],
        "can_close": True,
        "lines": LINES,
    }
    return TicketPage(**(values | changes))  # type: ignore[arg-type]


def every_page(language: Language) -> dict[str, views.Page]:
    """All pages and states of one language, by a name for their photograph."""
    return {
        "kontakt": contact(language),
        "kontakt-fehler": refused(language),
        "kontakt-stoerung": outage(language),
        "kontakt-leer": contact(
            language, draft=Draft(), origin="", lines=(), hours=(), promise_at=None, answers=(EMAIL,)
        ),
        "kontakt-barriere": contact(language, draft=Draft(topic="barriere"), origin=""),
        "kontakt-sms": contact(
            language, answers=(EMAIL, AnswerWay(id="sms", address=AddressKind.PHONE, label="SMS"), ONLINE)
        ),
        "kontakt-zu-viele": contact(language, problem=Problem.TOO_MANY),
        "bestaetigung": confirmation(language),
        "tuer": DoorPage(frame=frame(language, SECRET)),
        "link-verloren": LostLinkPage(frame=frame(language, SECRET)),
        "stand": LostLinkPage(frame=frame(language, "/anliegen"), asked=True),
        "anliegen": ticket(language),
        "anliegen-frage": ticket(language, situation=Situation.WAITING_FOR_YOU, promise_at=None),
        "anliegen-spaet": ticket(language, promise_at=NOW - timedelta(hours=1)),
        "anliegen-geloest": ticket(
            language,
            situation=Situation.SOLVED,
            reopen_until=NOW + timedelta(days=7),
            can_close=False,
            promise_at=None,
            done=views.Done.REPLIED,
        ),
        "anliegen-geschlossen": ticket(
            language,
            situation=Situation.CLOSED,
            can_reply=False,
            can_close=False,
            messages=(),
            outage=OutageNotice(title="Servicekonto: Anmeldung gestört", href="/status"),
        ),
        "anliegen-fehler": ticket(language, errors=(FieldError(name="text", fault=Fault.EMPTY),)),
        **{str(page): FixedPage(frame=frame(language, f"/{page}"), page=page) for page in Fixed},
        "impressum-voll": FixedPage(
            frame=frame(language, "/impressum"),
            page=Fixed.IMPRINT,
            sections=(Section(title="Anschrift", paragraphs=("Musterweg 1",)),),
        ),
        "fehler": ProblemPage(frame=frame(language, "/"), problem=Problem.DATABASE_AWAY, typed="Mein Text"),
    }
