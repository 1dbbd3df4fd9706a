"""Posting a batch inside a transaction: the exact way, and the fast way for plain transfers.

The exact way locks, loads, decides one by one and writes. The fast way asks the database to add
each account's net if no order of the transfers could make it refuse one; if it says that some
account is at risk, or finds a known identifier, the transaction ends and the exact way decides.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import asyncpg

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.ledger.columns import COPY_COLUMNS, Columns, are_plain
from huitong.ledger.decide import decide
from huitong.ledger.rules import is_id_time_in_range
from huitong.ledger.store import load_books, write_decision
from huitong.ledger.types import MeterUse, Outcome, Request, Transfer, Verdict

#: SQLSTATEs that send a batch from the fast way to the exact one: our own "at risk", a known
#: identifier, a sum outside 63 bits, a constraint, a meter of an account that does not exist.
AT_RISK_STATES: Final = frozenset({"HT001", "23505", "22003", "23514", "23503"})

_POST_NET: Final = "SELECT sequence, recorded_at FROM ledger.post_net($1, $2, $3, $4)"
_POST_PLAIN: Final = """
SELECT recorded_at
  FROM ledger.post_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_NEAR_REFUSALS: Final = "SELECT id FROM ledger.refusals WHERE id BETWEEN $1 AND $2 LIMIT $3"
_METERS_WITHIN_CAPS: Final = """
INSERT INTO ledger.meters AS m (account_id, meter, on_day, day_used, day_count, year_used,
                                total_used)
SELECT n.account_id, n.meter, n.on_day, n.used, n.count, n.used, n.used
  FROM unnest($1::bigint[], $2::smallint[], $3::date[], $4::bigint[], $5::integer[], $6::bigint[],
              $7::integer[], $8::bigint[], $9::bigint[])
       n(account_id, meter, on_day, used, count, day_max, day_count_max, year_max, total_max)
 WHERE n.used <= least(n.day_max, n.year_max, n.total_max) AND n.count <= n.day_count_max
    ON CONFLICT (account_id, meter) DO UPDATE
   SET on_day = excluded.on_day,
       day_used = CASE WHEN m.on_day = excluded.on_day THEN m.day_used ELSE 0 END
                  + excluded.day_used,
       day_count = CASE WHEN m.on_day = excluded.on_day THEN m.day_count ELSE 0 END
                   + excluded.day_count,
       year_used = CASE WHEN date_trunc('year', m.on_day) = date_trunc('year', excluded.on_day)
                        THEN m.year_used ELSE 0 END + excluded.year_used,
       total_used = m.total_used + excluded.total_used
 WHERE m.on_day <= excluded.on_day
RETURNING m.account_id, m.meter, m.day_used, m.day_count, m.year_used, m.total_used
"""


class AtRisk(Exception):
    """The fast way cannot say yes to all; nothing stands, and the exact way must decide."""


async def post_entries(
    uow: UnitOfWork, requests: Sequence[Request], *, now: datetime
) -> list[Outcome]:
    """Post `requests` in order within `uow` and return each one's outcome.

    For use cases: the entries stand if and when the unit of work commits. A refusal is an
    outcome, not an exception. Raises LimitExceeded for more than BATCH_TRANSFERS_MAX transfers.
    """
    return await post_exactly(await uow.driver(), requests, now=now)


async def post_exactly(
    connection: DriverConnection, requests: Sequence[Request], *, now: datetime
) -> list[Outcome]:
    """Lock, load, decide and write, inside the caller's transaction."""
    _check_size(sum(len(request.entry.transfers) for request in requests))
    if not requests:
        return []
    books = await load_books(connection, requests)
    totals_before = {number: book.totals for number, book in books.accounts.items()}
    decision = decide(requests, books, now=now)
    recorded_at = await write_decision(connection, decision, books, totals_before)
    return [
        replace(outcome, recorded_at=recorded_at)
        if outcome.is_posted and outcome.recorded_at is None
        else outcome
        for outcome in decision.outcomes
    ]


def is_plain(requests: Sequence[Request], *, now: datetime) -> bool:
    """Whether `requests` may take the fast way: nothing about them alone could be refused."""
    transfers = [transfer for request in requests for transfer in request.entry.transfers]
    return (
        bool(transfers)
        and all(request.entry.transfers for request in requests)
        and are_plain(transfers)
        and len({transfer.id for transfer in transfers}) == len(transfers)
        and all(is_id_time_in_range(transfer.id, now) for transfer in transfers)
    )


