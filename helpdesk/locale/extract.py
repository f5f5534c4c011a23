"""For Babel: the docstring of an error class is its message for people, so it belongs into the catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import IO


def error_messages(
    fileobj: IO[bytes], keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, None, str, list[str]]]:
    """Babel's extraction interface: (line, function, message, comments) for each class with a docstring."""
    for node in ast.walk(ast.parse(fileobj.read())):
        if isinstance(node, ast.ClassDef) and (message := ast.get_docstring(node)):
            yield node.lineno, None, message, [f"helpdesk.errors.{node.name}"]
