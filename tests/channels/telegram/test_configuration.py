"""Which settings make a bot, and what is said about the others."""

from __future__ import annotations

import pytest

from channels.telegram import TelegramChannel
from channels.telegram.configuration import Mode, parse
from helpdesk.channel import Misconfigured
from helpdesk.testing.fake_desk import FakeDesk

TOKEN, SECRET, PUBLIC = "123456:AAHdqTcvCH1vGWJx", "0123456789abcdef", "https://hilfe.nrw.example/"
WHOLE = {"telegram_token": TOKEN, "telegram_secret": SECRET, "public_url": PUBLIC}


def test_a_token_alone_polls() -> None:
    (bot,) = TelegramChannel.from_settings({"telegram_token": TOKEN})
    assert (bot.account, bot.configuration.mode, bot.routes(FakeDesk())) == ("123456", Mode.POLLING, [])


def test_a_secret_besides_means_webhook() -> None:
    (bot,) = TelegramChannel.from_settings(WHOLE)
    assert bot.configuration.mode is Mode.WEBHOOK
    assert bot.configuration.webhook_url == "https://hilfe.nrw.example/channels/telegram/123456/update"
    assert bot.configuration.url == "https://api.telegram.org"


def test_an_address_without_token_and_secret_is_no_bot() -> None:
    assert parse({"telegram_url": "http://127.0.0.1:1", "telegram_mode": "polling", "public_url": PUBLIC}) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"telegram_token": ""}, "telegram_token"),
        ({"telegram_token": "geheim"}, "telegram_token"),
        ({"telegram_secret": "", "telegram_mode": "webhook"}, "telegram_secret"),
        ({"telegram_secret": "zu kurz"}, "telegram_secret"),
        ({"telegram_secret": "ä" * 20}, "telegram_secret"),
        ({"telegram_mode": "brieftaube"}, "telegram_mode"),
        ({"telegram_url": "ftp://api.example"}, "telegram_url"),
        ({"public_url": ""}, "public_url"),
        ({"public_url": "hilfe.nrw.example"}, "public_url"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(change: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse({**WHOLE, **change})
    assert named in str(caught.value)
    assert not any(value and value in str(caught.value) for value in change.values() if value != "webhook")


def test_no_secret_in_the_repr() -> None:
    (bot,) = TelegramChannel.from_settings(WHOLE)
    shown = repr(bot) + repr(bot.configuration) + repr(vars(bot))
    assert TOKEN not in shown and SECRET not in shown
