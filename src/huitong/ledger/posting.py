"""Posting a batch inside a transaction: the exact way, and the fast way for plain transfers.

The exact way locks, loads, decides one by one and writes. The fast way asks the database to add
each account's net if no order of the transfers could make it refuse one; if it says that some
account is at risk, or finds a known identifier, the transaction ends and the exact way decides.
"""

import io
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from huitong.kernel import limits
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.ledger.columns import COPY_COLUMNS, POSITION_BITS, Columns, are_plain
from huitong.ledger.decide import decide
from huitong.ledger.rules import is_id_time_in_range
from huitong.ledger.store import load_books, write_decision
from huitong.ledger.types import MeterUse, Outcome, Request, Transfer, Verdict

#: SQLSTATEs that send a batch from the fast way to the exact one: our own "at risk", a known
#: identifier, a sum outside 63 bits, a constraint, a meter of an account that does not exist.
AT_RISK_STATES: Final = frozenset({"HT001", "23505", "22003", "23514", "23503"})

#: The reserved place was passed, or it came to a deadlock on the way: draw a place in turn instead.
_PASSED_STATES: Final = frozenset({"HT003", "40P01"})

_RESERVE_PLACE: Final = "SELECT place, previous, recorded_at FROM ledger.reserve_place($1)"
_LEAVE_PLACE: Final = "SELECT ledger.leave_place($1)"
_TAKE_PLACE: Final = "SELECT ledger.take_place($1, $2, $3, $4, $5, $6, $7)"
_POST_NET: Final = "SELECT sequence, recorded_at FROM ledger.post_net($1, $2, $3, $4)"
_POST_BATCH: Final = (
    "SELECT ledger.post_batch("
    + ", ".join(f"${number}" for number in range(1, 22))
    + ") AS recorded_at"
)
_NEAR_REFUSALS: Final = "SELECT id FROM ledger.refusals WHERE id BETWEEN $1 AND $2 LIMIT $3"
_NO_CAP: Final = limits.MINOR_UNITS_MAX
_NO_COUNT_CAP: Final = 2**31 - 1


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
        msgspec.structs.replace(outcome, recorded_at=recorded_at)
        if outcome.is_posted and outcome.recorded_at is None
        else outcome
        for outcome in decision.outcomes
    ]


def is_plain(requests: Sequence[Request], *, now: datetime) -> bool:
    """Whether `requests` may take the fast way: nothing about them alone could be refused."""
    transfers = [transfer for request in requests for transfer in request.entry.transfers]
    return (
        0 < len(transfers) <= limits.BATCH_TRANSFERS_MAX
        and all(request.entry.transfers for request in requests)
        and are_plain(transfers)
        and len({transfer.id for transfer in transfers}) == len(transfers)
        and all(is_id_time_in_range(transfer.id, now) for transfer in transfers)
    )


def make_fast_statement(requests: Sequence[Request]) -> Statement:
    """Return the one statement that posts requests that are `is_plain`, all or none.

    Its row is the time of recording. It fails with a state in AT_RISK_STATES if anything could be
    refused; then the requests must be posted exactly. Raises AtRisk if that is known already.
    """
    uses = _meter_arguments([use for request in requests for use in request.meters])
    transfers: list[Transfer] = []
    entries: list[uuid.UUID | None] = []
    for request in requests:
        transfers.extend(request.entry.transfers)
        entries.extend([request.entry.id] * len(request.entry.transfers))
    debits: dict[int, int] = {}
    credits_: dict[int, int] = {}
    for transfer in transfers:
        amount = transfer.amount or 0
        debits[transfer.debit_account_id] = debits.get(transfer.debit_account_id, 0) + amount
        credits_[transfer.credit_account_id] = credits_.get(transfer.credit_account_id, 0) + amount
    accounts = sorted(debits.keys() | credits_.keys())
    return Statement(
        _POST_BATCH,
        (
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
            *uses,
        ),
    )


async def post_columns(
    connection: DriverConnection, columns: Columns, *, now: datetime
) -> list[Outcome]:
    """Post a large batch of plain transfers in a transaction of its own.

    Returns an outcome for each transfer, in order. The connection must not be in a transaction.
    Raises LimitExceeded for more than COLUMNS_TRANSFERS_MAX.
    """
    _check_size(len(columns), limits.COLUMNS_TRANSFERS_MAX)
    if columns.is_sound(now):
        ways = (_post_ahead, _post_in_turn)
        for way in ways if len(columns) >= limits.COLUMNS_AHEAD_MIN else ways[1:]:
            try:
                recorded_at = await way(connection, columns)
            except AtRisk:
                break
            except asyncpg.PostgresError as error:
                if error.sqlstate in AT_RISK_STATES:
                    break
                if way is not _post_ahead or error.sqlstate not in _PASSED_STATES:
                    raise
            else:
                return [Outcome(Verdict.POSTED, recorded_at=recorded_at)] * len(columns)
    async with connection.transaction():
        requests = columns.to_requests()
        outcomes: list[Outcome] = []
        for start in range(0, len(requests), limits.BATCH_TRANSFERS_MAX):
            some = requests[start : start + limits.BATCH_TRANSFERS_MAX]
            outcomes += await post_exactly(connection, some, now=now)
        return outcomes


