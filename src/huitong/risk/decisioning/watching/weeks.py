"""Weeks: how well models find fraud, once the labels of a week had time to arrive."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.scoring import read_policy
from huitong.risk.decisioning.features.catalogue import LABEL_DELAY_SECONDS
from huitong.risk.decisioning.models.alarms import AlarmCause, find_last_cleared, raise_alarm
from huitong.risk.decisioning.models.registry import get_model
from huitong.risk.decisioning.models.types import ModelStatus, RegisteredModel
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.watching import store
from huitong.risk.decisioning.watching.ranking import ScoreBucket, measure_average_precision
from huitong.risk.decisioning.watching.types import WeekMeasure

_WEEK: Final = timedelta(days=7)
_LABEL_DELAY: Final = timedelta(seconds=LABEL_DELAY_SECONDS)
_ZONE: Final = ZoneInfo(SHANGHAI)


async def find_due_week(uow: UnitOfWork, name: str, *, now: datetime) -> date | None:
    """Return the latest week to measure for models of a name, or None if none is due.

    A week is due a label's delay after its end, and again each day for some weeks, because late
    labels go on arriving.
    """
    first_at = await store.find_first_model(uow, name)
    if first_at is None:
        return None
    again_before = now - timedelta(hours=limits.MODEL_WEEK_AGAIN_HOURS)
    latest = _monday(business_day(now - _LABEL_DELAY)) - _WEEK
    weeks = [latest - place * _WEEK for place in range(limits.MODEL_WEEKS_MAX)]
    measured = await store.list_weeks_measured(uow, name, since=weeks[-1])
    for week_on in weeks:
        if starts_at(week_on + _WEEK) <= first_at:
            return None
        measured_at = measured.get(week_on)
        if measured_at is None or measured_at <= again_before:
            return week_on
    return None


async def watch_week(
    uow: UnitOfWork, purpose: Purpose, week_on: date, *, rulebook: Rulebook, now: datetime
) -> list[WeekMeasure]:
    """Measure how all models of a purpose did in a week, and write it down.

    A champion or challenger that finds much less than in training is taken out of use.
    """
    rows = await store.count_week(
        uow,
        purpose,
        starts=starts_at(week_on),
        ends=starts_at(week_on + _WEEK),
        review_above=read_policy(rulebook, purpose, week_on).review_above,
    )
    measures = []
    for (model_id, role), own in groupby(rows, key=lambda row: (row.model_id, row.role)):
        model = await get_model(uow, model_id)
        measure = _measure(model, week_on, ModelStatus(role), list(own), now=now)
        await store.put_week(uow, measure)
        await _judge(uow, model, measure, rulebook=rulebook, now=now)
        measures.append(measure)
    return measures


def starts_at(week_on: date) -> datetime:
    """Return the instant at which a business day begins."""
    return datetime.combine(week_on, time(), _ZONE)


def _measure(
    model: RegisteredModel,
    week_on: date,
    role: ModelStatus,
    rows: Sequence[Row[Any]],
    *,
    now: datetime,
) -> WeekMeasure:
    buckets = [ScoreBucket(row.decisions, row.frauds) for row in rows]
    return WeekMeasure(
        model_id=model.id,
        week_on=week_on,
        role=role,
        **{
            name: sum(getattr(row, name) for row in rows)
            for name in ("decisions", "labelled", "frauds", "alerts", "caught")
        },
        average_precision=measure_average_precision(buckets),
        precision_as_trained=measure_average_precision(
            buckets, fraud_rate=_read_metric(model.metrics, "fraud_rate")
        ),
        measured_at=now,
    )


async def _judge(
    uow: UnitOfWork,
    model: RegisteredModel,
    measure: WeekMeasure,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    if model.status not in (ModelStatus.CHAMPION, ModelStatus.CHALLENGER):
        return
    day = business_day(now)
    trained = _read_metric(model.metrics, "average_precision")
    if trained is None or measure.precision_as_trained is None:
        return
    if measure.frauds < rulebook.integer("risk.model.decay.frauds.min", day):
        return
    part = float(rulebook.decimal("risk.model.decay.average_precision.below", day))
    if measure.precision_as_trained >= part * trained:
        return
    cleared_at = await find_last_cleared(uow, model.id)
    if cleared_at is not None and starts_at(measure.week_on) < cleared_at:
        # Somebody looked since, and let it go on.
        return
    await raise_alarm(
        uow,
        model_id=model.id,
        cause=AlarmCause.DECAY,
        details={
            "week_on": measure.week_on.isoformat(),
            "precision_as_trained": round(measure.precision_as_trained, 4),
            "in_training": round(trained, 4),
            "frauds": measure.frauds,
        },
        now=now,
    )


def _read_metric(metrics: Mapping[str, Any], name: str) -> float | None:
    found = metrics.get(name)
    return float(found) if isinstance(found, int | float) and 0 < found < 1 else None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
