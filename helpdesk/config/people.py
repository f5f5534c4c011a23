"""People as files write them: teams, contact points and rights are lists inside, each said whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from helpdesk.config.problems import Problems
from helpdesk.config.record import Record
from helpdesk.config.shapes import Check, is_ags, is_flag, is_mail, is_texts, is_word

#: an entry that does not say one of them leaves it as it is; an empty list takes all away
PARTS: Final = frozenset({"teams", "contact_points", "grants"})
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
ROLES: Final = ("agent", "lead", "coordinator", "partner", "reporter", "admin")


def is_role(value: object) -> str | None:
    return None if value in ROLES else f"hier wird eine Rolle erwartet: {', '.join(ROLES)}"


MEMBERSHIP: Final[Mapping[str, Check]] = {"team": is_word, "skills": is_texts}
CONTACT_POINT: Final[Mapping[str, Check]] = {
    "kind": is_word,
    "value": is_word,
    "verified": is_flag,
    "enabled": is_flag,
}
GRANT: Final[Mapping[str, Check]] = {"role": is_role, "portal": is_word, "organisation": is_word, "ags": is_ags}


def canonical(record: Record, file: str, place: str, problems: Problems) -> Record:
    """The person with the lists in one order and without defaults, so that equal rights are equal records."""
    found = dict(record)
    found["email"] = str(record["email"]).lower()

    def put(part: str, checks: Mapping[str, Check], need: str, shorten: Callable[[Record], Record]) -> None:
        if part not in record:
            return
        items = record[part]
        assert isinstance(items, list)
        tables = [{"team": item} if isinstance(item, str) and part == "teams" else item for item in items]
        found[part] = _list(tables, checks, need, shorten, file, f"{place}.{part}", problems)

    put("teams", MEMBERSHIP, "team", membership)
    put("contact_points", CONTACT_POINT, "value", contact_point)
    put("grants", GRANT, "role", grant)
    return found


def membership(item: Record) -> Record:
    return {"team": item["team"], "skills": sorted(_skills(item))} if item.get("skills") else {"team": item["team"]}


def contact_point(item: Record) -> Record:
    """Not verified and enabled are the defaults: a file that says `verified` vouches for the address."""
    kept = {key: item[key] for key in ("kind", "value") if key in item}
    return {
        **kept,
        **({"verified": True} if item.get("verified") else {}),
        **({"enabled": False} if item.get("enabled") is False else {}),
    }


def grant(item: Record) -> Record:
    return {key: item[key] for key in GRANT if item.get(key) is not None}


def in_order(items: list[Record]) -> list[Record]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, ensure_ascii=False))


def _skills(item: Record) -> list[str]:
    skills = item.get("skills")
    return [str(skill) for skill in skills] if isinstance(skills, list) else []


def _list(
    items: list[object],
    checks: Mapping[str, Check],
    need: str,
    shorten: Callable[[Record], Record],
    file: str,
    place: str,
    problems: Problems,
) -> list[Record]:
    right: list[Record] = []
    for index, item in enumerate(items):
        wrong = _wrong(item, checks, need)
        for key, reason in wrong:
            problems.add(file, f"{place}[{index}]{key}", reason)
        if not wrong and isinstance(item, Mapping):
            right.append(shorten(item))
    ordered = in_order(right)
    for one, other in pairwise(ordered):
        if one == other:
            problems.add(file, place, f"doppelt: {one[need]}")
    return ordered


def _reachable(item: Record) -> bool:
    """Numbers are E.164, so that no provider has to guess the country."""
    kind, value = item.get("kind"), str(item.get("value", ""))
    if kind in ("phone", "sms"):
        return NUMBER.fullmatch(value) is not None
    return kind != "email" or is_mail(value) is None


def _wrong(item: object, checks: Mapping[str, Check], need: str) -> list[tuple[str, str]]:
    if not isinstance(item, Mapping):
        return [("", "hier wird eine Tabelle erwartet")]
    if checks is CONTACT_POINT and not _reachable(item):
        return [(".value", "so ist niemand zu erreichen: Nummern beginnen mit + und Land, Mailadressen haben ein @")]
    missing = [(f".{need}", f"„{need}“ fehlt")] if need not in item else []
    if need == "value" and "kind" not in item:
        missing.append((".kind", "„kind“ fehlt"))
    unknown = [(f".{key}", "diesen Schlüssel gibt es hier nicht") for key in item if key not in checks]
    typed = [(f".{key}", words) for key, value in item.items() if key in checks and (words := checks[key](value))]
    return missing + unknown + typed
