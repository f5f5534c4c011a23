"""One attempt to send one text."""

from __future__ import annotations

from collections.abc import Mapping

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

from channels.telegram.api import Api
from channels.telegram.errors import delivery_error
from channels.telegram.replies import BUTTON_VERBS
from helpdesk.channel import DeliveryError, Go, OutboundMessage, Outcome, Reason

#: A preview would make Telegram's servers visit the secret link.
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
MAX_CALLBACK_BYTES = 64  #: Bot API, InlineKeyboardButton


def utf16_units(text: str) -> int:
    """Telegram counts UTF-16 code units: most emoji are two, flags four."""
    return len(text) + sum(character > "\uffff" for character in text)


async def send_text(api: Api, message: OutboundMessage, go: Go, *, limit: int) -> str:
    """Returns "chat:message", since message ids start anew in every chat. Subject, names and thread stay here."""
    chat = _chat(message, limit)
    markup = buttons(message.thread)
    await go()
    try:
        sent = await api.bot.send_message(
            chat_id=chat, text=message.text, reply_markup=markup, link_preview_options=NO_PREVIEW
        )
    except Exception as error:
        raise delivery_error(error) from None  # a chained traceback would show the URL, and in it the token
    return f"{chat}:{sent.message_id}"


def buttons(thread: Mapping[str, str]) -> InlineKeyboardMarkup | None:
    """A page carries its one-time key as `thread["key"]` and the label of each button as `thread["button.<verb>"]`."""
    key = thread.get("key")
    labels = [(verb, thread[f"button.{verb}"]) for verb in BUTTON_VERBS if f"button.{verb}" in thread]
    if not key or not labels:
        return None
    row = [InlineKeyboardButton(label, callback_data=_callback(verb, key)) for verb, label in labels]
    return InlineKeyboardMarkup([row])


def _callback(verb: str, key: str) -> str:
    data = f"{verb}:{key}"
    if len(data.encode()) > MAX_CALLBACK_BYTES:
        raise DeliveryError(Outcome.PERMANENT, Reason.TOO_LARGE, detail="the key of a button is too long")
    return data


def _chat(message: OutboundMessage, limit: int) -> int:
    if message.files:  # CHANNELS: a third party gets a pointer, never an attachment
        raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED, detail="no files by Telegram")
    if not message.text.strip():
        raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED, detail="no text")
    if utf16_units(message.text) > limit:
        raise DeliveryError(Outcome.PERMANENT, Reason.TOO_LARGE)
    try:
        return int(message.to.value)
    except ValueError:
        raise DeliveryError(Outcome.PERMANENT, Reason.INVALID_ADDRESS) from None
