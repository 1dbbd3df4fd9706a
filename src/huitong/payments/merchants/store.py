"""Settled accounts, sheets and reserves in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.limits import APPROVAL_CONCERNS_MAX
from huitong.payments.merchants.types import (
    AccountLine,
    LineKind,
    PayoutWay,
    Role,
    SettledAccount,
    Sheet,
    SheetLine,
    Tranche,
)

_ACCOUNT: Final = """
    account_id, merchant_id, role, currency, payout_account_id, reserve_account_id,
    owed_account_id, number, line_to, carried, settled_until, due_at, volume_month, volume,
    opened_at, closed_at
"""
_ACCOUNTS: Final = f"SELECT {_ACCOUNT} FROM payments.settled_accounts"  # noqa: S608 - our own text
_SHEET: Final = """
    id, account_id, merchant_id, number, terms_version, cutoff_at, made_at, currency, line_from,
    line_to, line_count, opening, payments, refunds, fees, shares, chargebacks, dispute_fees,
    others, plan_fees, advanced, recovered, recovered_direct, reserve_held, reserve_released,
    payout, carried, reserve_after, owed_after, payout_way, payout_tries, payout_order_id, entry_id
"""
_SHEETS: Final = f"SELECT {_SHEET} FROM payments.settlement_sheets"  # noqa: S608 - our own text
# A line is of its business day: at the time that it was recorded if that is in the day, and at the
# day's beginning if it was booked for the day later. Sheets take lines in their order, so one that
# stands behind the first line after the cut-off is in the next sheet. A payment's order has the
# transfer's id (instant ones), or names the transfer, or was held under its own id.
_IS_LINE_MISSING: Final = """
    SELECT EXISTS (
        SELECT FROM ledger.transfers t CROSS JOIN ledger.projection p
         WHERE t.sequence > p.sequence AND t.kind IN (0, 2)
           AND (t.debit_account_id = :account_id OR t.credit_account_id = :account_id)
           AND CASE WHEN (t.recorded_at AT TIME ZONE 'Asia/Shanghai')::date = t.effective_on
                    THEN t.recorded_at
                    ELSE t.effective_on::timestamp AT TIME ZONE 'Asia/Shanghai' END < :cutoff_at)
"""
_READ_LINES: Final = """
    WITH first_lines AS MATERIALIZED (
        SELECT line, transfer_id, code, -side * amount AS amount,
               CASE WHEN (recorded_at AT TIME ZONE 'Asia/Shanghai')::date = effective_on
                    THEN recorded_at
                    ELSE effective_on::timestamp AT TIME ZONE 'Asia/Shanghai' END AS happened_at
          FROM ledger.lines
         WHERE account_id = $1 AND line > $2
         ORDER BY line LIMIT $4
    ), taken AS (
        SELECT * FROM first_lines
         WHERE line < coalesce((SELECT min(line) FROM first_lines WHERE happened_at >= $3),
                               9223372036854775807)
    )
    SELECT t.line, t.transfer_id, t.code, t.amount, t.happened_at,
           coalesce(o.id, n.id, h.id, p.id, s.order_id) AS order_id,
           coalesce(o.kind, n.kind, h.kind) AS order_kind,
           coalesce(r.fee_returned, o.fee, n.fee, h.fee, 0) AS charged,
           coalesce(p.amount, 0) AS paid, e.happened_at AS paid_at,
           p.fee - e.plan_fee AS fee_paid, coalesce(e.refunded, 0) AS refunded_before
      FROM taken t
      LEFT JOIN payments.orders o ON t.code = 301 AND o.id = t.transfer_id
      LEFT JOIN payments.orders n ON t.code IN (301, 303) AND o.id IS NULL
            AND n.transfer_id = t.transfer_id
            AND n.kind IN ('checkout', 'dynamic_qr', 'customer_code', 'authorisation')
      LEFT JOIN ledger.transfers j ON t.code = 301 AND o.id IS NULL AND n.id IS NULL
            AND j.id = t.transfer_id
      LEFT JOIN payments.orders h ON h.id = j.pending_id
      LEFT JOIN payments.refunds r ON t.code = 311 AND r.id = t.transfer_id
      LEFT JOIN payments.orders p ON p.id = r.order_id AND p.payee_account_id = $1
      LEFT JOIN payments.shares s ON t.code = 411 AND s.id = t.transfer_id
      LEFT JOIN LATERAL (
            SELECT max(x.happened_at) FILTER (WHERE x.kind = 'payment') AS happened_at,
                   max(x.plan_fee) FILTER (WHERE x.kind = 'payment') AS plan_fee,
                   (sum(-x.amount) FILTER (WHERE x.kind = 'refund'))::bigint AS refunded
              FROM payments.settlement_lines x
             WHERE x.order_id = p.id AND x.account_id = $1 AND x.kind IN ('payment', 'refund')) e
            ON p.id IS NOT NULL
     ORDER BY t.line