async def post_columns_within(uow: UnitOfWork, columns: Columns, *, now: datetime) -> list[Outcome]:
    """Post plain transfers within `uow`, and return each one's outcome, in order.

    By columns if nothing could be refused, otherwise exactly as `post_entries` does: for use cases
    whose own rows must stand with the entries or not at all. Raises LimitExceeded for more than
    BATCH_TRANSFERS_MAX.
    """
    _check_size(len(columns))
    connection = await uow.driver()
    if columns.is_sound(now):
        try:
            recorded_at = await _post_in_turn(connection, columns)
        except AtRisk:
            pass
        except asyncpg.PostgresError as error:
            if error.sqlstate not in AT_RISK_STATES:
                raise
        else:
            return [Outcome(Verdict.POSTED, recorded_at=recorded_at)] * len(columns)
    return await post_exactly(connection, columns.to_requests(), now=now)


async def _post_ahead(connection: DriverConnection, columns: Columns) -> datetime:
    """Write the journal at a reserved place, then lock the balances: only that is done in turn."""
    place = await connection.fetchrow(_RESERVE_PLACE, limits.PLACE_GAP)
    assert place is not None
    number, previous, recorded_at = place
    try:
        async with connection.transaction():
            await _copy(connection, columns, number << POSITION_BITS, recorded_at)
            await _take_place(connection, columns, number, previous)
            await _check_refusals(connection, columns)
    finally:
        # A connection that is gone has left its place with all its locks.
        if not connection.is_closed():
            await connection.execute(_LEAVE_PLACE, number)
    made_at: datetime = recorded_at
    return made_at


async def _take_place(
    connection: DriverConnection, columns: Columns, number: int, previous: int
) -> None:
    accounts, debits, credits_ = columns.net()
    await connection.execute(
        _TAKE_PLACE,
        number,
        previous,
        columns.numbers,
        accounts.tolist(),
        debits.tolist(),
        credits_.tolist(),
        columns.currency,
    )


async def _post_in_turn(connection: DriverConnection, columns: Columns) -> datetime:
    """Lock the balances, draw a place, then write the journal; in a transaction, a savepoint.

    Returns when the last of the rows were recorded.
    """
    place = None
    async with connection.transaction():
        for part in columns.split():
            accounts, debits, credits_ = part.net()
            place = await connection.fetchrow(
                _POST_NET, accounts.tolist(), debits.tolist(), credits_.tolist(), part.currency
            )
            assert place is not None
            await _copy(connection, part, place["sequence"], place["recorded_at"])
        await _check_refusals(connection, columns)
    assert place is not None, "sound columns have at least one transfer"
    recorded_at: datetime = place["recorded_at"]
    return recorded_at


async def _copy(
    connection: DriverConnection, columns: Columns, sequence: int, recorded_at: datetime
) -> None:
    # Sixteen kilobytes at a time would cost a system call each; one buffer is one write.
    await connection.copy_to_table(
        "transfers",
        schema_name="ledger",
        columns=COPY_COLUMNS,
        source=io.BytesIO(columns.encode_copy(sequence, recorded_at)),
        format="binary",
    )


async def _check_refusals(connection: DriverConnection, columns: Columns) -> None:
    """Raise AtRisk if one of the identifiers may have been refused before.

    The identifiers of a batch are neighbours in time, so this is one look at one place of an
    index. It comes after the locks: what others refused until then must be seen.
    """
    low, high = columns.bounds()
    rows = await connection.fetch(_NEAR_REFUSALS, low, high, limits.BATCH_TRANSFERS_MAX)
    if len(rows) == limits.BATCH_TRANSFERS_MAX or columns.has_any(row[0] for row in rows):
        raise AtRisk("an identifier may have been refused before")


def _meter_arguments(uses: Sequence[MeterUse]) -> tuple[list[object], ...]:
    """Return the columns of `ledger.use_meters`, one row for each meter of each account."""
    amounts: dict[tuple[int, int], int] = {}
    counts: dict[tuple[int, int], int] = {}
    first: dict[tuple[int, int], MeterUse] = {}
    for use in uses:
        key = (use.account_id, use.meter)
        amounts[key] = amounts.get(key, 0) + use.amount
        counts[key] = counts.get(key, 0) + 1
        if use.amount < 0 or amounts[key] > limits.MINOR_UNITS_MAX:
            raise AtRisk("the uses of one meter leave 63 bits")
        known = first.setdefault(key, use)
        if known is not use and (
            (use.on_day, use.day_max, use.day_count_max, use.year_max, use.total_max)
            != (known.on_day, known.day_max, known.day_count_max, known.year_max, known.total_max)
        ):
            raise AtRisk("two uses of one meter have other caps")
    keys = sorted(first)
    summed = [first[key] for key in keys]
    return (
        [account for account, _ in keys],
        [meter for _, meter in keys],
        [use.on_day for use in summed],
        [amounts[key] for key in keys],
        [counts[key] for key in keys],
        [_NO_CAP if use.day_max is None else use.day_max for use in summed],
        [_NO_COUNT_CAP if use.day_count_max is None else use.day_count_max for use in summed],
        [_NO_CAP if use.year_max is None else use.year_max for use in summed],
        [_NO_CAP if use.total_max is None else use.total_max for use in summed],
    )


def _check_size(count: int, count_max: int = limits.BATCH_TRANSFERS_MAX) -> None:
    if count > count_max:
        raise LimitExceeded(
            f"a batch holds at most {count_max} transfers, not {count}",
            field="transfers",
        )
