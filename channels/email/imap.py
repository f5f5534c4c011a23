"""The mailbox: what is in INBOX has not been taken in yet, everything else has.

A mail leaves INBOX (for `Processed`, or `Failed`) only after the desk has committed it. Nothing is remembered between
two passes that would matter after a crash: a mail that is found again is the same mail by its `external_id`.

Every call has a time limit and ends with the connection: the library itself waits for ever when a server says BYE.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from aioimaplib import IMAP4, IMAP4_SSL, AioImapException, Command

from channels.email.settings import Server, Tls

SECONDS = 20.0  #: for one command
FETCH_SECONDS = 120.0  #: for one mail
PROCESSED = "Processed"
FAILED = "Failed"
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_VALIDITY = re.compile(rb"UIDVALIDITY (\d+)")
_EXISTS = re.compile(rb"^\d+ (?:EXISTS|RECENT)")
T = TypeVar("T")


class MailboxError(ConnectionError):
    """The mailbox cannot be reached or used; the text says why, without secrets."""


class Silence(MailboxError):
    """Nothing came in the time allowed."""


class LoginRefused(MailboxError):
    """The server does not accept name and password."""


class Answer(Protocol):
    """What the library gives back for a command."""

    result: str
    lines: Sequence[bytes | bytearray]


@asynccontextmanager
async def mailbox(server: Server) -> AsyncIterator[Mailbox]:
    """Logged in, INBOX selected. Raises `MailboxError`. Leaves no socket and no task, also when cancelled."""
    # the library logs content at DEBUG and what servers say at INFO
    logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.WARNING)
    client = _client(server)
    polite = False
    try:
        box = Mailbox(client)
        await box.enter(server)
        yield box
        polite = True
    finally:
        await _leave(client, polite=polite)


class Mailbox:
    """One connection. Every method may raise `MailboxError`."""

    def __init__(self, client: IMAP4) -> None:
        self._client = client
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client.protocol.conn_lost_cb = self._connection_lost
        self._folders: dict[str, str] = {}
        self.validity = 0  #: UIDVALIDITY: with it a UID names one mail for ever

    async def _within(self, call: Awaitable[T], seconds: float = SECONDS) -> T:
        task = asyncio.ensure_future(call)
        try:
            either: set[asyncio.Future[Any]] = {task, self._lost}
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except (AioImapException, OSError, EOFError) as broken:
            raise MailboxError(f"IMAP: {type(broken).__name__}") from broken
        finally:
            task.cancel()
        if self._lost.done():
            raise MailboxError("IMAP: connection lost")
        raise Silence("IMAP: no answer in time")

    async def enter(self, server: Server) -> None:
        await self._within(self._client.wait_hello_from_server())
        if server.tls is Tls.STARTTLS:
            await self._starttls(server.host)
        answer = await self._within(self._client.login(_quoted(server.user), server.password))
        if answer.result != "OK":
            raise LoginRefused("IMAP: login refused")
        await self.select("INBOX")

    async def select(self, folder: str) -> None:
        answer = await self._within(self._client.select(_quoted(folder)))
        if answer.result != "OK":
            raise MailboxError("IMAP: folder cannot be opened")
        found = _VALIDITY.search(b" ".join(bytes(line) for line in answer.lines))
        self.validity = int(found.group(1)) if found else 0

    async def waiting(self) -> list[int]:
        """UIDs in the open folder, oldest first."""
        await self._within(self._client.noop())
        return await self._search("UNDELETED")

    async def with_message_id(self, message_id: str) -> list[int]:
        return await self._search("HEADER", "Message-ID", _quoted(message_id))

    async def _search(self, *criteria: str) -> list[int]:
        answer = await self._within(self._client.uid_search(*criteria, charset=None))
        if answer.result != "OK":
            raise MailboxError("IMAP: search refused")
        words = answer.lines[0].split() if len(answer.lines) > 1 else []
        return sorted(int(word) for word in words if word.isdigit())

    async def size(self, uid: int) -> int:
        """Bytes of a mail; 0 when it is gone (another process of ours was quicker, or a person)."""
        answer = await self._fetch(uid, "(UID RFC822.SIZE)")
        found = [_SIZE.search(line) for line in answer.lines if isinstance(line, bytes)]
        return next((int(each.group(1)) for each in found if each), 0)

    async def fetch(self, uid: int, limit: int) -> bytes | None:
        """The first `limit` bytes, without setting a flag; None when the mail is gone."""
        answer = await self._fetch(uid, f"(UID BODY.PEEK[]<0.{limit}>)")
        literal = next((line for line in answer.lines if isinstance(line, bytearray)), None)
        return None if literal is None else bytes(literal)

    async def _fetch(self, uid: int, items: str) -> Answer:
        answer: Answer = await self._within(self._client.uid("fetch", str(uid), items), FETCH_SECONDS)
        if answer.result not in ("OK", "NO"):  # NO: one of the mails asked for is not there any more (RFC 5530)
            raise MailboxError("IMAP: fetch refused")
        return answer

    async def move(self, uid: int, folder: str) -> None:
        """Out of INBOX. In this order the worst that can happen is a second copy in the target."""
        target = _quoted(await self.folder(folder))
        if self._client.has_capability("MOVE"):
            answer = await self._within(self._client.uid("move", str(uid), target))
            if answer.result != "OK" and await self.size(uid):
                raise MailboxError(f"IMAP: moving to {folder} refused")
            return
        copied = await self._within(self._client.uid("copy", str(uid), target))
        if copied.result != "OK":
            raise MailboxError(f"IMAP: copying to {folder} refused")
        await self._within(self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Seen \Deleted)"))
        if self._client.has_capability("UIDPLUS"):
            await self._within(self._client.uid("expunge", str(uid)))
        else:
            await self._within(self._client.expunge())

    async def folder(self, name: str) -> str:
        """Its name on this server. Made where the server allows one: at the top, or (Courier, Cyrus) below INBOX."""
        if name in self._folders:
            return self._folders[name]
        for candidate in (name, f"INBOX.{name}", f"INBOX/{name}"):
            await self._within(self._client.create(_quoted(candidate)))  # refused when it is there already
            status = await self._within(self._client.status(_quoted(candidate), "(MESSAGES)"))
            if status.result == "OK":
                self._folders[name] = candidate
                return candidate
        raise MailboxError(f"IMAP: folder {name} cannot be made")

    async def news(self, seconds: float) -> bool:
        """Waits for new mail. False when there was none, or when the server cannot say (then it just waits)."""
        if not self._client.has_capability("IDLE"):
            await asyncio.sleep(seconds)
            return True
        idle = await self._within(self._client.idle_start(timeout=seconds + 10))
        pushed = await self._pushed(seconds)
        self._client.idle_done()
        await self._within(idle)
        return pushed

    async def _pushed(self, seconds: float) -> bool:
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                pushed = await self._within(self._client.wait_server_push(seconds + 5), left)
            except Silence:
                break
            said = [line for line in pushed if isinstance(line, bytes)]
            if any(line.startswith(b"BYE") for line in said):
                raise MailboxError("IMAP: the server said good-bye")
            if any(map(_EXISTS.match, said)):
                return True
        return False

    async def _starttls(self, host: str) -> None:
        """The library knows the command and not the handshake. Said before the login, or not at all."""
        protocol = self._client.protocol
        if not self._client.has_capability("STARTTLS"):
            raise MailboxError("IMAP: the server offers no STARTTLS")
        answer = await self._within(protocol.execute(Command("STARTTLS", protocol.new_tag(), loop=protocol.loop)))
        if answer.result != "OK":
            raise MailboxError("IMAP: STARTTLS refused")
        protocol.incomplete_line = b""  # what came before the handshake came from anybody
        context = ssl.create_default_context()
        upgrade = protocol.loop.start_tls(protocol.transport, protocol, context, server_hostname=host)
        protocol.transport = await self._within(upgrade)
        await self._within(protocol.capability())

    def _connection_lost(self, _: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)


def _client(server: Server) -> IMAP4:
    if server.tls is Tls.SSL:
        return IMAP4_SSL(host=server.host, port=server.port, timeout=SECONDS)
    return IMAP4(host=server.host, port=server.port, timeout=SECONDS)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _leave(client: IMAP4, *, polite: bool) -> None:
    """Logs out where that cannot hang, then closes whatever is open."""
    try:
        if polite:
            await asyncio.wait_for(client.logout(), 3.0)
    except (AioImapException, OSError, TimeoutError):
        pass
    finally:
        for task in (*client.tasks, *client.protocol.tasks, client._client_task):
            task.cancel()
        if client._idle_waiter is not None:
            client._idle_waiter.cancel()
        if client.protocol.transport is not None:
            client.protocol.transport.abort()
