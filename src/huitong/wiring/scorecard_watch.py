"""The watch over the scorecard: applications of a week against those of its training."""

import math
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from huitong import lending, risk
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook


async def watch_scorecard(database: Database, now: datetime) -> bool:
    """Measure drift of the scorecard if its week is over; a step of a loop."""
    await database.run(
        lambda uow: risk.watch_scorecard(uow, gather_scored, rulebook=Rulebook.load(), now=now)
    )
    return False


async def gather_scored(
    uow: UnitOfWork, since: datetime, until: datetime
) -> risk.ScoredApplications | None:
    """Return what applications of a period were scored with, None without any."""
    steps = await lending.applications.list_scored(uow, since=since, until=until)
    if not steps:
        return None
    names = sorted({name for each in steps for name in each.features})
    return risk.ScoredApplications(
        count=len(steps),
        columns={
            name: np.array([_read(each.features, name) for each in steps], np.float64)
            for name in names
        },
        first_at=min(each.at for each in steps),
        last_at=max(each.at for each in steps),
    )


def _read(features: Mapping[str, str | None], name: str) -> float:
    value = features.get(name)
    return math.nan if value is None else float(value)
