"""The long lists, as CSV beside the TOML file that names them: districts, municipalities, postal codes.

Comma-separated UTF-8 with a head line. Columns that nothing here uses are allowed, so official lists fit as they are.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from helpdesk.config.problems import Problems
from helpdesk.config.record import Entry, Kind, Ref
from helpdesk.config.shapes import is_ags

Row = Mapping[str, str]

#: column of the list → key of the record; the first are needed, the others taken when there
MUNICIPALITY_NEEDS: Final = {"name": "name", "district_code": "district"}
MUNICIPALITY_MAY: Final = {
    "ars": "ars",
    "official_name": "official_name",
    "kind": "legal_form",
    "municipal_type": "municipal_type",
    "gv100_type": "gv100_type",
    "landschaftsverband": "landschaftsverband",
    "seat_postal_code": "seat_postal_code",
    "several_postal_codes": "several_postal_codes",
    "area_ha": "area_ha",
    "special": "special",
}
POPULATION: Final = "population"  #: the column has the year behind it: population_2022
MUNICIPALITY: Final = "municipality"  #: kind of the organisation


class _Wrong(ValueError):
    pass


def read(beside: Path, key: str, name: object, problems: Problems) -> list[Entry]:
    """The entries of the list `name` that the file `beside` refers to with `key`."""
    if not isinstance(name, str) or Path(name).name != name:
        problems.add(beside.name, key, "hier wird der Name einer Datei im selben Ordner erwartet")
        return []
    path = beside.parent / name
    needs, turn = LISTS[key]
    try:
        rows = _rows(path, needs)
    except (OSError, UnicodeDecodeError, csv.Error, _Wrong) as wrong:
        problems.add(beside.name, key, f"{name}: {wrong}")
        return []
    return list(turn(rows, name, problems))


def _rows(path: Path, needs: Sequence[str]) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        missing = [column for column in needs if column not in (reader.fieldnames or ())]
        if missing:
            raise _Wrong(f"Spalte fehlt: {', '.join(missing)}")
        rows: list[Row] = list(reader)
    if not rows:
        raise _Wrong("die Liste ist leer")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise _Wrong(f"Zeile {line} hat nicht so viele Spalten wie die Kopfzeile")
    return rows


def _districts(rows: list[Row], file: str, problems: Problems) -> Iterator[Entry]:
    for row in rows:
        code, place = row["district_code"], f"district.{row['district_code']}"
        if not (code.isdecimal() and len(code) == 5):
            problems.add(file, place, "ein Kreisschlüssel hat fünf Ziffern")
            continue
        record = {"name": row["name"], "region": row["region_name"]}
        yield Entry(ref=Ref(Kind.DISTRICT, code), record=record, file=file, key=place)


def _municipalities(rows: list[Row], file: str, problems: Problems) -> Iterator[Entry]:
    population = next((column for column in rows[0] if column.startswith(POPULATION)), None)
    for row in rows:
        place = f"municipality.{row['ags']}"
        wrong = is_ags(row["ags"]) or ("der Name fehlt" if not row["name"].strip() else None)
        if wrong:
            problems.add(file, place, wrong)
            continue
        record: dict[str, object] = {"kind": MUNICIPALITY, "ags": row["ags"]}
        record |= {key: row[column] for column, key in MUNICIPALITY_NEEDS.items()}
        record |= {key: row[column] for column, key in MUNICIPALITY_MAY.items() if row.get(column)}
        if population and row[population]:
            if not row[population].isdecimal():
                problems.add(file, f"{place}.{population}", "hier wird eine ganze Zahl erwartet")
                continue
            record["population"] = int(row[population])
        if row.get("retired") == "true":
            record["retired"] = True
        yield Entry(ref=Ref(Kind.ORGANISATION, f"ags-{row['ags']}"), record=record, file=file, key=place)


def _postal_codes(rows: list[Row], file: str, problems: Problems) -> Iterator[Entry]:
    """All codes of a municipality that the list names are those of the list."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if not (row["postal_code"].isdecimal() and len(row["postal_code"]) == 5):
            problems.add(file, f"postal_code.{row['postal_code']}", "eine Postleitzahl hat fünf Ziffern")
        codes[row["ags"]].add(row["postal_code"])
    for ags, found in codes.items():
        ref = Ref(Kind.POSTAL_CODE, ags)
        yield Entry(ref=ref, record={"codes": sorted(found)}, file=file, key=f"postal_code.{ags}")


LISTS: Final[Mapping[str, tuple[Sequence[str], Callable[[list[Row], str, Problems], Iterator[Entry]]]]] = {
    "districts": (("district_code", "name", "region_name"), _districts),
    "municipalities": (("ags", *MUNICIPALITY_NEEDS), _municipalities),
    "postal_codes": (("postal_code", "ags"), _postal_codes),
}
