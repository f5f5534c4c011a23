"""What people write in the measurements: invented, of usual length, with the words that searches ask for."""

from __future__ import annotations

SENTENCES = (
    "Beim Absenden meines Wohngeldantrags erscheint nur eine weiße Seite.",
    "Die Anmeldung mit dem Personalausweis bricht nach der PIN ab.",
    "Ich habe die Gebühr bezahlt, der Antrag steht aber weiter auf offen.",
    "Im Postfach liegt eine Nachricht, die sich nicht öffnen lässt.",
    "Seit heute Morgen erreichen wir das Portal im ganzen Rathaus nicht.",
    "Welche Unterlagen brauche ich, um einen Hund anzumelden?",
    "Das Formular nimmt meine Hausnummer mit Buchstaben nicht an.",
    "Der hochgeladene Nachweis wird als beschädigt abgelehnt, obwohl er lesbar ist.",
    "Mein Termin im Bürgerbüro taucht in der Übersicht nicht auf.",
    "Die Bestätigung der Gewerbeanmeldung ist nie angekommen.",
    "Unser Fachverfahren holt seit gestern keine neuen Anträge ab.",
    "Die Vorlesefunktion überspringt die Überschriften.",
)
MORE = (
    "Ich habe es mit zwei Browsern versucht und auch mit dem Telefon.",
    "Die Frist läuft nächste Woche ab, daher bitte ich um eine schnelle Antwort.",
    "Ein Bild der Fehlermeldung kann ich nachreichen.",
    "Bei meiner Nachbarin geschieht dasselbe.",
    "Vielen Dank für Ihre Hilfe und freundliche Grüße",
)
ANSWER = (
    "Guten Tag, vielen Dank für Ihre Nachricht. Wir haben den Vorgang geprüft und neu angestoßen. "
    "Bitte versuchen Sie es in einer Viertelstunde noch einmal und schreiben Sie uns, falls es nicht gelingt."
)
SEARCHES = (
    "Wohngeldantrag", "Personalausweis PIN", "Gebühr bezahlt", "Postfach Nachricht", "Rathaus", "Hund anmelden",
    "Hausnummer", "Nachweis beschädigt", "Bürgerbüro Termin", "Gewerbeanmeldung", "Fachverfahren", "Überschriften",
)  # fmt: skip

#: (portal, component, category, impact, urgency); None = not said, as often in life
ABOUT = (
    ("kommunalportal-nrw", "formulare", "formular_ausfuellen", "einzeln", "mittel"),
    ("kommunalportal-nrw", "postfach", "postfach_nachricht", "einzeln", "niedrig"),
    ("serviceportal-nrw", "servicekonto-nrw", "anmeldung_konto", "einzeln", "mittel"),
    ("wsp-nrw", "epayment", "zahlung", "einzeln", "mittel"),
    ("sozialplattform", "formulare", "antrag_status", "einzeln", "niedrig"),
    ("bauportal-nrw", "formulare", "stoerung_funktion", "einzeln", "mittel"),
    ("kommunalportal-nrw", None, "stoerung_ausfall", "kommune", "hoch"),
    ("emscher-lippe", "termin", "stoerung_funktion", "einzeln", "mittel"),
    ("beteiligung-nrw", None, "barrierefreiheit", "einzeln", "niedrig"),
    (None, None, None, None, None),
)


def message(number: int) -> str:
    """About 40 words; the same number gives the same words."""
    first, second = SENTENCES[number % len(SENTENCES)], SENTENCES[number * 7 % len(SENTENCES)]
    return f"{first}\n\n{MORE[number % len(MORE)]} {second} {MORE[(number + 2) % len(MORE)]}"


def subject(number: int) -> str:
    return SENTENCES[number % len(SENTENCES)].rstrip(".?")[:80]
