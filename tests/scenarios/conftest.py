"""The world outside: one real mail server and one real Bot API server for all stories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import structlog

from tests.channels.email.peers import MailServer, mail_server
from tests.channels.telegram.peers import TelegramServer, telegram_server

_boxes = count(1)


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> Iterator[None]:
    """As the command line writes it; by itself structlog draws every variable of a traceback, which takes seconds."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def box(mail: MailServer) -> str:
    """A mailbox that no other story uses."""
    return f"hilfe{next(_boxes)}@nrw.example"


@pytest.fixture(scope="session")
def telegram_peer() -> Iterator[TelegramServer]:
    with telegram_server() as server:
        yield server


@pytest.fixture
def telegram(telegram_peer: TelegramServer) -> TelegramServer:
    telegram_peer.reset()
    return telegram_peer
