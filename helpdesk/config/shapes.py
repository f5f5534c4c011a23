"""Which keys a table of the files may have, and of which type. Anything else is refused: a typo must not be silent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from helpdesk.config.record import Kind

#: says what was expected, or None when the value is right
Check = Callable[[object], str | None]


def is_text(value: object) -> str | None:
    return None if isinstance(value, str) else "hier wird ein Text erwartet"


def is_word(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "hier wird ein Text erwartet, der nicht leer ist"


def is_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "hier wird true oder false erwartet"


def is_whole(value: object) -> str | None:
    right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if right else "hier wird eine ganze Zahl ab 0 erwartet"


def is_count(value: object) -> str | None:
    right = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if right else "hier wird eine ganze Zahl ab 1 erwartet"


def is_share(value: object) -> str | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
    return None if right else "hier wird ein Anteil zwischen 0 und 1 erwartet"


def is_texts(value: object) -> str | None:
    if not isinstance(value, list) or any(is_word(item) for item in value):
        return "hier wird eine Liste von Texten erwartet"
    return None if len(set(value)) == len(value) else "ein Wert steht doppelt in der Liste"


def is_table(value: object) -> str | None:
    return None if isinstance(value, Mapping) else "hier wird eine Tabelle erwartet"


def is_tables(value: object) -> str | None:
    right = isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
    return None if right else "hier wird eine Liste von Tabellen erwartet"


def is_list(value: object) -> str | None:
    return None if isinstance(value, list) else "hier wird eine Liste erwartet"


def matches(pattern: str, words: str) -> Check:
    known = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and known.fullmatch(value) else words


is_id: Final = matches(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})", "erlaubt sind Buchstaben ohne Umlaute, Ziffern und - _ ."
)
is_ags: Final = matches(r"\d{8}", "ein AGS hat acht Ziffern, als Text geschrieben")
is_mail: Final = matches(r"[^@\s]+@[^@\s]+", "das ist keine Mailadresse")

#: where a value comes from: sourced, inferred or assumed, and by which source
PROVENANCE: Final[Mapping[str, Check]] = {"basis": is_text, "source": is_text}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One kind of table. `defaults` are left out of records, so that saying a default changes nothing."""

    kind: Kind
    id: str = "id"
    id_check: Check = is_id
    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    leaves: str = "retired"  #: the flag by which a file takes the thing out of use
    sourced: bool = True  #: whether there is a place to keep `basis` and `source`

    @property
    def known(self) -> Mapping[str, Check]:
        provenance = PROVENANCE if self.sourced else {}
        return {**self.required, **self.optional, **provenance, self.leaves: is_flag}


ORGANISATION: Final = Shape(
    kind=Kind.ORGANISATION,
    required={"name": is_word, "kind": is_word},
    optional={
        "official_name": is_text,
        "ags": is_ags,
        "ars": is_text,
        "district": is_text,
        "population": is_whole,
        "operates": is_texts,
        "support": is_text,
        "note": is_text,
        # of a municipality, from the official list
        "legal_form": is_text,
        "municipal_type": is_text,
        "gv100_type": is_text,
        "landschaftsverband": is_text,
        "seat_postal_code": is_text,
        "several_postal_codes": is_text,
        "area_ha": is_text,
        "special": is_text,
    },
    defaults={"retired": False},
)
COMPONENT: Final = Shape(
    kind=Kind.COMPONENT,
    required={"name": is_word, "operator": is_word, "service_class": is_word, "central": is_flag},
    optional={
        "external": is_flag,
        "lifecycle": is_word,
        "successor": is_word,
        "audience": is_texts,
        "depends_on": is_texts,
        "trust_levels": is_texts,
        "note": is_text,
        "retired_since": is_text,
    },
    defaults={"external": False, "lifecycle": "live", "retired": False},
)
PORTAL: Final = Shape(
    kind=Kind.PORTAL,
    required={"name": is_word, "kind": is_word, "owner": is_word},
    optional={
        "components": is_texts,
        "host_pattern": is_text,
        "audience": is_texts,
        "technical_operator": is_text,
        "live_since": is_text,
        "note": is_text,
    },
    defaults={"components": [], "retired": False},
)
SERVICE: Final = Shape(
    kind=Kind.SERVICE,
    id="",  # portal, component and municipality together
    required={"portal": is_word, "component": is_word, "operator": is_word},
    optional={"ags": is_ags},
    leaves="removed",
)
CATEGORY: Final = Shape(kind=Kind.CATEGORY, required={"name": is_word}, defaults={"retired": False}, sourced=False)
TEAM: Final = Shape(
    kind=Kind.TEAM,
    required={"name": is_word, "level": is_word},
    optional={"organisation": is_word, "note": is_text},
    defaults={"retired": False},
)
PERSON: Final = Shape(
    kind=Kind.PERSON,
    id="handle",
    required={"name": is_word, "email": is_mail},
    optional={
        "organisation": is_word,
        "language": is_word,
        "active": is_flag,
        "teams": is_list,
        "contact_points": is_tables,
        "grants": is_tables,
    },
    defaults={"language": "de", "active": True},
    leaves="active",
    sourced=False,
)
MUNICIPALITY_PORTAL: Final = Shape(
    kind=Kind.MUNICIPALITY_PORTAL,
    id="ags",
    id_check=is_ags,
    required={"portal": is_word},
    optional={"name": is_text},
    leaves="removed",
)
IT_PROVIDER: Final = Shape(
    kind=Kind.IT_PROVIDER,
    required={"name": is_word, "district_codes": is_texts},
    optional={"organisation": is_word, "kdn_member": is_text},
    leaves="removed",
)
LEVEL: Final = Shape(kind=Kind.LEVEL, required={"name": is_word}, optional={"answers": is_text}, leaves="removed")
STATUTORY: Final = Shape(
    kind=Kind.STATUTORY,
    required={"rule": is_word},
    optional={
        "category": is_word,
        "weeks_min": is_count,
        "weeks_max": is_count,
        "months": is_count,
        "hours": is_count,
    },
    leaves="removed",
)
TARGET: Final = Shape(
    kind=Kind.TARGET,
    required={"calendar": is_word},
    optional={
        "response_minutes": is_count,
        "next_response_minutes": is_count,
        "update_minutes": is_count,
        "restore_minutes": is_count,
        "warn_percents": is_list,
        "note": is_text,
    },
    leaves="removed",
)
PHONE: Final = Shape(
    kind=Kind.PHONE,
    required={"answered_within_seconds": is_count, "answered_share": is_share},
    optional={"first_contact_resolution": is_share, "callback_hours": is_count},
    leaves="removed",
)
LANGUAGES: Final = Shape(
    kind=Kind.LANGUAGES,
    required={"interface": is_texts, "citizens": is_texts},
    optional={"right_to_left": is_texts, "address_form": is_word},
    leaves="removed",
)

#: tables written as lists of tables; `operator` with `role` is another way to write an organisation
LISTED: Final[Mapping[str, Shape]] = {
    "organisation": ORGANISATION,
    "operator": ORGANISATION,
    "it_provider": IT_PROVIDER,
    "municipality_portal": MUNICIPALITY_PORTAL,
    "component": COMPONENT,
    "portal": PORTAL,
    "service": SERVICE,
    "category": CATEGORY,
    "support_level": LEVEL,
    "team": TEAM,
    "person": PERSON,
    "statutory_deadline": STATUTORY,
}
