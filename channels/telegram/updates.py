"""One update from the first look to the last word: the same for webhook and polling.

Whatever is said to the person is said after the desk has committed. What the desk raises goes on to the caller, who
must not confirm the update then.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from telegram import CallbackQuery, Message, Update

from channels.telegram.api import Api
from channels.telegram.errors import delivery_error
from channels.telegram.inbound import command_of, messages_of, parse_update, private
from channels.telegram.outbound import NO_PREVIEW
from channels.telegram.replies import Reply, pressed, typed
from channels.telegram.texts import greeting, sentence
from helpdesk.channel import Desk, InboundMessage, Kind, NotNow, Raw

log = logging.getLogger(__name__)

PATIENCE = 5  #: failures of one update, while others could be stored, before it is set aside
REMEMBERED = 1_000
MAX_TOAST = 200  #: Bot API, answerCallbackQuery


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who is spoken to, and in which language."""

    chat: int
    language: str | None


class Updates:
    """Knows the bot and how to answer; keeps nothing that a restart would miss."""

    def __init__(self, bot_id: str, api: Api) -> None:
        self._bot_id, self._api = bot_id, api
        self._failures: dict[int, int] = {}
        self.last_at: datetime | None = None

    async def handle(self, raw: Raw, desk: Desk) -> None:
        """Returns when all of it is committed. Raises what the desk raised otherwise."""
        try:
            update = parse_update(raw)
            messages = messages_of(update, raw, self._bot_id)
        except ValueError as unreadable:
            await desk.park(raw, str(unreadable))
            return
        try:
            await self._work(update, messages, desk)
        except NotNow:
            raise
        except Exception:
            if self._worth_repeating(update.update_id):
                raise
            await desk.park(raw, f"could not be stored {PATIENCE} times")
        self._failures.pop(update.update_id, None)
        self.last_at = datetime.now(UTC)

    def _worth_repeating(self, update_id: int) -> bool:
        """Until patience ends with this one update. A database that is away does not count."""
        failures = self._failures.pop(update_id, 0) + 1
        self._failures[update_id] = failures
        if len(self._failures) > REMEMBERED:
            del self._failures[next(iter(self._failures))]
        return failures < PATIENCE

    async def _work(self, update: Update, messages: tuple[InboundMessage, ...], desk: Desk) -> None:
        if update.callback_query is not None:
            await self._button(update.callback_query, desk)
        elif not (update.message is not None and await self._spoken_to(update.message, desk)):
            for message in messages:
                await self._take_in(message, desk)

    async def _take_in(self, message: InboundMessage, desk: Desk) -> None:
        receipt = await desk.take_in(message)
        if message.automatic or receipt.repeated:
            return
        person = Person(chat=int(message.sender.value), language=message.language)
        if receipt.notice:
            await self._say(person, receipt.notice)
        if message.kind is Kind.BLOCKED and message.text:  # /stop; after a real block nothing would arrive
            await self._say(person, sentence("stopped", person.language))

    async def _spoken_to(self, message: Message, desk: Desk) -> bool:
        """A command or the reply to a page. False = a message like any other."""
        if not private(message.chat) or message.from_user is None or message.from_user.is_bot:
            return False
        person = Person(chat=message.chat.id, language=message.from_user.language_code)
        command = command_of(message)
        if command == "/start":
            await self._say(person, greeting(await desk.line(self._bot_id), person.language))
            return True
        if command == "/status":
            return await self._reply(Reply(verb="status", key=""), person, desk, sentence("status", person.language))
        reply = typed(message.text or "")
        return reply is not None and await self._reply(reply, person, desk)

    async def _reply(self, reply: Reply, person: Person, desk: Desk, otherwise: str = "") -> bool:
        """An empty answer that is not done says: this person was never asked, so it was no reply."""
        answer = await desk.act(reply.key, reply.verb, str(person.chat))
        text = answer.text or otherwise
        if text:
            await self._say(person, text)
        return bool(text) or answer.done

    async def _button(self, query: CallbackQuery, desk: Desk) -> None:
        """Every press is answered, else the button keeps spinning. Whoever pressed is meant, not whose chat it is."""
        reply = pressed(query.data or "")
        if reply is None:
            await self._toast(query, "")
            return
        try:
            answer = await desk.act(reply.key, reply.verb, str(query.from_user.id))
        except Exception:
            await self._toast(query, sentence("not_recorded", query.from_user.language_code))
            raise
        await self._toast(query, answer.text)

    async def _say(self, person: Person, text: str) -> None:
        await self._quietly(
            lambda: self._api.bot.send_message(chat_id=person.chat, text=text, link_preview_options=NO_PREVIEW)
        )

    async def _toast(self, query: CallbackQuery, text: str) -> None:
        shown = text[:MAX_TOAST] or None
        await self._quietly(lambda: self._api.bot.answer_callback_query(query.id, text=shown))

    async def _quietly(self, request: Callable[[], Awaitable[object]]) -> None:
        """What happened is committed: that we could not say so must not make Telegram repeat it."""
        try:
            await request()
        except Exception as error:
            log.warning("a word to the person was not sent: %s", delivery_error(error))
