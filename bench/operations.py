"""What is measured, each as the request that does it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from bench import words
from bench.client import Ask
from bench.stage import ECHO_SECRET, Stage

JSON = {"Content-Type": "application/json"}
#: as a browser asks; so the packing of pages is in the figure
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    name: str
    make: Callable[[int], Ask]  #: the request with this number
    expect: int = 200


#: the floor, served by `bench.bare`
BARE = (
    Operation(name="bare: constant JSON", make=lambda number: Ask(path="/constant")),
    Operation(
        name="bare: three INSERTs",
        make=lambda number: Ask(method="POST", path="/three", headers=JSON, body=_said(number)),
        expect=201,
    ),
)


def _said(number: int) -> bytes:
    return json.dumps({"subject": words.subject(number), "text": words.message(number)}).encode()


def operations(stage: Stage, seed: int = 1) -> tuple[Operation, ...]:
    """On the tickets that are there now; each reply goes to another ticket. `seed` keeps keys of repeated runs apart."""
    numbers = live_numbers(stage, seed)

    def ticket(number: int) -> str:
        return numbers[number % len(numbers)]

    def bearer(number: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {stage.tokens[number % len(stage.tokens)]}"}

    def posted(number: int, path: str, said: object, **more: str) -> Ask:
        body = json.dumps(said, ensure_ascii=False).encode()
        return Ask(method="POST", path=path, headers={**bearer(number), **JSON, **more}, body=body)

    def create(number: int) -> Ask:
        return posted(number, "/api/v1/tickets", _ticket(number, seed), **{"Idempotency-Key": f'"{seed}-{number}"'})

    def by_channel(number: int) -> Ask:
        said = {
            "id": f"{seed}-{number}", "from": f"chat-{seed}-{number}", "name": f"Person {number}",
            "text": words.message(number), "language": "de",
        }  # fmt: skip
        headers = {**JSON, "X-Echo-Secret": ECHO_SECRET}
        return Ask(method="POST", path="/channels/echo/message", headers=headers, body=json.dumps(said).encode())

    def page(path: str, **more: str) -> Ask:
        return Ask(path=path, headers={**BROWSER, "Cookie": f"anlaufstelle={stage.cookie}", **more})

    def opened(number: int) -> Ask:
        """As a click on the list does it: only the ticket is swapped in."""
        return page(f"/console/tickets/{ticket(number)}", **{"HX-Request": "true", "HX-Request-Type": "partial"})

    return (
        Operation(name="intake: API", make=create, expect=201),
        Operation(name="intake: channel", make=by_channel),
        Operation(name="queue: API", make=lambda n: Ask(path="/api/v1/tickets?limit=50", headers=bearer(n))),
        Operation(name="queue: HTML", make=lambda n: page("/console")),
        Operation(name="ticket: API", make=lambda n: Ask(path=f"/api/v1/tickets/{ticket(n)}", headers=bearer(n))),
        Operation(name="ticket: HTML, whole", make=lambda n: page(f"/console/tickets/{ticket(n)}")),
        Operation(name="ticket: HTML, clicked", make=opened),
        Operation(
            name="reply: API",
            make=lambda n: posted(n, f"/api/v1/tickets/{ticket(n)}/messages", {"text": words.ANSWER}),
            expect=201,
        ),
        Operation(name="search: API", make=lambda n: Ask(path=_search(n), headers=bearer(n))),
    )


def _ticket(number: int, seed: int) -> dict[str, object]:
    portal, component, category, impact, urgency = words.ABOUT[number % len(words.ABOUT)]
    said = {
        "subject": words.subject(number), "text": words.message(number), "portal": portal, "component": component,
        "category": category, "impact": impact, "urgency": urgency, "language": "de", "external_id": f"x-{seed}-{number}",
        "contact": {"name": f"Person {number}", "email": f"writer-{seed}-{number}@example.org"},
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _search(number: int) -> str:
    asked = words.SEARCHES[number % len(words.SEARCHES)]
    return "/api/v1/search?q=" + "".join(f"%{byte:02X}" for byte in asked.encode())


def live_numbers(stage: Stage, seed: int, most: int = 5_000) -> Sequence[str]:
    """Open tickets, in an order that the seed decides."""
    wanted = text(
        "SELECT number FROM ticket WHERE status IN ('new', 'open') AND kind = 'question' ORDER BY id LIMIT 50000"
    )
    with stage.house.database.transaction() as session:
        found = list(session.execute(wanted).scalars())
    random.Random(seed).shuffle(found)
    return found[:most]
