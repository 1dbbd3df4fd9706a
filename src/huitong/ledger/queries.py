"""Reads of accounts, balances, transfers and holds, one thing or one page at a time."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded, NotFound
from huitong.kernel.ids import ENTRY, TRANSFER, show_id
from huitong.kernel.money import Money
from huitong.ledger.numbers import show_account
from huitong.ledger.types import (
    Account,
    AccountState,
    Balance,
    BalanceLimit,
    Side,
    TransferKind,
)
from huitong.ledger.views import (
    Hold,
    MeterReading,
    Page,
    RecordedTransfer,
    check_limit,
    read_cursor,
)

_ACCOUNTS: Final = """
    SELECT a.id, a.chart_code, a.currency, a.name, a.owner_id, a.system_key, c.normal_side,
           a.opened_at, a.closed_at
      FROM ledger.accounts a JOIN ledger.chart c ON c.code = a.chart_code
"""
_BALANCES: Final = """
    SELECT b.account_id, b.currency, b.state, b.limits, b.balance_max, c.normal_side,
           b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending
      FROM ledger.balances b
      JOIN ledger.accounts a ON a.id = b.account_id
      JOIN ledger.chart c ON c.code = a.chart_code
"""
_STATES: Final = (
    "SELECT account_id, state FROM ledger.balances WHERE account_id = ANY($1::text::bigint[])"
)
# A look is a tenth of what making a member by its value takes.
_STATE_OF: Final = {state.value: state for state in AccountState}
_METERS: Final = """
    SELECT meter, on_day, day_used, year_used, total_used
      FROM ledger.meters WHERE account_id = :account_id
"""
_TRANSFERS: Final = """
    SELECT id, sequence, recorded_at, debit_account_id, credit_account_id, amount, currency,
           effective_on, code, kind, entry_id, pending_id, corrects_id
      FROM ledger.transfers
"""
# The two sides apart, so that each one is read from its own small index of open holds.
_OPEN_HOLDS: Final = """
    SELECT id, debit_account_id, credit_account_id, amount, posted_amount, currency, expires_at,
           state, resolved_by
      FROM (SELECT * FROM ledger.holds WHERE debit_account_id = :account_id AND state = 0
             UNION ALL
            SELECT * FROM ledger.holds WHERE credit_account_id = :account_id AND state = 0) h
     WHERE CAST(:after_id AS uuid) IS NULL OR id > CAST(:after_id AS uuid)
     ORDER BY id
     LIMIT :count
"""
_HOLD: Final = """
    SELECT id, debit_account_id, credit_account_id, amount, posted_amount, currency, expires_at,
           state, resolved_by
      FROM ledger.holds WHERE id = :id
"""
_RESOLUTIONS: Final = (
    None,
    TransferKind.POST_PENDING,
    TransferKind.VOID_PENDING,
    TransferKind.EXPIRE_PENDING,
)


async def get_account(uow: UnitOfWork, account_id: int) -> Account:
    """Return an account; raises NotFound."""
    row = await uow.fetch_one(f"{_ACCOUNTS} WHERE a.id = :id", id=account_id)
    if row is None:
        raise _no_account(account_id)
    return _read_account(row)


async def find_system_account(uow: UnitOfWork, key: str) -> Account | None:
    """Return the account of our own books that has this system key, or None."""
    row = await uow.fetch_one(f"{_ACCOUNTS} WHERE a.system_key = :key", key=key)
    return None if row is None else _read_account(row)


async def list_accounts(
    uow: UnitOfWork,
    *,
    owner_id: uuid.UUID | None = None,
    chart_code: str | None = None,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[Account]:
    """Return a page of accounts, oldest number first: all, those of an owner, or of a chart code.

    Raises InvalidField for a cursor that no page gave, or a limit that is out of range.
    """
    values: dict[str, object] = {"count": check_limit(limit) + 1, "after_id": 0}
    conditions = ["a.id > :after_id"]
    if cursor is not None:
        values["after_id"] = read_cursor(cursor)
    if owner_id is not None:
        conditions.append("a.owner_id = :owner_id")
        values["owner_id"] = owner_id
    if chart_code is not None:
        conditions.append("a.chart_code = :chart_code")
        values["chart_code"] = chart_code
    rows = await uow.execute(
        f"{_ACCOUNTS} WHERE {' AND '.join(conditions)} ORDER BY a.id LIMIT :count", **values
    )
    accounts = tuple(_read_account(row) for row in rows[:limit])
    return Page(accounts, str(accounts[-1].id) if len(rows) > limit else None)


async def list_accounts_of(uow: UnitOfWork, owner_id: uuid.UUID) -> tuple[Account, ...]:
    """Return every account of an owner, oldest number first: for people, who have few."""
    rows = await uow.execute(
        f"{_ACCOUNTS} WHERE a.owner_id = :owner_id ORDER BY a.id", owner_id=owner_id
    )
    return tuple(_read_account(row) for row in rows)


async def get_balance(uow: UnitOfWork, account_id: int) -> Balance:
    """Return an account's totals, state and limits; raises NotFound."""
    row = await uow.fetch_one(f"{_BALANCES} WHERE b.account_id = :id", id=account_id)
    if row is None:
        raise _no_account(account_id)
    return _read_balance(row)


async def get_balances(uow: UnitOfWork, account_ids: Sequence[int]) -> dict[int, Balance]:
    """Return the balances of accounts, all at one instant, by account.

    Raises NotFound naming the first account that does not exist, LimitExceeded for more than
    BATCH_TRANSFERS_MAX accounts.
    """
    if len(account_ids) > limits.BATCH_TRANSFERS_MAX:
        raise LimitExceeded(
            f"At most {limits.BATCH_TRANSFERS_MAX} balances are read at a time", field="account_ids"
        )
    rows = await uow.execute(
        f"{_BALANCES} WHERE b.account_id = ANY(CAST(:ids AS bigint[]))", ids=list(account_ids)
    )
    found = {row.account_id: _read_balance(row) for row in rows}
    for account_id in account_ids:
        if account_id not in found:
            raise _no_account(account_id)
    return found


