"""Back-tests of rules: the job that does them, and who stands behind decisions."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from huitong import payments, risk
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.jobs import JobContext, JobDefinition

_ATTEMPTS_MAX: Final = 3
#: Who stands behind the decisions of each purpose; the rooms that know it say so.
_PARTIES: Final[Mapping[risk.Purpose, risk.FindParties]] = {
    risk.Purpose.PAYMENT: payments.list_payers
}


async def _run(context: JobContext, *, run: str) -> None:
    await risk.perform_backtest(
        context.database,
        uuid.UUID(hex=run),
        now=context.now,
        is_last_attempt=context.attempt >= _ATTEMPTS_MAX,
        parties=_PARTIES,
    )


BACKTEST_JOB: Final = JobDefinition(
    name=risk.BACKTEST_JOB, run=_run, lock=risk.BACKTEST_JOB, attempts_max=_ATTEMPTS_MAX
)


async def backtest_now(
    database: Database,
    *,
    version_id: uuid.UUID,
    backtest_id: uuid.UUID,
    days: int,
    caller: Caller,
    now: datetime,
    say: risk.Say | None = None,
) -> risk.Backtest:
    """Test a version in this process and store the result, for the command line."""
    return await risk.backtest_now(
        database,
        backtest_id=backtest_id,
        version_id=version_id,
        days=days,
        caller=caller,
        now=now,
        parties=_PARTIES,
        say=say,
    )
