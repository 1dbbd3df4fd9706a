"""Asking a decision table: in a thread and within a time, written down, and asked again."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import TABLE_ANSWER, show_id
from huitong.risk.decisioning.tables import store
from huitong.risk.decisioning.tables.commands import get_table_version
from huitong.risk.decisioning.tables.decision_table import DecisionTable, Hit, show_values
from huitong.risk.decisioning.tables.errors import (
    NoRowHit,
    TableAnswerNotFound,
    TableNotLive,
    TableTooSlow,
)
from huitong.risk.decisioning.tables.reading import reload_table
from huitong.risk.decisioning.tables.schemas import get_schema
from huitong.risk.decisioning.tables.types import Cell, HitPolicy, TableAnswer, TableVersion

_Answered = TypeVar("_Answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReplay:
    """The same question asked again of the same version: `is_same` if it came out alike."""

    rows: tuple[str, ...]
    outputs: tuple[Mapping[str, Any], ...]
    is_same: bool


async def ask_table(
    uow: UnitOfWork,
    name: str,
    inputs: Mapping[str, Any],
    *,
    answer_id: uuid.UUID,
    subject_id: uuid.UUID,
    now: datetime,
) -> TableAnswer:
    """Return what the live table answers about a subject, written down in this unit of work.

    `inputs` are all inputs of the table's schema: amounts in minor units, decimals as text, None
    for NULL. Raises InvalidField naming the table or the input (`inputs.age`), TableNotLive,
    NoRowHit, and TableTooSlow (a fault) after `limits.TABLE_SECONDS_MAX`; then nothing is written.
    """
    get_schema(name)
    version = await store.find_deciding(uow, name, business_day(now))
    if version is None:
        raise TableNotLive(f"{name} has no version for today")
    started = time.perf_counter()
    given, hit, policy = await _within_time(version.content, inputs)
    if not hit.rows and policy is not HitPolicy.COLLECT:
        raise NoRowHit(f"no row of {name} is for these inputs", field="inputs")
    answer = TableAnswer(
        id=answer_id,
        version_id=version.id,
        subject_id=subject_id,
        inputs=show_values(given),
        rows=hit.keys,
        outputs=tuple(show_values(each) for each in hit.outputs),
        asked_by=uow.caller.actor,
        answered_at=now,
        took_us=round((time.perf_counter() - started) * 1_000_000),
    )
    await store.insert_answer(uow, answer)
    return answer


async def get_table_answer(uow: UnitOfWork, answer_id: uuid.UUID) -> TableAnswer:
    """Return an answer; raises TableAnswerNotFound."""
    answer = await store.find_answer(uow, answer_id)
    if answer is None:
        raise TableAnswerNotFound(f"there is no answer {show_id(TABLE_ANSWER, answer_id)}")
    return answer


async def replay_table_answer(uow: UnitOfWork, answer: TableAnswer) -> AnswerReplay:
    """Ask the version that answered once more, with the inputs of then."""
    version = await get_table_version(uow, answer.version_id)
    _, hit, _ = await _within_time(version.content, answer.inputs)
    outputs = tuple(show_values(each) for each in hit.outputs)
    is_same = (hit.keys, outputs) == (answer.rows, tuple(map(dict, answer.outputs)))
    return AnswerReplay(rows=hit.keys, outputs=outputs, is_same=is_same)


async def try_table(
    version: TableVersion, inputs: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[Mapping[str, Any], ...]]:
    """Return the rows and outputs that a version of any state would answer with.

    Nothing is written down; no rows mean that none is for these inputs. Raises InvalidField and
    TableTooSlow.
    """
    _, hit, _ = await _within_time(version.content, inputs)
    return hit.keys, tuple(show_values(each) for each in hit.outputs)


async def _within_time(
    content: str, inputs: Mapping[str, Any]
) -> tuple[dict[str, Cell], Hit, HitPolicy]:
    def ask() -> tuple[dict[str, Cell], Hit, HitPolicy]:
        table = _compile(content)
        given = table.read_inputs(inputs)
        return given, table.ask(given), table.policy

    return await _limit(ask)


async def _limit(ask: Callable[[], _Answered]) -> _Answered:
    # The thread itself cannot be stopped; tables have bounds, so it ends soon after.
    try:
        async with asyncio.timeout(limits.TABLE_SECONDS_MAX):
            return await asyncio.to_thread(ask)
    except TimeoutError as error:
        raise TableTooSlow(f"it took more than {limits.TABLE_SECONDS_MAX} s") from error


@lru_cache(maxsize=limits.TABLES_COMPILED_MAX)
def _compile(content: str) -> DecisionTable:
    return reload_table(content)
