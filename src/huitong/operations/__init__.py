"""Operations: the platform watches itself, and keeps those out for a time who misuse it.

Each process has a `Reporter`, which counts signals in memory and writes them every two seconds, and
each API process an `Admission`, which knows rate limits and counter-measures and asks nothing of
the database in a request's path. The worker calls `evaluate`: counts of all processes become
incidents and counter-measures by the rules of the rulebook (`read_policy`), together with what the
rooms say of themselves (`Measured`). People see and end them: `list_incidents`, `get_incident`,
`acknowledge_incident`, `resolve_incident`, `list_countermeasures`, `lift_countermeasure`,
`get_status`.
"""

from huitong.operations.admission import Admission
from huitong.operations.distinct import estimate
from huitong.operations.errors import (
    CallerBlocked,
    ChallengeRequired,
    CountermeasureNotFound,
    CountermeasureOver,
    IncidentNotFound,
    IncidentStateConflict,
    RateLimited,
)
from huitong.operations.evaluating import Evaluation, evaluate
from huitong.operations.events import CountermeasureTaken, IncidentOpened
from huitong.operations.handling import (
    acknowledge_incident,
    get_incident,
    lift_countermeasure,
    list_countermeasures,
    list_incidents,
    resolve_incident,
)
from huitong.operations.health import ChannelMeasures, Measured, find_books_differing
from huitong.operations.policy import Policy, read_policy
from huitong.operations.rate_limits import RateLimit, RateLimiter
from huitong.operations.recording import report
from huitong.operations.reporting import Reporter
from huitong.operations.retention import IncidentAddresses
from huitong.operations.signals import SignalCounter
from huitong.operations.status import Status, get_status
from huitong.operations.store.signals import note_verified, prune_signals, try_to_verify
from huitong.operations.types import (
    Countermeasure,
    CountermeasureKind,
    Entity,
    EntityKind,
    Finding,
    Incident,
    IncidentKind,
    IncidentState,
    Severity,
    SignalKind,
    Step,
    StepKind,
    Watcher,
)

__all__ = [
    "Admission",
    "CallerBlocked",
    "ChallengeRequired",
    "ChannelMeasures",
    "Countermeasure",
    "CountermeasureKind",
    "CountermeasureNotFound",
    "CountermeasureOver",
    "CountermeasureTaken",
    "Entity",
    "EntityKind",
    "Evaluation",
    "Finding",
    "Incident",
    "IncidentAddresses",
    "IncidentKind",
    "IncidentNotFound",
    "IncidentOpened",
    "IncidentState",
    "IncidentStateConflict",
    "Measured",
    "Policy",
    "RateLimit",
    "RateLimited",
    "RateLimiter",
    "Reporter",
    "Severity",
    "SignalCounter",
    "SignalKind",
    "Status",
    "Step",
    "StepKind",
    "Watcher",
    "acknowledge_incident",
    "estimate",
    "evaluate",
    "find_books_differing",
    "get_incident",
    "get_status",
    "lift_countermeasure",
    "list_countermeasures",
    "list_incidents",
    "note_verified",
    "prune_signals",
    "read_policy",
    "report",
    "resolve_incident",
    "try_to_verify",
]
