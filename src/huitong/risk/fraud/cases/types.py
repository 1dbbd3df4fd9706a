"""Cases, their alerts and what happened with them."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from huitong.kernel.money import Money
from huitong.risk.decisioning.decisions.types import Participant
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action


class CaseState(StrEnum):
    """How far the work on a case has come."""

    OPEN = "open"
    CLOSED = "closed"
    #: Its alerts went over to another case.
    MERGED = "merged"


class Outcome(StrEnum):
    """What was found out."""

    FRAUD = "fraud"
    GENUINE = "genuine"
    #: Nobody can say: no label follows.
    UNCLEAR = "unclear"


class Queue(StrEnum):
    """In which order open cases are shown, and which of them."""

    PRIORITY = "priority"
    #: Oldest first.
    AGE = "age"
    #: Those that nobody works on, by priority.
    UNASSIGNED = "unassigned"
    #: Those of one member of staff, oldest first.
    MINE = "mine"
    #: Closed ones, newest first.
    CLOSED = "closed"


class EntryType(StrEnum):
    """What happened with a case."""

    OPENED = "opened"
    ALERT = "alert"
    MERGED = "merged"
    RELATED = "related"
    ASSIGNED = "assigned"
    RELEASED = "released"
    NOTE = "note"
    LIST_PROPOSED = "list_proposed"
    OVERTURNED = "overturned"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A decision that people should look at, and who took part."""

    decision_id: uuid.UUID
    purpose: Purpose
    action: Action
    raised_at: datetime
    amount: Money | None
    participants: tuple[Participant, ...]
    case_id: uuid.UUID | None
    weight: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Alerts that belong together. `alerts` counts them; `at_risk` is their money by currency."""

    id: uuid.UUID
    state: CaseState
    priority: int
    alerts: int
    opened_at: datetime
    last_alert_at: datetime
    assigned_to: uuid.UUID | None
    assigned_at: datetime | None
    outcome: Outcome | None
    closed_at: datetime | None
    closed_by: uuid.UUID | None
    merged_into: uuid.UUID | None
    at_risk: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a case's timeline. `about` is a public id."""

    id: uuid.UUID
    type: EntryType
    at: datetime
    actor: str
    about: str | None = None
    note: str | None = field(default=None, repr=False)
