from __future__ import annotations

from itertools import product

import pytest

from escalation.severity import Impact, Matrix, Override, Severity, SeverityError, Urgency

RULE: dict[str, object] = {
    "matrix": {
        "land": {"hoch": "S1", "mittel": "S1", "niedrig": "S2"},
        "mehrere": {"hoch": "S1", "mittel": "S2", "niedrig": "S3"},
        "kommune": {"hoch": "S2", "mittel": "S3", "niedrig": "S4"},
        "einzeln": {"hoch": "S3", "mittel": "S3", "niedrig": "S4"},
    },
    "overrides": {
        "notlage": "S1",
        "sicherheit_aktiv": "S2",
        "datenpanne": "S2",
        "bedrohung": "S2",
        "frist24h": "+1",
    },
}
MATRIX = Matrix.parse(RULE)


@pytest.mark.parametrize(
    ("impact", "row"),
    [("land", "S1 S1 S2"), ("mehrere", "S1 S2 S3"), ("kommune", "S2 S3 S4"), ("einzeln", "S3 S3 S4")],
)
def test_the_matrix_row_by_row(impact: str, row: str) -> None:
    found = [MATRIX.decide(Impact(impact), urgency).severity for urgency in Urgency]
    assert found == row.split()


def test_unknown_counts_as_one_person_hindered() -> None:
    result = MATRIX.decide(None, None)
    assert (result.impact, result.urgency, result.severity) == (Impact.EINZELN, Urgency.MITTEL, Severity.S3)
    assert result.assumed == {"impact", "urgency"}
    assert result.reason() == "Auswirkung einzeln (angenommen) × Dringlichkeit mittel (angenommen) = S3"


@pytest.mark.parametrize(("start", "after"), [("S1", "S1"), ("S2", "S1"), ("S3", "S2"), ("S4", "S3")])
def test_a_deadline_within_24_hours_goes_one_step_up_and_never_above_s1(start: str, after: str) -> None:
    facts = {
        "S1": ("land", "hoch"),
        "S2": ("kommune", "hoch"),
        "S3": ("einzeln", "mittel"),
        "S4": ("einzeln", "niedrig"),
    }
    impact, urgency = facts[start]
    result = MATRIX.decide(Impact(impact), Urgency(urgency), frozenset({Override.FRIST24H}))
    assert (result.base, result.severity) == (start, after)


@pytest.mark.parametrize("override", [Override.SICHERHEIT_AKTIV, Override.DATENPANNE, Override.BEDROHUNG])
def test_security_breach_and_threat_are_at_least_s2(override: Override) -> None:
    for impact, urgency in product(Impact, Urgency):
        result = MATRIX.decide(impact, urgency, frozenset({override}))
        assert result.severity == min(result.base, Severity.S2)


def test_the_deadline_comes_before_the_floor_whatever_the_order_of_the_facts() -> None:
    both = frozenset({Override.DATENPANNE, Override.FRIST24H})
    result = MATRIX.decide(Impact.EINZELN, Urgency.NIEDRIG, both)
    assert result.severity is Severity.S2  # S4, up to S3, at least S2; the other way round it would be S1
    assert [step.override for step in result.applied] == [Override.FRIST24H, Override.DATENPANNE]


def test_an_emergency_is_always_s1_and_says_so() -> None:
    for impact, urgency in product(Impact, Urgency):
        result = MATRIX.decide(impact, urgency, frozenset({Override.NOTLAGE}))
        assert result.severity is Severity.S1
        assert result.emergency
    assert not MATRIX.decide(Impact.LAND, Urgency.HOCH).emergency


def test_the_reason_is_one_german_line() -> None:
    result = MATRIX.decide(Impact.KOMMUNE, Urgency.HOCH, frozenset({Override.FRIST24H, Override.BEDROHUNG}))
    assert result.reason() == (
        "Auswirkung kommune × Dringlichkeit hoch = S2; Frist in 24 h: +1 → S1; Bedrohung: mindestens S2 → S1"
    )


def test_severities_compare_and_sort_highest_first() -> None:
    assert sorted([Severity.S3, Severity.S1, Severity.S4]) == ["S1", "S3", "S4"]
    assert Severity.S1.is_at_least(Severity.S2)
    assert Severity.S2.is_at_least(Severity.S2)
    assert not Severity.S3.is_at_least(Severity.S2)


def changed(**matrix: object) -> dict[str, object]:
    table = RULE["matrix"]
    assert isinstance(table, dict)
    return {**RULE, "matrix": {**table, **matrix}}


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ({"matrix": RULE["matrix"]}, "missing_key", "overrides"),
        (
            {**RULE, "matrix": {"land": {"hoch": "S1", "mittel": "S1", "niedrig": "S2"}}},
            "missing_key",
            "matrix.mehrere",
        ),
        (changed(land={"hoch": "S1", "niedrig": "S2"}), "missing_key", "matrix.land.mittel"),
        (changed(land={"hoch": "S0", "mittel": "S1", "niedrig": "S2"}), "bad_severity", "matrix.land.hoch"),
        (changed(land={"hoch": 1, "mittel": "S1", "niedrig": "S2"}), "not_a_text", "matrix.land.hoch"),
        (changed(land="S1"), "not_a_table", "matrix.land"),
        (changed(welt={}), "unknown_key", "matrix.welt"),
        ({**RULE, "overrides": {"notlage": "S1"}}, "missing_key", "overrides.frist24h"),
        ({**RULE, "overrides": dict.fromkeys(Override, "+4")}, "bad_override", "overrides.frist24h"),
        ({**RULE, "mehr": 1}, "unknown_key", "mehr"),
    ],
)
def test_an_incomplete_or_odd_rule_is_refused_with_its_place(data: dict[str, object], code: str, where: str) -> None:
    with pytest.raises(SeverityError) as refused:
        Matrix.parse(data)
    assert (refused.value.code, refused.value.where) == (code, where)
    assert refused.value.message


def test_provenance_beside_the_values_is_no_part_of_the_rule() -> None:
    assert Matrix.parse(changed(basis="assumed", source="ITIL")) == MATRIX
