"""Decisions in the database: written with the money, found by the id of what they are about."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, islice
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.decisions.types import (
    Decision,
    Fallback,
    FeatureNames,
    Listed,
    Scoring,
)
from huitong.risk.decisioning.models.serving import FallbackReason
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, FeatureType

# What a batch has in common is given once. Keys and codes have neither comma, bar nor line break,
# and arrays of arrays of different lengths cannot be given: four lists travel as one text, mostly
# "|||". So do ids, codes and the rows of values, one after the other: the driver would look at each
# element of an array whether it is one.
_INSERT: Final = """
INSERT INTO risk.decisions (id, purpose, action, decided_at, listed, version_id, hits, failed,
                            shadow_version_id, shadow_action, shadow_hits, fallback, names_id,
                            feature_values, took_us, model_id, challenger_id, shadow_model_id,
                            model_fallback, score, model_action, is_challenged, challenger_score,
                            shadow_score)
SELECT n.id, $1, n.action, $2, string_to_array(split_part(n.codes, '|', 1), ','), $3,
       string_to_array(split_part(n.codes, '|', 2), ','),
       string_to_array(split_part(n.codes, '|', 3), ','), $4, n.shadow_action,
       string_to_array(split_part(n.codes, '|', 4), ','), $5, $6,
       substr($16::bytea, n.values_from, n.values_size), $7, $8, $9,
       $10, $11, n.score, n.model_action, n.is_challenged, n.challenger_score, n.shadow_score
  FROM unnest(string_to_array($12, ',')::uuid[], $13::text::smallint[],
              string_to_array($14, E'\\n'), $15::text::smallint[], $17::text::integer[],
              $18::text::integer[], $19::text::float8[], $20::text::smallint[],
              $21::text::boolean[], $22::text::float8[], $23::text::float8[])
       AS n(id, action, codes, shadow_action, values_from, values_size, score, model_action,
            is_challenged, challenger_score, shadow_score)
"""
_FIND: Final = """
    SELECT id, purpose, action, decided_at, listed, version_id, hits, failed, shadow_version_id,
           shadow_action, shadow_hits, fallback, names_id, feature_values, took_us, model_id, score,
           model_action, is_challenged, challenger_id, challenger_score, shadow_model_id,
           shadow_score, model_fallback
      FROM risk.decisions
