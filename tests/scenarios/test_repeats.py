"""The same thing again, and several things at once: one ticket, one receipt, one person."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text
from starlette.testclient import TestClient

from helpdesk.channel import Address, InboundMessage, Kind, Raw, Receipt
from helpdesk.desk import ChannelDesk
from tests.conftest import ECHO_SECRET
from tests.desk import Desk, Story
from tests.scenarios.stage import instant, numbers


def says(client: TestClient, key: str, sender: str = "yilmaz", words: str = "Hallo?") -> dict[str, object]:
    body = json.dumps({"id": key, "from": sender, "text": words, "hints": [f"echo:{sender}"]})
    answer = client.post("/channels/echo/message", content=body, headers={"X-Echo-Secret": ECHO_SECRET})
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_webhook_five_times(desk: Desk, client: TestClient) -> None:
    first, *others = [says(client, "update-7") for _ in range(5)]
    assert first["repeated"] is False
    assert others == [first | {"repeated": True}] * 4
    assert len(numbers(desk)) == 1
    assert Story(desk=desk, number=str(first["number"])).messages() == ["Hallo?"]


def test_a_webhook_five_times_at_the_same_moment(desk: Desk, client: TestClient) -> None:
    start = threading.Barrier(5)

    def at_once(_: int) -> dict[str, object]:
        start.wait()
        return says(client, "update-7")

    with ThreadPoolExecutor(5) as people:
        answers = list(people.map(at_once, range(5)))
    assert sorted(bool(answer.pop("repeated")) for answer in answers) == [False, True, True, True, True]
    assert all(answer == answers[0] for answer in answers)
    assert numbers(desk) == [answers[0]["number"]]
    desk.passes()
    receipts = "SELECT count(*) FROM delivery WHERE purpose = 'receipt'"
    assert desk.do(lambda s: s.execute(text(receipts)).scalar_one()) == 1


def message(key: str, words: str) -> InboundMessage:
    return InboundMessage(
        external_id=key,
        kind=Kind.MESSAGE,
        sender=Address(kind="echo", value="yilmaz", name="Yilmaz"),
        recipient=Address(kind="echo", value="us"),
        text=words,
        raw=Raw(body=words.encode(), headers={}, received_at=instant("2026-11-21 18:10")),
        hints=("echo:yilmaz",),
    )


def take_in_at_once(desk: Desk, messages: list[InboundMessage]) -> list[Receipt]:
    door = ChannelDesk(desk.house, desk.house.channels["echo"])

    async def all_of_them() -> list[Receipt]:
        return list(await asyncio.gather(*(door.take_in(each) for each in messages)))

    return asyncio.run(all_of_them())


def test_five_sentences_of_a_stranger_at_once_are_one_ticket(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    receipts = take_in_at_once(desk, [message(f"update-{number}", f"Satz {number}") for number in range(5)])
    assert len({receipt.number for receipt in receipts}) == 1
    assert sorted(Story(desk=desk, number=receipts[0].number).messages()) == [f"Satz {number}" for number in range(5)]
    assert desk.do(lambda s: s.execute(text("SELECT count(*) FROM contact")).scalar_one()) == 1


def test_five_sentences_of_somebody_known_at_once_are_one_ticket(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    (old,) = take_in_at_once(desk, [message("before", "Früher")])
    closed = "UPDATE ticket SET status = 'closed', closed_at = helpdesk_now() - interval '30 days'"
    desk.do(lambda s: s.execute(text(closed)))
    receipts = take_in_at_once(desk, [message(f"update-{number}", f"Satz {number}") for number in range(5)])
    assert len({receipt.number for receipt in receipts}) == 1
    assert receipts[0].number != old.number
