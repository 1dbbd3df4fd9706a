"""What happened to people's consents, requests and data, for the rooms that must act on it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A person agreed to a purpose."""

    topic: ClassVar[str] = "privacy.ConsentGiven.v1"

    subject_id: uuid.UUID
    purpose: str
    version: int
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A person took a consent back; whoever processes for the purpose stops."""

    topic: ClassVar[str] = "privacy.ConsentWithdrawn.v1"

    subject_id: uuid.UUID
    purpose: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomatedDecisionObjected(Event):
    """A person refuses decisions that a machine alone makes (PIPL Art. 24)."""

    topic: ClassVar[str] = "privacy.AutomatedDecisionObjected.v1"

    subject_id: uuid.UUID
    request_id: uuid.UUID
    objected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRestricted(Event):
    """A person's data is only stored until the day on which nothing must be kept any more."""

    topic: ClassVar[str] = "privacy.SubjectRestricted.v1"

    subject_id: uuid.UUID
    until_on: date
    restricted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectErased(Event):
    """A person's data key was destroyed: nothing that was sealed for them opens again."""

    topic: ClassVar[str] = "privacy.SubjectErased.v1"

    subject_id: uuid.UUID
    erased_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessAlertRaised(Event):
    """Somebody reads people's data in an unusual way."""

    topic: ClassVar[str] = "privacy.AccessAlertRaised.v1"

    alert_id: uuid.UUID
    rule: str
    viewer: str
    is_cut: bool
    raised_at: datetime
