"""What a file is, by its first bytes; names that harm nobody; the headers around everything."""

from __future__ import annotations

import pytest

from helpdesk import uploads
from helpdesk.web import headers

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(20)


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("bild.png", PNG, "image/png"),
        ("BILD.PNG", PNG, "image/png"),
        ("foto.jpg", b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        ("foto.jpg", HEIC, "image/heic"),  # telephones call it so
        ("foto.heic", HEIC, "image/heic"),
        ("b.gif", b"GIF89a", "image/gif"),
        ("b.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("scan.tif", b"II*\x00" + bytes(9), "image/tiff"),
        ("b.bmp", b"BM\x10\x00\x00\x00\x00\x00\x00\x00", "image/bmp"),
        ("brief.pdf", b"%PDF-1.7", "application/pdf"),
        ("brief.pdf", b"\xef\xbb\xbf\r\n%PDF-1.7", "application/pdf"),
        ("brief.docx", b"PK\x03\x04", uploads.KINDS["docx"]),
        ("geheim.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", uploads.KINDS["docx"]),  # encrypted
        ("alt.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        ("alt.doc", rb"{\rtf1", "application/msword"),
        ("notiz.txt", "BM ist eine Abkürzung".encode(), "text/plain"),
        ("notiz.txt", "Grüße".encode("cp1252"), "text/plain"),
        ("notiz.txt", "Grüße".encode("utf-16"), "text/plain"),
        ("liste.csv", b"a;b", "text/csv"),
        ("film.mp4", b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        ("film.mov", b"\x00\x00\x00\x08wide", "video/quicktime"),
        ("film.webm", b"\x1aE\xdf\xa3", "video/webm"),
        ("ton.mp3", b"ID3\x04", "audio/mpeg"),
        ("ton.mp3", b"\xff\xfb\x90", "audio/mpeg"),
    ],
)
def test_what_people_send_is_known_by_its_bytes(name: str, head: bytes, kind: str):
    assert uploads.media_type(name, head) == kind


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("bild.png", b"MZ\x90\x00"),
        ("bild.png", b"\x7fELF"),
        ("bild.png", b"<svg onload=alert(1)>"),
        ("bild.png", b"%PDF-1.7"),
        ("brief.pdf", PNG),
        ("brief.docx", b"%PDF-1.7"),
        ("notiz.txt", b"MZ\x90\x00"),
        ("bild.svg", b"<svg/>"),
        ("seite.html", b"<html>"),
        ("skript.js", b"1"),
        ("makro.docm", b"PK\x03\x04"),
        ("archiv.zip", b"PK\x03\x04"),
        ("png", PNG),
        ("", PNG),
        ("foto.png.exe", b"MZ"),
    ],
)
def test_what_could_run_or_lies_about_itself_is_refused(name: str, head: bytes):
    assert uploads.media_type(name, head) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Rechnung März.pdf", "Rechnung März.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\bild.png", "bild.png"),
        ("foto\u202egpj.exe", "fotogpj.exe"),
        ('a"b\r\nSet-Cookie: x.png', "a_bSet-Cookie_ x.png"),
        ("...", "datei"),
        ("", "datei"),
        ("صورة.png", "صورة.png"),
    ],
)
def test_a_name_keeps_its_words_and_loses_its_teeth(given: str, kept: str):
    assert uploads.safe_name(given) == kept


def test_a_long_name_keeps_its_ending():
    name = uploads.safe_name("ä" * 300 + ".pdf")
    assert (len(name), name.endswith("ä.pdf")) == (uploads.MOST_NAME, True)


def test_a_header_carries_any_name_in_ascii_and_in_full():
    assert uploads.disposition('Größe "1".png') == (
        "attachment; filename=\"Groe _1_.png\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.png"
    )
    assert uploads.disposition("صورة").startswith('attachment; filename="datei"; filename*=')
    assert uploads.disposition("صورة.png").startswith('attachment; filename="datei.png"; ')


def test_the_console_may_draw_pictures_in_place_and_nobody_may_run_anything_inline():
    citizen, staff = (headers.headers_of(path, https=True) for path in ("/", "/console/inbox"))
    assert "data:" not in citizen["content-security-policy"]
    assert "img-src 'self' data:" in staff["content-security-policy"]
    assert staff["cache-control"] == "no-store"
    assert "cache-control" not in citizen
    assert citizen["strict-transport-security"] == "max-age=63072000"
    assert "strict-transport-security" not in headers.headers_of("/", https=False)
