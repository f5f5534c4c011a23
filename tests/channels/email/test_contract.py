"""The e-mail channel keeps the contract."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256

import pytest

from channels.email import EmailChannel
from channels.email.settings import accounts
from channels.email.threading import Marks
from helpdesk.channel import (
    Address,
    Channel,
    DeliveryReport,
    File,
    InboundMessage,
    Kind,
    Raw,
    Reason,
    State,
)
from helpdesk.testing.channel_contract import ChannelContract, Original, Part
from helpdesk.testing.fake_desk import FakeDesk
from helpdesk.testing.wire import Reply
from tests.channels.email.fake_mail import PASSWORD, SECRET, SMTP_PASSWORD, USER, FakeMail, fake_mail
from tests.channels.email.mails import AT, KEY, mail, payload, raw
from tests.channels.email.test_hostile import HOSTILE

MARKS = Marks(address=USER, secret=SECRET.encode())
numbers = itertools.count(1)


class TestEmailContract(ChannelContract):
    channel_class = EmailChannel
    needs = ("email_address", "email_imap_host", "email_imap_password", "email_smtp_host", "email_secret")
    secrets = (PASSWORD, SMTP_PASSWORD, SECRET)
    lacks = {
        Part.WEBHOOK: "mail is fetched",
        Part.FILE_HOST: "files come with the mail",
        Part.LIMIT: "a mail may be long",
        Part.BLOCKED: "a mail server refuses, it never says that the person does",
        Part.NOTICE: "the receipt is a mail of the core's own",
    }

    @pytest.fixture
    async def provider(self) -> AsyncIterator[FakeMail]:
        async with fake_mail() as fake:
            yield fake

    @pytest.fixture
    def channel(self, provider: FakeMail) -> EmailChannel:
        (account,) = accounts(self.settings(provider))
        return EmailChannel(account, idle_seconds=0.1, accept_seconds=0.5)

    def settings(self, provider: FakeMail) -> dict[str, str]:
        return provider.settings()

    def originals(self) -> Sequence[Original]:
        everyday, away, bounce = raw(payload("plain")), raw(payload("out_of_office")), raw(_bounce())
        us = Address(kind="email", value=USER)
        return [
            Original(
                name="everyday",
                raw=everyday,
                gives=(
                    InboundMessage(
                        external_id="<abc.1@example.org>#87a384273664d11d81f5c405477891bf",
                        kind=Kind.MESSAGE,
                        sender=Address(kind="email", value="Aenne.Mueller@example.org", name="Änne Müller"),
                        recipient=us,
                        text="Guten Tag,\n\ndas Formular lädt nicht: „Fehler 500“ – seit 3 €.\n\n"
                        "Mit freundlichen Grüßen\nÄnne Müller",
                        raw=everyday,
                        subject="Störung beim Wohngeld-Antrag 😊",
                        provider_time=AT,
                        hints=("message-id:<vorher@example.org>", "message-id:<ganz-frueh@example.org>"),
                    ),
                ),
            ),
            Original(
                name="out of office",
                raw=away,
                gives=(
                    InboundMessage(
                        external_id="<ooo@example.org>#5267936d99a2788c6293ad146fc5fe99",
                        kind=Kind.AUTOREPLY,
                        sender=Address(kind="email", value="b@example.org"),
                        recipient=us,
                        text="Bin im Urlaub.",
                        raw=away,
                        subject="Automatische Antwort: Ihr Anliegen",
                        hints=("message-id:<x@nrw.example>",),
                        automatic=True,
                    ),
                ),
            ),
            Original(
                name="bounce",
                raw=bounce,
                gives=(
                    DeliveryReport(
                        report_id="<20261121.B1@mx.example.net>#9811b4501fbbb1126470744d2c8b7300",
                        provider_id=MARKS.message_id(KEY),
                        key=KEY,
                        state=State.FAILED,
                        reason=Reason.QUOTA,
                        raw=bounce,
                    ),
                ),
            ),
        ]

    def junk(self) -> list[Raw]:
        return [raw(body) for body in (b"\r\n", b"Hallo\r\n", b"\xff\xfe\x00\x01", b"Subject: niemand\r\n\r\nx")]

    def hostile(self) -> dict[str, Raw]:
        """The ones that hurt other readers most; all of them are in test_hostile."""
        names = ("20,000 blank lines", "20,000 parameters", "3,000 nested comments", "nested containers", "html nested")
        return {name: raw(HOSTILE[name]()) for name in (*names, "short lines", "990 files", "binary")}

    def saying(self, text: str) -> Raw:
        return raw(mail(text, message_id=f"<{next(numbers)}@example.org>", content_type="text/plain; charset=utf-8"))

    def automatic(self) -> Raw:
        return raw(payload("out_of_office"))

    async def hand_over(self, channel: Channel, desk: FakeDesk, provider: FakeMail, raw: Raw) -> Reply | None:  # type: ignore[override]
        provider.put(raw.body)
        await asyncio.wait_for(channel.poll(desk), self.poll_limit)
        return None

    def address(self) -> Address:
        return Address(kind="email", value="aenne.geheim@example.org")

    def large_file(self, provider: FakeMail) -> File:  # type: ignore[override]
        body = mail("x" * 10_100_000, content_type="application/zip; name=gross.zip", message_id="<gross@example.org>")
        provider.put(body, "Processed")
        digest = sha256(body).hexdigest()
        return File(
            name="gross.zip", media_type="application/zip", size=10, ref=f"sha256:{digest}/1?<gross@example.org>"
        )


def _bounce() -> bytes:
    return payload("bounce_postfix").replace(b"@@MESSAGE-ID@@", MARKS.message_id(KEY).encode())
