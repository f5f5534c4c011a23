"""The suite is worth something: each of these channels is broken in one way, and the row that should notice does."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from channels.echo import EchoChannel
from channels.echo.inbound import read_message
from helpdesk.channel import DeliveryError, Desk, Go, InboundMessage, OutboundMessage, Outcome, Raw, Reason
from helpdesk.testing.fake_desk import FakeDesk
from tests.channels.echo.test_contract import SECRET, ScriptedEcho, TestEchoContract

Row = Callable[[TestEchoContract, EchoChannel, FakeDesk, ScriptedEcho], Awaitable[None]]
rows = TestEchoContract()
del TestEchoContract  # it has run in its own file


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def broken(kind: type[EchoChannel]) -> tuple[EchoChannel, FakeDesk, ScriptedEcho]:
    provider = ScriptedEcho()
    provider.channel = kind(SECRET)
    return provider.channel, FakeDesk("echo"), provider


class _Posting(EchoChannel):
    """An endpoint of its own, to be broken."""

    def routes(self, desk: Desk) -> list[BaseRoute]:
        async def post(request: Request) -> Response:
            return Response(status_code=await self.take(await request.body(), dict(request.headers), desk))

        return [Route("/message", post, methods=["POST"])]

    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        raise NotImplementedError


class _NewIdEachTime(_Posting):
    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        message = read_message(_raw(body), "echo")
        await desk.take_in(replace(message, external_id=str(uuid4())))
        return 200


class _ConfirmsWithoutCommit(_Posting):
    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        try:
            await desk.take_in(read_message(_raw(body), "echo"))
        except RuntimeError:
            logging.getLogger("echo").info("later perhaps")
        return 200


class _ComparesInAHurry(_Posting):
    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        return 200 if headers.get("x-echo-secret") == SECRET else 403


class _StoresForgeries(_Posting):
    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        await desk.park(_raw(body), "who is this?")
        return 200 if hmac.compare_digest(headers.get("x-echo-secret", "").encode(), SECRET.encode()) else 403


class _StumblesOverJunk(_Posting):
    async def take(self, body: bytes, headers: dict[str, str], desk: Desk) -> int:
        await desk.take_in(read_message(_raw(body), "echo"))
        return 200


class _LooksAtTheClock(EchoChannel):
    def read(self, raw: Raw) -> tuple[InboundMessage, ...]:
        return (replace(read_message(raw, "echo"), provider_time=datetime.now(UTC)),)


class _LooksIntoAFile(EchoChannel):
    def read(self, raw: Raw) -> tuple[InboundMessage, ...]:
        return (read_message(raw, Path(__file__).read_text() and "echo"),)


class _ForgetsToAsk(EchoChannel):
    async def send(self, message: OutboundMessage, go: Go) -> str:
        self.outbox.append(message)
        return "1"


class _CallsSilenceTemporary(EchoChannel):
    async def send(self, message: OutboundMessage, go: Go) -> str:
        try:
            return await super().send(message, go)
        except DeliveryError:
            raise DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN) from None


class _TriesAgainByItself(EchoChannel):
    async def send(self, message: OutboundMessage, go: Go) -> str:
        try:
            return await super().send(message, go)
        except DeliveryError as failure:
            self.attempts += 1
            raise failure


class _CutsLongTexts(EchoChannel):
    async def send(self, message: OutboundMessage, go: Go) -> str:
        return await super().send(replace(message, text=message.text[:10_000]), go)


class _TalksToItsLog(EchoChannel):
    async def send(self, message: OutboundMessage, go: Go) -> str:
        logging.getLogger("echo").debug("sending %s", message.text)
        return await super().send(message, go)


class _TellsTheSubject(EchoChannel):
    info = replace(EchoChannel.info, third_party=True)


class _LeavesATask(EchoChannel):
    tasks: set[asyncio.Task[None]] = set()

    async def send(self, message: OutboundMessage, go: Go) -> str:
        self.tasks.add(asyncio.ensure_future(asyncio.sleep(30)))
        return await super().send(message, go)


class _HidesAFile(EchoChannel):
    info = replace(EchoChannel.info, max_file=1)


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (_NewIdEachTime, lambda c, d, p: rows.test_the_same_original_twice_is_one_message(c, d, p)),
        (_NewIdEachTime, lambda c, d, p: rows.test_the_same_original_twice_at_the_same_moment_is_one_message(c, d, p)),
        (_ConfirmsWithoutCommit, lambda c, d, p: rows.test_nothing_is_confirmed_while_the_database_is_away(c, d, p)),
        (_StumblesOverJunk, lambda c, d, p: rows.test_junk_is_parked_and_the_next_one_is_taken_in(c, d, p)),
        (_StumblesOverJunk, lambda c, d, p: rows.test_hostile_input_stops_nothing(c, d, p)),
        (_ForgetsToAsk, lambda c, d, p: rows.test_a_message_is_sent_once_and_go_is_asked_once(c, p)),
        (_CallsSilenceTemporary, lambda c, d, p: rows.test_silence_after_the_last_byte_is_uncertain(c, p)),
        (_CallsSilenceTemporary, lambda c, d, p: rows.test_a_refused_address_is_permanent(c, p)),
        (_CallsSilenceTemporary, lambda c, d, p: rows.test_too_many_keeps_the_wait_that_was_asked_for(c, p)),
        (_TriesAgainByItself, lambda c, d, p: rows.test_silence_after_the_last_byte_is_uncertain(c, p)),
        (_TellsTheSubject, lambda c, d, p: rows.test_a_third_party_hears_the_pointer_and_nothing_else(c, p)),
        (_LeavesATask, lambda c, d, p: rows.test_a_cancelled_send_leaves_nothing_behind(c, p)),
        (_HidesAFile, lambda c, d, p: rows.test_what_is_declared_missing_is_missing(c, d)),
    ],
)
async def test_the_row_notices(kind: type[EchoChannel], row: Row) -> None:
    with pytest.raises(AssertionError):
        await row(*broken(kind))


@pytest.mark.parametrize("kind", [_ForgetsToAsk])
async def test_the_row_notices_what_is_not_withdrawn(kind: type[EchoChannel]) -> None:
    channel, _, provider = broken(kind)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await rows.test_a_withdrawn_message_is_not_sent(channel, provider)


async def test_the_row_notices_a_text_cut_off() -> None:
    channel, _, provider = broken(_CutsLongTexts)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await rows.test_a_text_over_the_limit_is_refused_unsent(channel, provider)


@pytest.mark.parametrize("kind", [_ComparesInAHurry, _StoresForgeries])
async def test_the_row_notices_a_careless_signature(kind: type[EchoChannel], monkeypatch: pytest.MonkeyPatch) -> None:
    channel, desk, _ = broken(kind)
    with pytest.raises(AssertionError):
        await rows.test_a_forged_signature_is_refused_and_leaves_nothing(channel, desk, monkeypatch)


@pytest.mark.parametrize("kind", [_LooksAtTheClock, _LooksIntoAFile])
def test_the_row_notices_impure_reading(kind: type[EchoChannel], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        rows.test_reading_is_pure(kind(SECRET), monkeypatch)


async def test_the_row_notices_a_talkative_log(caplog: pytest.LogCaptureFixture) -> None:
    channel, desk, provider = broken(_TalksToItsLog)
    with pytest.raises(AssertionError, match="a secret is readable"):
        await rows.test_no_log_and_no_repr_tells_a_secret(channel, desk, provider, caplog)


def _raw(body: bytes) -> Raw:
    return Raw(body=body, headers={}, received_at=datetime.now(UTC))
