"""Saturday evening, 21 November 2026: a message, a promise, a page, an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from helpdesk import contacts, intake, tickets
from helpdesk.channel import Address
from tests.desk import Desk


def test_a_message_by_telegram_becomes_a_routed_clocked_ticket(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("telegram", "Im ganzen Ort ist das Portal nicht erreichbar")
    ticket = story.ticket
    assert ticket.number == "T-2026-000001"
    assert (ticket.severity, ticket.team, ticket.status) == ("S3", "l1", "new")
    assert ticket.route["reason"]
    # S3: four hours of hotline time; Saturday ends at 20:00, Sunday opens at 10:00
    assert story.clock("first_response").due_at == datetime(2026, 11, 22, 11, 10, tzinfo=UTC)
    assert story.clock("first_response").outcome == "running"
    assert ticket.next_due_at == story.clock("first_response").due_at
    desk.forward(seconds=5)  # the notice of the third party's channel goes first
    heard = desk.citizen("Yilmaz").heard("telegram")
    assert len(heard) == 1
    assert ticket.number in heard[0] and "/anliegen/" in heard[0]


def test_nobody_answers_so_the_phone_rings(desk: Desk) -> None:
    desk.reaches("kaya", telegram="kaya-phone")
    desk.reaches("kim", telegram="kim-phone")
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("telegram", "Im ganzen Ort ist das Portal nicht erreichbar")
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", "ganzer Ort", who), "alex")
    assert desk.phone_of("kaya").rang_about(story)
    desk.forward(minutes=14)
    assert not desk.phone_of("kim").rang_about(story)
    desk.forward(minutes=1)
    assert desk.phone_of("kim").rang_about(story)
    answer = desk.phone_of("kim").presses("acknowledge", story)
    assert answer.done and story.number in answer.text
    assert story.acknowledged_by == "kim"
    desk.forward(hours=2)
    assert len(desk.phone_of("kim").pages(story)) == 1


def test_an_answer_meets_the_promise_and_a_question_back_pauses_it(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    yilmaz = desk.citizen("Yilmaz")
    story = yilmaz.writes("email", "Wo finde ich meinen Bescheid?", subject="Bescheid")
    desk.forward(minutes=20)
    story.answered("alex", "Welchen Antrag meinen Sie?", then="pending")
    first = story.clock("first_response")
    assert (first.outcome, first.used_seconds) == ("met", 1200)
    assert story.ticket.status == "pending"
    assert story.clock("resolution").due_at is None
    assert any("Welchen Antrag meinen Sie?" in words for words in yilmaz.heard("email"))
    desk.forward(minutes=30)
    yilmaz.sends("email", "Den Wohngeldantrag.", hints=(f"token:{story.ticket.token}",))
    assert story.ticket.status == "open"
    assert story.clock("next_response", 2).started_at == desk.now()
    assert story.ticket.number == "T-2026-000001"


def test_a_resolved_ticket_is_reopened_by_an_answer_within_seven_days_and_not_later(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    yilmaz = desk.citizen("Yilmaz")
    story = yilmaz.writes("telegram", "Wo finde ich meinen Bescheid?")
    story.answered("alex", "Im Postfach.", then="resolved")
    assert story.ticket.status == "resolved"
    desk.forward(days=6)
    assert yilmaz.writes("telegram", "Da ist nichts.").number == story.number
    assert story.ticket.status == "open"
    assert story.clock("resolution", 2).outcome == "running"
    story.answered("alex", "Jetzt aber.", then="resolved")
    desk.forward(days=8)
    assert yilmaz.writes("telegram", "Noch etwas anderes").number != story.number


def test_a_provider_repeats_a_webhook_five_times(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    yilmaz = desk.citizen("Yilmaz")
    receipts = [yilmaz.sends("telegram", "Hallo?", key="update-7") for _ in range(5)]
    assert len({receipt.number for receipt in receipts}) == 1
    assert [receipt.repeated for receipt in receipts] == [False, True, True, True, True]
    assert {receipt.answer_by for receipt in receipts} == {receipts[0].answer_by}
    desk.forward(seconds=5)
    assert len(yilmaz.heard("telegram")) == 1


def test_the_clock_change_does_not_move_the_promise(desk: Desk) -> None:
    desk.at("2026-10-24 19:30")  # in the night to Sunday the clock goes back
    story = desk.citizen("Yilmaz").writes("telegram", "Hallo")
    # 30 minutes on Saturday, 3.5 hours on Sunday from 10:00
    assert story.clock("first_response").due_at == datetime(2026, 10, 25, 12, 30, tzinfo=UTC)


def test_a_late_answer_is_a_breach_even_when_no_pass_saw_it_open(desk: Desk) -> None:
    desk.at("2026-11-23 08:00")
    story = desk.citizen("Yilmaz").writes("telegram", "Hallo")
    due = story.clock("first_response").due_at
    desk.forward(seconds=(due - desk.now() + timedelta(seconds=1)).total_seconds())
    assert story.clock("first_response").outcome == "breached"
    assert story.events().count("clock.breached") >= 1
    story.answered("alex", "Entschuldigung.")
    assert story.clock("first_response").margin_seconds == -1


def test_two_machines_do_not_answer_each_other_for_ever(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    robot = desk.citizen("Robot")
    numbers = {robot.sends("email", f"Ihre Nachricht {n} ist eingegangen", hints=()).number for n in range(12)}
    desk.passes()
    assert len(numbers) == 12  # nothing accepted is lost
    assert len(robot.heard("email")) == 5


def test_what_agents_type_may_hold_anything_as_well(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("email", "Hallo")
    nasty = "a\x00b \ud800 <script>alert(1)</script>"
    story.answered("alex", nasty)
    story.done(lambda s, t, who: tickets.note(s, t, nasty, who), "alex")
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", nasty, who), "alex")
    story.done(lambda s, t, who: tickets.pend(s, t, who, reason=nasty), "alex")
    assert story.messages()[1:] == ["a\ufffdb ? <script>alert(1)</script>"] * 2


def test_a_system_that_answers_stops_the_paging_as_a_person_would(desk: Desk) -> None:
    desk.reaches("kaya", telegram="kaya-phone")
    desk.reaches("kim", telegram="kim-phone")
    desk.at("2026-11-21 18:10")
    story = desk.citizen("Yilmaz").writes("email", "Alles steht")
    story.done(lambda s, t, who: tickets.set_severity(s, t, "S2", "alles steht", who), "alex")
    system = tickets.Actor(kind="token", name="fachportal")
    story.done(lambda s, t, who: tickets.reply(s, t, "Wir sind dran.", system), "alex")
    desk.forward(hours=2)
    assert not desk.phone_of("kim").rang_about(story)
    assert story.ticket.status == "open"


def test_a_forged_address_brings_nobody_the_role_of_its_owner(desk: Desk) -> None:
    desk.at("2026-11-21 18:10")
    desk.do(lambda s: contacts.find_or_make(s, "email", "it@stadt.example.org", role="municipality"))
    for verified, role in ((False, "citizen"), (True, "municipality")):
        message = replace(
            desk.citizen("IT").message("email", "Ausfall"),
            external_id=f"forged-{verified}",
            sender=Address(kind="email", value="it@stadt.example.org"),
            verified=verified,
            hints=(),
        )
        taken = desk.do(lambda s, m=message: intake.take_in(s, m, channel="email", account="us").ticket)
        assert taken.sender_role == role
