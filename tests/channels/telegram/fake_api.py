"""A Bot API server that answers by script, on a real socket, as the documentation says (core.telegram.org/bots/api)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

from helpdesk.testing.channel_contract import RETRY_AFTER_SECONDS, Says

SCRIPTED = ("sendMessage", "getUpdates")
LARGE = 30 * 1024 * 1024

PAGES = {
    Says.GIBBERISH: 200,
    Says.BROKEN: 502,
}
REFUSALS: dict[Says, tuple[int, str, dict[str, int]]] = {
    Says.TOO_MANY: (429, f"Too Many Requests: retry after {RETRY_AFTER_SECONDS}", {"retry_after": RETRY_AFTER_SECONDS}),
    Says.NO_SUCH_ADDRESS: (400, "Bad Request: chat not found", {}),
    Says.BLOCKED: (403, "Forbidden: bot was blocked by the user", {}),
    Says.BAD_CREDENTIALS: (401, "Unauthorized", {}),
}


class FakeBotApi:
    """`updates` wait until a question with a higher offset confirms them, as at Telegram's."""

    def __init__(self) -> None:
        self.updates: dict[int, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.accepted: list[dict[str, str]] = []
        self.visitors_elsewhere = 0
        self.next_answer: tuple[int, bytes] | None = None  #: to a request of whatever kind
        self._script: deque[Says] = deque()
        self._server: asyncio.Server | None = None
        self._elsewhere: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # What the contract asks

    async def say(self, *script: Says) -> None:
        self._script = deque(script)
        refuses = Says.REFUSES_CONNECTION in script
        if refuses and self._server is not None:
            await self._stop_listening()
        elif not refuses and self._server is None:
            await self._listen()

    @property
    def attempts(self) -> int:
        return len(self.asked("sendMessage"))

    def texts(self) -> list[str]:
        return [fields["text"] for fields in self.accepted]

    def heard(self) -> str:
        return repr(self.requests)

    def asked(self, method: str) -> list[dict[str, str]]:
        return [fields for name, fields in self.requests if name == method]

    # Life

    async def start(self) -> None:
        await self._listen()
        self._elsewhere = await asyncio.start_server(self._visit, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is not None:
            await self._stop_listening()
        assert self._elsewhere is not None
        self._elsewhere.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None

    async def _visit(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors_elsewhere += 1
        writer.close()

    # One connection

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0)
        fields = {key: values[0] for key, values in parse_qs((await reader.readexactly(length)).decode()).items()}
        if path.startswith("/file/"):
            await self._file(path, writer)
            return
        method = path.rpartition("/")[2]
        self.requests.append((method, fields))
        says = self._script.popleft() if method in SCRIPTED and self._script else Says.OK
        if says in (Says.HANGS, Says.FALLS_SILENT):
            await reader.read()  # until the other side gives up
            return
        status, body = self._reply(method, fields, says)
        await _write(writer, status, body)

    def _reply(self, method: str, fields: dict[str, str], says: Says) -> tuple[int, bytes]:
        if self.next_answer is not None:
            answer, self.next_answer = self.next_answer, None
            return answer
        if says in PAGES:  # a proxy's page that quotes what we sent
            return PAGES[says], f"<html><body>{fields}</body></html>".encode()
        if says in REFUSALS:
            status, description, parameters = REFUSALS[says]
            return status, refusal(status, description, parameters)
        return 200, b'{"ok": true, "result": ' + self._result(method, fields) + b"}"

    def _result(self, method: str, fields: dict[str, str]) -> bytes:
        if method == "getUpdates":
            return self._news(int(fields.get("offset", 0)))
        if method == "sendMessage":
            self.accepted.append(fields)
            chat = {"id": int(fields["chat_id"]), "type": "private"}
            return _json({"message_id": len(self.accepted), "date": 1795284600, "chat": chat, "text": fields["text"]})
        if method == "getFile":
            path = {"local": "/etc/hostname"}.get(fields["file_id"], f"documents/{fields['file_id']}")
            return _json({"file_id": fields["file_id"], "file_unique_id": "u", "file_path": path})
        if method == "getMe":
            return _json({"id": 123456, "is_bot": True, "first_name": "Portalservice", "username": "portalservice_bot"})
        return b"true"

    def _news(self, offset: int) -> bytes:
        self.updates = {number: body for number, body in self.updates.items() if number >= offset}
        return b"[" + b",".join(self.updates.values()) + b"]"

    async def _file(self, path: str, writer: asyncio.StreamWriter) -> None:
        name = path.rpartition("/")[2]
        if name == "elsewhere":
            assert self._elsewhere is not None
            port = self._elsewhere.sockets[0].getsockname()[1]
            await _write(writer, 302, b"", f"Location: http://localhost:{port}/\r\n")
        elif name == "gone":
            await _write(writer, 404, b"")
        elif name == "large":
            await _pour(writer, LARGE)
        else:
            await _write(writer, 200, b"%PDF-1.7 " + name.encode())


def refusal(status: int, description: str, parameters: dict[str, int] | None = None) -> bytes:
    more = {"parameters": parameters} if parameters else {}
    return _json({"ok": False, "error_code": status, "description": description, **more})


@contextlib.asynccontextmanager
async def fake_bot_api() -> AsyncIterator[FakeBotApi]:
    api = FakeBotApi()
    await api.start()
    try:
        yield api
    finally:
        await api.stop()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


async def _write(writer: asyncio.StreamWriter, status: int, body: bytes, headers: str = "") -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _pour(writer: asyncio.StreamWriter, size: int) -> None:
    """So many bytes without saying before how many."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(size // 65536):
        writer.write(b"\0" * 65536)
        await writer.drain()
