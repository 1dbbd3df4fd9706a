"""The ledger's SQL for posting: lock and load what a batch touches, write what was decided.

Everything takes and returns whole batches. The connection is the driver's, inside the caller's
transaction.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.ledger.books import (
    AccountBook,
    Books,
    HoldBook,
    JournalRow,
    KnownRefusal,
    KnownTransfer,
    MeterBook,
)
from huitong.ledger.decide import Decision
from huitong.ledger.types import (
    RESOLVING_KINDS,
    AccountState,
    BalanceLimit,
    Reason,
    Request,
    TransferKind,
)

#: How a hold's state is stored; None is pending.
_HOLD_STATES: Final = (
    None,
    TransferKind.POST_PENDING,
    TransferKind.VOID_PENDING,
    TransferKind.EXPIRE_PENDING,
)

# The conflict locks a meter that is there without changing it; one that is not is made, because
# nobody can lock a row that does not exist, and the first two uses would not see each other.
_LOCK_METERS: Final = """
INSERT INTO ledger.meters AS m (account_id, meter, on_day, day_used, day_count, year_used,
                                total_used)
SELECT n.account_id, n.meter, n.on_day, 0, 0, 0, 0
  FROM unnest($1::bigint[], $2::smallint[], $3::date[]) n(account_id, meter, on_day)
  JOIN ledger.accounts a ON a.id = n.account_id
 ORDER BY n.account_id, n.meter
    ON CONFLICT (account_id, meter) DO UPDATE SET on_day = m.on_day WHERE false
"""

_FIND_METERS: Final = """
SELECT m.account_id, m.meter, m.on_day, m.day_used, m.day_count, m.year_used, m.total_used
  FROM ledger.meters m
 WHERE (m.account_id, m.meter) IN (SELECT * FROM unnest($1::bigint[], $2::smallint[]))
"""

_LOCK_BALANCES: Final = """
SELECT account_id, currency, state, limits, balance_max,
       debits_posted, credits_posted, debits_pending, credits_pending
  FROM ledger.balances
 WHERE account_id = ANY($1::bigint[])
 ORDER BY account_id
   FOR NO KEY UPDATE
"""

_FIND_HOLDS: Final = """
SELECT id, debit_account_id, credit_account_id, amount, currency, expires_at, state, posted_amount,
       resolved_by
  FROM ledger.holds
 WHERE id = ANY($1::uuid[])
"""

_FIND_TRANSFERS: Final = """
SELECT id, debit_account_id, credit_account_id, amount, effective_on, currency, code, kind,
       entry_id, pending_id, corrects_id, recorded_at
  FROM ledger.transfers
 WHERE id = ANY($1::uuid[])
"""

_FIND_REFUSALS: Final = """
SELECT id, fingerprint, reason, position, account_id FROM ledger.refusals WHERE id = ANY($1::uuid[])
"""

_ADD_TO_BALANCES: Final = """
UPDATE ledger.balances b
   SET debits_posted = b.debits_posted + n.debits_posted,
       credits_posted = b.credits_posted + n.credits_posted,
       debits_pending = b.debits_pending + n.debits_pending,
       credits_pending = b.credits_pending + n.credits_pending
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
       n(account_id, debits_posted, credits_posted, debits_pending, credits_pending)
 WHERE b.account_id = n.account_id
"""

_TAKE_PLACE: Final = """
SELECT sequence, recorded_at FROM ledger.draw_place()
"""

_APPEND_TRANSFERS: Final = """
INSERT INTO ledger.transfers (id, sequence, recorded_at, debit_account_id, credit_account_id,
                              amount, effective_on, currency, code, kind, entry_id, pending_id,
                              corrects_id)
SELECT t.id, $12::bigint + t.position, $13::timestamptz, t.debit, t.credit, t.amount,
       t.effective_on, t.currency, t.code, t.kind, t.entry, t.pending, t.corrects
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::date[], $6::char(3)[],
              $7::smallint[], $8::smallint[], $9::uuid[], $10::uuid[], $11::uuid[])
       WITH ORDINALITY t(id, debit, credit, amount, effective_on, currency, code, kind, entry,
                         pending, corrects, position)
"""

_ADD_HOLDS: Final = """
INSERT INTO ledger.holds (id, debit_account_id, credit_account_id, amount, currency, expires_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::char(3)[],
                     $6::timestamptz[])
