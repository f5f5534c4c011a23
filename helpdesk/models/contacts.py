"""The people who write to us, and the addresses they write from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.models.base import Base, Json, Key


class Contact(Base):
    """A person outside. Personal data of the core lives here, in `Address`, in messages and originals, nowhere else."""

    __tablename__ = "contact"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(server_default=text("''"))
    language: Mapped[str | None]
    role: Mapped[str] = mapped_column(server_default=text("'citizen'"))
    ags: Mapped[str | None]
    needs: Mapped[str] = mapped_column(server_default=text("''"))  #: only on the person's own word
    preferences: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("helpdesk_now()"))


class Address(Base):
    """Where somebody is reached. An address is never proof of who they are."""

    __tablename__ = "address"
    __table_args__ = (
        Index("uq_address", "kind", "value", unique=True),  # intake: contact of a sender
        Index("ix_address_contact_id", "contact_id"),  # ticket page, export, erasure
    )

    id: Mapped[Key]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    kind: Mapped[str]
    value: Mapped[str]  #: canonical: E.164, lower-case domain
    verified_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]  #: when the notice of a third-party channel was given
