"""Reading in a process of its own, which can be killed.

The reader is linear and tested, but it stands on libraries, and one mail that hangs must not stop the mailbox (zammad
was blocked for two days by one). A process is started when the first mail of a pass arrives (about 0.15 s) and ends
with the pass; it has bounds on time and memory. Over its pipes: a length, then a pickle, between our own two ends.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import struct
import sys
from dataclasses import replace
from types import TracebackType
from typing import Self

from channels.email.reading import Rules, Unreadable
from helpdesk.channel import DeliveryReport, InboundMessage, Raw

SECONDS = 20.0  #: for one mail; a usual one takes milliseconds
LENGTH = struct.Struct(">Q")
Read = tuple[InboundMessage | DeliveryReport, ...]


class Sandbox:
    """`async with Sandbox(rules) as box: await box.read(raw)`; starts its process when it is needed."""

    def __init__(self, rules: Rules, *, seconds: float = SECONDS) -> None:
        self._rules = rules
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def read(self, raw: Raw) -> Read:
        """Raises `Unreadable`, also when reading took too long or the process died of it."""
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(raw)
        except TimeoutError as late:
            await self._end()
            raise Unreadable(f"reading took more than {self._seconds:.0f} s") from late
        except (OSError, EOFError) as died:
            await self._end()
            raise Unreadable("the reader died of it") from died
        except asyncio.CancelledError:
            self._kill()
            raise
        if isinstance(answer, str):
            raise Unreadable(answer)
        return tuple(replace(each, raw=raw) for each in answer)

    async def _ask(self, raw: Raw) -> Read | str:
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        await _write(process.stdin, raw)
        length = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
        answer: Read | str = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 - our own reader wrote it
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        path = os.pathsep.join(each or os.getcwd() for each in sys.path)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "channels.email.reader",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for us, not for it
            env={"PYTHONPATH": path, "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        )
        if self._process.stdin is not None:
            await _write(self._process.stdin, self._rules)
        return self._process

    async def _end(self) -> None:
        process = self._kill()
        if process is not None:
            await process.wait()

    def _kill(self) -> asyncio.subprocess.Process | None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
        return process


async def _write(pipe: asyncio.StreamWriter, value: Raw | Rules) -> None:
    data = pickle.dumps(value)
    pipe.write(LENGTH.pack(len(data)))
    pipe.write(data)
    await pipe.drain()
