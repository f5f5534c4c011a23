"""People outside: found by their address, made when new. An address says where to answer, never who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from helpdesk.errors import BadInput
from helpdesk.models import Address, Contact


@dataclass(frozen=True, kw_only=True)
class Known:
    """A contact as intake needs it."""

    contact_id: int
    name: str
    language: str | None
    role: str
    noticed_at: datetime | None


def canonical(kind: str, value: str) -> str:
    """One spelling per address: E.164 for telephones, lower case for mail. Raises `BadInput`."""
    value = value.strip()
    if kind == "email":
        local, at, domain = value.rpartition("@")
        if not at or not local or "." not in domain or any(c.isspace() for c in value) or len(value) > 254:
            raise BadInput("Diese E-Mail-Adresse ist nicht vollständig.", field="email")
        return f"{local.lower()}@{domain.lower()}"
    if kind == "phone":
        try:
            number = phonenumbers.parse(value, "DE")
        except phonenumbers.NumberParseException:
            raise BadInput("Diese Telefonnummer ist nicht vollständig.", field="phone") from None
        if not phonenumbers.is_possible_number(number):
            raise BadInput("Diese Telefonnummer ist nicht vollständig.", field="phone")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return value


#: one statement, whether the person is known or not
FIND_OR_MAKE = text("""
    WITH known AS (
        SELECT c.id, c.name, c.language, c.role, a.noticed_at FROM address a JOIN contact c ON c.id = a.contact_id
        WHERE a.kind = :kind AND a.value = :value
    ), made AS (
        INSERT INTO contact (name, language, role)
        SELECT :name, :language, :role WHERE NOT EXISTS (SELECT FROM known) RETURNING id, name, language, role
    ), addressed AS (
        INSERT INTO address (contact_id, kind, value) SELECT id, :kind, :value FROM made
        ON CONFLICT (kind, value) DO UPDATE SET value = excluded.value RETURNING contact_id
    )
    SELECT id, name, language, role, noticed_at, NULL AS made FROM known
    UNION ALL SELECT contact_id, name, language, role, NULL, made.id FROM addressed, made
""")


def find_or_make(
    session: Session, kind: str, value: str, *, name: str = "", language: str | None = None, role: str = "citizen"
) -> Known:
    """The contact of this address. Two at the same moment get the same one (unique index on the address)."""
    said = {"name": name, "language": language, "role": role, "kind": kind, "value": value}
    got = session.execute(FIND_OR_MAKE, said).one()
    if got.made is not None and got.made != got.id:  # somebody was faster: theirs counts
        session.execute(delete(Contact).where(Contact.id == got.made))
    return Known(contact_id=got.id, name=got.name, language=got.language, role=got.role, noticed_at=got.noticed_at)


def make(session: Session, *, name: str = "", language: str | None = None, role: str = "citizen") -> Known:
    """A contact without an address: somebody who only left a name, or nothing."""
    contact_id = session.execute(
        insert(Contact).values(name=name, language=language, role=role).returning(Contact.id)
    ).scalar_one()
    return Known(contact_id=contact_id, name=name, language=language, role=role, noticed_at=None)


def noticed(session: Session, kind: str, value: str, at: datetime) -> None:
    """Remembers that the notice of a third-party channel was given to this address."""
    session.execute(update(Address).where(Address.kind == kind, Address.value == value).values(noticed_at=at))


def block(session: Session, kind: str, value: str, at: datetime) -> None:
    """The person blocked us there, or the address does not exist: nothing more is sent to it."""
    session.execute(
        update(Address)
        .where(Address.kind == kind, Address.value == value, Address.blocked_at.is_(None))
        .values(blocked_at=at)
    )


def addresses(session: Session, contact_id: int) -> list[Address]:
    return list(session.scalars(select(Address).where(Address.contact_id == contact_id).order_by(Address.id)))