"""
_NO_MODELS: Final = Scoring()


def make_insert(decisions: Sequence[Decision], *, keeps_known: bool = False) -> Statement:
    """Return the statement that writes the decisions of one batch, each once.

    One that is there already is a unique violation, unless `keeps_known`: then it stays as it is.
    Raises ValueError for decisions that were not made together.
    """
    first = decisions[0]
    common = _list_common(first)
    if any(_list_common(each) != common for each in decisions):
        raise ValueError("these decisions were not made in one batch")
    return Statement(
        f"{_INSERT} ON CONFLICT DO NOTHING" if keeps_known else _INSERT,
        (
            *common,
            ",".join([each.id.hex for each in decisions]),
            write_array([each.action.value for each in decisions]),
            "\n".join([_join_codes(each) for each in decisions]),
            write_array([_number(each.shadow_action) for each in decisions]),
            b"".join([each.packed or b"" for each in decisions]),
            *_list_places([each.packed for each in decisions]),
            *_list_scores([each.scoring or _NO_MODELS for each in decisions]),
        ),
    )


def _list_common(decision: Decision) -> tuple[object, ...]:
    scoring = decision.scoring or _NO_MODELS
    return (
        decision.purpose.value,
        decision.decided_at,
        decision.version_id,
        decision.shadow_version_id,
        decision.fallback,
        decision.names_id,
        decision.took_us,
        scoring.model_id,
        scoring.challenger_id,
        scoring.shadow_id,
        scoring.fallback,
    )


def _join_codes(decision: Decision) -> str:
    if not (decision.listed or decision.hits or decision.failed or decision.shadow_hits):
        return "|||"
    listed = [each.code for each in decision.listed]
    lists = (listed, decision.hits, decision.failed, decision.shadow_hits)
    return "|".join(",".join(codes) for codes in lists)


def _list_scores(scorings: Sequence[Scoring]) -> tuple[str, ...]:
    return (
        write_array([each.score for each in scorings]),
        write_array([_number(each.action) for each in scorings]),
        write_array([each.is_challenged for each in scorings]),
        write_array([each.challenger_score for each in scorings]),
        write_array([each.shadow_score for each in scorings]),
    )


def _list_places(rows: Sequence[bytes | None]) -> tuple[str, str]:
    """Return where each row begins among all in a row, counted from one, and its size or None."""
    starts = accumulate((len(row or b"") for row in rows), initial=1)
    sizes = [None if row is None else len(row) for row in rows]
    return write_array(list(islice(starts, len(rows)))), write_array(sizes)


def _number(action: Action | None) -> int | None:
    return None if action is None else action.value


async def put_names(uow: UnitOfWork, names: FeatureNames) -> None:
    """Write names of features down, if they are not there."""
    await uow.execute(
        "INSERT INTO risk.feature_names (id, names, types) VALUES (:id, :names, :types) "
        "ON CONFLICT DO NOTHING",
        id=names.id,
        names=list(names.names),
        types=[each.value for each in names.types],
    )


async def find_names(uow: UnitOfWork, names_id: uuid.UUID) -> FeatureNames | None:
    """Return the names of features that decisions refer to, or None."""
    row = await uow.fetch_one(
        "SELECT names, types FROM risk.feature_names WHERE id = :id", id=names_id
    )
    if row is None:
        return None
    types = tuple(FeatureType(each) for each in row.types)
    return FeatureNames(id=names_id, names=tuple(row.names), types=types)


async def find_decision(uow: UnitOfWork, decision_id: uuid.UUID) -> Decision | None:
    """Return a decision, or None."""
    row = await uow.fetch_one(f"{_FIND} WHERE id = :id", id=decision_id)
    return None if row is None else _read(row)


async def list_decisions(
    uow: UnitOfWork, purpose: Purpose, *, before_id: uuid.UUID, count: int
) -> list[Decision]:
    """Return decisions that did not allow, newest first."""
    rows = await uow.execute(
        f"{_FIND} WHERE purpose = :purpose AND action > 0 AND id < :before_id "
        "ORDER BY id DESC LIMIT :count",
        purpose=purpose.value,
        before_id=before_id,
        count=count,
    )
    return [_read(row) for row in rows]


async def count_actions(
    uow: UnitOfWork, purpose: Purpose, *, from_id: uuid.UUID, since: datetime, searched: int
) -> dict[Action, int]:
    """Return how often each was decided since an instant, of the newest so many decisions."""
    rows = await uow.execute(
        "SELECT action, count(*) AS decisions FROM (SELECT action, purpose, decided_at "
        "FROM risk.decisions WHERE id >= :from_id ORDER BY id DESC LIMIT :searched) AS newest "
        "WHERE purpose = :purpose AND decided_at >= :since GROUP BY action",
        purpose=purpose.value,
        from_id=from_id,
        since=since,
        searched=searched,
    )
    return {Action(row.action): row.decisions for row in rows}


def _read(row: Row[Any]) -> Decision:
    shadow = row.shadow_action
    return Decision(
        id=row.id,
        purpose=Purpose(row.purpose),
        action=Action(row.action),
        decided_at=row.decided_at,
        listed=tuple(Listed.read(code) for code in row.listed),
        version_id=row.version_id,
        hits=tuple(row.hits),
        failed=tuple(row.failed),
        shadow_version_id=row.shadow_version_id,
        shadow_action=None if shadow is None else Action(shadow),
        shadow_hits=tuple(row.shadow_hits),
        fallback=None if row.fallback is None else Fallback(row.fallback),
        names_id=row.names_id,
        packed=row.feature_values,
        took_us=row.took_us,
        scoring=_read_scoring(row),
    )


def _read_scoring(row: Row[Any]) -> Scoring | None:
    scoring = Scoring(
        model_id=row.model_id,
        score=row.score,
        challenger_id=row.challenger_id,
        challenger_score=row.challenger_score,
        shadow_id=row.shadow_model_id,
        shadow_score=row.shadow_score,
        is_challenged=row.is_challenged,
        action=None if row.model_action is None else Action(row.model_action),
        fallback=None if row.model_fallback is None else FallbackReason(row.model_fallback),
    )
    return None if scoring == _NO_MODELS else scoring
