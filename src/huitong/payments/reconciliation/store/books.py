"""Orders and attempts beside the journal: what does not agree since the last look."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import TransferCode
from huitong.payments.reconciliation import limits

ATTEMPTS: Final = "attempts"
_CODES: Final = (int(TransferCode.TOP_UP), int(TransferCode.WITHDRAWAL))
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_NOTHING: Final = uuid.UUID(int=0)
#: Between an attempt's end and the time in the id of its transfer there is none, but clocks of
#: several processes are not one.
_MARGIN: Final = timedelta(hours=1)

_READ_MARK: Final = """
    INSERT INTO payments.recon_marks (name) VALUES (:name) ON CONFLICT (name) DO NOTHING
"""
_LAST_ATTEMPT: Final = """
    SELECT updated_at, id FROM (
        SELECT updated_at, id FROM payments.channel_orders
         WHERE state IN ('succeeded', 'failed') AND (updated_at, id) > ($1, $2) AND updated_at < $3
         ORDER BY updated_at, id LIMIT $4
    ) x ORDER BY updated_at DESC, id DESC LIMIT 1
"""
# A paid attempt has one posted transfer over our account with the channels, on the right side, and
# an order that is paid or whose money is kept apart; one that failed has none, and its order is
# paid only if another attempt or a late success carried it.
_UNLIKE_ATTEMPTS: Final = """
    WITH ended AS (
        SELECT c.id, c.order_id, c.channel, c.direction, c.state, c.fee, c.updated_at, o.amount,
               o.currency, o.status, o.failure_code, b.transfer_id IS NOT NULL AS is_late,
               CASE WHEN c.state = 'succeeded' THEN o.transfer_id ELSE b.transfer_id END
                   AS transfer_id
          FROM payments.channel_orders c
          JOIN payments.orders o ON o.id = c.order_id
          LEFT JOIN payments.channel_breaks b
                 ON b.channel_order_id = c.id AND b.kind = 'success_after_failure'
         WHERE c.state IN ('succeeded', 'failed')
           AND (c.updated_at, c.id) > ($1, $2) AND (c.updated_at, c.id) <= ($3, $4)
    )
    SELECT e.*, t.amount AS posted, t.currency AS posted_currency,
           CASE WHEN t.debit_account_id = a.id THEN 'in'
                WHEN t.credit_account_id = a.id THEN 'out' END AS posted_direction,
           t.id IS NOT NULL AS is_posted
      FROM ended e
      LEFT JOIN ledger.transfers t ON t.id = e.transfer_id AND t.kind IN (0, 2)
      LEFT JOIN ledger.accounts a ON a.system_key = 'payments.channel.' || t.currency
     WHERE CASE
           WHEN e.state = 'succeeded' OR e.is_late THEN
               (t.amount = e.amount AND t.currency = e.currency
                AND CASE e.direction WHEN 'in' THEN t.debit_account_id
                                     ELSE t.credit_account_id END = a.id
                AND (e.is_late OR e.status IN ('succeeded', 'partly_refunded', 'refunded')
                     OR e.failure_code = 'account_cannot_be_credited')) IS NOT TRUE
           ELSE e.status IN ('succeeded', 'partly_refunded', 'refunded')
                AND NOT EXISTS (SELECT FROM payments.channel_orders x
                                 WHERE x.order_id = e.order_id AND x.state = 'succeeded')
                AND NOT EXISTS (SELECT FROM payments.channel_orders x
                                  JOIN payments.channel_breaks y ON y.channel_order_id = x.id
                                 WHERE x.order_id = e.order_id)
           END
     LIMIT $5
"""
_CHANNEL_ACCOUNTS: Final = """
    SELECT id, currency, system_key FROM ledger.accounts
     WHERE system_key LIKE 'payments.channel.___' ORDER BY id
"""
# Ids carry the time at which they were made: the attempts of these lines ended then.
_LINES_RANGE: Final = """
    SELECT max(line) AS line, min(transfer_id::text COLLATE "C") AS first,
           max(transfer_id::text COLLATE "C") AS last
      FROM (SELECT line, transfer_id FROM ledger.lines
             WHERE account_id = $1 AND line > $2 ORDER BY line LIMIT $3) x
"""
_UNEXPLAINED: Final = """
    SELECT l.transfer_id, l.side, l.amount, l.other_id, l.code, l.recorded_at
      FROM ledger.lines l
      JOIN ledger.accounts a ON a.id = l.other_id AND a.system_key IS NULL
     WHERE l.account_id = $1 AND l.line > $2 AND l.line <= $3 AND l.code = ANY($4::smallint[])
       AND NOT EXISTS (SELECT FROM payments.channel_orders c
                         JOIN payments.orders o ON o.id = c.order_id
                        WHERE o.transfer_id = l.transfer_id
                          AND c.updated_at BETWEEN $5 AND $6)
       AND NOT EXISTS (SELECT FROM payments.channel_breaks b WHERE b.transfer_id = l.transfer_id)
     LIMIT $7
