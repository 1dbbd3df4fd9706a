"""Decision tables, their schemas and versions, and what they answered."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from huitong.risk.decisioning.versions.types import VersionState, decides_on


class TableType(StrEnum):
    """What a column holds. There are no floats: what is not whole is a decimal, written as text."""

    #: Whole numbers: counts, days, amounts in minor units.
    INTEGER = "integer"
    #: Ratios and rates, as text in documents and answers: `"0.0450"`.
    DECIMAL = "decimal"
    FLAG = "flag"
    TEXT = "text"


class HitPolicy(StrEnum):
    """Which of the rows that hit answer."""

    #: The first in order.
    FIRST = "first"
    #: Never more than one: rows that overlap are refused.
    UNIQUE = "unique"
    #: All of them.
    COLLECT = "collect"


#: A value in a table; None is NULL.
Cell: TypeAlias = "int | Decimal | bool | str | None"
#: A value as it travels and is stored: decimals are text.
Shown: TypeAlias = "int | bool | str | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableField:
    """A column of a table: its type, what it is, and what it may hold.

    `values` are the texts that it may be, none for any text; `minimum` and `maximum` are inclusive
    bounds of numbers.
    """

    name: str
    type: TableType
    meaning: str
    is_nullable: bool = False
    values: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """What a table is asked and what it answers; the room that asks agrees on it."""

    name: str
    meaning: str
    inputs: tuple[TableField, ...]
    outputs: tuple[TableField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVersion:
    """A version of a decision table; its content never changes.

    `content` is canonical JSON and `digest` its SHA-256, 64 hexadecimal digits.
    """

    id: uuid.UUID
    name: str
    number: int
    content: str
    digest: str
    state: VersionState
    created_by: str
    created_at: datetime
    effective_from: date | None = None
    effective_to: date | None = None

    @property
    def scope(self) -> str:
        """Return what it is a version of: its table."""
        return self.name

    def decides_on(self, day: date) -> bool:
        """Say whether it answers on a business day."""
        return decides_on(self, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAnswer:
    """What a version answered about a subject, and from what.

    `rows` are the keys of the rows that answered, and `outputs` has one mapping for each of them.
    """

    id: uuid.UUID
    version_id: uuid.UUID
    subject_id: uuid.UUID
    inputs: Mapping[str, Shown]
    rows: tuple[str, ...]
    outputs: tuple[Mapping[str, Shown], ...]
    asked_by: str
    answered_at: datetime
    took_us: int
