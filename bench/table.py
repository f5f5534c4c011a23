"""The figures as a table for people, in Markdown, so that it can stand in the documentation as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.load import Figure

COLUMNS = ("cpu", "cpu_process", "cpu_database", "p50", "p95", "p99", "per_second")
HEAD = ("operation", "CPU ms", "process", "database", "p50 ms", "p95 ms", "p99 ms", "requests/s", "× three INSERTs")
FLOOR = "bare: three INSERTs"


def line(figure: Figure) -> str:
    return f"  {figure.name:<22}" + "".join(f"{getattr(figure, name):9.2f}" for name in COLUMNS)


def of(found: Mapping[str, Any]) -> str:
    parts = []
    for size, figures in found["sizes"].items():
        parts += [f"\n**{int(size):,} tickets, {found['clients']} clients**\n", _table(figures)]
    single = [(name, *(str(part) for part in value)) for name, value in found["single"].items()]
    parts += ["\n**Single figures**\n", rows(("what", "measured", "budget"), single)]
    machine = found["machine"]
    parts.append(
        f"\n{machine['cpu']}, {machine['cores']} cores, load {machine['load']:.1f} at the start; {found['server']}"
    )
    return "\n".join(parts)


def _table(figures: Sequence[Mapping[str, Any]]) -> str:
    floor = next((figure["cpu"] for figure in figures if figure["name"] == FLOOR), 0) or 1
    return rows(
        HEAD,
        [
            (each["name"], *(f"{each[name]:.2f}" for name in COLUMNS[:3]), *(f"{each[name]:.1f}" for name in COLUMNS[3:6]),
             f"{each['per_second']:.0f}", f"{each['cpu'] / floor:.2f}")
            for each in figures
        ],
    )  # fmt: skip


def rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    table = [tuple(head), *map(tuple, lines)]
    widths = [max(len(row[at]) for row in table) for at in range(len(head))]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table
    ]
    ruler = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([written[0], ruler, *written[1:]])
