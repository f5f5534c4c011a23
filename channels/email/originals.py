"""Originals that were read lately, for the moment in which the core asks for their files."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

MAX_KEPT = 64_000_000  #: bytes


@dataclass(frozen=True, kw_only=True)
class Reference:
    """`sha256:<original>/<part>?<Message-ID>`, as `reading` writes it into `File.ref`."""

    digest: str
    path: str
    message_id: str

    @classmethod
    def of(cls, ref: str) -> Self:
        place, _, message_id = ref.removeprefix("sha256:").partition("?")
        digest, _, path = place.partition("/")
        return cls(digest=digest, path=path, message_id=message_id)


class Originals:
    """Bounded, in memory, the longest unused leaves first. Losing one costs a fetch, nothing else."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, body: bytes) -> None:
        self._kept[sha256(body).hexdigest()] = body
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._most:
            self._kept.popitem(last=False)

    def get(self, digest: str) -> bytes | None:
        body = self._kept.get(digest)
        if body is not None:
            self._kept.move_to_end(digest)
        return body
