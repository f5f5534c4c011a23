"""A small HTTP/1.1 client that costs little: keep-alive, one request at a time on each connection, parsed by httptools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httptools


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request."""

    method: str = "GET"
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wire(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body or self.method != "GET":
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*lines, "", "")).encode() + self.body


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Wrong(Exception):
    """An answer that the measurement does not expect; a figure over errors would be worth nothing."""


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, wire: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._headers: dict[str, str] = {}
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(wire)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Wrong(f"connection closed: {exc}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        assert self._waiting is not None
        status = self._parser.get_status_code()
        if status >= 100 and not self._waiting.done():
            self._waiting.set_result(Answer(status=status, body=bytes(self._body), headers=self._headers))


async def connect(port: int) -> Line:
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def once(port: int, ask: Ask) -> Answer:
    line = await connect(port)
    try:
        return await line.ask(ask.wire())
    finally:
        line.close()


async def drive(
    port: int, make: Callable[[int], Ask], *, first: int, count: int, clients: int, expect: int
) -> list[float]:
    """Sends `count` requests, numbered from `first`, over `clients` connections. Latencies in ms; raises `Wrong`."""
    asks = iter([make(number).wire() for number in range(first, first + count)])
    took: list[float] = []

    async def one() -> None:
        line = await connect(port)
        for wire in asks:
            began = time.perf_counter()
            answer = await line.ask(wire)
            took.append((time.perf_counter() - began) * 1000)
            if answer.status != expect:
                raise Wrong(f"{answer.status}: {wire[:120]!r} → {answer.body[:300]!r}")
        line.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return took
