"""A citizen and the desk write to each other through a mail server that nobody here wrote, with a worker as its own process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from helpdesk.house import House
from helpdesk.models import Message
from tests.channels.email.mails import mail as letter
from tests.channels.email.peers import MailServer
from tests.processes import Running, helpdesk, until
from tests.scenarios.stage import RealDesk, as_environment, deliveries, happened, instant, just_after, numbers

pytestmark = [pytest.mark.peer_dovecot, pytest.mark.peer_exim]


@pytest.fixture
def environ(mail: MailServer, box: str) -> dict[str, str]:
    return as_environment(mail.settings(box))


@pytest.fixture
def desk(house: House) -> RealDesk:
    return RealDesk(house)


@pytest.fixture
def worker(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    with helpdesk("work", database_url, tmp_path, **environ) as running:
        yield running


def read(data: bytes) -> EmailMessage:
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def tickets_of(desk: RealDesk, count: int) -> list[str]:
    until(lambda: len(numbers(desk)) >= count, f"{count} tickets")
    return numbers(desk)


def test_a_mail_is_answered_and_answered_back(mail: MailServer, box: str, desk: RealDesk, worker: Running) -> None:
    yilmaz = "yilmaz@example.org"
    desk.turn("2026-11-21 18:10")
    question = letter("Wo finde ich meinen Bescheid? 😟", to=box, message_id="<frage@example.org>", **{"from": yilmaz})
    mail.submit(box, question, yilmaz)

    # a receipt with number, promise and link, in the thread of the question
    receipt = read(mail.wait_for(yilmaz)[0])
    (number,) = tickets_of(desk, 1)
    story = desk.story(number)
    assert number in receipt.get_content() and "/anliegen/" in receipt.get_content()
    assert (receipt["In-Reply-To"], receipt["Auto-Submitted"]) == ("<frage@example.org>", "auto-replied")
    assert story.messages() == ["Wo finde ich meinen Bescheid? 😟"]
    assert story.ticket.status == "new"
    assert mail.inbox(box) == [] and len(mail.inbox(box, "Processed")) == 1

    # an agent asks back: the mail stands in the thread, the promise is met and the clocks wait
    desk.turn("2026-11-21 18:30")
    story.answered("alex", "Welchen Antrag meinen Sie?", then="pending")
    answer = read(mail.wait_for(yilmaz, 2)[1])
    assert answer["In-Reply-To"] == "<frage@example.org>"
    assert answer["Auto-Submitted"] is None
    assert answer.get_content().startswith("Welchen Antrag meinen Sie?")
    assert f"+t{story.ticket.token}." in answer["Reply-To"]
    first = story.clock("first_response")
    assert first.outcome == "met"
    assert first.used_seconds is not None and 1170 < first.used_seconds <= 1200

    # the person's program knows nothing but Reply-To: no subject, no references
    desk.turn("2026-11-21 18:45")
    back = str(answer["Reply-To"])
    mail.submit(back, letter("Den Wohngeldantrag.", to=back, subject="", message_id="", **{"from": yilmaz}), yilmaz)
    until(lambda: story.ticket.status == "open", "the answer at the ticket")
    assert numbers(desk) == [number]
    assert just_after(story.clock("next_response", 2).started_at, "2026-11-21 18:45")

    # solved, and still not: the answer reopens it, and the resolution runs on
    story.answered("alex", "Im Postfach.", then="resolved")
    mail.wait_for(yilmaz, 3)
    desk.turn("2026-11-23 09:00")
    mail.submit(back, letter("Da ist nichts.", to=back, message_id="<nichts@example.org>", **{"from": yilmaz}), yilmaz)
    until(lambda: story.ticket.status == "open", "the ticket open again")
    assert story.clock("resolution", 2).outcome == "running"
    assert numbers(desk) == [number]
    assert story.messages()[-1] == "Da ist nichts."
    assert len(mail.inbox(yilmaz)) == 3  # one receipt, two answers, and nothing twice
    assert worker.process.poll() is None


def test_out_of_office_neither_resumes_nor_reopens(mail: MailServer, box: str, desk: RealDesk, worker: Running) -> None:
    away = "urlauberin@example.org"
    mail.vacation(away)
    desk.turn("2026-11-21 18:10")
    mail.submit(box, letter("Wo finde ich meinen Bescheid?", to=box, **{"from": away}), away)
    (number,) = tickets_of(desk, 1)
    story = desk.story(number)
    mail.wait_for(away)

    story.answered("alex", "Welchen Antrag meinen Sie?", then="pending")
    until(lambda: len(story.messages()) == 3, "the out-of-office note at the ticket")
    assert story.ticket.status == "pending"
    assert story.ticket.last_author == "agent"
    assert automatic(desk, number) == [False, False, True]

    story.answered("alex", "Bitte schauen Sie ins Postfach.", then="resolved")
    second = mail.wait_for(away, 3)[2]
    note = letter(
        "Ich bin nicht da.",
        to=str(read(second)["Reply-To"]),
        message_id="<weg@example.org>",
        auto_submitted="auto-replied",
        **{"from": away},
    )
    mail.submit(str(read(second)["Reply-To"]), note, away)
    until(lambda: story.messages()[-1] == "Ich bin nicht da.", "the second note")
    assert story.ticket.status == "resolved"
    assert numbers(desk) == [number]
    assert len(mail.inbox(away)) == 3  # nobody answered the machine


def automatic(desk: RealDesk, number: str) -> list[bool]:
    key = desk.story(number).ticket.id
    rows = select(Message.automatic).where(Message.ticket_id == key).order_by(Message.id)
    return desk.do(lambda s: list(s.scalars(rows)))


def test_an_answer_that_bounces_was_never_given(
    mail: MailServer, box: str, desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path
) -> None:
    desk.turn("2026-11-21 18:10")
    receipt = desk.citizen("gibtsnicht").sends("email", "Wo finde ich meinen Bescheid?", hints=())
    story = desk.story(receipt.number)
    desk.turn("2026-11-21 18:30")
    desk.answers(story, "alex", "Im Postfach.", then="pending")
    assert story.clock("first_response").outcome == "met"

    with helpdesk("work", database_url, tmp_path, **environ):
        until(lambda: "answer.failed" in story.events(), "the bounce at the ticket")
    assert [(d.purpose, d.state, d.reason) for d in deliveries(desk)] == [
        ("receipt", "failed", "invalid_address"),
        ("reply", "failed", "invalid_address"),
    ]
    first = story.clock("first_response")
    assert first.outcome == "running" and just_after(first.started_at, "2026-11-21 18:10")
    assert first.due_at is not None and first.due_at - instant("2026-11-21 18:10") > timedelta(hours=4)
    assert [event["purpose"] for event in happened(desk, "delivery_failed")] == ["receipt", "reply"]
    assert story.messages() == ["Wo finde ich meinen Bescheid?", "Im Postfach."]  # a bounce is no message
