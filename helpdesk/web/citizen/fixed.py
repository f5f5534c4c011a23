"""Pages whose text is the operator's, the short way to Leichte Sprache, and faults drawn for citizens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from helpdesk.i18n import Language
from helpdesk.web import errors
from helpdesk.web.citizen import offer, reader
from helpdesk.web.citizen.views import Fixed, FixedPage, Problem, ProblemPage

PROBLEMS = {
    404: Problem.NOT_FOUND,
    405: Problem.NOT_FOUND,
    413: Problem.TOO_LARGE,
    429: Problem.TOO_MANY,
    503: Problem.DATABASE_AWAY,
}


async def show(request: Request) -> Response:
    now, _ = await offer.current(request)
    return reader.html(FixedPage(frame=reader.frame_of(request, now.now), page=Fixed(request.url.path.strip("/"))))


async def plain(request: Request) -> Response:
    """`/leicht/`: an address that can be printed."""
    query = request.query_params.multi_items()
    kept = "".join(f"&{name}={value}" for name, value in query if name == "portal" and value.replace("-", "").isalnum())
    return RedirectResponse(f"/?sprache={Language.DE_LEICHT}{kept}", 307)


@errors.face("/")
def fault(request: Request, problem: errors.Problem) -> Response:
    """Any error on a citizens' page. Draws without the database."""
    frame = reader.frame_of(request, offer.known(request).now, path="/")
    return reader.html(ProblemPage(frame=frame, problem=PROBLEMS.get(problem.status, Problem.FAILED)), problem.status)
