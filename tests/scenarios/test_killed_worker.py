"""A worker dies by SIGKILL between claiming a message and sending it, and right after sending it; another takes over."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import text

from helpdesk import deliveries as rows
from helpdesk import tickets
from helpdesk.house import House
from tests.channels.email.peers import MailServer
from tests.channels.telegram.peers import TelegramServer
from tests.processes import helpdesk, until
from tests.scenarios.stage import RealDesk, as_environment, deliveries, happened

pytestmark = [pytest.mark.peer_dovecot, pytest.mark.peer_exim, pytest.mark.peer_telegram]
ELIF, KAYA = 42, 501
Dies = Callable[[str], None]
TakesOver = Callable[[], None]


@pytest.fixture
def environ(mail: MailServer, box: str, telegram: TelegramServer) -> dict[str, str]:
    bot = {"telegram_token": telegram.token, "telegram_mode": "polling", "telegram_url": telegram.url}
    return as_environment(mail.settings(box) | bot)


@pytest.fixture
def desk(house: House) -> RealDesk:
    made = RealDesk(house)
    made.turn("2026-11-21 18:10")
    return made


@pytest.fixture
def dies(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Dies:
    """A worker that is killed at a named point."""

    def start(point: str) -> None:
        with helpdesk("work", database_url, tmp_path, **environ, HELPDESK_KILL_POINT=point) as worker:
            assert worker.wait_until_dead() == -signal.SIGKILL, worker.words()

    return start


@pytest.fixture
def takes_over(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> TakesOver:
    """Another worker, after the dead one's lease is over; ends when nothing is left to do."""

    def start() -> None:
        assert [d.state for d in deliveries(desk) if d.state == "sending"], "nothing was in hand"
        desk.do(lambda s: s.execute(text("UPDATE delivery SET lease_until = now() - interval '1 second'")))
        with helpdesk("work", database_url, tmp_path, **environ) as worker:
            until(lambda: not any(d.due for d in deliveries(desk)), "all deliveries settled")
            assert worker.process.poll() is None

    return start


@pytest.mark.parametrize("point", ["send.claimed", "send.checked"])
def test_a_mail_in_a_dead_hand_arrives_exactly_once(
    desk: RealDesk, mail: MailServer, dies: Dies, takes_over: TakesOver, point: str
) -> None:
    yilmaz = f"yilmaz-{point.replace('.', '-')}"
    receipt = desk.citizen(yilmaz).sends("email", "Wo finde ich meinen Bescheid?", hints=())
    dies(point)
    assert [(d.state, d.attempt) for d in deliveries(desk)] == [("sending", 1)]
    assert mail.inbox(f"{yilmaz}@example.org") == []
    takes_over()
    (arrived,) = mail.wait_for(f"{yilmaz}@example.org")
    assert receipt.number.encode() in arrived
    assert [(d.state, d.attempt) for d in deliveries(desk)] == [("sent", 2)]


def test_while_the_lease_runs_nobody_else_touches_it(
    desk: RealDesk, mail: MailServer, database_url: str, environ: dict[str, str], tmp_path: Path, dies: Dies
) -> None:
    desk.citizen("geduld").sends("email", "Erste", hints=())
    dies("send.claimed")
    desk.citizen("anders").sends("email", "Zweite", hints=())
    with helpdesk("work", database_url, tmp_path, **environ):
        mail.wait_for("anders@example.org")
        until(lambda: deliveries(desk)[1].state == "sent", "the second one noted as sent")
    assert [(d.state, d.attempt) for d in deliveries(desk)] == [("sending", 1), ("sent", 1)]
    assert mail.inbox("geduld@example.org") == []


def test_a_mail_that_may_have_left_carries_the_same_id_again(
    desk: RealDesk, mail: MailServer, dies: Dies, takes_over: TakesOver
) -> None:
    """Killed between the server's "250 accepted" and our note of it: the second copy is known by its Message-ID."""
    desk.citizen("doppelt").sends("email", "Hallo", hints=())
    dies("send.done")
    takes_over()
    copies = [message_from_bytes(data) for data in mail.wait_for("doppelt@example.org", 2)]
    assert copies[0]["Message-ID"] == copies[1]["Message-ID"]
    assert copies[0].get_payload() == copies[1].get_payload()
    assert [(d.state, d.attempt) for d in deliveries(desk)] == [("sent", 2)]


def test_what_telegram_may_have_had_is_left_to_an_agent(
    desk: RealDesk, telegram: TelegramServer, dies: Dies, takes_over: TakesOver
) -> None:
    """No key, no way to look: it is never repeated blindly."""
    receipt = desk.citizen("Elif").sends("telegram", "Hallo", hints=())
    desk.do(lambda s: s.execute(text("UPDATE delivery SET to_value = :chat"), {"chat": str(ELIF)}))
    dies("send.checked")
    takes_over()
    assert telegram.texts(ELIF) == []
    (left,) = deliveries(desk)
    assert (left.state, left.due) == ("uncertain", False)
    (event,) = happened(desk, "delivery_uncertain")
    assert event["purpose"] == "receipt"

    # the agent decides, and then it goes out once
    key = desk.do(lambda s: s.execute(text("SELECT id FROM delivery")).scalar_one())
    desk.do(lambda s: rows.send_again(s, key))
    time.sleep(1)  # one message a second to one person
    desk.passes()
    (said,) = telegram.texts(ELIF)
    assert receipt.number in said
    assert [d.state for d in deliveries(desk)] == ["sent"]


def test_a_page_in_a_dead_hand_is_sent_again(
    desk: RealDesk, telegram: TelegramServer, dies: Dies, takes_over: TakesOver
) -> None:
    """Twice is better than never, for a page."""
    desk.reaches_all_by_mail_at("nrw.example")
    desk.reaches("kaya", telegram=str(KAYA))
    receipt = desk.citizen("wer").sends("email", "Alles aus", hints=())
    lead = desk.agent("alex")
    desk.do(lambda s: tickets.set_severity(s, tickets.locked(s, receipt.number), "S2", "ganzer Ort", lead))
    dies("send.checked")
    takes_over()
    said = telegram.texts(KAYA)
    assert said and all(receipt.number in words for words in said)
    assert {d.state for d in deliveries(desk, purpose="page")} == {"sent"}
