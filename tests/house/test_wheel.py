"""Who installs the wheel gets all that the program reads: templates, styles, languages, seed data, migrations."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, files, name

SHIPPED = (*PACKAGES, "migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.mark.parametrize(
    "kind",
    [
        "helpdesk/templates",
        "helpdesk/static",
        "helpdesk/locale",
        "helpdesk/data/seed",
        "helpdesk/data/texts",
        "migrations/versions",
    ],
)
def test_what_the_program_reads_is_inside(wheel: zipfile.ZipFile, kind: str) -> None:
    expected = {name(path) for path in files(kind)}
    assert expected
    assert expected <= set(wheel.namelist())


def test_the_wheel_holds_all_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    inside = {entry for entry in wheel.namelist() if ".dist-info/" not in entry}
    assert inside == {name(path) for package in SHIPPED for path in files(package)}


def test_a_file_comes_out_as_it_went_in(wheel: zipfile.ZipFile) -> None:
    changed = [
        entry
        for entry in wheel.namelist()
        if (ROOT / entry).is_file() and wheel.read(entry) != (ROOT / entry).read_bytes()
    ]
    assert changed == []


def test_the_licence_and_the_way_in_are_inside(wheel: zipfile.ZipFile) -> None:
    (licence,) = [entry for entry in wheel.namelist() if entry.endswith("LICENSE") and ".dist-info/" in entry]
    assert "EUROPÄISCHE UNION PUBLIC LICENCE v. 1.2" in wheel.read(licence).decode()
    (entries,) = [entry for entry in wheel.namelist() if entry.endswith("entry_points.txt")]
    assert "helpdesk = helpdesk.cli:main" in wheel.read(entries).decode()
