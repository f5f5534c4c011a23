"""State → files: the layout that `reading` reads. Exported and applied again, nothing changes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import tomli_w
from sqlalchemy.orm import Session

from helpdesk.config.current import load
from helpdesk.config.lists import MUNICIPALITY, MUNICIPALITY_MAY, MUNICIPALITY_NEEDS, POPULATION
from helpdesk.config.record import Kind, Record, State, table, tables, texts
from helpdesk.config.toml_file import SCHEMA_VERSION
from helpdesk.config.written import calendar_written, policy_written, rota_written

Tables = dict[str, object]


def export(session: Session, target: Path) -> None:
    """Writes what is in force into the folder `target`, made if missing; files of the same names are replaced."""
    target.mkdir(parents=True, exist_ok=True)
    state = load(session)
    for name, make in FILES.items():
        found = {key: value for key, value in make(state).items() if value}
        if found:
            _write(target / f"{name}.toml", found)
    _write_lists(target, state)


def _write(path: Path, tables: Tables) -> None:
    path.write_text(tomli_w.dumps({"schema_version": SCHEMA_VERSION, **tables}), encoding="utf-8")


def _of(state: State, kind: Kind) -> list[tuple[str, Record]]:
    return sorted((ref.name, record) for ref, record in state.items() if ref.kind is kind)


def _listed(state: State, kind: Kind, id: str = "id") -> list[Record]:
    return [{id: name, **record} for name, record in _of(state, kind)]


def _named(state: State, kind: Kind, turn: Callable[[Record], Record]) -> Tables:
    return {name: turn(content) for name, content in _of(state, kind)}


def _single(state: State, kind: Kind) -> Record:
    return next((record for _, record in _of(state, kind)), {})


# what stands in which file


def _organisations(state: State) -> Tables:
    organisations = [
        {"id": name, **record}
        for name, record in _of(state, Kind.ORGANISATION)
        if not _in_list(record)
    ]  # fmt: skip
    providers = [{"id": name, "organisation": name, **record} for name, record in _of(state, Kind.IT_PROVIDER)]
    return {"organisation": organisations, "it_provider": providers}


def _municipalities(state: State) -> Tables:
    used = _listed(state, Kind.MUNICIPALITY_PORTAL, "ags")
    names = {"districts": Kind.DISTRICT, "postal_codes": Kind.POSTAL_CODE}
    lists: Tables = {key: f"nrw_{key}.csv" for key, kind in names.items() if _of(state, kind)}
    if any(_in_list(record) for _, record in _of(state, Kind.ORGANISATION)):
        lists["municipalities"] = "nrw_municipalities.csv"
    return {**lists, "municipality_portal": used}


def _portals(state: State) -> Tables:
    kinds = {"component": Kind.COMPONENT, "portal": Kind.PORTAL, "category": Kind.CATEGORY}
    services = [record for _, record in _of(state, Kind.SERVICE)]
    return {**{key: _listed(state, kind) for key, kind in kinds.items()}, "service": services}


def _promises(state: State) -> Tables:
    severity = _single(state, Kind.SEVERITY)
    return {
        "calendar": _named(state, Kind.CALENDAR, calendar_written),
        "severity_matrix": table(severity, "matrix"),
        "severity_override": table(severity, "overrides"),
        "target": _targets(state),
        "target_phone": _single(state, Kind.PHONE),
        "statutory_deadline": _listed(state, Kind.STATUTORY),
        "languages": _single(state, Kind.LANGUAGES),
    }


def _targets(state: State) -> Tables:
    """`S2.municipality` is a table inside `S2`."""
    found: dict[str, dict[str, object]] = {}
    for name, record in _of(state, Kind.TARGET):  # S2 comes before S2.municipality
        severity, _, role = name.partition(".")
        if role:
            found.setdefault(severity, {})[role] = record
        else:
            found[severity] = dict(record)
    return dict(found)


def _teams(state: State) -> Tables:
    return {"support_level": _listed(state, Kind.LEVEL), "team": _listed(state, Kind.TEAM)}


def _people(state: State) -> Tables:
    """Each list is written, an empty one too: somebody without rights is one thing that the file says."""
    people = [
        {
            "handle": name,
            **record,
            "teams": [item if "skills" in item else item["team"] for item in tables(record, "teams")],
            "contact_points": record.get("contact_points", []),
            "grants": record.get("grants", []),
        }
        for name, record in _of(state, Kind.PERSON)
    ]
    return {"person": people}


def _routing(state: State) -> Tables:
    return {"rule": tables(_single(state, Kind.RULES), "rules")}


def _policies(state: State) -> Tables:
    return {"policy": _named(state, Kind.POLICY, policy_written)}


def _rotas(state: State) -> Tables:
    return {"rota": _named(state, Kind.ROTA, rota_written)}


FILES: Final[Mapping[str, Callable[[State], Tables]]] = {
    "organisations": _organisations,
    "municipalities": _municipalities,
    "portals": _portals,
    "promises": _promises,
    "teams": _teams,
    "people": _people,
    "routing": _routing,
    "policies": _policies,
    "rotas": _rotas,
}


# the long lists


def _in_list(record: Record) -> bool:
    return record.get("kind") == MUNICIPALITY and "ags" in record


def _write_lists(target: Path, state: State) -> None:
    districts = [(name, record["name"], record["region"]) for name, record in _of(state, Kind.DISTRICT)]
    _csv(target / "nrw_districts.csv", ("district_code", "name", "region_name"), districts)
    codes = [(code, ags) for ags, record in _of(state, Kind.POSTAL_CODE) for code in texts(record, "codes")]
    _csv(target / "nrw_postal_codes.csv", ("postal_code", "ags"), sorted(codes))
    columns = {"ags": "ags", **MUNICIPALITY_NEEDS, **MUNICIPALITY_MAY, POPULATION: "population"}
    found = [record for _, record in _of(state, Kind.ORGANISATION) if _in_list(record)]
    rows = [
        (*(record.get(key, "") for key in columns.values()), "true" if record.get("retired") else "")
        for record in found
    ]  # fmt: skip
    _csv(target / "nrw_municipalities.csv", (*columns, "retired"), rows)


def _csv(path: Path, head: Iterable[str], rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
