"""What is watched, what is seen, and what is done about it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class EntityKind(StrEnum):
    """Who or what a signal is about."""

    #: A network address, named by its blind index.
    ADDRESS = "address"
    #: An API key that is bound to a merchant.
    API_KEY = "api_key"
    #: An API key of the bank's own systems.
    SYSTEM_KEY = "system_key"
    #: A customer who is logged in.
    LOGIN = "login"
    STAFF = "staff"
    #: A part of the platform, or a channel to the outside.
    COMPONENT = "component"


#: Against whom the platform acts by itself. Staff and the bank's own systems are left to people.
ACTED_AGAINST: Final = frozenset({EntityKind.ADDRESS, EntityKind.API_KEY, EntityKind.LOGIN})


@dataclass(frozen=True, slots=True)
class Entity:
    """One of them; `name` is a public id, a component's name, or `adr_` and a blind index.

    `network` is kept of an address, and takes no part in comparisons.
    """

    kind: EntityKind
    name: str
    network: str | None = field(default=None, compare=False)


class SignalKind(StrEnum):
    """What the processes count."""

    BAD_CREDENTIALS = "bad_credentials"
    LOG_IN_FAILED = "log_in_failed"
    NOT_FOUND = "not_found"
    READ = "read"
    REUSED = "reused"
    MALFORMED = "malformed"
    #: Turned away because of the rate.
    LIMITED = "limited"
    REQUESTS = "requests"
    SERVER_ERRORS = "server_errors"
    SLOW_ANSWERS = "slow_answers"
    QUEUE_OVERFLOWS = "queue_overflows"
    BUGS = "bugs"
    #: Signals that found no room in a process.
    DROPPED = "dropped"


class IncidentKind(StrEnum):
    """What is not as it should be."""

    CREDENTIAL_STUFFING = "credential_stuffing"
    BROKEN_CREDENTIALS = "broken_credentials"
    ENUMERATION = "enumeration"
    SCRAPING = "scraping"
    REPLAY = "replay"
    FUZZING = "fuzzing"
    FLOODING = "flooding"
    ERROR_RATE = "error_rate"
    SLOW_ANSWERS = "slow_answers"
    BUGS = "bugs"
    QUEUE_OVERFLOWS = "queue_overflows"
    CHANNEL_FAILING = "channel_failing"
    BACKLOG = "backlog"
    FAILED_WORK = "failed_work"
    BOOKS_DIFFER = "books_differ"
    WATCHER_SILENT = "watcher_silent"
    EVALUATOR_SILENT = "evaluator_silent"


class Severity(StrEnum):
    """How soon somebody must come."""

    WARNING = "warning"
    CRITICAL = "critical"


class IncidentState(StrEnum):
    """How far people have come with it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class CountermeasureKind(StrEnum):
    """What is done against a caller."""

    #: Few requests a minute.
    THROTTLE = "throttle"
    #: No log-in by password alone.
    CHALLENGE = "challenge"
    BLOCK = "block"


class StepKind(StrEnum):
    """What stands in the timeline of an incident."""

    OPENED = "opened"
    WORSENED = "worsened"
    COUNTERMEASURE_TAKEN = "countermeasure_taken"
    COUNTERMEASURE_LIFTED = "countermeasure_lifted"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


#: Numbers, and names of what was counted.
Evidence = Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was found just now, to be an incident."""

    kind: IncidentKind
    severity: Severity
    entity: Entity
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Countermeasure:
    """What is done against a caller, until when, and for which incident."""

    id: uuid.UUID
    incident_id: uuid.UUID
    kind: CountermeasureKind
    entity: Entity
    taken_at: datetime
    ends_at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Say whether it holds."""
        return self.lifted_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an incident's timeline."""

    step: StepKind
    actor: str
    details: Mapping[str, object]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that was not well: what was seen of whom, and how far people have come."""

    id: uuid.UUID
    kind: IncidentKind
    severity: Severity
    state: IncidentState
    entity: Entity
    evidence: Evidence
    opened_at: datetime
    last_seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    actions: tuple[Countermeasure, ...] = ()
    timeline: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A process that counts, and when it was heard of."""

    id: uuid.UUID
    process: str
    started_at: datetime
    seen_at: datetime
    queue_depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A count of one process, on its way to the database; `sketch` is None for most kinds."""

    kind: SignalKind
    entity: Entity
    count: int
    sketch: int | None
