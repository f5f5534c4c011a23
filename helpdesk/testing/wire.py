"""A request as a provider sends it, and the answer of a channel's routes, without a server in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from helpdesk.channel import Channel, Desk


@dataclass(frozen=True, kw_only=True)
class Request:
    """`path` is below the mount, e.g. "/message"; header values go out as UTF-8, as sloppy senders do."""

    path: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: bytes

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


async def call(channel: Channel, desk: Desk, request: Request) -> Reply:
    """One request to a channel mounted as the application mounts it. An exception is what a server makes of it: 500."""
    app = Starlette(routes=[Mount(f"/channels/{channel.name}", routes=channel.routes(desk))])
    sent: list[dict[str, Any]] = []
    inbox = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return inbox.pop(0) if inbox else {"type": "http.disconnect"}

    async def send(event: Any) -> None:
        sent.append(event)

    try:
        await app(_scope(channel, request), receive, send)
    except Exception as unhandled:  # Starlette has answered 500 and hands it on to the log of the server
        return Reply(status=500, body=repr(unhandled).encode())
    body = b"".join(event.get("body", b"") for event in sent if event["type"] == "http.response.body")
    return Reply(status=sent[0]["status"], body=body)


def _scope(channel: Channel, request: Request) -> dict[str, Any]:
    path, _, query = f"/channels/{channel.name}{request.path}".partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("helpdesk.example", 443),
    }
