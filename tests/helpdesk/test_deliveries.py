"""Splitting for channels with a limit: in order, nothing lost, at the end of a sentence where there is one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from helpdesk.channel import ChannelInfo
from helpdesk.deliveries import split

INFO = ChannelInfo(label="X", address_kind="x", inbound=True, outbound=True, third_party=False, max_units=40)


def utf16(words: str) -> int:
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def test_it_is_cut_at_the_end_of_a_sentence() -> None:
    words = "Das Portal ist gestört. Wir arbeiten daran. Bis morgen."
    assert split(words, INFO) == ["Das Portal ist gestört. ", "Wir arbeiten daran. Bis morgen."]


def test_what_fits_stays_whole() -> None:
    assert split("kurz", INFO) == ["kurz"]
    assert split("lang" * 100, replace(INFO, max_units=None)) == ["lang" * 100]
    assert split("lang" * 100, None) == ["lang" * 100]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400), st.integers(2, 60))
def test_nothing_is_lost_and_no_character_is_cut(words: str, most: int) -> None:
    info = replace(INFO, measure=utf16, max_units=most)
    parts = split(words, info)
    assert "".join(parts) == words
    assert all(0 < utf16(part) <= most for part in parts)
