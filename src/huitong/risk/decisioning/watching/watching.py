"""The watch over models: one round of it, which any worker may make, one at a time."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import MODEL, show_id
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.model_cache import MODEL_NAMES
from huitong.risk.decisioning.models.registry import ModelDamaged, find_model
from huitong.risk.decisioning.models.types import ModelStatus, RegisteredModel
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.watching import store
from huitong.risk.decisioning.watching.drifting import watch_drift
from huitong.risk.decisioning.watching.weeks import find_due_week, watch_week

_log: Final = get_logger(__name__)
#: Workers whose clocks are a little apart must not both measure.
_HALF: Final = timedelta(seconds=limits.MODEL_WATCH_INTERVAL_SECONDS / 2)
_SCORING: Final = (ModelStatus.CHAMPION, ModelStatus.CHALLENGER, ModelStatus.SHADOW)


async def watch_models(database: Database, *, rulebook: Rulebook, now: datetime) -> bool:
    """Measure drift of the models that score, and a week that is due; say if one was."""
    is_more = False
    for purpose, name in MODEL_NAMES.items():
        for status in _SCORING:
            await database.run(
                partial(_watch_drift, purpose, name, status, rulebook=rulebook, now=now)
            )
        is_more |= await database.run(
            partial(_watch_week, purpose, name, rulebook=rulebook, now=now)
        )
    return is_more


async def _watch_drift(
    purpose: Purpose,
    name: str,
    status: ModelStatus,
    uow: UnitOfWork,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    if not await store.try_lock(uow):
        return
    model = await find_model(uow, name, status)
    if model is None or await _is_fresh(uow, model, now):
        return
    try:
        await watch_drift(uow, model, purpose, rulebook=rulebook, now=now)
    except ModelDamaged as error:
        _log.error("model_not_watched", model=show_id(MODEL, model.id), reason=error.code)


async def _is_fresh(uow: UnitOfWork, model: RegisteredModel, now: datetime) -> bool:
    measured_at = await store.find_last_drift(uow, model.id)
    return measured_at is not None and measured_at > now - _HALF


async def _watch_week(
    purpose: Purpose, name: str, uow: UnitOfWork, *, rulebook: Rulebook, now: datetime
) -> bool:
    if not await store.try_lock(uow):
        return False
    week_on = await find_due_week(uow, name, now=now)
    if week_on is None:
        return False
    await watch_week(uow, purpose, week_on, rulebook=rulebook, now=now)
    await store.note_week(uow, name, week_on, now=now)
    return True
