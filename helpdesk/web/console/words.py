"""The console's words for what the core names: channels, reasons, events, spans of time. The console is German."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError

from helpdesk import i18n
from helpdesk.rulebook import Catalog
from helpdesk.web.pages import ZONE

CHANNELS: Mapping[str, str] = {
    "email": "E-Mail",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "phone": "Telefon",
    "sms": "SMS",
    "chat": "Chat",
    "web": "Webformular",
    "api": "Schnittstelle",
    "console": "Konsole",
    "municipality": "Meldung einer Kommune",
    "alerts": "Überwachung",
    "echo": "Echo",
}
ADDRESSES: Mapping[str, str] = {"email": "E-Mail", "phone": "Telefon", "telegram": "Telegram", "echo": "Echo"}
PURPOSES: Mapping[str, str] = {
    "receipt": "Eingangsbestätigung",
    "reply": "Antwort",
    "notice": "Hinweis zum Kanal",
    "page": "Alarm",
    "hint": "Hinweis",
}
STATES: Mapping[str, str] = {
    "pending": "wird gesendet",
    "sending": "wird gesendet",
    "uncertain": "unklar, ob gesendet",
    "sent": "gesendet",
    "delivered": "zugestellt",
    "read": "gelesen",
    "failed": "fehlgeschlagen",
}
#: a message for a channel that is not set up; it goes out when the channel is
NOT_SET_UP = "wartet, der Kanal ist nicht eingerichtet"
#: why a delivery failed, and what helps
FAILURES: Mapping[str, str] = {
    "invalid_address": "Die Adresse gibt es nicht. Bitte fragen Sie nach einer anderen.",
    "blocked": "Die Person hat uns dort gesperrt. Bitte antworten Sie auf einem anderen Weg.",
    "opted_out": "Die Person möchte dort keine Nachrichten. Bitte antworten Sie auf einem anderen Weg.",
    "window_closed": "Der Dienst erlaubt keine Antwort mehr. Bitte antworten Sie auf einem anderen Weg.",
    "too_large": "Die Nachricht ist für diesen Weg zu groß.",
    "rejected": "Der Empfänger hat die Nachricht abgelehnt.",
    "quota": "Das Postfach des Empfängers ist voll.",
    "provider_down": "Der Dienst war zu lange nicht erreichbar.",
    "account": "Unser Zugang zu diesem Dienst ist gestört. Die Technik weiß Bescheid.",
    "no_answer": "Niemand hat abgenommen.",
    "unknown": "Der Grund ist nicht bekannt.",
}
UNCERTAIN = "Vielleicht ist die Nachricht schon angekommen. Bitte senden Sie nur noch einmal, wenn es nötig ist."
#: what we may wait for; only the person outside stops a promise's clock
PAUSES: Mapping[str, str] = {
    "answer": "eine Antwort der Person",
    "documents": "Unterlagen der Person",
    "confirmation": "die Bestätigung, dass es wieder geht",
}
WAITS: Mapping[str, str] = {"answer": "Antwort", "documents": "Unterlagen", "confirmation": "Bestätigung"}
SENDERS: Mapping[str, str] = {
    "citizen": "Bürgerin oder Bürger",
    "company": "Unternehmen",
    "municipality": "Kommune",
    "partner": "Betriebspartner",
}
CLOCKS: Mapping[str, str] = {
    "first_response": "Erste Antwort",
    "next_response": "Antwort",
    "resolution": "Lösung",
    "update": "Zwischenstand",
}
OUTCOMES: Mapping[str, str] = {
    "running": "läuft",
    "paused": "angehalten",
    "met": "eingehalten",
    "breached": "verletzt",
    "unanswered": "ohne Antwort beendet",
    "ended": "beendet",
    "cancelled": "entfallen",
    "merged": "läuft in einem anderen Ticket weiter",
}
TIMES: Mapping[str, str] = {
    "open": "Servicezeit",
    "closed": "geschlossen",
    "holiday": "Feiertag",
    "override_closed": "geschlossen (Ausnahme)",
    "paused": "angehalten",
}
#: what an act led to, by the code that travels in the address after it
DONE: Mapping[str, str] = {
    "sent": "Antwort gesendet.",
    "noted": "Notiz gesichert.",
    "acknowledged": "Angenommen. Weitere Alarme sind gestoppt.",
    "already": "Jemand anderes hat das Ticket schon angenommen.",
    "assigned": "Zugewiesen.",
    "resolved": "Als gelöst gemeldet.",
    "reopened": "Wieder geöffnet.",
    "resumed": "Die Frist läuft weiter.",
    "paused": "Die Frist ist angehalten.",
    "severity": "Schweregrad geändert.",
    "again": "Die Nachricht wird noch einmal gesendet.",
    "bulk": "Erledigt.",
    "preferences": "Übernommen.",
}


def channel(name: str) -> str:
    return CHANNELS.get(name, name.title())


def language(tag: str) -> str:
    """ "Ukrainisch"; the tag itself where nobody knows it."""
    if tag == i18n.Language.DE_LEICHT:
        return "Leichte Sprache"
    try:
        return Locale.parse(tag, sep="-").get_display_name("de") or tag
    except (ValueError, UnknownLocaleError):
        return tag


def when(at: datetime, now: datetime) -> str:
    """ "heute, 19:21 Uhr" """
    return i18n.moment_words(at, now, ZONE, "de")


def span(length: timedelta) -> str:
    """ "2 Std 34 Min"; whole minutes."""
    minutes = round(abs(length).total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} Std"] if hours else []
    return " ".join([*parts, f"{rest} Min"] if rest or not hours else parts)


def waits_for(reason: str | None) -> str:
    return WAITS.get(reason or "", reason if reason and " " in reason else "Antwort")


def who(actor: str, catalog: Catalog) -> str:
    """The name behind "agent:7"."""
    kind, _, key = actor.partition(":")
    if kind == "agent" and key.isdigit():
        colleague = catalog.colleagues.get(int(key))
        return colleague.name if colleague else "ein früheres Konto"
    return {"requester": "die Person", "token": f"Schnittstelle {key}"}.get(kind, "das System")


#: events that the timeline shows otherwise: as the message itself, or not at all
SILENT = frozenset({"message.received", "message.sent", "note.written", "delivery_confirmed", "alarm"})


def event(kind: str, actor: str, data: Mapping[str, Any], catalog: Catalog) -> tuple[str, str] | None:
    """Drawing and sentence for an event of the timeline; None for what is not shown."""
    name = who(actor, catalog)
    match kind:
        case _ if kind in SILENT:
            return None
        case "ticket.opened":
            return "inbox", f"Eingegangen über {channel(data.get('channel', ''))}"
        case "ticket.routed":
            team = catalog.teams.get(data.get("team", ""), data.get("team", ""))
            return "route", f"An {team}: {data.get('reason', '')}"
        case "ticket.acknowledged":
            return "check", f"Angenommen von {data.get('by') or name}"
        case "ticket.assigned":
            return "person", f"Zugewiesen an {data['to']} ({name})" if data.get("to") else f"Zurück ans Team ({name})"
        case "ticket.paused":
            return "pause", f"Frist angehalten, wartet auf {waits_for(data.get('reason'))} ({name})"
        case "ticket.severity":
            return "flag", f"Schweregrad {data.get('from')} → {data.get('to')}: {data.get('reason')} ({name})"
        case "ticket.escalated":
            return "escalate", f"Eskaliert ({name})"
        case "clock.warned" | "clock.breached":
            word = "bald fällig" if kind == "clock.warned" else "überschritten"
            return (
                "hourglass" if kind == "clock.warned" else "alarm",
                f"{CLOCKS.get(data.get('clock', ''), 'Frist')}: Frist {word}",
            )
        case "paged":
            return "bell", f"Alarmiert: {_person(data.get('person', ''), catalog)}"
        case "chain" | "chain.unreachable":
            return "escalate", str(data.get("text") or "Alarmkette: Niemand ist erreichbar")
        case "delivery_failed" | "delivery_uncertain":
            state = STATES["failed" if kind == "delivery_failed" else "uncertain"]
            what = PURPOSES.get(data.get("purpose", ""), "Nachricht")
            return "failed", f"{what} per {channel(data.get('channel', ''))}: {state}"
        case _ if kind in PLAIN:
            icon, words = PLAIN[kind]
            return icon, f"{words} ({name})"
        case _:
            return "info", kind


PLAIN: Mapping[str, tuple[str, str]] = {
    "ticket.resumed": ("circle", "Frist läuft weiter"),
    "ticket.resolved": ("tick", "Gelöst gemeldet"),
    "ticket.closed": ("lock", "Geschlossen"),
    "ticket.reopened": ("reopen", "Wieder geöffnet"),
    "emergency": ("octagon", "Notlage erkannt"),
    "answer.failed": ("failed", "Antwort kam nicht an, die Frist läuft weiter"),
    "look.failed": ("sync-problem", "Die Prüfung der Fristen ist fehlgeschlagen und wird wiederholt"),
    "delivery.again": ("refresh", "Wird noch einmal gesendet"),
}


def _person(handle: str, catalog: Catalog) -> str:
    return next((each.name for each in catalog.colleagues.values() if each.handle == handle), handle)