async def find_states(uow: UnitOfWork, account_ids: Sequence[int]) -> dict[int, AccountState]:
    """Return the state of each account that exists, in one query for however many."""
    rows = await (await uow.driver()).fetch(_STATES, write_array(list(account_ids)))
    return {account_id: _STATE_OF[state] for account_id, state in rows}


async def get_meters(uow: UnitOfWork, account_id: int) -> dict[int, MeterReading]:
    """Return how far each meter of an account has come; a meter that was never used has none."""
    rows = await uow.execute(_METERS, account_id=account_id)
    return {
        row.meter: MeterReading(
            on_day=row.on_day,
            day_used=row.day_used,
            year_used=row.year_used,
            total_used=row.total_used,
        )
        for row in rows
    }


async def get_transfer(uow: UnitOfWork, transfer_id: uuid.UUID) -> RecordedTransfer:
    """Return a transfer as it stands in the journal; raises NotFound."""
    row = await uow.fetch_one(f"{_TRANSFERS} WHERE id = :id", id=transfer_id)
    if row is None:
        shown = show_id(TRANSFER, transfer_id)
        raise NotFound(f"there is no transfer {shown}", context={"id": shown})
    return _read_transfer(row)


async def get_entry(uow: UnitOfWork, entry_id: uuid.UUID) -> tuple[RecordedTransfer, ...]:
    """Return the linked transfers of an entry, in their order; raises NotFound."""
    rows = await uow.execute(f"{_TRANSFERS} WHERE entry_id = :id ORDER BY sequence", id=entry_id)
    if not rows:
        shown = show_id(ENTRY, entry_id)
        raise NotFound(f"there is no entry {shown}", context={"id": shown})
    return tuple(_read_transfer(row) for row in rows)


async def list_corrections(uow: UnitOfWork, transfer_id: uuid.UUID) -> tuple[RecordedTransfer, ...]:
    """Return the transfers that name this one as the one they correct, oldest first.

    At most PAGE_SIZE_MAX: more corrections of one transfer would be a mistake of its own.
    """
    rows = await uow.execute(
        f"{_TRANSFERS} WHERE corrects_id = :id ORDER BY sequence LIMIT :count",
        id=transfer_id,
        count=limits.PAGE_SIZE_MAX,
    )
    return tuple(_read_transfer(row) for row in rows)


async def get_hold(uow: UnitOfWork, hold_id: uuid.UUID) -> Hold:
    """Return a pending transfer and what became of it; raises NotFound."""
    row = await uow.fetch_one(_HOLD, id=hold_id)
    if row is None:
        shown = show_id(TRANSFER, hold_id)
        raise NotFound(f"there is no pending transfer {shown}", context={"id": shown})
    return _read_hold(row)


async def list_holds(
    uow: UnitOfWork,
    account_id: int,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[Hold]:
    """Return a page of the holds that still reserve money of an account, oldest first.

    Holds on both sides count: money held to go out, and money held to come in.
    """
    after_id = None if cursor is None else _read_hold_cursor(cursor)
    rows = await uow.execute(
        _OPEN_HOLDS, account_id=account_id, after_id=after_id, count=check_limit(limit) + 1
    )
    holds = tuple(_read_hold(row) for row in rows[:limit])
    return Page(holds, holds[-1].id.hex if len(rows) > limit else None)


def _no_account(account_id: int) -> NotFound:
    shown = show_account(account_id)
    return NotFound(f"there is no account {shown}", context={"id": shown})


def _read_hold_cursor(cursor: str) -> uuid.UUID:
    try:
        identifier = uuid.UUID(hex=cursor)
    except ValueError:
        identifier = None
    if identifier is None or identifier.hex != cursor:
        raise InvalidField("cursor must be the next_cursor of an earlier page", field="cursor")
    return identifier


def _read_account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        chart_code=row.chart_code,
        currency=row.currency,
        name=row.name,
        owner_id=row.owner_id,
        system_key=row.system_key,
        normal_side=Side(row.normal_side),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _read_balance(row: Row[Any]) -> Balance:
    return Balance(
        account_id=row.account_id,
        currency=row.currency,
        state=AccountState(row.state),
        limits=BalanceLimit(row.limits),
        balance_max=row.balance_max,
        normal_side=Side(row.normal_side),
        debits_posted=row.debits_posted,
        credits_posted=row.credits_posted,
        debits_pending=row.debits_pending,
        credits_pending=row.credits_pending,
    )


def _read_transfer(row: Row[Any]) -> RecordedTransfer:
    return RecordedTransfer(
        id=row.id,
        sequence=row.sequence,
        recorded_at=row.recorded_at,
        debit_account_id=row.debit_account_id,
        credit_account_id=row.credit_account_id,
        amount=Money(row.amount, row.currency),
        effective_on=row.effective_on,
        code=row.code,
        kind=TransferKind(row.kind),
        entry_id=row.entry_id,
        pending_id=row.pending_id,
        corrects_id=row.corrects_id,
    )


def _read_hold(row: Row[Any]) -> Hold:
    return Hold(
        id=row.id,
        debit_account_id=row.debit_account_id,
        credit_account_id=row.credit_account_id,
        amount=Money(row.amount, row.currency),
        posted=Money(row.posted_amount, row.currency),
        expires_at=row.expires_at,
        resolution=_RESOLUTIONS[row.state],
        resolved_by=row.resolved_by,
    )
