"""The bytes of a file, from the API's own host only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from channels.telegram.api import CONNECT_SECONDS, Api
from channels.telegram.errors import delivery_error, too_big
from helpdesk.channel import DeliveryError, File, FileTooLarge, Outcome, Reason

CHUNK = 64 * 1024


async def stream(api: Api, file: File, *, cap: int) -> AsyncIterator[bytes]:
    """Stops with `FileTooLarge` above `cap` bytes. Telegram lets nobody delete afterwards; the notice says so."""
    if file.size > cap:
        raise FileTooLarge
    url = await _locate(api, file)
    timeout = httpx.Timeout(api.timeout.total_seconds(), connect=CONNECT_SECONDS)
    received = 0
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", url) as got,
        ):
            _accept(got, cap)
            async for chunk in got.aiter_bytes(CHUNK):
                received += len(chunk)
                if received > cap:
                    raise FileTooLarge
                yield chunk
    except httpx.HTTPError as error:  # reading twice harms nobody, so every broken connection is worth another try
        raise DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN, detail=type(error).__name__) from None


async def _locate(api: Api, file: File) -> str:
    """Where the file lies, for an hour. A path outside the API's host comes from a server in local mode: refused."""
    try:
        found = await api.bot.get_file(file.ref)
    except Exception as error:
        if too_big(error):
            raise FileTooLarge from None
        raise delivery_error(error) from None
    if not found.file_path or not found.file_path.startswith(f"{api.url}/file/bot"):
        raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED, detail="the file is not at the API's host")
    return found.file_path


def _accept(response: httpx.Response, cap: int) -> None:
    if response.status_code >= 500 or response.status_code == 429:
        raise DeliveryError(Outcome.TEMPORARY, Reason.PROVIDER_DOWN, detail=f"answered {response.status_code}")
    if response.status_code != 200:  # a redirect would carry the token elsewhere
        raise DeliveryError(Outcome.PERMANENT, Reason.REJECTED, detail=f"answered {response.status_code}")
    if int(response.headers.get("content-length", 0)) > cap:
        raise FileTooLarge
