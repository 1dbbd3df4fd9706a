"""What is measured of models at work, and what follows from it."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sqlalchemy.exc import DBAPIError
from tests.risk.decisioning.models.conftest import (
    LARGE,
    NAMES,
    NOW,
    RULEBOOK,
    Models,
    change_rulebook,
)
from tests.risk.decisioning.models.conftest import make_training_data as make_data

from huitong import risk
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk import Action, AlarmCause
from huitong.risk.decisioning.models.drift import make_bins, measure_psi
from huitong.risk.decisioning.watching.ranking import ScoreBucket, measure_average_precision
from huitong.risk.fraud.training import train_fraud_model

HUGE = 2 * LARGE - LARGE // 5
#: The Monday of a week whose labels have had time to arrive by NOW, a Thursday.
WEEK_ON = (NOW - timedelta(days=17)).date()


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=80))
def test_average_precision_is_that_of_its_definition(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([each for each, _ in rows]), np.array([each for _, each in rows])
    buckets = [
        ScoreBucket(int((scores == each).sum()), int(labels[scores == each].sum()))
        for each in range(6, -1, -1)
    ]
    found = measure_average_precision(buckets)
    if labels.any():
        assert found == pytest.approx(average_precision_score(labels, scores))
    else:
        assert found is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), min_size=1, max_size=9))
def test_how_frequent_fraud_is_makes_no_difference_once_it_is_weighed(
    rows: list[tuple[int, int]],
) -> None:
    few = [ScoreBucket(genuine + frauds, frauds) for genuine, frauds in rows]
    many = [ScoreBucket(10 * genuine + frauds, frauds) for genuine, frauds in rows]
    one, other = (measure_average_precision(each, fraud_rate=0.1) for each in (few, many))
    assert one == pytest.approx(other)


def test_average_precision_of_the_worked_example() -> None:
    assert measure_average_precision([ScoreBucket(2, 1), ScoreBucket(2, 1)]) == 0.5


async def decide_over(
    models: Models, amounts: Sequence[int], *, first_at: datetime, last_at: datetime
) -> list[risk.Decision]:
    """Decide about payments at even distances of a period, ids and all, as it was then."""
    step = (last_at - first_at) / len(amounts)
    decided = []
    for start in range(0, len(amounts), 50):
        at = first_at + step * start
        subjects = [
            models.make(each, order_id=uuid7(int(at.timestamp() * 1_000)))
            for each in amounts[start : start + 50]
        ]
        decided += await models.decide(subjects, at=at)
    return decided


async def watch(models: Models, *, now: datetime = NOW, rulebook: Rulebook = RULEBOOK) -> bool:
    return await risk.watch_models(models.database, rulebook=rulebook, now=now)


async def list_alarms(models: Models, model: risk.RegisteredModel) -> list[risk.ModelAlarm]:
    return await models.run(lambda uow: risk.list_alarms(uow, model.id))


async def list_drift(models: Models, model: risk.RegisteredModel) -> list[risk.DriftMeasure]:
    return await models.run(lambda uow: risk.list_drift(uow, model.id))


async def list_weeks(models: Models, model: risk.RegisteredModel) -> list[risk.WeekMeasure]:
    return await models.run(lambda uow: risk.list_weeks(uow, model.id))


async def backdate(models: Models) -> None:
    """Let the models have been there since January."""
    await models.as_owner("UPDATE risk.models SET registered_at = '2026-01-01Z'")


async def test_payments_unlike_those_of_training_take_the_model_out_of_use(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await models.learn()
    period = {"first_at": NOW - timedelta(days=6), "last_at": NOW - timedelta(hours=1)}
    decided = await decide_over(models, [HUGE] * 1_200, **period)
    await watch(models)
    (measure,) = await list_drift(models, model)
    assert measure.decisions == 1_200
    assert (measure.first_at, measure.last_at) == (
        decided[0].decided_at,
        decided[-1].decided_at,
    )
    scores = np.array([each.scoring.score for each in decided if each.scoring])
    assert measure.score_psi == pytest.approx(measure_psi(trained.bins["score"], scores))
    assert measure.score_psi > 0.25
    amounts = np.full(1_200, float(HUGE))
    assert measure.feature_psi["amount"] == pytest.approx(
        measure_psi(trained.bins["amount"], amounts)
    )
    assert set(measure.feature_psi) == set(NAMES)
    (alarm,) = await list_alarms(models, model)
    assert alarm.cause is AlarmCause.DRIFT
    assert alarm.details["score_psi"] == round(measure.score_psi, 4)
    drifting = [name for name, psi in measure.feature_psi.items() if psi > 0.25]
    assert "amount" in drifting
    assert set(alarm.details["features"]) < set(drifting)
    await models.learn()
    (decided_now,) = await models.decide_amounts(HUGE)
    assert decided_now.action is Action.ALLOW
    assert decided_now.scoring is not None
    assert decided_now.scoring.fallback is risk.FallbackReason.DRIFTING

    # What people looked at raises no alarm again.
    await models.reuse(model)
    await watch(models, now=NOW + timedelta(hours=1))
    assert len(await list_drift(models, model)) == 1
    assert [each.cleared_at for each in await list_alarms(models, model)] == [NOW]


async def test_payments_like_those_of_training_raise_no_alarm(models: Models) -> None:
    """Train on what the path itself gives, so that nothing differs but chance."""
    chance = random.Random(3)
    period = {"first_at": NOW - timedelta(days=7), "last_at": NOW - timedelta(minutes=5)}
    amounts = [chance.randrange(1, 2 * LARGE) for _ in range(1_500)]
    before = await decide_over(models, amounts, **period)
    model = await models.install(await retrain_on(models, before))
    await models.learn()
    await decide_over(models, [chance.randrange(1, 2 * LARGE) for _ in range(1_500)], **period)
    await watch(models)
    (measure,) = await list_drift(models, model)
    assert measure.score_psi < 0.25
    assert max(measure.feature_psi.values()) < 0.25
    assert await list_alarms(models, model) == []


async def retrain_on(models: Models, decided: Sequence[risk.Decision]) -> risk.TrainedModel:
    rows = []
    for each in decided:
        values = await models.run(lambda uow, each=each: risk.name_values(uow, each))
        rows.append([np.nan if values[name] is None else float(values[name]) for name in NAMES])
    data = make_data(len(rows))
    data.matrix[:] = rows
    data.labels[:] = data.matrix[:, NAMES.index("amount")] > LARGE
    data.labels[::40] = 1 - data.labels[::40]
    model = train_fraud_model(data, seed=1)
    # Measured on few rows: bins of all of them.
    bins = {name: make_bins(data.matrix[:, place]) for place, name in enumerate(NAMES)}
    return replace(model, bins={**bins, "score": model.bins["score"]})


async def test_few_decisions_say_nothing(models: Models, trained: risk.TrainedModel) -> None:
    model = await models.install(trained)
    await models.learn()
    period = {"first_at": NOW - timedelta(days=1), "last_at": NOW}
    await decide_over(models, [HUGE] * 950, **period)
    await watch(models)
    assert await list_drift(models, model) == []


async def label(models: Models, decided: Sequence[risk.Decision], *, is_fraud: bool) -> None:
    labels = [
        risk.Label(decision_id=each.id, is_fraud=is_fraud, source=risk.LabelSource.CASE)
        for each in decided
    ]
    await models.run(lambda uow: risk.put_labels(uow, labels, now=NOW - timedelta(days=3)))


def in_week(hour: int) -> datetime:
    return datetime(WEEK_ON.year, WEEK_ON.month, WEEK_ON.day, tzinfo=NOW.tzinfo) + timedelta(
        hours=hour
    )


async def test_a_week_is_measured_once_its_labels_had_time_for_each_role(
    models: Models, trained: risk.TrainedModel, retrained: risk.TrainedModel
) -> None:
    champion = await models.install(trained)
    challenger = await models.register(retrained)
    await models.set_status(challenger, risk.ModelStatus.CHALLENGER)
    shadow = await models.register(trained)
    await backdate(models)
    await models.learn()
    models.with_thresholds(block="1")
    small = await decide_over(models, [LARGE // 4] * 60, first_at=in_week(10), last_at=in_week(60))
    large = await decide_over(models, [HUGE] * 40, first_at=in_week(20), last_at=in_week(50))
    later = await decide_over(
        models, [HUGE] * 5, first_at=in_week(24 * 7), last_at=in_week(24 * 7 + 5)
    )
    await label(models, [*large[:30], small[0], *later], is_fraud=True)
    await label(models, small[1:11], is_fraud=True)
    await label(models, small[1:11], is_fraud=False)
    while await watch(models):
        pass
    assert len(await list_weeks(models, champion)) == 1
    for model, role in ((champion, "champion"), (challenger, "challenger"), (shadow, "shadow")):
        (week,) = await list_weeks(models, model)
        assert (week.week_on, week.role) == (WEEK_ON, role)
        assert (week.decisions, week.labelled, week.frauds) == (100, 41, 31)
        assert (week.alerts, week.caught) == (40, 30)
        assert week.precision == 0.75
        assert week.recall == pytest.approx(30 / 31)
        assert week.average_precision is not None
        scores = [each.scoring for each in [*small, *large]]
        own = {"champion": "score", "challenger": "challenger_score", "shadow": "shadow_score"}
        expected = average_precision_score(
            [True, *[False] * 59, *[True] * 30, *[False] * 10],
            [getattr(each, own[role]) for each in scores],
        )
        assert week.average_precision == pytest.approx(expected, abs=0.02)
    assert await list_alarms(models, champion) == []


async def test_late_labels_are_heard_of_a_day_later(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await backdate(models)
    await models.learn()
    models.with_thresholds(block="1")
    decided = await decide_over(models, [HUGE] * 20, first_at=in_week(10), last_at=in_week(60))
    while await watch(models):
        pass
    (week,) = await list_weeks(models, model)
    assert (week.frauds, week.average_precision, week.recall) == (0, None, None)
    await label(models, decided[:10], is_fraud=True)
    assert not await watch(models, now=NOW + timedelta(hours=2))
    while await watch(models, now=NOW + timedelta(days=1)):
        pass
    (week,) = await list_weeks(models, model)
    assert (week.frauds, week.caught) == (10, 10)


async def test_what_was_blocked_and_nobody_labelled_does_not_count(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await backdate(models)
    await models.learn()
    blocked = await decide_over(models, [HUGE] * 10, first_at=in_week(10), last_at=in_week(20))
    await decide_over(models, [LARGE // 4] * 10, first_at=in_week(10), last_at=in_week(20))
    await label(models, blocked[:4], is_fraud=True)
    while await watch(models):
        pass
    (week,) = await list_weeks(models, model)
    assert (week.decisions, week.frauds, week.alerts, week.caught) == (14, 4, 4, 4)


async def test_a_model_that_finds_much_less_than_in_training_is_taken_out_of_use(
    models: Models, trained: risk.TrainedModel
) -> None:
    # Half of the training was fraud, so guessing alone has half of a perfect precision.
    rulebook = change_rulebook({"risk.model.decay.average_precision.below": "0.8"})
    model = await models.install(trained)
    await backdate(models)
    await models.learn()
    models.with_thresholds(block="1")
    await decide_over(models, [HUGE] * 200, first_at=in_week(10), last_at=in_week(60))
    small = await decide_over(models, [LARGE // 4] * 200, first_at=in_week(10), last_at=in_week(60))
    await label(models, small[:29], is_fraud=True)
    while await watch(models, rulebook=rulebook):
        pass
    # Too few frauds to say so.
    assert await list_alarms(models, model) == []
    await label(models, small[29:40], is_fraud=True)
    tomorrow = NOW + timedelta(days=1)
    while await watch(models, now=tomorrow, rulebook=rulebook):
        pass
    (alarm,) = await list_alarms(models, model)
    assert alarm.cause is AlarmCause.DECAY
    assert alarm.details["week_on"] == WEEK_ON.isoformat()
    assert alarm.details["frauds"] == 40
    await models.learn()
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.ALLOW
    await models.reuse(model, now=tomorrow)
    while await watch(models, now=tomorrow + timedelta(days=1), rulebook=rulebook):
        pass
    assert [each.cleared_at for each in await list_alarms(models, model)] == [tomorrow]


async def test_many_workers_measure_once(models: Models, trained: risk.TrainedModel) -> None:
    model = await models.install(trained)
    await models.learn()
    period = {"first_at": NOW - timedelta(days=6), "last_at": NOW - timedelta(hours=1)}
    await decide_over(models, [HUGE] * 1_000, **period)
    await asyncio.gather(*(watch(models) for _ in range(4)))
    assert len(await list_drift(models, model)) == 1
    assert len(await list_alarms(models, model)) == 1


async def test_a_damaged_model_is_not_measured_and_stops_nobody(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await models.learn()
    period = {"first_at": NOW - timedelta(days=6), "last_at": NOW - timedelta(hours=1)}
    await decide_over(models, [HUGE] * 1_000, **period)
    await models.as_owner("UPDATE risk.models SET onnx = onnx || '\\x00'")
    await watch(models)
    assert await list_drift(models, model) == []


async def test_measures_are_not_changed_by_anybody(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    for table in ("model_drift", "model_weeks", "model_alarms"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await models.run(lambda uow, table=table: uow.execute(f"DELETE FROM risk.{table}"))
