"""What a refusal leaves in the database, although all that the command did was undone."""

from datetime import UTC, datetime

import asyncpg
import pytest

from huitong.kernel import audit, idempotency
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.idempotency import ReplyKey, StoredReply

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KEY = ReplyKey(scope="key_test", key="k-1", fingerprint=bytes(32))


def leave(key: str) -> Statement:
    return Statement(
        "INSERT INTO kernel.replies (scope, key, fingerprint, status, body, expires_at) "
        "VALUES ('left', $1, $2, 200, $2, $3)",
        (key, bytes(32), NOW),
    )


async def refuse(uow: UnitOfWork, *left: Statement) -> StoredReply:
    await audit.record(uow, action="test.undone", subject="nobody")
    refusal = Refusal("no")
    refusal.leaves = left
    raise refusal


async def count(database: Database) -> tuple[int, int, int]:
    """Return how many rows were left, how many were done, and how many replies are stored."""
    async with database.unit_of_work() as uow:
        row = await uow.fetch_one(
            "SELECT (SELECT count(*) FROM kernel.replies WHERE scope = 'left'), "
            "(SELECT count(*) FROM kernel.audit WHERE action = 'test.undone'), "
            "(SELECT count(*) FROM kernel.replies WHERE scope = 'key_test')"
        )
    assert row is not None
    return (row[0], row[1], row[2])


async def test_what_a_refusal_leaves_is_written_after_the_rest_was_undone(
    database: Database,
) -> None:
    with pytest.raises(Refusal):
        await database.run(lambda uow: refuse(uow, leave("a"), leave("b")))
    assert await count(database) == (2, 0, 0)


async def test_a_refusal_that_leaves_nothing_changes_nothing(database: Database) -> None:
    with pytest.raises(Refusal):
        await database.run(refuse)
    assert await count(database) == (0, 0, 0)


async def test_it_is_written_with_the_stored_reply_and_once(database: Database) -> None:
    for _ in range(2):
        reply = await idempotency.once(
            database,
            KEY,
            lambda uow: refuse(uow, leave("a")),
            now=NOW,
            render_refusal=lambda refusal: StoredReply(409, refusal.detail.encode()),
        )
        assert reply == StoredReply(409, b"no")
    assert await count(database) == (1, 0, 1)


async def test_what_cannot_be_left_is_an_error_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await idempotency.once(
            database,
            KEY,
            lambda uow: refuse(uow, leave("a"), leave("a")),
            now=NOW,
            render_refusal=lambda _refusal: StoredReply(409, b""),
        )
    assert await count(database) == (0, 0, 0)
