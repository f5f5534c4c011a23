from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from escalation.instants import NaiveInstant
from escalation.paging import ContactPoint, PersonalRule, Planned, PlannedBy, plan
from escalation.severity import Severity
from escalation.windows import Windows

T0 = datetime(2028, 5, 4, 20, 0, tzinfo=UTC)  # 22:00 in Berlin
ALL = frozenset(Severity)
S1, S3 = Severity.S1, Severity.S3
SMS = ContactPoint(id="sms", kind="phone", verified=True)
CALL = ContactPoint(id="call", kind="phone", verified=True)
MAIL = ContactPoint(id="mail", kind="email", verified=True)
NIGHT = Windows.parse(
    {
        "tz": "Europe/Berlin",
        "windows": [{"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "start": "21:00", "end": "07:00"}],
    }
)


def rule(point: str, minutes: float = 0, severities: frozenset[Severity] = ALL) -> PersonalRule:
    return PersonalRule(severities=severities, contact_point=point, delay=timedelta(minutes=minutes))


def told(planned: tuple[Planned, ...]) -> list[tuple[float, str, str]]:
    return [((message.at - T0) / timedelta(minutes=1), message.contact_point, message.why) for message in planned]


def test_a_rule_fires_its_delay_after_the_step_ran() -> None:
    rules = [rule("call", 5), rule("sms"), rule("mail", 2)]
    assert told(plan(rules, [SMS, CALL, MAIL], S1, T0)) == [
        (0, "sms", "rule"),
        (2, "mail", "rule"),
        (5, "call", "rule"),
    ]


def test_only_the_rules_of_this_severity_count() -> None:
    rules = [rule("call", severities=frozenset({S1})), rule("mail", severities=frozenset({S3}))]
    assert told(plan(rules, [SMS, CALL, MAIL], S1, T0)) == [(0, "call", "rule")]
    assert told(plan(rules, [SMS, CALL, MAIL], S3, T0)) == [(0, "mail", "rule")]


@pytest.mark.parametrize(
    "point",
    [
        ContactPoint(id="sms", kind="phone", verified=False),
        ContactPoint(id="sms", kind="phone", verified=True, enabled=False),
    ],
)
def test_only_verified_and_enabled_contact_points_are_used(point: ContactPoint) -> None:
    assert told(plan([rule("sms"), rule("mail", 3)], [point, MAIL], S1, T0)) == [(3, "mail", "rule")]
    assert told(plan([rule("sms")], [point, MAIL], S1, T0)) == [(0, "mail", "fallback")]
    assert plan([rule("sms")], [point], S1, T0) == ()


@pytest.mark.parametrize("rules", [[], [rule("sms", 9, frozenset({S3}))], [rule("gone", 9)]])
def test_no_rule_fits_so_all_verified_contact_points_at_once(rules: list[PersonalRule]) -> None:
    assert told(plan(rules, [SMS, MAIL], S1, T0)) == [(0, "sms", "fallback"), (0, "mail", "fallback")]


def test_the_same_rule_twice_is_one_message() -> None:
    assert told(plan([rule("sms"), rule("sms"), rule("sms", 2)], [SMS], S1, T0)) == [
        (0, "sms", "rule"),
        (2, "sms", "rule"),
    ]


def test_quiet_hours_hold_s3_and_s4_until_their_end_and_never_s1_and_s2() -> None:
    end = datetime(2028, 5, 5, 5, 0, tzinfo=UTC)
    for severity in Severity:
        [message] = plan([rule("sms", 10)], [SMS], severity, T0, quiet=NIGHT)
        assert message.at == (end if severity.rank >= 3 else T0 + timedelta(minutes=10))
    [by_day] = plan([rule("sms")], [SMS], S3, T0 + timedelta(hours=12), quiet=NIGHT)
    assert by_day.at == T0 + timedelta(hours=12)


def test_quiet_hours_without_an_end_hold_nothing() -> None:
    always = Windows.parse({"tz": "Europe/Berlin"})
    week = Windows.parse({"tz": "Europe/Berlin", "windows": [{"from": "MO 00:00", "to": "MO 00:00"}]})
    for quiet in (always, week):
        assert told(plan([rule("sms")], [SMS], S3, T0, quiet=quiet)) == [(0, "sms", "rule")]


@pytest.mark.parametrize(("seconds", "sent"), [(59, False), (60, False), (-60, False), (61, True)])
def test_delayed_rules_of_two_cycles_within_60_seconds_send_once(seconds: int, sent: bool) -> None:
    waiting = [Planned(T0 + timedelta(minutes=5, seconds=seconds), "sms", PlannedBy.RULE)]
    assert bool(plan([rule("sms", 5)], [SMS], S1, T0, waiting=waiting)) is sent
    assert plan([rule("mail", 5)], [MAIL], S1, T0, waiting=waiting)


def test_the_first_message_of_a_cycle_is_never_folded_away() -> None:
    assert plan([rule("sms")], [SMS], S1, T0, waiting=[Planned(T0, "sms", PlannedBy.RULE)])


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(NaiveInstant):
        plan([], [SMS], S1, datetime(2028, 5, 4))
