"""What this room hands over to be decided about an application, and what it gets back.

Risk lies above this room, so it comes as a protocol that `wiring` fulfils. The id of an application
is the id of the decision about it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from huitong.kernel.database.unit_of_work import UnitOfWork

#: The value of one feature; None for what is not known.
FeatureValue: TypeAlias = "int | float | None"


class ApplicationAction(StrEnum):
    """What becomes of an application that was handed in."""

    ALLOW = "allow"
    #: Checked as ever, and then people look at it whatever came of that.
    REVIEW = "review"
    #: Checked later, as the rulebook's `risk.onboarding.delay.hours` says.
    DELAY = "delay"
    #: Refused at once.
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSubject:
    """An application as it is decided about: numbers, and the mobile's blind index for lists."""

    id: uuid.UUID
    features: Mapping[str, FeatureValue]
    mobile_index: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDecision:
    """What was decided, and why, in plain words of both languages."""

    action: ApplicationAction
    reason: str | None = None


class ApplicationDecider(Protocol):
    """Who decides about applications."""

    async def decide(
        self,
        uow: UnitOfWork,
        application: ApplicationSubject,
        /,
        *,
        now: datetime,
    ) -> ApplicationDecision:
        """Return what becomes of an application, and write that down in the unit of work."""
        ...
