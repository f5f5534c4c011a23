"""Into the console and out of it, what somebody chose for this browser, and how errors look in here."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from helpdesk import accounts, limits
from helpdesk.errors import HelpdeskError, NotSignedIn, TooMany
from helpdesk.web import errors
from helpdesk.web import session as sessions
from helpdesk.web.console import pages
from helpdesk.web.console.inbox import HOME, Preferences
from helpdesk.web.console.views import ErrorPage, Link, SignInPage
from helpdesk.web.endpoint import house, work
from helpdesk.web.errors import Problem
from helpdesk.web.pages import render

SIGN_IN = "/anmelden"
YEAR = 365 * 24 * 3600
#: wrong guesses: few for one name from one place, more for a whole office, and an end for a name from everywhere
GUESSES = timedelta(minutes=5)


async def show_sign_in(request: Request) -> Response:
    return _sign_in_page(request, request.query_params.get("next", ""))


def _sign_in_page(request: Request, next_: str, email: str = "", error: HelpdeskError | None = None) -> Response:
    page = SignInPage(
        brand=house(request).settings.brand,
        csrf="",
        action=SIGN_IN,
        next=_inside(next_),
        email=email,
        error=error.message if error else "",
    )
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, TooMany) else {}
    headers["cache-control"] = "no-store"
    return HTMLResponse(render("console/sign_in.html", page=page), error.status if error else 200, headers=headers)


async def sign_in(request: Request) -> Response:
    form = await request.form(max_files=0, max_fields=10)
    email, password = str(form.get("email", ""))[:254], str(form.get("password", ""))[:1000]
    place = request.client.host if request.client else ""

    def job(session: Session) -> str | HelpdeskError:
        """A refusal is an answer, not an exception: its event and its count must stand."""
        try:
            _throttle(session, email, place)
            return accounts.sign_in(session, email, password)
        except (NotSignedIn, TooMany) as error:
            return error

    outcome = await work(request, job)
    next_ = str(form.get("next", ""))
    if isinstance(outcome, HelpdeskError):
        return _sign_in_page(request, next_, email, outcome)
    response = RedirectResponse(_inside(next_), 303)
    sessions.keep(response, house(request).settings, outcome)
    return response


def _throttle(session: Session, email: str, place: str) -> None:
    name = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    limits.allow(session, f"sign-in:{name}:{place}", count=10, per=GUESSES)
    limits.allow(session, f"sign-in:{place}", count=100, per=GUESSES)
    limits.allow(session, f"sign-in:{name}", count=60, per=GUESSES)


def _inside(next_: str) -> str:
    """Only addresses of the console: a link must not lead somebody elsewhere after the sign-in."""
    path = next_.partition("?")[0]
    safe = path == HOME or path.startswith(f"{HOME}/")
    return next_ if safe and "\\" not in next_ and next_.isprintable() else HOME


async def sign_out(request: Request) -> Response:
    settings = house(request).settings
    form = await request.form(max_files=0, max_fields=10)
    try:
        cookie = sessions.cookie_of(request, settings)
        await work(request, lambda session: _signed_out(session, cookie, form))
    except NotSignedIn:
        pass  # the session has ended already: what was wanted
    response = RedirectResponse(SIGN_IN, 303)
    sessions.forget(response, settings)
    return response


def _signed_out(session: Session, cookie: str, form: FormData) -> None:
    sessions.visitor(session, cookie, str(form.get("csrf", "")))
    accounts.sign_out(session, cookie)


async def prefer(request: Request) -> Response:
    """Keeps theme and single keys in a cookie of this browser: nothing that a server must know."""
    form = await request.form(max_files=0, max_fields=10)
    who = pages.caller(request)
    await work(request, lambda session: sessions.visitor(session, who.cookie, str(form.get("csrf", ""))))
    chosen = Preferences.read(f"{form.get('theme', '')}.{form.get('shortcuts', '')}")
    response = RedirectResponse(f"{HOME}?{urlencode({'done': 'preferences'})}", 303)
    secure = house(request).settings.base_url.startswith("https://")
    response.set_cookie(
        pages.PREFERENCES, str(chosen), max_age=YEAR, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response


# errors


TITLES = {
    403: "Dafür haben Sie keine Rechte",
    404: "Das gibt es hier nicht",
    409: "Inzwischen hat sich etwas geändert",
    413: "Das ist zu groß",
    422: "Das konnten wir nicht übernehmen",
    429: "Bitte warten Sie einen Moment",
    503: "Die Datenbank ist gerade nicht erreichbar",
}


@errors.face(HOME, SIGN_IN, "/abmelden")
def failed(request: Request, problem: Problem) -> Response:
    """Signed out: to the sign-in and back. Else the error as a page, or in place of the ticket."""
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return _to_sign_in(request)
    error = ErrorPage(
        status=problem.status,
        title=TITLES.get(problem.status, "Das hat nicht geklappt"),
        text=problem.text,
        brand=house(request).settings.brand,
        icon="lock" if problem.status == HTTPStatus.FORBIDDEN else "sync-problem",
        reference=problem.reference,
        back=Link(label="Zurück zum Eingang", href=HOME),
    )
    name = "_error" if pages.is_partial(request) else "error"
    return HTMLResponse(
        render(f"console/{name}.html", error=error), problem.status, headers={"vary": "HX-Request-Type"}
    )


def _to_sign_in(request: Request) -> Response:
    if request.url.path == f"{HOME}/live":
        return Response(status_code=401)  # a stream cannot be sent elsewhere
    address = f"{SIGN_IN}?{urlencode({'next': _came_from(request)})}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": address})
    return RedirectResponse(address, 303)


def _came_from(request: Request) -> str:
    """Where to go on after the sign-in: this page, or the ticket that a form was about."""
    path = request.url.path
    if request.method == "GET":
        return f"{path}?{request.url.query}" if request.url.query else path
    parts = path.split("/")
    return "/".join(parts[:4]) if path.startswith(f"{HOME}/tickets/") else HOME
