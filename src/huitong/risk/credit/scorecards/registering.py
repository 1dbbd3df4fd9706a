"""Scorecards and their challengers in the registry of models: versions, two people, champion.

A scorecard is registered with its JSON as what explains it and an ONNX of its points as what serves
it, so that it is compared, watched and replaced as every model is.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.risk.credit.scorecards.scoring import FeatureColumn, to_probabilities
from huitong.risk.credit.scorecards.types import Scorecard, read_scorecard, write_scorecard
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.drift import make_bins, measure_psi
from huitong.risk.decisioning.models.registry import find_model, load_model
from huitong.risk.decisioning.models.serving import SCORE
from huitong.risk.decisioning.models.types import (
    SIMULATED,
    Calibration,
    ModelStatus,
    TrainedModel,
)

CREDIT_MODEL_NAME: Final = "credit_scorecard"


class ScorecardNotLive(NotFound):
    """No scorecard decides."""

    code = "scorecard_not_live"
    title = "No scorecard is in force"


def make_model(
    card: Scorecard,
    columns: Mapping[str, FeatureColumn],
    points: FeatureColumn,
    *,
    metrics: Mapping[str, Any],
    text: str,
) -> TrainedModel:
    """Return a scorecard as the registry takes it, with the bins that drift is measured against.

    `columns` and `points` are of rows that the scorecard was not fitted to; `text` is the model
    card. Raises ValueError for characteristics of texts or special values, which ONNX has not.
    """
    # The ONNX library takes a second to import.
    from huitong.risk.decisioning.models.export import Steps, export_steps  # noqa: PLC0415

    if any(each.categories or each.special for each in card.characteristics):
        raise ValueError("only characteristics of plain numbers can be registered")
    scaling, count = card.scaling, len(card.characteristics)

    def weigh(points: int) -> float:
        return (scaling.offset / count - points) / scaling.factor

    bins = {each.name: make_bins(columns[each.name]) for each in card.characteristics}
    bins[SCORE] = make_bins(to_probabilities(card, points))
    return TrainedModel(
        name=CREDIT_MODEL_NAME,
        feature_names=card.feature_names,
        onnx=export_steps(
            [
                Steps(
                    each.edges,
                    [weigh(one.points) for one in each.bins],
                    weigh(each.unknown.points),
                )
                for each in card.characteristics
            ]
        ),
        trees=write_scorecard(card),
        calibration=Calibration(card.calibration.slope, card.calibration.offset),
        bins=bins,
        metrics={**metrics, SIMULATED: card.is_simulated},
        card=text,
    )


async def load_scorecard(uow: UnitOfWork, status: ModelStatus = ModelStatus.CHAMPION) -> Scorecard:
    """Return the scorecard that decides, or the challenger beside it.

    Raises ScorecardNotLive if there is none, ModelDamaged if it is not what was registered.
    """
    found = await find_model(uow, CREDIT_MODEL_NAME, status)
    if found is None:
        raise ScorecardNotLive(f"No {CREDIT_MODEL_NAME} is {status}", field="scorecard")
    return read_scorecard((await load_model(uow, found.id)).trees)


def measure_stability(card: Scorecard, points: Floats) -> float:
    """Return the population stability index of points against those of training.

    Below 0.1 is stable, from 0.25 on the scorecard wants another look (Siddiqi, 2006).
    """
    return measure_psi(card.score_bins, np.asarray(points, np.float64))
