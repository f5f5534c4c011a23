"""`make bench` works: a tiny run of the real thing. Its figures mean nothing, its answers must be right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

OPERATIONS = {
    "bare: constant JSON", "bare: three INSERTs", "intake: API", "intake: channel", "queue: API", "queue: HTML",
    "ticket: API", "ticket: HTML, whole", "ticket: HTML, clicked", "reply: API", "search: API",
}  # fmt: skip


def test_a_tiny_run_measures_every_operation(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    few = ["--sizes", "220", "--requests", "8", "--burst", "5", "--open", "50", "--starts", "1", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *few], cwd=ROOT, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["server"]["fsync"] == found["server"]["synchronous_commit"] == "on"
    figures = {figure["name"]: figure for figure in found["sizes"]["220"]}
    assert set(figures) == OPERATIONS
    assert all(figure["requests"] == 8 and figure["p50"] <= figure["p99"] for figure in figures.values())
    assert all(len(figure) == 2 for figure in found["single"].values())
    for name in OPERATIONS:
        assert f"| {name} " in done.stdout
