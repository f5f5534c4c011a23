"""What people on duty press and type: a verb and the code of a page, in either order.

Blanks, quotes and case do not matter: "ack 52", "7 a", „Ja 52“, "c", and for all of a bundle "7aa" or "alle 7".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VERBS = {
    "a": "acknowledge",
    "ack": "acknowledge",
    "ja": "acknowledge",
    "aa": "acknowledge_all",
    "alle": "acknowledge_all",
    "c": "close",
    "close": "close",
    "erledigt": "close",
    "e": "escalate",
    "esc": "escalate",
    "weiter": "escalate",
}
BUTTON_VERBS = ("acknowledge", "escalate", "close")
IGNORED = re.compile(r"[\s\"'„“”‚‘’»«]+")
LONGEST = 40  #: characters; nothing longer is a reply
GRAMMAR = re.compile(r"(?P<code1>[0-9]{0,9})(?P<verb>[a-z]+)(?P<code2>[0-9]{0,9})")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`key` is the code or the button's one-time token; empty = the newest page this person got."""

    verb: str
    key: str


def typed(text: str) -> Reply | None:
    """None = a message like any other."""
    if len(text) > LONGEST:
        return None
    found = GRAMMAR.fullmatch(IGNORED.sub("", text).casefold())
    if found is None or found["verb"] not in VERBS or (found["code1"] and found["code2"]):
        return None
    return Reply(verb=VERBS[found["verb"]], key=found["code1"] or found["code2"])


def pressed(data: str) -> Reply | None:
    """None = not a button of ours."""
    verb, _, key = data.partition(":")
    return Reply(verb=verb, key=key) if verb in BUTTON_VERBS and key else None
