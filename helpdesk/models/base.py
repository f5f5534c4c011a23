"""The declarative base: naming of constraints, the few column shapes that all tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

#: bigint identity key, inside only; what people and other systems see is a number, a link or a natural key
Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
#: key of something that the configuration names: short, lower case, stable, readable in a dump
NaturalKey = Annotated[str, mapped_column(Text, primary_key=True)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Json = dict[str, Any]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        Json: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
    }