"""
_FIND_SHEET: Final = f"{_SHEETS} WHERE id = :id"
_LOCK_SHEET: Final = f"{_FIND_SHEET} FOR UPDATE"
_INSERT_ACCOUNT: Final = f"""
    INSERT INTO payments.settled_accounts ({_ACCOUNT})
    VALUES (:account_id, :merchant_id, :role, :currency, :payout_account_id, :reserve_account_id,
            :owed_account_id, :number, :line_to, :carried, :settled_until, :due_at, :volume_month,
            :volume, :opened_at, :closed_at)
        ON CONFLICT DO NOTHING
    RETURNING account_id
"""  # noqa: S608 - our own text
_INSERT_SHEET: Final = f"""
    INSERT INTO payments.settlement_sheets ({_SHEET})
    VALUES (:id, :account_id, :merchant_id, :number, :terms_version, :cutoff_at, :made_at,
            :currency, :line_from, :line_to, :line_count, :opening, :payments, :refunds, :fees,
            :shares, :chargebacks, :dispute_fees, :others, :plan_fees, :advanced, :recovered,
            :recovered_direct, :reserve_held, :reserve_released, :payout, :carried,
            :reserve_after, :owed_after, :payout_way, :payout_tries, :payout_order_id, :entry_id)
"""  # noqa: S608 - our own text
_INSERT_LINES: Final = """
    INSERT INTO payments.settlement_lines (account_id, line, sheet_id, transfer_id, kind, amount,
                                           plan_fee, order_id, happened_at)
    SELECT $1, n.line, $2, n.transfer_id, n.kind, n.amount, n.plan_fee, n.order_id, n.happened_at
      FROM unnest($3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::uuid[],
                  $9::timestamptz[])
           n(line, transfer_id, kind, amount, plan_fee, order_id, happened_at)
"""
_SAVE_ACCOUNT: Final = """
    UPDATE payments.settled_accounts
       SET number = :number, line_to = :line_to, carried = :carried,
           settled_until = :settled_until, due_at = :due_at, volume_month = :volume_month,
           volume = :volume
     WHERE account_id = :account_id
"""
_TAKE_DUE: Final = f"""
    {_ACCOUNTS}
     WHERE due_at <= :now AND closed_at IS NULL AND account_id > :after
     ORDER BY account_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# A payout is asked for until it has an order; one that the bank refused waits for somebody's word.
