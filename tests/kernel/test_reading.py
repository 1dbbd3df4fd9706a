"""Reading from the database: round trips, and no way to write."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong.kernel.database.unit_of_work import Database, find_sql_state


async def test_a_read_costs_one_round_trip_beside_its_statement(owner_url: str) -> None:
    asked: list[str] = []

    def note(record: Any) -> None:
        asked.append(record.query)

    # One connection, so that the second read has the one that is listened to.
    async with Database(owner_url, role="huitong_app", size=1) as database:
        async with database.reading() as uow:
            (await uow.driver()).add_query_logger(note)
        asked.clear()
        async with database.reading() as uow:
            assert await uow.fetch_value("SELECT 7") == 7
    # The ping. The statement itself is a prepared one, which the driver does not tell of.
    assert asked == [";"]


async def test_each_statement_of_a_read_sees_what_is_committed_by_then(owner_url: str) -> None:
    statement = "SELECT count(*) FROM kernel.audit"
    async with Database(owner_url, role="huitong_app") as database, database.reading() as reader:
        before = await reader.fetch_value(statement)
        async with database.unit_of_work() as uow:
            await uow.execute(
                "INSERT INTO kernel.audit (id, actor, action, subject, details, recorded_at) "
                "VALUES (gen_random_uuid(), 'test', 'test.read', 'nobody', '{}', now())"
            )
        assert await reader.fetch_value(statement) == before + 1


async def test_a_read_cannot_write(owner_url: str) -> None:
    async with Database(owner_url, role="huitong_app") as database:
        for _ in range(2):
            with pytest.raises(DBAPIError) as refused:
                async with database.reading() as uow:
                    await uow.execute("DELETE FROM kernel.replies")
            assert find_sql_state(refused.value) == "25006"
