"""A mailbox at a scripted server, and at a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from channels.email import EmailChannel
from channels.email.settings import accounts
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.email.fake_mail import USER, FakeMail, fake_mail
from tests.channels.email.peers import MailServer, mail_server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(USER)


@pytest.fixture
async def fake() -> AsyncIterator[FakeMail]:
    async with fake_mail() as fake:
        yield fake


@pytest.fixture
def channel(fake: FakeMail) -> EmailChannel:
    (account,) = accounts(fake.settings())
    return EmailChannel(account, idle_seconds=0, accept_seconds=0.5)


@pytest.fixture(scope="session")
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server
