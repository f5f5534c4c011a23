"""Addresses are read before they are decoded, so nobody can hide one in an encoded word."""

from __future__ import annotations

import pytest

from channels.email.addresses import addresses, normal


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a@Example.ORG", [("a@example.org", "")]),
        ("Anna Amt <Anna@example.org>", [("Anna@example.org", "Anna Amt")]),
        ('"Amt, Köln" <a@koeln.example>, b@example.org', [("a@koeln.example", "Amt, Köln"), ("b@example.org", "")]),
        ('"quoted local"@example.org', [('"quoted local"@example.org', "")]),
        ('"agent@nrw.example" <boese@evil.example>', [("boese@evil.example", "agent@nrw.example")]),
        ("=?utf-8?Q?agent?=@example.com", [("=?utf-8?Q?agent?=@example.com", "")]),
        ("=?utf-8?Q?agent=40nrw=2Eexample?= <boese@evil.example>", [("boese@evil.example", "agent@nrw.example")]),
        ("=?utf-8?B?YUBleGFtcGxlLm9yZw==?=", []),
        ("a@example.org (Anna)", [("a@example.org", "Anna")]),
        ("(x (y (z))) a@example.org", [("a@example.org", "x (y (z))")]),
        ("Gruppe: a@example.org, b@example.org;", [("a@example.org", ""), ("b@example.org", "")]),
        ("undisclosed-recipients:;", []),
        ("<@relay.example:a@example.org>", [("a@example.org", "")]),
        ("a@[::1", []),
        ("a@@b", []),
        ("a@example..org", []),
        ("kein Absender", []),
        ("Anna Amt anna@example.org", [("anna@example.org", "")]),
        ("<a@example.org", [("a@example.org", "")]),
        ('"nie geschlossen <a@example.org>', []),
        ("böse@exämple.org", [("böse@exämple.org", "")]),
        ("a@example.org\x00, b@example.org.", [("b@example.org", "")]),
    ],
)
def test_a_header(header: str, found: list[tuple[str, str]]) -> None:
    assert [(each.value, each.name) for each in addresses(header)] == found


def test_the_number_of_recipients_is_bounded() -> None:
    assert len(addresses("a@b.de," * 5_000)) == 1_000


def test_the_domain_is_canonical_and_the_local_part_is_not_touched() -> None:
    assert normal(" Anna.Amt@EXAMPLE.org. ") == "Anna.Amt@example.org"
