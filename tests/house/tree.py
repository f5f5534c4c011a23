"""The files of the house, as somebody who checks it out sees them: no caches, no environments, no git needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("helpdesk", "channels", "escalation")
_MADE = {
    "__pycache__",
    "node_modules",
    "dist",
    "build",
    "var",
}  #: and every folder whose name starts with a dot, but .ci


def files(*below: str, suffix: str = "") -> Iterator[Path]:
    """All files whose name ends in `suffix`, in the whole tree or in the named folders."""
    for start in below or (".",):
        yield from _walk(ROOT / start, suffix)


def name(path: Path) -> str:
    """As it is written in a message: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path, suffix: str) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name == ".ci" or not (
                path.name in _MADE or path.name.startswith(".") or path.name.endswith(".egg-info")
            ):
                yield from _walk(path, suffix)
        elif path.name.endswith(suffix) and not path.name.endswith(".pyc") and path.name != ".git":
            yield path
