"""How the web is served: on a port that is free, and counting senders as the reverse proxy names them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner

from helpdesk import cli
from helpdesk.settings import Settings


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    client = Request(scope).client
    await PlainTextResponse(client.host if client else "")(scope, receive, send)


def seen_from(peer: str, proxy: str) -> str:
    served = cli.web_config(Settings(proxy=proxy), who)
    served.load()

    async def ask() -> str:
        wire = httpx.ASGITransport(app=served.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=wire, base_url="http://testserver") as client:
            return (await client.get("/", headers={"x-forwarded-for": "203.0.113.7"})).text

    return asyncio.run(ask())


def test_a_sender_is_who_the_proxy_says() -> None:
    assert seen_from("10.0.0.2", "10.0.0.0/8") == "203.0.113.7"


@pytest.mark.parametrize("proxy", ["", "10.0.0.1"])
def test_nobody_else_is_believed(proxy: str) -> None:
    assert seen_from("10.0.0.2", proxy) == "10.0.0.2"


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_port_in_use_is_said_before_anything_starts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("HELPDESK_PORT", str(port))
        monkeypatch.setenv("HELPDESK_DATA", str(tmp_path))
        result = CliRunner().invoke(cli.main, [command])
    assert result.exit_code == 1
    assert f"Port {port} ist schon belegt" in result.stderr
    assert not list(tmp_path.iterdir())
