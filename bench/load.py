"""One operation under load: what it costs in our process and in the database, and how long its users wait."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench import client, costs
from bench.operations import Operation

CLIENTS = 8


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Milliseconds of one request; `cpu` is process and database together."""

    name: str
    requests: int
    cpu: float
    cpu_process: float
    cpu_database: float
    p50: float
    p95: float
    p99: float
    per_second: float

    def json(self) -> dict[str, object]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def measured(operation: Operation, *, port: int, process: int, server: int, count: int) -> Figure:
    """`count` requests after a tenth as many to warm up."""
    warm = max(CLIENTS, count // 10)
    _drive(operation, port, first=0, count=warm)
    before, began = (costs.of_process(process), costs.of_server(server)), time.perf_counter()
    took = _drive(operation, port, first=warm, count=count)
    seconds = time.perf_counter() - began
    used, used_by_server = costs.of_process(process) - before[0], costs.of_server(server) - before[1]
    return Figure(
        name=operation.name,
        requests=count,
        cpu=(used + used_by_server) / count,
        cpu_process=used / count,
        cpu_database=used_by_server / count,
        p50=statistics.median(took),
        p95=percentile(took, 95),
        p99=percentile(took, 99),
        per_second=count / seconds,
    )


def _drive(operation: Operation, port: int, *, first: int, count: int) -> list[float]:
    return asyncio.run(
        client.drive(port, operation.make, first=first, count=count, clients=CLIENTS, expect=operation.expect)
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]
