"""Whatever arrives gets a clear answer or goes to quarantine with an alarm; it stops nobody, and nothing is lost.

The same words come by three doors: Telegram's webhook, the echo channel's, and a real mailbox.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from helpdesk.app import build, create_app
from helpdesk.channel import Address, InboundMessage, Kind, Raw
from helpdesk.desk import ChannelDesk
from helpdesk.errors import BadInput
from helpdesk.house import House
from helpdesk.intake import About, take_in
from helpdesk.models import Inbound
from tests.channels.email.mails import mail as letter
from tests.channels.email.peers import MailServer
from tests.conftest import ECHO_SECRET
from tests.desk import Desk, Story
from tests.scenarios.stage import RealDesk, alarms, as_environment, numbers, parked, without_waiting

BOT, SECRET = "123456", "webhook-geheimnis_0815"
SURROGATES = "halb\\ud83d und \\ude00 verkehrt"  # in JSON; half an emoji each
WORDS = {
    "right to left": "البوابة لا تعمل منذ الصباح ‮und verdreht‬",
    "emoji only": "👩‍🚒🇩🇪👍🏽",
    "script": "<script>alert('x')</script>{{7*7}}${7*7}'; DROP TABLE ticket; --",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "control": "eins\x01\x07\x1b[31mzwei\x7f",
    "lines": "\r\n\r\n\u2028\u2029Hallo\x0b\x0c",
    "long word": "a" * 9_000,
    "formula": "=cmd|' /C calc'!A0",
}


@pytest.fixture
def environ() -> dict[str, str]:
    bot = {"telegram_token": f"{BOT}:TEST", "telegram_secret": SECRET, "telegram_url": "http://127.0.0.1:9"}
    return as_environment(bot | {"echo_secret": ECHO_SECRET, "public_url": "http://testserver"})


@pytest.fixture
def desk(house: House) -> RealDesk:
    made = RealDesk(house)
    made.turn("2026-11-21 18:10")
    return made


@pytest.fixture
def client(desk: RealDesk) -> Iterator[TestClient]:
    with TestClient(create_app(desk.house.settings, desk.house), raise_server_exceptions=False) as made:
        yield made


def echo(client: TestClient, body: bytes | str, secret: str = ECHO_SECRET) -> tuple[int, dict[str, object]]:
    answer = client.post("/channels/echo/message", content=body, headers={"X-Echo-Secret": secret})
    return answer.status_code, dict(answer.json())


def says(client: TestClient, words: str, key: str = "k", **more: object) -> tuple[int, dict[str, object]]:
    return echo(client, json.dumps({"id": key, "from": f"person-{key}", "text": words} | more))


def telegram(client: TestClient, body: bytes | str, secret: str = SECRET) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    return client.post(f"/channels/telegram/{BOT}/update", content=body, headers=headers).status_code


def update(number: int, words: str, chat: int = 42) -> str:
    person = {"id": chat, "is_bot": False, "first_name": "Elif"}
    message = {"message_id": number, "date": 1795284600, "chat": {"id": chat, "type": "private"}, "from": person}
    return json.dumps({"update_id": number, "message": message | {"text": words}})


def still_alive(client: TestClient, desk: Desk) -> None:
    """The next person is served as if nothing had been."""
    before = len(numbers(desk))
    assert says(client, "Und jetzt ich.", key="next")[0] == 200
    assert telegram(client, update(999_999, "Und ich auch.", chat=77)) == 200
    assert len(numbers(desk)) == before + 2


@pytest.mark.parametrize("what", WORDS)
def test_odd_words_are_words(client: TestClient, desk: RealDesk, what: str) -> None:
    words = WORDS[what]
    status, receipt = says(client, words)
    assert (status, receipt["repeated"]) == (200, False)
    assert telegram(client, update(1, words)) == 200
    assert len(numbers(desk)) == 2
    for number in numbers(desk):
        (stored,) = Story(desk=desk, number=number).messages()
        assert stored.strip() == words.strip()
        assert Story(desk=desk, number=number).ticket.subject
    assert parked(desk) == 0 and alarms(desk) == []


NONSENSE: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"Hallo",
    "binary": bytes(range(256)) * 40,
    "NUL": b"\x00" * 1000,
    "wrongly encoded": '{"id": "1", "from": "ä", "text": "ä"}'.encode("cp037"),
    "latin-1": '{"id": "1", "from": "a", "text": "Störung"}'.encode("latin-1"),
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "surrogates": f'{{"id": "1", "from": "a", "text": "{SURROGATES}"}}'.encode(),
    "NUL inside": b'{"id": "1", "from": "a", "text": "a\\u0000b"}',
    "no text": b'{"id": "1", "from": "a"}',
    "numbers": b'{"id": 1, "from": 2, "text": 3, "update_id": "x", "message": 7}',
    "huge number": b'{"update_id": ' + b"9" * 5000 + b', "id": 1}',
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_that_is_genuine_goes_to_quarantine(client: TestClient, desk: RealDesk, what: str) -> None:
    """It knew the secret, so it is kept; a 4xx would make a provider repeat it for ever."""
    status, answer = echo(client, NONSENSE[what])
    assert status == 200 and "parked" in answer, answer
    assert telegram(client, NONSENSE[what]) == 200
    assert echo(client, NONSENSE[what])[0] == 200  # again: kept once
    assert parked(desk) == 2
    assert sorted(alarms(desk)) == [("parked", "echo"), ("parked", "telegram")]
    kept = desk.do(lambda s: list(s.scalars(select(Inbound.body).where(Inbound.state == "parked"))))
    assert all(bytes(body) == NONSENSE[what] for body in kept)
    still_alive(client, desk)


def test_telegram_words_that_cannot_be_stored_are_stored_as_well_as_can_be(client: TestClient, desk: RealDesk) -> None:
    body = update(1, "Hallo").replace("Hallo", f"vorher {SURROGATES} nachher\\u0000")
    assert telegram(client, body) == 200
    assert len(numbers(desk)) + parked(desk) == 1
    for number in numbers(desk):
        (stored,) = Story(desk=desk, number=number).messages()
        assert stored.startswith("vorher halb") and "nachher" in stored
    still_alive(client, desk)


def test_huge_is_refused_before_it_is_read(client: TestClient, desk: RealDesk) -> None:
    huge = b'{"id": "1", "text": "' + b"a" * 5_000_000 + b'"}'
    assert echo(client, huge)[0] == 413
    assert telegram(client, huge) == 413
    assert numbers(desk) == [] and parked(desk) == 0
    still_alive(client, desk)


@pytest.mark.parametrize("secret", ["", "falsch", "ü" * 10, "a" * 100_000])
def test_forged_is_refused_and_leaves_no_trace(client: TestClient, desk: RealDesk, secret: str) -> None:
    forged = secret.encode()
    body = json.dumps({"id": "1", "from": "a", "text": "Ich bin echt"})
    for path, header in (
        ("echo/message", b"X-Echo-Secret"),
        (f"telegram/{BOT}/update", b"X-Telegram-Bot-Api-Secret-Token"),
    ):
        answer = client.post(f"/channels/{path}", content=body, headers=[(header, forged)])
        assert answer.status_code == 403
    assert desk.do(lambda s: s.execute(text("SELECT count(*) FROM inbound")).scalar_one()) == 0
    assert alarms(desk) == []
    still_alive(client, desk)


def test_a_very_long_message_is_cut_with_a_mark_and_kept_whole(client: TestClient, desk: RealDesk) -> None:
    words = "wort " * 150_000
    status, receipt = says(client, words)
    assert status == 200
    (stored,) = Story(desk=desk, number=str(receipt["number"])).messages()
    assert len(stored) <= 100_000 and stored.endswith("(gekürzt)")
    kept = desk.do(lambda s: s.scalars(select(Inbound.body)).one())
    assert words.encode() in bytes(kept)


def test_hints_that_lead_nowhere_open_a_ticket_of_their_own(client: TestClient, desk: RealDesk) -> None:
    _, first = says(client, "Meins", key="a")
    foreign = Story(desk=desk, number=str(first["number"])).ticket
    hints = [f"number:{foreign.number}", "message:%", "message:" + "x" * 5000, "token:", ":", "", "echo:", "%%%"]
    status, receipt = says(client, "Ich rate Nummern", key="b", hints=hints * 20)
    assert status == 200 and receipt["number"] != foreign.number
    assert Story(desk=desk, number=foreign.number).messages() == ["Meins"]


# intake itself, for whatever a channel might let through


def inbound(words: str, **more: object) -> InboundMessage:
    given: dict[str, object] = {
        "external_id": "1",
        "kind": Kind.MESSAGE,
        "sender": Address(kind="echo", value="a", name="A"),
        "recipient": Address(kind="echo", value="us"),
        "text": words,
        "raw": Raw(body=b"", headers={}, received_at=datetime.now(UTC)),
    }
    return InboundMessage(**given | more)  # type: ignore[arg-type]


BROKEN = "NUL \x00 halb \ud83d Ende"


def test_intake_stores_what_no_channel_should_have_let_through(desk: RealDesk) -> None:
    door = ChannelDesk(desk.house, desk.house.channels["echo"])
    message = inbound(
        BROKEN,
        external_id=BROKEN,
        subject=BROKEN * 1000,
        sender=Address(kind="echo", value=BROKEN, name=BROKEN * 1000),
        language=BROKEN,
        hints=(BROKEN, f"number:{BROKEN}", f"token:{BROKEN}", f"message:{BROKEN}", f"echo:{BROKEN}"),
        raw=Raw(body=bytes(range(256)), headers={BROKEN: BROKEN}, received_at=datetime.now(UTC)),
    )
    receipt = asyncio.run(door.take_in(message))
    again = asyncio.run(door.take_in(message))
    assert (again.number, again.repeated) == (receipt.number, True)
    (stored,) = Story(desk=desk, number=receipt.number).messages()
    assert stored.startswith("NUL \ufffd halb ") and stored.endswith(" Ende")
    asyncio.run(desk.worker.run_pass())


def test_two_long_keys_with_the_same_beginning_are_two_messages(desk: RealDesk) -> None:
    door = ChannelDesk(desk.house, desk.house.channels["echo"])
    keys = ["ä" * 3000 + end for end in ("a", "b", "a")]
    receipts = [asyncio.run(door.take_in(inbound("Hallo", external_id=key))) for key in keys]
    assert [receipt.repeated for receipt in receipts] == [False, False, True]
    assert receipts[0].number == receipts[2].number


@pytest.mark.parametrize("words", ["", " \n\t ", "\u200b"])
def test_a_message_without_words_still_has_a_subject(desk: RealDesk, words: str) -> None:
    receipt = asyncio.run(ChannelDesk(desk.house, desk.house.channels["echo"]).take_in(inbound(words)))
    assert Story(desk=desk, number=receipt.number).ticket.subject


@pytest.mark.parametrize(
    ("field", "about"),
    [
        ("portal", About(portal="gibt-es-nicht")),
        ("component", About(component="\x00")),
        ("category", About(category="")),
        ("municipality", About(ags="99999999")),
        ("impact", About(impact="riesig")),
        ("urgency", About(urgency="sofort!")),
        ("overrides", About(facts={"overrides": ["weil ich es sage"]})),
    ],
)
def test_names_that_nobody_knows_are_refused_with_their_field(desk: RealDesk, field: str, about: About) -> None:
    with pytest.raises(BadInput) as refused:
        desk.do(lambda s: take_in(s, inbound("Hallo"), channel="api", account="api", about=about))
    assert refused.value.field == field
    assert numbers(desk) == []
    assert desk.do(lambda s: s.execute(text("SELECT count(*) FROM inbound")).scalar_one()) == 0


# a real mailbox


def no_parser_likes() -> dict[str, bytes]:
    return {
        "no mail at all": b"\x00\xff" * 2000,
        "no sender": b"Subject: niemand\n\nohne Absender",
        "open brackets": letter("Text", **{"from": "a@[::1", "message_id": "<[abc@d"}),
        "nested comments": letter("Text", **{"from": "(" * 3000 + "a@example.org"}),
        "parameters": b"From: a@example.org\nContent-Type: text/plain" + b"; a=b" * 20_000 + b"\n\nText",
        "parts": b"From: a@example.org\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 5000,
        "charset": b"From: a@example.org\nContent-Type: text/plain; charset=klingonisch\n\nSt\xf6rung",
        "base64": b"From: a@example.org\nContent-Transfer-Encoding: base64\n\n====%%%",
        "lone surrogates": letter("a \\ud83d b", subject="=?utf-8?B?7aC9?="),
        "script": letter("<script>alert(1)</script>", content_type="text/html"),
    }


@pytest.mark.peer_dovecot
@pytest.mark.peer_exim
def test_a_mailbox_full_of_mail_that_breaks_parsers(
    mail: MailServer, box: str, house: House, environ: dict[str, str]
) -> None:
    made = build(house.settings, house.database.url, environ | as_environment(mail.settings(box)))
    desk = RealDesk(without_waiting(made))
    desk.turn("2026-11-21 18:10")
    bad = no_parser_likes()
    for data in bad.values():
        mail.deliver(box, data, "")
    mail.deliver(box, letter("Ich bin ganz gewöhnlich.", message_id="<last@example.org>"))
    channel = desk.house.channels["email"]
    asyncio.run(channel.poll(ChannelDesk(desk.house, channel)))
    assert mail.inbox(box) == []
    assert len(numbers(desk)) + parked(desk) == len(bad) + 1
    assert len(mail.inbox(box, "Failed")) == parked(desk) > 0
    assert alarms(desk) == [("parked", "email")]
    assert Story(desk=desk, number=numbers(desk)[-1]).messages() == ["Ich bin ganz gewöhnlich."]
    made.database.dispose()