"""

_RESOLVE_HOLDS: Final = """
UPDATE ledger.holds h
   SET state = n.state, posted_amount = n.posted_amount, resolved_by = n.resolved_by
  FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::uuid[])
       n(id, state, posted_amount, resolved_by)
 WHERE h.id = n.id AND h.state = 0
"""

_PUT_METERS: Final = """
INSERT INTO ledger.meters AS m (account_id, meter, on_day, day_used, day_count, year_used,
                                total_used)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::date[], $4::bigint[], $5::integer[],
                     $6::bigint[], $7::bigint[])
    ON CONFLICT (account_id, meter) DO UPDATE
   SET on_day = excluded.on_day, day_used = excluded.day_used, day_count = excluded.day_count,
       year_used = excluded.year_used, total_used = excluded.total_used
"""

_REMEMBER_REFUSALS: Final = """
INSERT INTO ledger.refusals (id, fingerprint, reason, position, account_id)
SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::smallint[], $5::bigint[]) n(id)
 ORDER BY n.id
    ON CONFLICT (id) DO NOTHING
"""


async def load_books(connection: DriverConnection, requests: Sequence[Request]) -> Books:
    """Lock, in one order for everybody, what `requests` touch, and return it.

    Meters first, then balances, each by id. Holds need no lock of their own: whoever resolves one
    holds the locks of both of its balances.
    """
    transfers = [transfer for request in requests for transfer in request.entry.transfers]
    books = Books()
    held_ids = {t.pending_id for t in transfers if t.pending_id is not None}
    held_ids.update(t.id for t in transfers if t.kind is TransferKind.PENDING)
    await _lock_meters(connection, requests, books)
    holds = await _find_holds(connection, held_ids)
    numbers = {n for t in transfers for n in (t.debit_account_id, t.credit_account_id) if n > 0}
    numbers.update(n for h in holds.values() for n in (h.debit_account_id, h.credit_account_id))
    numbers.update(use.account_id for request in requests for use in request.meters)
    await _lock_balances(connection, numbers, books)
    # Again, now that nobody can resolve them any more; the accounts of a hold never change.
    books.holds = await _find_holds(connection, held_ids)
    await _find_known(connection, [t.id for t in transfers], books)
    await _find_holds_of_known(connection, books)
    return books


async def _lock_meters(
    connection: DriverConnection, requests: Sequence[Request], books: Books
) -> None:
    days: dict[tuple[int, int], date] = {}
    for request in requests:
        for use in request.meters:
            key = (use.account_id, use.meter)
            days[key] = min(use.on_day, days.get(key, use.on_day))
    if not days:
        return
    accounts = [account for account, _ in days]
    meters = [meter for _, meter in days]
    await connection.execute(_LOCK_METERS, accounts, meters, list(days.values()))
    for row in await connection.fetch(_FIND_METERS, accounts, meters):
        books.meters[row[0], row[1]] = MeterBook(*tuple(row)[2:])


async def _lock_balances(connection: DriverConnection, numbers: set[int], books: Books) -> None:
    for row in await connection.fetch(_LOCK_BALANCES, sorted(numbers)):
        books.accounts[row[0]] = AccountBook(
            row[1], AccountState(row[2]), BalanceLimit(row[3]), *tuple(row)[4:]
        )


async def _find_holds(
    connection: DriverConnection, identifiers: Iterable[uuid.UUID]
) -> dict[uuid.UUID, HoldBook]:
    wanted = list(identifiers)
    if not wanted:
        return {}
    return {
        row[0]: HoldBook(
            row[1], row[2], row[3], row[4], row[5], _HOLD_STATES[row[6]], row[7], row[8]
        )
        for row in await connection.fetch(_FIND_HOLDS, wanted)
    }


async def _find_known(
    connection: DriverConnection, identifiers: list[uuid.UUID], books: Books
) -> None:
    for row in await connection.fetch(_FIND_TRANSFERS, identifiers):
        journal = JournalRow(
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], TransferKind(row[7]),
            row[8], row[9], row[10],
        )  # fmt: skip
        books.transfers[row[0]] = KnownTransfer(journal, row[11])
    for row in await connection.fetch(_FIND_REFUSALS, identifiers):
        books.refusals[row[0]] = KnownRefusal(row[1], Reason(row[2]), row[3], row[4])


async def _find_holds_of_known(connection: DriverConnection, books: Books) -> None:
    # A known id may come back with another kind; comparing needs the hold that the journal names.
    missing = {
        known.row.pending_id
        for known in books.transfers.values()
        if known.row.kind in RESOLVING_KINDS and known.row.pending_id not in books.holds
    }
    books.holds.update(await _find_holds(connection, (m for m in missing if m is not None)))


async def write_decision(
    connection: DriverConnection,
    decision: Decision,
    books: Books,
    totals_before: dict[int, tuple[int, int, int, int]],
) -> datetime | None:
    """Write what was decided; returns when it was recorded, or None if nothing was posted."""
    recorded_at = None
    if decision.journal:
        await _write_meters(connection, decision, books)
        await _write_balances(connection, books, totals_before)
        recorded_at = await _write_journal(connection, decision.journal)
        await _write_holds(connection, decision, books)
    if decision.refusals:
        known = decision.refusals
        await connection.execute(
            _REMEMBER_REFUSALS,
            list(known),
            [refusal.fingerprint for refusal in known.values()],
            [str(refusal.reason) for refusal in known.values()],
            [refusal.index for refusal in known.values()],
            [refusal.account_id for refusal in known.values()],
        )
    return recorded_at


async def _write_balances(
    connection: DriverConnection, books: Books, totals_before: dict[int, tuple[int, int, int, int]]
) -> None:
    changes = [
        (number, *(after - before for after, before in zip(book.totals, totals, strict=True)))
        for number, totals in totals_before.items()
        if (book := books.accounts[number]).totals != totals
    ]
    # A hold that is made and voided in one batch leaves every total as it was.
    if changes:
        await connection.execute(_ADD_TO_BALANCES, *map(list, zip(*changes, strict=True)))


async def _write_journal(connection: DriverConnection, rows: Sequence[JournalRow]) -> datetime:
    place = await connection.fetchrow(_TAKE_PLACE)
    assert place is not None
    recorded_at: datetime = place["recorded_at"]
    await connection.execute(
        _APPEND_TRANSFERS,
        [row.id for row in rows],
        [row.debit_account_id for row in rows],
        [row.credit_account_id for row in rows],
        [row.amount for row in rows],
        [row.effective_on for row in rows],
        [row.currency for row in rows],
        [row.code for row in rows],
        [row.kind for row in rows],
        [row.entry_id for row in rows],
        [row.pending_id for row in rows],
        [row.corrects_id for row in rows],
        place["sequence"],
        recorded_at,
    )
    return recorded_at


async def _write_holds(connection: DriverConnection, decision: Decision, books: Books) -> None:
    if decision.holds_made:
        made = [(identifier, books.holds[identifier]) for identifier in decision.holds_made]
        await connection.execute(
            _ADD_HOLDS,
            [identifier for identifier, _ in made],
            [hold.debit_account_id for _, hold in made],
            [hold.credit_account_id for _, hold in made],
            [hold.amount for _, hold in made],
            [hold.currency for _, hold in made],
            [hold.expires_at for _, hold in made],
        )
    if decision.holds_resolved:
        resolved = [(identifier, books.holds[identifier]) for identifier in decision.holds_resolved]
        status = await connection.execute(
            _RESOLVE_HOLDS,
            [identifier for identifier, _ in resolved],
            [_HOLD_STATES.index(hold.resolution) for _, hold in resolved],
            [hold.posted_amount for _, hold in resolved],
            [hold.resolved_by for _, hold in resolved],
        )
        assert status == f"UPDATE {len(resolved)}", "a hold was resolved under its locks"


async def _write_meters(connection: DriverConnection, decision: Decision, books: Books) -> None:
    if not decision.meters_used:
        return
    used = [(*key, books.meters[key]) for key in sorted(decision.meters_used)]
    await connection.execute(
        _PUT_METERS,
        [account for account, _, _ in used],
        [meter for _, meter, _ in used],
        [book.on_day for _, _, book in used],
        [book.day_used for _, _, book in used],
        [book.day_count for _, _, book in used],
        [book.year_used for _, _, book in used],
        [book.total_used for _, _, book in used],
    )
