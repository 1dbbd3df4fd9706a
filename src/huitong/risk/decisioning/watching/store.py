"""SQL of watching: stored decisions as samples and as counts, and what was measured of them."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.risk.decisioning.models.types import ModelStatus
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action
from huitong.risk.decisioning.watching.types import DriftMeasure, WeekMeasure

_HOUR: Final = timedelta(hours=1)
#: Ids begin with their time, so an hour is a stretch of the primary key: the first decisions of
#: each hour are found at once, however many there are.
_SAMPLE: Final = """
    SELECT d.names_id, d.feature_values, d.score, d.decided_at
      FROM unnest(CAST(:starts AS uuid[]), CAST(:ends AS uuid[])) AS hour(starts, ends)
     CROSS JOIN LATERAL (
        SELECT s.names_id, s.feature_values, s.decided_at,
               CASE WHEN s.model_id = :model_id THEN s.score
                    WHEN s.challenger_id = :model_id THEN s.challenger_score
                    ELSE s.shadow_score END AS score
          FROM risk.decisions s
         WHERE s.id >= hour.starts AND s.id < hour.ends AND s.decided_at >= :since
           AND s.purpose = :purpose
           AND :model_id IN (s.model_id, s.challenger_id, s.shadow_model_id)
         ORDER BY s.id LIMIT :most) d
"""
#: Scores in steps of a hundredth of log-odds: some thousand buckets, whatever the week holds.
_COUNT_WEEK: Final = """
    WITH known AS (
        SELECT DISTINCT ON (decision_id) decision_id, is_fraud FROM risk.labels
         WHERE labelled_at >= :starts ORDER BY decision_id, id DESC)
    SELECT m.model_id, m.role, floor(100 * ln((m.score + 1e-9) / (1 - m.score + 1e-9))) AS bucket,
           count(*) AS decisions, count(k.is_fraud) AS labelled,
           count(*) FILTER (WHERE k.is_fraud) AS frauds,
           count(*) FILTER (WHERE m.score > :review_above) AS alerts,
           count(*) FILTER (WHERE m.score > :review_above AND k.is_fraud) AS caught
      FROM risk.decisions d
      LEFT JOIN known k ON k.decision_id = d.id
     CROSS JOIN LATERAL (VALUES (d.model_id, 'champion', d.score),
                                (d.challenger_id, 'challenger', d.challenger_score),
                                (d.shadow_model_id, 'shadow', d.shadow_score))
           AS m(model_id, role, score)
     WHERE d.decided_at >= :starts AND d.decided_at < :ends AND d.purpose = :purpose
       AND m.model_id IS NOT NULL AND (d.action < :block OR k.is_fraud IS NOT NULL)
     GROUP BY m.model_id, m.role, bucket
     ORDER BY m.model_id, m.role, bucket DESC
