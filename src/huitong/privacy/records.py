"""What is recorded of consents, requests, retention and the monitoring of access."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ConsentAction(StrEnum):
    """What a person did about a purpose."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class RequestKind(StrEnum):
    """What a person may ask about their data."""

    SEE = "see"
    COPY = "copy"
    CORRECT = "correct"
    DELETE = "delete"
    CLOSE_ACCOUNT = "close_account"
    OBJECT_AUTOMATED = "object_automated"


class RequestState(StrEnum):
    """How far a request has come; done, refused and cancelled are its ends."""

    RECEIVED = "received"
    APPROVED = "approved"
    BLOCKED = "blocked"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"


CLOSED_STATES = frozenset({RequestState.DONE, RequestState.REFUSED, RequestState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One giving or withdrawing; the one with the highest number is what holds."""

    id: uuid.UUID
    subject_id: uuid.UUID
    purpose: str
    number: int
    action: ConsentAction
    version: int
    digest: bytes
    channel: str
    actor: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRequest:
    """A request; `due_on` is our own deadline and `latest_on` the last day permitted."""

    id: uuid.UUID
    subject_id: uuid.UUID
    kind: RequestKind
    state: RequestState
    received_at: datetime
    due_on: date
    latest_on: date
    attempts: int
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStep:
    """One step of a request; `reasons` are codes, never free text."""

    id: uuid.UUID
    request_id: uuid.UUID
    state: RequestState
    actor: str
    reasons: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A copy of somebody's data that waits to be fetched, or was."""

    request_id: uuid.UUID
    subject_id: uuid.UUID
    digest: bytes
    made_at: datetime
    expires_at: datetime
    downloaded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A person whose data is only stored, until `until_on` is over."""

    subject_id: uuid.UUID
    request_id: uuid.UUID
    data_classes: tuple[str, ...]
    restricted_at: datetime
    until_on: date
    destroyed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """Evidence of what was destroyed: class, rule, how many, and a digest of their identifiers."""

    id: uuid.UUID
    data_class: str
    rule: str
    cutoff_on: date
    count: int
    digest: bytes
    destroyed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessAlert:
    """Unusual reading by one viewer: `count` in the time from `from_at` to `raised_at`."""

    id: uuid.UUID
    rule: str
    viewer: str
    count: int
    threshold: int
    from_at: datetime
    raised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A viewer whose access is or was cut."""

    id: uuid.UUID
    viewer: str
    alert_id: uuid.UUID | None
    cut_by: str
    cut_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    reason: str | None
