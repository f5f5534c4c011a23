"""The settings of one bot, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from helpdesk.channel import Misconfigured

API_HOST = "https://api.telegram.org"
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")  #: Bot API, setWebhook: at most 256 of these; the minimum is ours
ADDRESS = re.compile(r"https?://[^/\s]+(/[^\s]*)?")


class Mode(StrEnum):
    WEBHOOK = auto()  #: Telegram posts to us; needs a public address
    POLLING = auto()  #: we ask; needs none


@dataclass(frozen=True, kw_only=True)
class Configuration:
    token: str = field(repr=False)
    secret: str = field(repr=False)
    url: str  #: of the API, without a slash at the end
    public_url: str  #: of this house, without a slash at the end
    mode: Mode

    @property
    def bot_id(self) -> str:
        return self.token.partition(":")[0]

    @property
    def webhook_url(self) -> str:
        return f"{self.public_url}/channels/telegram/{self.bot_id}/update"


def parse(settings: Mapping[str, str]) -> Configuration | None:
    """None = no bot wanted. Raises `Misconfigured`, which names keys and quotes no value.

    An address or a mode alone wants no bot: both have a value without anybody having chosen Telegram.
    """
    token, secret = settings.get("telegram_token", ""), settings.get("telegram_secret", "")
    if not token and not secret:
        return None
    return Configuration(
        token=_token(token),
        secret=secret,
        url=_address("telegram_url", settings.get("telegram_url") or API_HOST),
        public_url=_address("public_url", settings.get("public_url") or "http://localhost"),
        mode=_mode(settings, secret),
    )


def _token(token: str) -> str:
    if not token:
        raise Misconfigured("telegram_token fehlt")
    if not TOKEN.fullmatch(token):
        raise Misconfigured("telegram_token hat nicht die Form 123456:ABC…")
    return token


def _address(key: str, value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise Misconfigured(f"{key} ist keine Adresse mit http:// oder https://")
    return value.rstrip("/")


def _mode(settings: Mapping[str, str], secret: str) -> Mode:
    wanted = settings.get("telegram_mode") or (Mode.WEBHOOK if secret else Mode.POLLING)
    if wanted not in list(Mode):
        raise Misconfigured("telegram_mode muss webhook oder polling sein")
    if wanted == Mode.WEBHOOK:
        _webhook_needs(settings, secret)
    return Mode(wanted)


def _webhook_needs(settings: Mapping[str, str], secret: str) -> None:
    if not secret:
        raise Misconfigured("telegram_secret fehlt: ohne das Geheimnis kann jeder Nachrichten unterschieben")
    if not SECRET.fullmatch(secret):
        raise Misconfigured("telegram_secret: 16 bis 256 Zeichen aus A-Z, a-z, 0-9, _ und -")
    if not settings.get("public_url"):
        raise Misconfigured("public_url fehlt: Telegram braucht die öffentliche Adresse")
