"""The database stands still, or is gone, while mail and webhooks arrive: nothing is lost, nothing comes twice.

15 seconds, or 60 with HELPDESK_SLOW_TESTS=1.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from helpdesk import accounts
from helpdesk.house import House
from tests.channels.email.mails import mail as letter
from tests.channels.email.peers import MailServer
from tests.conftest import ECHO_SECRET, seeded
from tests.postgres import DEBIAN, external_postgres
from tests.processes import Running, get, helpdesk, post, until
from tests.scenarios.stage import RealDesk, alarms, as_environment, numbers, parked

pytestmark = [pytest.mark.peer_postgres, pytest.mark.peer_dovecot, pytest.mark.peer_exim]
SECONDS = 60 if os.environ.get("HELPDESK_SLOW_TESTS") == "1" else 15


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """A server of our own, since the others need theirs alive."""
    with external_postgres() as url:
        yield url


@pytest.fixture
def database_url(own_server: str, tmp_path: Path) -> Iterator[str]:
    name = "away"
    admin = create_engine(own_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = admin.url.set(database=name).render_as_string(hide_password=False)
    seeded(url, tmp_path)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def environ(mail: MailServer, box: str) -> dict[str, str]:
    return as_environment(mail.settings(box) | {"echo_secret": ECHO_SECRET})


@pytest.fixture
def desk(house: House) -> RealDesk:
    made = RealDesk(house)
    made.turn("2026-11-21 18:10")
    return made


@pytest.fixture
def web(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    with helpdesk("serve", database_url, tmp_path, **environ) as running:
        yield running


@pytest.fixture
def worker(desk: RealDesk, database_url: str, environ: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """A worker that has made its first pass."""
    with helpdesk("work", database_url, tmp_path, **environ) as running:
        until(lambda: desk.do(lambda s: s.execute(text("SELECT count(*) FROM heartbeat")).scalar_one()), "a heartbeat")
        yield running


class Server:
    """Debian's PostgreSQL as somebody who may stop it sees it."""

    def __init__(self, url: str) -> None:
        self.port = create_engine(url).url.port
        admin = f"postgresql://postgres:geheim@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(admin) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        self.data = Path(row[0])

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Stopped at once, as by a crash; started again at the end."""
        folder = self.data.parent
        run_as_owner(folder, "pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
        try:
            yield
        finally:
            settings = f"-p {self.port} -h 127.0.0.1 -k {folder} -F"
            run_as_owner(folder, "pg_ctl", "-D", self.data, "-l", folder / "log", "-w", "-o", settings, "start")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process stands still: connections stay open, and nothing is answered."""
        keeper = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        processes = [keeper, *keeper.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)


def says(web: Running, key: str, words: str = "Hallo?") -> tuple[int, dict[str, object]]:
    """A provider posts a message; status and answer."""
    body = json.dumps({"id": key, "from": f"person-{key}", "text": words}).encode()
    status, answer = post(f"{web.url}/channels/echo/message", body, {"X-Echo-Secret": ECHO_SECRET})
    return status, dict(json.loads(answer))


def test_mail_and_webhooks_wait_for_the_database(
    own_server: str, mail: MailServer, box: str, desk: RealDesk, web: Running, worker: Running
) -> None:
    assert says(web, "before")[0] == 200
    token = {"Authorization": f"Bearer {desk.do(lambda s: accounts.add_token(s, 'story', 'agent'))}"}
    until(lambda: get(f"{web.url}/readyz")[0] == 200, "a ready web")
    with Server(own_server).gone():
        gone_at = time.monotonic()
        for number in range(5):
            mail.deliver(box, letter(f"Frage {number}", message_id=f"<{number}@example.org>"))
        while time.monotonic() < gone_at + SECONDS:
            assert says(web, "meanwhile")[0] == 503  # "please repeat", and never a 200
            status, problem = get(f"{web.url}/api/v1/tickets", token)
            assert status == 503 and json.loads(problem)["status"] == 503
            status, page = post(f"{web.url}/anliegen/{'x' * 22}", b"", {"Origin": web.url})
            assert status == 503 and b"<html" in page and b"gerade nicht" in page
            assert get(f"{web.url}/")[0] == 200  # the way to the telephone number stays
            assert get(f"{web.url}/readyz")[0] == 503
            assert get(f"{web.url}/healthz")[0] == 200
            time.sleep(1)
        assert len(mail.inbox(box)) == 5
        assert worker.process.poll() is None, worker.words()
        assert web.process.poll() is None, web.words()
    status, receipt = says(web, "meanwhile")  # the provider repeats
    assert (status, receipt["repeated"]) == (200, False)
    assert says(web, "meanwhile")[1] == receipt | {"repeated": True}
    until(lambda: mail.inbox(box) == [], "an empty INBOX", seconds=40)
    assert len(mail.inbox(box, "Processed")) == 5
    until(lambda: len(numbers(desk)) == 7, "seven tickets")
    said = sorted(words for number in numbers(desk) for words in desk.story(number).messages())
    assert said == sorted(["Hallo?", "Hallo?", *(f"Frage {number}" for number in range(5))])
    assert parked(desk) == 0 and alarms(desk) == []
    until(lambda: len(mail.inbox("aenne@example.org")) >= 1, "a receipt")


def test_a_frozen_database_loses_nothing_either(own_server: str, desk: RealDesk, web: Running) -> None:
    """What was on its way is stored when it wakes, and the provider's repeat finds it."""

    async def five_at_once() -> list[int]:
        posts = [asyncio.create_task(asyncio.to_thread(says, web, str(number))) for number in range(5)]
        await asyncio.sleep(3)
        assert not any(each.done() for each in posts)
        thaw.close()
        return [status for status, _ in await asyncio.gather(*posts)]

    thaw = contextlib.ExitStack()
    with thaw:
        thaw.enter_context(Server(own_server).frozen())
        statuses = asyncio.run(five_at_once())
    assert set(statuses) <= {200, 503}
    receipts = [says(web, str(number)) for number in range(5)]
    assert [status for status, _ in receipts] == [200] * 5
    assert [receipt["repeated"] for _, receipt in receipts] == [status == 200 for status in statuses]
    assert len(numbers(desk)) == 5


def test_nobody_notices_that_the_database_was_started_anew(own_server: str, desk: RealDesk, web: Running) -> None:
    """The pool holds connections to a server that is no more; nothing that a citizen sends pays for that."""
    assert {says(web, f"early-{number}")[0] for number in range(3)} == {200}
    with Server(own_server).gone():
        pass
    assert {says(web, f"late-{number}")[0] for number in range(3)} == {200}
    assert len(numbers(desk)) == 6


def run_as_owner(folder: Path, program: str, *options: str | Path) -> None:
    """PostgreSQL refuses to be root."""
    owner = folder.stat()
    root = os.geteuid() == 0
    subprocess.run(
        [DEBIAN / program, *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        timeout=60,
        user=owner.st_uid if root else None,
        group=owner.st_gid if root else None,
        extra_groups=[] if root else None,
    )
