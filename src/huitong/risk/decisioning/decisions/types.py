"""What a decision is, and what it was made from."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from huitong.kernel.money import Money
from huitong.risk.decisioning.models.serving import FallbackReason
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListKind
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


@dataclass(slots=True, kw_only=True)
class Scoring:
    """What models said of one decision.

    `score` is the champion's (`model_id`) probability, None where `fallback` says why it gave none.
    `action` is what the score that counted asks for: the challenger's where `is_challenged`, else
    the champion's; None where there was none. The shadow's has no effect.
    """

    model_id: uuid.UUID | None = None
    score: float | None = None
    challenger_id: uuid.UUID | None = None
    challenger_score: float | None = None
    shadow_id: uuid.UUID | None = None
    shadow_score: float | None = None
    is_challenged: bool = False
    action: Action | None = None
    fallback: FallbackReason | None = None

    @property
    def decider_id(self) -> uuid.UUID | None:
        """The model whose score counted."""
        return self.challenger_id if self.is_challenged else self.model_id


class Side(StrEnum):
    """On which side somebody or something takes part in what is decided."""

    #: Who pays, logs in or applies.
    ACTOR = "actor"
    #: Who is paid.
    COUNTERPARTY = "counterparty"
    #: With or from what it is done: a device, an address, a mobile number.
    MEANS = "means"


@dataclass(frozen=True, slots=True)
class Participant:
    """Who or what takes part, and on which side."""

    side: Side
    entity: Entity

    @property
    def code(self) -> str:
        """How it is stored: `actor:account:00000000000003e8`."""
        return f"{self.side.value}:{self.entity.kind.value}:{self.entity.key.hex()}"

    @classmethod
    def read(cls, code: str) -> "Participant":
        """Read what `code` wrote."""
        side, kind, key = code.split(":")
        return cls(Side(side), Entity(EntityKind(kind), bytes.fromhex(key)))


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
    #: What models said; None where there were none to ask.
    scoring: Scoring | None = None
    #: For the alert, if it raises one; not read back with the decision.
    participants: tuple[Participant, ...] = ()
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why, in plain words: `code` is a rule's key, a list's or the fallback's."""

    code: str
    zh: str
    en: str
