"""What people sent us lies in a folder that only we may enter."""

from __future__ import annotations

from pathlib import Path

from helpdesk.files import FileStore
from helpdesk.settings import Settings


def test_nobody_else_on_the_machine_enters_the_folder(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir(mode=0o755)  # as an earlier release left it
    store = FileStore.open(Settings(data=tmp_path))
    name = store.keep(b"Personalausweis")
    assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700
    assert store.read(name) == b"Personalausweis"
