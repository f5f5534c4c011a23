"""Exactly one attempt to send, with the phase known at every moment.

`aiosmtplib` raises the same error for a connection that breaks before and after the last byte; one means "not sent",
the other "perhaps". So the dialogue is led here, command by command.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum, auto

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPNotSupported, SMTPResponseException
from aiosmtplib.errors import SMTPServerDisconnected

from channels.email.bounces import code_in, reason_of
from channels.email.settings import Server, Tls
from channels.email.writing import Letter
from helpdesk.channel import DeliveryError, Outcome, Reason, Withdrawn

CONNECT_SECONDS = 20.0
COMMAND_SECONDS = 60.0
ACCEPT_SECONDS = (
    300.0  #: for the answer to the last byte; giving up early is how mails are sent twice (RFC 5321 §4.5.3.2)
)
_WAIT = re.compile(r"\b(\d{1,5})\s?(s|sec|seconds?|sekunden|m|min|minutes?|minuten)\b", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"^\.", re.MULTILINE)


class Phase(Enum):
    LOGIN = auto()
    SENDER = auto()
    RECIPIENT = auto()
    ANNOUNCED = auto()  #: DATA said, nothing of the mail sent
    CONTENT = auto()  #: from here on a break means "perhaps"


class Relay:
    """The way out of one account. Opens a connection for each attempt and leaves none."""

    def __init__(self, server: Server, hello: str, *, accept_seconds: float = ACCEPT_SECONDS) -> None:
        self._server = server
        self._hello = hello
        self._accept_seconds = accept_seconds

    async def send(self, letter: Letter, go: Callable[[], Awaitable[None]]) -> None:
        """Raises `DeliveryError`; whatever `go` raises is let through, and nothing is sent."""
        async with self._session() as client:
            await go()
            await self._hand_over(client, letter)

    async def check(self) -> None:
        """Connects and logs in. Raises `DeliveryError`."""
        async with self._session():
            pass

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[SMTP]:
        client = self._client()
        polite = False
        try:
            await self._enter(client)
            yield client
            polite = True
        except DeliveryError as problem:
            polite = problem.outcome is not Outcome.UNCERTAIN
            raise
        except Withdrawn:
            polite = True
            raise
        finally:
            await _leave(client, polite=polite)

    def _client(self) -> SMTP:
        return SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.tls is Tls.SSL,
            start_tls=self._server.tls is Tls.STARTTLS,
            local_hostname=self._hello,
            timeout=COMMAND_SECONDS,
        )

    async def _enter(self, client: SMTP) -> None:
        try:
            await client.connect(timeout=CONNECT_SECONDS)
            await client.ehlo()
            if self._server.user:
                await client.login(self._server.user, self._server.password)
        except SMTPAuthenticationError as refused:
            temporary = 400 <= refused.code < 500
            raise _not_sent(Reason.PROVIDER_DOWN if temporary else Reason.ACCOUNT, f"login {refused.code}") from refused
        except SMTPNotSupported as missing:
            raise _not_sent(Reason.ACCOUNT, "the relay offers no such login or encryption") from missing
        except SMTPResponseException as answer:
            raise _not_sent(Reason.PROVIDER_DOWN, f"greeting {answer.code}", _wait_in(answer.message)) from answer
        except (SMTPException, OSError, ssl.SSLError, EOFError) as broken:
            raise _not_sent(Reason.PROVIDER_DOWN, type(broken).__name__) from broken

    async def _hand_over(self, client: SMTP, letter: Letter) -> None:
        phase = Phase.SENDER
        try:
            if letter.international and not client.supports_extension("smtputf8"):
                raise DeliveryError(Outcome.PERMANENT, Reason.INVALID_ADDRESS, detail="the relay knows no SMTPUTF8")
            await client.mail(letter.sender, options=_options(client, letter))
            phase = Phase.RECIPIENT
            await client.rcpt(letter.recipient, encoding="utf-8" if letter.international else "ascii")
            phase = Phase.ANNOUNCED
            announced = await client.execute_command(b"DATA")
            if announced.code != 354:
                raise SMTPResponseException(announced.code, announced.message)
            phase = Phase.CONTENT
            await self._content(client, letter.data)
        except SMTPResponseException as answer:
            raise refusal(phase, answer.code, answer.message) from answer
        except (SMTPException, OSError) as broken:
            if phase is Phase.CONTENT:
                raise DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN, detail=type(broken).__name__) from broken
            raise _not_sent(Reason.PROVIDER_DOWN, f"{phase.name.lower()}: {type(broken).__name__}") from broken

    async def _content(self, client: SMTP, data: bytes) -> None:
        protocol = client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("connection lost")
        protocol.write(_stuffed(data))
        answer = await protocol.read_response(timeout=self._accept_seconds)
        if not 200 <= answer.code < 300:
            raise SMTPResponseException(answer.code, answer.message)


def refusal(phase: Phase, code: int, words: str) -> DeliveryError:
    """What a server's no means. Codes outside 4xx and 5xx after the content are no answer at all."""
    reason = reason_of(code_in(words))
    detail = f"{phase.name.lower()} {code}"
    if code in (530, 534, 535, 538):
        return _not_sent(Reason.ACCOUNT, detail)
    if 400 <= code < 500:
        wait = _wait_in(words)
        busy = Reason.QUOTA if code == 452 or wait else Reason.PROVIDER_DOWN
        return _not_sent(busy if wait or reason is Reason.UNKNOWN else reason, detail, wait)
    if not 500 <= code < 600:
        if phase is Phase.CONTENT:
            return DeliveryError(Outcome.UNCERTAIN, Reason.UNKNOWN, detail=detail)
        return _not_sent(Reason.PROVIDER_DOWN, detail)
    if phase is Phase.SENDER and reason is not Reason.TOO_LARGE and code != 552:
        return _not_sent(Reason.ACCOUNT, detail)  # our own sender address is refused: every further mail would be, too
    if reason is Reason.UNKNOWN or reason is Reason.PROVIDER_DOWN:
        reason = _plain_reason(phase, code)
    return DeliveryError(Outcome.PERMANENT, reason, detail=detail)


