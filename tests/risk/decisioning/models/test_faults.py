"""A model that is missing, damaged, slow, drifting or broken: rules decide alone, and say so."""

import asyncio
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from tests.conftest import Server
from tests.risk.decisioning.models.conftest import LARGE, NAMES, Clock, Models

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DatabaseUnavailable
from huitong.kernel.metrics import MODEL_FALLBACKS
from huitong.risk import Action, FallbackReason

HUGE = 2 * LARGE - LARGE // 5


def make_onnx(*nodes: onnx.NodeProto, constant: np.ndarray) -> bytes:
    """Return a graph from `features` to `log_odds` that loads, whatever it does when it runs."""
    graph = helper.make_graph(
        list(nodes),
        "broken",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, len(NAMES)])],
        [helper.make_tensor_value_info("log_odds", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(constant, "constant")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


#: Fails on every batch: seven values do not make three rows.
RAISES = make_onnx(
    helper.make_node("Reshape", ["constant", "shape"], ["log_odds"]),
    helper.make_node("Shape", ["features"], ["shape"]),
    constant=np.zeros(7),
)
#: Answers, with what is no probability.
NOT_A_NUMBER = make_onnx(
    helper.make_node("ReduceSum", ["features"], ["sum"], keepdims=1),
    helper.make_node("Mul", ["sum", "constant"], ["log_odds"]),
    constant=np.full((1, 1), np.nan),
)


def count(reason: FallbackReason) -> float:
    return MODEL_FALLBACKS.labels("payment", reason.value)._value.get()


async def expect_rules_alone(models: Models, reason: FallbackReason) -> risk.Decision:
    """Decide once: the rules' `review` holds, the record and the metric say why."""
    before = count(reason)
    (decided,) = await models.decide_amounts(HUGE)
    assert (decided.action, decided.hits) == (Action.REVIEW, ("large",))
    stored = await models.stored(decided)
    assert stored.scoring is not None
    assert (stored.scoring.score, stored.scoring.action) == (None, None)
    assert stored.scoring.fallback is reason
    assert stored.fallback is None
    assert count(reason) == before + 1
    assert (await models.replay(stored)).is_same
    return stored


@pytest.fixture(autouse=True)
async def rules(models: Models) -> None:
    await models.desk.make_live(f"amount > {LARGE}", action="review")
    await models.learn()


@pytest.mark.parametrize(
    "damage",
    [
        "onnx = onnx || '\\x00'",
        "trees = trees || ' '",
        "settings = jsonb_set(settings, '{calibration,slope}', '2.0')",
        "settings = '{}'",
    ],
)
async def test_a_model_that_was_damaged_in_the_store_does_not_score(
    models: Models,
    trained: risk.TrainedModel,
    damage: str,
) -> None:
    await models.install(trained)
    await models.as_owner(f"UPDATE risk.models SET {damage}")
    with capture_logs() as logs:
        await models.learn()
        await expect_rules_alone(models, FallbackReason.MISSING)
        await expect_rules_alone(models, FallbackReason.MISSING)
    # The second batch is counted, and not said again.
    assert [each["event"] for each in logs if each["log_level"] == "error"] == [
        "model_not_served",
        "model_does_not_score",
    ]


async def test_what_was_loaded_before_the_damage_goes_on(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    await models.learn()
    await models.as_owner("UPDATE risk.models SET onnx = onnx || '\\x00'")
    await models.learn()
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.BLOCK
    # Nobody can show that it would come out again: what is stored is another model.
    with pytest.raises(risk.ModelDamaged):
        await models.replay(decided)
    reasons = await models.run(lambda uow: risk.explain_decision(uow, decided))
    assert [each.code for each in reasons] == ["large", "score_high"]
    models.restart()
    await models.learn()
    await expect_rules_alone(models, FallbackReason.MISSING)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"onnx": b"no graph"}, FallbackReason.MISSING),
        ({"onnx": RAISES}, FallbackReason.FAILED),
        ({"onnx": NOT_A_NUMBER}, FallbackReason.FAILED),
        ({"feature_names": (*NAMES[:-1], "made_up")}, FallbackReason.MISSING),
        ({"feature_names": (*NAMES[:-1], "kind")}, FallbackReason.MISSING),
        ({"feature_names": NAMES[:-1]}, FallbackReason.MISSING),
    ],
)
async def test_a_champion_that_cannot_score_never_lets_a_batch_fail(
    models: Models,
    trained: risk.TrainedModel,
    change: dict[str, object],
    reason: FallbackReason,
) -> None:
    await models.install(replace(trained, **change))  # type: ignore[arg-type]
    await models.learn()
    await expect_rules_alone(models, reason)


