from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.routing import Facts, Route, RoutingError, RuleSet

CATCH_ALL: dict[str, object] = {
    "id": "rest",
    "name": "Alles Übrige",
    "then": {"team": "l1", "level": "L1", "policy": "standard"},
}


def rule(id: str, when: dict[str, object], **then: object) -> dict[str, object]:
    return {"id": id, "name": f"Regel {id}", "when": when, "then": {"team": id, "level": "L1", **then}}


def route(facts: Facts, *rules: dict[str, object]) -> Route:
    return RuleSet.parse([*rules, CATCH_ALL]).route(facts)


def test_the_first_match_wins_and_says_why() -> None:
    rules = (
        rule("konto", {"component": ["bundid", "eid"]}),
        rule("geld-s1", {"component": "epayment", "severity": "S1"}),
        rule("geld", {"component": "epayment"}, level="L2-technik", policy="partner", skills=["epaybl"]),
    )
    found = route(Facts(component="epayment", severity="S2"), *rules)
    assert (found.team, found.level, found.policy, found.skills) == ("geld", "L2-technik", "partner", ("epaybl",))
    assert found.rule_id == "geld"
    assert found.reason == "Regel „Regel geld“: Baustein epayment"
    assert found.skipped == (("konto", "component"), ("geld-s1", "severity"))


def test_all_conditions_must_hold() -> None:
    night = rule("nacht", {"portal": ["wsp-nrw", "bauportal-nrw"], "channel": "phone"})
    assert route(Facts(portal="wsp-nrw", channel="phone"), night).rule_id == "nacht"
    assert route(Facts(portal="wsp-nrw", channel="email"), night).skipped == (("nacht", "channel"),)


def test_what_nothing_matches_goes_to_the_catch_all() -> None:
    found = route(Facts(), rule("konto", {"component": "bundid"}))
    assert (found.team, found.reason) == ("l1", "Regel „Alles Übrige“: keine frühere Regel passt")


@pytest.mark.parametrize(
    "key",
    [name for name in Facts.__dataclass_fields__ if name not in ("text", "open")],
)
def test_each_fact_can_be_a_condition(key: str) -> None:
    one = rule("eins", {key: ["a", "b"]})
    assert route(Facts(**{key: "b"}), one).rule_id == "eins"  # type: ignore[arg-type]
    assert route(Facts(**{key: "c"}), one).skipped == (("eins", key),)  # type: ignore[arg-type]
    assert route(Facts(), one).skipped == (("eins", key),)


def test_a_rule_can_ask_for_what_is_not_known() -> None:
    one = rule("klaeren", {"portal": "unknown"})
    assert route(Facts(), one).rule_id == "klaeren"
    assert route(Facts(portal="wsp-nrw"), one).rule_id == "rest"


@pytest.mark.parametrize(
    ("phrase", "text", "hit"),
    [
        ("ausfall", "Totaler AUSFALL hier", True),
        ("ausfall", "Ausfälle", False),
        ("ausfall", "Portalausfall", False),
        ("*ausfall", "Portalausfall!", True),
        ("gestör*", "Alles gestört", True),
        ("straße", "HAUPT STRASSE", True),
        ("nicht erreichbar", "ist nicht\n  erreichbar.", True),
        ("nicht erreichbar", "nicht gut erreichbar", False),
        ("a.c", "abc", False),
        ("störung", unicodedata.normalize("NFD", "Störung"), True),
        ("störung", None, False),
    ],
)
def test_text_is_matched_by_whole_words_without_case(phrase: str, text: str | None, hit: bool) -> None:
    found = route(Facts(text=text), rule("wort", {"text": ["gibtsnicht", phrase]}))
    assert (found.rule_id == "wort") is hit
    if hit:
        assert found.reason == f"Regel „Regel wort“: Text enthält „{phrase}“"


def test_open_means_one_of_them_closed_means_all_of_them() -> None:
    opened, closed = (
        rule("offen", {"calendar_open": ["kern", "hotline"]}),
        rule("zu", {"calendar_closed": ["kern", "hotline"]}),
    )
    assert route(Facts(open={"kern": False, "hotline": True}), opened, closed).rule_id == "offen"
    assert route(Facts(open={"kern": False, "hotline": False}), opened, closed).rule_id == "zu"
    assert route(Facts(open={"kern": False}), opened, closed).skipped == (
        ("offen", "calendar_open"),
        ("zu", "calendar_closed"),
    )


