"""The process that reads mails for `sandbox`: rules first, then mails, until its input ends."""

from __future__ import annotations

import pickle
import resource
import sys
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from channels.email.reading import Rules, Unreadable, read
from channels.email.sandbox import LENGTH, Read
from helpdesk.channel import Raw

MEMORY = 2_000_000_000  #: bytes of address space


def main(source: BinaryIO, target: BinaryIO) -> None:
    rules: Rules | None = None
    while head := source.read(LENGTH.size):
        value = pickle.loads(source.read(LENGTH.unpack(head)[0]))  # noqa: S301 - `sandbox` wrote it
        if isinstance(value, Rules):
            rules = value
            continue
        answer = pickle.dumps(_answer(value, rules))
        target.write(LENGTH.pack(len(answer)) + answer)
        target.flush()


def _answer(raw: Raw, rules: Rules | None) -> Read | str:
    """The original is not sent back: the other end has it."""
    if rules is None:
        return "no rules"
    try:
        return tuple(replace(each, raw=replace(raw, body=b"")) for each in read(raw, rules))
    except (Unreadable, MemoryError) as problem:
        return str(problem) or type(problem).__name__


if __name__ == "__main__":
    with suppress(ValueError, OSError):  # not every system can
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    main(sys.stdin.buffer, sys.stdout.buffer)
