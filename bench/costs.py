"""CPU time of processes, from the kernel's books (proc(5)): milliseconds, user and system together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
TICK = 1000 / os.sysconf("SC_CLK_TCK")


def postmaster(folder: Path) -> int:
    """Process id of the server whose data lie in this folder."""
    found = next(folder.rglob("postmaster.pid"))
    return int(found.read_text().splitlines()[0])


def of_process(pid: int) -> float:
    """This process alone, all its threads."""
    user, system, *_ = _times(pid)
    return (user + system) * TICK


def of_server(pid: int) -> float:
    """A database server with all its processes, also those that have ended."""
    own = sum(_times(pid)) * TICK
    return own + sum(of_process(child) for child in children(pid))


def children(pid: int) -> Iterator[int]:
    for task in PROC.glob(f"{pid}/task/*/children"):
        yield from map(int, task.read_text().split())


def _times(pid: int) -> tuple[int, int, int, int]:
    """utime, stime, and the same of children that have ended; zeros when the process is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0, 0, 0, 0
    user, system, dead_user, dead_system = map(int, fields[11:15])
    return user, system, dead_user, dead_system


def machine() -> dict[str, object]:
    info = (PROC / "cpuinfo").read_text()
    name = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    memory = int((PROC / "meminfo").read_text().split()[1]) // 1024
    return {"cpu": name, "cores": len(os.sched_getaffinity(0)), "memory_mb": memory, "load": os.getloadavg()[0]}