def test_the_partner_may_be_whoever_operates_the_service() -> None:
    fixed, derived = (
        rule("fest", {"portal": "a"}, partner="kdn"),
        rule("betreiber", {"portal": "b"}, partner="operator"),
    )
    assert route(Facts(portal="a", operator="it-nrw"), fixed, derived).partner == "kdn"
    assert route(Facts(portal="b", operator="it-nrw"), fixed, derived).partner == "it-nrw"
    assert route(Facts(portal="b"), fixed, derived).partner is None


@pytest.mark.parametrize(
    ("rules", "code", "where"),
    [
        ([], "no_catch_all", "rules"),
        ([rule("a", {"portal": "x"})], "no_catch_all", "rules"),
        ([CATCH_ALL, rule("a", {"portal": "x"})], "unreachable", "rules[1]"),
        ([CATCH_ALL, {**CATCH_ALL, "id": "zwei"}], "unreachable", "rules[1]"),
        (
            [rule("a", {"portal": ["x", "y"]}), rule("b", {"portal": "x", "severity": "S1"}), CATCH_ALL],
            "unreachable",
            "rules[1]",
        ),
        (
            [rule("a", {"calendar_closed": "k"}), rule("b", {"calendar_closed": ["k", "h"]}), CATCH_ALL],
            "unreachable",
            "rules[1]",
        ),
        ([rule("a", {"portal": "x"}), rule("a", {"portal": "y"}), CATCH_ALL], "duplicate_id", "rules[1]"),
        ([rule("a", {"color": "x"}), CATCH_ALL], "unknown_key", "rules[0].when.color"),
        ([rule("a", {"portal": []}), CATCH_ALL], "empty_condition", "rules[0].when.portal"),
        ([rule("a", {"text": "**"}), CATCH_ALL], "empty_condition", "rules[0].when.text"),
        ([rule("a", {"portal": 7}), CATCH_ALL], "not_a_list", "rules[0].when.portal"),
        ([{"id": "a", "name": "A", "then": {"level": "L1"}}], "missing_key", "rules[0].then.team"),
        ([rule("a", {}, colour="red")], "unknown_key", "rules[0].then.colour"),
        ([rule("a", {}, team="")], "not_a_text", "rules[0].then.team"),
    ],
)
def test_a_contradictory_list_is_refused_with_its_place(rules: list[dict[str, object]], code: str, where: str) -> None:
    with pytest.raises(RoutingError) as refused:
        RuleSet.parse(rules)
    assert (refused.value.code, refused.value.where) == (code, where)
    assert refused.value.message


def test_narrow_before_wide_and_disjoint_rules_are_fine() -> None:
    ordered = [
        rule("eng", {"portal": "x", "severity": "S1"}),
        rule("weit", {"portal": ["x", "y"]}),
        rule("zu-zweit", {"calendar_closed": ["k", "h"]}),
        rule("zu", {"calendar_closed": "k"}),
    ]
    assert len(RuleSet.parse([*ordered, CATCH_ALL]).rules) == 5


VALUES = st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True)
WHEN = st.dictionaries(st.sampled_from(["portal", "component", "severity"]), VALUES, min_size=1, max_size=3)
FACT = st.sampled_from([None, "x", "y", "z"])


@given(st.lists(WHEN, max_size=6), st.builds(Facts, portal=FACT, component=FACT, severity=FACT))
def test_every_ticket_ends_somewhere_and_every_earlier_rule_is_explained(
    whens: list[dict[str, object]], facts: Facts
) -> None:
    try:
        rules = RuleSet.parse([*(rule(f"r{n}", when) for n, when in enumerate(whens)), CATCH_ALL])
    except RoutingError as refused:
        assert refused.code == "unreachable"
        return
    found = rules.route(facts)
    before = [r.id for r in rules.rules[: [r.id for r in rules.rules].index(found.rule_id)]]
    assert [rule_id for rule_id, _ in found.skipped] == before
