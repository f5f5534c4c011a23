"""The recorded updates, and what each must become."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from helpdesk.channel import Address, File, InboundMessage, Kind, Raw
from helpdesk.testing.channel_contract import Original

PAYLOADS = Path(__file__).parent / "payloads"
BOT = "123456"
PERSON = "4711001"
ARRIVED = datetime(2026, 11, 21, 17, 10, 1, tzinfo=UTC)
WRITTEN = datetime.fromtimestamp(1795284600, UTC)


def payload(name: str) -> Raw:
    return as_raw((PAYLOADS / f"{name}.json").read_bytes())


def as_raw(body: bytes) -> Raw:
    return Raw(body=body, headers={}, received_at=ARRIVED)


def update(number: int, text: object, **fields: object) -> Raw:
    """A message as somebody else writes it; `fields` replace those of the message."""
    body = json.loads((PAYLOADS / "message.json").read_text())
    body["update_id"] = number
    body["message"] |= {"message_id": number, "text": text, **fields}
    return as_raw(json.dumps(body).encode())


def malformed() -> list[Raw]:
    return [as_raw(path.read_bytes()) for path in sorted(PAYLOADS.glob("malformed_*.json"))]


def originals() -> list[Original]:
    return [Original(name=name, raw=payload(name), gives=gives(name)) for name in (*MESSAGES, *NOTHING)]


def gives(name: str) -> tuple[InboundMessage, ...]:
    return (replace(MESSAGES[name], raw=payload(name)),) if name in MESSAGES else ()


def _message(update_id: int, text: str, *hints: str, **fields: object) -> InboundMessage:
    plain = InboundMessage(
        external_id=f"{BOT}:{update_id}",
        kind=Kind.MESSAGE,
        sender=Address(kind="telegram", value=PERSON, name="Elif Yılmaz"),
        recipient=Address(kind="telegram", value=BOT),
        text=text,
        raw=as_raw(b""),
        language="de",
        provider_time=WRITTEN,
        hints=(*hints, f"telegram:{PERSON}"),
        verified=True,
    )
    return replace(plain, **fields)


def _file(name: str, media_type: str, size: int, ref: str) -> tuple[File]:
    return (File(name=name, media_type=media_type, size=size, ref=ref),)


MESSAGES = {
    "message": _message(900000001, "Im ganzen Ort ist das Portal nicht erreichbar"),
    "emoji": _message(900000002, "👩‍🚒🇩🇪👍🏽"),
    "rtl": _message(900000003, "البوابة لا تعمل منذ الصباح 🙏", language="ar"),
    "link": _message(900000004, "👍 Fehler hier (https://portal.example/antrag) gesehen"),
    "reply": _message(900000005, "Danke, jetzt geht es", f"message:{PERSON}:9"),
    "photo": _message(900000006, "So sieht es aus", files=_file("foto-16.jpg", "image/jpeg", 184211, "AgAC-large")),
    "document": _message(900000007, "", files=_file("Bescheid für Öztürk.pdf", "application/pdf", 231044, "BQAC-doc")),
    "voice": _message(900000008, "", files=_file("voice-18.ogg", "audio/ogg", 28311, "AwAC-voice")),
    "album_1": _message(
        900000009, "Zwei Bilder", "album:13370042", files=_file("foto-19.jpg", "image/jpeg", 90111, "AgAC-a1")
    ),
    "album_2": _message(900000010, "", "album:13370042", files=_file("foto-20.jpg", "image/jpeg", 90222, "AgAC-a2")),
    "edited": _message(
        900000011,
        "Im ganzen Ort ist das Serviceportal nicht erreichbar",
        f"message:{PERSON}:11",
        kind=Kind.EDIT,
    ),
    "kicked": _message(900000012, "", kind=Kind.BLOCKED, language=None),
    "stop": _message(900000017, "/stop", kind=Kind.BLOCKED),
    "ack": _message(900000018, "Ack 52"),
    "location": _message(900000019, "geo:51.2217,6.7762"),
    "contact": _message(900000020, "Rathaus Erkrath +4921112345"),
    "sticker": _message(900000021, "😡"),
    "bot": _message(900000024, "Ich bin gerade nicht da.", automatic=True),
}
NOTHING = ("unblocked", "callback_query", "start", "status", "group", "pinned", "poll_answer")
