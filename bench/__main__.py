"""`python -m bench`: measures, prints a table, writes bench/results/latest.json. Slow is no error; a wrong answer is."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy.schema import CreateSchema

from bench import bare, costs, micro, operations, served, table
from bench.filling import fill
from bench.load import CLIENTS, Figure, measured
from bench.stage import Stage, open_stage

RESULTS = Path(__file__).with_name("results") / "latest.json"


def main() -> None:
    wanted = _wanted()
    began = time.time()
    with open_stage() as stage:
        found: dict[str, Any] = {"machine": costs.machine(), "server": stage.server, "clients": CLIENTS, "sizes": {}}
        for size in wanted.sizes:
            _say(f"filling up to {size:,} tickets …")
            fill(stage.house, size)
            found["sizes"][str(size)] = [figure.json() for figure in _at(stage, size, wanted.requests)]
        _say("single figures …")
        found["single"] = micro.all_of(stage, burst=wanted.burst, opened=wanted.open)
    found["single"] |= micro.starting(wanted.starts)
    found["minutes"] = round((time.time() - began) / 60, 1)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table.of(found))


def _wanted() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("--sizes", type=_sizes, default=(10_000, 100_000), help="tickets stored, e.g. 10000,100000")
    asked.add_argument("--requests", type=int, default=2_000, help="requests per operation (default %(default)s)")
    asked.add_argument("--burst", type=int, default=5_000, help="deadlines due at once (default %(default)s)")
    asked.add_argument(
        "--open", type=int, default=100_000, help="open tickets for the queue's data (default %(default)s)"
    )
    asked.add_argument("--starts", type=int, default=3, help="warm starts (default %(default)s)")
    asked.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    return asked.parse_args()


def _sizes(said: str) -> tuple[int, ...]:
    return tuple(int(part) for part in said.split(","))


def _at(stage: Stage, size: int, requests: int) -> list[Figure]:
    """All operations with this many tickets stored, the bare endpoints first."""
    port = served.free_port()
    with stage.house.database.engine.begin() as connection:
        connection.execute(CreateSchema("bare", if_not_exists=True))
        bare.TABLES.create_all(connection)
    figures = []
    with served.listening((*served.BARE, str(port)), stage.environ, port) as process:
        figures += [_one(stage, each, port, process.pid, requests) for each in operations.BARE]
    environ = {**stage.environ, "HELPDESK_PORT": str(port)}
    with served.listening((*served.HELPDESK, "serve"), environ, port) as process:
        for each in operations.operations(stage, seed=size):
            stage.forgive()
            figures.append(_one(stage, each, port, process.pid, requests))
    return figures


def _one(stage: Stage, operation: operations.Operation, port: int, process: int, requests: int) -> Figure:
    figure = measured(operation, port=port, process=process, server=stage.postmaster, count=requests)
    _say(table.line(figure))
    return figure


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
