"""docs/reference/settings.md tells every variable, its default, and nothing that does not exist."""

from __future__ import annotations

import re

import pytest
from pydantic.fields import FieldInfo

from helpdesk.settings import Settings
from tests.house.tree import ROOT, files

PAGE = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", PAGE, re.MULTILINE))
#: computed from the machine; the page says how, in words
IN_WORDS = {"data"}


def variable(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else f"HELPDESK_{field.upper()}"


def default(field: FieldInfo) -> str:
    return "empty" if field.default in (None, "") else f"`{field.default}`"


def channel_variables() -> set[str]:
    """What the channels' own pages name; `…_IMAP_PORT` after `HELPDESK_EMAIL_IMAP_HOST` is `HELPDESK_EMAIL_IMAP_PORT`."""
    found: set[str] = set()
    for page in files("channels", suffix="README.md"):
        prefix = f"HELPDESK_{page.parent.name.upper()}"
        for full, short in re.findall(r"`(?:\$?(HELPDESK_[A-Z_]+)|…(_[A-Z_]+))`", page.read_text(encoding="utf-8")):
            found.add(full or prefix + short)
    return found


def read_by_code() -> set[str]:
    """Keys that a channel takes from its settings by name, and variables that are read past the settings."""
    channels = "\n".join(path.read_text(encoding="utf-8") for path in files("channels", suffix=".py"))
    core = "\n".join(path.read_text(encoding="utf-8") for path in files("helpdesk", suffix=".py"))
    keys = re.findall(r'settings(?:\.get\(|\[)\s*"([a-z_]+)"', channels)
    return {f"HELPDESK_{key.upper()}" for key in keys} | set(
        re.findall(r'environ(?:\.get\(|\[)\s*"(HELPDESK_\w+)"', core)
    )


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_told_with_its_default(field: str) -> None:
    assert variable(field) in ROWS
    if field not in IN_WORDS:
        assert ROWS[variable(field)] == default(Settings.model_fields[field])


def test_the_rest_is_what_channels_need_and_code_reads() -> None:
    named, read = channel_variables(), read_by_code()
    assert len(named) > 15  # else the patterns above no longer fit the pages
    assert len(read) > 3
    own = {variable(field) for field in Settings.model_fields}
    assert set(ROWS) - own == (named | read) - own


def test_data_is_told_in_words() -> None:
    assert "/var/lib/helpdesk" in ROWS["HELPDESK_DATA"]
    assert "~/.local/share/helpdesk" in ROWS["HELPDESK_DATA"]
