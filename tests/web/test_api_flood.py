"""Very many requests at once: each gets a clear answer, and what was accepted is there."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Mount

from helpdesk import accounts
from helpdesk.house import House
from helpdesk.models import Ticket
from helpdesk.web import api
from helpdesk.web.api import layer

CLEAR = {201, 429, 503}


@pytest.fixture
def headers(house: House) -> dict[str, str]:
    bearer = house.database.work(lambda session: accounts.add_token(session, "flood", "reporter"))
    return {"authorization": f"Bearer {bearer}"}


def flood(house: House, headers: dict[str, str], count: int, keys: int | None = None) -> list[httpx.Response]:
    """`count` requests in the same moment, `keys` of them different."""
    application = Starlette(routes=[Mount("/api", routes=api.routes())])
    application.state.house = house

    async def one(client: httpx.AsyncClient, n: int) -> httpx.Response:
        which = n % (keys or count)
        body = {"text": f"Meldung {which}", "contact": {"email": f"p{which % 7}@example.org"}}
        named = {**headers, "idempotency-key": f"key-{which}"}
        return await client.post("/api/v1/tickets", json=body, headers=named)

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=120) as client:
            return await asyncio.gather(*(one(client, n) for n in range(count)))

    return asyncio.run(all_of_them())


def stored(house: House) -> set[str]:
    return house.database.work(lambda session: set(session.scalars(select(Ticket.number))))


def assert_clear(answers: list[httpx.Response]) -> Counter[int]:
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= CLEAR, statuses
    for answer in answers:
        if answer.status_code != 201:
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["detail"]
    return statuses


def accepted(answers: list[httpx.Response]) -> list[str]:
    return [answer.json()["number"] for answer in answers if answer.status_code == 201]


@pytest.mark.parametrize("options", [{"api_per_minute": 120}])
def test_a_flood_is_answered_to_the_last_request(house: House, headers: dict[str, str]) -> None:
    answers = flood(house, headers, 400)
    statuses = assert_clear(answers)
    numbers = accepted(answers)
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == stored(house)
    assert statuses[201] >= 120  # the burst, and what trickled in after it
    assert statuses[429] >= 100


def test_a_full_house_says_so_at_once(house: House, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "MOST_AT_ONCE", 20)
    answers = flood(house, headers, 100)
    statuses = assert_clear(answers)
    assert statuses[503] >= 50
    assert set(accepted(answers)) == stored(house)
    assert len(accepted(answers)) >= 20


def test_repeats_in_the_same_moment_are_one_ticket(house: House, headers: dict[str, str]) -> None:
    answers = flood(house, headers, 60, keys=6)
    assert assert_clear(answers) == {201: 60}
    assert len(set(accepted(answers))) == 6
    assert set(accepted(answers)) == stored(house)
