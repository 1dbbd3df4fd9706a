"""What the database itself refuses of decisions and counters, whoever writes them."""

import uuid
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from huitong.kernel.database.unit_of_work import Database

MODEL, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
SOUND: dict[str, Any] = {
    "id": uuid.UUID(int=9),
    "purpose": "payment",
    "action": 1,
    "decided_at": datetime(2026, 11, 26, 4, 0, tzinfo=UTC),
    "listed": [],
    "version_id": OTHER,
    "hits": ["a"],
    "failed": [],
    "shadow_version_id": None,
    "shadow_action": None,
    "shadow_hits": [],
    "fallback": None,
    "names_id": OTHER,
    "feature_values": b"\xc1",
    "took_us": 3,
    "model_id": MODEL,
    "score": 0.5,
    "model_action": 1,
    "is_challenged": False,
    "challenger_id": None,
    "challenger_score": None,
    "shadow_model_id": None,
    "shadow_score": None,
    "model_fallback": None,
}
NO_MODEL = {"model_id": None, "score": None, "model_action": None}
WITHOUT = {**NO_MODEL, "names_id": None, "feature_values": None, "fallback": "slow"}
COUNTER: dict[str, Any] = {
    "key": bytes(9),
    "first_us": 1,
    "last_us": 2,
    **dict.fromkeys(["count_1m", "count_1h", "count_1d", "count_30d"], 1.0),
    **dict.fromkeys(["amount_1h", "amount_1d", "amount_30d"], 0.0),
    **dict.fromkeys(["new_payees_1d", "tests_1h", "fast_outflows_30d", "round_nights_30d"], 0.0),
    "others": 0,
    "others_day": 1,
}


async def insert(database: Database, table: str, *rows: dict[str, Any]) -> None:
    names = list(rows[0])
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    text = f"INSERT INTO risk.{table} ({', '.join(names)}) VALUES ({places})"
    async with database.unit_of_work() as uow:
        await (await uow.driver()).executemany(text, [list(row.values()) for row in rows])


@pytest.mark.parametrize(
    "change",
    [
        {},
        WITHOUT,
        {**NO_MODEL, "model_fallback": "model_slow"},
        {"shadow_version_id": OTHER, "shadow_action": 4, "shadow_hits": ["b"]},
        {"challenger_id": OTHER, "challenger_score": 1.0, "is_challenged": True},
        {"listed": ["trust:account"], "action": 0},
        {"shadow_model_id": OTHER, "shadow_score": 0.0},
    ],
)
async def test_a_sound_decision_is_kept(database: Database, change: dict[str, Any]) -> None:
    await insert(database, "decisions", SOUND | change)
    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM risk.decisions") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "other"},
        {"action": 5},
        {"action": -1, **NO_MODEL},
        {"shadow_version_id": OTHER, "shadow_action": 5},
        {"fallback": "tired"},
        {"feature_values": bytes(65537)},
        {"took_us": -1},
        {"version_id": None},
        {"version_id": None, "hits": [], "failed": ["a"]},
        {"shadow_version_id": OTHER},
        {"shadow_action": 1},
        {"names_id": None},
        {"feature_values": None},
        {**WITHOUT, "fallback": None},
        {"score": 1.5},
        {"challenger_id": OTHER, "challenger_score": -0.1},
        {"shadow_model_id": OTHER, "shadow_score": float("nan")},
        {"model_action": 5, "action": 4},
        {"model_action": -1},
        {**NO_MODEL, "model_fallback": "model_bored"},
        {"model_id": None},
        {"score": None},
        {"challenger_id": OTHER},
        {"challenger_score": 0.5},
        {"shadow_model_id": OTHER},
        {"shadow_score": 0.5},
        {"model_action": None},
        {**NO_MODEL, "model_action": 1},
        {"is_challenged": True},
        {"is_challenged": True, **NO_MODEL},
        {"model_fallback": "model_slow"},
        {"names_id": None, "feature_values": None, "fallback": "slow"},
        {"action": 0},
    ],
)
async def test_a_decision_that_contradicts_itself_is_refused_with_all_beside_it(
    database: Database, change: dict[str, Any]
) -> None:
    sound = SOUND | {"id": uuid.UUID(int=8)}
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert(database, "decisions", sound, SOUND | change)
    assert caught.value.constraint_name == "decisions_are_sound"
    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM risk.decisions") == 0


async def test_one_bad_decision_refuses_its_whole_statement(database: Database) -> None:
    text = """
    INSERT INTO risk.decisions (id, purpose, action, decided_at, listed, hits, failed, shadow_hits,
                                fallback, took_us)
    SELECT id, 'payment', 1, now(), '{}', '{}', '{}', '{}', 'slow', took_us
      FROM unnest($1::uuid[], $2::integer[]) n(id, took_us)
    """
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.unit_of_work() as uow:
            await (await uow.driver()).execute(text, [MODEL, OTHER], [1, -1])
    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM risk.decisions") == 0


async def test_sound_counters_are_kept(database: Database) -> None:
    await insert(database, "features", COUNTER, COUNTER | {"key": bytes(17), "first_us": 2})
    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM risk.features") == 2


@pytest.mark.parametrize(
    "change",
    [
        *(
            {name: bad}
            for name in COUNTER
            if "_1" in name or "_30d" in name
            for bad in (-1.0, float("nan"), float("inf"))
        ),
        {"count_1m": 0.0},
        {"count_1h": 0.0},
        {"count_1d": 0.0},
        {"count_30d": 0.0},
        {"last_us": 0},
        {"others": -1},
        {"key": bytes(8)},
        {"key": bytes(18)},
    ],
)
async def test_counters_that_count_nothing_are_refused(
    database: Database, change: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await insert(database, "features", COUNTER | change)
