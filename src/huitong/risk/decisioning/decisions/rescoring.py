"""Scoring a stored decision again, with the very models that scored it then."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.scoring import read_policy
from huitong.risk.decisioning.decisions.types import Decision, Scoring
from huitong.risk.decisioning.models.registry import load_model
from huitong.risk.decisioning.models.serving import Scorer
from huitong.risk.decisioning.models.types import TrainedModel
from huitong.risk.decisioning.types import Action, Features


@dataclass(frozen=True, slots=True)
class Rescored:
    """What the models say now: the action asked for, and whether all scores are those of then."""

    action: Action
    is_same: bool


_UNSCORED: Final = Rescored(Action.ALLOW, is_same=True)


async def rescore(
    uow: UnitOfWork, decision: Decision, features: Features, rulebook: Rulebook
) -> Rescored:
    """Score the features of a decision again; scores must be equal to the last bit.

    Raises ModelDamaged if a model is not what it was.
    """
    said = decision.scoring
    if said is None:
        return _UNSCORED
    scores = {
        model_id: await _score(uow, model_id, features)
        for model_id in (said.model_id, said.challenger_id, said.shadow_id)
        if model_id is not None
    }
    is_same = all(scores[model_id] == score for model_id, score in _list_scores(said))
    if said.decider_id is None:
        return Rescored(Action.ALLOW, is_same)
    policy = read_policy(rulebook, decision.purpose, business_day(decision.decided_at))
    decider = await load_model(uow, said.decider_id)
    action = policy.ask_one(scores[said.decider_id], is_simulated=decider.is_simulated)
    return Rescored(action, is_same and action is said.action)


def _list_scores(said: Scoring) -> list[tuple[uuid.UUID, float]]:
    scores = (
        (said.model_id, said.score),
        (said.challenger_id, said.challenger_score),
        (said.shadow_id, said.shadow_score),
    )
    return [
        (model_id, score)
        for model_id, score in scores
        if model_id is not None and score is not None
    ]


async def _score(uow: UnitOfWork, model_id: uuid.UUID, features: Features) -> float:
    model = await load_model(uow, model_id)
    # Loading the trees takes a while, for which payments need not wait.
    return await asyncio.to_thread(_score_one, model, features)


def _score_one(model: TrainedModel, features: Features) -> float:
    scorer = Scorer(model.onnx, feature_names=model.feature_names, calibration=model.calibration)
    return float(scorer.score(features)[0])
