"""The citizens' faces: contact page, own ticket, the few fixed pages."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from helpdesk.web.citizen import contact, fixed, ticket
from helpdesk.web.citizen.views import Fixed


def routes() -> list[BaseRoute]:
    """Every address of the citizens' face."""
    return [
        Route("/", contact.show, methods=["GET"]),
        Route("/", contact.send, methods=["POST"]),
        Route("/gesendet", contact.sent, methods=["GET"]),
        Route("/orte", contact.places, methods=["GET"]),
        Route("/leicht", fixed.plain, methods=["GET"]),
        Route("/leicht/", fixed.plain, methods=["GET"]),
        Route("/anliegen", ticket.asked, methods=["GET"]),
        Route("/anliegen/{secret}", ticket.show, methods=["GET"]),
        Route("/anliegen/{secret}", ticket.enter, methods=["POST"]),
        Route("/anliegen/{secret}/messages", ticket.reply, methods=["POST"]),
        Route("/anliegen/{secret}/resolution", ticket.resolve, methods=["POST"]),
        Route("/anliegen/{secret}/reopening", ticket.reopen, methods=["POST"]),
        Route("/anliegen/{secret}/files/{file:int}", ticket.download, methods=["GET"]),
        *(Route(f"/{page}", fixed.show, methods=["GET"]) for page in Fixed),
    ]
