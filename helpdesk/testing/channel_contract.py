"""The suite that every channel passes: twenty rows of things that must hold, run against a scripted provider.

A channel's test subclasses `ChannelContract`, says how an original is handed over and signed, and brings a fake of its
provider that answers by script. What a channel cannot do is declared in `lacks` with the reason; a declaration that is
not true fails. Some rows belong to the core as well; their tests say here who checks the other half.

    class TestEcho(ChannelContract):
        channel_class = EchoChannel
        lacks = {Part.POLL: "messages are posted to us"}

An original that cannot be read makes `read` raise `ValueError`; one that is readable but concerns nobody gives `()`.
A failed `fetch` raises `DeliveryError`, too, except for `FileTooLarge`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from importlib import import_module
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import pytest

from helpdesk.channel import (
    Address,
    Channel,
    DeliveryError,
    DeliveryReport,
    File,
    FileTooLarge,
    InboundMessage,
    Kind,
    Misconfigured,
    OutboundMessage,
    Outcome,
    Raw,
    Reason,
    State,
    Withdrawn,
)
from helpdesk.testing.fake_desk import FakeDesk
from helpdesk.testing.wire import Reply, Request, call

COLOURFUL = "äöüß €, „Zitat“, العربية, Türkçe, 👩‍🚒🇩🇪 emoji"
HIDDEN_NAME = "Aurelia Geheimrat"
HIDDEN_SUBJECT = "Betreff-4711-vertraulich"
HIDDEN_FILE = "Bescheid-4711-vertraulich.pdf"
HIDDEN_THREAD = "Aktenzeichen-4711-vertraulich"
SLACK = 256 * 1024  #: bytes that may be on their way when a fetch stops at its cap


class Part(StrEnum):
    """What a channel may lack."""

    RECEIVE = auto()
    WEBHOOK = auto()
    POLL = auto()
    SEND = auto()
    FILES = auto()
    FILE_HOST = auto()  #: files come with the original, nothing is fetched from another host
    REPORTS = auto()
    QUOTA = auto()  #: the provider never says "too many, wait so long"
    BLOCKED = auto()  #: the provider cannot say that the person blocked us
    CREDENTIALS = auto()  #: no account that could be refused
    NOTICE = auto()  #: the channel hands the receipt to whoever asked and sends no notice of its own
    AUTOMATIC = auto()  #: the provider cannot tell automatic messages from others
    LIMIT = auto()  #: texts of any length


class Says(StrEnum):
    """What the provider does with the next request."""

    OK = auto()
    REFUSES_CONNECTION = auto()
    FALLS_SILENT = auto()  #: takes the last byte and never answers, until the channel's own time-out
    HANGS = auto()  #: as `FALLS_SILENT`; the test cancels before any time-out
    GIBBERISH = auto()  #: an answer that is none
    BROKEN = auto()  #: answers "500" or the like
    TOO_MANY = auto()  #: answers "wait 7 seconds"
    NO_SUCH_ADDRESS = auto()
    BLOCKED = auto()
    BAD_CREDENTIALS = auto()


RETRY_AFTER_SECONDS = 7


class FakeProvider(Protocol):
    """The other end of the wire. Without a script it accepts everything."""

    async def say(self, *script: Says) -> None:
        """One word for each of the next requests to send or to ask for news; replaces what was left of the script."""
        ...

    @property
    def attempts(self) -> int:
        """How many requests to send have arrived, whatever the answer was."""
        ...

    def texts(self) -> Sequence[str]:
        """The texts of the messages that it accepted, in order."""
        ...

    def heard(self) -> str:
        """All that ever reached it, decoded so far that a reader finds a name in it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Original:
    """A recorded original and what `read` must make of it."""

    name: str
    raw: Raw
    gives: tuple[InboundMessage | DeliveryReport, ...]


