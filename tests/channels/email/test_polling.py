"""A mail leaves INBOX only when it is kept elsewhere; one bad mail, or a lost connection, stops nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from channels.email import EmailChannel, inbound
from channels.email.imap import LoginRefused, MailboxError
from channels.email.reading import Unreadable
from channels.email.sandbox import Sandbox
from channels.email.settings import accounts
from helpdesk.channel import DeliveryError, InboundMessage, NotNow, Outcome, Receipt
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.email.fake_mail import FakeMail
from tests.channels.email.mails import RULES, mail, payload, raw


class PickyDesk(FakeDesk):
    """Fails at the messages with one text, as a bug in the core would."""

    async def take_in(self, message: InboundMessage) -> Receipt:
        if "Gift" in message.text:
            raise ZeroDivisionError
        return await super().take_in(message)


def waiting(fake: FakeMail) -> int:
    return len(fake.in_folder("INBOX"))


async def test_a_mail_is_taken_in_and_put_away(fake: FakeMail, channel: EmailChannel, desk: FakeDesk) -> None:
    fake.put(mail("Eins"))
    fake.put(mail("Zwei", message_id="<2@example.org>"))
    await channel.poll(desk)
    assert [message.text for message in desk.messages] == ["Eins", "Zwei"]
    assert (waiting(fake), len(fake.in_folder("Processed"))) == (0, 2)


async def test_a_mail_that_comes_during_the_pass_is_taken_in_by_it(fake: FakeMail, channel: EmailChannel) -> None:
    class Busy(FakeDesk):
        async def take_in(self, message: InboundMessage) -> Receipt:
            if len(self.messages) < 3:
                fake.put(mail(f"{len(self.messages)}", message_id=f"<m{len(self.messages)}@example.org>"))
            return await super().take_in(message)

    desk = Busy()
    fake.put(mail("Anfang"))
    await channel.poll(desk)
    assert [message.text for message in desk.messages] == ["Anfang", "0", "1", "2"]
    assert waiting(fake) == 0


async def test_a_pass_ends_even_when_mail_never_does(
    fake: FakeMail, channel: EmailChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "MAX_MAILS", 5)

    class Endless(FakeDesk):
        async def take_in(self, message: InboundMessage) -> Receipt:
            fake.put(mail(message_id=f"<n{len(self.messages)}@example.org>"))
            return await super().take_in(message)

    fake.put(mail("Anfang"))
    desk = Endless()
    await channel.poll(desk)
    assert len(desk.messages) == 5


async def test_what_is_no_mail_is_parked_and_put_away(fake: FakeMail, channel: EmailChannel, desk: FakeDesk) -> None:
    fake.put(b"Unsinn")
    fake.put(mail("Danach"))
    await channel.poll(desk)
    assert [(original.body, why) for original, why in desk.parked] == [(b"Unsinn", "no header fields")]
    assert fake.in_folder("Failed") == [b"Unsinn"]
    assert [message.text for message in desk.messages] == ["Danach"]


async def test_a_mail_stays_while_the_database_is_away(fake: FakeMail, channel: EmailChannel, desk: FakeDesk) -> None:
    for number in range(4):
        fake.put(mail(f"{number}", message_id=f"<{number}@example.org>"))
    desk.trouble = OSError("database away")
    for _ in range(5):
        with pytest.raises(OSError, match="database away"):
            await channel.poll(desk)
    assert waiting(fake) == 4
    assert fake.in_folder("Failed") == []
    desk.trouble = None
    await channel.poll(desk)
    assert [message.text for message in desk.messages] == ["0", "1", "2", "3"]
    assert waiting(fake) == 0


async def test_a_mail_at_which_only_the_desk_fails_is_parked_in_the_end(fake: FakeMail, channel: EmailChannel) -> None:
    desk = PickyDesk()
    fake.put(mail("Gift"))
    fake.put(mail("gut", message_id="<2@example.org>"))
    await channel.poll(desk)
    assert [message.text for message in desk.messages] == ["gut"]
    assert (waiting(fake), desk.parked) == (1, [])
    for _ in range(inbound.PATIENCE - 1):
        await channel.poll(desk)
    assert waiting(fake) == 0
    assert [why for _, why in desk.parked] == ["desk: ZeroDivisionError"]
    assert fake.in_folder("Failed") == [mail("Gift")]


class ComesAndGoes(FakeDesk):
    """Whatever is taken in finds the database away, whatever is parked finds it back."""

    away = True

    async def take_in(self, message: InboundMessage) -> Receipt:
        if self.away:
            raise NotNow
        return await super().take_in(message)


async def test_a_database_that_comes_and_goes_is_no_fault_of_a_mail(fake: FakeMail, channel: EmailChannel) -> None:
    desk = ComesAndGoes()
    fake.put(mail("gut"))
    for _ in range(2 * inbound.PATIENCE):
        with contextlib.suppress(NotNow):
            await channel.poll(desk)
    assert (waiting(fake), desk.parked) == (1, [])
    desk.away = False
    await channel.poll(desk)
    assert [message.text for message in desk.messages] == ["gut"]


async def test_a_mail_that_cannot_be_put_away_is_not_fetched_again(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk
) -> None:
    fake.put(mail())
    fake.at = {"MOVE": b"NO Platte voll"}
    with pytest.raises(MailboxError):
        await channel.poll(desk)
    fake.at = {}
    fake.commands.clear()
    await channel.poll(desk)
    assert waiting(fake) == 0
    assert not any("FETCH" in command for command in fake.commands)
    assert len(desk.messages) == 1


async def test_after_a_crash_before_the_move_it_is_the_same_message(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings())
    fake.put(mail())
    fake.at = {"MOVE": b""}  # hangs up
    with pytest.raises(MailboxError, match="connection lost"):
        await EmailChannel(account, idle_seconds=0).poll(desk)
    fake.at = {}
    await EmailChannel(account, idle_seconds=0).poll(desk)
    assert (len(desk.messages), waiting(fake)) == (1, 0)


async def test_a_server_without_move_gets_copy_and_delete(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk
) -> None:
    fake.capabilities = "IMAP4rev1 IDLE UIDPLUS"
    fake.put(mail())
    await channel.poll(desk)
    assert (waiting(fake), fake.in_folder("Processed")) == (0, [mail()])


async def test_a_server_that_allows_folders_below_inbox_only(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk
) -> None:
    fake.allowed_prefix = "INBOX."
    fake.put(mail())
    await channel.poll(desk)
    assert fake.in_folder("INBOX.Processed") == [mail()]


async def test_a_mail_over_the_limit_is_taken_in_by_its_beginning(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "MAX_MAIL", 1_000)
    fake.put(mail("Anfang " + "x" * 5_000))
    await channel.poll(desk)
    (message,) = desk.messages
    assert message.text.startswith("Anfang") and "nur ihr Anfang" in message.text
    assert len(message.raw.body) == 1_000


async def test_new_mail_wakes_the_pass(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings())
    fake.idle_says = (b"* OK Still here", b"* 1 EXISTS")
    polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=20).poll(desk))
    await asyncio.sleep(0.1)
    fake.put(mail("Neu"))
    await asyncio.wait_for(polling, 10)
    assert [message.text for message in desk.messages] == ["Neu"]


async def test_a_server_that_says_bye_ends_the_wait(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings())
    fake.idle_says = (b"* BYE Wartung",)
    started = time.monotonic()
    with pytest.raises(MailboxError, match="good-bye"):
        await EmailChannel(account, idle_seconds=20).poll(desk)
    assert time.monotonic() - started < 5


async def test_without_idle_it_looks_again(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings())
    fake.capabilities = "IMAP4rev1 MOVE"
    polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=0.5).poll(desk))
    await asyncio.sleep(0.2)
    fake.put(mail("Neu"))
    await asyncio.wait_for(polling, 10)
    assert [message.text for message in desk.messages] == ["Neu"]


@pytest.mark.parametrize("at", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "NOOP"])
async def test_a_connection_that_breaks_ends_the_pass_and_loses_nothing(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk, at: str
) -> None:
    fake.put(mail())
    fake.at = {at: b""}
    with pytest.raises(MailboxError):
        await asyncio.wait_for(channel.poll(desk), 25)
    fake.at = {}
    await channel.poll(desk)
    assert len(desk.messages) == 1


async def test_a_wrong_password_is_named(fake: FakeMail, channel: EmailChannel, desk: FakeDesk) -> None:
    fake.password = "anders"
    with pytest.raises(LoginRefused):
        await channel.poll(desk)


async def test_without_starttls_the_password_is_not_said(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings() | {"email_imap_tls": "starttls"})
    with pytest.raises(MailboxError, match="STARTTLS"):
        await EmailChannel(account, idle_seconds=0).poll(desk)
    assert not any(command.startswith("LOGIN") for command in fake.commands)


async def test_a_file_comes_from_memory_and_later_from_the_mailbox(
    fake: FakeMail, channel: EmailChannel, desk: FakeDesk
) -> None:
    fake.put(payload("alternative_with_attachments"))
    await channel.poll(desk)
    pdf = desk.messages[0].files[1]
    content = b"".join([chunk async for chunk in channel.fetch(pdf)])
    assert (len(content), content[:8]) == (pdf.size, b"%PDF-1.4")
    (account,) = accounts(fake.settings())
    assert b"".join([chunk async for chunk in EmailChannel(account).fetch(pdf)]) == content
    fake.folders["Processed"].clear()
    with pytest.raises(DeliveryError) as caught:
        _ = [chunk async for chunk in EmailChannel(account).fetch(pdf)]
    assert caught.value.outcome is Outcome.PERMANENT
    fake.password = "anders"
    with pytest.raises(DeliveryError) as caught:
        _ = [chunk async for chunk in EmailChannel(account).fetch(pdf)]
    assert caught.value.outcome is Outcome.TEMPORARY


async def test_reading_in_its_own_process_gives_the_same() -> None:
    original = raw(payload("alternative_with_attachments"))
    async with Sandbox(RULES) as sandbox:
        found = await sandbox.read(original)
        with pytest.raises(Unreadable, match="no header fields"):
            await sandbox.read(raw(b""))
        assert await sandbox.read(original) == found
    assert found[0].raw == original
    assert replace(found[0], raw=original).files[1].name == "Straßen und Plätze.pdf"  # type: ignore[union-attr]


async def test_reading_that_takes_too_long_is_ended_and_the_next_mail_is_read() -> None:
    async with Sandbox(RULES, seconds=0.001) as sandbox:
        with pytest.raises(Unreadable, match="took more than"):
            await sandbox.read(raw(mail()))
        sandbox._seconds = 20
        (found,) = await sandbox.read(raw(mail("Danach")))
    assert isinstance(found, InboundMessage) and found.text == "Danach"


async def test_a_reader_that_dies_takes_only_its_mail_with_it() -> None:
    async with Sandbox(RULES) as sandbox:
        await sandbox.read(raw(mail()))
        assert sandbox._process is not None
        sandbox._process.kill()
        with pytest.raises(Unreadable, match="died"):
            await sandbox.read(raw(mail()))
        assert await sandbox.read(raw(mail("Danach")))


async def test_a_pass_cancelled_while_reading_leaves_no_process(fake: FakeMail, desk: FakeDesk) -> None:
    (account,) = accounts(fake.settings())
    for moment in (0.02, 0.1, 0.3):
        fake.put(mail("x" * 2_000_000))
        polling = asyncio.ensure_future(EmailChannel(account, idle_seconds=5).poll(desk))
        await asyncio.sleep(moment)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
    for _ in range(100):
        if not children():
            break
        await asyncio.sleep(0.05)
    assert children() == []


def children() -> list[str]:
    """Readers that this process has started and that still run."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    found = [number for task in tasks.iterdir() for number in (task / "children").read_text().split()]
    lines = [Path(f"/proc/{number}/cmdline").read_bytes() for number in found if Path(f"/proc/{number}").exists()]
    return [line.decode() for line in lines if b"channels.email.reader" in line]
