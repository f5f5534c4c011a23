"""Input made to hurt: read in under a second of computing time up to the size cap, and never with a stranger's error."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.addresses import addresses
from channels.email.charsets import decode
from channels.email.content import MAX_MAIL
from channels.email.headers import date_of, decode_words, from_base64, value_and_parameters
from channels.email.html import harmless, text_of
from channels.email.parsing import as_json, parse
from channels.email.quoting import newest
from channels.email.reading import Unreadable, attachments, read
from tests.channels.email.mails import PAYLOADS, RULES, raw

HEAD = b"From: a@example.org\nSubject: x\n"
FULL = MAX_MAIL - 100_000


def _multipart(body: bytes) -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + body


def _nested(depth: int) -> bytes:
    levels = (b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(depth))
    return HEAD + b"".join(levels) + b"\n"


def _encoded(kind: bytes, body: bytes) -> bytes:
    return HEAD + b"Content-Type: application/x\nContent-Transfer-Encoding: " + kind + b"\n\n" + body


def _html(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\n\n" + body


HOSTILE = {
    "short lines": lambda: HEAD + b"\n" + b"a\n" * (FULL // 2),
    "20,000 blank lines": lambda: HEAD + b"\nx\n" + b"\n" * 20_000 + b"> y\n",
    "blank lines": lambda: HEAD + b"\n" + b"\n" * FULL,
    "quote marks": lambda: HEAD + b"\n" + b">\n" * (FULL // 2),
    "nothing but fields": lambda: HEAD + b"A: b\n" * (FULL // 5),
    "one huge field": lambda: b"From: a@example.org\nSubject: " + b"\xfc" * FULL + b"\n\nx",
    "20,000 parameters": lambda: HEAD + b"Content-Type: text/plain" + b"; a=b" * 20_000 + b"\n\nx",
    "3,000 nested comments": lambda: b"From: " + b"(" * 3_000 + b")" * 3_000 + b" a@example.org\n\nx",
    "open comments": lambda: b"From: " + b"(" * FULL + b"\n\nx",
    "100,000 recipients": lambda: HEAD + b"To: " + b"a@b.de," * 100_000 + b"\n\nx",
    "nested containers": lambda: _nested(60) + b"a\n" * (FULL // 2),
    "nested with lookalikes": lambda: _nested(60) + b"\n--b\n" * (FULL // 5),
    "millions of parts": lambda: _multipart(b"--b\n\nx\n" * (FULL // 8)),
    "nearly boundaries": lambda: _multipart(b"--b\n\n" + b"\n--bx" * (FULL // 5)),
    "broken base64": lambda: _encoded(b"base64", b"!A" * (FULL // 2)),
    "quoted-printable": lambda: _encoded(b"quoted-printable", b"=FC" * (FULL // 3)),
    "uuencode": lambda: _encoded(b"uuencode", b"!a\n" * (FULL // 3)),
    "every high byte": lambda: HEAD + b"\n" + bytes(range(128, 256)) * (FULL // 128),
    "html brackets": lambda: _html(b"<" * FULL),
    "html entities": lambda: _html(b"&amp;" * (FULL // 5)),
    "html nested": lambda: _html(b"<div>" * (FULL // 5)),
    "html nested again": lambda: _html((b"<div>" * 1_400 + b"</div>" * 1_400) * 100),
    "html links": lambda: _html(b'<a href="http://x.example">x</a>' * 20_000),
    "html in 60 parts": lambda: _multipart((b"--b\nContent-Type: text/html\n\n" + b"<p>&amp;" * 50_000 + b"\n") * 60),
    "encoded words": lambda: b"From: a@b.de\nSubject: " + b"=?utf-8?q?=C3=BC?= " * 20_000 + b"\n\nx",
    "references": lambda: HEAD + b"References: " + b"<a@b> " * 40_000 + b"\n\nx",
    "checked by nobody": lambda: HEAD + b"Authentication-Results: mx.nrw.example; " + b"(" * 4_000 + b"\n\nx",
    "broken introductions": lambda: HEAD + b"\n" + b"Am a schrieb b c " * 5_000 + b"\n" + b":\n" * 20_000 + b"> x\n",
    "990 files": lambda: _multipart((b"--b\nContent-Type: application/x\n\n".ljust(24_000, b"x") + b"\n") * 990),
    "delivery reports": lambda: _multipart(
        (b"--b\nContent-Type: message/delivery-status\n\n" + b"Status: 5.0.0\nAction: x\n" * 900 + b"\n") * 900
    ),
    "binary": lambda: b"\x00" * FULL,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_read_in_under_a_second(name: str) -> None:
    body = HOSTILE[name]()
    started = time.thread_time()
    with suppress(Unreadable):
        read(raw(body), RULES)
    assert time.thread_time() - started < 1.0


@pytest.mark.parametrize("name", ["html entities", "html nested again", "html in 60 parts", "nested containers"])
def test_shown_in_under_two_seconds(name: str) -> None:
    body = HOSTILE[name]()
    started = time.thread_time()
    as_json(parse(body))
    assert time.thread_time() - started < 2.0


FIELDS = st.sampled_from(
    b"From To Cc Subject Date Message-ID References In-Reply-To Content-Type Content-Disposition Return-Path "
    b"Content-Transfer-Encoding Auto-Submitted Authentication-Results Delivered-To List-Id X-Failed-Recipients".split()
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"a@[::1",
            b"<[abc@d",
            b"=?utf-8?Q?agent?=@example.com",
            b"multipart/mixed; boundary=b",
            b"multipart/report; boundary=b; report-type=delivery-status",
            b"text/html; charset=utf-16",
            b"message/delivery-status",
            b"base64",
            b"attachment; filename*0*=x''%; filename*1=y",
            b"mx.nrw.example; dmarc=pass header.from=example.org",
            b"Fri, 99 Foo 99999 99:99:99 +9999",
            b"hilfe+b.@nrw.example",
            b"a@example.org",
        ]
    ),
)
MAILS = st.builds(
    lambda fields, body: b"".join(name + b": " + value + b"\n" for name, value in fields) + b"\n" + body,
    st.lists(st.tuples(FIELDS, VALUES), max_size=12),
    st.lists(
        st.one_of(st.binary(max_size=80), st.sampled_from([b"\n--b\n", b"\n--b--\n", b"\n\n", b"> "])), max_size=8
    ).map(b"".join),
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(MAILS, st.binary(max_size=400)))
def test_reading_raises_nothing_but_unreadable(body: bytes) -> None:
    json.dumps(as_json(parse(body)), ensure_ascii=False).encode()
    list(attachments(raw(body)))
    try:
        first = read(raw(body), RULES)
    except Unreadable as problem:
        # what is no mail, not what found a fault in the reader
        assert problem.__cause__ is None
    else:
        assert first == read(raw(body), RULES)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_real_mail_is_still_read(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(sorted(PAYLOADS.glob("*.eml")))).read_bytes()
    at = data.draw(st.integers(0, len(body)))
    damaged = body[:at] + data.draw(st.binary(max_size=20)) + body[at + data.draw(st.integers(0, 30)) :]
    as_json(parse(damaged))
    try:
        read(raw(damaged), RULES)
    except Unreadable as problem:
        assert problem.__cause__ is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.binary(max_size=300))
def test_no_piece_of_the_reader_raises(text: str, data: bytes) -> None:
    for piece in (addresses, decode_words, value_and_parameters, date_of, harmless, text_of, newest):
        piece(text)  # type: ignore[operator]
    from_base64(data)
    found = decode(data, text)
    assert found.text.encode("utf-8").decode("utf-8") == found.text
