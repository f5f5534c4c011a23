"""What is new in an answer; what is not certainly old stays."""

from __future__ import annotations

import pytest

from channels.email.quoting import newest


@pytest.mark.parametrize(
    "introduction",
    [
        "Am Sa., 21. Nov. 2026 um 18:20 Uhr schrieb Hilfe <hilfe@nrw.example>:",
        "Am 21.11.26 um 18:20 schrieb Portalservice:",
        "Am Samstag, 21. November 2026 um 18:20 Uhr\nschrieb Portalservice <hilfe@nrw.example>:",
        "On Sat, Nov 21, 2026 at 6:20 PM Hilfe <hilfe@nrw.example> wrote:",
        "On Sat, Nov 21, 2026 at 6:20 PM\nHilfe <hilfe@nrw.example>\nwrote:",
        "Le sam. 21 nov. 2026 à 18:20, Hilfe <hilfe@nrw.example> a écrit :",
        "Hilfe <hilfe@nrw.example>, 21 Kas 2026 Cmt, 18:20 tarihinde şunu yazdı:",
        "Op za 21 nov 2026 om 18:20 schreef Hilfe <hilfe@nrw.example>:",
    ],
)
def test_an_introduced_quote_at_the_end_is_cut(introduction: str) -> None:
    assert newest(f"Danke, es geht wieder.\n\n{introduction}\n\n> Wir haben\n> Ihre Meldung\n>\n>> ganz alt\n") == (
        "Danke, es geht wieder."
    )


@pytest.mark.parametrize(
    "block",
    [
        "Von: Hilfe\nGesendet: Samstag\nAn: a@example.org\nBetreff: AW",
        "From: Hilfe\nSent: Saturday\nTo: a@example.org\nSubject: RE",
        "*Von:* Hilfe\n*Gesendet:* Samstag\n*An:* a@example.org",
        "-----Ursprüngliche Nachricht-----\nirgendwas",
        "---------- Forwarded message ----------\nirgendwas",
        "________________________________\nVon: Hilfe\nGesendet: Samstag\nAn: a@example.org",
    ],
)
def test_the_old_mail_of_outlook_is_cut(block: str) -> None:
    assert newest(f"Danke.\n\n{block}\n\nWir haben Ihre Meldung.") == "Danke."


@pytest.mark.parametrize(
    "text",
    [
        "Am 12.03.2026 schrieb ich Ihnen:\nDas Formular fehlt noch immer.",
        "> Geht es wieder?\nNein, leider nicht.\n> Seit wann?\nSeit gestern.",
        "Ihre Seite meldet:\n> Fehler 500",
        "Von: Köln\nNach Bonn fahre ich nicht.",
        "> nur zitiert\n> und sonst nichts",
        "Am 21.11.2026 schrieb Hilfe:\n> nur die alte Mail",
        "",
    ],
)
def test_what_might_be_new_is_kept(text: str) -> None:
    assert newest(text) == text
