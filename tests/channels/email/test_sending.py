"""What each answer of a relay, and each break, means for the next attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channels.email import EmailChannel
from channels.email.settings import Server, Tls, accounts
from channels.email.smtp import Phase, Relay, refusal
from helpdesk.channel import DeliveryError, File, Outcome, Reason, Withdrawn
from helpdesk.testing.channel_contract import Says
from tests.channels.email.fake_mail import HOST, FakeMail
from tests.channels.email.mails import outgoing


async def go() -> None:
    return None


@pytest.mark.parametrize(
    ("at", "answer", "outcome", "reason"),
    [
        ("EHLO", b"", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("EHLO", b"421 4.3.2 gleich wieder da", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("AUTH", b"535 5.7.8 falsch", Outcome.TEMPORARY, Reason.ACCOUNT),
        ("AUTH", b"454 4.7.0 gerade nicht", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("AUTH", b"", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("MAIL", b"530 5.7.0 Anmeldung noetig", Outcome.TEMPORARY, Reason.ACCOUNT),
        ("MAIL", b"550 5.7.1 diesen Absender nicht", Outcome.TEMPORARY, Reason.ACCOUNT),
        ("MAIL", b"552 5.3.4 zu gross", Outcome.PERMANENT, Reason.TOO_LARGE),
        ("MAIL", b"", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("RCPT", b"550 5.1.1 unbekannt", Outcome.PERMANENT, Reason.INVALID_ADDRESS),
        ("RCPT", b"550 unbekannt", Outcome.PERMANENT, Reason.INVALID_ADDRESS),
        ("RCPT", b"554 5.7.1 nicht von Ihnen", Outcome.PERMANENT, Reason.REJECTED),
        ("RCPT", b"552 5.2.2 voll", Outcome.PERMANENT, Reason.QUOTA),
        ("RCPT", b"452 4.2.2 voll", Outcome.TEMPORARY, Reason.QUOTA),
        ("RCPT", b"450 4.2.0 Greylisting", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("RCPT", b"", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("DATA", b"", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("DATA", b"451 4.3.0 spaeter", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("DATA", b"554 5.6.0 nein", Outcome.PERMANENT, Reason.REJECTED),
        ("CONTENT", b"", Outcome.UNCERTAIN, Reason.UNKNOWN),
        ("CONTENT", b"452 4.3.1 Platte voll", Outcome.TEMPORARY, Reason.PROVIDER_DOWN),
        ("CONTENT", b"554 5.7.1 Spam", Outcome.PERMANENT, Reason.REJECTED),
        ("CONTENT", b"552 5.3.4 zu gross", Outcome.PERMANENT, Reason.TOO_LARGE),
        ("CONTENT", b"354 was denn noch", Outcome.UNCERTAIN, Reason.UNKNOWN),
        ("CONTENT", b"gar nichts", Outcome.UNCERTAIN, Reason.UNKNOWN),
    ],
)
async def test_every_answer_has_its_meaning(
    fake: FakeMail, channel: EmailChannel, at: str, answer: bytes, outcome: Outcome, reason: Reason
) -> None:
    fake.at = {at: answer}
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing(), go)
    assert (caught.value.outcome, caught.value.reason) == (outcome, reason)


async def test_silence_after_the_last_byte_is_uncertain(fake: FakeMail, channel: EmailChannel) -> None:
    await fake.say(Says.FALLS_SILENT)
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing(), go)
    assert caught.value.outcome is Outcome.UNCERTAIN


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("450 4.7.1 greylisted, try again in 300 seconds", timedelta(seconds=300)),
        ("451 please wait 5 minutes", timedelta(minutes=5)),
        ("451 4.7.1 Bitte in 90 Sekunden noch einmal", timedelta(seconds=90)),
        ("450 4.2.0 later", None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_kept(words: str, wait: timedelta | None) -> None:
    assert refusal(Phase.RECIPIENT, int(words[:3]), words[4:]).retry_after == wait


async def test_go_is_asked_after_the_login_and_before_the_sender(fake: FakeMail, channel: EmailChannel) -> None:
    seen: list[list[str]] = []

    async def noted() -> None:
        seen.append([command.split()[0] for command in fake.commands])

    await channel.send(outgoing(), noted)
    assert seen == [["EHLO", "AUTH"]]


async def test_withdrawn_is_let_through_and_nothing_is_sent(fake: FakeMail, channel: EmailChannel) -> None:
    async def withdrawn() -> None:
        raise Withdrawn

    with pytest.raises(Withdrawn):
        await channel.send(outgoing(), withdrawn)
    assert not any(command.startswith(("MAIL", "DATA")) for command in fake.commands)
    assert fake.commands[-1] == "QUIT"


async def test_a_repeat_has_the_same_id_and_the_same_bytes(fake: FakeMail, channel: EmailChannel) -> None:
    first = await channel.send(outgoing(), go)
    await asyncio.sleep(1.1)  # the date of the second attempt would be another
    assert await channel.send(outgoing(attempt=2), go) == first
    assert fake.accepted[0] == fake.accepted[1]


async def test_lines_that_begin_with_a_dot_arrive(fake: FakeMail, channel: EmailChannel) -> None:
    await channel.send(outgoing(text=".\n..\n.x\n", thread={}), go)
    assert fake.texts() == [".\n..\n.x\n"]


@pytest.mark.parametrize("address", ["", "keine", "a@b\r\nDATA", "a b@c"])
async def test_what_is_no_address_is_refused_without_a_connection(
    fake: FakeMail, channel: EmailChannel, address: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing(address), go)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.PERMANENT, Reason.INVALID_ADDRESS)
    assert fake.commands == []


async def test_an_address_beyond_ascii_needs_a_relay_that_knows_it(fake: FakeMail, channel: EmailChannel) -> None:
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing("jürgen@example.org"), go)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.PERMANENT, Reason.INVALID_ADDRESS)


async def test_no_starttls_no_password(fake: FakeMail) -> None:
    relay = Relay(Server(host=HOST, port=fake.smtp_port, tls=Tls.STARTTLS, user="u", password="p"), "nrw.example")
    with pytest.raises(DeliveryError) as caught:
        await relay.check()
    assert caught.value.outcome is Outcome.TEMPORARY
    assert not any(command.startswith("AUTH") for command in fake.commands)


async def test_files_come_from_the_core(fake: FakeMail, channel: EmailChannel) -> None:
    async def content(file: File) -> AsyncIterator[bytes]:
        yield file.ref.encode()
        yield b"!"

    file = File(name="a.txt", media_type="text/plain", size=3, ref="inhalt")
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing(files=(file,)), go)
    assert caught.value.outcome is Outcome.PERMANENT
    channel.files = content
    await channel.send(outgoing(files=(file,)), go)
    assert b"aW5oYWx0IQ==" in fake.accepted[0][2]


async def test_files_over_the_limit_are_refused(fake: FakeMail, channel: EmailChannel) -> None:
    file = File(name="a.bin", media_type="application/x", size=10_000_001, ref="r")
    with pytest.raises(DeliveryError) as caught:
        await channel.send(outgoing(files=(file,)), go)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.PERMANENT, Reason.TOO_LARGE)


async def test_check_tells_both_servers_apart(fake: FakeMail, channel: EmailChannel) -> None:
    assert (await channel.check()).ok
    await fake.say(Says.BAD_CREDENTIALS)
    assert (await channel.check()).problem == "SMTP: temporary: account (login 535)"
    fake.password = "anders"
    assert (await channel.check()).problem.startswith("IMAP: login refused; SMTP:")
    (nowhere,) = accounts(fake.settings() | {"email_imap_port": "1", "email_smtp_port": "1"})
    health = await EmailChannel(nowhere).check()
    assert not health.ok and "IMAP: ConnectionRefusedError" in health.problem


async def test_find_cannot_tell(channel: EmailChannel) -> None:
    assert await channel.find(outgoing()) is None
