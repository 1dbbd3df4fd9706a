"""Decisions in the database: written with the money, found by the id of what they are about."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.decisions.types import (
    Decision,
    Fallback,
    FeatureNames,
    Listed,
    Scoring,
)
from huitong.risk.decisioning.decisions.values import pack, unpack
from huitong.risk.decisioning.models.serving import FallbackReason
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, FeatureType

# Keys and codes have no comma, and arrays of arrays of different lengths cannot be given.
_INSERT: Final = """
INSERT INTO risk.decisions (id, purpose, action, decided_at, listed, version_id, hits, failed,
                            shadow_version_id, shadow_action, shadow_hits, fallback, names_id,
                            feature_values, took_us, model_id, score, model_action, is_challenged,
                            challenger_id, challenger_score, shadow_model_id, shadow_score,
                            model_fallback)
SELECT n.id, n.purpose, n.action, n.decided_at, string_to_array(n.listed, ','), n.version_id,
       string_to_array(n.hits, ','), string_to_array(n.failed, ','), n.shadow_version_id,
       n.shadow_action, string_to_array(n.shadow_hits, ','), n.fallback, n.names_id,
       n.feature_values, n.took_us, n.model_id, n.score, n.model_action, n.is_challenged,
       n.challenger_id, n.challenger_score, n.shadow_model_id, n.shadow_score, n.model_fallback
  FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::timestamptz[], $5::text[], $6::uuid[],
              $7::text[], $8::text[], $9::uuid[], $10::smallint[], $11::text[], $12::text[],
              $13::uuid[], $14::bytea[], $15::integer[], $16::uuid[], $17::float8[],
              $18::smallint[], $19::boolean[], $20::uuid[], $21::float8[], $22::uuid[],
              $23::float8[], $24::text[])
       AS n(id, purpose, action, decided_at, listed, version_id, hits, failed, shadow_version_id,
            shadow_action, shadow_hits, fallback, names_id, feature_values, took_us, model_id,
            score, model_action, is_challenged, challenger_id, challenger_score, shadow_model_id,
            shadow_score, model_fallback)
"""
_FIND: Final = """
    SELECT id, purpose, action, decided_at, listed, version_id, hits, failed, shadow_version_id,
           shadow_action, shadow_hits, fallback, names_id, feature_values, took_us, model_id, score,
           model_action, is_challenged, challenger_id, challenger_score, shadow_model_id,
           shadow_score, model_fallback
      FROM risk.decisions
"""
_NO_MODELS: Final = Scoring()


def make_insert(decisions: Sequence[Decision]) -> Statement:
    """Return the statement that writes decisions, each once."""
    return Statement(
        _INSERT,
        (
            [each.id for each in decisions],
            [each.purpose.value for each in decisions],
            [int(each.action) for each in decisions],
            [each.decided_at for each in decisions],
            [",".join(listed.code for listed in each.listed) for each in decisions],
            [each.version_id for each in decisions],
            [",".join(each.hits) for each in decisions],
            [",".join(each.failed) for each in decisions],
            [each.shadow_version_id for each in decisions],
            [None if each.shadow_action is None else int(each.shadow_action) for each in decisions],
            [",".join(each.shadow_hits) for each in decisions],
            [None if each.fallback is None else each.fallback.value for each in decisions],
            [each.names_id for each in decisions],
            [None if each.names_id is None else pack(each.values) for each in decisions],
            [each.took_us for each in decisions],
            *_scoring_columns([each.scoring or _NO_MODELS for each in decisions]),
        ),
    )


def _scoring_columns(scorings: Sequence[Scoring]) -> tuple[list[Any], ...]:
    return (
        [each.model_id for each in scorings],
        [each.score for each in scorings],
        [None if each.action is None else int(each.action) for each in scorings],
        [each.is_challenged for each in scorings],
        [each.challenger_id for each in scorings],
        [each.challenger_score for each in scorings],
        [each.shadow_id for each in scorings],
        [each.shadow_score for each in scorings],
        [None if each.fallback is None else each.fallback.value for each in scorings],
    )


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
        values=() if row.feature_values is None else unpack(bytes(row.feature_values)),
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
