"""An update of the Bot API as messages. Pure: bytes in, values out."""

from __future__ import annotations

import json

from telegram import Chat, ChatMember, ChatMemberUpdated, Message, Update, User

from channels.telegram.content import files_of, storable, text_of
from helpdesk.channel import Address, InboundMessage, Kind, Raw

#: The kinds that we ask Telegram for.
WANTED = ["message", "edited_message", "callback_query", "my_chat_member"]

#: Announcements about the chat itself; nobody expects an answer to them.
ANNOUNCEMENTS = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "chat_background_set",
    "boost_added",
)


def read_update(raw: Raw, bot_id: str) -> tuple[InboundMessage, ...]:
    """None for what concerns nobody: groups, buttons, commands. Raises `ValueError` for what cannot be read."""
    return messages_of(parse_update(raw), raw, bot_id)


def messages_of(update: Update, raw: Raw, bot_id: str) -> tuple[InboundMessage, ...]:
    """As `read_update`, for an update that has been parsed already."""
    try:
        return _messages(update, raw, bot_id)
    except ValueError:
        raise
    except Exception as wrong:  # a field of another type than announced can break any line
        raise ValueError(f"unexpected content: {type(wrong).__name__}") from None


def parse_update(raw: Raw) -> Update:
    """Raises `ValueError` without quoting the content."""
    try:
        data = json.loads(raw.body)
        update_id = data["update_id"]
        update = Update.de_json(data, None)
    except Exception as wrong:  # the library promises nothing about malformed input; KeyError and TypeError are usual
        raise ValueError(f"not an update: {type(wrong).__name__}") from None
    if type(update_id) is not int:
        raise ValueError("update_id is not a number")
    return update


def command_of(message: Message) -> str:
    """ "/start", "/status", "/stop" … in lower case without "@bot" and argument; empty = none."""
    text = message.text if isinstance(message.text, str) else ""
    word = text.split(maxsplit=1)[0] if text.startswith("/") else ""
    return word.partition("@")[0].lower()


def private(chat: Chat | None) -> bool:
    """Only there is the chat's id one person's address. Raises `ValueError` where a chat belongs and none is."""
    if chat is None:
        raise ValueError("no chat")
    return chat.type == Chat.PRIVATE


def _messages(update: Update, raw: Raw, bot_id: str) -> tuple[InboundMessage, ...]:
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, update.update_id, raw, bot_id)
    message = update.message or update.edited_message
    if message is None:
        return _without_message(update)
    if not private(message.chat) or command_of(message) in ("/start", "/status"):
        return ()
    return _message(message, update, raw, bot_id)


def _without_message(update: Update) -> tuple[InboundMessage, ...]:
    if any(getattr(update, kind, None) is not None for kind in Update.ALL_TYPES):
        return ()
    raise ValueError("a kind of update that is not known here")


def _membership(change: ChatMemberUpdated, update_id: int, raw: Raw, bot_id: str) -> tuple[InboundMessage, ...]:
    if not private(change.chat) or change.new_chat_member.status != ChatMember.BANNED:
        return ()
    blocked = InboundMessage(
        external_id=f"{bot_id}:{update_id}",
        kind=Kind.BLOCKED,
        sender=_address(change.chat, change.from_user),
        recipient=Address(kind="telegram", value=bot_id),
        text="",
        raw=raw,
        provider_time=change.date,
        hints=(f"telegram:{change.chat.id}",),
        verified=True,
    )
    return (blocked,)


def _message(message: Message, update: Update, raw: Raw, bot_id: str) -> tuple[InboundMessage, ...]:
    text, files = text_of(message), files_of(message)
    if not text and not files:
        return _unreadable(message)
    sender = message.from_user
    return (
        InboundMessage(
            external_id=f"{bot_id}:{update.update_id}",
            kind=_kind(message, update),
            sender=_address(message.chat, sender),
            recipient=Address(kind="telegram", value=bot_id),
            text=text,
            raw=raw,
            files=files,
            language=_language(sender),
            provider_time=message.date,
            hints=_hints(message, update),
            automatic=bool(sender and sender.is_bot) or message.via_bot is not None,
            verified=sender is not None and sender.id == message.chat.id,
        ),
    )


def _unreadable(message: Message) -> tuple[InboundMessage, ...]:
    if any(getattr(message, name, None) is not None for name in ANNOUNCEMENTS):
        return ()
    raise ValueError("a message with nothing in it that can be read")


def _kind(message: Message, update: Update) -> Kind:
    if update.edited_message is not None:
        return Kind.EDIT
    return Kind.BLOCKED if command_of(message) == "/stop" else Kind.MESSAGE


def _hints(message: Message, update: Update) -> tuple[str, ...]:
    """Strongest first: what was answered or edited, the album, the chat. The ids are those that `send` returns."""
    chat, hints = message.chat.id, []
    if message.reply_to_message is not None:
        hints.append(f"message:{chat}:{message.reply_to_message.message_id}")
    if update.edited_message is not None:
        hints.append(f"message:{chat}:{message.message_id}")
    if message.media_group_id is not None:
        hints.append(f"album:{message.media_group_id}")
    return (*hints, f"telegram:{chat}")


def _address(chat: Chat, user: User | None) -> Address:
    """The chat's id is where an answer goes; in a private chat it is the person's."""
    if type(chat.id) is not int:
        raise ValueError("the chat's id is not a number")
    return Address(kind="telegram", value=str(chat.id), name=storable(user.full_name) if user else "")


def _language(user: User | None) -> str | None:
    code = user.language_code if user else None
    return code if isinstance(code, str) and code.isascii() and len(code) <= 35 else None
