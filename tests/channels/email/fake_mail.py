"""A mail server that does what the script says: SMTP in front, IMAP behind, in this process.

For what no real server does on command: fall silent after the last byte, hang up during IDLE, lack an extension.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import re
from collections.abc import AsyncIterator, Sequence
from email import policy
from email.message import EmailMessage

from helpdesk.testing.channel_contract import RETRY_AFTER_SECONDS, Says

HOST = "127.0.0.1"
USER, PASSWORD = "hilfe@nrw.example", "imap-geheim-0815"
SMTP_USER, SMTP_PASSWORD, SECRET = "relay-nutzer", "smtp-geheim-0815", "ein-geheimnis-fuer-marken"
_FETCH = re.compile(r"UID FETCH (\d+) \(UID (RFC822\.SIZE|BODY\.PEEK\[\]<0\.(\d+)>)\)")
_ANSWERS = {
    Says.OK: b"250 2.0.0 angenommen",
    Says.GIBBERISH: b"%%% ???",
    Says.BROKEN: b"451 4.3.0 interner Fehler",
    Says.TOO_MANY: b"450 4.7.1 zu viele, try again in %d seconds" % RETRY_AFTER_SECONDS,
}


class FakeMail:
    """`script`: one word per attempt to send. `at`: an answer for a command (e.g. {"MAIL": b"550 nein"}), b"" = hang up."""

    def __init__(self) -> None:
        self.smtp_port = 0
        self.imap_port = 0
        self.script: list[Says] = []
        self.at: dict[str, bytes] = {}
        self.accepted: list[tuple[str, str, bytes]] = []  # sender, recipient, mail
        self.attempts = 0
        self.commands: list[str] = []
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}, "Processed": {}}
        self.capabilities = "IMAP4rev1 IDLE MOVE UIDPLUS"
        self.idle_says: Sequence[bytes] = ()
        self.password = PASSWORD
        self.allowed_prefix = ""  #: folders can be made only below it, e.g. "INBOX."
        self._next_uid = 1
        self._smtp: asyncio.Server | None = None
        self._imap: asyncio.Server | None = None
        self._heard: list[bytes] = []
        self._writers: set[asyncio.StreamWriter] = set()

    # what the suite asks of a provider

    async def say(self, *script: Says) -> None:
        self.script = list(script)
        if Says.REFUSES_CONNECTION in script:
            await self._close(self._smtp)
            self._smtp = None
        elif self._smtp is None:
            await self.open_smtp()

    def texts(self) -> list[str]:
        return [_text(data) for _, _, data in self.accepted]

    def heard(self) -> str:
        return b"\n".join(self._heard).decode("utf-8", "replace") + "".join(self.texts())

    # the mailbox

    def put(self, data: bytes, folder: str = "INBOX") -> int:
        uid, self._next_uid = self._next_uid, self._next_uid + 1
        self.folders.setdefault(folder, {})[uid] = data
        return uid

    def in_folder(self, name: str) -> list[bytes]:
        return list(self.folders.get(name, {}).values())

    # servers

    async def open_smtp(self) -> None:
        self._smtp = await asyncio.start_server(self._smtp_dialogue, HOST, self.smtp_port, limit=2**26)
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]

    async def open_imap(self) -> None:
        self._imap = await asyncio.start_server(self._imap_dialogue, HOST, self.imap_port)
        self.imap_port = self._imap.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for writer in tuple(self._writers):
            writer.close()
        await self._close(self._smtp)
        await self._close(self._imap)

    async def _close(self, server: asyncio.Server | None) -> None:
        if server is not None:
            server.close()
            await asyncio.sleep(0)

    def settings(self) -> dict[str, str]:
        return {
            "email_address": USER,
            "email_name": "Portalservice",
            "email_imap_host": HOST,
            "email_imap_port": str(self.imap_port),
            "email_imap_password": PASSWORD,
            "email_imap_tls": "none",
            "email_smtp_host": HOST,
            "email_smtp_port": str(self.smtp_port),
            "email_smtp_user": SMTP_USER,
            "email_smtp_password": SMTP_PASSWORD,
            "email_smtp_tls": "none",
            "email_secret": SECRET,
        }

    # SMTP

    async def _smtp_dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._connection(writer):
            writer.write(b"220 fake\r\n")
            sender = recipient = ""
            while line := await reader.readline():
                self._heard.append(line)
                words = line.decode("utf-8", "replace").strip()
                verb = words.split(":")[0].split()[0].upper() if words else ""
                self.commands.append(words)
                if verb in self.at:
                    if not self.at[verb]:
                        return
                    writer.write(self.at[verb] + b"\r\n")
                    continue
                if verb == "EHLO":
                    writer.write(b"250-fake\r\n250-SIZE 30000000\r\n250 AUTH PLAIN\r\n")
                elif verb == "AUTH":
                    bad = Says.BAD_CREDENTIALS in self.script
                    writer.write(b"535 5.7.8 falsch\r\n" if bad else b"235 2.7.0 willkommen\r\n")
                elif verb == "MAIL":
                    sender = words.partition("<")[2].partition(">")[0]
                    writer.write(b"250 ok\r\n")
                elif verb == "RCPT":
                    recipient = words.partition("<")[2].partition(">")[0]
                    writer.write(self._of_recipient())
                elif verb == "DATA":
                    writer.write(b"354 los\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self._heard.append(data)
                    self.attempts += 1
                    says = self.script.pop(0) if self.script else Says.OK
                    if says in (Says.HANGS, Says.FALLS_SILENT):
                        await reader.read()
                        return
                    if says is Says.OK:
                        self.accepted.append((sender, recipient, data))
                    if "CONTENT" in self.at:
                        if not self.at["CONTENT"]:
                            return
                        writer.write(self.at["CONTENT"] + b"\r\n")
                    else:
                        writer.write(_ANSWERS[says] + b"\r\n")
                else:
                    writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
                    if verb == "QUIT":
                        return

    def _of_recipient(self) -> bytes:
        if self.script[:1] == [Says.NO_SUCH_ADDRESS]:
            self.script.pop(0)
            self.attempts += 1
            return b"550 5.1.1 unbekannt\r\n"
        return b"250 ok\r\n"

    # IMAP

    async def _imap_dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._connection(writer):
            if Says.HANGS in self.script:
                await reader.read()
                return
            writer.write(b"* OK fake\r\n")
            folder: dict[int, bytes] = {}
            while line := await reader.readline():
                tag, _, words = line.decode("utf-8", "replace").strip().partition(" ")
                self.commands.append(words)
                verb = words.removeprefix("UID ").split()[0].upper()
                if verb in self.at:
                    if not self.at[verb]:
                        return
                    writer.write(tag.encode() + b" " + self.at[verb] + b"\r\n")
                    continue
                if verb == "SELECT":
                    folder = self.folders.get(words.split('"')[1], {})
                if verb == "IDLE":
                    if not await self._idle(tag, reader, writer):
                        return
                    continue
                result = self._imap_answer(verb, words, folder, writer)
                writer.write(f"{tag} {result}\r\n".encode())
                await writer.drain()
                if verb == "LOGOUT":
                    return

    def _imap_answer(self, verb: str, words: str, folder: dict[int, bytes], writer: asyncio.StreamWriter) -> str:
        named = words.split('"')[1] if '"' in words else ""
        match verb:
            case "CAPABILITY":
                writer.write(f"* CAPABILITY {self.capabilities}\r\n".encode())
            case "LOGIN":
                return "OK" if f'"{self.password}"' in words else "NO falsch"
            case "SELECT":
                writer.write(f"* {len(folder)} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".encode())
            case "SEARCH":
                wanted = words.rpartition('"<')[2].removesuffix('>"') if "HEADER" in words else ""
                found = [uid for uid, data in folder.items() if wanted.encode() in data]
                writer.write(f"* SEARCH {' '.join(map(str, found))}".rstrip().encode() + b"\r\n")
            case "FETCH":
                _fetched(words, folder, writer)
            case "CREATE":
                if not named.startswith(self.allowed_prefix):
                    return "NO verboten"
                self.folders.setdefault(named, {})
            case "STATUS":
                return "OK" if named in self.folders and named.startswith(self.allowed_prefix) else "NO fehlt"
            case "MOVE" | "COPY":
                uid = int(words.split()[2])
                if uid in folder:
                    self.folders[named][uid + 10_000] = folder[uid]
                    if verb == "MOVE":
                        del folder[uid]
            case "EXPUNGE":
                folder.pop(int(words.split()[2]), None) if words.startswith("UID") else folder.clear()
        return "OK fertig"

    async def _idle(self, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"+ idling\r\n")
        for line in self.idle_says:
            await asyncio.sleep(0.1)
            writer.write(line + b"\r\n")
            if line.startswith(b"* BYE"):
                return False
        if not await reader.readline():
            return False
        writer.write(f"{tag} OK\r\n".encode())
        return True

    @contextlib.contextmanager
    def _connection(self, writer: asyncio.StreamWriter):  # type: ignore[no-untyped-def]
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                yield
        finally:
            self._writers.discard(writer)
            writer.close()


@contextlib.asynccontextmanager
async def fake_mail() -> AsyncIterator[FakeMail]:
    fake = FakeMail()
    await fake.open_smtp()
    await fake.open_imap()
    try:
        yield fake
    finally:
        await fake.close()


def _fetched(words: str, folder: dict[int, bytes], writer: asyncio.StreamWriter) -> None:
    match = _FETCH.fullmatch(words)
    assert match is not None, words
    uid = int(match.group(1))
    data = folder.get(uid)
    if data is None:
        return
    if match.group(3) is None:
        writer.write(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(data)})\r\n".encode())
        return
    part = data[: int(match.group(3))]
    writer.write(f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(part)}}}\r\n".encode() + part + b")\r\n")


def _text(data: bytes) -> str:
    mail = email.message_from_bytes(data.replace(b"\r\n..", b"\r\n.").removesuffix(b".\r\n"), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    return body.get_content().replace("\r\n", "\n") if body else ""