"""


async def try_lock(uow: UnitOfWork) -> bool:
    """Hold the watch until the end, or say that another worker has it."""
    found = await uow.fetch_value("SELECT pg_try_advisory_xact_lock(hashtext('risk.watch_models'))")
    return bool(found)


async def sample_decisions(
    uow: UnitOfWork, model_id: uuid.UUID, purpose: Purpose, *, since: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Return some decisions of each hour of a period that a model scored."""
    hours = min(limits.MODEL_WATCH_HOURS, max(1, -((since - until) // _HOUR)))
    starts = [until - _HOUR * (place + 1) for place in range(hours)]
    return await uow.execute(
        _SAMPLE,
        starts=[_first_id(each) for each in starts],
        ends=[_first_id(each + _HOUR) for each in starts],
        since=since,
        purpose=purpose.value,
        model_id=model_id,
        most=limits.MODEL_WATCH_ROWS_AN_HOUR,
    )


async def count_week(
    uow: UnitOfWork, purpose: Purpose, *, starts: datetime, ends: datetime, review_above: float
) -> Sequence[Row[Any]]:
    """Return decisions and labels by model, role and bucket of the score, the highest first."""
    return await uow.execute(
        _COUNT_WEEK,
        starts=starts,
        ends=ends,
        purpose=purpose.value,
        review_above=review_above,
        block=int(Action.BLOCK),
    )


async def put_drift(uow: UnitOfWork, measure: DriftMeasure) -> None:
    """Write down a measure of drift."""
    await uow.execute(
        """
        INSERT INTO risk.model_drift (id, model_id, first_at, last_at, decisions, score_psi,
                                      feature_psi, measured_at)
        VALUES (:id, :model_id, :first_at, :last_at, :decisions, :score_psi,
                CAST(:feature_psi AS jsonb), :measured_at)
        """,
        id=uuid7(),
        model_id=measure.model_id,
        first_at=measure.first_at,
        last_at=measure.last_at,
        decisions=measure.decisions,
        score_psi=measure.score_psi,
        feature_psi=msgspec.json.encode(measure.feature_psi).decode(),
        measured_at=measure.measured_at,
    )


async def put_week(uow: UnitOfWork, week: WeekMeasure) -> None:
    """Write down how a model did in a week, over what was known of it before."""
    await uow.execute(
        """
        INSERT INTO risk.model_weeks (model_id, week_on, role, decisions, labelled, frauds, alerts,
                                      caught, average_precision, precision_as_trained, measured_at)
        VALUES (:model_id, :week_on, :role, :decisions, :labelled, :frauds, :alerts, :caught,
                :average_precision, :precision_as_trained, :measured_at)
        ON CONFLICT (model_id, week_on, role) DO UPDATE SET decisions = excluded.decisions,
            labelled = excluded.labelled, frauds = excluded.frauds, alerts = excluded.alerts,
            caught = excluded.caught, average_precision = excluded.average_precision,
            precision_as_trained = excluded.precision_as_trained, measured_at = excluded.measured_at
        """,
        model_id=week.model_id,
        week_on=week.week_on,
        role=week.role.value,
        decisions=week.decisions,
        labelled=week.labelled,
        frauds=week.frauds,
        alerts=week.alerts,
        caught=week.caught,
        average_precision=week.average_precision,
        precision_as_trained=week.precision_as_trained,
        measured_at=week.measured_at,
    )


async def list_drift(uow: UnitOfWork, model_id: uuid.UUID) -> list[DriftMeasure]:
    """Return the newest measures of a model's drift, newest first."""
    rows = await uow.execute(
        """
        SELECT model_id, first_at, last_at, decisions, score_psi, feature_psi, measured_at
          FROM risk.model_drift WHERE model_id = :model_id
         ORDER BY measured_at DESC LIMIT :most
        """,
        model_id=model_id,
        most=limits.MODELS_PAGE,
    )
    return [DriftMeasure(**row._asdict()) for row in rows]


async def list_weeks(uow: UnitOfWork, model_id: uuid.UUID) -> list[WeekMeasure]:
    """Return the newest weeks of a model, newest first."""
    rows = await uow.execute(
        """
        SELECT model_id, week_on, role, decisions, labelled, frauds, alerts, caught,
               average_precision, precision_as_trained, measured_at
          FROM risk.model_weeks WHERE model_id = :model_id
         ORDER BY week_on DESC, role LIMIT :most
        """,
        model_id=model_id,
        most=limits.PAGE_SIZE_MAX,
    )
    return [WeekMeasure(**{**row._asdict(), "role": ModelStatus(row.role)}) for row in rows]


async def find_last_drift(uow: UnitOfWork, model_id: uuid.UUID) -> datetime | None:
    """Return when a model's drift was last measured, or None."""
    found: datetime | None = await uow.fetch_value(
        "SELECT max(measured_at) FROM risk.model_drift WHERE model_id = :id", id=model_id
    )
    return found


async def list_weeks_measured(uow: UnitOfWork, name: str, *, since: date) -> dict[date, datetime]:
    """Return when each week was last measured for models of a name."""
    rows = await uow.execute(
        "SELECT week_on, measured_at FROM risk.model_week_rounds "
        "WHERE name = :name AND week_on >= :since",
        name=name,
        since=since,
    )
    return {row.week_on: row.measured_at for row in rows}


async def note_week(uow: UnitOfWork, name: str, week_on: date, *, now: datetime) -> None:
    """Write down that a week was measured, also one in which nothing was scored."""
    await uow.execute(
        """
        INSERT INTO risk.model_week_rounds (name, week_on, measured_at)
        VALUES (:name, :week_on, :now)
        ON CONFLICT (name, week_on) DO UPDATE SET measured_at = excluded.measured_at
        """,
        name=name,
        week_on=week_on,
        now=now,
    )


async def find_first_model(uow: UnitOfWork, name: str) -> datetime | None:
    """Return when the first model of a name was registered, or None."""
    found: datetime | None = await uow.fetch_value(
        "SELECT min(registered_at) FROM risk.models WHERE name = :name", name=name
    )
    return found


def _first_id(at: datetime) -> uuid.UUID:
    """Return what no id that was made at an instant, or later, is below."""
    return uuid.UUID(int=int(at.timestamp() * 1_000) << 80)
