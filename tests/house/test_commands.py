"""The Makefile explains itself, and asks for nothing but Python."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.house.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROMISED = {"setup", "run", "test", "check", "bench", "pictures", "help"}

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_make_alone_lists_every_command_with_what_it_does() -> None:
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.+)$", make(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    assert targets - set(listed) == {"peers"}  # a step of `test`
    assert set(listed) >= PROMISED


def test_a_command_is_never_mistaken_for_a_folder_of_the_same_name() -> None:
    phony = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]
    assert phony == set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def test_what_the_integration_runs_is_what_everybody_runs() -> None:
    script = ROOT / ".ci/run"
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", script], check=True)
    subprocess.run(["sh", "-n", ROOT / "tests/install_peers.sh"], check=True)


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(packages) > 40
    assert [line for line in packages if not re.match(r"[\w.-]+==\S+.* --hash=sha256:[0-9a-f]{64}", line)] == []


def test_what_running_needs_is_the_same_for_those_who_test() -> None:
    assert locked("run").items() <= locked("dev").items()


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{lock}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
