"""The baseline of most systems: one transaction a transfer, with row locks, on eight connections.

Same tables, same rules, same durability, statements prepared by the driver, and locks in one
order so that there are no deadlocks. What is missing is only the idea of a batch.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import asyncpg

from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger import Columns, Request, Transfer

CONNECTIONS: Final = 8

_LOCK: Final = """
SELECT account_id, currency, state, limits, balance_max, debits_posted, credits_posted,
       debits_pending, credits_pending
  FROM ledger.balances WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE
"""
_DEBIT: Final = (
    "UPDATE ledger.balances SET debits_posted = debits_posted + $2 WHERE account_id = $1"
)
_CREDIT: Final = (
    "UPDATE ledger.balances SET credits_posted = credits_posted + $2 WHERE account_id = $1"
)
_INSERT: Final = """
INSERT INTO ledger.transfers (id, sequence, recorded_at, debit_account_id, credit_account_id,
                              amount, effective_on, currency, code, kind)
VALUES ($1, (nextval('ledger.batches') << 16) + 1, clock_timestamp(), $2, $3, $4, $5, $6, $7, 0)
"""


async def run(database: Database, columns: Columns, seconds: float) -> tuple[int, float]:
    """Post transfers for `seconds`; returns how many, and how long it took in seconds."""
    connections = [await database.connect() for _ in range(CONNECTIONS)]
    try:
        waiting = iter(columns.to_requests())
        started = time.perf_counter()
        counts = await asyncio.gather(
            *(_run_one(connection, waiting, started + seconds) for connection in connections)
        )
        return sum(counts), time.perf_counter() - started
    finally:
        for connection in connections:
            await connection.close()


async def _run_one(
    connection: DriverConnection, waiting: Iterator[Request], deadline: float
) -> int:
    count = 0
    for request in waiting:
        await post_one(connection, request.entry.transfers[0])
        count += 1
        if time.perf_counter() >= deadline:
            break
    return count


async def post_one(connection: DriverConnection, transfer: Transfer) -> None:
    """Post one transfer in a transaction of its own."""
    amount = transfer.amount
    assert amount is not None
    accounts = sorted((transfer.debit_account_id, transfer.credit_account_id))
    async with connection.transaction():
        rows = {row["account_id"]: row for row in await connection.fetch(_LOCK, accounts)}
        payer, payee = rows[transfer.debit_account_id], rows[transfer.credit_account_id]
        _check(payer, payee, transfer.currency, amount)
        await connection.execute(_DEBIT, transfer.debit_account_id, amount)
        await connection.execute(_CREDIT, transfer.credit_account_id, amount)
        await connection.execute(
            _INSERT,
            transfer.id,
            transfer.debit_account_id,
            transfer.credit_account_id,
            amount,
            transfer.effective_on,
            transfer.currency,
            transfer.code,
        )


def _check(payer: asyncpg.Record, payee: asyncpg.Record, currency: str, amount: int) -> None:
    if payer["currency"] != currency or payee["currency"] != currency:
        raise AssertionError("the accounts have another currency")
    if payer["state"] != 0 or payee["state"] > 1:
        raise AssertionError("an account is frozen or closed")
    available = payer["credits_posted"] - payer["debits_posted"] - payer["debits_pending"]
    if payer["limits"] == 1 and available < amount:
        raise AssertionError("the payer has not enough")
    if payee["balance_max"] is not None:
        held = payee["credits_posted"] + payee["credits_pending"] - payee["debits_posted"]
        if held + amount > payee["balance_max"]:
            raise AssertionError("the payee may not have so much")
