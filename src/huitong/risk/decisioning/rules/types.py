"""Rules, sets of rules, and the life of their versions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from huitong.risk.decisioning.types import Action
from huitong.risk.decisioning.versions.types import VersionState, decides_on


class Purpose(StrEnum):
    """What a set of rules decides about; each has features of its own."""

    PAYMENT = "payment"
    LOG_IN = "log_in"
    ONBOARDING = "onboarding"
    LOAN = "loan"


RuleState = VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: where `predicate` is true, `action` is asked for, and `weight` counts.

    The reasons are for the customer. `source` says where the rule comes from.
    """

    key: str
    predicate: str
    action: Action
    weight: int
    reason_zh: str
    reason_en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """A version of the rules of one purpose; its content never changes.

    `rules` is canonical JSON and `digest` its SHA-256, 64 hexadecimal digits.
    """

    id: uuid.UUID
    purpose: Purpose
    number: int
    rules: str
    digest: str
    state: RuleState
    created_by: str
    created_at: datetime
    backtest_id: uuid.UUID | None = None
    effective_from: date | None = None
    effective_to: date | None = None

    @property
    def scope(self) -> str:
        """Return what it is a version of: its purpose."""
        return self.purpose.value

    def decides_on(self, day: date) -> bool:
        """Say whether it decides on a business day."""
        return decides_on(self, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a version would have done with stored history; `result` is what JSON can carry."""

    id: uuid.UUID
    version_id: uuid.UUID
    result: Mapping[str, Any]
    created_by: str
    created_at: datetime
