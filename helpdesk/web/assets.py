"""Static files: addresses that change with the content, so browsers may keep them for good."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import blake2s
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
MOUNT = "/static"

KEEP = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, max-age=86400"
TEXT = frozenset({".css", ".js", ".svg"})


@cache
def _fingerprint(path: str) -> str:
    """Eight hex digits of the content. A file that does not exist raises: a typing error must not reach a reader."""
    return blake2s((STATIC / path).read_bytes(), digest_size=4).hexdigest()


def asset(path: str) -> str:
    """The address of a static file, e.g. `/static/console.css?v=1f2e3d4c`."""
    return f"{MOUNT}/{path}?v={_fingerprint(path)}"


@cache
def _squeezed(path: str) -> bytes:
    """gzip of a text file, made once: style sheets shrink to a tenth."""
    return gzip.compress((STATIC / path).read_bytes(), compresslevel=9, mtime=0)


class Assets(StaticFiles):
    """Serves the folder; what is asked for by fingerprint never has to be asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fingerprinted = scope["query_string"].startswith(b"v=")
        response.headers["cache-control"] = KEEP if fingerprinted else ASK_AGAIN
        if not isinstance(response, FileResponse) or Path(path).suffix not in TEXT:
            return response
        response.headers["vary"] = "accept-encoding"
        return _encoded(path, response) if "gzip" in Headers(scope=scope).get("accept-encoding", "") else response


def _encoded(path: str, plain: Response) -> Response:
    kept = {name: plain.headers[name] for name in ("cache-control", "etag", "last-modified", "vary")}
    return Response(_squeezed(path), media_type=plain.media_type, headers={**kept, "content-encoding": "gzip"})
