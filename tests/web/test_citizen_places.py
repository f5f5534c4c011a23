"""A place is found however it is typed; what is not clear becomes a choice."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from helpdesk.web.citizen.places import MOST_CHOICES, Place, Places
from tests.web.citizen_samples import PLACES


def names(places: tuple[Place, ...]) -> list[str]:
    return [place.name for place in places]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Köln", "Köln"),
        ("köln", "Köln"),
        ("KOELN", "Köln"),
        ("Koln", "Köln"),
        ("  Stadt   Köln ", "Köln"),
        ("50667", "Köln"),
        ("50667 Köln", "Köln"),
        ("99999 Köln", "Köln"),
        ("Coesfeld", "Coesfeld"),
        ("Kreis Coesfeld", "Kreis Coesfeld"),
        ("Mülheim-an-der-Ruhr", "Mülheim an der Ruhr"),
        ("Gemeinde Emsdetten", "Emsdetten"),
    ],
)
def test_one_place_is_meant(typed: str, name: str):
    found = PLACES.resolve(typed)
    assert found.place is not None
    assert found.place.name == name


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("51467", ["Köln", "Bergisch Gladbach"]),
        ("51467 Irgendwo", ["Köln", "Bergisch Gladbach"]),
        ("50667 Kölnn", ["Köln"]),
        ("Bad", ["Bad Driburg", "Bad Salzuflen"]),
        ("Mülheim", ["Mülheim an der Ruhr"]),
        ("Augustin", ["Sankt Augustin"]),
        ("Atlantis", []),
        ("00000", []),
        ("😀", []),
        ("", []),
        ("%' OR 1=1", []),
    ],
)
def test_what_is_not_clear_becomes_a_choice(typed: str, choices: list[str]):
    found = PLACES.resolve(typed)
    assert found.place is None
    assert names(found.choices) == choices


def test_suggestions_start_with_what_starts_so():
    assert names(PLACES.find("co")) == ["Coesfeld", "Kreis Coesfeld"]
    assert names(PLACES.find("506")) == ["Köln"]
    assert PLACES.find("-") == ()


def test_suggestions_are_few_and_a_huge_text_is_harmless():
    many = Places(tuple(Place(ags=f"{n:08}", name=f"Ort {n}") for n in range(100)))
    assert len(many.find("ort")) == MOST_CHOICES
    assert many.resolve("x" * 1_000_000).choices == ()


SEED = Path(__file__).parents[2] / "helpdesk" / "data"


@pytest.fixture(scope="module")
def state() -> Places:
    """All municipalities of the seed data, as the service knows them."""
    tables = {path.name: path for path in SEED.rglob("*.csv")}
    codes: dict[str, list[str]] = defaultdict(list)
    with tables["nrw_postal_codes.csv"].open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            codes[row["ags"]].append(row["postal_code"])
    with tables["nrw_municipalities.csv"].open(encoding="utf-8") as file:
        return Places(
            tuple(
                Place(ags=r["ags"], name=r["name"], district=r["district_name"], postal_codes=tuple(codes[r["ags"]]))
                for r in csv.DictReader(file)
            )
        )


def test_every_municipality_is_found_by_its_name_and_by_each_postal_code(state: Places):
    assert len(state.all) == 396
    for place in state.all:
        assert state.resolve(place.name).place == place
        for code in place.postal_codes:
            found = state.resolve(code)
            assert found.place == place or place in found.choices
            assert state.resolve(f"{code} {place.name}").place == place


def test_seven_postal_codes_belong_to_two_municipalities(state: Places):
    codes = {code for place in state.all for code in place.postal_codes}
    assert sorted(code for code in codes if state.resolve(code).place is None) == [
        "33154",
        "33161",
        "40472",
        "40721",
        "51467",
        "52525",
        "52538",
    ]
