"""What is well and what is not, in one look."""

from dataclasses import dataclass
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.operations.health import Measured
from huitong.operations.policy import Policy
from huitong.operations.store import incidents, signals
from huitong.operations.types import (
    Countermeasure,
    Incident,
    IncidentState,
    SignalKind,
    Watcher,
)

_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The platform as it sees itself; counts are of the window of `window_seconds`."""

    at: datetime
    window_seconds: int
    requests: int
    server_errors: int
    slow_answers: int
    measured: Measured
    watchers: tuple[Watcher, ...]
    #: When the worker last looked at the signals; None if it never did.
    evaluated_at: datetime | None
    is_evaluated: bool
    incidents: tuple[Incident, ...]
    countermeasures: tuple[Countermeasure, ...]

    @property
    def is_well(self) -> bool:
        """Whether nobody needs to come: the watch works and no incident is unresolved."""
        return self.is_evaluated and not self.incidents


async def get_status(
    uow: UnitOfWork, *, policy: Policy, measured: Measured, now: datetime
) -> Status:
    """Return the state of the platform; at most 50 incidents and counter-measures, the newest."""
    state = await signals.read_state(uow)
    counts = await signals.count_signals(uow, since=now - policy.health_window)
    evaluated_at = state.evaluated_at
    return Status(
        at=now,
        window_seconds=int(policy.health_window.total_seconds()),
        requests=counts.get(SignalKind.REQUESTS, 0),
        server_errors=counts.get(SignalKind.SERVER_ERRORS, 0),
        slow_answers=counts.get(SignalKind.SLOW_ANSWERS, 0),
        measured=measured,
        watchers=tuple(await signals.list_watchers(uow)),
        evaluated_at=evaluated_at,
        is_evaluated=evaluated_at is not None and now - evaluated_at < policy.silence,
        incidents=tuple(
            await incidents.list_incidents(
                uow,
                (IncidentState.OPEN, IncidentState.ACKNOWLEDGED),
                before_id=None,
                limit=_SHOWN_MAX,
            )
        ),
        countermeasures=tuple(await incidents.list_in_force(uow, now=now, limit=_SHOWN_MAX)),
    )
