"""Scorecards live in the registry: two people, one champion, and fair or not at all."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.scorecards.challenger import train_challenger
from huitong.risk.credit.scorecards.types import Scorecard
from huitong.risk.credit.starting.applicants import Applicants
from huitong.risk.decisioning.models.fairness import ModelUnfair
from huitong.risk.decisioning.models.registry import (
    check_model_status,
    get_model,
    register_model,
    set_model_status,
)
from huitong.risk.decisioning.models.types import ModelStatus, TrainedModel

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
TRAINER = Caller(actor="staff:trainer")
CHINA = Rulebook.load()


async def register(database: Database, model: TrainedModel) -> risk.RegisteredModel:
    return await database.run(lambda uow: register_model(uow, model=model, now=NOW), TRAINER)


async def check(database: Database, model: risk.RegisteredModel, status: ModelStatus) -> None:
    await database.run(
        lambda uow: check_model_status(
            uow, model_id=model.id, status=status, rulebook=CHINA, now=NOW
        )
    )


async def test_the_champion_is_what_scores(
    database: Database, model: TrainedModel, card: Scorecard
) -> None:
    with pytest.raises(risk.ScorecardNotLive):
        await database.run(risk.load_scorecard)
    registered = await register(database, model)
    approval_id = await Desk(database).approve("risk.set_model_status")
    await database.run(
        lambda uow: set_model_status(
            uow, model_id=registered.id, status=ModelStatus.CHAMPION, approval_id=approval_id,
            rulebook=CHINA, now=NOW,
        )
    )  # fmt: skip
    assert await database.run(risk.load_scorecard) == card


def change_fairness(model: TrainedModel, **change: Any) -> TrainedModel:
    metrics = copy.deepcopy(dict(model.metrics))
    metrics["fairness"]["region"].update(change)
    return replace(model, metrics=metrics)


@pytest.mark.parametrize("status", [ModelStatus.CHALLENGER, ModelStatus.CHAMPION])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parity_ratio": 0.79}, "below 0.80"),
        ({"parity_ratio": 0.0}, "below 0.80"),
        ({"equal_opportunity_difference": 0.11}, "above 0.10"),
    ],
)
async def test_a_version_that_breaks_a_bound_does_not_decide(
    database: Database, model: TrainedModel, status: ModelStatus, change: Any, words: str
) -> None:
    registered = await register(database, change_fairness(model, **change))
    with pytest.raises(ModelUnfair, match=words):
        await check(database, registered, status)
    stands = await database.run(lambda uow: get_model(uow, registered.id))
    assert stands.status is ModelStatus.SHADOW


async def test_on_the_bound_is_fair(database: Database, model: TrainedModel) -> None:
    just = change_fairness(model, parity_ratio=0.8, equal_opportunity_difference=0.1)
    await check(database, await register(database, just), ModelStatus.CHALLENGER)


async def test_what_nobody_measured_does_not_decide(
    database: Database, model: TrainedModel
) -> None:
    registered = await register(database, replace(model, metrics={"auc_roc": 0.9}))
    with pytest.raises(ModelUnfair, match="not measured"):
        await check(database, registered, ModelStatus.CHAMPION)


def test_the_challenger_looks_at_no_protected_attribute(applicants: Applicants) -> None:
    def train(columns: Any) -> TrainedModel:
        return train_challenger(
            columns,
            applicants.labels,
            calibrate_on=(columns, applicants.labels),
            metrics={},
            text="",
            seed=0,
        )

    trained = train(applicants.columns)
    assert trained.feature_names == tuple(applicants.columns)
    assert trained.name == "credit_trees"
    with pytest.raises(risk.ProtectedAttribute):
        train({**applicants.columns, "age": applicants.columns["lenders"]})
