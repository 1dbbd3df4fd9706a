"""Watching the scorecard at work: whether applications of a week are like those of its training.

Weekly, as models of fraud are. One that drifts is out of use: people decide about applications
until two people looked, because nobody knows any more what its points mean.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit import limits
from huitong.risk.credit.scorecards.registering import CREDIT_MODEL_NAME
from huitong.risk.credit.scorecards.scoring import score_columns, to_probabilities
from huitong.risk.credit.scorecards.types import Scorecard, read_scorecard
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.alarms import find_last_cleared, is_model_out
from huitong.risk.decisioning.models.drift import measure_drift
from huitong.risk.decisioning.models.registry import find_model, load_model
from huitong.risk.decisioning.models.serving import SCORE
from huitong.risk.decisioning.models.types import ModelStatus, TrainedModel
from huitong.risk.decisioning.watching import store
from huitong.risk.decisioning.watching.drifting import judge_drift
from huitong.risk.decisioning.watching.types import DriftMeasure

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredApplications:
    """What applications were scored with: a column for each feature, NaN for unknown."""

    count: int
    columns: Mapping[str, Floats]
    first_at: datetime
    last_at: datetime


#: Returns the applications that were scored from one instant to another, None without any.
GatherApplications = Callable[
    [UnitOfWork, datetime, datetime], Awaitable[ScoredApplications | None]
]


async def watch_scorecard(
    uow: UnitOfWork, gather: GatherApplications, *, rulebook: Rulebook, now: datetime
) -> DriftMeasure | None:
    """Measure once a week how far applications are from the champion's training; write it down.

    Only applications since somebody last looked; None if they are too few, if the week is measured,
    or without a champion. Beyond `risk.model.drift` an alarm takes it out of use. Raises
    ModelDamaged.
    """
    if not await store.try_lock(uow):
        return None
    model = await find_model(uow, CREDIT_MODEL_NAME, ModelStatus.CHAMPION)
    if model is None:
        return None
    measured_at = await store.find_last_drift(uow, model.id)
    if measured_at is not None and measured_at > now - _WEEK:
        return None
    cleared_at = await find_last_cleared(uow, model.id)
    scored = await gather(uow, max(now - _WEEK, cleared_at or now - _WEEK), now)
    if scored is None or scored.count < limits.WATCHED_APPLICATIONS_MIN:
        return None
    trained = await load_model(uow, model.id)
    psi = _measure(trained, read_scorecard(trained.trees), scored)
    measure = DriftMeasure(
        model_id=model.id,
        first_at=scored.first_at,
        last_at=scored.last_at,
        decisions=scored.count,
        score_psi=psi.pop(SCORE),
        feature_psi=psi,
        measured_at=now,
    )
    await store.put_drift(uow, measure)
    await judge_drift(uow, measure, rulebook=rulebook, now=now)
    return measure


async def is_scorecard_out(uow: UnitOfWork) -> bool:
    """Say whether an alarm about the scorecard that decides is open."""
    model = await find_model(uow, CREDIT_MODEL_NAME, ModelStatus.CHAMPION)
    return model is not None and await is_model_out(uow, model.id)


def _measure(
    trained: TrainedModel, card: Scorecard, scored: ScoredApplications
) -> dict[str, float]:
    unknown = np.full(scored.count, np.nan)
    columns = {each.name: scored.columns.get(each.name, unknown) for each in card.characteristics}
    columns[SCORE] = to_probabilities(card, score_columns(card, columns))
    return measure_drift(trained.bins, columns)
