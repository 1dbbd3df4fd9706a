"""SQL of runs of back-tests."""

import uuid
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.backtesting.types import BacktestRun, RunState

_RUNS: Final = """
    SELECT id, version_id, first_day, end_day, state, rows_read, error, requested_by, requested_at,
           finished_at
      FROM risk.backtest_runs
"""


async def insert_run(uow: UnitOfWork, run: BacktestRun) -> None:
    """Insert a queued run."""
    await uow.execute(
        """
        INSERT INTO risk.backtest_runs (id, version_id, first_day, end_day, requested_by,
                                        requested_at)
        VALUES (:id, :version_id, :first_day, :end_day, :requested_by, :requested_at)
        """,
        id=run.id,
        version_id=run.version_id,
        first_day=run.first_day,
        end_day=run.end_day,
        requested_by=run.requested_by,
        requested_at=run.requested_at,
    )


async def find_run(
    uow: UnitOfWork, run_id: uuid.UUID, *, is_held: bool = False
) -> BacktestRun | None:
    """Return a run, or None; held until the end if wanted."""
    holding = " FOR UPDATE" if is_held else ""
    row = await uow.fetch_one(_RUNS + " WHERE id = :id" + holding, id=run_id)
    return None if row is None else BacktestRun(**{**row._asdict(), "state": RunState(row.state)})


async def find_open_run(uow: UnitOfWork, version_id: uuid.UUID) -> BacktestRun | None:
    """Return the run of a version that has not ended, held until the end, or None."""
    row = await uow.fetch_one(
        _RUNS + " WHERE version_id = :version_id AND state IN ('queued', 'running') FOR UPDATE",
        version_id=version_id,
    )
    return None if row is None else BacktestRun(**{**row._asdict(), "state": RunState(row.state)})


async def set_running(uow: UnitOfWork, run_id: uuid.UUID, rows_read: int) -> bool:
    """Say how far an open run has come; return False for one that has ended."""
    row = await uow.fetch_one(
        """
        UPDATE risk.backtest_runs SET state = 'running', rows_read = :rows_read
         WHERE id = :id AND state IN ('queued', 'running') RETURNING id
        """,
        id=run_id,
        rows_read=rows_read,
    )
    return row is not None


async def end_run(uow: UnitOfWork, run_id: uuid.UUID, *, error: str | None, now: datetime) -> bool:
    """End an open run, with the reason if it failed; return False for one that has ended."""
    row = await uow.fetch_one(
        """
        UPDATE risk.backtest_runs SET state = :state, error = :error,
               finished_at = greatest(:now, requested_at)
         WHERE id = :id AND state IN ('queued', 'running') RETURNING id
        """,
        id=run_id,
        state=(RunState.DONE if error is None else RunState.FAILED).value,
        error=error,
        now=now,
    )
    return row is not None
