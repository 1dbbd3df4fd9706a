"""Idempotency: a request that comes twice is done once and answered twice, with the same bytes.

A caller names its request by a key of its own. The reply is stored under that key, in the caller's
scope, in the transaction that did the work, together with a fingerprint of what was asked: the same
key with another request is refused, because one of the two would otherwise get the other's answer.
Refusals are replies as well. Faults are not stored: nothing was done, and a retry may succeed.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from huitong.kernel import limits
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.errors import Fault, InvalidField, Refusal

if TYPE_CHECKING:
    import asyncpg

#: How long a reply is given again when nothing else is asked for.
KEEP: Final = timedelta(hours=24)
_KEEP_MAX: Final = timedelta(hours=limits.IDEMPOTENCY_KEEP_HOURS_MAX)
_FINGERPRINT_BYTES: Final = 32


class IdempotencyKeyReused(Refusal):
    """A key that named one request was sent with another."""

    code = "idempotency_key_reused"
    title = "The idempotency key was used for another request"


class ReplyRace(Fault):
    """Another request with the same key was stored in the same moment: run the whole thing again.

    The transaction must be rolled back; the next one finds the winner's reply.
    """

    code = "idempotency_race"
    title = "The same request is being handled twice at once"


class ReplyKey(msgspec.Struct, frozen=True):
    """A request: `scope` is the caller whose key it is, so that callers do not meet."""

    scope: str
    key: str
    fingerprint: bytes


class StoredReply(msgspec.Struct, frozen=True):
    """An answer that can be given again: a status from 200 to 499 and the bytes of the body."""

    status: int
    body: bytes

    def __post_init__(self) -> None:
        """Refuse with ValueError what must not be given again."""
        if not 200 <= self.status <= 499:  # noqa: PLR2004 - success and refusal, as HTTP has them
            raise ValueError(f"A reply with the status {self.status} must not be stored")
        if len(self.body) > limits.REPLY_BYTES_MAX:
            raise ValueError(f"A reply has at most {limits.REPLY_BYTES_MAX} bytes")


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return 32 bytes that stand for what is asked; the query string belongs to `path`.

    SHA-256 over the parts with their lengths, so that no two requests run into each other.
    """
    target = f"{method} {path}".encode()
    return hashlib.sha256(len(target).to_bytes(4) + target + body).digest()


def check_key(text: str, *, field: str = "Idempotency-Key") -> str:
    """Return a key as the caller sent it; raises InvalidField if it cannot be one.

    Visible ASCII characters only: what cannot be read in a log cannot be asked about.
    """
    if not 1 <= len(text) <= limits.IDEMPOTENCY_KEY_LENGTH_MAX:
        raise InvalidField(
            f"must have 1 to {limits.IDEMPOTENCY_KEY_LENGTH_MAX} characters", field=field
        )
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise InvalidField("must consist of visible ASCII characters", field=field)
    return text


async def find_replies(
    connection: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[ReplyKey], *, now: datetime
) -> dict[ReplyKey, StoredReply | IdempotencyKeyReused]:
    """Return what is known about each of many requests, with one query.

    A request that was answered gets its reply; one whose key was used for something else gets the
    refusal to raise; a new one (or one whose reply expired) is missing.
    """
    rows = await connection.fetch(
        "SELECT r.scope, r.key, r.fingerprint, r.status, r.body FROM kernel.replies r "
        "JOIN unnest($1::text[], $2::text[]) AS k (scope, key) USING (scope, key) "
        "WHERE r.expires_at > $3",
        [key.scope for key in keys],
        [key.key for key in keys],
        now,
    )
    known = {(row["scope"], row["key"]): row for row in rows}
    found: dict[ReplyKey, StoredReply | IdempotencyKeyReused] = {}
    for key in keys:
        row = known.get((key.scope, key.key))
        if row is None:
            continue
        if row["fingerprint"] == key.fingerprint:
            found[key] = StoredReply(row["status"], row["body"])
        else:
            found[key] = make_reuse_refusal(key)
    return found


def make_reuse_refusal(key: ReplyKey) -> IdempotencyKeyReused:
    """Return the refusal for a key that was used for another request."""
    return IdempotencyKeyReused(
        "This idempotency key belongs to an earlier request with other content. Send a new key "
        "for a new request.",
        field="Idempotency-Key",
        context={"key": key.key},
    )


