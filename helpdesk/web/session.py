"""Who a browser belongs to, and that a form was really sent from our own page.

Two walls against forged requests: `SameOrigin` asks what the browser says about where a request comes from, and the
console's forms carry a token of the session. The cookie is SameSite=Lax on top.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from helpdesk import accounts
from helpdesk.access import Visitor
from helpdesk.errors import Forbidden, NotSignedIn
from helpdesk.settings import Settings
from helpdesk.web import errors

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: other systems speak here: they send no cookies and prove themselves by a token or a signature
OTHER_SYSTEMS = ("/api/", "/channels/")
FOREIGN = "Diese Anfrage kam nicht von unserer Seite. Bitte laden Sie die Seite neu und versuchen Sie es noch einmal."


# the cookie


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to https (RFC 6265bis); plain http cannot have it."""
    return "__Host-anlaufstelle" if _is_secure(settings) else "anlaufstelle"


def cookie_of(request: Request, settings: Settings) -> str:
    """Raises `NotSignedIn` where there is none."""
    value = request.cookies.get(cookie_name(settings))
    if not value:
        raise NotSignedIn
    return value


def keep(response: Response, settings: Settings, cookie: str) -> None:
    response.set_cookie(
        cookie_name(settings),
        cookie,
        max_age=settings.session_hours * 3600,
        path="/",
        secure=_is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, settings: Settings) -> None:
    response.delete_cookie(cookie_name(settings), path="/", secure=_is_secure(settings), httponly=True, samesite="lax")


def _is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


# the visitor and the form


def visitor(session: Session, cookie: str, form_token: str | None = None) -> Visitor:
    """Who is signed in; for a form also that it is theirs. Raises `NotSignedIn`, `Forbidden`."""
    found = accounts.visitor(session, cookie)
    if form_token is not None and not hmac.compare_digest(found.form_token.encode(), form_token.encode()):
        raise Forbidden(FOREIGN)
    return found


class SameOrigin:
    """Refuses changes that another site sent through somebody's browser (Fetch Metadata, else the Origin header).

    A request with neither header comes from no present browser, so no cookie was abused.
    """

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self.app = app
        self.ours = _origin(base_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or scope["path"].startswith(OTHER_SYSTEMS):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if self._is_ours(request):
            await self.app(scope, receive, send)
        else:
            await errors.answer(request, Forbidden(FOREIGN))(scope, receive, send)

    def _is_ours(self, request: Request) -> bool:
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None:
            return site in ("same-origin", "none")
        if origin is None:
            return True
        return _origin(origin) in (self.ours, _origin(f"{request.url.scheme}://{request.headers.get('host', '')}"))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
