"""The audit trail keeps who did what, and lets nobody change it."""

from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork, find_sql_state
from huitong.kernel.errors import InvalidField

_CLERK = Caller(actor="staff:li", request_id="req_1")


async def _record(database: Database, subject: str, **details: object) -> None:
    async def command(uow: UnitOfWork) -> None:
        await audit.record(uow, action="test.do", subject=subject, details=details)

    await database.run(command, _CLERK)


async def test_keeps_caller_and_details(database: Database) -> None:
    await _record(database, "acct_1", amount="10.50", on=datetime(2026, 1, 2, tzinfo=UTC))

    async with database.unit_of_work() as uow:
        (found,) = await audit.list_records(uow)

    assert (found.actor, found.request_id) == ("staff:li", "req_1")
    assert (found.action, found.subject) == ("test.do", "acct_1")
    assert found.details == {"amount": "10.50", "on": "2026-01-02T00:00:00Z"}
    assert found.recorded_at.tzinfo is not None


async def test_lists_newest_first_in_pages(database: Database) -> None:
    for number in range(5):
        await _record(database, "acct_1", number=number)
    await _record(database, "acct_2", number=9)

    async with database.unit_of_work() as uow:
        first = await audit.list_records(uow, subject="acct_1", limit=3)
        second = await audit.list_records(uow, subject="acct_1", before_id=first[-1].id, limit=3)
        every = await audit.list_records(uow)

    assert [found.details["number"] for found in first] == [4, 3, 2]
    assert [found.details["number"] for found in second] == [1, 0]
    assert [found.details["number"] for found in every] == [9, 4, 3, 2, 1, 0]


async def test_is_rolled_back_with_the_deed(database: Database) -> None:
    async def command(uow: UnitOfWork) -> None:
        await audit.record(uow, action="test.do", subject="acct_1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(command, _CLERK)

    async with database.unit_of_work() as uow:
        assert await audit.list_records(uow) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kernel.audit SET actor = 'x'",
        "DELETE FROM kernel.audit",
        "TRUNCATE kernel.audit",
    ],
)
async def test_refuses_every_change(database: Database, owner_url: str, statement: str) -> None:
    await _record(database, "acct_1")

    with pytest.raises(DBAPIError) as refused:
        async with database.unit_of_work() as uow:
            await uow.execute(statement)
    owner = await asyncpg.connect(owner_url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused_to_owner:
            await owner.execute(statement)
    finally:
        await owner.close()

    # 42501: the application's role has no such right. HT002: the trigger stops the owner too.
    assert find_sql_state(refused.value) == "42501"
    assert find_sql_state(refused_to_owner.value) == "HT002"


@pytest.mark.parametrize("limit", [0, -1, limits.PAGE_SIZE_MAX + 1])
async def test_refuses_a_page_that_is_too_large_or_empty(database: Database, limit: int) -> None:
    async with database.unit_of_work() as uow:
        with pytest.raises(InvalidField) as refused:
            await audit.list_records(uow, limit=limit)
    assert refused.value.field == "limit"


async def test_refuses_details_that_are_too_long(database: Database) -> None:
    async with database.unit_of_work() as uow:
        with pytest.raises(ValueError, match="at most 65536 bytes"):
            await audit.record(uow, action="test.do", subject="x", details={"a": "x" * 65_536})
