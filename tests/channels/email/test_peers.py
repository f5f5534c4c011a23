"""The whole way with a mail server that nobody here wrote: Exim in front, Dovecot behind."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest

from channels.email import EmailChannel
from channels.email.imap import MailboxError
from channels.email.settings import accounts
from helpdesk.channel import DeliveryError, Kind, OutboundMessage, Outcome, Reason
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.email.mails import mail, outgoing, payload, raw
from tests.channels.email.peers import HOST, MailServer, mail_server

pytestmark = [pytest.mark.peer_dovecot, pytest.mark.peer_exim]


async def go() -> None:
    return None


@pytest.fixture
def box(server: MailServer, request: pytest.FixtureRequest) -> str:
    """A mailbox of its own for each test."""
    return f"hilfe{abs(hash(request.node.name)) % 10_000}@nrw.example"


@pytest.fixture
def real(server: MailServer, box: str) -> EmailChannel:
    (account,) = accounts(server.settings(box))
    return EmailChannel(account, idle_seconds=0)


def person(name: str) -> str:
    return f"{name}-{uuid4().hex[:8]}@example.org"


def read(data: bytes) -> EmailMessage:
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def sent(to: str, **more: object) -> OutboundMessage:
    return outgoing(to, key=uuid4(), **more)


async def arrived(server: MailServer, user: str, count: int = 1) -> list[bytes]:
    return await asyncio.to_thread(server.wait_for, user, count)


async def test_there_and_back_again(server: MailServer, real: EmailChannel, desk: FakeDesk, box: str) -> None:
    anna = person("anna")
    question = mail(
        "Das Formular lädt nicht: „Fehler 500“ 😟", to=box, message_id="<frage@example.org>", **{"from": anna}
    )
    await asyncio.to_thread(server.submit, box, question, anna)
    await arrived(server, box)
    await real.poll(desk)
    (asked,) = desk.messages
    assert (asked.text, asked.sender.value) == ("Das Formular lädt nicht: „Fehler 500“ 😟", anna)
    assert server.inbox(box) == [] and len(server.inbox(box, "Processed")) == 1

    message_id = await real.send(
        sent(
            anna,
            text="Grüße aus Köln",
            thread={"ticket": "T-2026-1", "token": "k3y9", "in_reply_to": "<frage@example.org>"},
        ),
        go,
    )
    (data,) = await arrived(server, anna)
    answer = read(data)
    assert (answer["Message-ID"], answer["In-Reply-To"]) == (message_id, "<frage@example.org>")
    assert answer.get_content().startswith("Grüße aus Köln")

    # the person's program answers to Reply-To and knows nothing else
    to = str(answer["Reply-To"])
    await asyncio.to_thread(server.submit, to, mail("Danke!", to=to, message_id="", **{"from": anna}), anna)
    await arrived(server, box)
    await real.poll(desk)
    assert desk.messages[1].text == "Danke!"
    assert desk.messages[1].hints[0] == "token:k3y9"


async def test_the_plus_address_is_found_in_the_envelope(
    server: MailServer, real: EmailChannel, desk: FakeDesk, box: str
) -> None:
    """A forwarded answer names somebody else in To; Dovecot writes the envelope into Delivered-To."""
    (account,) = accounts(server.settings(box))
    plus = account.marks.ticket_address("umschlag") or ""
    await asyncio.to_thread(server.deliver, plus, mail("Weitergeleitet", to="jemand@example.org"))
    await real.poll(desk)
    assert desk.messages[0].hints[0] == "token:umschlag"


async def test_swaks_reaches_us(server: MailServer, real: EmailChannel, desk: FakeDesk, box: str) -> None:
    command = [
        "swaks",
        "--server",
        f"{HOST}:{server.smtp_port}",
        "--from",
        "a@example.org",
        "--to",
        box,
        "--body",
        "Von swaks",
    ]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    await arrived(server, box)
    await real.poll(desk)
    assert desk.messages[0].text == "Von swaks"


async def test_new_mail_wakes_the_waiting_pass(server: MailServer, desk: FakeDesk, box: str) -> None:
    (account,) = accounts(server.settings(box))
    polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=25).poll(desk))
    await asyncio.sleep(1)
    await asyncio.to_thread(server.deliver, box, mail("Eilt"))
    started = time.monotonic()
    await asyncio.wait_for(polling, 20)
    assert [message.text for message in desk.messages] == ["Eilt"]
    assert time.monotonic() - started < 10


async def test_a_cancelled_wait_lets_go_of_the_mailbox(server: MailServer, desk: FakeDesk, box: str) -> None:
    (account,) = accounts(server.settings(box))
    before = len(asyncio.all_tasks())
    polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=25).poll(desk))
    await asyncio.sleep(0.5)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == before
    await asyncio.to_thread(server.deliver, box, mail("Danach"))
    await EmailChannel(account, idle_seconds=0).poll(desk)
    assert len(desk.messages) == 1


async def test_a_hundred_mails_in_one_pass(server: MailServer, real: EmailChannel, desk: FakeDesk, box: str) -> None:
    for number in range(100):
        await asyncio.to_thread(server.deliver, box, mail(f"{number}", message_id=f"<{number}@example.org>"))
    await real.poll(desk)
    assert [message.text for message in desk.messages] == [str(number) for number in range(100)]
    assert server.inbox(box) == []


async def test_three_workers_at_one_mailbox(server: MailServer, desk: FakeDesk, box: str) -> None:
    (account,) = accounts(server.settings(box))
    for number in range(30):
        await asyncio.to_thread(server.deliver, box, mail(f"{number}", message_id=f"<{number}@example.org>"))
    await asyncio.gather(*(EmailChannel(account, idle_seconds=0).poll(desk) for _ in range(3)))
    assert sorted(int(message.text) for message in desk.messages) == list(range(30))
    assert server.inbox(box) == []
    assert len(server.inbox(box, "Processed")) >= 30


async def test_every_recorded_mail_passes_a_real_server(
    server: MailServer, real: EmailChannel, desk: FakeDesk, box: str
) -> None:
    names = [
        "plain",
        "alternative_with_attachments",
        "korean",
        "right_to_left",
        "emoji_only",
        "html_only",
        "raw_8bit_headers",
    ]
    for name in names:
        await asyncio.to_thread(server.deliver, box, payload(name))
    await real.poll(desk)
    here = [found for name in names for found in real.read(raw(payload(name)))]
    assert [message.text for message in desk.messages] == [found.text for found in here]  # type: ignore[union-attr]
    assert [message.subject for message in desk.messages] == [found.subject for found in here]  # type: ignore[union-attr]
    pdf = desk.messages[1].files[1]
    assert len(b"".join([chunk async for chunk in real.fetch(pdf)])) == pdf.size


async def test_a_mail_that_is_none_ends_in_failed(
    server: MailServer, real: EmailChannel, desk: FakeDesk, box: str
) -> None:
    await asyncio.to_thread(server.deliver, box, b"Subject: niemand\n\nohne Absender", "")
    await real.poll(desk)
    assert [why for _, why in desk.parked] == ["no usable sender address"]
    assert (len(server.inbox(box)), len(server.inbox(box, "Failed"))) == (0, 1)


async def test_a_real_bounce_names_the_delivery(
    server: MailServer, real: EmailChannel, desk: FakeDesk, box: str
) -> None:
    message = sent("gibtsnicht@example.org")
    message_id = await real.send(message, go)
    await arrived(server, box)
    await real.poll(desk)
    (report,) = desk.reports
    assert (report.key, report.provider_id, report.reason) == (message.key, message_id, Reason.INVALID_ADDRESS)
    assert desk.messages == []


async def test_an_address_refused_at_once_is_permanent(real: EmailChannel) -> None:
    with pytest.raises(DeliveryError) as caught:
        await real.send(sent("fehlt@nrw.example"), go)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.PERMANENT, Reason.INVALID_ADDRESS)


async def test_an_address_beyond_ascii_is_reached(server: MailServer, real: EmailChannel) -> None:
    await real.send(sent("jürgen@example.org", text="Grüße"), go)
    (data,) = await arrived(server, "xn--jrgen-kva@example.org")  # Exim's way to hand it to a server without SMTPUTF8
    assert read(data).get_content().startswith("Grüße")


async def test_a_vacation_answers_a_person_and_not_a_machine(
    server: MailServer, real: EmailChannel, desk: FakeDesk, box: str
) -> None:
    away = person("urlaub")
    await asyncio.to_thread(server.vacation, away)
    await real.send(sent(away, automatic=True), go)
    await arrived(server, away)
    await real.send(sent(away, text="Von Hand"), go)
    (note,) = await arrived(server, box)
    await real.poll(desk)
    (found,) = desk.messages
    assert (found.kind, found.automatic) == (Kind.AUTOREPLY, True)
    assert desk.reports == []
    assert re.search(rb"(?im)^auto-submitted: auto-replied", note)
    # the automatic one came first and has stayed without an answer
    assert len(server.inbox(away)) == 2


async def test_check_logs_in_to_both(server: MailServer, real: EmailChannel, box: str) -> None:
    assert (await real.check()).ok
    (wrong,) = accounts(server.settings(box, email_imap_password="falsch"))
    assert (await EmailChannel(wrong).check()).problem == "IMAP: login refused"


async def test_a_server_that_goes_away_while_we_wait(desk: FakeDesk) -> None:
    """CHANNELS 2.3: the library waits for ever after BYE. Dovecot says it ten seconds after it was stopped."""
    with mail_server() as passing:
        (account,) = accounts(passing.settings())
        polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=25).poll(desk))
        await asyncio.sleep(0.7)
        passing.processes[0].terminate()
        with pytest.raises(MailboxError, match="good-bye"):
            await asyncio.wait_for(polling, 20)


@pytest.fixture(scope="module")
def guarded() -> Iterator[MailServer]:
    with mail_server(tls=True) as guarded:
        yield guarded


@pytest.mark.parametrize("imap", ["starttls", "ssl"])
async def test_encrypted_there_and_back(
    guarded: MailServer, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch, imap: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(guarded.certificate))
    box = f"{imap}@nrw.example"
    more = {"email_imap_port": str(guarded.imaps_port)} if imap == "ssl" else {}
    (account,) = accounts(guarded.settings(box, email_imap_tls=imap, email_smtp_tls="starttls", **more))
    channel = EmailChannel(account, idle_seconds=0)
    assert (await channel.check()).problem == ""
    await channel.send(sent(box, text="Verschlüsselt"), go)
    await arrived(guarded, box)
    await channel.poll(desk)
    assert desk.messages[0].text.startswith("Verschlüsselt")
    assert b" with esmtps " in desk.messages[0].raw.body


async def test_a_certificate_that_nobody_vouches_for_is_refused(guarded: MailServer, desk: FakeDesk) -> None:
    (account,) = accounts(guarded.settings(email_imap_tls="starttls", email_smtp_tls="starttls"))
    channel = EmailChannel(account, idle_seconds=0)
    with pytest.raises(MailboxError, match="SSLCertVerificationError"):
        await channel.poll(desk)
    with pytest.raises(DeliveryError) as caught:
        await channel.send(sent("a@example.org"), go)
    assert caught.value.outcome is Outcome.TEMPORARY
