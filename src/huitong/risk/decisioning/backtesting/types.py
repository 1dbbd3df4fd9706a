"""Runs of back-tests: asked for by staff, done by a worker."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class RunState(StrEnum):
    """How far a run has come: queued → running → done or failed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRun:
    """A back-test that was asked for; its result is stored under the same id.

    It is over the business days from `first_day` until before `end_day`; `rows_read` grows while
    it runs.
    """

    id: uuid.UUID
    version_id: uuid.UUID
    first_day: date
    end_day: date
    state: RunState
    rows_read: int
    error: str | None
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
