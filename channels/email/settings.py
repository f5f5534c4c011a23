"""One mailbox and its relay, as the settings describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from channels.email.addresses import normal
from channels.email.reading import Rules
from channels.email.threading import Marks
from helpdesk.channel import Misconfigured

PREFIX = "email_"
_NEEDED = ("address", "imap_host", "imap_password", "smtp_host", "secret")
_MIN_SECRET = 16


class Tls(StrEnum):
    SSL = "ssl"  #: encrypted from the first byte
    STARTTLS = "starttls"  #: upgraded before anything secret is said; refused when the server does not offer it
    NONE = "none"  #: only for a server on the same machine


_PORTS = {
    ("imap", Tls.SSL): 993,
    ("imap", Tls.STARTTLS): 143,
    ("imap", Tls.NONE): 143,
    ("smtp", Tls.SSL): 465,
    ("smtp", Tls.STARTTLS): 587,
    ("smtp", Tls.NONE): 25,
}


@dataclass(frozen=True, kw_only=True)
class Server:
    host: str
    port: int
    tls: Tls
    user: str = field(default="", repr=False)  #: "" = the relay takes mail from us without a login
    password: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Account:
    address: str
    name: str
    imap: Server
    smtp: Server
    rules: Rules

    @property
    def marks(self) -> Marks:
        return self.rules.marks


def accounts(settings: Mapping[str, str]) -> tuple[Account, ...]:
    """None without any `email_…` setting. Raises `Misconfigured` naming each missing or wrong key."""
    given = {
        key.removeprefix(PREFIX): value.strip()
        for key, value in settings.items()
        if key.startswith(PREFIX) and value.strip()
    }
    if not given:
        return ()
    wrong = [f"{PREFIX}{key} fehlt" for key in _NEEDED if not given.get(key)]
    if given.get("smtp_user") and not given.get("smtp_password"):
        wrong.append(f"{PREFIX}smtp_password fehlt (email_smtp_user ist gesetzt)")
    wrong += list(_faults(given))
    if wrong:
        raise Misconfigured("E-Mail: " + "; ".join(wrong))
    delimiter = settings.get(f"{PREFIX}recipient_delimiter", "+").strip()
    address = normal(given["address"])
    marks = Marks(address=address, secret=given["secret"].encode(), delimiter=delimiter)
    return (
        Account(
            address=address,
            name=given.get("name", ""),
            imap=_server(given, "imap", default=Tls.SSL, user=given.get("imap_user") or address),
            smtp=_server(given, "smtp", default=Tls.STARTTLS, user=given.get("smtp_user", "")),
            rules=Rules(marks=marks, authserv_id=given.get("authserv_id", "")),
        ),
    )


def _faults(given: Mapping[str, str]) -> list[str]:
    wrong = []
    if given.get("address") and not normal(given["address"]):
        wrong.append(f"{PREFIX}address ist keine E-Mail-Adresse")
    if 0 < len(given.get("secret", "")) < _MIN_SECRET:
        wrong.append(f"{PREFIX}secret braucht mindestens {_MIN_SECRET} Zeichen")
    for which in ("imap", "smtp"):
        port, tls = given.get(f"{which}_port", "1"), given.get(f"{which}_tls", "ssl").lower()
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            wrong.append(f"{PREFIX}{which}_port ist keine Portnummer")
        if tls not in list(Tls):
            wrong.append(f"{PREFIX}{which}_tls muss ssl, starttls oder none sein")
    return wrong


def _server(given: Mapping[str, str], which: str, *, default: Tls, user: str) -> Server:
    tls = Tls(given.get(f"{which}_tls", default).lower())
    return Server(
        host=given[f"{which}_host"],
        port=int(given.get(f"{which}_port") or _PORTS[which, tls]),
        tls=tls,
        user=user,
        password=given.get(f"{which}_password", ""),
    )
