"""Stores and terminals of merchants: opened and closed, with the code that stands at a till."""

import uuid
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Row

from huitong import customers
from huitong.kernel import audit
from huitong.kernel.clock import SHANGHAI
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import STORE, TERMINAL, show_id
from huitong.payments.merchants import limits
from huitong.payments.merchants.errors import (
    StoreNotFound,
    TerminalClosed,
    TerminalNotFound,
    TerminalTaken,
)
from huitong.payments.merchants.plans import check_name
from huitong.payments.merchants.types import Store, StoreReport, Terminal
from huitong.payments.store.terminals import is_open_terminal, name_terminals

_ZONE: Final = ZoneInfo(SHANGHAI)
_STORES: Final = """
    SELECT id, merchant_id, name, city, opened_at, closed_at FROM payments.stores
"""
_TERMINALS: Final = """
    SELECT t.id, t.store_id, s.merchant_id, t.label, t.code_id, t.opened_at,
           least(t.closed_at, s.closed_at) AS closed_at
      FROM payments.terminals t JOIN payments.stores s ON s.id = t.store_id
"""
# Orders are made in order of time, so days are a range of an index.
_REPORT: Final = """
    SELECT s.id AS store_id, s.name, count(*) AS count, sum(o.amount)::bigint AS amount,
           sum(o.refunded)::bigint AS refunded,
           sum(o.fee - o.fee_returned - coalesce(l.plan_fee, 0))::bigint AS fee
      FROM payments.orders o
      LEFT JOIN payments.order_terminals x ON x.order_id = o.id
      LEFT JOIN payments.terminals t ON t.id = x.terminal_id
      LEFT JOIN payments.stores s ON s.id = t.store_id
      LEFT JOIN LATERAL (
            SELECT sum(l.plan_fee) AS plan_fee FROM payments.settlement_lines l
             WHERE l.order_id = o.id AND l.kind IN ('payment', 'refund')) l ON true
     WHERE o.payee_account_id = :account_id AND o.id >= :first AND o.id < :last
       AND o.merchant_id = :merchant_id AND o.status IN ('succeeded', 'partly_refunded', 'refunded')
     GROUP BY s.id, s.name ORDER BY s.name NULLS LAST, s.id
"""


async def open_store(
    uow: UnitOfWork,
    *,
    store_id: uuid.UUID,
    merchant_id: uuid.UUID,
    name: str,
    city: str,
    now: datetime,
) -> Store:
    """Open a store of a merchant; raises NotFound, InvalidField, LimitExceeded."""
    check_name(name, "name")
    check_name(city, "city", limits.CITY_LENGTH_MAX)
    await customers.get_merchant(uow, merchant_id)
    if len(await list_stores(uow, merchant_id)) >= limits.STORES_MAX:
        raise LimitExceeded(f"a merchant has at most {limits.STORES_MAX} stores")
    store = Store(
        id=store_id,
        merchant_id=merchant_id,
        name=name,
        city=city,
        opened_at=now,
        closed_at=None,
    )
    await uow.execute(
        """INSERT INTO payments.stores (id, merchant_id, name, city, opened_at)
           VALUES (:id, :merchant_id, :name, :city, :now)""",
        id=store_id,
        merchant_id=merchant_id,
        name=name,
        city=city,
        now=now,
    )
    await audit.record(
        uow, action="merchants.open_store", subject=show_id(STORE, store_id), details={}
    )
    return store


async def close_store(uow: UnitOfWork, store_id: uuid.UUID, *, now: datetime) -> Store:
    """Close a store and with it all its terminals; a closed one stays as it is.

    Raises StoreNotFound.
    """
    store = await get_store(uow, store_id, is_locked=True)
    if store.closed_at is not None:
        return store
    await uow.execute(
        "UPDATE payments.stores SET closed_at = :now WHERE id = :id", id=store_id, now=now
    )
    await audit.record(
        uow, action="merchants.close_store", subject=show_id(STORE, store_id), details={}
    )
    return replace(store, closed_at=now)


async def open_terminal(
    uow: UnitOfWork,
    *,
    terminal_id: uuid.UUID,
    store_id: uuid.UUID,
    label: str,
    code_id: uuid.UUID | None = None,
    now: datetime,
) -> Terminal:
    """Open a terminal of a store, with a static code of the merchant bound to it or without.

    Payments by that code are the terminal's. Raises StoreNotFound, InvalidField for a code that is
    not a static one of this merchant, TerminalTaken, LimitExceeded.
    """
    check_name(label, "label", limits.LABEL_LENGTH_MAX)
    store = await get_store(uow, store_id, is_locked=True)
    if store.closed_at is not None:
        raise StoreNotFound("the store is closed", field="store")
    if code_id is not None:
        kind = await uow.fetch_value(
            """SELECT kind FROM payments.merchant_codes
                WHERE id = :id AND merchant_id = :merchant_id""",
            id=code_id,
            merchant_id=store.merchant_id,
        )
        if kind != "static":
            raise InvalidField("must be a static code of the merchant", field="code")
    known = await list_terminals(uow, store_id)
    if len(known) >= limits.TERMINALS_OF_STORE_MAX:
        raise LimitExceeded(f"a store has at most {limits.TERMINALS_OF_STORE_MAX} terminals")
    row = await uow.fetch_one(
        """INSERT INTO payments.terminals (id, store_id, label, code_id, opened_at)
           VALUES (:id, :store_id, :label, :code_id, :now)
               ON CONFLICT DO NOTHING RETURNING id""",
        id=terminal_id,
        store_id=store_id,
        label=label,
        code_id=code_id,
        now=now,
    )
    if row is None:
        raise TerminalTaken("another terminal has that label or code", field="label")
    await audit.record(
        uow, action="merchants.open_terminal", subject=show_id(TERMINAL, terminal_id), details={}
    )
    return await get_terminal(uow, terminal_id)


