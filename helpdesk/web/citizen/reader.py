"""Who reads a page, and the answer they get: language, frame, cookies, the address that limits are counted by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from helpdesk.i18n import interface_language, negotiate
from helpdesk.web.citizen.views import Brand, Frame, Page, draw
from helpdesk.web.endpoint import house


def frame_of(
    request: Request,
    now: datetime,
    *,
    path: str | None = None,
    query: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Frame:
    """`typed`: the form that was sent; it carries the language along."""
    settings = house(request).settings
    theirs = negotiate(request.headers.get("accept-language"))
    wanted = interface_language((typed or {}).get("sprache") or request.query_params.get("sprache"))
    return Frame(
        language=wanted or theirs,
        path=path or request.url.path,
        now=now,
        brand=Brand(name=settings.brand),
        query=query or {},
        reader_language=theirs,
        phone=settings.hotline,
    )


def html(page: Page, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Never kept by a cache in between: forms carry a key of their own, and other pages are one person's."""
    return HTMLResponse(draw(page), status, {"cache-control": "no-store", "vary": "accept-language", **(headers or {})})


def go(address: str) -> Response:
    """To be read after a form was taken in: a reload sends nothing again."""
    return RedirectResponse(address, 303, {"cache-control": "no-store"})


def remember(request: Request, response: Response, name: str, value: str, path: str) -> None:
    """A cookie for one address of ours, until the browser is closed."""
    secure = house(request).settings.base_url.startswith("https://")
    response.set_cookie(name, value, path=path, secure=secure, httponly=True, samesite="lax")


def sender_of(request: Request) -> str:
    """Whose requests are counted together, as 16 bytes that cannot be turned back: one IPv4 address, or an IPv6 /64."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        if isinstance(address, IPv6Address):
            host = address.ipv4_mapped.compressed if address.ipv4_mapped else address.packed[:8].hex()
    return house(request).context.seal("client", host).hex()
