"""Strategies in the database; nothing here is ever changed, only added."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.collections.types import (
    BEFORE_DUE,
    Channel,
    NewStep,
    NewStrategy,
    Segment,
    Strategy,
)
from huitong.lending.products import Purpose

_SELECT: Final = """
    SELECT id, purpose, currency, version, name_zh, name_en, effective_from, approval_id, agreed_at
      FROM lending.collection_strategies
"""
_INSERT: Final = """
    INSERT INTO lending.collection_strategies (purpose, currency, version, name_zh, name_en,
                                               effective_from, approval_id, agreed_at)
    VALUES (:purpose, :currency, :version, :name_zh, :name_en, :effective_from, :approval_id, :now)
    RETURNING id
"""
_INSERT_SEGMENTS: Final = """
    INSERT INTO lending.collection_segments (strategy_id, code, place, days_min, amount_min,
                                             score_max)
    SELECT $1, n.* FROM unnest($2::text[], $3::smallint[], $4::integer[], $5::bigint[],
                               $6::integer[]) n
"""
_INSERT_STEPS: Final = """
    INSERT INTO lending.collection_steps (strategy_id, segment, day, channel, is_automatic, text_zh,
                                          text_en)
    SELECT $1, n.* FROM unnest($2::text[], $3::integer[], $4::text[], $5::boolean[], $6::text[],
                               $7::text[]) n
"""


async def lock_strategies(uow: UnitOfWork) -> None:
    """Let nobody else add a version until this transaction ends; they are few."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('lending.collection_strategies'))")


async def insert_strategy(
    uow: UnitOfWork, new: NewStrategy, version: int, *, approval_id: uuid.UUID, now: datetime
) -> None:
    """Write down a version with its segments and steps."""
    number = await uow.fetch_value(
        _INSERT,
        purpose=new.purpose.value,
        currency=new.currency,
        version=version,
        name_zh=new.name_zh,
        name_en=new.name_en,
        effective_from=new.effective_from,
        approval_id=approval_id,
        now=now,
    )
    reserved = Segment(
        code=BEFORE_DUE,
        days_min=min([0, *(each.day for each in new.before_due)]),
        steps=new.before_due,
    )
    segments = (reserved, *new.segments)
    connection = await uow.driver()
    await connection.execute(
        _INSERT_SEGMENTS,
        number,
        [each.code for each in segments],
        list(range(len(segments))),
        [each.days_min for each in segments],
        [each.amount_min for each in segments],
        [each.score_max for each in segments],
    )
    await _insert_steps(uow, number, segments)


async def _insert_steps(uow: UnitOfWork, number: int, segments: Sequence[Segment]) -> None:
    connection = await uow.driver()
    steps = [(each.code, step) for each in segments for step in each.steps]
    await connection.execute(
        _INSERT_STEPS,
        number,
        [code for code, _ in steps],
        [step.day for _, step in steps],
        [step.channel.value for _, step in steps],
        [step.is_automatic for _, step in steps],
        [step.text_zh for _, step in steps],
        [step.text_en for _, step in steps],
    )


async def find_last(uow: UnitOfWork, purpose: Purpose, currency: str) -> Strategy | None:
    """Return the last version for a purpose and currency, begun or not, or None."""
    rows = await uow.execute(
        f"""{_SELECT} WHERE purpose = :purpose AND currency = :currency
             ORDER BY version DESC LIMIT 1""",
        purpose=purpose.value,
        currency=currency,
    )
    found = await _read_all(uow, rows)
    return found[0] if found else None


async def list_versions(uow: UnitOfWork, purpose: Purpose) -> list[Strategy]:
    """Return all versions for a purpose, by currency, first first."""
    rows = await uow.execute(
        f"{_SELECT} WHERE purpose = :purpose ORDER BY currency, version", purpose=purpose.value
    )
    return await _read_all(uow, rows)


async def _read_all(uow: UnitOfWork, rows: Sequence[Row[Any]]) -> list[Strategy]:
    numbers = [row.id for row in rows]
    segments = await uow.execute(
        """SELECT strategy_id, code, days_min, amount_min, score_max
             FROM lending.collection_segments WHERE strategy_id = ANY(:ids)
            ORDER BY strategy_id, place""",
        ids=numbers,
    )
    steps: dict[tuple[int, str], list[NewStep]] = {}
    for row in await uow.execute(
        """SELECT strategy_id, segment, day, channel, is_automatic, text_zh, text_en
             FROM lending.collection_steps WHERE strategy_id = ANY(:ids)
            ORDER BY strategy_id, segment, day, channel""",
        ids=numbers,
    ):
        values = row._asdict()
        key = (values.pop("strategy_id"), values.pop("segment"))
        steps.setdefault(key, []).append(NewStep(**{**values, "channel": Channel(row.channel)}))
    return [_read(row, segments, steps) for row in rows]


def _read(
    row: Row[Any],
    segments: Sequence[Row[Any]],
    steps: dict[tuple[int, str], list[NewStep]],
) -> Strategy:
    own = [
        Segment(
            code=each.code,
            days_min=each.days_min,
            amount_min=each.amount_min,
            score_max=each.score_max,
            steps=tuple(steps.get((row.id, each.code), ())),
        )
        for each in segments
        if each.strategy_id == row.id
    ]
    new = NewStrategy(
        purpose=Purpose(row.purpose),
        currency=row.currency,
        name_zh=row.name_zh,
        name_en=row.name_en,
        effective_from=row.effective_from,
        before_due=own[0].steps,
        segments=tuple(own[1:]),
    )
    return Strategy(
        id=row.id,
        version=row.version,
        new=new,
        approval_id=row.approval_id,
        agreed_at=row.agreed_at,
    )
