"""The agents' face: inbox and ticket."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from helpdesk.web import live
from helpdesk.web.console import acts, door, pages

TICKET = "/console/tickets/{number}"


def routes() -> list[BaseRoute]:
    return [
        Route("/anmelden", door.show_sign_in, methods=["GET"]),
        Route("/anmelden", door.sign_in, methods=["POST"]),
        Route("/abmelden", door.sign_out, methods=["POST"]),
        Route("/console", pages.show_inbox, methods=["GET"]),
        Route("/console/live", live.stream, methods=["GET"]),
        Route("/console/preferences", door.prefer, methods=["POST"]),
        Route("/console/bulk/acknowledgement", acts.bulk(acts.acknowledge_each), methods=["POST"]),
        Route("/console/bulk/assignment", acts.bulk(acts.assign_each), methods=["POST"]),
        Route(TICKET, pages.show_ticket, methods=["GET"]),
        Route(f"{TICKET}/files/{{file:int}}", pages.show_file, methods=["GET"]),
        Route(f"{TICKET}/messages", acts.act(acts.say), methods=["POST"]),
        Route(f"{TICKET}/acknowledgement", acts.act(acts.acknowledge), methods=["POST"]),
        Route(f"{TICKET}/assignment", acts.act(acts.assign), methods=["POST"]),
        Route(f"{TICKET}/resolution", acts.act(acts.resolve), methods=["POST"]),
        Route(f"{TICKET}/reopening", acts.act(acts.reopen), methods=["POST"]),
        Route(f"{TICKET}/resumption", acts.act(acts.resume), methods=["POST"]),
        Route(f"{TICKET}/pause", acts.act(acts.pause), methods=["POST"]),
        Route(f"{TICKET}/severity", acts.act(acts.set_severity), methods=["POST"]),
        Route(f"{TICKET}/deliveries/{{delivery:int}}/again", acts.act(acts.send_again), methods=["POST"]),
    ]
