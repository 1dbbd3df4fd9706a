"""The model that is shipped: what it is worth, and how a new installation comes to it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import lightgbm
import numpy as np
import pytest

import huitong.risk.fraud.start_model
from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.models.registry import (
    find_model,
    list_models,
    load_model,
    register_model,
)
from huitong.risk.decisioning.models.serving import Scorer
from huitong.risk.decisioning.models.types import ModelStatus
from huitong.risk.decisioning.types import FeatureType
from huitong.risk.fraud.shipping import (
    install_start_model,
    read_model,
    read_start_model,
    write_model,
)
from huitong.risk.fraud.simulated_data import compute_rows
from huitong.risk.fraud.simulator.history import simulate
from huitong.risk.fraud.training import FRAUD_MODEL_NAME, measure_scores
from huitong.wiring.preparation import prepare

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
FOLDER = Path(huitong.risk.fraud.start_model.__file__).parent


def test_it_is_small_and_takes_features_that_the_path_has() -> None:
    model = read_start_model()
    assert model.name == FRAUD_MODEL_NAME
    assert sum(each.stat().st_size for each in FOLDER.iterdir() if each.is_file()) < 1_000_000
    assert PAYMENT_FEATURES.keys() - set(model.feature_names) == {"kind"}
    assert len(set(model.feature_names)) == len(model.feature_names)
    assert all(PAYMENT_FEATURES[each] is not FeatureType.TEXT for each in model.feature_names)
    assert set(model.bins) == {*model.feature_names, "score"}


def test_it_scores_payments_of_another_town_as_its_card_says() -> None:
    model = read_start_model()
    history = simulate(seed=77, customers=1_500, days=90)
    matrix, kinds = compute_rows(history, rulebook=Rulebook.load())
    scorer = Scorer(model.onnx, feature_names=model.feature_names, calibration=model.calibration)
    scores = scorer.score_matrix(matrix)
    booster = lightgbm.Booster(model_str=model.trees)
    some = slice(0, 20_000)
    log_odds = booster.predict(matrix[some], raw_score=True, num_threads=1)
    slope, offset = model.calibration.slope, model.calibration.offset
    expected = 1.0 / (1.0 + np.exp(-(slope * log_odds + offset)))
    np.testing.assert_allclose(scores[some], expected, rtol=1e-12)

    fresh = measure_scores(scores, (kinds != "").astype(np.float64), kinds)
    card = model.metrics
    assert fresh["auc_roc"] == pytest.approx(card["auc_roc"], abs=0.01)
    assert fresh["average_precision"] == pytest.approx(card["average_precision"], abs=0.08)
    for here, there in zip(fresh["by_score"], card["by_score"], strict=True):
        assert here["fraud_share"] == pytest.approx(there["fraud_share"], abs=0.12)
        assert here["honest_share"] == pytest.approx(there["honest_share"], abs=0.003)
    assert set(fresh["by_kind"]) == set(card["by_kind"])


def test_its_card_says_what_its_metrics_are_and_how_it_was_made() -> None:
    model = read_start_model()
    assert f"AUC-ROC {model.metrics['auc_roc']:.4f}" in model.card
    assert f"average precision {model.metrics['average_precision']:.4f}" in model.card
    assert "Made by `huitong risk train --from simulator --seed" in model.card
    assert "Nothing of its data happened" in model.card
    for kind, measured in model.metrics["by_kind"].items():
        assert f"| {kind} | {measured['payments']} |" in model.card


@pytest.fixture
def prepared(owner_url: str, tmp_path: Path) -> Settings:
    """An installation that was prepared as `huitong migrate` does."""
    environment = {"HUITONG_HOME": str(tmp_path), "HUITONG_DATABASE_URL": owner_url}
    installation = Settings.from_environment(environment)
    prepare(installation)
    return installation


def test_a_new_installation_has_it_as_its_champion(prepared: Settings) -> None:
    async def look() -> None:
        async with Database(prepared.database_owner_url, size=1) as database:
            champion = await database.run(lambda uow: find_model(uow, FRAUD_MODEL_NAME))
            assert champion is not None
            assert (champion.version, champion.registered_by) == (1, "system")
            loaded = await database.run(lambda uow: load_model(uow, champion.id))
            assert loaded == read_start_model()
            records = await database.run(
                lambda uow: audit.list_records(uow, subject=f"{FRAUD_MODEL_NAME}/1", limit=10)
            )
            done = [each.action for each in records]
            assert done == ["risk.install_first_model", "risk.register_model"]

    asyncio.run(look())


def test_preparing_again_changes_nothing_whatever_became_of_it(prepared: Settings) -> None:
    async def change() -> None:
        async with Database(prepared.database_owner_url, size=1) as database:
            champion = await database.run(lambda uow: find_model(uow, FRAUD_MODEL_NAME))
            assert champion is not None
            await database.run(
                lambda uow: uow.execute(
                    "UPDATE risk.models SET status = 'retired' WHERE id = :id", id=champion.id
                )
            )

    async def list_all() -> list[tuple[int, ModelStatus]]:
        async with Database(prepared.database_owner_url, size=1) as database:
            models = await database.run(lambda uow: list_models(uow, FRAUD_MODEL_NAME))
            return [(each.version, each.status) for each in models]

    prepare(prepared)
    assert asyncio.run(list_all()) == [(1, ModelStatus.CHAMPION)]
    asyncio.run(change())
    prepare(prepared)
    assert asyncio.run(list_all()) == [(1, ModelStatus.RETIRED)]


async def test_two_preparations_at_once_install_one(database: Database) -> None:
    installed = await asyncio.gather(
        *(database.run(lambda uow: install_start_model(uow, now=NOW)) for _ in range(4))
    )
    assert sorted(each is None for each in installed) == [False, True, True, True]
    models = await database.run(lambda uow: list_models(uow, FRAUD_MODEL_NAME))
    assert [(each.version, each.status) for each in models] == [(1, ModelStatus.CHAMPION)]


async def test_a_bank_that_has_a_model_keeps_it(database: Database) -> None:
    own = await database.run(lambda uow: register_model(uow, model=read_start_model(), now=NOW))
    assert await database.run(lambda uow: install_start_model(uow, now=NOW)) is None
    models = await database.run(lambda uow: list_models(uow, FRAUD_MODEL_NAME))
    assert [(each.id, each.status) for each in models] == [(own.id, ModelStatus.SHADOW)]


def test_a_model_comes_back_from_its_files_as_it_was(tmp_path: Path) -> None:
    model = read_start_model()
    write_model(model, tmp_path / "one")
    write_model(model, tmp_path / "two")
    assert read_model(tmp_path / "one") == model
    for each in (tmp_path / "one").iterdir():
        assert each.read_bytes() == (tmp_path / "two" / each.name).read_bytes()
