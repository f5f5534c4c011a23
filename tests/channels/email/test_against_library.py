"""Well-formed mails, made by the standard library, are read as the standard library means them."""

from __future__ import annotations

import hashlib
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.parsing import parse
from channels.email.threading import Marks
from channels.email.writing import compose
from helpdesk.channel import File
from tests.channels.email.mails import AT, MARKS, SETTINGS, message, outgoing
from tests.channels.email.test_writing import ACCOUNT

SIGNS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"))
LINE = st.text(SIGNS, min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)
WORD = st.from_regex(r"\A[a-z][a-z0-9.-]{0,10}[a-z]\Z").filter(lambda word: ".." not in word)
TEXT = st.lists(LINE, min_size=1, max_size=6).map("\n".join)
CONTENT = st.binary(max_size=300)
NAME = st.from_regex(r"\A[A-Za-zÄÖÜäöüß0-9][A-Za-zÄÖÜäöüß0-9 _-]{0,30}[a-z]\.(?:pdf|txt|bin)\Z")


@settings(max_examples=80, deadline=None)
@given(
    subject=LINE,
    text=TEXT,
    name=LINE,
    local=WORD,
    files=st.lists(st.tuples(NAME, CONTENT), max_size=3),
    encoding=st.sampled_from(["base64", "quoted-printable", "8bit"]),
    ends=st.sampled_from([policy.SMTP, policy.default]),
    html=st.booleans(),
)
def test_what_the_library_writes(
    subject: str,
    text: str,
    name: str,
    local: str,
    files: list[tuple[str, bytes]],
    encoding: str,
    ends: policy.EmailPolicy,
    html: bool,
) -> None:
    made = EmailMessage(policy=ends)
    made["From"] = Address(display_name=name, username=local, domain="example.org")
    made["Subject"] = subject
    made.set_content(text, cte=encoding)
    if html:
        made.add_alternative("<p>anders</p>", subtype="html")
    for file, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=file)
    found = parse(made.as_bytes())
    assert (found.subject, found.text) == (subject, text.strip())
    assert (found.sender, found.sender_name) == (f"{local}@example.org", name[:200])
    assert [(each.name, each.sha256) for each in found.attachments] == [
        (file, hashlib.sha256(content).hexdigest()) for file, content in files
    ]
    assert found.charset_errors == ()


@settings(max_examples=60, deadline=None)
@given(text=TEXT, subject=LINE, token=st.from_regex(r"\A[a-z0-9-]{1,32}\Z"), content=CONTENT, name=NAME)
def test_what_we_write_ourselves(text: str, subject: str, token: str, content: bytes, name: str) -> None:
    file = File(name=name, media_type="application/pdf", size=len(content), ref="r")
    sent = outgoing(text=text, subject=subject, thread={"token": token}, files=(file,))
    found = parse(compose(sent, ACCOUNT, AT, [(file, content)]).data)
    assert found.text.startswith(text.strip())
    assert found.subject == subject
    assert [(each.name, each.size) for each in found.attachments] == [(name, len(content))]


def test_two_mailboxes_with_one_secret_do_not_take_each_others_answers() -> None:
    other = Marks(address="presse@nrw.example", secret=SETTINGS["email_secret"].encode())
    body = f"From: a@example.org\nTo: {other.ticket_address('k3y9')}\nSubject: x\n\nx".encode()
    assert message(body).hints == ()
    assert message(body.replace(b"presse", b"hilfe")).hints == ()
    assert MARKS.ticket_address("k3y9") != other.ticket_address("k3y9")
