"""Stories of other systems: they report, read, answer, and repeat themselves."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from starlette.testclient import TestClient

from helpdesk import accounts
from helpdesk.db import Database
from helpdesk.house import House
from helpdesk.models import Contact, Delivery, Event, Message, Ticket

HELLO = {
    "text": "Das Formular bricht ab.",
    "portal": "wohngeld",
    "contact": {"email": "y@example.org", "name": "Yilmaz"},
}


@pytest.fixture
def token(database: Database) -> Callable[..., dict[str, str]]:
    """Headers of a fresh token."""

    def make(role: str = "agent", name: str = "", **narrow: str) -> dict[str, str]:
        bearer = database.work(lambda session: accounts.add_token(session, name or f"system-{role}", role, **narrow))
        return {"authorization": f"Bearer {bearer}"}

    return make


@pytest.fixture
def agent(token: Callable[..., dict[str, str]]) -> dict[str, str]:
    return token("agent")


def count(database: Database, what: Any) -> int:
    return database.work(lambda session: session.execute(select(func.count()).select_from(what)).scalar_one())


def portal_of(house: House) -> str:
    return house.database.work(lambda s: s.execute(text("SELECT min(id) FROM portal WHERE NOT retired")).scalar_one())


@pytest.fixture
def hello(house: House) -> dict[str, Any]:
    return {**HELLO, "portal": portal_of(house)}


def opened(client: TestClient, headers: dict[str, str], **values: Any) -> str:
    response = client.post("/api/v1/tickets", json={"text": "Hilfe", **values}, headers=headers)
    assert response.status_code == 201, response.text
    number: str = response.json()["number"]
    return number


def assert_problem(response: Any, status: int, field: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:anlaufstelle:problem:")
    assert problem["title"] and problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]]
    return problem


# opening


def test_a_report_becomes_a_ticket_with_a_promise(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any]
) -> None:
    response = client.post("/api/v1/tickets", json=hello, headers=agent)
    assert response.status_code == 201
    answer = response.json()
    assert answer["number"].startswith("T-")
    assert answer["status"] == "new"
    assert answer["severity"] in {"S1", "S2", "S3", "S4"}
    assert answer["team"]
    assert {clock["kind"] for clock in answer["clocks"]} >= {"first_response", "resolution"}
    assert all(clock["due_at"].endswith("Z") for clock in answer["clocks"])
    assert answer["status_url"].startswith("http://testserver/anliegen/")


def test_a_subject_alone_is_enough(client: TestClient, agent: dict[str, str]) -> None:
    assert client.post("/api/v1/tickets", json={"subject": "Ausfall"}, headers=agent).status_code == 201


@pytest.mark.parametrize("nothing", [{}, {"text": ""}, {"text": " \n", "subject": "\t"}])
def test_words_are_needed(client: TestClient, agent: dict[str, str], nothing: dict[str, str]) -> None:
    assert_problem(client.post("/api/v1/tickets", json=nothing, headers=agent), 422)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("portal", "nirgendwo"),
        ("portal", "\x00"),
        ("component", "nichts"),
        ("category", "nichts"),
        ("municipality", "00000000"),
        ("impact", "gewaltig"),
        ("urgency", "sofort"),
        ("subject", "x" * 301),
        ("subjekt", "Tippfehler"),
        ("text", 7),
    ],
)
def test_what_is_not_known_is_named_by_its_field(
    client: TestClient, agent: dict[str, str], database: Database, field: str, value: Any
) -> None:
    assert_problem(client.post("/api/v1/tickets", json={"text": "Hilfe", field: value}, headers=agent), 422, field)
    assert count(database, Ticket) == 0


@pytest.mark.parametrize(("field", "value"), [("email", "nur-ein-name"), ("phone", "abc")])
def test_an_address_that_cannot_be_one_is_refused(
    client: TestClient, agent: dict[str, str], field: str, value: str
) -> None:
    body = {"text": "Hilfe", "contact": {field: value}}
    assert_problem(client.post("/api/v1/tickets", json=body, headers=agent), 422, f"contact.{field}")


@pytest.mark.parametrize(
    "words",
    [
        "a\x00b",
        "👩🏽‍🦽",
        "\u202eabc\u202c",
        "<script>alert(1)</script>",
        "'; DROP TABLE ticket; --",
        "\ufffe\uffff",
        "\x1b[31m",
    ],
)
def test_a_text_may_hold_anything(client: TestClient, agent: dict[str, str], words: str) -> None:
    number = opened(client, agent, text=words)
    messages = client.get(f"/api/v1/tickets/{number}", headers=agent).json()["messages"]
    assert messages[0]["text"] == words.replace("\x00", "\ufffd")


def test_half_an_emoji_is_kept_as_a_mark(client: TestClient, agent: dict[str, str]) -> None:
    raw = b'{"text": "halb: \\ud83d, ganz: \\ud83d\\ude00"}'
    response = client.post("/api/v1/tickets", content=raw, headers={**agent, "content-type": "application/json"})
    number = response.json()["number"]
    shown = client.get(f"/api/v1/tickets/{number}", headers=agent).json()["messages"][0]["text"]
    assert shown == "halb: ?, ganz: 😀"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b'{"text": "\xe4"}'])
def test_what_is_no_json_is_refused(client: TestClient, agent: dict[str, str], raw: bytes) -> None:
    response = client.post("/api/v1/tickets", content=raw, headers={**agent, "content-type": "application/json"})
    assert_problem(response, 400)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"7"])
def test_json_that_is_no_object_is_refused(client: TestClient, agent: dict[str, str], raw: bytes) -> None:
    response = client.post("/api/v1/tickets", content=raw, headers={**agent, "content-type": "application/json"})
    assert_problem(response, 422)


def test_a_form_is_refused_with_the_type_that_is_wanted(client: TestClient, agent: dict[str, str]) -> None:
    problem = assert_problem(client.post("/api/v1/tickets", data={"text": "Hilfe"}, headers=agent), 415)
    assert "application/json" in problem["detail"]


def test_too_long_a_text_is_refused_not_cut(client: TestClient, agent: dict[str, str], database: Database) -> None:
    assert_problem(client.post("/api/v1/tickets", json={"text": "x" * 20_001}, headers=agent), 413, "text")
    assert count(database, Ticket) == 0
    assert opened(client, agent, text="ü" * 20_000)


def test_a_body_that_never_ends_is_cut_off(client: TestClient, agent: dict[str, str]) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 4096

    response = client.post("/api/v1/tickets", content=endless(), headers={**agent, "content-type": "application/json"})
    assert_problem(response, 413)


# repeats


def test_the_same_key_gets_the_same_ticket(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any], database: Database
) -> None:
    headers = {**agent, "idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first = client.post("/api/v1/tickets", json=hello, headers=headers)
    bare = {**agent, "idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    shuffled = json.dumps(dict(reversed(hello.items())), indent=3)
    second = client.post("/api/v1/tickets", content=shuffled, headers={**bare, "content-type": "application/json"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert count(database, Ticket) == count(database, Message) == count(database, Delivery) == 1


def test_the_same_key_with_another_content_is_refused(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any], database: Database
) -> None:
    headers = {**agent, "idempotency-key": "k1"}
    assert client.post("/api/v1/tickets", json=hello, headers=headers).status_code == 201
    other = client.post("/api/v1/tickets", json={**hello, "text": "Etwas anderes"}, headers=headers)
    assert_problem(other, 422, "Idempotency-Key")
    assert count(database, Ticket) == 1


def test_a_key_whose_ticket_has_been_erased_says_so(
    client: TestClient, agent: dict[str, str], database: Database
) -> None:
    headers = {**agent, "idempotency-key": "k1"}
    opened(client, headers)
    database.work(lambda session: session.execute(text("DELETE FROM ticket")))
    assert_problem(client.post("/api/v1/tickets", json={"text": "Hilfe"}, headers=headers), 409)


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused(client: TestClient, agent: dict[str, str], key: str) -> None:
    headers = {**agent, "idempotency-key": key.encode("latin-1")}
    assert_problem(client.post("/api/v1/tickets", json={"text": "Hilfe"}, headers=headers), 422, "Idempotency-Key")


def test_keys_belong_to_their_token(
    client: TestClient, agent: dict[str, str], token: Callable[..., dict[str, str]], database: Database
) -> None:
    other = token("agent", name="another-system")
    for headers in (agent, other):
        opened(client, {**headers, "idempotency-key": "k1"})
    assert count(database, Ticket) == 2


def test_without_a_key_the_senders_own_number_counts(
    client: TestClient, agent: dict[str, str], database: Database
) -> None:
    first, second = (opened(client, agent, external_id="OTRS-77") for _ in range(2))
    assert first == second
    assert count(database, Ticket) == 1
    assert client.get(f"/api/v1/tickets/{first}", headers=agent).json()["external_id"] == "OTRS-77"


def test_without_either_each_request_is_a_ticket(client: TestClient, agent: dict[str, str], database: Database) -> None:
    assert opened(client, agent) != opened(client, agent)
    assert count(database, Ticket) == 2


# reading


def test_lists_go_on_where_they_stopped(client: TestClient, agent: dict[str, str]) -> None:
    numbers = {opened(client, agent, text=f"Meldung {n}") for n in range(5)}
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/tickets", params=query, headers=agent).json()
        seen += [ticket["number"] for ticket in page["tickets"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(numbers)


@pytest.mark.parametrize("sort", ["due", "created"])
def test_lists_can_be_sorted_and_narrowed(client: TestClient, agent: dict[str, str], house: House, sort: str) -> None:
    portal = portal_of(house)
    wanted, _ = opened(client, agent, portal=portal), opened(client, agent)
    page = client.get("/api/v1/tickets", params={"portal": portal, "sort": sort}, headers=agent).json()
    assert [ticket["number"] for ticket in page["tickets"]] == [wanted]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "viele"),
        ("sort", "alphabet"),
        ("status", "halb"),
        ("statuses", "new"),
        ("cursor", "!!"),
    ],
)
def test_a_list_that_cannot_be_is_refused(client: TestClient, agent: dict[str, str], name: str, value: str) -> None:
    assert_problem(client.get("/api/v1/tickets", params={name: value}, headers=agent), 422, name)


@pytest.mark.parametrize(
    "place",
    ["[null, 1e999]", "[null, 1000000000000000000000]", "[7, 7]", "[]", "[[[[", '["0001-01-01T00:00:00+14:00", 1]'],
)
def test_a_forged_cursor_does_no_harm(client: TestClient, agent: dict[str, str], place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    assert client.get("/api/v1/tickets", params={"cursor": cursor}, headers=agent).status_code in (200, 422)


def test_one_ticket_shows_its_clocks_and_what_was_said(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any]
) -> None:
    number = client.post("/api/v1/tickets", json=hello, headers=agent).json()["number"]
    assert client.post(f"/api/v1/tickets/{number}/messages", json={"text": "Wir prüfen das."}, headers=agent).is_success
    note = {"text": "Kennt das jemand?", "public": False}
    assert client.post(f"/api/v1/tickets/{number}/messages", json=note, headers=agent).status_code == 201
    ticket = client.get(f"/api/v1/tickets/{number}", headers=agent).json()
    assert [(m["author"], m["public"], m["text"]) for m in ticket["messages"]] == [
        ("requester", True, "Das Formular bricht ab."),
        ("agent", True, "Wir prüfen das."),
        ("agent", False, "Kennt das jemand?"),
    ]
    assert {clock["kind"]: clock["state"] for clock in ticket["clocks"]}["first_response"] == "met"
    assert "status_url" not in ticket


@pytest.mark.parametrize("number", ["T-2026-999999", "7", "T-2026-000001%00", "..%2f", "T-٢٠٢٦-000001"])
def test_a_ticket_that_does_not_exist(client: TestClient, agent: dict[str, str], number: str) -> None:
    assert_problem(client.get(f"/api/v1/tickets/{number}", headers=agent), 404)


def test_search_finds_words_and_numbers(client: TestClient, agent: dict[str, str]) -> None:
    number = opened(client, agent, text="Die Anmeldung mit dem Personalausweis scheitert")
    for words in ("Anmeldung", number, "personalausweis scheitert"):
        found = client.get("/api/v1/search", params={"q": words}, headers=agent).json()["tickets"]
        assert [ticket["number"] for ticket in found] == [number]
    assert client.get("/api/v1/search", params={"q": "Hundesteuer"}, headers=agent).json()["tickets"] == []
    assert_problem(client.get("/api/v1/search", headers=agent), 422, "q")
    assert client.get("/api/v1/search", params={"q": "a\x00b & | ! ("}, headers=agent).status_code in (200, 422)


# acting


def handle(house: House) -> str:
    return house.database.work(
        lambda s: s.execute(
            text('SELECT a.handle FROM agent a JOIN "grant" g ON g.agent_id = a.id LIMIT 1')
        ).scalar_one()
    )


def test_an_acknowledgement_names_the_person(
    client: TestClient, agent: dict[str, str], house: House, database: Database
) -> None:
    number, who = opened(client, agent), handle(house)
    first = client.put(f"/api/v1/tickets/{number}/acknowledgement", json={"agent": who}, headers=agent).json()
    assert (first["status"], first["outcome"]) == ("open", "done")
    assert first["acknowledged_by"] == first["assignee"]
    again = client.put(f"/api/v1/tickets/{number}/acknowledgement", json={"agent": who}, headers=agent).json()
    assert again["outcome"] == "already_acknowledged"
    assert again["acknowledged_at"] == first["acknowledged_at"]
    actors = database.work(lambda s: set(s.scalars(select(Event.actor).where(Event.kind == "ticket.acted_for"))))
    assert actors == {"token:system-agent"}
    assert_problem(
        client.put(f"/api/v1/tickets/{number}/acknowledgement", json={"agent": "niemand"}, headers=agent), 422, "agent"
    )


def test_assignment_to_a_person_and_back(client: TestClient, agent: dict[str, str], house: House) -> None:
    address = f"/api/v1/tickets/{opened(client, agent)}/assignment"
    given = client.put(address, json={"agent": handle(house)}, headers=agent).json()
    assert given["assignee"]
    assert client.put(address, json={"agent": handle(house)}, headers=agent).json() == given
    assert client.delete(address, headers=agent).json()["assignee"] is None


def test_solved_and_open_again(client: TestClient, agent: dict[str, str]) -> None:
    address = f"/api/v1/tickets/{opened(client, agent)}/resolution"
    solved = client.put(address, headers=agent).json()
    assert solved["status"] == "resolved" and solved["resolved_at"]
    assert client.put(address, headers=agent).json() == solved
    assert client.delete(address, headers=agent).json()["status"] == "open"
    assert client.delete(address, headers=agent).json()["status"] == "open"


def test_an_empty_message_is_refused(client: TestClient, agent: dict[str, str]) -> None:
    number = opened(client, agent)
    for words in ("", "  \n"):
        response = client.post(f"/api/v1/tickets/{number}/messages", json={"text": words}, headers=agent)
        assert_problem(response, 422, "text")


# who may what


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer falsch", "Bearer \xff"])
def test_without_a_token_nothing(client: TestClient, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    for method, path in (("GET", "/api/v1/tickets"), ("POST", "/api/v1/tickets"), ("GET", "/api/v1/search?q=x")):
        response = client.request(method, path, headers=headers)
        assert_problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_made_anew_ends_the_old_one(client: TestClient, token: Callable[..., dict[str, str]]) -> None:
    old, new = token("agent", name="one"), token("agent", name="one")
    assert_problem(client.get("/api/v1/tickets", headers=old), 401)
    assert client.get("/api/v1/tickets", headers=new).status_code == 200


def test_a_reporter_sees_its_own_portal_only(
    client: TestClient, agent: dict[str, str], token: Callable[..., dict[str, str]], house: House
) -> None:
    portal = portal_of(house)
    reporter = token("reporter", portal=portal)
    theirs, ours = opened(client, agent), opened(client, reporter)
    assert client.post(
        f"/api/v1/tickets/{ours}/messages", json={"text": "intern", "public": False}, headers=agent
    ).is_success
    listed = client.get("/api/v1/tickets", headers=reporter).json()["tickets"]
    assert [(ticket["number"], ticket["portal"]) for ticket in listed] == [(ours, portal)]
    assert_problem(client.get(f"/api/v1/tickets/{theirs}", headers=reporter), 404)
    shown = client.get(f"/api/v1/tickets/{ours}", headers=reporter).json()
    assert [message["public"] for message in shown["messages"]] == [True]
    assert shown["assignee"] is None and shown["route_reason"] is None


def test_a_reporter_reports_for_itself_only(
    client: TestClient, token: Callable[..., dict[str, str]], house: House
) -> None:
    portals = house.database.work(
        lambda s: list(s.execute(text("SELECT id FROM portal ORDER BY id LIMIT 2")).scalars())
    )
    reporter = token("reporter", portal=portals[0])
    body = {"text": "Hilfe", "portal": portals[1]}
    assert_problem(client.post("/api/v1/tickets", json=body, headers=reporter), 403, "portal")


def test_a_municipalitys_token_reports_as_that_municipality(
    client: TestClient, agent: dict[str, str], token: Callable[..., dict[str, str]], house: House
) -> None:
    ags = house.database.work(
        lambda s: s.execute(text("SELECT min(ags) FROM organisation WHERE ags IS NOT NULL")).scalar_one()
    )
    number = opened(client, token("reporter", ags=ags))
    listed = client.get("/api/v1/tickets", params={"view": "municipalities"}, headers=agent).json()["tickets"]
    assert [(ticket["number"], ticket["municipality"]) for ticket in listed] == [(number, ags)]


def test_a_reporter_does_not_act(client: TestClient, token: Callable[..., dict[str, str]], house: House) -> None:
    reporter = token("reporter", portal=portal_of(house))
    number = opened(client, reporter)
    at = f"/api/v1/tickets/{number}"
    assert_problem(client.post(f"{at}/messages", json={"text": "x"}, headers=reporter), 403)
    assert_problem(client.put(f"{at}/assignment", json={"agent": "x"}, headers=reporter), 403)
    assert_problem(client.put(f"{at}/resolution", headers=reporter), 403)


def test_a_reporter_without_a_narrowing_reads_nothing(client: TestClient, token: Callable[..., dict[str, str]]) -> None:
    reporter = token("reporter")
    number = opened(client, reporter)
    assert client.get("/api/v1/tickets", headers=reporter).json()["tickets"] == []
    assert_problem(client.get(f"/api/v1/tickets/{number}", headers=reporter), 404)


# addresses and methods


def test_addresses_that_do_not_exist_are_problems_too(client: TestClient, agent: dict[str, str]) -> None:
    for path in ("/api/", "/api/v1", "/api/v2/tickets", "/api/v1/outages"):
        assert_problem(client.get(path, headers=agent), 404)
    refused = client.patch("/api/v1/tickets", headers=agent)
    assert_problem(refused, 405)
    assert refused.headers["allow"] == "GET, HEAD, POST"


def test_problems_speak_the_readers_language(client: TestClient) -> None:
    german = client.get("/api/v1/tickets").json()["title"]
    english = client.get("/api/v1/tickets", headers={"accept-language": "en"}).json()
    assert german == "Bitte melden Sie sich an."
    assert english["status"] == 401 and english["title"]


# how much


def statements(database: Database, act: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return seen


def many(database: Database, rows: int) -> None:
    """Rows that a statement per row would stumble over: tickets copied from the first one."""
    with database.transaction() as session:
        columns = ", ".join(c.name for c in Ticket.__table__.columns if c.name not in ("id", "number", "token"))
        session.execute(
            text(
                f"INSERT INTO ticket (id, number, token, {columns}) SELECT nextval('ticket_id_seq'),"
                f" 'T-1999-' || lpad(n::text, 6, '0'), 'copy' || n, {columns} FROM ticket, generate_series(1, :rows) n"
                " WHERE ticket.id = (SELECT min(id) FROM ticket)"
            ),
            {"rows": rows},
        )


def test_taking_in_a_ticket_is_ten_statements_at_most(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any], database: Database
) -> None:
    def send(n: int) -> Callable[[], Any]:
        body = {**hello, "contact": {"email": f"person{n}@example.org", "name": "Neu"}}
        return lambda: client.post("/api/v1/tickets", json=body, headers=agent).raise_for_status()

    send(0)()  # the rulebook is read once per process
    few = statements(database, send(1))
    known = statements(database, send(1))
    many(database, 500)
    assert len(few) <= 10, "\n".join(few)
    assert len(known) <= len(few)
    assert len(statements(database, send(2))) == len(few)
    assert count(database, Contact) == 3


def test_a_page_is_six_statements_at_most(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any], database: Database
) -> None:
    client.post("/api/v1/tickets", json=hello, headers=agent).raise_for_status()

    def look() -> Any:
        return client.get("/api/v1/tickets", params={"limit": 100}, headers=agent).raise_for_status()

    few = statements(database, look)
    many(database, 300)
    assert len(look().json()["tickets"]) == 100
    assert len(statements(database, look)) == len(few) <= 6


def test_a_ticket_is_eight_statements_at_most(
    client: TestClient, agent: dict[str, str], hello: dict[str, Any], database: Database
) -> None:
    number = client.post("/api/v1/tickets", json=hello, headers=agent).json()["number"]
    for _ in range(3):
        client.post(f"/api/v1/tickets/{number}/messages", json={"text": "x"}, headers=agent).raise_for_status()
    seen = statements(database, lambda: client.get(f"/api/v1/tickets/{number}", headers=agent).raise_for_status())
    assert len(seen) <= 8


@pytest.mark.parametrize("options", [{"api_per_minute": 3}])
def test_too_many_calls_of_one_token_are_told_when_to_come_back(
    client: TestClient, agent: dict[str, str], token: Callable[..., dict[str, str]]
) -> None:
    answers = [client.get("/api/v1/tickets", headers=agent) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[3], 429)
    assert 1 <= int(answers[3].headers["retry-after"]) <= 20
    assert client.get("/api/v1/tickets", headers=token("agent", name="another")).status_code == 200


@pytest.mark.parametrize("options", [{"api_per_minute": 2}])
def test_refused_calls_count_as_well(client: TestClient, agent: dict[str, str]) -> None:
    statuses = [client.post("/api/v1/tickets", json={}, headers=agent).status_code for _ in range(3)]
    assert statuses == [422, 422, 429]


def test_an_answer_sent_again_under_its_key_is_said_once(
    client: TestClient, database: Database, agent: dict[str, str]
) -> None:
    number = client.post("/api/v1/tickets", json={"text": "Hilfe"}, headers=agent).json()["number"]
    keyed = {**agent, "Idempotency-Key": '"a-1"'}
    path = f"/api/v1/tickets/{number}/messages"
    answers = [client.post(path, json={"text": "Wir sind dran.", "public": True}, headers=keyed) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert client.post(path, json={"text": "Etwas anderes", "public": True}, headers=keyed).status_code == 422
    assert client.post(path, json={"text": "Wir sind dran.", "public": False}, headers=keyed).status_code == 422
    said = [message["text"] for message in client.get(f"/api/v1/tickets/{number}", headers=agent).json()["messages"]]
    assert said == ["Hilfe", "Wir sind dran."]
