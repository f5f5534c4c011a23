"""What a mail says about its charset, and what is true."""

from __future__ import annotations

import pytest

from channels.email.charsets import codec_of, decode

GERMAN = "Grüße aus Köln, „Zitat“ für 5 €"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (GERMAN.encode(), "utf-8", GERMAN),
        (GERMAN.encode(), "iso-8859-1", GERMAN),
        (GERMAN.encode("cp1252"), "iso-8859-1", GERMAN),
        (GERMAN.encode("cp1252"), "us-ascii", GERMAN),
        (GERMAN.encode("cp1252"), None, GERMAN),
        (GERMAN.encode("cp1252"), "utf-8", GERMAN),
        ("Straße".encode("mac_roman"), "macintosh", "Straße"),
        ("İstanbul'da çalışmıyor".encode("cp1254"), "iso-8859-9", "İstanbul'da çalışmıyor"),
        ("안녕".encode("cp949"), "ks_c_5601-1987", "안녕"),
        ("你好".encode("gb18030"), "iso-gb2312", "你好"),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語"),
        ("Grüße".encode("utf-7"), "unicode-1-1-utf-7", "Grüße"),
        ("Grüße".encode("utf-16"), "UTF-16", "Grüße"),
        ("\ufeffGrüße".encode(), "utf-8", "Grüße"),
        ("Привет, мир и все остальные".encode("cp1251"), "windows-1251", "Привет, мир и все остальные"),
    ],
)
def test_bytes_become_text(data: bytes, declared: str | None, text: str) -> None:
    found = decode(data, declared)
    assert (found.text, found.lossy) == (text, False)


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "zlib", "rot13", "unicode_escape", "undefined", "x" * 5_000, "\x00"]
)
def test_what_is_no_charset_is_not_asked_for(label: str) -> None:
    assert codec_of(label) is None
    assert decode("Grüße".encode(), label).text == "Grüße"
    assert decode("Grüße".encode(), label).mislabelled


def test_bytes_of_no_charset_are_shown_with_replacement_signs() -> None:
    found = decode(bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D]) * 3, "utf-8")
    assert found.mislabelled
    assert found.text.encode("utf-8").decode("utf-8") == found.text


def test_no_control_signs_and_no_surrogates() -> None:
    assert decode(b"a\x00b\x1bc\r\nd\re").text == "abc\nd\ne"
    assert decode(b"+2AA-", "utf-7").text == ""
