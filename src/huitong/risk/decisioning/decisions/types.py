"""What a decision is, and what it was made from."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from huitong.risk.decisioning.rules.lists.types import EntityKind, ListKind
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, FeatureType

#: The value of one feature of one decision; None is NULL.
Value: TypeAlias = "int | float | bool | str | None"


class Fallback(StrEnum):
    """Why a decision was not made as it should be, and the written policy of its purpose held."""

    #: The process has not read any rules yet.
    NO_RULES = "no_rules"
    #: Deciding took too long several times in a row, and rests.
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Listed:
    """That a party of what is decided is on a list."""

    list: ListKind
    kind: EntityKind

    @property
    def code(self) -> str:
        """How it is stored: `block:account`."""
        return f"{self.list.value}:{self.kind.value}"

    @classmethod
    def read(cls, code: str) -> "Listed":
        """Read what `code` wrote."""
        listed, _, kind = code.partition(":")
        return cls(ListKind(listed), EntityKind(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureNames:
    """The names and types of features in the order in which decisions keep their values."""

    id: uuid.UUID
    names: tuple[str, ...]
    types: tuple[FeatureType, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Decision:
    """One decision: the record, whole.

    `id` is that of what was decided about (a payment order). `hits` are the keys of the rules of
    `version_id` that were true, and `failed` of those that could not be computed. `shadow_action`
    is what `shadow_version_id` would have done. `took_us` is this decision's part of the time that
    its batch took, in microseconds.
    """

    id: uuid.UUID
    purpose: Purpose
    action: Action
    decided_at: datetime
    listed: tuple[Listed, ...] = ()
    version_id: uuid.UUID | None = None
    hits: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    shadow_version_id: uuid.UUID | None = None
    shadow_action: Action | None = None
    shadow_hits: tuple[str, ...] = ()
    fallback: Fallback | None = None
    names_id: uuid.UUID | None = None
    #: The values of its features, as `values.pack_rows` writes them.
    packed: bytes | None = None
    took_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why, in plain words: `code` is a rule's key, a list's or the fallback's."""

    code: str
    zh: str
    en: str
