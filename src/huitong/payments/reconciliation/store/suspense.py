"""Items of suspense in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.reconciliation.types import ClearedTo, SuspenseItem, SuspenseSide

_ITEM: Final = """
    SELECT id, break_id, account_id, side, amount, currency, opened_at, cleared_id, cleared_to,
           cleared_at
      FROM payments.recon_suspense
"""
_ADD: Final = """
    INSERT INTO payments.recon_suspense (id, break_id, account_id, side, amount, currency,
                                         opened_at)
    VALUES (:id, :break_id, :account_id, :side, :amount, :currency, :opened_at)
"""
_CLEAR: Final = """
    UPDATE payments.recon_suspense
       SET cleared_id = :cleared_id, cleared_to = :cleared_to,
           cleared_at = greatest(opened_at, :now)
     WHERE id = :id
"""
_BALANCES: Final = """
    SELECT a.id, a.system_key, a.currency, abs(b.credits_posted - b.debits_posted) AS amount
      FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
     WHERE a.system_key LIKE 'payments.reconciliation.payable.___'
        OR a.system_key LIKE 'payments.reconciliation.receivable.___'
        OR a.system_key LIKE 'payments.channel_suspense.___'
        OR a.system_key LIKE 'payments.unattributed.___'
     ORDER BY a.system_key
"""


async def add_item(uow: UnitOfWork, item: SuspenseItem) -> None:
    """Write down money that was put into suspense."""
    await uow.execute(
        _ADD,
        id=item.id,
        break_id=item.break_id,
        account_id=item.account_id,
        side=item.side.value,
        amount=item.amount.minor,
        currency=item.amount.currency,
        opened_at=item.opened_at,
    )


async def find_item(
    uow: UnitOfWork, item_id: uuid.UUID, *, is_locked: bool = False
) -> SuspenseItem | None:
    """Return an item, or None."""
    row = await uow.fetch_one(
        f"{_ITEM} WHERE id = :id{' FOR UPDATE' if is_locked else ''}", id=item_id
    )
    return None if row is None else _read(row)


async def list_open_items(
    uow: UnitOfWork, *, after: uuid.UUID | None, limit: int
) -> list[SuspenseItem]:
    """Return the items that are open, the oldest first."""
    rows = await uow.execute(
        f"{_ITEM} WHERE cleared_id IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after) "
        "ORDER BY id LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def list_items_of(uow: UnitOfWork, break_id: uuid.UUID) -> list[SuspenseItem]:
    """Return the items of a break."""
    rows = await uow.execute(f"{_ITEM} WHERE break_id = :id ORDER BY id", id=break_id)
    return [_read(row) for row in rows]


async def clear_item(
    uow: UnitOfWork, item_id: uuid.UUID, *, cleared_id: uuid.UUID, to: ClearedTo, now: datetime
) -> None:
    """Write down which transfer emptied an item."""
    await uow.execute(_CLEAR, id=item_id, cleared_id=cleared_id, cleared_to=to.value, now=now)


async def list_balances(uow: UnitOfWork) -> list[tuple[str, Money]]:
    """Return what every account of suspense holds, channels' own included, by system key."""
    return [
        (row.system_key, Money(row.amount, row.currency)) for row in await uow.execute(_BALANCES)
    ]


def _read(row: Row[Any]) -> SuspenseItem:
    return SuspenseItem(
        id=row.id,
        break_id=row.break_id,
        account_id=row.account_id,
        side=SuspenseSide(row.side),
        amount=Money(row.amount, row.currency),
        opened_at=row.opened_at,
        cleared_id=row.cleared_id,
        cleared_to=None if row.cleared_to is None else ClearedTo(row.cleared_to),
        cleared_at=row.cleared_at,
    )
