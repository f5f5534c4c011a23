"""Files that people send: which kinds we take, what their bytes say they are, a name that harms nobody.

Pure but for `keep`. Nothing here trusts a browser's word: the kind is read from the first bytes. What is kept lies outside
the web root under its hash and is only ever sent as an attachment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

from helpdesk.files import FileStore
from helpdesk.intake import Stored

HEAD = 4096  #: bytes that `media_type` wants to see
MOST_NAME = 120  #: characters of a name that are kept

#: what people photograph, scan and save; nothing that a browser or a desktop would run
KINDS: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
}
TEXT = frozenset({"txt", "log", "csv", "eml"})
IMAGES = frozenset(ending for ending, kind in KINDS.items() if kind.startswith("image/"))
_ZIPPED = frozenset({"odt", "ods", "odp", "docx", "xlsx", "pptx"})
_COMPOUND = frozenset({"doc", "xls", "ppt", "msg", "docx", "xlsx", "pptx"})  # the last three when encrypted
_ISO_MEDIA = frozenset({"mp4", "mov", "m4a"})

#: first bytes (a pattern from the start) → endings that such a file may bear; the first one names the kind of a picture
_SIGNS: tuple[tuple[re.Pattern[bytes], frozenset[str], str], ...] = tuple(
    (re.compile(sign, re.DOTALL), frozenset(endings), kind)
    for sign, endings, kind in (
        (rb"\x89PNG\r\n\x1a\n", {"png"}, "image/png"),
        (rb"\xff\xd8\xff", {"jpg", "jpeg"}, "image/jpeg"),
        (rb"GIF8[79]a", {"gif"}, "image/gif"),
        (rb"RIFF.{4}WEBP", {"webp"}, "image/webp"),
        (rb".{4}ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", {"heic"}, "image/heic"),
        (rb"II\*\x00|MM\x00\*", {"tif", "tiff"}, "image/tiff"),
        (rb"BM.{4}\x00{4}", {"bmp"}, "image/bmp"),
        (rb"[\s\x00\xef\xbb\xbf]{0,64}%PDF-", {"pdf"}, ""),
        (rb"PK\x03\x04", _ZIPPED, ""),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _COMPOUND, ""),
        (rb"\{\\rtf", {"rtf", "doc"}, ""),
        (rb".{4}(?:ftyp|moov|mdat|wide|free|skip)", _ISO_MEDIA, ""),
        (rb"\x1aE\xdf\xa3", {"webm"}, ""),
        (rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", {"mp3"}, ""),
    )
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: other names of a folder or a device, and what breaks a header or a shell
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
#: direction marks can show "photo_gpj.exe" as "photo_exe.jpg"
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def ending_of(name: str) -> str:
    """Lower case, without the dot; empty if there is none."""
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


def media_type(name: str, head: bytes) -> str | None:
    """What the file is, by its ending and its first bytes; None = a kind that we do not take, or two that disagree."""
    ending = ending_of(name)
    if ending not in KINDS:
        return None
    if ending in TEXT:
        return KINDS[ending] if _is_text(head) else None
    for sign, endings, kind in _SIGNS:
        if sign.match(head):
            if ending in endings:
                return kind or KINDS[ending]
            return kind if kind and ending in IMAGES else None  # telephones call a HEIC picture .jpg
    return None


def _is_text(head: bytes) -> bool:
    return head.startswith(_UTF16) or b"\x00" not in head


def safe_name(name: str) -> str:
    """The last part of a path, without signs that a file system, a header or a reader would take for something else."""
    last = re.split(r"[\\/]", name)[-1]
    plain = "".join(c for c in last if c not in _DIRECTION and unicodedata.category(c) not in {"Cc", "Cs", "Co"})
    clean = _UNSAFE.sub("_", " ".join(plain.split())).strip(". ")
    if len(clean) > MOST_NAME:
        ending = ending_of(clean)[:10]
        clean = f"{clean[: MOST_NAME - len(ending) - 1].rstrip('. ')}.{ending}"
    return clean or "datei"


def disposition(name: str) -> str:
    """Value of `Content-Disposition`: always an attachment, the name in ASCII and in full (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace("%", "_").strip()
    short = safe_name(f"datei{plain}" if plain.startswith(".") else plain)
    return f"attachment; filename=\"{short}\"; filename*=UTF-8''{quote(name, safe='')}"


def keep(store: FileStore, name: str, media: str, data: bytes) -> Stored:
    """Stores the bytes. A file whose message is never taken in stays behind unnamed, and harms nobody."""
    return Stored(name=safe_name(name), media_type=media, size=len(data), sha256=store.keep(data))
