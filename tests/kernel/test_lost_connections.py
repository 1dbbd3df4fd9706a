"""Whatever says that the database is not there has one name, by whichever layer it is said."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, UnitOfWork


def wait_briefly(engine: AsyncEngine) -> None:
    """Let a full pool be said in no time, and not after half a minute."""
    engine.sync_engine.pool._timeout = 0.05  # type: ignore[attr-defined]


async def test_a_pool_that_is_full_is_a_database_that_is_not_available(owner_url: str) -> None:
    async with Database(owner_url, size=1) as database:
        wait_briefly(database.engine)
        async with database.unit_of_work() as unit:
            await unit.execute("SELECT 1")
            with pytest.raises(DatabaseUnavailable):
                await database.run(lambda another: another.execute("SELECT 1"))
        await database.run(lambda unit: unit.execute("SELECT 1"))


async def test_so_is_one_that_goes_away_under_the_driver(owner_url: str) -> None:
    async def end_itself(unit: UnitOfWork) -> None:
        connection = await unit.driver()
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        await asyncio.sleep(0.1)
        await connection.execute("SELECT 1")

    async with Database(owner_url) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.run(end_itself)


async def test_a_statement_that_the_driver_refuses_is_not(database: Database) -> None:
    async def ask_nonsense(unit: UnitOfWork) -> None:
        connection = await unit.driver()
        await connection.execute("SELECT nothing_of_the_kind")

    with pytest.raises(asyncpg.UndefinedColumnError):
        await database.run(ask_nonsense)
