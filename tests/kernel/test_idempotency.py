"""A request that comes twice is done once and answered twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel import audit, idempotency, limits, outbox
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import Conflict, Fault, InvalidField, Refusal
from huitong.kernel.idempotency import (
    IdempotencyKeyReused,
    ReplyKey,
    ReplyRace,
    StoredReply,
    fingerprint,
)

_NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
_FIRST = ReplyKey("key_1", "order-1", fingerprint("POST", "/v1/payments", b'{"amount":"1"}'))
_OTHER = ReplyKey("key_1", "order-1", fingerprint("POST", "/v1/payments", b'{"amount":"2"}'))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDone(outbox.Event):
    topic: ClassVar[str] = "tests.WorkDone.v1"


class ChannelDown(Fault):
    code = "test_channel_down"


class Command:
    """Work with traces: an audit record and an event; the reply carries the number of the run."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.error = error

    async def __call__(self, uow: UnitOfWork) -> StoredReply:
        self.runs += 1
        await audit.record(uow, action="test.work", subject=str(self.runs))
        await outbox.append(uow, [WorkDone()])
        if self.error is not None:
            raise self.error
        return StoredReply(201, b'{"run":%d}' % self.runs)


def _render(refusal: Refusal) -> StoredReply:
    return StoredReply(409, refusal.code.encode())


async def _once(
    database: Database,
    command: Callable[[UnitOfWork], Awaitable[StoredReply]],
    key: ReplyKey = _FIRST,
    now: datetime = _NOW,
) -> StoredReply:
    return await idempotency.once(database, key, command, now=now, render_refusal=_render)


async def _count_traces(database: Database) -> tuple[int, int, int]:
    async with database.unit_of_work() as uow:
        row = await uow.fetch_one(
            "SELECT (SELECT count(*) FROM kernel.audit), (SELECT count(*) FROM kernel.outbox), "
            "(SELECT count(*) FROM kernel.replies)"
        )
    assert row is not None
    return row[0], row[1], row[2]


async def test_gives_the_first_reply_again(database: Database) -> None:
    command = Command()

    first = await _once(database, command)
    second = await _once(database, command)

    assert first == second == StoredReply(201, b'{"run":1}')
    assert command.runs == 1
    assert await _count_traces(database) == (1, 1, 1)


async def test_runs_once_for_many_at_the_same_time(database: Database, owner_url: str) -> None:
    command = Command()

    async with Database(owner_url, role="huitong_app") as other_process:
        replies = await asyncio.gather(
            *(_once(each, command) for each in (database, other_process) for _ in range(10))
        )

    assert replies == [StoredReply(201, b'{"run":1}')] * 20
    assert command.runs == 1
    assert await _count_traces(database) == (1, 1, 1)


async def test_refuses_other_content_under_the_same_key(database: Database) -> None:
    command = Command()
    await _once(database, command)

    with pytest.raises(IdempotencyKeyReused) as refused:
        await _once(database, command, _OTHER)

    assert refused.value.code == "idempotency_key_reused"
    assert refused.value.field == "Idempotency-Key"
    assert command.runs == 1
    assert await _count_traces(database) == (1, 1, 1)
    assert await _once(database, command) == StoredReply(201, b'{"run":1}')


async def test_keeps_the_keys_of_two_callers_apart(database: Database) -> None:
    command = Command()
    await _once(database, command)

    reply = await _once(database, command, ReplyKey("key_2", _FIRST.key, _FIRST.fingerprint))

    assert reply == StoredReply(201, b'{"run":2}')


async def test_forgets_a_reply_that_expired(database: Database) -> None:
    command = Command()
    await _once(database, command)

    last = await _once(database, command, now=_NOW + idempotency.KEEP - timedelta(seconds=1))
    after = await _once(database, command, _OTHER, now=_NOW + idempotency.KEEP)

    assert last == StoredReply(201, b'{"run":1}')
    assert after == StoredReply(201, b'{"run":2}')
    assert await _count_traces(database) == (2, 2, 1)


async def test_gives_a_refusal_again_and_keeps_nothing_else(database: Database) -> None:
    command = Command(Conflict("no"))

    first = await _once(database, command)
    command.error = None
    second = await _once(database, command)

    assert first == second == StoredReply(409, b"conflict")
    assert command.runs == 1
    assert await _count_traces(database) == (0, 0, 1)


@pytest.mark.parametrize("error", [ChannelDown("no answer"), ZeroDivisionError()])
async def test_stores_neither_faults_nor_bugs(database: Database, error: Exception) -> None:
    command = Command(error)

    with pytest.raises(type(error)):
        await _once(database, command)
    assert await _count_traces(database) == (0, 0, 0)
    command.error = None

    assert await _once(database, command) == StoredReply(201, b'{"run":2}')


