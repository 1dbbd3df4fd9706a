"""What is known of a minor, and what follows from an age."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from huitong.kernel.rulebook import Rulebook

_ADULT_KEY: Final = "person.adult.age.min"
_LIMITED_KEY: Final = "person.limited_capacity.age.min"
_CHILD_KEY: Final = "privacy.child.age.below"


class Capacity(StrEnum):
    """What somebody may do alone (民法典 Arts. 17-20)."""

    #: Everything.
    FULL = "full"
    #: What fits their age, up to the rulebook's amounts; the rest through the guardian.
    LIMITED = "limited"
    #: Nothing: the guardian acts.
    NONE = "none"


class GuardianRelation(StrEnum):
    """How somebody came to be a guardian (民法典 Arts. 27-31)."""

    PARENT = "parent"
    RELATIVE = "relative"
    APPOINTED = "appointed"


class Unfitness(StrEnum):
    """Why somebody cannot be a guardian now."""

    UNKNOWN = "unknown"
    CLOSED = "closed"
    NOT_VERIFIED = "not_verified"
    DESTROYED = "destroyed"
    RESTRICTED = "restricted"
    NOT_OF_AGE = "not_of_age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minor:
    """A customer who is not of age yet; `guardian_id` is None for one who applied alone."""

    customer_id: uuid.UUID
    guardian_id: uuid.UUID | None
    relation: GuardianRelation | None
    capacity: Capacity
    checked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianConsent:
    """That a guardian consented to the use of a child's data (个人信息保护法 Art. 31)."""

    child_id: uuid.UUID
    guardian_id: uuid.UUID
    relation: GuardianRelation
    consent_id: uuid.UUID
    given_at: datetime


def find_capacity(age: int, *, rulebook: Rulebook, on_day: date) -> Capacity:
    """Return what somebody of an age in full years may do alone.

    By default nothing below 8, limited below 18. Who lives on their own work from 16 on counts as
    of age (Art. 18); nobody asks for that here.
    """
    if age >= rulebook.integer(_ADULT_KEY, on_day):
        return Capacity.FULL
    is_limited = age >= rulebook.integer(_LIMITED_KEY, on_day)
    return Capacity.LIMITED if is_limited else Capacity.NONE


def needs_consent(age: int, *, rulebook: Rulebook, on_day: date) -> bool:
    """Say whether a guardian must consent to the use of the data of somebody of this age."""
    return age < rulebook.integer(_CHILD_KEY, on_day)
