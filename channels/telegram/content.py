"""What a message says and carries."""

from __future__ import annotations

from telegram import Message, MessageEntity

from helpdesk.channel import File

NOT_STORABLE = dict.fromkeys([0, *range(0xD800, 0xE000)], "\ufffd")  #: no database keeps them
LARGEST = 2**53  #: of the sizes that the Bot API announces


def storable(text: object) -> str:
    """Raises `ValueError` for anything but text."""
    if not isinstance(text, str):
        raise ValueError("something else where a text should be")
    return text.translate(NOT_STORABLE)


def text_of(message: Message) -> str:
    """Text or caption as written, then what else can be said in words: a place, a telephone number, a sticker."""
    written = message.text or message.caption
    parts = [_with_links(message, written)] if written else []
    if message.location is not None:
        parts.append(f"geo:{float(message.location.latitude)},{float(message.location.longitude)}")
    if message.venue is not None:
        parts.append(f"{message.venue.title}, {message.venue.address}")
    if message.contact is not None:
        parts.append(f"{message.contact.first_name} {message.contact.last_name or ''} {message.contact.phone_number}")
    if message.sticker is not None:
        parts.append(message.sticker.emoji or "🖼")
    if message.dice is not None:
        parts.append(f"{message.dice.emoji} {message.dice.value}")
    return storable("\n".join(parts))


def _with_links(message: Message, written: str) -> str:
    """A link hidden behind a word is set behind it. Offsets count UTF-16 units, so the cuts are made in UTF-16."""
    units, done, parts = storable(written).encode("utf-16-le"), 0, list[bytes]()
    for end, url in sorted(_links(message)):
        parts += [units[done : 2 * end], f" ({storable(url)})".encode("utf-16-le")]
        done = max(done, 2 * end)
    return b"".join([*parts, units[done:]]).decode("utf-16-le", "replace")


def _links(message: Message) -> list[tuple[int, str]]:
    """Where each ends, in UTF-16 units, and where it leads."""
    entities = message.entities or message.caption_entities
    links = [entity for entity in entities if entity.type == MessageEntity.TEXT_LINK and entity.url]
    return [(max(0, link.offset + link.length), str(link.url)) for link in links]


def files_of(message: Message) -> tuple[File, ...]:
    """At most one: an album comes as several messages. Of a photo the largest of its sizes."""
    number = message.message_id
    if message.photo:
        photo = message.photo[-1]
        return (_file(photo.file_id, photo.file_size, f"foto-{number}.jpg", "image/jpeg"),)
    for kind, ending, media_type in KINDS:
        found = getattr(message, kind)
        if found is not None:
            name = getattr(found, "file_name", None) or f"{kind}-{number}.{ending}"
            return (_file(found.file_id, found.file_size, name, getattr(found, "mime_type", None) or media_type),)
    return ()


#: An animation also fills `document`, which here comes later and gives the same file.
KINDS = (
    ("animation", "mp4", "video/mp4"),
    ("document", "bin", "application/octet-stream"),
    ("audio", "mp3", "audio/mpeg"),
    ("video", "mp4", "video/mp4"),
    ("voice", "ogg", "audio/ogg"),
    ("video_note", "mp4", "video/mp4"),
)


def _file(ref: str, size: int | None, name: str, media_type: str) -> File:
    """The size is optional and only what Telegram says; `fetch` counts for itself."""
    said = min(max(0, int(size or 0)), LARGEST)
    return File(name=storable(name), media_type=storable(media_type), size=said, ref=storable(ref))
