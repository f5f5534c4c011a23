"""Portals, their components, and services (a component of a portal that another body runs)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key, NaturalKey


class Portal(Base):
    __tablename__ = "portal"

    id: Mapped[NaturalKey]
    name: Mapped[str]
    kind: Mapped[str]  #: municipal_central, state_portal, specialised_portal, …, external
    owner: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    host_pattern: Mapped[str | None]
    components: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))  #: audience, basis, source, note


class Component(Base):
    __tablename__ = "component"

    id: Mapped[NaturalKey]
    name: Mapped[str]
    operator: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    service_class: Mapped[str]
    central: Mapped[bool]
    external: Mapped[bool] = mapped_column(server_default=text("false"))
    lifecycle: Mapped[str] = mapped_column(server_default=text("'live'"))
    successor: Mapped[str | None] = mapped_column(ForeignKey("component.id", deferrable=True, initially="DEFERRED"))
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))


class Service(Base):
    """The unit alerts belong to: one component of one portal, and of one municipality where it is not central."""

    __tablename__ = "service"
    __table_args__ = (
        # one row per service; a missing municipality counts as a value
        Index("uq_service", "portal", "component", "ags", unique=True, postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Key]
    portal: Mapped[str] = mapped_column(ForeignKey("portal.id"))
    component: Mapped[str] = mapped_column(ForeignKey("component.id"))
    ags: Mapped[str | None]
    operator: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))


class Category(Base):
    __tablename__ = "category"

    id: Mapped[NaturalKey]
    name: Mapped[str]
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
