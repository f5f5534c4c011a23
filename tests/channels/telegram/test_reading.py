"""Whatever stands in an update, reading it gives messages of the right types or says that it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.telegram.inbound import read_update
from helpdesk.channel import InboundMessage
from tests.channels.telegram.recorded import BOT, PAYLOADS, as_raw, update

RECORDED = [json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json"))]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), min_size=1, max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), min_size=1, max_size=2),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(RECORDED), st.randoms(use_true_random=False), JUNK)
def test_any_field_may_hold_anything(recorded: dict[str, Any], random: Any, junk: object) -> None:
    spoilt = json.loads(json.dumps(recorded))
    container, key = random.choice(list(_places(spoilt)))
    container[key] = junk
    try:
        messages = read_update(as_raw(json.dumps(spoilt).encode()), BOT)
    except ValueError:
        return
    assert all(_storable(message) for message in messages)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.integers(-5, 200), st.integers(-5, 200))
def test_a_link_may_point_anywhere_in_the_text(text: str, offset: int, length: int) -> None:
    link = {"type": "text_link", "offset": offset, "length": length, "url": "https://e.example"}
    try:
        (message,) = read_update(update(1, text or "x", entities=[link]), BOT)
    except ValueError:
        pytest.fail("a link made a readable message unreadable")
    assert message.text.count(" (https://e.example)") == 1


def _places(node: object) -> Iterator[tuple[Any, Any]]:
    """Every place in the tree that holds a value."""
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _places(node[key])


def _storable(message: InboundMessage) -> bool:
    texts = (message.external_id, message.text, message.sender.value, message.sender.name, *message.hints)
    files = [text for file in message.files for text in (file.name, file.media_type, file.ref)]
    return (
        all(isinstance(text, str) and "\0" not in text and text.encode() is not None for text in (*texts, *files))
        and all(type(file.size) is int for file in message.files)
        and type(message.automatic) is type(message.verified) is bool
        and (message.language is None or isinstance(message.language, str))
    )
