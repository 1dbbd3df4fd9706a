"""Models are kept as they were trained, and exactly one of a name decides."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import numpy as np
import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.decisioning.models.conftest import change_rulebook
from tests.risk.decisioning.rules.conftest import Desk

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.export import export_trees
from huitong.risk.decisioning.models.registry import (
    ModelDamaged,
    ModelNotFound,
    ModelStatusConflict,
    ModelUntried,
    check_model_status,
    find_model,
    install_first_model,
    list_models,
    load_model,
    register_model,
    set_model_status,
)
from huitong.risk.decisioning.models.serving import Scorer
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.decisioning.models.types import (
    Bins,
    Calibration,
    ModelStatus,
    RegisteredModel,
    TrainedModel,
)

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
TRAINER = Caller(actor="staff:trainer")
#: Most of these tests are not about how much a model has scored.
UNTRIED_ALLOWED = change_rulebook({"risk.model.shadow_decisions.min": 0})


def make_model(name: str = "payment_fraud") -> TrainedModel:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(1_000, 2))
    booster = train_trees(
        matrix, (matrix[:, 0] > 1).astype(np.float64), names=("a", "b"), seed=0, rounds=20
    )
    return TrainedModel(
        name=name,
        feature_names=("a", "b"),
        onnx=export_trees(booster),
        trees=booster.model_to_string(),
        calibration=Calibration(slope=0.1 + 0.2, offset=-1 / 3),
        bins={"a": Bins((0.1, 1e-17), (0.25, 0.5, 0.25, 0.0))},
        metrics={"auc_roc": 0.9},
        card="# A card",
    )


async def register(database: Database, model: TrainedModel | None = None) -> RegisteredModel:
    return await database.run(
        lambda uow: register_model(uow, model=model or make_model(), now=NOW), TRAINER
    )


async def set_status(
    database: Database,
    model: RegisteredModel,
    status: ModelStatus,
    *,
    rulebook: Rulebook = UNTRIED_ALLOWED,
) -> RegisteredModel:
    approval_id = await Desk(database, now=NOW).approve("risk.set_model_status")
    return await database.run(
        lambda uow: set_model_status(
            uow,
            model_id=model.id,
            status=status,
            approval_id=approval_id,
            rulebook=rulebook,
            now=NOW,
        ),
        TRAINER,
    )


async def list_statuses(database: Database) -> list[tuple[int, ModelStatus]]:
    found = await database.run(lambda uow: list_models(uow, "payment_fraud"))
    return [(each.version, each.status) for each in found]


async def test_a_model_comes_back_as_it_was_trained_and_scores_the_same(
    database: Database,
) -> None:
    model = make_model()
    registered = await register(database, model)
    assert (registered.version, registered.status) == (1, ModelStatus.SHADOW)
    assert (registered.registered_by, registered.registered_at) == (TRAINER.actor, NOW)
    loaded = await database.run(lambda uow: load_model(uow, registered.id))
    assert loaded == model
    rows = np.random.default_rng(2).normal(size=(100, 2))
    one, other = (
        Scorer(
            each.onnx, feature_names=each.feature_names, calibration=each.calibration
        ).score_matrix(rows)
        for each in (model, loaded)
    )
    np.testing.assert_array_equal(one, other)


async def test_a_new_champion_sends_the_old_one_back_to_the_shadow(database: Database) -> None:
    first, second = await register(database), await register(database)
    assert (first.version, second.version) == (1, 2)
    await set_status(database, first, ModelStatus.CHAMPION)
    await set_status(database, second, ModelStatus.CHALLENGER)
    promoted = await set_status(database, second, ModelStatus.CHAMPION)
    assert promoted.status is ModelStatus.CHAMPION
    assert await list_statuses(database) == [(2, ModelStatus.CHAMPION), (1, ModelStatus.SHADOW)]
    champion = await database.run(lambda uow: find_model(uow, "payment_fraud"))
    assert champion == promoted
    records = await database.run(
        lambda uow: audit.list_records(uow, subject="payment_fraud/2", limit=10)
    )
    assert [(each.action, each.actor) for each in records] == [
        ("risk.set_model_status", TRAINER.actor),
        ("risk.set_model_status", TRAINER.actor),
        ("risk.register_model", TRAINER.actor),
    ]
    assert (records[0].details["from"], records[0].details["to"]) == ("challenger", "champion")
    assert records[0].details["approval"].startswith("apr_")


async def test_names_have_versions_and_champions_of_their_own(database: Database) -> None:
    payments, logins = await register(database), await register(database, make_model("log_ins"))
    assert (payments.version, logins.version) == (1, 1)
    for each in (payments, logins):
        await set_status(database, each, ModelStatus.CHAMPION)
    for name, model in (("payment_fraud", payments), ("log_ins", logins)):
        found = await database.run(lambda uow, name=name: find_model(uow, name))
        assert found is not None
        assert found.id == model.id
    assert await database.run(lambda uow: find_model(uow, "nothing")) is None


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        ([], ModelStatus.SHADOW),
        ([ModelStatus.CHAMPION], ModelStatus.CHALLENGER),
        ([ModelStatus.CHAMPION], ModelStatus.CHAMPION),
        ([ModelStatus.RETIRED], ModelStatus.SHADOW),
        ([ModelStatus.RETIRED], ModelStatus.CHAMPION),
    ],
)
async def test_a_step_that_is_not_there_is_refused_and_changes_nothing(
    database: Database, way: list[ModelStatus], refused: ModelStatus
) -> None:
    model = await register(database)
    for status in way:
        await set_status(database, model, status)
    before = await list_statuses(database)
    with pytest.raises(ModelStatusConflict) as refusal:
        await set_status(database, model, refused)
    assert refusal.value.field == "status"
    assert await list_statuses(database) == before


async def test_an_unknown_model_is_refused(database: Database) -> None:
    nobody = uuid.UUID(int=7)
    with pytest.raises(ModelNotFound):
        await database.run(
            lambda uow: check_model_status(
                uow,
                model_id=nobody,
                status=ModelStatus.CHAMPION,
                rulebook=UNTRIED_ALLOWED,
                now=NOW,
            )
        )
    with pytest.raises(ModelNotFound):
        await database.run(lambda uow: load_model(uow, nobody))


async def test_many_trainers_at_once_get_versions_of_their_own(database: Database) -> None:
    model = make_model()
    found = await asyncio.gather(*(register(database, model) for _ in range(8)))
    assert sorted(each.version for each in found) == list(range(1, 9))


async def test_of_many_promotions_at_once_one_champion_is_left(database: Database) -> None:
    models = [await register(database) for _ in range(6)]
    await asyncio.gather(*(set_status(database, each, ModelStatus.CHAMPION) for each in models))
    statuses = [status for _, status in await list_statuses(database)]
    assert statuses.count(ModelStatus.CHAMPION) == 1
    assert statuses.count(ModelStatus.SHADOW) == 5


async def test_nothing_of_a_registered_model_can_be_changed(database: Database) -> None:
    model = await register(database)
    for statement in (
        "UPDATE risk.models SET onnx = 'x'",
        "UPDATE risk.models SET card = 'x'",
        "DELETE FROM risk.models",
    ):
        with pytest.raises(DBAPIError):
            await database.run(lambda uow, statement=statement: uow.execute(statement))
    assert await database.run(lambda uow: load_model(uow, model.id)) == make_model()


@pytest.mark.parametrize(
    "damage",
    [
        "onnx = onnx || '\\x00'",
        "trees = trees || ' '",
        "settings = jsonb_set(settings, '{calibration,slope}', '2.0')",
    ],
)
async def test_a_model_that_was_changed_behind_our_back_is_not_served(
    database: Database, owner_url: str, damage: str
) -> None:
    model = await register(database)
    owner = await asyncpg.connect(owner_url)
    await owner.execute(f"UPDATE risk.models SET {damage}")
    await owner.close()
    with pytest.raises(ModelDamaged):
        await database.run(lambda uow: load_model(uow, model.id))


async def test_a_model_that_is_too_large_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MODEL_CARD_LENGTH_MAX", 5)
    with pytest.raises(LimitExceeded) as refusal:
        await register(database, replace(make_model(), card="123456"))
    assert refusal.value.field == "card"
    assert await list_statuses(database) == []


async def test_the_first_model_of_an_installation_is_its_champion_and_only_the_first(
    database: Database,
) -> None:
    first = await database.run(lambda uow: install_first_model(uow, model=make_model(), now=NOW))
    assert (first.status, first.champion_from) == (ModelStatus.CHAMPION, NOW)
    with pytest.raises(ModelStatusConflict) as refusal:
        await database.run(lambda uow: install_first_model(uow, model=make_model(), now=NOW))
    assert refusal.value.field == "name"
    assert await list_statuses(database) == [(1, ModelStatus.CHAMPION)]


async def test_of_many_installations_at_once_one_is_left(database: Database) -> None:
    tried = await asyncio.gather(
        *(
            database.run(lambda uow: install_first_model(uow, model=make_model(), now=NOW))
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, ModelStatusConflict) for each in tried) == 4
    assert await list_statuses(database) == [(1, ModelStatus.CHAMPION)]


async def score_beside(database: Database, model: RegisteredModel, count: int) -> None:
    """Write down decisions that a model scored in the shadow."""
    await database.run(
        lambda uow: uow.execute(
            """
            INSERT INTO risk.feature_names (id, names, types) VALUES (:names, '{a}', '{number}')
            ON CONFLICT DO NOTHING
            """,
            names=uuid.UUID(int=1),
        )
    )
    await database.run(
        lambda uow: uow.execute(
            """
            INSERT INTO risk.decisions (id, purpose, action, decided_at, listed, hits, failed,
                shadow_hits, names_id, feature_values, took_us, shadow_model_id, shadow_score)
            SELECT gen_random_uuid(), 'payment', 0, :now, '{}', '{}', '{}', '{}', :names, '\x90', 1,
                   :model, 0.5 FROM generate_series(1, :count)
            """,
            now=NOW,
            names=uuid.UUID(int=1),
            model=model.id,
            count=count,
        )
    )


async def test_a_later_champion_has_scored_enough_beside_the_first(database: Database) -> None:
    rulebook = change_rulebook({"risk.model.shadow_decisions.min": 50})
    await database.run(lambda uow: install_first_model(uow, model=make_model(), now=NOW))
    later = await register(database)
    await score_beside(database, later, 49)
    with pytest.raises(ModelUntried, match="scored 49 decisions beside others; 50 are needed"):
        await set_status(database, later, ModelStatus.CHAMPION, rulebook=rulebook)
    await set_status(database, later, ModelStatus.CHALLENGER, rulebook=rulebook)
    await score_beside(database, later, 1)
    promoted = await set_status(database, later, ModelStatus.CHAMPION, rulebook=rulebook)
    assert promoted.status is ModelStatus.CHAMPION
    assert await list_statuses(database) == [(2, ModelStatus.CHAMPION), (1, ModelStatus.SHADOW)]


async def test_the_first_champion_needs_no_trial_and_comes_back_at_once(
    database: Database,
) -> None:
    rulebook = change_rulebook({"risk.model.shadow_decisions.min": 1})
    first, second = await register(database), await register(database)
    await set_status(database, first, ModelStatus.CHAMPION, rulebook=rulebook)
    await score_beside(database, second, 1)
    await set_status(database, second, ModelStatus.CHAMPION, rulebook=rulebook)
    await set_status(database, first, ModelStatus.CHAMPION, rulebook=rulebook)
    assert await list_statuses(database) == [(2, ModelStatus.SHADOW), (1, ModelStatus.CHAMPION)]


async def test_nothing_decides_that_nobody_approved(database: Database) -> None:
    await register(database)
    for status in ("champion", "challenger"):
        with pytest.raises(DBAPIError, match="models_deciding_was_approved"):
            await database.run(
                lambda uow, status=status: uow.execute(
                    "UPDATE risk.models SET status = :status, champion_from = :now",
                    status=status,
                    now=NOW,
                )
            )