"""
# The payment that an entry repeats: the same accounts, amount and direction within a day.
_REPEATED: Final = """
    SELECT DISTINCT ON (u.transfer_id) u.transfer_id, c.id, c.order_id, c.channel
      FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[])
               AS u(transfer_id, other_id, amount, direction, at)
      JOIN payments.orders o
        ON o.amount = u.amount AND o.currency = $6
       AND CASE o.kind WHEN 'top_up' THEN o.payee_account_id ELSE o.payer_account_id END
           = u.other_id
      JOIN payments.channel_orders c
        ON c.order_id = o.id AND c.direction = u.direction AND c.state = 'succeeded'
       AND c.updated_at BETWEEN u.at - interval '1 day' AND u.at + interval '1 day'
     WHERE o.transfer_id <> u.transfer_id AND c.updated_at BETWEEN $7 AND $8
     ORDER BY u.transfer_id, abs(extract(epoch FROM c.updated_at - u.at)), c.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far something was compared."""

    at: datetime
    id: uuid.UUID
    line: int


async def lock_mark(uow: UnitOfWork, name: str) -> Mark:
    """Return a mark that nobody else moves now; it begins before everything."""
    await uow.execute(_READ_MARK, name=name)
    row = await uow.fetch_one(
        "SELECT at, id, line FROM payments.recon_marks WHERE name = :name FOR UPDATE", name=name
    )
    assert row is not None
    return Mark(at=row.at or _EPOCH, id=row.id or _NOTHING, line=row.line)


async def move_mark(uow: UnitOfWork, name: str, mark: Mark) -> None:
    """Move a mark on."""
    await uow.execute(
        "UPDATE payments.recon_marks SET at = :at, id = :id, line = :line WHERE name = :name",
        name=name,
        at=mark.at,
        id=mark.id,
        line=mark.line,
    )


async def allow_much(uow: UnitOfWork) -> None:
    """Give this transaction the time and the memory for comparing many rows at once."""
    driver = await uow.driver()
    await driver.execute(
        f"SET LOCAL statement_timeout = '{limits.MATCH_SECONDS_MAX}s'; "
        f"SET LOCAL work_mem = '{limits.JOIN_MEMORY}'"
    )


async def find_last_attempt(
    uow: UnitOfWork, mark: Mark, *, before: datetime, count: int
) -> Mark | None:
    """Return the last of the next `count` attempts that ended after a mark; None if none did."""
    driver = await uow.driver()
    row = await driver.fetchrow(_LAST_ATTEMPT, mark.at, mark.id, before, count)
    return None if row is None else Mark(at=row["updated_at"], id=row["id"], line=0)


async def find_unlike_attempts(
    uow: UnitOfWork, mark: Mark, last: Mark, *, limit: int
) -> Sequence[Any]:
    """Return the attempts between two marks that the journal or their order contradicts."""
    driver = await uow.driver()
    rows: Sequence[Any] = await driver.fetch(
        _UNLIKE_ATTEMPTS, mark.at, mark.id, last.at, last.id, limit
    )
    return rows


async def list_channel_accounts(uow: UnitOfWork) -> list[tuple[int, str]]:
    """Return our accounts with channels, with their currencies."""
    return [(row.id, row.currency) for row in await uow.execute(_CHANNEL_ACCOUNTS)]


async def find_lines_range(
    uow: UnitOfWork, account_id: int, *, after: int, count: int
) -> tuple[int, datetime, datetime] | None:
    """Return the last of the next `count` lines of an account, and the times of their transfers."""
    driver = await uow.driver()
    row = await driver.fetchrow(_LINES_RANGE, account_id, after, count)
    assert row is not None
    if row["line"] is None:
        return None
    first, last = (read_time(uuid.UUID(row[name])) for name in ("first", "last"))
    return row["line"], first - _MARGIN, last + _MARGIN


async def find_unexplained(
    uow: UnitOfWork,
    account_id: int,
    after: int,
    reach: tuple[int, datetime, datetime],
    *,
    limit: int,
) -> Sequence[Any]:
    """Return the customers' money that moved over an account with a channel without an order."""
    driver = await uow.driver()
    last, begin, end = reach
    rows: Sequence[Any] = await driver.fetch(
        _UNEXPLAINED, account_id, after, last, list(_CODES), begin, end, limit
    )
    return rows


async def find_repeated(
    uow: UnitOfWork,
    entries: Sequence[tuple[uuid.UUID, int, int, str, datetime]],
    currency: str,
    begin: datetime,
    end: datetime,
) -> dict[uuid.UUID, Any]:
    """Return for entries (transfer, other account, amount, direction, time) whom each repeats."""
    driver, day = await uow.driver(), timedelta(days=1)
    columns = [list(column) for column in zip(*entries, strict=True)]
    rows = await driver.fetch(_REPEATED, *columns, currency, begin - day, end + day)
    return {row["transfer_id"]: row for row in rows}


def read_time(identifier: uuid.UUID) -> datetime:
    """Return the time that an identifier of version 7 carries."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)
