"""The contact form takes what people type, refuses with every fault at once, and loses nothing."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.i18n import Language
from helpdesk.web.citizen.forms import (
    AddressKind,
    AnswerWay,
    ContactForm,
    Fault,
    Limits,
    Refusal,
    ReplyForm,
    Rules,
    Upload,
    draft_of,
    read_contact,
    read_reply,
)
from tests.web.citizen_samples import PLACES, RULES, TYPED

LONGEST = RULES.limits.characters


def accepted(files: tuple[Upload, ...] = (), **changes: str) -> ContactForm:
    read = read_contact(TYPED | changes, files, RULES)
    assert isinstance(read, ContactForm), read
    return read


def refused(files: tuple[Upload, ...] = (), rules: Rules = RULES, **changes: str) -> Refusal:
    read = read_contact(TYPED | changes, files, rules)
    assert isinstance(read, Refusal), read
    return read


def test_a_filled_form_becomes_values():
    form = accepted(deadline="yes", sprache="en", component="epayment", form="wohngeld", error="SK-504")
    assert form.key == UUID(TYPED["key"])
    assert (form.portal, form.place, form.place_text) == ("kommunalportal-nrw", PLACES.get("05315000"), "")
    assert (form.answer.id, form.address) == ("email", "k.yilmaz@post.example")
    assert (form.language, form.deadline, form.honeypot) == (Language.EN, True, False)
    assert (form.component, form.form, form.error) == ("epayment", "wohngeld", "SK-504")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("😡😡😡", "😡😡😡"),
        ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
        ("لا أستطيع تسجيل الدخول", "لا أستطيع تسجيل الدخول"),
        ("\u202eabc", "\u202eabc"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("{{ 7*7 }} %(link)s ${x}", "{{ 7*7 }} %(link)s ${x}"),
        ("'; DROP TABLE ticket; --", "'; DROP TABLE ticket; --"),
        ("eins\r\nzwei\rdrei", "eins\nzwei\ndrei"),
        ("a\x00b\x07c\x1b[31m", "abc[31m"),
        ("\ud800kaputt", "kaputt"),
        ("  außen  ", "außen"),
        ("ä" * LONGEST, "ä" * LONGEST),
        (("x\r\n" * (LONGEST // 2)), "x\n" * (LONGEST // 2 - 1) + "x"),
    ],
)
def test_text_stays_text(typed: str, kept: str):
    assert accepted(text=typed).text == kept


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u200b\u200d\ufeff", "\u2800\u2800", "\u3164", "\u0301"])
def test_what_nobody_can_see_is_no_message(blank: str):
    errors = refused(text=blank).errors
    assert [(error.name, error.fault) for error in errors] == [("text", Fault.EMPTY)]


def test_a_text_too_long_is_told_its_length_and_kept_whole():
    refusal = refused(text="x" * (LONGEST + 1))
    assert [(e.name, e.fault, e.detail) for e in refusal.errors] == [("text", Fault.TOO_LONG, "20001")]
    assert len(refusal.draft.text) == LONGEST + 1


@pytest.mark.parametrize(
    "address",
    [
        "k.yilmaz@post.example",
        "Vorname+Zusatz@Sub.Domain.Example",
        "jörg@müller.example",
        "x@xn--mller-kva.example",
        "o'neill_1@a-b.example",
    ],
)
def test_addresses_people_have(address: str):
    local, _, domain = address.rpartition("@")
    assert accepted(address=f" {address} ").address == f"{local}@{domain.lower()}"


@pytest.mark.parametrize(
    "address",
    [
        "k.yilmaz",
        "k.yilmaz@post",
        "@post.example",
        "a@b@post.example",
        "a b@post.example",
        "a@post..example",
        "a..b@post.example",
        "a@-post.example",
        "a@[127.0.0.1]",
        "<a@post.example>",
        "a@post.example, b@post.example",
        "x" * 65 + "@post.example",
        "a@" + "x" * 250 + ".example",
    ],
)
def test_addresses_that_cannot_be_right(address: str):
    refusal = refused(address=address)
    assert [(error.name, error.fault) for error in refusal.errors] == [("address", Fault.NOT_AN_EMAIL)]


def test_an_address_cannot_add_a_mail_header():
    refusal = refused(address="a@post.example\r\nBcc: all@post.example")
    assert refusal.errors[0].fault is Fault.NOT_AN_EMAIL
    assert "\n" not in refusal.draft.address


def test_who_looks_online_needs_no_address():
    form = accepted(answer="online", address="")
    assert (form.answer.address, form.address) == (AddressKind.NONE, "")
    assert refused(answer="email", address="").errors[0].fault is Fault.ADDRESS_MISSING
    assert refused(answer="fax").errors[0].fault is Fault.UNKNOWN_CHOICE


@pytest.mark.parametrize(("typed", "number"), [("0221 4710100", "+492214710100"), ("+49 171 3920001", "+491713920001")])
def test_a_configured_way_by_phone_gets_an_international_number(typed: str, number: str):
    rules = Rules(portals=RULES.portals, places=PLACES, answers=(AnswerWay(id="sms", address=AddressKind.PHONE),))
    read = read_contact(TYPED | {"answer": "sms", "address": typed}, (), rules)
    assert isinstance(read, ContactForm)
    assert read.address == number
    assert refused(rules=rules, answer="sms", address="ruf an").errors[0].fault is Fault.NOT_A_PHONE


@pytest.mark.parametrize(("portal", "known"), [("", None), ("unknown", None), ("bauportal-nrw", "bauportal-nrw")])
def test_whoever_does_not_know_the_portal_can_write(portal: str, known: str | None):
    assert accepted(portal=portal).portal == known


def test_a_portal_we_do_not_have_is_a_fault():
    assert refused(portal="../etc").errors[0].fault is Fault.UNKNOWN_CHOICE


@pytest.mark.parametrize(
    ("place", "ags", "found"),
    [
        ("", "", None),
        ("Köln", "", "05315000"),
        ("51467", "05378004", "05378004"),
        ("51467 ", "05315000", "05315000"),
        ("Emsdetten", "05315000", "05566028"),  # the text was changed after a suggestion had been taken
        ("", "05315000", None),
        ("Atlantis", "-", None),
    ],
)
def test_the_place_is_resolved_without_scripts(place: str, ags: str, found: str | None):
    form = accepted(place=place, ags=ags)
    assert (form.place.ags if form.place else None) == found
    assert form.place_text == ("" if found else place)


@pytest.mark.parametrize(
    ("place", "fault", "choices"), [("51467", Fault.PLACE_AMBIGUOUS, 2), ("Atlantis", Fault.PLACE_UNKNOWN, 0)]
)
def test_an_unclear_place_comes_back_with_choices(place: str, fault: Fault, choices: int):
    error = refused(place=place).errors[0]
    assert (error.name, error.fault, len(error.choices)) == ("place", fault, choices)


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ([("bild.png", 0)], Fault.FILE_EMPTY),
        ([("bild.png", 15 * 1024 * 1024 + 1)], Fault.FILE_TOO_LARGE),
        ([("urlaub.exe", 10)], Fault.FILE_TYPE),
        ([("rechnung.pdf.js", 10)], Fault.FILE_TYPE),
        ([("ohne", 10)], Fault.FILE_TYPE),
        ([("png", 10)], Fault.FILE_TYPE),
        ([("bild.svg", 10)], Fault.FILE_TYPE),
        ([("bild.png", 10)] * 11, Fault.TOO_MANY_FILES),
    ],
)
def test_files_that_we_do_not_take(files: list[tuple[str, int]], fault: Fault):
    refusal = refused(tuple(Upload(name=name, size=size) for name, size in files))
    assert [error.fault for error in refusal.errors] == [fault]
    assert refusal.draft.file_names == tuple(name for name, _ in files)


def test_files_that_we_take():
    files = (Upload(name="Foto 1.JPG", size=15 * 1024 * 1024), Upload(name="صورة.pdf", size=1), Upload(name="", size=0))
    assert accepted(files).uploads == files[:2]


def test_all_faults_come_at_once_and_everything_typed_is_kept():
    refusal = refused(
        (Upload(name="a.exe", size=1),), text="", address="x", place="51467", deadline="yes", error="SK-504"
    )
    assert [error.name for error in refusal.errors] == ["place", "text", "address", "files"]
    draft = refusal.draft
    assert (draft.place, draft.address, draft.deadline, draft.error) == ("51467", "x", True, "SK-504")
    assert (draft.key, draft.portal, draft.file_names) == (TYPED["key"], "kommunalportal-nrw", ("a.exe",))


def test_a_filled_trap_and_a_broken_key_are_told_to_the_caller():
    assert accepted(website="http://x.example").honeypot
    assert accepted(key="kein-schluessel").key is None
    assert accepted(stamp="abc.def").stamp == "abc.def"


def test_a_link_presets_the_form_and_cannot_stuff_it():
    draft = draft_of({"portal": "bauportal-nrw", "ags": "05315000", "error": "E" * 5_000, "form": "a\r\nb"})
    assert (draft.portal, draft.ags, draft.form, len(draft.error)) == ("bauportal-nrw", "05315000", "a b", 200)


@given(st.dictionaries(st.sampled_from([*TYPED, "ags", "website", "sprache", "stamp", "topic"]), st.text(max_size=300)))
def test_nothing_that_can_be_typed_breaks_the_form(typed: dict[str, str]):
    read = read_contact(typed, (), RULES)
    assert isinstance(read, ContactForm) or read.errors


@pytest.mark.parametrize(
    ("text", "files", "taken"),
    [
        ("Danke", (), True),
        ("", (Upload(name="bild.png", size=5),), True),
        ("", (), False),
        ("x" * (LONGEST + 1), (), False),
        ("x" * (LONGEST + 1), (Upload(name="bild.png", size=5),), False),
        ("Danke", (Upload(name="bild.exe", size=5),), False),
    ],
)
def test_a_further_message_is_a_text_or_a_file(text: str, files: tuple[Upload, ...], taken: bool):
    read = read_reply({"text": text, "key": TYPED["key"]}, files, Limits())
    assert isinstance(read, ReplyForm) is taken