async def test_a_broken_challenger_leaves_its_share_to_the_champion(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    broken = await models.register(replace(trained, onnx=RAISES))
    await models.set_status(broken, risk.ModelStatus.CHALLENGER)
    await models.register(replace(trained, onnx=NOT_A_NUMBER))
    await models.learn()
    for decided in await models.decide([models.make(HUGE) for _ in range(200)]):
        assert decided.action is Action.BLOCK
        assert decided.scoring is not None
        assert (decided.scoring.challenger_id, decided.scoring.shadow_id) == (None, None)
        assert not decided.scoring.is_challenged


async def test_a_broken_champion_leaves_the_challengers_share_to_the_challenger(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(replace(trained, onnx=RAISES))
    challenger = await models.register(trained)
    await models.set_status(challenger, risk.ModelStatus.CHALLENGER)
    await models.learn()
    decided = await models.decide([models.make(HUGE) for _ in range(400)])
    actions = {each.scoring.is_challenged: each.action for each in decided if each.scoring}
    assert actions == {True: Action.BLOCK, False: Action.REVIEW}
    for each in decided[:40]:
        assert each.scoring is not None
        assert each.scoring.fallback is FallbackReason.FAILED
        assert (await models.replay(await models.stored(each))).is_same


async def test_before_models_were_read_rules_decide_alone(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    models.restart()
    await models.decider.rules.learn_news()  # type: ignore[attr-defined]
    await expect_rules_alone(models, FallbackReason.MISSING)


async def test_a_slow_model_rests_and_comes_back(
    models: Models, trained: risk.TrainedModel
) -> None:
    models.clock = Clock(step=limits.MODEL_BUDGET_SECONDS * 1.5)
    models.restart()
    await models.install(trained)
    await models.learn()
    for _ in range(limits.MODEL_SLOW_BATCHES_MAX):
        (decided,) = await models.decide_amounts(HUGE)
        assert decided.action is Action.BLOCK
    models.clock.step = 0.0
    await expect_rules_alone(models, FallbackReason.SLOW)
    models.clock.at += limits.MODEL_REST_SECONDS
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.BLOCK


async def let_it_drift(models: Models) -> None:
    """Decide as many payments as a process watches, all of them as in no training."""
    size = 1_000
    for _ in range(limits.MODEL_DRIFT_ROWS // size):
        await models.decide([models.make(HUGE) for _ in range(size)])


async def test_a_model_that_drifts_stays_out_everywhere_until_two_people_looked(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await models.learn()
    other = Models(models.database, models.desk, models.owner_url)
    await other.learn()
    await let_it_drift(models)
    await expect_rules_alone(models, FallbackReason.DRIFTING)
    with capture_logs() as logs:
        await models.learn()
        await models.learn()
    assert [each["event"] for each in logs] == ["model_out_of_use"]
    (alarm,) = await models.run(lambda uow: risk.list_alarms(uow, model.id))
    assert (alarm.cause, alarm.cleared_at) == (risk.AlarmCause.DRIFT, None)
    assert alarm.details["score_psi"] > 0.25
    (decided,) = await other.decide_amounts(HUGE)
    assert decided.action is Action.BLOCK
    await other.learn()
    await expect_rules_alone(other, FallbackReason.DRIFTING)
    models.restart()
    await models.learn()
    await expect_rules_alone(models, FallbackReason.DRIFTING)

    await models.reuse(model)
    for process in (models, other):
        await process.learn()
        (decided,) = await process.decide_amounts(HUGE)
        assert decided.action is Action.BLOCK
    with pytest.raises(risk.ModelNotOut):
        await models.reuse(model)
    (alarm,) = await models.run(lambda uow: risk.list_alarms(uow, model.id))
    assert alarm.cleared_at is not None


async def test_of_many_who_let_it_be_used_again_one_does(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await models.as_owner(
        "INSERT INTO risk.model_alarms (id, model_id, cause, details, raised_at) SELECT "
        "gen_random_uuid(), id, 'decay', '{}', registered_at FROM risk.models"
    )
    done = await asyncio.gather(*(models.reuse(model) for _ in range(4)), return_exceptions=True)
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, risk.ModelNotOut) for each in done) == 3
    with pytest.raises(DBAPIError):
        await models.run(
            lambda uow: uow.execute(
                "UPDATE risk.model_alarms SET cleared_at = NULL, approval_id = NULL"
            )
        )


async def test_while_the_database_is_away_the_models_at_hand_go_on(
    models: Models, trained: risk.TrainedModel, server: Server
) -> None:
    await models.install(trained)
    await models.learn()
    before = models.cache.find(risk.Purpose.PAYMENT)
    assert before.champion is not None
    name = models.owner_url.rsplit("/", 1)[1]
    await asyncio.to_thread(server.run, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await asyncio.to_thread(
        server.run,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        with pytest.raises((DatabaseUnavailable, DBAPIError)):
            await models.cache.learn_news()
        assert models.cache.find(risk.Purpose.PAYMENT) is before
    finally:
        await asyncio.to_thread(server.run, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    newer = await models.register(trained)
    await models.learn()
    after = models.cache.find(risk.Purpose.PAYMENT)
    assert after.champion is not None
    assert after.champion.guard is before.champion.guard
    assert after.shadow is not None
    assert after.shadow.id == newer.id


async def test_the_watcher_hears_of_new_models_by_itself(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.cache.start()
    try:
        model = await models.install(trained)
        for _ in range(100):
            found = models.cache.find(risk.Purpose.PAYMENT).champion
            if found is not None:
                break
            await asyncio.sleep(0.05)
        assert found is not None
        assert found.id == model.id
    finally:
        await models.cache.stop()