class ChannelContract:
    """Twenty rows. A subclass sets the attributes, gives the fixture `provider` and overrides what raises below."""

    pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("anyio_backend")]  # the latter for the sync ones

    channel_class: ClassVar[type[Channel]]
    lacks: ClassVar[Mapping[Part, str]] = {}
    needs: ClassVar[tuple[str, ...]] = ()  #: settings without which this configuration is only half of one
    secrets: ClassVar[tuple[str, ...]] = ()  #: values of settings that nobody may ever read in a log
    unreadable_status: ClassVar[int] = 200  #: answered to signed junk; alerts say 400
    compares_with: ClassVar[str] = "hmac.compare_digest"
    poll_limit: ClassVar[float] = 31.0  #: seconds

    # What the subclass brings

    @pytest.fixture
    def provider(self) -> AsyncIterator[FakeProvider]:
        """An async generator that starts the fake, yields it and stops it."""
        raise NotImplementedError

    def settings(self, provider: FakeProvider) -> Mapping[str, str]:
        """A whole configuration, pointing at this provider."""
        raise NotImplementedError

    def originals(self) -> Sequence[Original]:
        raise NotImplementedError

    def junk(self) -> Sequence[Raw]:
        """Originals that came from the provider beyond doubt and cannot be read."""
        raise NotImplementedError

    def hostile(self) -> Mapping[str, Raw]:
        """Input made to hurt, up to the size cap; may be unreadable, must not be slow."""
        raise NotImplementedError

    def saying(self, text: str) -> Raw:
        """A fresh original, with an id of its own, in which a person writes this text."""
        raise NotImplementedError

    def automatic(self) -> Raw:
        """A fresh original that a machine sent."""
        raise NotImplementedError

    def request(self, raw: Raw) -> Request:
        """As the provider posts it, signed rightly."""
        raise NotImplementedError

    def forgeries(self, raw: Raw) -> Sequence[Request]:
        """The same with the signature missing, wrong, foreign, or not even text."""
        raise NotImplementedError

    def address(self) -> Address:
        """Somebody whom the provider can reach."""
        raise NotImplementedError

    def large_file(self, provider: FakeProvider) -> File:
        """The provider serves more bytes than `info.max_file`, though the message said less."""
        raise NotImplementedError

    def file_elsewhere(self, provider: FakeProvider) -> File:
        """The provider redirects the download to another host; `visits_elsewhere` counts who came there."""
        raise NotImplementedError

    def visits_elsewhere(self, provider: FakeProvider) -> int:
        raise NotImplementedError

    async def hand_over(self, channel: Channel, desk: FakeDesk, provider: FakeProvider, raw: Raw) -> Reply | None:
        """Give the channel one original in its provider's way; a second call is the provider's repeat."""
        return await call(channel, desk, self.request(raw))

    def outbound(self, text: str) -> OutboundMessage:
        return OutboundMessage(key=uuid4(), attempt=1, to=self.address(), text=text, language="de", thread={})

    # Fixtures

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def channel(self, provider: FakeProvider) -> Channel:
        (channel,) = self.channel_class.from_settings(self.settings(provider))
        return channel

    @pytest.fixture
    def desk(self, channel: Channel) -> FakeDesk:
        return FakeDesk(channel.account)

    def having(self, *parts: Part) -> None:
        for part in parts:
            if part in self.lacks:
                pytest.skip(f"{self.channel_class.name} lacks {part}: {self.lacks[part]}")

    # Before the rows: what is declared is true

    async def test_what_is_declared_missing_is_missing(self, channel: Channel, desk: FakeDesk) -> None:
        assert (Part.RECEIVE in self.lacks) is not channel.info.inbound
        assert (Part.SEND in self.lacks) is not channel.info.outbound
        assert (Part.WEBHOOK in self.lacks) is not bool(channel.routes(desk))
        assert (Part.FILES in self.lacks) is (channel.info.max_file is None)
        assert (Part.LIMIT in self.lacks) is (channel.info.max_units is None)
        assert (Part.REPORTS in self.lacks) is (channel.info.receipts <= {State.SENT})
        if Part.POLL in self.lacks:
            await asyncio.wait_for(channel.poll(desk), 1)
            assert desk.calls == 0

    def test_it_introduces_itself(self, channel: Channel) -> None:
        assert channel.name == channel.name.lower().strip() != ""
        assert channel.info.label and channel.info.address_kind
        assert channel.account

    # Rows 1 to 4: coming in

    async def test_the_same_original_twice_is_one_message(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 1, one after the other. The core's half: the unique constraint (tests/helpdesk, intake)."""
        self.having(Part.RECEIVE)
        raw = self.saying("Das Portal ist weg")
        first = await self.hand_over(channel, desk, provider, raw)
        again = await self.hand_over(channel, desk, provider, raw)
        assert len(desk.messages) == 1
        assert first is None or (first.accepted and again is not None and again.accepted)

    async def test_the_same_original_twice_at_the_same_moment_is_one_message(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 1, at once."""
        self.having(Part.RECEIVE)
        raw = self.saying("Das Portal ist weg")
        replies = await asyncio.gather(*(self.hand_over(channel, desk, provider, raw) for _ in range(3)))
        assert len(desk.messages) == 1
        assert all(reply is None or reply.accepted for reply in replies)

    async def test_nothing_is_confirmed_while_the_database_is_away(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 1, the other side of it: without a commit there is no 2xx, and the repeat is taken in."""
        self.having(Part.RECEIVE)
        raw = self.saying("Das Portal ist weg")
        desk.trouble = RuntimeError("database away")
        with contextlib.suppress(RuntimeError, DeliveryError):
            reply = await self.hand_over(channel, desk, provider, raw)
            assert reply is None or reply.status >= 500
        desk.trouble = None
        await self.hand_over(channel, desk, provider, raw)
        assert [message.text for message in desk.messages] == ["Das Portal ist weg"]
        assert desk.parked == []

    async def test_a_forged_signature_is_refused_and_leaves_nothing(
        self, channel: Channel, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Row 2. The comparison takes the same time wherever the difference is."""
        self.having(Part.WEBHOOK)
        compared = _spy(monkeypatch, self.compares_with)
        for forgery in self.forgeries(self.saying("gefälscht")):
            reply = await call(channel, desk, forgery)
            assert reply.status == 403, forgery
        assert desk.calls == 0
        assert compared, f"{self.compares_with} was never asked"

    async def test_junk_is_parked_and_the_next_one_is_taken_in(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 3."""
        self.having(Part.RECEIVE)
        for count, raw in enumerate(self.junk(), start=1):
            reply = await self.hand_over(channel, desk, provider, raw)
            assert reply is None or reply.status == self.unreadable_status
            assert len(desk.parked) == count, raw.body[:80]
            assert desk.parked[-1][1], "says why"
        assert desk.messages == []
        await self.hand_over(channel, desk, provider, self.saying("Die nächste"))
        assert [message.text for message in desk.messages] == ["Die nächste"]

    def test_reading_gives_what_was_recorded(self, channel: Channel) -> None:
        """Row 4, the values."""
        self.having(Part.RECEIVE)
        for original in self.originals():
            assert channel.read(original.raw) == original.gives, original.name

    def test_reading_is_pure(self, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
        """Row 4: twice the same, and neither network, file, process nor clock is touched."""
        self.having(Part.RECEIVE)
        before = [channel.read(original.raw) for original in self.originals()]
        originals = self.originals()
        with _no_contact() as touched, monkeypatch.context() as patch:
            _stop_the_clocks(patch)
            again = [channel.read(original.raw) for original in originals]
        assert again == before
        assert touched == []

    # Rows 5 to 9: one attempt to send

    async def test_a_message_is_sent_once_and_go_is_asked_once(self, channel: Channel, provider: FakeProvider) -> None:
        """Before row 5: the plain case."""
        self.having(Part.SEND)
        go = _Go()
        assert await channel.send(self.outbound("Wir kümmern uns."), go)
        assert (go.asked, provider.attempts) == (1, 1)
        assert "Wir kümmern uns." in provider.texts()[0]

    async def test_a_withdrawn_message_is_not_sent(self, channel: Channel, provider: FakeProvider) -> None:
        """Before row 5: `go` says no, so not one byte of the message leaves us."""
        self.having(Part.SEND)
        with pytest.raises(Withdrawn):
            await channel.send(self.outbound("Nicht mehr gewollt"), _Go(Withdrawn()))
        assert provider.attempts == 0
        assert "Nicht mehr gewollt" not in provider.heard()

    async def test_silence_after_the_last_byte_is_uncertain(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 5. And the channel does not try again by itself."""
        self.having(Part.SEND)
        await self._fails(channel, provider, Says.FALLS_SILENT, Outcome.UNCERTAIN)
        assert provider.attempts == 2, "one attempt, and the next message"

    async def test_a_refused_connection_is_temporary(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 5."""
        self.having(Part.SEND)
        await self._fails(channel, provider, Says.REFUSES_CONNECTION, Outcome.TEMPORARY)

    async def test_too_many_keeps_the_wait_that_was_asked_for(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 6."""
        self.having(Part.SEND, Part.QUOTA)
        failure = await self._fails(channel, provider, Says.TOO_MANY, Outcome.TEMPORARY, Reason.QUOTA)
        assert failure.retry_after is not None
        assert failure.retry_after.total_seconds() == RETRY_AFTER_SECONDS

    async def test_an_answered_failure_is_temporary(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 7."""
        self.having(Part.SEND)
        await self._fails(channel, provider, Says.BROKEN, Outcome.TEMPORARY, Reason.PROVIDER_DOWN)

    async def test_a_refused_address_is_permanent(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 7."""
        self.having(Part.SEND)
        await self._fails(channel, provider, Says.NO_SUCH_ADDRESS, Outcome.PERMANENT, Reason.INVALID_ADDRESS)

    async def test_a_person_who_blocked_us_is_permanent(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 7."""
        self.having(Part.SEND, Part.BLOCKED)
        await self._fails(channel, provider, Says.BLOCKED, Outcome.PERMANENT, Reason.BLOCKED)

    async def test_wrong_credentials_are_the_accounts_trouble(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 8. That the message stays pending and the account stops is the core's (tests/helpdesk, deliveries)."""
        self.having(Part.SEND, Part.CREDENTIALS)
        await self._fails(channel, provider, Says.BAD_CREDENTIALS, Outcome.TEMPORARY, Reason.ACCOUNT)

    async def test_an_answer_that_is_none_proves_nothing(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 9. A stranger's exception counts as uncertain, which the core decides (tests/helpdesk, deliveries)."""
        self.having(Part.SEND)
        await self._fails(channel, provider, Says.GIBBERISH, Outcome.UNCERTAIN)

    async def test_whether_an_uncertain_one_was_sent_can_be_asked(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        """Row 9: `find` answers with an id or with "cannot tell", and sends nothing."""
        self.having(Part.SEND)
        found = await channel.find(self.outbound("Kam das an?"))
        assert found is None or found
        assert provider.attempts == 0

    async def _fails(
        self, channel: Channel, provider: FakeProvider, says: Says, outcome: Outcome, reason: Reason | None = None
    ) -> DeliveryError:
        """One failure of this kind; the next message goes out all the same."""
        await provider.say(says)
        with pytest.raises(DeliveryError) as caught:
            await channel.send(self.outbound("Der erste Versuch"), _Go())
        assert caught.value.outcome is outcome
        assert reason is None or caught.value.reason is reason
        await provider.say()
        assert await channel.send(self.outbound("Und danach"), _Go())
        assert provider.texts()[-1:] and "Und danach" in provider.texts()[-1]
        return caught.value

    # Rows 10 to 12: reports, length, letters

    async def test_reports_may_come_twice(self, channel: Channel, desk: FakeDesk, provider: FakeProvider) -> None:
        """Row 10. The same original gives the same report id. That the highest state wins is the core's."""
        self.having(Part.REPORTS)
        reports = [original for original in self.originals() if isinstance(original.gives[0], DeliveryReport)]
        assert reports, "a channel with reports has recorded some"
        for original in [*reports, *reversed(reports)]:
            await self.hand_over(channel, desk, provider, original.raw)
        assert len({report.report_id for report in desk.reports}) == len(reports)
        assert len(desk.reports) == 2 * len(reports)

    async def test_the_longest_text_goes_out_whole(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 11. Splitting is the core's (tests/helpdesk, deliveries); a part of exactly the limit must pass."""
        self.having(Part.SEND, Part.LIMIT)
        text = _of_length(channel, self._limit(channel))
        assert await channel.send(self.outbound(text), _Go())
        assert text in provider.texts()[0]

    async def test_a_text_over_the_limit_is_refused_unsent(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 11: never cut off silently."""
        self.having(Part.SEND, Part.LIMIT)
        with pytest.raises(DeliveryError) as caught:
            await channel.send(self.outbound(_of_length(channel, self._limit(channel) + 1)), _Go())
        assert (caught.value.outcome, caught.value.reason) == (Outcome.PERMANENT, Reason.TOO_LARGE)
        assert provider.attempts == 0

    def test_the_measure_can_be_split_by(self, channel: Channel) -> None:
        """Row 11: nothing measures nothing, and a part never measures more than the whole."""
        measure = channel.info.measure
        assert measure("") == 0
        assert all(0 < measure(COLOURFUL[:end]) <= measure(COLOURFUL) for end in range(1, len(COLOURFUL) + 1))

    def _limit(self, channel: Channel) -> int:
        assert channel.info.max_units is not None
        return channel.info.max_units

    async def test_letters_survive_coming_in(self, channel: Channel, desk: FakeDesk, provider: FakeProvider) -> None:
        """Row 12."""
        self.having(Part.RECEIVE)
        await self.hand_over(channel, desk, provider, self.saying(COLOURFUL))
        assert [message.text for message in desk.messages] == [COLOURFUL]

    async def test_letters_survive_going_out(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 12."""
        self.having(Part.SEND)
        await channel.send(self.outbound(COLOURFUL), _Go())
        assert COLOURFUL in provider.texts()[0]

    # Rows 13 and 14: secrets, settings

    async def test_no_log_and_no_repr_tells_a_secret(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Row 13, with every logger at its loudest, through success and every failure."""
        caplog.set_level(logging.DEBUG)
        text, seen = "Meine Steuernummer ist 133/8150/8159", [repr(channel)]
        if Part.RECEIVE not in self.lacks:
            await self.hand_over(channel, desk, provider, self.saying(text))
            seen += [repr(replace(message, hints=())) for message in desk.messages]  # hints are ids, and shown
        if Part.SEND not in self.lacks:
            seen += [repr(failure) for failure in await self._all_failures(channel, provider, text)]
        seen += [logging.Formatter().format(record) for record in caplog.records]
        for secret in (*self.secrets, text, self.address().value):
            assert [line for line in seen if secret in line] == [], "a secret is readable"

    async def _all_failures(self, channel: Channel, provider: FakeProvider, text: str) -> list[DeliveryError]:
        failures: list[DeliveryError] = []
        for says in (Says.OK, Says.REFUSES_CONNECTION, Says.GIBBERISH, Says.BROKEN, Says.NO_SUCH_ADDRESS):
            await provider.say(says)
            try:
                await channel.send(self.outbound(text), _Go())
            except DeliveryError as failure:
                failures.append(failure)
        assert failures
        return failures

    def test_no_settings_is_no_channel(self) -> None:
        """Row 14."""
        with _no_contact() as touched:
            assert self.channel_class.from_settings({}) == ()
        assert touched == []

    def test_half_a_configuration_names_what_is_missing(self, provider: FakeProvider) -> None:
        """Row 14. An empty value is a missing one; what is wrong is named without quoting a secret."""
        whole = self.settings(provider)
        for key in self.needs:
            for half in ({k: v for k, v in whole.items() if k != key}, {**whole, key: ""}):
                with pytest.raises(Misconfigured) as caught:
                    self.channel_class.from_settings(half)
                assert key in str(caught.value)
                assert not any(secret in str(caught.value) for secret in self.secrets)

    # Rows 15 and 16: files

    async def test_a_file_too_large_stops_on_the_way(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 15. Marking it in the ticket is the core's; that the message itself arrives is row 4's."""
        self.having(Part.FILES)
        assert channel.info.max_file is not None
        received = 0
        with pytest.raises(FileTooLarge):
            async for chunk in channel.fetch(self.large_file(provider)):
                received += len(chunk)
        assert received <= channel.info.max_file + SLACK

    async def test_a_file_announced_too_large_is_not_even_fetched(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        """Row 15."""
        self.having(Part.FILES)
        assert channel.info.max_file is not None
        honest = replace(self.large_file(provider), size=channel.info.max_file + 1)
        with pytest.raises(FileTooLarge):
            async for _ in channel.fetch(honest):
                pytest.fail("bytes of a file that was announced too large")

    async def test_a_redirect_to_another_host_is_refused(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 16."""
        self.having(Part.FILES, Part.FILE_HOST)
        with pytest.raises(DeliveryError):
            async for _ in channel.fetch(self.file_elsewhere(provider)):
                pytest.fail("bytes from somewhere else")
        assert self.visits_elsewhere(provider) == 0

    # Rows 17 and 18: what may be sent at all

    async def test_a_notice_is_given_once(self, channel: Channel, desk: FakeDesk, provider: FakeProvider) -> None:
        """Row 17. Whether this person has had one before is the core's to know; a repeat gives none."""
        self.having(Part.RECEIVE, Part.NOTICE)
        desk.notice = "Diesen Weg betreibt jemand anderes."
        raw = self.saying("Hallo")
        for _ in range(2):
            await self.hand_over(channel, desk, provider, raw)
        assert [text for text in provider.texts() if desk.notice in text] == [desk.notice]

    async def test_a_machine_gets_no_answer_from_the_channel(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 17. That no receipt is queued for it is the core's (tests/helpdesk, notifications)."""
        self.having(Part.RECEIVE, Part.AUTOMATIC)
        desk.notice = "Diesen Weg betreibt jemand anderes."
        await self.hand_over(channel, desk, provider, self.automatic())
        (message,) = desk.messages
        assert message.automatic or message.kind is Kind.AUTOREPLY
        assert provider.attempts == 0

    async def test_a_third_party_hears_the_pointer_and_nothing_else(
        self, channel: Channel, provider: FakeProvider
    ) -> None:
        """Row 18. Making the pointer text is the core's (tests/helpdesk, notifications)."""
        self.having(Part.SEND)
        bare = self.outbound("T-2026-004711: Es gibt eine Antwort.")
        message = replace(
            bare, to=replace(bare.to, name=HIDDEN_NAME), subject=HIDDEN_SUBJECT, thread={"note": HIDDEN_THREAD}
        )
        await channel.send(message, _Go())
        assert bare.text in provider.heard()
        if channel.info.third_party:
            letter = File(name=HIDDEN_FILE, media_type="application/pdf", size=9, ref="blob:1")
            with contextlib.suppress(DeliveryError):
                await channel.send(replace(message, files=(letter,)), _Go())
            for secret in (HIDDEN_NAME, HIDDEN_SUBJECT, HIDDEN_THREAD, HIDDEN_FILE):
                assert secret not in provider.heard()

    # Rows 19 and 20: leaving nothing behind, bearing anything

    async def test_a_cancelled_send_leaves_nothing_behind(self, channel: Channel, provider: FakeProvider) -> None:
        """Row 19."""
        self.having(Part.SEND)
        async with _nothing_left_behind():
            await provider.say(Says.HANGS)
            sending = asyncio.ensure_future(channel.send(self.outbound("Abgebrochen"), _Go()))
            await _until(lambda: provider.attempts == 1)
            await _cancel(sending)
        assert await asyncio.wait_for(channel.send(self.outbound("Danach"), _Go()), 5)

    async def test_a_cancelled_poll_leaves_nothing_behind(
        self, channel: Channel, desk: FakeDesk, provider: FakeProvider
    ) -> None:
        """Row 19."""
        self.having(Part.POLL)
        async with _nothing_left_behind():
            await provider.say(Says.HANGS)
            polling = asyncio.ensure_future(channel.poll(desk))
            await asyncio.sleep(0.3)
            await _cancel(polling)

    async def test_poll_ends_by_itself(self, channel: Channel, desk: FakeDesk) -> None:
        """Row 19."""
        self.having(Part.POLL)
        await asyncio.wait_for(channel.poll(desk), self.poll_limit)
        assert desk.messages == []

    def test_hostile_input_is_read_fast(self, channel: Channel) -> None:
        """Row 20: below a second each, read or refused, and no other exception than `ValueError`."""
        self.having(Part.RECEIVE)
        for name, raw in self.hostile().items():
            started = time.perf_counter()
            with contextlib.suppress(ValueError):
                channel.read(raw)
            assert time.perf_counter() - started < 1, name

    async def test_hostile_input_stops_nothing(self, channel: Channel, desk: FakeDesk, provider: FakeProvider) -> None:
        """Row 20 with row 3: each is taken in, parked or refused, none is repeated for ever, the next one arrives."""
        self.having(Part.RECEIVE)
        for name, raw in self.hostile().items():
            reply = await self.hand_over(channel, desk, provider, raw)
            assert reply is None or reply.status < 500, name
        await self.hand_over(channel, desk, provider, self.saying("Die nächste"))
        assert desk.messages[-1].text == "Die nächste"


class _Go:
    """Permission to send, counted, or the exception that withdraws it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.asked = 0
        self.refusal = refusal

    async def __call__(self) -> None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal


def _of_length(channel: Channel, units: int) -> str:
    """A text that measures exactly so much, with umlauts and, where they fit, characters beyond the first plane."""
    text = "ä" * units
    emoji = channel.info.measure("👍")
    return "👍" + text[:-emoji] if emoji < units else text


def _spy(monkeypatch: pytest.MonkeyPatch, target: str) -> list[tuple[Any, ...]]:
    module, _, name = target.rpartition(".")
    owner, calls = import_module(module), list[tuple[Any, ...]]()
    genuine: Callable[..., Any] = getattr(owner, name)

    def spying(*arguments: Any) -> Any:
        calls.append(arguments)
        return genuine(*arguments)

    monkeypatch.setattr(owner, name, spying)
    return calls


def _stop_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`datetime.now` cannot be stopped from outside; a value made of it differs between two readings instead."""
    for name in ("time", "time_ns", "localtime", "gmtime"):
        monkeypatch.setattr(time, name, _forbidden_clock)


def _forbidden_clock(*_: Any) -> Any:
    raise AssertionError("reading asked for the time")


_CONTACT = ("open", "socket.", "subprocess.", "os.system", "os.posix_spawn", "os.fork")
_watching: list[list[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event.startswith(_CONTACT):
        _watching[-1].append(event)


sys.addaudithook(_watch)  # cannot be removed again, hence the list of those who look


@contextlib.contextmanager
def _no_contact() -> Iterator[list[str]]:
    touched: list[str] = []
    _watching.append(touched)
    try:
        yield touched
    finally:
        _watching.remove(touched)


async def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert task.cancelled(), "it swallowed its cancellation"


@contextlib.asynccontextmanager
async def _nothing_left_behind() -> AsyncIterator[None]:
    tasks, sockets = len(asyncio.all_tasks()), _open_sockets()
    yield
    await _until(lambda: len(asyncio.all_tasks()) <= tasks and _open_sockets() <= sockets)


def _open_sockets() -> int:
    """Of this process; 0 where the system does not tell."""
    folder, count = "/proc/self/fd", 0
    if not os.path.isdir(folder):
        return 0
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
    return count


async def _until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