async def store_replies(
    connection: "asyncpg.Connection[asyncpg.Record]",
    rows: Iterable[tuple[ReplyKey, StoredReply]],
    *,
    now: datetime,
    keep: timedelta = KEEP,
) -> None:
    """Store many replies with one statement, in the transaction that is open on `connection`.

    An expired reply is replaced. Raises ReplyRace if one of the keys has a reply that is still
    valid, which it got after `find_replies` looked; nothing of the transaction may then be kept.
    Two rows with one key are a mistake of the caller, which PostgreSQL refuses.
    """
    if not timedelta(0) < keep <= _KEEP_MAX:
        raise ValueError(f"Replies are kept for at most {_KEEP_MAX}, not {keep}")
    # In one order everywhere, so that two batches that share keys wait for each other only once.
    ordered = sorted(rows, key=lambda row: (row[0].scope, row[0].key))
    stored = await connection.fetch(
        """
        INSERT INTO kernel.replies AS r (scope, key, fingerprint, status, body, expires_at)
        SELECT n.scope, n.key, n.fingerprint, n.status, n.body, $6
          FROM unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::bytea[])
               AS n (scope, key, fingerprint, status, body)
            ON CONFLICT (scope, key) DO UPDATE
           SET fingerprint = excluded.fingerprint, status = excluded.status,
               body = excluded.body, expires_at = excluded.expires_at
         WHERE r.expires_at <= $7
        RETURNING 1
        """,
        [key.scope for key, _ in ordered],
        [key.key for key, _ in ordered],
        [key.fingerprint for key, _ in ordered],
        [reply.status for _, reply in ordered],
        [reply.body for _, reply in ordered],
        now + keep,
        now,
    )
    if len(stored) != len(ordered):
        raise ReplyRace("a reply to one of these requests was stored meanwhile")


def make_store(
    rows: Iterable[tuple[ReplyKey, StoredReply]], *, now: datetime, keep: timedelta = KEEP
) -> Statement:
    """Return the statement that stores replies to requests that are believed to be new.

    If one of the keys has a reply, even an expired one, it fails with a unique violation, and the
    whole transaction with it: then look with `find_replies`, and store with `store_replies`.
    """
    ordered = sorted(rows, key=lambda row: (row[0].scope, row[0].key))
    return Statement(
        "INSERT INTO kernel.replies (scope, key, fingerprint, status, body, expires_at) "
        "SELECT n.scope, n.key, n.fingerprint, n.status, n.body, $6 "
        "FROM unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::bytea[]) "
        "AS n (scope, key, fingerprint, status, body)",
        (
            [key.scope for key, _ in ordered],
            [key.key for key, _ in ordered],
            [key.fingerprint for key, _ in ordered],
            [reply.status for _, reply in ordered],
            [reply.body for _, reply in ordered],
            now + keep,
        ),
    )


async def once(
    database: Database,
    key: ReplyKey,
    command: Callable[[UnitOfWork], Awaitable[StoredReply]],
    *,
    now: datetime,
    render_refusal: Callable[[Refusal], StoredReply],
    caller: Caller = SYSTEM,
    keep: timedelta = KEEP,
) -> StoredReply:
    """Run `command` in one transaction unless its reply is known, and return the reply.

    A refusal undoes what the command did and is stored as `render_refusal` words it, with what it
    leaves. Raises
    IdempotencyKeyReused (not stored) if the key was used with other content. Faults and bugs pass
    through and leave nothing behind. Right for any number of callers, processes and retries.
    """
    for attempt in range(1, limits.TRANSACTION_RETRIES_MAX + 1):
        try:
            return await database.run(
                lambda uow: _answer(uow, key, command, render_refusal, now=now, keep=keep), caller
            )
        except ReplyRace:
            # A poster stored the reply without the lock below; the next look finds it.
            if attempt == limits.TRANSACTION_RETRIES_MAX:
                raise
    raise AssertionError("the loop returns or raises")


async def _answer(
    uow: UnitOfWork,
    key: ReplyKey,
    command: Callable[[UnitOfWork], Awaitable[StoredReply]],
    render_refusal: Callable[[Refusal], StoredReply],
    *,
    now: datetime,
    keep: timedelta,
) -> StoredReply:
    if len(key.scope) > limits.REPLY_SCOPE_LENGTH_MAX or len(key.fingerprint) != _FINGERPRINT_BYTES:
        raise ValueError("A scope has at most 64 characters and a fingerprint 32 bytes")
    # The second of two equal requests waits here instead of doing the work again only to lose the
    # race. A statement of its own: the look after it must see what the first one committed.
    await uow.execute("SELECT pg_advisory_xact_lock(:number)", number=_lock_number(key))
    connection = await uow.driver()
    known = (await find_replies(connection, [key], now=now)).get(key)
    if isinstance(known, StoredReply):
        return known
    if known is not None:
        raise known
    try:
        async with uow.connection.begin_nested():
            reply = await command(uow)
    except Refusal as refusal:
        reply = render_refusal(refusal)
        await uow.write(refusal.leaves)
    await store_replies(connection, [(key, reply)], now=now, keep=keep)
    return reply


def _lock_number(key: ReplyKey) -> int:
    digest = hashlib.sha256(f"reply {len(key.scope)} {key.scope}{key.key}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


async def prune_expired(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.PRUNE_ROWS_MAX
) -> int:
    """Delete at most `limit` expired replies; return how many."""
    rows = await uow.execute(
        """
        WITH old AS (
            SELECT scope, key FROM kernel.replies
             WHERE expires_at <= :now
             LIMIT :limit
               FOR UPDATE SKIP LOCKED
        )
        DELETE FROM kernel.replies r USING old WHERE r.scope = old.scope AND r.key = old.key
        RETURNING 1
        """,
        now=now,
        limit=limit,
    )
    return len(rows)
