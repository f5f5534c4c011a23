"""An outgoing mail as the receiver's programs see it."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from channels.email.parsing import parse
from channels.email.settings import accounts
from channels.email.writing import BadAddress, Letter, compose
from helpdesk.channel import File, OutboundMessage
from tests.channels.email.mails import AT, KEY, MARKS, SETTINGS, message, outgoing

(ACCOUNT,) = accounts(SETTINGS | {"email_name": "Portalservice „NRW“"})
(NO_PLUS,) = accounts(SETTINGS | {"email_recipient_delimiter": ""})


def written(sent: OutboundMessage) -> tuple[Letter, EmailMessage]:
    letter = compose(sent, ACCOUNT, AT)
    found = message_from_bytes(letter.data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return letter, found


def test_the_same_message_is_the_same_bytes_on_every_attempt() -> None:
    assert compose(outgoing(), ACCOUNT, AT) == compose(outgoing(attempt=2), ACCOUNT, AT)


def test_an_answer_keeps_the_thread() -> None:
    letter, mail = written(
        outgoing(
            thread={"ticket": "T-2026-004711", "token": "k3y9", "in_reply_to": "<b@x>", "references": "<a@x> <b@x>"}
        )
    )
    assert mail["Subject"] == "[T-2026-004711] Ihr Anliegen"
    assert mail["In-Reply-To"] == "<b@x>"
    assert mail["References"] == "<a@x> <b@x>"
    assert mail["Reply-To"] == MARKS.ticket_address("k3y9")
    assert mail["Message-ID"] == letter.message_id == MARKS.message_id(KEY, "k3y9")
    assert letter.sender == MARKS.bounce_address(KEY)
    assert mail["From"].addresses[0].display_name == "Portalservice „NRW“"
    assert str(MARKS.footer("k3y9")) in mail.get_content()


def test_an_answer_to_it_leads_back_by_every_mark() -> None:
    """The round trip through our own reader: footer and Message-ID survive a program that knows neither."""
    letter, _ = written(outgoing())
    quoted = "\n".join(f"> {line}" for line in parse(letter.data).text.split("\n"))
    back = message(
        f"From: aenne@example.org\nIn-Reply-To: {letter.message_id}\nSubject: Re\n\nDanke\n{quoted}\n".encode()
    )
    assert back.hints == ("token:k3y9", f"message-id:{letter.message_id}")
    assert message(f"From: aenne@example.org\nSubject: Re\n\nDanke\n{quoted}\n".encode()).hints == ("token:k3y9",)


def test_every_sign_arrives() -> None:
    text = "äöüß €, „Zitat“, العربية, Türkçe, 👍🏽\n.Punkt am Anfang\nFrom am Anfang\n" + "lang " * 500
    letter, mail = written(outgoing(text=text, subject=text[:200]))
    assert mail.get_content().replace("\r\n", "\n").startswith(text.rstrip())
    assert mail["Subject"] == "[T-2026-004711] " + " ".join(text[:200].split())
    assert max(map(len, letter.data.split(b"\r\n"))) <= 998
    assert letter.data.isascii()
    assert b"\n" not in letter.data.replace(b"\r\n", b"")


def test_nothing_in_the_message_can_add_a_header() -> None:
    _, mail = written(
        outgoing(
            subject="Hallo\r\nBcc: boese@evil.example",
            thread={
                "ticket": "T-1",
                "token": "x\r\nBcc: y@z",
                "in_reply_to": "<a@b>\r\nBcc: y@z",
                "references": "\nBcc: y@z",
            },
            language="de\r\nBcc: y@z",
        )
    )
    assert mail["Bcc"] is None
    assert mail["Reply-To"] is None


def test_automatic_mail_asks_for_silence_and_an_agents_does_not() -> None:
    _, receipt = written(outgoing(automatic=True, thread={"in_reply_to": "<a@x>"}))
    assert (receipt["Auto-Submitted"], receipt["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    _, notice = written(outgoing(automatic=True, thread={}))
    assert notice["Auto-Submitted"] == "auto-generated"
    _, answer = written(outgoing())
    assert answer["Auto-Submitted"] is None


def test_without_plus_addresses_automatic_mail_has_an_empty_sender() -> None:
    assert compose(outgoing(automatic=True), NO_PLUS, AT).sender == ""
    assert compose(outgoing(), NO_PLUS, AT).sender == "hilfe@nrw.example"
    assert b"Reply-To" not in compose(outgoing(), NO_PLUS, AT).data


def test_the_number_stands_in_the_subject_once() -> None:
    _, mail = written(outgoing(subject="AW: [T-2026-004711] Ihr Anliegen"))
    assert mail["Subject"] == "AW: [T-2026-004711] Ihr Anliegen"


def test_files_arrive_with_name_and_bytes() -> None:
    file = File(name="Straßen & Plätze.pdf", media_type="application/pdf", size=3, ref="r")
    inner = File(name="mail.eml", media_type="message/rfc822", size=3, ref="r")
    letter = compose(outgoing(files=(file, inner)), ACCOUNT, AT, [(file, b"\x00\xff."), (inner, b"a\nb")])
    found = message_from_bytes(letter.data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert [(part.get_filename(), part.get_content()) for part in found.iter_attachments()] == [
        ("Straßen & Plätze.pdf", b"\x00\xff."),
        ("mail.eml", b"a\nb"),
    ]


def test_a_domain_is_written_in_ascii() -> None:
    assert compose(outgoing("anna@köln.example"), ACCOUNT, AT).recipient == "anna@xn--kln-sna.example"
    assert compose(outgoing("ännä@köln.example"), ACCOUNT, AT).international


@pytest.mark.parametrize("address", ["", "anna", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a@" + "ö" * 300, "a@b,c@d"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        compose(outgoing(address), ACCOUNT, AT)
