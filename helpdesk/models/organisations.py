"""Organisations: operating partners, state bodies, IT providers, and municipalities by their official key (AGS)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, NaturalKey


class Organisation(Base):
    """A municipality's id is `ags-` and its AGS; every other id is its name in the configuration."""

    __tablename__ = "organisation"
    __table_args__ = (
        # municipality field of the contact page: prefix of a name, in German order
        Index("ix_organisation_sort_key", "sort_key", postgresql_where=text("ags IS NOT NULL")),
        Index("uq_organisation_ags", "ags", unique=True),
    )

    id: Mapped[NaturalKey]
    name: Mapped[str]
    kind: Mapped[str]  #: operating_partner, coordination, state_operator, …, municipality, it_provider
    sort_key: Mapped[str]  #: DIN 5007, so that Übach-Palenberg stands under U
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    ags: Mapped[str | None]
    ars: Mapped[str | None]
    official_name: Mapped[str | None]
    district: Mapped[str | None] = mapped_column(ForeignKey("district.code"))
    population: Mapped[int | None]
    portal: Mapped[str | None]  #: the municipal portal it is known to use
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))


class District(Base):
    """Kreis, kreisfreie Stadt or Städteregion, by its five digits."""

    __tablename__ = "district"

    code: Mapped[NaturalKey]
    name: Mapped[str]
    region: Mapped[str]
    provider: Mapped[str | None]  #: organisation that is the municipal IT provider of this area


class PostalCode(Base):
    """Postal code ↔ municipality, many to many: it suggests a municipality, it does not prove one."""

    __tablename__ = "postal_code"

    code: Mapped[NaturalKey]
    ags: Mapped[NaturalKey]
