"""What this room hands over to be decided about a log-in, and what it gets back.

Risk lies above this room, so it comes as a protocol that `wiring` fulfils. The id of a try to log
in is the id of the decision about it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from huitong.identity.types import Act, Address, LogInReason
from huitong.kernel.database.unit_of_work import UnitOfWork

#: The value of one feature; None for what is not known.
FeatureValue: TypeAlias = "int | float | bool | str | None"

#: What a second factor is asked for when somebody logs in.
LOG_IN_ACT: Final = Act(kind="identity.log_in")


class LogInAction(StrEnum):
    """What becomes of a log-in whose credential was right."""

    ALLOW = "allow"
    #: The session opens nothing until a second factor is proved.
    STEP_UP = "step_up"
    #: The session pays nothing and changes no credential for a time.
    REDUCE = "reduce"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInSubject:
    """A try to log in, as it is decided about: nothing personal but the address, for lists.

    `subject_id` and `device_id` are None while nobody is known.
    """

    id: uuid.UUID
    features: Mapping[str, FeatureValue]
    address: Address = field(repr=False)
    subject_id: uuid.UUID | None = None
    #: Models know how customers log in: staff are decided about by rules and lists.
    is_staff: bool = False
    device_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInDecision:
    """What was decided; `made` is whatever `record` wants to have back."""

    id: uuid.UUID
    action: LogInAction
    made: object = field(default=None, repr=False)


class LogInDecider(Protocol):
    """Who decides about log-ins."""

    async def decide(
        self, uow: UnitOfWork, subject: LogInSubject, /, *, now: datetime
    ) -> LogInDecision:
        """Return what becomes of a log-in; nothing is written yet."""
        ...

    async def record(self, uow: UnitOfWork, decision: LogInDecision, /) -> tuple[LogInReason, ...]:
        """Write a decision down with what it says, and return why it did not just let in."""
        ...