async def post_fast(connection: DriverConnection, requests: Sequence[Request]) -> datetime:
    """Post requests that are `is_plain`, all or none; returns when they were recorded.

    Raises AtRisk, or the driver's error with a state in AT_RISK_STATES: then the transaction
    must be rolled back and the requests posted exactly.
    """
    transfers: list[Transfer] = []
    entries = []
    for request in requests:
        transfers.extend(request.entry.transfers)
        entries.extend([request.entry.id] * len(request.entry.transfers))
    _check_size(len(transfers))
    if any(request.meters for request in requests):
        await _use_meters(connection, requests)
    debits: dict[int, int] = {}
    credits_: dict[int, int] = {}
    for transfer in transfers:
        amount = transfer.amount or 0
        debits[transfer.debit_account_id] = debits.get(transfer.debit_account_id, 0) + amount
        credits_[transfer.credit_account_id] = credits_.get(transfer.credit_account_id, 0) + amount
    accounts = sorted(debits.keys() | credits_.keys())
    return await connection.fetchval(  # type: ignore[no-any-return]
        _POST_PLAIN,
        accounts,
        [debits.get(account, 0) for account in accounts],
        [credits_.get(account, 0) for account in accounts],
        transfers[0].currency,
        [transfer.id for transfer in transfers],
        [transfer.debit_account_id for transfer in transfers],
        [transfer.credit_account_id for transfer in transfers],
        [transfer.amount for transfer in transfers],
        [transfer.code for transfer in transfers],
        [transfer.effective_on for transfer in transfers],
        entries,
        [transfer.corrects_id for transfer in transfers],
    )


async def post_columns(
    connection: DriverConnection, columns: Columns, *, now: datetime
) -> list[Outcome]:
    """Post a large batch of plain transfers in a transaction of its own.

    Returns an outcome for each transfer, in order. The connection must not be in a transaction.
    """
    _check_size(len(columns))
    if columns.is_sound(now):
        try:
            async with connection.transaction():
                recorded_at = await _post_columns_fast(connection, columns)
            return [Outcome(Verdict.POSTED, recorded_at=recorded_at)] * len(columns)
        except AtRisk:
            pass
        except asyncpg.PostgresError as error:
            if error.sqlstate not in AT_RISK_STATES:
                raise
    async with connection.transaction():
        return await post_exactly(connection, columns.to_requests(), now=now)


async def _post_columns_fast(connection: DriverConnection, columns: Columns) -> datetime:
    accounts, debits, credits_ = columns.net()
    place = await connection.fetchrow(
        _POST_NET, accounts.tolist(), debits.tolist(), credits_.tolist(), columns.currency
    )
    assert place is not None
    recorded_at: datetime = place["recorded_at"]
    # Sixteen kilobytes at a time would cost a system call each; one buffer is one write.
    await connection.copy_to_table(
        "transfers",
        schema_name="ledger",
        columns=COPY_COLUMNS,
        source=io.BytesIO(columns.encode_copy(place["sequence"], recorded_at)),
        format="binary",
    )
    # The identifiers of a batch are neighbours in time, so this is one look at one place of an
    # index. It comes after the locks: what others refused until then must be seen.
    low, high = columns.bounds()
    rows = await connection.fetch(_NEAR_REFUSALS, low, high, limits.BATCH_TRANSFERS_MAX)
    if len(rows) == limits.BATCH_TRANSFERS_MAX or columns.has_any(row[0] for row in rows):
        raise AtRisk("an identifier may have been refused before")
    return recorded_at


async def _use_meters(connection: DriverConnection, requests: Sequence[Request]) -> None:
    """Count all uses against their caps in one statement; raises AtRisk if any cap could bind."""
    amounts: dict[tuple[int, int], int] = {}
    counts: dict[tuple[int, int], int] = {}
    first: dict[tuple[int, int], MeterUse] = {}
    for request in requests:
        for use in request.meters:
            key = (use.account_id, use.meter)
            if use.amount < 0:
                raise AtRisk("a use is negative")
            amounts[key] = amounts.get(key, 0) + use.amount
            counts[key] = counts.get(key, 0) + 1
            if amounts[key] > limits.MINOR_UNITS_MAX:
                raise AtRisk("the uses of one meter leave 63 bits")
            known = first.setdefault(key, use)
            if (use.on_day, use.day_max, use.day_count_max, use.year_max, use.total_max) != (
                known.on_day, known.day_max, known.day_count_max, known.year_max, known.total_max,
            ):  # fmt: skip
                raise AtRisk("two uses of one meter have other caps")
    uses = [first[key] for key in sorted(first)]
    no_cap = limits.MINOR_UNITS_MAX
    rows = await connection.fetch(
        _METERS_WITHIN_CAPS,
        [use.account_id for use in uses],
        [use.meter for use in uses],
        [use.on_day for use in uses],
        [amounts[use.account_id, use.meter] for use in uses],
        [counts[use.account_id, use.meter] for use in uses],
        [no_cap if use.day_max is None else use.day_max for use in uses],
        [2**31 - 1 if use.day_count_max is None else use.day_count_max for use in uses],
        [no_cap if use.year_max is None else use.year_max for use in uses],
        [no_cap if use.total_max is None else use.total_max for use in uses],
    )
    if len(rows) != len(uses):
        raise AtRisk("a use alone is above a cap")
    for account, meter, day_used, day_count, year_used, total_used in rows:
        use = first[account, meter]
        for used, cap in (
            (day_used, use.day_max),
            (day_count, use.day_count_max),
            (year_used, use.year_max),
            (total_used, use.total_max),
        ):
            if cap is not None and used > cap:
                raise AtRisk("a cap binds")


def _check_size(count: int) -> None:
    if count > limits.BATCH_TRANSFERS_MAX:
        raise LimitExceeded(
            f"a batch holds at most {limits.BATCH_TRANSFERS_MAX} transfers, not {count}",
            field="transfers",
        )