_TAKE_PAYOUT: Final = f"""
    {_SHEETS}
     WHERE payout_way = 'bank' AND payout > 0 AND payout_order_id IS NULL AND id > :after
     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""


async def insert_account(uow: UnitOfWork, account: SettledAccount) -> bool:
    """Write down an account that is settled from now on; False if it is there already."""
    row = await uow.fetch_one(_INSERT_ACCOUNT, **_values(account))
    return row is not None


async def lock_account(uow: UnitOfWork, account_id: int) -> SettledAccount | None:
    """Return a settled account under lock, before any lock of the ledger."""
    row = await uow.fetch_one(f"{_ACCOUNTS} WHERE account_id = :id FOR UPDATE", id=account_id)
    return None if row is None else _read_account(row)


async def take_due_account(uow: UnitOfWork, *, now: datetime, after: int) -> SettledAccount | None:
    """Return the next account that is due and that nobody else is settling, under lock."""
    row = await uow.fetch_one(_TAKE_DUE, now=now, after=after)
    return None if row is None else _read_account(row)


async def list_accounts(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[SettledAccount]:
    """Return a merchant's settled accounts: its own first, then its receivers'."""
    rows = await uow.execute(
        f"{_ACCOUNTS} WHERE merchant_id = :id ORDER BY role, account_id", id=merchant_id
    )
    return [_read_account(row) for row in rows]


async def find_merchant_account(uow: UnitOfWork, merchant_id: uuid.UUID) -> SettledAccount | None:
    """Return the merchant's own settled account, or None before it has terms."""
    row = await uow.fetch_one(
        f"{_ACCOUNTS} WHERE merchant_id = :id AND role = 'merchant'", id=merchant_id
    )
    return None if row is None else _read_account(row)


