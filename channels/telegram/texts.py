"""The few sentences the bot says by itself, German and English.

A channel knows only the contract, not the catalogue of the house; all else that a person reads comes from the desk.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from helpdesk.channel import Line

HERE = ZoneInfo("Europe/Berlin")

GERMAN = {
    "greeting": "Guten Tag. Schreiben Sie uns hier Ihr Anliegen; Sie bekommen eine Nummer und einen Link zur Antwort.",
    "privacy": "Diesen Weg betreibt Telegram. Bitte senden Sie hier keine persönlichen Daten. Mit /stop ist Schluss.",
    "open": "Wir sind jetzt erreichbar.",
    "closed": "Wir sind gerade nicht besetzt. Ihre Nachricht geht trotzdem nicht verloren.",
    "opening": "Wir sind gerade nicht besetzt und wieder da ab {when} Uhr. Ihre Nachricht geht nicht verloren.",
    "status": "Den Stand Ihres Anliegens finden Sie unter dem Link aus unserer Nachricht.",
    "stopped": "Wir schreiben Ihnen hier nicht mehr. Wenn Sie uns wieder schreiben, antworten wir wieder.",
    "not_recorded": "Nicht gespeichert. Bitte versuchen Sie es noch einmal.",
}
ENGLISH = {
    "greeting": "Hello. Tell us here what you need; you will get a number and a link to our answer.",
    "privacy": "Telegram runs this service. Please do not send personal data here. Use /stop to end the contact.",
    "open": "We are available now.",
    "closed": "Nobody is on duty right now. Your message will not be lost.",
    "opening": "Nobody is on duty right now; we are back on {when}. Your message will not be lost.",
    "status": "You can see the state of your request under the link in our message.",
    "stopped": "We will not write to you here any more. If you write to us again, we will answer again.",
    "not_recorded": "Not recorded. Please try again.",
}


def sentence(name: str, language: str | None) -> str:
    """German for whoever understands it and for whom we know nothing about; English for everybody else."""
    german = not language or language.lower().split("-")[0] == "de"
    return (GERMAN if german else ENGLISH)[name]


def greeting(line: Line, language: str | None) -> str:
    """The answer to /start: who, how, and whether somebody is there."""
    parts = [sentence("greeting", language), line.outage, _opening(line, language), sentence("privacy", language)]
    return "\n\n".join(part for part in parts if part)


def _opening(line: Line, language: str | None) -> str:
    if line.open:
        return sentence("open", language)
    if line.next_opening is None:
        return sentence("closed", language)
    return sentence("opening", language).format(when=f"{line.next_opening.astimezone(HERE):%d.%m.%Y, %H:%M}")
