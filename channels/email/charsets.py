"""Bytes of a mail to text, whatever the mail says about itself.

Order: strict UTF-8, the declared charset, an educated guess, Windows-1252 with replacement signs. Only charsets on the
list below are ever handed to the codec machinery: a mail may name `idna`, `punycode` or `zlib`, which are slow or no
charsets at all.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from charset_normalizer import from_bytes

#: What senders write → what is meant. ISO 8859-1/-9/-11 and ASCII mean the Windows superset (WHATWG Encoding).
_ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "x-ansi": "cp1252",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "utf8": "utf_8",
    "unicode-1-1-utf-8": "utf_8",
    "utf-8-sig": "utf_8_sig",
    "utf8mb4": "utf_8",
    "unicode-1-1-utf-7": "utf_7",
    "iso-gb2312": "gb18030",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "cn-big5": "big5hkscs",
    "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-turkish": "mac_turkish",
}
_KNOWN = frozenset(
    ["utf_8", "utf_8_sig", "utf_7", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"]
    + [f"cp{n}" for n in (437, 850, 852, 855, 857, 858, 866, 874, 932, 949, 950)]
    + [f"cp{n}" for n in range(1250, 1259)]
    + [f"iso8859_{n}" for n in (*range(2, 12), *range(13, 17))]
    + ["koi8_r", "koi8_u", "koi8_t", "kz1048", "mac_roman", "mac_cyrillic", "mac_turkish", "mac_latin2", "mac_greek"]
    + ["gb18030", "hz", "big5", "big5hkscs", "cp932", "cp949", "euc_jp", "euc_kr", "johab"]
    + ["iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_kr", "shift_jis", "shift_jis_2004"]
)
#: Text in these looks like ASCII or is full of NULs, so "is it UTF-8?" would be the wrong first question.
_NOT_LIKE_ASCII = re.compile(r"utf_(7|16|32)|iso2022|hz$")
#: High bytes of everyday western text in Windows-1252; a mail with no others is not sent to the guesser.
_WESTERN = frozenset("äöüÄÖÜß§€„“”‚‘’–—…•°´²³µ©®«»éèêëáàâãåæçíìîïñóòôõøœúùûýÿÉÈÊÁÀÂÅÆÇÍÓÔØÚ\xa0".encode("cp1252"))
_HIGH = bytes(range(0x80, 0x100))
_SAMPLE = 8_192
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Decoded:
    text: str
    charset: str  #: the codec that was used
    lossy: bool  #: signs had to be replaced
    mislabelled: bool = False  #: the declared charset is none, or the bytes are not in it


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Never raises. Line ends become LF; control signs and lone surrogates, which no database takes, are dropped."""
    codec = codec_of(declared)
    unknown = bool(declared and declared.strip()) and codec is None
    first, second = (codec, None) if codec and _NOT_LIKE_ASCII.match(codec) else ("utf_8", codec)
    found = _try(data, first) or (_try(data, second) if second else None)
    if found is None:
        return replace(_unlabelled(data), mislabelled=unknown or codec is not None)
    return replace(found, mislabelled=unknown)


def codec_of(label: str | None) -> str | None:
    """Python's name of the charset a mail calls `label`; None for what is no charset that mails use."""
    name = (label or "").strip().strip("\"'").lower()[:40]
    if not name:
        return None
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name.replace("-", "_")
    except (LookupError, ValueError):
        return None
    return found if found in _KNOWN else None


def clean(text: str) -> str:
    """Without NUL, control signs other than tab and newline, and lone surrogates; line ends as LF."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _try(data: bytes, codec: str) -> Decoded | None:
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        return None
    return Decoded(text=clean(text.removeprefix("\ufeff")), charset=codec, lossy=False)


def _unlabelled(data: bytes) -> Decoded:
    high = set(data.translate(None, bytes(range(0x80))))
    guessed = None if high <= _WESTERN else _guess(data)
    strict = _try(data, guessed) if guessed else None
    if strict is not None:
        return strict
    return Decoded(text=clean(data.decode("cp1252", "replace")), charset="cp1252", lossy=not high <= _WESTERN)


def _guess(data: bytes) -> str | None:
    start = max(0, next((i for i, byte in enumerate(data[:1_000_000]) if byte in _HIGH), 0) - 512)
    match = from_bytes(data[start : start + _SAMPLE]).best()
    return codec_of(match.encoding) if match is not None else None
