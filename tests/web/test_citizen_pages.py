"""The citizens' pages say what they should, in three languages, and never what they should not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from helpdesk.i18n import INTERFACE, Language
from helpdesk.web.citizen.forms import EMAIL, Draft, Fault, FieldError
from helpdesk.web.citizen.views import (
    Author,
    DoorPage,
    Fixed,
    FixedPage,
    Frame,
    LostLinkPage,
    MessageRow,
    Problem,
    ProblemPage,
    Section,
    Situation,
    draw,
)
from tests.web import citizen_samples as samples

HOSTILE = "<script>alert('x')</script><img src=x onerror=1>{{ 7*7 }}"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition('tabindex="-1">')[2].partition("</main>")[0]).split())


@pytest.mark.parametrize("language", INTERFACE)
@pytest.mark.parametrize("name", samples.every_page(Language.DE))
def test_every_page_has_one_heading_its_language_and_nothing_from_elsewhere(name: str, language: Language):
    html = draw(samples.every_page(language)[name])
    assert f'<html lang="{language.tag}">' in html
    assert html.count("<h1") == 1
    assert len(re.findall(r"<main\b", html)) == 1
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!portalservice\.example)', html)
    assert not re.search(r"<script(?! src=)|\son\w+=|style=", html)


@pytest.mark.parametrize("language", INTERFACE)
@pytest.mark.parametrize("name", samples.every_page(Language.DE))
def test_no_internal_words_reach_a_citizen(name: str, language: Language):
    shown = words(draw(samples.every_page(language)[name]))
    for word in ("Ticket", "S1", "S2", "S3", "S4", "Severity", "Schweregrad", "SLA", "verlängert", "extended", "None"):
        assert not re.search(rf"\b{word}\b", shown), word


@pytest.mark.parametrize("name", samples.every_page(Language.DE))
def test_the_english_page_is_english_throughout(name: str):
    """Every text of ours differs from the German one; only names and people's own words are the same."""
    german, english = (words(draw(samples.every_page(language)[name])) for language in (Language.DE, Language.EN))
    assert german != english
    for name_or_quote in ("Portal meiner Stadt oder Gemeinde", "Sie haben uns angerufen", "Ihr Entwurf"):
        english = english.replace(name_or_quote, "")
    assert not re.search(r"\b(Sie|Bitte|Ihre?|oder|nicht)\b", english)


def test_the_first_sentence_says_what_happens_and_whether_to_act():
    first = {
        Situation.RECEIVED: "Ihr Anliegen ist bei uns. Sie müssen zurzeit nichts tun.",
        Situation.WORKING: "Wir arbeiten daran. Sie müssen zurzeit nichts tun.",
        Situation.WAITING_FOR_YOU: "Wir brauchen eine Antwort von Ihnen.",
        Situation.SOLVED: "Ihr Anliegen ist gelöst. Sie müssen nichts mehr tun.",
        Situation.CLOSED: "Ihr Anliegen ist abgeschlossen.",
    }
    for situation, sentence in first.items():
        shown = words(draw(samples.ticket(situation=situation)))
        assert shown.partition(samples.TITLE)[2].strip().startswith(sentence)


@pytest.mark.parametrize(
    ("language", "promise"),
    [
        (Language.DE, "<strong>heute bis 20:00 Uhr</strong> per E-Mail."),
        (Language.DE_LEICHT, "<strong>heute bis 20:00 Uhr</strong>."),
        (Language.EN, "<strong>today by 20:00</strong> by e-mail."),
    ],
)
def test_the_next_promise_stands_in_bold(language: Language, promise: str):
    assert promise in draw(samples.ticket(language))


def test_a_broken_promise_is_admitted_instead_of_repeated():
    html = draw(samples.ticket(promise_at=samples.NOW - timedelta(hours=1)))
    assert "Wir sind später dran als versprochen" in html
    assert "Sie hören von uns" not in html


def test_the_four_steps_have_words():
    html = draw(samples.ticket())
    steps = re.findall(r"<strong>(.*?)</strong> <span class=\"hidden-words\">\((.*?)\)", html)
    assert steps == [
        ("Eingegangen", "erledigt"),
        ("Angenommen", "erledigt"),
        ("In Bearbeitung", "jetzt"),
        ("Gelöst", "noch offen"),
    ]


@pytest.mark.parametrize("language", INTERFACE)
def test_typed_text_stays_text_everywhere(language: Language):
    draft = Draft(text=HOSTILE, place=HOSTILE, address=HOSTILE, error=HOSTILE, file_names=(HOSTILE,), portal=HOSTILE)
    fault = FieldError(name="files", fault=Fault.FILE_TYPE, detail=HOSTILE)
    pages = (
        samples.contact(language, draft=draft, errors=(fault,), origin=HOSTILE),
        samples.ticket(
            language, title=HOSTILE, messages=(MessageRow(author=Author.YOU, at=samples.NOW, text=HOSTILE),)
        ),
        ProblemPage(frame=samples.frame(language), problem=Problem.FAILED, typed=HOSTILE),
        FixedPage(
            frame=samples.frame(language), page=Fixed.IMPRINT, sections=(Section(title=HOSTILE, paragraphs=(HOSTILE,)),)
        ),
    )
    for page in pages:
        html = draw(page)
        assert "alert(&#39;x&#39;)" in html
        assert "<script>" not in html
        assert "<img src=x" not in html
        assert "49" not in words(html).replace("SK-504", "")