async def list_people(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the customers who act for a business now."""
    rows = await uow.execute(
        """SELECT DISTINCT customer_id FROM payments.business_users
            WHERE merchant_id = :id AND ended_at IS NULL ORDER BY customer_id LIMIT :limit""",
        id=merchant_id,
        limit=APPROVAL_CONCERNS_MAX,
    )
    return [row.customer_id for row in rows]


async def set_due(uow: UnitOfWork, account_id: int, due_at: datetime) -> None:
    """Say when a worker looks at an account next."""
    await uow.execute(
        "UPDATE payments.settled_accounts SET due_at = :due_at WHERE account_id = :id",
        id=account_id,
        due_at=due_at,
    )


async def close_account(uow: UnitOfWork, account_id: int, now: datetime) -> None:
    """Settle an account no more."""
    await uow.execute(
        "UPDATE payments.settled_accounts SET closed_at = :now WHERE account_id = :id",
        id=account_id,
        now=now,
    )


async def is_line_missing(uow: UnitOfWork, account_id: int, cutoff_at: datetime) -> bool:
    """Whether anything moved an account before a cut-off that is not a statement line yet."""
    return bool(await uow.fetch_value(_IS_LINE_MISSING, account_id=account_id, cutoff_at=cutoff_at))


async def read_lines(
    uow: UnitOfWork, account: SettledAccount, *, cutoff_at: datetime, count: int
) -> list[AccountLine]:
    """Return the first statement lines that no sheet has yet and that were before a cut-off.

    The movements of sheets are among them.
    """
    connection = await uow.driver()
    rows = await connection.fetch(
        _READ_LINES, account.account_id, account.line_to, cutoff_at, count
    )
    return [AccountLine(**dict(row)) for row in rows]


async def insert_sheet(uow: UnitOfWork, sheet: Sheet, lines: Sequence[SheetLine]) -> None:
    """Write a sheet and its lines."""
    await uow.execute(_INSERT_SHEET, **_values(sheet))
    connection = await uow.driver()
    await connection.execute(
        _INSERT_LINES,
        sheet.account_id,
        sheet.id,
        [line.line for line in lines],
        [line.transfer_id for line in lines],
        [line.kind.value for line in lines],
        [line.amount for line in lines],
        [line.plan_fee for line in lines],
        [line.order_id for line in lines],
        [line.happened_at for line in lines],
    )


async def save_account(uow: UnitOfWork, account: SettledAccount) -> None:
    """Write how far an account is settled."""
    values = _values(account)
    names = ("number", "line_to", "carried", "settled_until", "due_at", "volume_month", "volume")
    await uow.execute(
        _SAVE_ACCOUNT, account_id=account.account_id, **{name: values[name] for name in names}
    )


async def list_tranches(uow: UnitOfWork, account_id: int) -> list[Tranche]:
    """Return what is kept of a reserve, what is released first first."""
    rows = await uow.execute(
        """SELECT id, remaining, release_on FROM payments.reserve_tranches
            WHERE account_id = :id AND remaining > 0 ORDER BY release_on, id""",
        id=account_id,
    )
    return [Tranche(id=row.id, remaining=row.remaining, release_on=row.release_on) for row in rows]


async def add_tranche(uow: UnitOfWork, sheet: Sheet, release_on: object) -> None:
    """Keep what a sheet held back until a day."""
    await uow.execute(
        """INSERT INTO payments.reserve_tranches (account_id, sheet_id, amount, remaining,
                                                  release_on)
           VALUES (:account_id, :sheet_id, :amount, :amount, :release_on)""",
        account_id=sheet.account_id,
        sheet_id=sheet.id,
        amount=sheet.reserve_held,
        release_on=release_on,
    )


async def find_sheet(
    uow: UnitOfWork, sheet_id: uuid.UUID, *, is_locked: bool = False
) -> Sheet | None:
    """Return a sheet, or None."""
    statement = _LOCK_SHEET if is_locked else _FIND_SHEET
    row = await uow.fetch_one(statement, id=sheet_id)
    return None if row is None else _read_sheet(row)


async def list_sheets(
    uow: UnitOfWork, merchant_id: uuid.UUID | None, *, before: uuid.UUID | None, limit: int
) -> list[Sheet]:
    """Return sheets of a merchant and its receivers, or of all, newest first."""
    rows = await uow.execute(
        f"""{_SHEETS}
             WHERE (CAST(:merchant_id AS uuid) IS NULL OR merchant_id = :merchant_id)
               AND (CAST(:before AS uuid) IS NULL OR id < :before)
             ORDER BY id DESC LIMIT :limit""",
        merchant_id=merchant_id,
        before=before,
        limit=limit,
    )
    return [_read_sheet(row) for row in rows]


async def list_lines(
    uow: UnitOfWork, sheet_id: uuid.UUID, *, after: int, limit: int
) -> list[SheetLine]:
    """Return lines of a sheet in order."""
    rows = await uow.execute(
        """SELECT line, transfer_id, kind, amount, plan_fee, order_id, happened_at
             FROM payments.settlement_lines
            WHERE sheet_id = :id AND line > :after ORDER BY line LIMIT :limit""",
        id=sheet_id,
        after=after,
        limit=limit,
    )
    return [SheetLine(**{**row._asdict(), "kind": LineKind(row.kind)}) for row in rows]


async def take_payout(uow: UnitOfWork, *, after: uuid.UUID) -> Sheet | None:
    """Return the next sheet whose payout no bank was asked for yet, under lock."""
    row = await uow.fetch_one(_TAKE_PAYOUT, after=after)
    return None if row is None else _read_sheet(row)


async def set_payout_order(uow: UnitOfWork, sheet: Sheet, order_id: uuid.UUID | None) -> None:
    """Write which order pays a sheet out; None so that it is asked for once more."""
    tries = sheet.payout_tries + (order_id is not None)
    await uow.execute(
        """UPDATE payments.settlement_sheets SET payout_order_id = :order_id, payout_tries = :tries
            WHERE id = :id""",
        id=sheet.id,
        order_id=order_id,
        tries=tries,
    )


def _values(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _read_account(row: Row[Any]) -> SettledAccount:
    return SettledAccount(**{**row._asdict(), "role": Role(row.role)})


def _read_sheet(row: Row[Any]) -> Sheet:
    return Sheet(**{**row._asdict(), "payout_way": PayoutWay(row.payout_way)})
