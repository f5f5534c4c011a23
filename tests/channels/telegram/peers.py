"""Telegram Bot API servers that nobody here wrote, on loopback: telemelya for the webhook, telegram-test-api for polling.

    with telegram_server() as telegram:
        … a bot with `telegram_url` = telegram.url has registered its webhook (`setup`) …
        telegram.send_update(42, "Hallo")
        telegram.responses()

telemelya posts updates without the secret header that Telegram sends. A relay stands in front of it, keeps the secret
of `setWebhook` and adds it. Everything else passes through untouched. It keeps its things in a Redis and an S3.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest

NODE_PACKAGE = "telegram-test-api@4.2.1"
PACKAGES = ("telemelya==0.2.2", "moto[server,s3]==5.2.5")
VENV = Path(__file__).resolve().parents[3] / ".venv-peers"
NODE_MODULES = VENV / "node/node_modules"
KEY = "k1"
TOKEN = "123456:TEST"
SESSION = "default"  #: where answers to chats land that never wrote
START_SECONDS = 60
_http = build_opener(ProxyHandler({}))  # loopback never goes through a proxy


class TelegramServer:
    """What tests do at the other end: write to the bot, press its buttons, read what it said."""

    def __init__(self, backend: str, token: str) -> None:
        self.token = token
        self._backend = backend
        self._relay = _Relay(backend)
        self.url = self._relay.url

    def send_update(self, chat_id: int, text: str, name: str = "Elif") -> int:
        """The person writes; the status with which the bot's webhook answered."""
        return self._deliver({"chat_id": chat_id, "text": text, "from_user": {"id": chat_id, "first_name": name}})

    def press(self, chat_id: int, data: str) -> int:
        """The person presses a button that carries `data`."""
        return self._deliver(
            {"chat_id": chat_id, "callback_data": data, "from_user": {"id": chat_id, "first_name": "Elif"}}
        )

    def send_photo(self, chat_id: int, file_id: str, caption: str) -> int:
        """The person sends a photo that was put there by `upload`."""
        return self._deliver({"chat_id": chat_id, "photo_file_id": file_id, "photo_caption": caption})

    def upload(self, name: str, content: bytes) -> str:
        """A file for the person to send; its file id."""
        edge = "kante4711"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        answer = self._control("POST", "upload_media", body, f"multipart/form-data; boundary={edge}")
        return str(answer["file_id"])

    def responses(self) -> list[dict[str, Any]]:
        """All requests of the bot that a person would notice, oldest first: `method`, `chat_id`, `text`, …"""
        return list(self._control("GET", "responses")["responses"])

    def texts(self, chat_id: int) -> list[str]:
        """What the bot said in this chat."""
        said = [answer for answer in self.responses() if answer["method"] == "sendMessage"]
        return [str(answer["text"]) for answer in said if answer["chat_id"] == chat_id]

    def reset(self) -> None:
        self._control("POST", "reset")

    @contextlib.contextmanager
    def without_secret(self) -> Iterator[None]:
        """Within it updates arrive as from somebody who does not know the secret."""
        self._relay.adds_secret = False
        try:
            yield
        finally:
            self._relay.adds_secret = True

    def close(self) -> None:
        self._relay.close()

    def _deliver(self, update: Mapping[str, object]) -> int:
        answer = self._control("POST", "send_update", json.dumps(update).encode(), "application/json")
        return int(answer["delivery"]["status_code"])

    def _control(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> dict[str, Any]:
        query = urlencode({"bot_token": self.token, "session_id": SESSION})
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": kind}
        url = f"{self._backend}/api/v1/test/{path}?{query}"
        with _http.open(Request(url, data=body, headers=headers, method=method), timeout=30) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def telegram_server(token: str = TOKEN) -> Iterator[TelegramServer]:
    """Installed on first use; skips the test, with the reason, where that is not possible."""
    redis, venv = _redis_server(), _venv()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telegram-peer-"))
        ports = [_free_port() for _ in range(3)]
        store = [redis, "--port", str(ports[0]), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        stack.enter_context(_running(store, ports[0], folder))
        files = [str(venv / "bin/moto_server"), "-H", "127.0.0.1", "-p", str(ports[1])]
        stack.enter_context(_running(files, ports[1], folder))
        bots = [str(venv / "bin/telemelya-server")]
        stack.enter_context(_running(bots, ports[2], folder, _environment(ports)))
        server = TelegramServer(f"http://127.0.0.1:{ports[2]}", token)
        stack.callback(server.close)
        yield server


class PollingServer:
    """As `TelegramServer`, for a bot that asks."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def send_update(self, chat_id: int, text: str, name: str = "Elif") -> None:
        """The person writes; it waits there until the bot asks."""
        message = {
            "botToken": self.token,
            "from": {"id": chat_id, "is_bot": False, "first_name": name},
            "chat": {"id": chat_id, "type": "private", "first_name": name},
            "date": int(time.time()),
            "text": text,
        }
        self._post("sendMessage", message)

    def texts(self, chat_id: int) -> list[str]:
        """What the bot said in this chat."""
        history = self._post("getUpdatesHistory", {"token": self.token})["result"]
        said = [entry["message"] for entry in history if "chat_id" in entry["message"]]
        return [str(message["text"]) for message in said if int(message["chat_id"]) == chat_id]

    def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        with _http.open(Request(f"{self.url}/{path}", json.dumps(body).encode(), headers), timeout=10) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def polling_server(token: str = TOKEN) -> Iterator[PollingServer]:
    """Installed on first use; skips the test, with the reason, where that is not possible."""
    node, modules, port = _node()
    script = Path(__file__).parent / "polling_peer.js"
    with (
        tempfile.TemporaryDirectory(prefix="telegram-peer-") as folder,
        _running([node, str(script), str(port)], port, folder, {"NODE_PATH": str(modules)}),
    ):
        yield PollingServer(f"http://127.0.0.1:{port}", token)


def _environment(ports: list[int]) -> dict[str, str]:
    return {
        "MOCK_SERVER_HOST": "127.0.0.1",
        "MOCK_SERVER_PORT": str(ports[2]),
        "MOCK_SERVER_URL": f"http://127.0.0.1:{ports[2]}",
        "REDIS_URL": f"redis://127.0.0.1:{ports[0]}/0",
        "MINIO_ENDPOINT": f"127.0.0.1:{ports[1]}",
        "AUTH_KEYS": KEY,
        "NO_PROXY": "127.0.0.1,localhost",
    }


# Installing


def _redis_server() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("peer_telegram needs redis-server, and this user may not install it (apt-get install redis-server)")
    with _alone("redis"):
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-q", "redis-server"]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        _install(command, environment)
    return shutil.which("redis-server") or pytest.skip("peer_telegram: redis-server is not there after installing it")


def _venv() -> Path:
    """Of its own: telemelya's dependencies are none of ours."""
    if not (VENV / "bin/telemelya-server").exists() or not (VENV / "bin/moto_server").exists():
        with _alone("venv"):
            _install([sys.executable, "-m", "venv", str(VENV)])
            _install([str(VENV / "bin/pip"), "install", "-q", *PACKAGES])
    return VENV


def _node() -> tuple[str, Path, int]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("peer_telegram needs node and npm for telegram-test-api")
    if not (NODE_MODULES / "telegram-test-api").exists():
        with _alone("node"):
            _install([npm, "install", "--silent", "--no-audit", "--prefix", str(NODE_MODULES.parent), NODE_PACKAGE])
    return node, NODE_MODULES, _free_port()


def _install(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        pytest.skip(f"peer_telegram: `{' '.join(command)}` failed: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def _alone(what: str) -> Iterator[None]:
    """Two test runs do not install the same thing at once."""
    with open(Path(tempfile.gettempdir()) / f"telegram-peer-{os.geteuid()}-{what}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Running


@contextlib.contextmanager
def _running(
    command: list[str], port: int, folder: str, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Yields when the port answers; ends the process, and waits for it."""
    log = Path(folder) / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | (environment or {}), cwd=folder
        )
    try:
        _wait_for(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The relay


class _Relay:
    """Bot → telemelya unchanged, but for the webhook's address; telemelya → bot with the secret header added."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.adds_secret = True
        self.hooks: dict[str, tuple[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forward(self, method: str, path: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        if path.startswith("/hook/"):
            return self._to_the_bot(path.removeprefix("/hook/"), body)
        if path.endswith("/setWebhook"):
            body = self._keep_secret(path, body or b"")
        return _fetch(method, self.backend + path, body, {"Content-Type": kind})

    def _keep_secret(self, path: str, body: bytes) -> bytes:
        token = path.split("/")[1].removeprefix("bot")
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.hooks[token] = fields["url"], fields.get("secret_token", "")
        return urlencode(fields | {"url": f"{self.url}/hook/{token}"}).encode()

    def _to_the_bot(self, token: str, body: bytes | None) -> tuple[int, bytes]:
        url, secret = self.hooks[token]
        secrets = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret and self.adds_secret else {}
        return _fetch("POST", url, body, {"Content-Type": "application/json"} | secrets)


def _fetch(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        with _http.open(Request(url, data=body, headers=dict(headers), method=method), timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def _handler_of(relay: _Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_GET(self) -> None:
            self._pass_on(None)

        def _pass_on(self, body: bytes | None) -> None:
            status, answer = relay.forward(self.command, self.path, body, self.headers.get("Content-Type", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the token is in the path."""

    return Handler
