"""Drift: whether stored decisions of the last week are distributed like those of training."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.store import find_names
from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import unpack
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.alarms import AlarmCause, find_last_cleared, raise_alarm
from huitong.risk.decisioning.models.drift import measure_drift
from huitong.risk.decisioning.models.registry import load_model
from huitong.risk.decisioning.models.serving import SCORE
from huitong.risk.decisioning.models.types import ModelStatus, RegisteredModel, TrainedModel
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.watching import store
from huitong.risk.decisioning.watching.types import DriftMeasure

_FEATURES_NAMED: Final = 10


async def watch_drift(
    uow: UnitOfWork,
    model: RegisteredModel,
    purpose: Purpose,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> DriftMeasure | None:
    """Measure how far a model's decisions of the last week are from its training; write it down.

    Only decisions since somebody last looked; None if they are too few. A champion or challenger
    beyond the rulebook's thresholds is taken out of use. Raises ModelDamaged.
    """
    cleared_at = await find_last_cleared(uow, model.id)
    since = now - timedelta(hours=limits.MODEL_WATCH_HOURS)
    rows = await store.sample_decisions(
        uow, model.id, purpose, since=max(since, cleared_at or since), until=now
    )
    if len(rows) < limits.MODEL_WATCH_ROWS_MIN:
        return None
    trained = await load_model(uow, model.id)
    names = await _find_all_names(uow, rows)
    # Thousands of rows are unpacked, for which others need not wait.
    psi = await asyncio.to_thread(_measure, trained, rows, names)
    measure = DriftMeasure(
        model_id=model.id,
        first_at=min(row.decided_at for row in rows),
        last_at=max(row.decided_at for row in rows),
        decisions=len(rows),
        score_psi=psi.pop(SCORE),
        feature_psi=psi,
        measured_at=now,
    )
    await store.put_drift(uow, measure)
    if model.status is not ModelStatus.SHADOW:
        await judge_drift(uow, measure, rulebook=rulebook, now=now)
    return measure


async def judge_drift(
    uow: UnitOfWork, measure: DriftMeasure, *, rulebook: Rulebook, now: datetime
) -> None:
    """Raise an alarm about a model whose drift is beyond the rulebook's thresholds."""
    day = business_day(now)
    drifts_above = float(rulebook.decimal("risk.model.drift.feature_psi.above", day))
    drifting = [name for name, psi in measure.feature_psi.items() if psi > drifts_above]
    share = len(drifting) / len(measure.feature_psi) if measure.feature_psi else 0.0
    is_score_drifting = measure.score_psi > rulebook.decimal(
        "risk.model.drift.score_psi.above", day
    )
    if not is_score_drifting and share <= rulebook.decimal(
        "risk.model.drift.features_share.above", day
    ):
        return
    worst = sorted(drifting, key=lambda name: -measure.feature_psi[name])
    await raise_alarm(
        uow,
        model_id=measure.model_id,
        cause=AlarmCause.DRIFT,
        details={
            "score_psi": round(measure.score_psi, 4),
            "features_share": round(share, 4),
            "features": worst[:_FEATURES_NAMED],
            "decisions": measure.decisions,
        },
        now=now,
    )


async def _find_all_names(
    uow: UnitOfWork, rows: Sequence[Row[Any]]
) -> dict[uuid.UUID, FeatureNames]:
    found = {}
    for names_id in {row.names_id for row in rows}:
        names = await find_names(uow, names_id)
        assert names is not None, "names are written before what refers to them, and stay"
        found[names_id] = names
    return found


def _measure(
    trained: TrainedModel, rows: Sequence[Row[Any]], names: Mapping[uuid.UUID, FeatureNames]
) -> dict[str, float]:
    wanted = [name for name in trained.bins if name != SCORE]
    places = {
        names_id: [each.names.index(name) for name in wanted] for names_id, each in names.items()
    }
    values = [unpack(row.feature_values, names[row.names_id]) for row in rows]
    # None becomes NaN, which bins count as unknown.
    matrix: Floats = np.array(
        [
            [each[place] for place in places[row.names_id]]
            for row, each in zip(rows, values, strict=True)
        ],
        np.float64,
    )
    columns = {name: matrix[:, index] for index, name in enumerate(wanted)}
    columns[SCORE] = np.array([row.score for row in rows])
    return measure_drift(trained.bins, columns)