def _plain_reason(phase: Phase, code: int) -> Reason:
    if code == 552:
        return Reason.QUOTA if phase is Phase.RECIPIENT else Reason.TOO_LARGE
    if phase is Phase.RECIPIENT and code in (550, 551, 553, 501):
        return Reason.INVALID_ADDRESS
    return Reason.REJECTED


def _not_sent(reason: Reason, detail: str, retry_after: timedelta | None = None) -> DeliveryError:
    return DeliveryError(Outcome.TEMPORARY, reason, retry_after=retry_after, detail=detail)


def _wait_in(words: str) -> timedelta | None:
    """„try again in 300 seconds“: greylisting says how long."""
    found = _WAIT.search(words[:500])
    if found is None:
        return None
    number = int(found.group(1))
    return timedelta(minutes=number) if found.group(2).lower().startswith("m") else timedelta(seconds=number)


def _options(client: SMTP, letter: Letter) -> list[str]:
    options = [f"SIZE={len(letter.data)}"] if client.supports_extension("size") else []
    return [*options, "SMTPUTF8", "BODY=8BITMIME"] if letter.international else options


def _stuffed(data: bytes) -> bytes:
    """Line ends as CRLF, leading dots doubled, the final dot (RFC 5321 §4.5.2)."""
    lines = _LINE_END.sub(b"\n", data).removesuffix(b"\n")
    return _DOT.sub(b"..", lines).replace(b"\n", b"\r\n") + b"\r\n.\r\n"


async def _leave(client: SMTP, *, polite: bool) -> None:
    """Says good-bye where that cannot hang; what was sent stays sent whatever the answer. Leaves no socket."""
    try:
        if polite and client.is_connected:
            await client.quit(timeout=5.0)
    except (SMTPException, OSError):
        pass
    finally:
        if isinstance(client.transport, asyncio.WriteTransport):
            client.transport.abort()
        client.close()
