"""Real processes under measurement: the web, the worker, the bare endpoints; started, awaited, ended by their id."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

#: as the console script `helpdesk` does
HELPDESK = (sys.executable, "-c", "from helpdesk.cli import main; main()")
BARE = (sys.executable, "-m", "bench.bare")


def clean_environ() -> dict[str, str]:
    """The caller's environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=dict(environ), stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def listening(command: Sequence[str], environ: Mapping[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    with running(command, environ) as process:
        await_port(process, port)
        yield process


def await_port(process: subprocess.Popen[bytes], port: int, patience: float = 120.0) -> None:
    """Returns when somebody listens. Raises `RuntimeError` when the process ended or `patience` seconds are over."""
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"nobody listens on port {port}; the process says {process.poll()}")
