"""Static files: addresses that change with the content, so browsers may keep them for good."""

from __future__ import annotations

from functools import cache
from hashlib import blake2s
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
MOUNT = "/static"

KEEP = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, max-age=86400"


@cache
def _fingerprint(path: str) -> str:
    """Eight hex digits of the content. A file that does not exist raises: a typing error must not reach a reader."""
    return blake2s((STATIC / path).read_bytes(), digest_size=4).hexdigest()


def asset(path: str) -> str:
    """The address of a static file, e.g. `/static/console.css?v=1f2e3d4c`."""
    return f"{MOUNT}/{path}?v={_fingerprint(path)}"


class Assets(StaticFiles):
    """Serves the folder; what is asked for by fingerprint never has to be asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fingerprinted = scope["query_string"].startswith(b"v=")
        response.headers["cache-control"] = KEEP if fingerprinted else ASK_AGAIN
        return response
