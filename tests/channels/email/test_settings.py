"""Nothing, half, or all of a mailbox."""

from __future__ import annotations

import pytest

from channels.email import EmailChannel
from channels.email.settings import Tls, accounts
from helpdesk.channel import Misconfigured
from tests.channels.email.mails import SECRET, SETTINGS


def test_without_settings_there_is_no_mailbox() -> None:
    assert EmailChannel.from_settings({}) == ()
    assert EmailChannel.from_settings({"telegram_token": "x", "email_address": "  "}) == ()


@pytest.mark.parametrize(
    "key", ["email_address", "email_imap_host", "email_imap_password", "email_smtp_host", "email_secret"]
)
def test_half_of_it_says_what_is_missing(key: str) -> None:
    with pytest.raises(Misconfigured, match=f"{key} fehlt"):
        EmailChannel.from_settings({name: value for name, value in SETTINGS.items() if name != key})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email_address": "hilfe"}, "email_address ist keine"),
        ({"email_secret": "kurz"}, "email_secret braucht"),
        ({"email_imap_port": "abc"}, "email_imap_port"),
        ({"email_smtp_port": "70000"}, "email_smtp_port"),
        ({"email_smtp_tls": "vielleicht"}, "email_smtp_tls"),
        ({"email_smtp_user": "u"}, "email_smtp_password fehlt"),
    ],
)
def test_nonsense_is_named(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        EmailChannel.from_settings(SETTINGS | wrong)


def test_all_of_it() -> None:
    (found,) = accounts(
        {
            "email_address": "Hilfe@NRW.example",
            "email_imap_host": "imap.nrw.example",
            "email_imap_password": "pw",
            "email_smtp_host": "smtp.nrw.example",
            "email_secret": SECRET,
        }
    )
    assert found.address == "Hilfe@nrw.example"
    assert (found.imap.tls, found.imap.port, found.imap.user) == (Tls.SSL, 993, "Hilfe@nrw.example")
    assert (found.smtp.tls, found.smtp.port, found.smtp.user) == (Tls.STARTTLS, 587, "")


def test_secrets_are_in_no_repr() -> None:
    (account,) = accounts(SETTINGS | {"email_smtp_user": "nutzer", "email_smtp_password": "geheim2"})
    shown = repr(account)
    for secret in (SECRET, "geheim", "geheim2", "nutzer"):
        assert secret not in shown
