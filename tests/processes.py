"""`helpdesk work` and `helpdesk serve` as processes of their own, as an operator starts them.

with helpdesk("work", url, folder, HELPDESK_KILL_POINT="send.claimed") as worker:
    worker.wait_until_dead()
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

SECONDS = 30.0
HOST = "127.0.0.1"
_http = build_opener(ProxyHandler({}))  # loopback never goes through a proxy


@dataclass(frozen=True, kw_only=True)
class Running:
    process: subprocess.Popen[bytes]
    log: Path
    port: int  #: where the web of this process answers, if it has one

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def words(self) -> str:
        """What it wrote to its log."""
        return self.log.read_text(errors="replace")

    def wait_until_dead(self, seconds: float = SECONDS) -> int:
        """Its exit code; negative = the signal that ended it."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)

    def freeze(self) -> None:
        """It stands still in the middle of whatever it does, as in a paused virtual machine."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def helpdesk(command: str, database_url: str, folder: Path, **environment: str) -> Iterator[Running]:
    """Starts `helpdesk <command>` on this database; a web process is waited for. Ended, if it still lives, at the end."""
    port = int(environment.get("HELPDESK_PORT") or free_port())
    log = folder / f"{command}-{time.monotonic_ns()}.log"
    given = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_URL"))}
    ours = {
        "DATABASE_URL": database_url,
        "HELPDESK_DATA": str(folder),
        "HELPDESK_SECRET": "s" * 32,
        "HELPDESK_TEST_CLOCK": "1",
        "HELPDESK_PUBLIC_URL": f"http://{HOST}:{port}",
        "HELPDESK_PORT": str(port),
    }
    program = [sys.executable, "-c", "from helpdesk.cli import main; main()", command]
    with log.open("wb") as output:
        process = subprocess.Popen(program, stdout=output, stderr=output, env=given | ours | environment)
    running = Running(process=process, log=log, port=port)
    try:
        if command == "serve":
            until(lambda: process.poll() is not None or answers(port), f"an answer on port {port}")
        assert process.poll() in (None, -signal.SIGKILL), running.words()
        yield running
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def until(true: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Waits for something to become true; the failure says what did not."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still no: {what}")
        time.sleep(0.05)


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of the answer, whatever the status."""
    return fetch(url, body, headers or {})


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    return fetch(url, None, headers or {})


def fetch(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        with _http.open(Request(url, data=body, headers=headers), timeout=40) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