async def test_answers_what_a_poster_stored_in_the_meantime(database: Database) -> None:
    command = Command()
    winner = StoredReply(200, b"winner")

    async def lose(uow: UnitOfWork) -> StoredReply:
        connection = await database.connect()
        try:
            await idempotency.store_replies(connection, [(_FIRST, winner)], now=_NOW)
        finally:
            await connection.close()
        return await command(uow)

    assert await _once(database, lose) == winner
    assert command.runs == 1
    assert await _count_traces(database) == (0, 0, 1)


async def test_finds_many_replies_at_once(database: Database) -> None:
    keys = [ReplyKey("key_1", f"order-{n}", fingerprint("POST", "/", b"")) for n in range(4)]
    expired = ReplyKey("key_1", "old", fingerprint("POST", "/", b""))
    connection = await database.connect()
    try:
        await idempotency.store_replies(
            connection,
            [(key, StoredReply(200 + n, b"%d" % n)) for n, key in enumerate(keys[:3])],
            now=_NOW,
        )
        await idempotency.store_replies(
            connection,
            [(expired, StoredReply(200, b""))],
            now=_NOW - timedelta(hours=2),
            keep=timedelta(hours=1),
        )
        reused = ReplyKey("key_1", "order-2", fingerprint("POST", "/", b"other"))
        found = await idempotency.find_replies(
            connection, [keys[0], keys[1], reused, keys[3], expired], now=_NOW
        )
    finally:
        await connection.close()

    refusal = found.pop(reused)
    assert isinstance(refusal, IdempotencyKeyReused)
    assert refusal.context == {"key": "order-2"}
    assert found == {keys[0]: StoredReply(200, b"0"), keys[1]: StoredReply(201, b"1")}


async def test_a_batch_that_lost_a_race_keeps_nothing(database: Database) -> None:
    fresh = ReplyKey("key_1", "order-2", fingerprint("POST", "/", b""))
    connection = await database.connect()
    try:
        await idempotency.store_replies(connection, [(_FIRST, StoredReply(200, b"a"))], now=_NOW)
        with pytest.raises(ReplyRace):
            async with connection.transaction():
                await idempotency.store_replies(
                    connection,
                    [(fresh, StoredReply(200, b"b")), (_FIRST, StoredReply(200, b"b"))],
                    now=_NOW,
                )
        found = await idempotency.find_replies(connection, [_FIRST, fresh], now=_NOW)
    finally:
        await connection.close()

    assert found == {_FIRST: StoredReply(200, b"a")}


async def test_a_batch_with_one_key_twice_is_a_mistake(database: Database) -> None:
    connection = await database.connect()
    row = (_FIRST, StoredReply(200, b"a"))
    try:
        with pytest.raises(asyncpg.PostgresError):
            await idempotency.store_replies(connection, [row, row], now=_NOW)
    finally:
        await connection.close()


async def test_prunes_expired_replies_in_bounded_steps(database: Database) -> None:
    connection = await database.connect()
    try:
        for hours in (1, 1, 1, 24):
            key = ReplyKey("key_1", f"order-{await _next(connection)}", bytes(32))
            await idempotency.store_replies(
                connection, [(key, StoredReply(200, b""))], now=_NOW, keep=timedelta(hours=hours)
            )
    finally:
        await connection.close()

    async with database.unit_of_work() as uow:
        now = _NOW + timedelta(hours=1)
        steps = [await idempotency.prune_expired(uow, now=now, limit=2) for _ in range(3)]

    assert steps == [2, 1, 0]
    assert await _count_traces(database) == (0, 0, 1)


async def _next(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM kernel.replies")
    return count


@given(
    first=st.tuples(st.text(max_size=3), st.text(max_size=3), st.binary(max_size=3)),
    second=st.tuples(st.text(max_size=3), st.text(max_size=3), st.binary(max_size=3)),
)
def test_two_requests_have_one_fingerprint_only_if_they_are_equal(
    first: tuple[str, str, bytes], second: tuple[str, str, bytes]
) -> None:
    # A method has no space in it, as HTTP has it.
    first, second = ((p[0].replace(" ", ""), p[1], p[2]) for p in (first, second))

    assert (fingerprint(*first) == fingerprint(*second)) == (first == second)
    assert len(fingerprint(*first)) == 32


@pytest.mark.parametrize("status", [199, 500, 503])
def test_refuses_to_store_a_status_of_a_fault(status: int) -> None:
    with pytest.raises(ValueError, match=str(status)):
        StoredReply(status, b"")


def test_refuses_to_store_a_reply_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        StoredReply(200, bytes(limits.REPLY_BYTES_MAX + 1))


@pytest.mark.parametrize("text", ["", "a" * 65, "a b", "ключ", "a\n", "\x00"])
def test_refuses_a_key_that_cannot_be_read_in_a_log(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        idempotency.check_key(text)
    assert refused.value.field == "Idempotency-Key"


def test_takes_a_key_of_64_visible_characters() -> None:
    assert idempotency.check_key("a" * 63 + "~") == "a" * 63 + "~"
