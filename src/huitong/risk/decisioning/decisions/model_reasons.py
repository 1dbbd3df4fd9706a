"""Why a model asked for an action, in plain words, from the stored features."""

import asyncio
from typing import Final

import numpy as np

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.logs import get_logger
from huitong.risk.decisioning.decisions.telling import SCORE_HIGH
from huitong.risk.decisioning.decisions.types import Decision, Reason, Value
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.registry import ModelDamaged, load_model
from huitong.risk.decisioning.models.types import TrainedModel
from huitong.risk.decisioning.types import Action

_log: Final = get_logger(__name__)


def is_asked_by_model(decision: Decision) -> bool:
    """Say whether the model asked for what was decided, or for more and a list let it through."""
    said = decision.scoring
    if said is None or said.action is None or said.action is Action.ALLOW:
        return False
    return said.action >= decision.action


async def explain_score(
    uow: UnitOfWork, decision: Decision, values: dict[str, Value]
) -> list[Reason]:
    """Return why the score that counted is high; `values` are the decision's features by name.

    Where the model was damaged since, or LightGBM cannot be loaded, that it was the model is all.
    """
    said = decision.scoring
    assert said is not None, "only for what a model asked for"
    assert said.decider_id is not None, "an action has a score"
    try:
        model = await load_model(uow, said.decider_id)
    except ModelDamaged:
        return [SCORE_HIGH]
    # It takes milliseconds, and seconds the first time: payments need not wait for that.
    return await asyncio.to_thread(_explain, model, values)


def _explain(model: TrainedModel, values: dict[str, Value]) -> list[Reason]:
    try:
        # LightGBM takes seconds to load, and most processes never need it.
        from huitong.risk.decisioning.models.reasons import explain  # noqa: PLC0415
    except (ImportError, OSError) as error:
        # It wants a library of the system, which serving does without.
        _log.warning("score_not_explained", reason=type(error).__name__)
        return [SCORE_HIGH]
    return [
        Reason(code=each.code, zh=each.text.zh, en=each.text.en)
        for each in explain(model, _to_matrix(model, values))[0]
    ]


def _to_matrix(model: TrainedModel, values: dict[str, Value]) -> Floats:
    row = [values[name] for name in model.feature_names]
    return np.array([[np.nan if each is None else float(each) for each in row]])
