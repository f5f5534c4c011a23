"""Rules about files that no other tool checks."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, files, name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHANNELS = sorted(path.name for path in (ROOT / "channels").iterdir() if (path / "__init__.py").exists())

#: Where packages come from is the business of the machine that installs them. (In pieces, or this file would name them.)
HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "yarn" + "pkg.com",
    "deb" + ".debian.org",
    "proxy." + "golang.org",
)
SOURCES = (r"--(extra-)?index-" + "url", r"--find-" + "links", r'"resolved": "' + "http")
MACHINE = (r"(?<![\w.])/(?:root|home/\w+|Users/\w+)/" + r"[\w.]", r"(?<![\w.])/work" + "/")


@pytest.mark.parametrize("pattern", [*map(re.escape, HOSTS), *SOURCES, *MACHINE])
def test_no_file_names_a_registry_or_a_place_on_somebodys_machine(pattern: str) -> None:
    forbidden = re.compile(pattern.encode())
    assert [name(path) for path in files() if forbidden.search(path.read_bytes())] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_stand_at_the_top(package: str) -> None:
    """An import hidden in a function dodges a circle that should not be there."""
    hidden = [f"{name(path)}:{line}" for path in files(package, suffix=".py") for line in imports_in_functions(path)]
    assert hidden == []


def imports_in_functions(path: Path) -> set[int]:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    inside = [node for function in functions for node in ast.walk(function)]
    dynamic = () if "testing" in path.parts else ("__import__", "import_module")  # the test kit replaces things by name
    return {
        node.lineno
        for node in inside
        if isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(node, ast.Name) and node.id in dynamic)
    }


def test_an_import_in_a_function_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import os\ndef f():\n    from os import path\n    return lambda: __import__('re')\n"
    )
    assert imports_in_functions(tmp_path / "a.py") == {3, 4}


def test_the_rules_rest_on_the_standard_library_alone() -> None:
    foreign = {
        module for path in files("escalation", suffix=".py") for module in imported(path)
    } - sys.stdlib_module_names
    assert foreign == {"escalation"}


def imported(path: Path) -> set[str]:
    """First parts of the names of what a file imports; a relative import counts as foreign."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_has_a_page_an_entry_and_recordings(channel: str) -> None:
    assert len((ROOT / "channels" / channel / "README.md").read_text(encoding="utf-8").split()) > 50
    entries = PROJECT["project"]["entry-points"]["helpdesk.channels"]
    assert entries[channel].startswith(f"channels.{channel}:")
    assert (ROOT / "tests/channels" / channel / "payloads").is_dir()


def test_every_entry_has_its_folder() -> None:
    assert sorted(PROJECT["project"]["entry-points"]["helpdesk.channels"]) == CHANNELS


@pytest.mark.parametrize("page", list(files(suffix=".md")), ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_of_the_documentation_can_be_reached() -> None:
    """From the README, link by link."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links if ":" not in link]
    assert [name(page) for page in files("docs", suffix=".md") if page not in reached] == []
