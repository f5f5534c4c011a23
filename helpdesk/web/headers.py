"""Headers that keep browsers on our side, on every answer of ours. What an endpoint sets itself stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: nothing from elsewhere, nothing inline; the console shows pictures that are drawn in place
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CONSOLE = STRICT.replace("img-src 'self'", "img-src 'self' data:")
#: for bytes that somebody sent us: even if a browser showed them, nothing in them would run
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"

EVERYWHERE: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # Secret links never travel to another site. "no-referrer" would do that too, but makes browsers send forms with
    # `Origin: null` (Fetch, "append a request Origin header"), and then no form can be told from a forged one.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STAFF = ("/console", "/admin", "/anmelden", "/abmelden")
#: pages that belong to one person: no search engine, no cache
PERSONAL = ("/anliegen/", "/gesendet", *STAFF)
PERSONAL_HEADERS: Mapping[str, str] = {"x-robots-tag": "noindex, nofollow", "cache-control": "no-store"}
TWO_YEARS = "max-age=63072000"


class SecurityHeaders:
    """ASGI middleware. `https`: the public address is https, so browsers are told to stay there (RFC 6797)."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = headers_of(scope["path"], https=self.https)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


def headers_of(path: str, *, https: bool) -> dict[str, str]:
    """Headers of an answer at this address."""
    policy = CONSOLE if path.startswith(STAFF) else STRICT
    return {
        **EVERYWHERE,
        "content-security-policy": policy,
        **(PERSONAL_HEADERS if path.startswith(PERSONAL) else {}),
        **({"strict-transport-security": TWO_YEARS} if https else {}),
    }
