"""What only the echo channel does: the receipt as an answer, the outbox, the script."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from channels.echo import EchoChannel
from helpdesk.channel import Address, DeliveryError, OutboundMessage, Outcome, Reason
from helpdesk.testing.fake_desk import FakeDesk
from helpdesk.testing.wire import Request, call

HEADERS = {"X-Echo-Secret": "geheim"}
BODY = json.dumps({"id": "1", "from": "yilmaz", "text": "Hallo"}).encode()
KEY = UUID(int=7)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def echo() -> EchoChannel:
    return EchoChannel("geheim")


def reply(text: str = "Guten Tag") -> OutboundMessage:
    return OutboundMessage(
        key=KEY,
        attempt=1,
        to=Address(kind="echo", value="yilmaz"),
        text=text,
        language="de",
        subject="Ihr Anliegen",
        thread={"number": "T-2026-000001"},
    )


async def go() -> None:
    return None


async def test_the_receipt_is_the_answer(echo: EchoChannel) -> None:
    desk = FakeDesk()
    desk.notice = "Nur zum Ausprobieren."
    answers = [await call(echo, desk, Request(path="/message", headers=HEADERS, body=BODY)) for _ in range(2)]
    first, again = (json.loads(answer.body) for answer in answers)
    assert first == {
        "number": "T-2026-000001",
        "answer_by": None,
        "repeated": False,
        "notice": "Nur zum Ausprobieren.",
    }
    assert again == {**first, "repeated": True}


async def test_a_body_over_the_cap_is_refused_before_it_is_read(echo: EchoChannel) -> None:
    desk = FakeDesk()
    answer = await call(echo, desk, Request(path="/message", headers=HEADERS, body=b" " * (1024 * 1024 + 1)))
    assert (answer.status, desk.calls) == (413, 0)


async def test_the_outbox_shows_what_was_sent(echo: EchoChannel) -> None:
    await echo.send(reply(), go)
    answer = await call(echo, FakeDesk(), Request(path="/outbox", method="GET", headers=HEADERS))
    assert json.loads(answer.body) == {
        "messages": [
            {
                "key": str(KEY),
                "attempt": 1,
                "to": "yilmaz",
                "subject": "Ihr Anliegen",
                "text": "Guten Tag",
                "language": "de",
                "thread": {"number": "T-2026-000001"},
                "automatic": False,
            }
        ]
    }


async def test_the_outbox_is_closed_to_strangers(echo: EchoChannel) -> None:
    await echo.send(reply(), go)
    answer = await call(echo, FakeDesk(), Request(path="/outbox", method="GET"))
    assert answer.status == 403
    assert b"Guten Tag" not in answer.body


async def test_a_sent_message_is_found_again_and_an_unsent_one_is_not(echo: EchoChannel) -> None:
    assert await echo.find(reply()) is None
    sent = await echo.send(reply(), go)
    assert await echo.find(reply()) == sent


async def test_the_script_is_played_in_order_and_then_all_is_well(echo: EchoChannel) -> None:
    echo.script(DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN), timedelta(0), RuntimeError("seltsam"))
    with pytest.raises(DeliveryError):
        await echo.send(reply("eins"), go)
    await echo.send(reply("zwei"), go)
    with pytest.raises(RuntimeError):
        await echo.send(reply("drei"), go)
    await echo.send(reply("vier"), go)
    assert [message.text for message in echo.outbox] == ["zwei", "vier"]
    assert echo.attempts == 4
