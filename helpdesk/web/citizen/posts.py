"""Bodies of citizens' forms, read within limits. What was typed survives a body that is too large or broken."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from helpdesk import uploads
from helpdesk.web.citizen.forms import Limits, Upload
from helpdesk.web.citizen.views import Problem

MOST_FIELDS = 40
MOST_TEXT = 512 * 1024  #: bytes of one typed field: a text that is far too long still comes back to its writer
_DRAIN = 4  #: how many times the limit is read and thrown away, so that the browser listens to our answer
_RAW = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, kw_only=True)
class Post:
    texts: Mapping[str, str] = field(repr=False)
    files: tuple[UploadFile, ...] = ()
    chosen: tuple[Upload, ...] = ()  #: the same files, as forms look at them
    problem: Problem | None = None  #: why the rest is missing


@asynccontextmanager
async def posted(request: Request, limits: Limits) -> AsyncIterator[Post]:
    """The form; its files are closed at the end of the block."""
    post = await _read(request, limits)
    try:
        yield post
    finally:
        for file in post.files:
            await file.close()


async def _read(request: Request, limits: Limits) -> Post:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request, limits)
    body = Body(request, MOST_TEXT)
    whole = b"".join([chunk async for chunk in body.chunks()])
    if kind != "application/x-www-form-urlencoded":
        return Post(texts={}, problem=Problem.TOO_LARGE if body.over else None)
    return Post(texts=urlencoded(whole), problem=Problem.TOO_LARGE if body.over else None)


async def _multipart(request: Request, limits: Limits) -> Post:
    body = Body(request, limits.files * limits.file_bytes + 2 * MOST_TEXT)
    # Twice as many files as allowed are still read, so that the form can say "too many" and keep the rest.
    parser = MultiPartParser(
        request.headers, body.chunks(), max_files=2 * limits.files, max_fields=MOST_FIELDS, max_part_size=MOST_TEXT
    )
    problem = None
    try:
        await parser.parse()
    except (MultiPartException, FormParserError):
        await body.drain()
        problem = Problem.TOO_LARGE
    texts = {name: value for name, value in parser.items if isinstance(value, str)}
    if problem or body.over:
        return Post(texts=texts, problem=Problem.TOO_LARGE)
    files = tuple(value for _, value in parser.items if isinstance(value, UploadFile) and value.filename)
    return Post(texts=texts, files=files, chosen=tuple([await _looked_at(file) for file in files]))


async def _looked_at(file: UploadFile) -> Upload:
    head = await file.read(uploads.HEAD)
    await file.seek(0)
    name = file.filename or ""
    return Upload(name=name, size=file.size or 0, fits=uploads.media_type(name, head) is not None)


class Body:
    """A request's body, as much of it as is wanted. What is beyond is read and forgotten."""

    def __init__(self, request: Request, most: int) -> None:
        self._stream = request.stream()
        self._most = most
        self._seen = 0

    @property
    def over(self) -> bool:
        return self._seen > self._most

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._stream:
            room = self._most - self._seen
            self._seen += len(chunk)
            yield chunk[:room]
            if self.over:
                await self.drain()
                return

    async def drain(self) -> None:
        async for chunk in self._stream:
            self._seen += len(chunk)
            if self._seen > self._most * _DRAIN:
                return


def urlencoded(body: bytes) -> dict[str, str]:
    """A form of the plain kind, also where a program sent UTF-8, or old Latin-1, without escaping it."""
    escaped = _RAW.sub(lambda byte: b"%%%02X" % byte[0][0], body).decode("ascii")
    try:
        pairs = parse_qsl(escaped, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError:
        pairs = parse_qsl(escaped, keep_blank_values=True, encoding="cp1252", errors="replace")
    except ValueError:  # too many fields
        return {}
    return dict(pairs)