async def close_terminal(uow: UnitOfWork, terminal_id: uuid.UUID, *, now: datetime) -> Terminal:
    """Close a terminal for good, and free its code; raises TerminalNotFound."""
    terminal = await get_terminal(uow, terminal_id)
    if terminal.closed_at is None:
        await uow.execute(
            """UPDATE payments.terminals SET closed_at = :now, code_id = NULL
                WHERE id = :id AND closed_at IS NULL""",
            id=terminal_id,
            now=now,
        )
        await audit.record(
            uow,
            action="merchants.close_terminal",
            subject=show_id(TERMINAL, terminal_id),
            details={},
        )
    return await get_terminal(uow, terminal_id)


async def name_terminal(
    uow: UnitOfWork, *, order_id: uuid.UUID, merchant_id: uuid.UUID, terminal_id: uuid.UUID
) -> None:
    """Write down at which terminal of its merchant an order was made, once.

    Raises TerminalNotFound for one that is not the merchant's, and TerminalClosed.
    """
    if not await is_open_terminal(uow, terminal_id, merchant_id=merchant_id):
        terminal = await get_terminal(uow, terminal_id)
        shown = show_id(TERMINAL, terminal_id)
        if terminal.merchant_id != merchant_id:
            raise TerminalNotFound(f"there is no terminal {shown}", field="terminal")
        raise TerminalClosed(f"{shown} is closed", field="terminal")
    await uow.write([name_terminals([(order_id, terminal_id)])])


async def get_store(uow: UnitOfWork, store_id: uuid.UUID, *, is_locked: bool = False) -> Store:
    """Return a store; raises StoreNotFound."""
    statement = _LOCK_STORE if is_locked else _FIND_STORE
    row = await uow.fetch_one(statement, id=store_id)
    if row is None:
        raise StoreNotFound(f"there is no store {show_id(STORE, store_id)}")
    return Store(**row._asdict())


async def get_terminal(uow: UnitOfWork, terminal_id: uuid.UUID) -> Terminal:
    """Return a terminal; it is closed from when its store was. Raises TerminalNotFound."""
    row = await uow.fetch_one(f"{_TERMINALS} WHERE t.id = :id", id=terminal_id)
    if row is None:
        raise TerminalNotFound(f"there is no terminal {show_id(TERMINAL, terminal_id)}")
    return _read_terminal(row)


async def list_stores(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[Store]:
    """Return a merchant's stores, closed ones too, first opened first."""
    rows = await uow.execute(f"{_STORES} WHERE merchant_id = :id ORDER BY id", id=merchant_id)
    return [Store(**row._asdict()) for row in rows]


async def list_terminals(uow: UnitOfWork, store_id: uuid.UUID) -> list[Terminal]:
    """Return a store's terminals, closed ones too, first opened first."""
    rows = await uow.execute(f"{_TERMINALS} WHERE t.store_id = :id ORDER BY t.id", id=store_id)
    return [_read_terminal(row) for row in rows]


async def report_by_store(
    uow: UnitOfWork, merchant_id: uuid.UUID, *, first_day: date, last_day: date
) -> list[StoreReport]:
    """Return what was paid at each store on days, both included, by when payments were begun.

    The last row, without a store, is what names no terminal. `fee` is net of what refunds gave
    back, by the plan as far as sheets have the payments. Raises NotFound, InvalidField for a
    period that is turned around or above REPORT_DAYS_MAX days.
    """
    days = (last_day - first_day).days + 1
    if not 1 <= days <= limits.REPORT_DAYS_MAX:
        raise InvalidField(f"must be 1 to {limits.REPORT_DAYS_MAX} days", field="last_day")
    merchant = await customers.get_merchant(uow, merchant_id)
    rows = await uow.execute(
        _REPORT,
        account_id=merchant.account_id,
        merchant_id=merchant_id,
        first=_first_id(first_day, 0),
        last=_first_id(last_day, 1),
    )
    return [StoreReport(**row._asdict()) for row in rows]


def _first_id(day: date, later: int) -> uuid.UUID:
    """Return the least identifier that carries the beginning of a day, `later` days later."""
    instant = datetime.combine(date.fromordinal(day.toordinal() + later), time(), _ZONE)
    return uuid.UUID(int=int(instant.timestamp() * 1_000) << 80)


def _read_terminal(row: Row[Any]) -> Terminal:
    return Terminal(**row._asdict())


_FIND_STORE: Final = f"{_STORES} WHERE id = :id"
_LOCK_STORE: Final = f"{_FIND_STORE} FOR UPDATE"