@pytest.mark.parametrize("text", ["\n\nerst nach zwei Zeilen", "\tEinzug", "einfach"])
def test_a_refused_text_comes_back_letter_by_letter(text: str):
    """HTML drops one line end after the opening tag; the page puts one there to be dropped."""
    html = draw(samples.contact(draft=Draft(text=text)))
    typed = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", html, re.S)
    assert typed
    assert typed[1] == text


def test_right_to_left_messages_start_at_the_right_and_name_their_language():
    arabic = MessageRow(author=Author.YOU, at=samples.NOW, text="لا أستطيع تسجيل الدخول", language="ar")
    html = draw(samples.ticket(messages=(arabic,)))
    assert '<div class="typed" dir="rtl" lang="ar">' in html


def test_the_door_shows_the_same_for_right_and_wrong_links():
    right, wrong = (draw(DoorPage(frame=samples.frame(path=f"/anliegen/{secret}"))) for secret in ("aaaa", "bbbb"))
    assert right.replace("aaaa", "bbbb") == wrong
    assert 'method="post"' in right
    assert "T-2026" not in right


@pytest.mark.parametrize("language", INTERFACE)
def test_a_lost_link_says_how_to_get_a_new_one_and_nothing_of_a_ticket(language: Language):
    html = draw(LostLinkPage(frame=samples.frame(language, samples.SECRET)))
    assert {"de": "neuen Link", "de-leicht": "neuen Link", "en": "new link"}[language] in html
    assert "0221 4710 100" in html
    assert not re.search(r"T-\d{4}", html)


def test_the_language_travels_with_every_link_without_a_cookie():
    frame = samples.frame(Language.EN, "/", query={"portal": "bauportal-nrw"})
    assert frame.address("/impressum") == "/impressum?sprache=en"
    assert frame.same_page(Language.DE_LEICHT) == "/?sprache=de-leicht&portal=bauportal-nrw"
    assert frame.same_page(Language.DE) == "/?portal=bauportal-nrw"
    abroad = replace(frame, reader_language=Language.EN)
    assert abroad.address("/impressum") == "/impressum"
    assert abroad.same_page(Language.DE) == "/?sprache=de&portal=bauportal-nrw"


@pytest.mark.parametrize("language", [Language.EN, Language.DE_LEICHT])
@pytest.mark.parametrize("name", samples.every_page(Language.DE))
def test_no_link_and_no_form_leads_back_into_german(name: str, language: Language):
    html = draw(samples.every_page(language)[name])
    own = re.findall(r'(?:href|action)="(/(?!static)[^"]*)"(?![^>]*hreflang="de")', html)
    lost = [link for link in own if f"sprache={language}" not in link and "/dateien/" not in link and link != "/status"]
    assert [link for link in lost if "sprache=" not in link] == []


def test_only_ways_that_exist_are_offered():
    html = draw(samples.contact(answers=(EMAIL,)))
    assert "Wie sollen wir antworten?" not in html
    assert '<input type="hidden" name="answer" value="email">' in html


def test_the_form_carries_key_stamp_trap_and_language():
    page = samples.contact(Language.EN)
    html = draw(replace(page, frame=replace(page.frame, csrf="token-1")))
    for hidden in (("key", samples.TYPED["key"]), ("stamp", page.stamp), ("csrf", "token-1"), ("sprache", "en")):
        assert '<input type="hidden" name="{}" value="{}">'.format(*hidden) in html
    assert 'name="website" tabindex="-1"' in html
    assert "csrf" not in draw(page)


def test_faults_stand_on_top_and_at_their_fields():
    html = draw(samples.refused())
    summary = html.partition('id="faults"')[2].partition("</ul>")[0]
    targets = re.findall(r'href="#([^"]+)"', summary)
    assert targets == ["place-choice-1", "text", "address", "files", "files"]
    assert html.startswith("<!doctype html>") and "<title>Fehler: Hilfe und Kontakt" in html
    for target in targets:
        assert f'id="{target}"' in html
    for described in re.findall(r'aria-describedby="([^"]+)"', html):
        for reference in described.split():
            assert f'id="{reference}"' in html
    assert "urlaub.exe, bild.png" in html


def test_texts_of_the_operator_are_asked_for_and_never_invented():
    empty = words(draw(FixedPage(frame=samples.frame(), page=Fixed.IMPRINT)))
    assert "Dieser Text fehlt noch" in empty
    filled = FixedPage(
        frame=samples.frame(), page=Fixed.IMPRINT, sections=(Section(title="Anschrift", paragraphs=("Musterweg 1",)),)
    )
    assert "Dieser Text fehlt noch" not in draw(filled)
    assert "Musterweg 1" in draw(filled)


@pytest.mark.parametrize("problem", Problem)
@pytest.mark.parametrize("language", INTERFACE)
def test_a_failure_keeps_the_text_and_names_the_phone(problem: Problem, language: Language):
    html = draw(samples.contact(language, problem=problem, draft=Draft(text="Mein langer Text")))
    assert "Mein langer Text" in html
    alert = html.partition('id="faults"')[2].partition("<h1")[0]
    assert ("0221 4710 100" in alert) is (problem is not Problem.TOO_FAST)
    silent = Frame(language=language, path="/", now=samples.NOW)
    assert "0221" not in draw(ProblemPage(frame=silent, problem=problem))
