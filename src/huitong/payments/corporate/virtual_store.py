"""Collection accounts, their parts, and payments that came in, in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.corporate.rows import (
    bytes_or_none,
    lock_name,
    minor_or_none,
    money_or_none,
)
from huitong.payments.corporate.virtual_types import (
    Finding,
    Master,
    MatchedBy,
    PayIn,
    VirtualAccount,
    VirtualPurpose,
)

_ADD_MASTER: Final = """
    INSERT INTO payments.virtual_masters (id, merchant_id, account_id, currency, opened_at)
    VALUES (:id, :merchant_id, :account_id, :currency, :now)
    ON CONFLICT (merchant_id) DO NOTHING
    RETURNING id
"""
_MASTERS: Final = """
    SELECT m.id, m.serial, m.merchant_id, m.account_id, m.currency, m.next_serial, m.held
      FROM payments.virtual_masters m
"""
_ADD_ACCOUNT: Final = """
    INSERT INTO payments.virtual_accounts (id, master_id, number, purpose, reference, payer,
                                           payer_index, expected, tolerance, due_on, opened_at)
    VALUES (:id, :master_id, :number, :purpose, :reference, :payer, :payer_index, :expected,
            :tolerance, :due_on, :opened_at)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
_ACCOUNTS: Final = """
    SELECT a.id, a.master_id, a.number, a.purpose, a.reference, a.payer, a.payer_index, a.expected,
           a.tolerance, a.due_on, a.received, a.balance, a.opened_at, a.closed_at, m.currency
      FROM payments.virtual_accounts a JOIN payments.virtual_masters m ON m.id = a.master_id
"""
_OPEN: Final = f"""
    {_ACCOUNTS}
     WHERE a.master_id = :master_id AND a.closed_at IS NULL AND a.purpose <> 'unmatched'
     ORDER BY a.id LIMIT :count
"""
_LIST: Final = f"""
    {_ACCOUNTS}
     WHERE a.master_id = :master_id AND (CAST(:before AS uuid) IS NULL OR a.id < :before)
     ORDER BY a.id DESC LIMIT :count
"""
_ADD_TO_BALANCE: Final = """
    UPDATE payments.virtual_accounts
       SET received = received + :received, balance = balance + :balance WHERE id = :id
"""
_ADD_ENTRY: Final = """
    INSERT INTO payments.virtual_entries (account_id, amount, pay_in_id, transfer_id, entered_at)
    VALUES (:account_id, :amount, :pay_in_id, :transfer_id, :now)
"""
_ADD_PAY_IN: Final = """
    INSERT INTO payments.pay_ins (id, channel, bank_reference, digest, amount, currency, number,
                                  subject_id, payer, payer_index, remittance, master_id, account_id,
                                  matched_by, finding, transfer_id, received_at, matched_at)
    VALUES (:id, :channel, :bank_reference, :digest, :amount, :currency, :number, :subject_id,
            :payer, :payer_index, :remittance, :master_id, :account_id, :matched_by, :finding,
            :transfer_id, :received_at, :matched_at)
"""
_PAY_INS: Final = """
    SELECT id, channel, bank_reference, digest, amount, currency, number, subject_id, payer,
           payer_index, remittance, master_id, account_id, matched_by, finding, transfer_id,
           received_at, matched_at, resolution, resolved_at
      FROM payments.pay_ins
"""
_QUEUE: Final = f"""
    {_PAY_INS}
     WHERE resolution IS NULL AND finding IN ('over', 'doubled', 'unmatched') AND id > :after
     ORDER BY id LIMIT :count
"""
_PAY_INS_OF: Final = f"""
    {_PAY_INS}
     WHERE master_id = :master_id AND (CAST(:before AS uuid) IS NULL OR id < :before)
     ORDER BY id DESC LIMIT :count
"""
_RESOLVE: Final = """
    UPDATE payments.pay_ins
       SET master_id = :master_id, account_id = :account_id, matched_by = :matched_by,
           finding = :finding, matched_at = :matched_at, resolution = :resolution,
           resolved_at = :resolved_at
     WHERE id = :id
"""


async def add_master(
    uow: UnitOfWork,
    *,
    master_id: uuid.UUID,
    merchant_id: uuid.UUID,
    account_id: int,
    currency: str,
    now: datetime,
) -> bool:
    """Add a collection account; False if the business has one."""
    rows = await uow.execute(
        _ADD_MASTER,
        id=master_id,
        merchant_id=merchant_id,
        account_id=account_id,
        currency=currency,
        now=now,
    )
    return bool(rows)


async def find_master(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID | None = None,
    master_id: uuid.UUID | None = None,
    is_locked: bool = False,
) -> Master | None:
    """Return a collection account by its business or its id; its lock is that of all its parts."""
    column = "merchant_id" if master_id is None else "id"
    value = merchant_id if master_id is None else master_id
    locking = "FOR UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_MASTERS} WHERE m.{column} = :value {locking}", value=value)
    return None if row is None else _master(row)


async def lock_master_of(uow: UnitOfWork, number: str) -> Master | None:
    """Return, under lock, the collection account that a number is a part of."""
    row = await uow.fetch_one(
        f"{_MASTERS} JOIN payments.virtual_accounts a ON a.master_id = m.id"
        " WHERE a.number = :number FOR UPDATE OF m",
        number=number,
    )
    return None if row is None else _master(row)


async def take_serial(uow: UnitOfWork, master: Master) -> int:
    """Return the next serial of a locked collection account's numbers."""
    await uow.execute(
        "UPDATE payments.virtual_masters SET next_serial = next_serial + 1 WHERE id = :id",
        id=master.id,
    )
    return master.next_serial


async def add_account(uow: UnitOfWork, account: VirtualAccount) -> bool:
    """Add a virtual account; False if an open one has its reference."""
    rows = await uow.execute(
        _ADD_ACCOUNT,
        id=account.id,
        master_id=account.master_id,
        number=account.number,
        purpose=account.purpose.value,
        reference=account.reference,
        payer=account.payer,
        payer_index=account.payer_index,
        expected=minor_or_none(account.expected),
        tolerance=account.tolerance.minor,
        due_on=account.due_on,
        opened_at=account.opened_at,
    )
    return bool(rows)


async def find_account(
    uow: UnitOfWork, *, account_id: uuid.UUID | None = None, number: str | None = None
) -> VirtualAccount | None:
    """Return a virtual account by its id or number."""
    column, value = ("id", account_id) if number is None else ("number", number)
    row = await uow.fetch_one(f"{_ACCOUNTS} WHERE a.{column} = :value", value=value)
    return None if row is None else _account(row)


async def list_open(uow: UnitOfWork, master: Master, count: int) -> list[VirtualAccount]:
    """Return open accounts of a collection account, oldest first, that payments may be for."""
    rows = await uow.execute(_OPEN, master_id=master.id, count=count)
    return [_account(row) for row in rows]


async def list_accounts(
    uow: UnitOfWork, master: Master, *, before: uuid.UUID | None, count: int
) -> list[VirtualAccount]:
    """Return all virtual accounts of a collection account, newest first."""
    rows = await uow.execute(_LIST, master_id=master.id, before=before, count=count)
    return [_account(row) for row in rows]


async def add_entry(
    uow: UnitOfWork,
    account_id: uuid.UUID,
    amount: Money,
    *,
    is_receipt: bool,
    pay_in_id: uuid.UUID | None = None,
    transfer_id: uuid.UUID | None = None,
    now: datetime,
) -> None:
    """Add to a virtual account of a locked master, or below zero take from it."""
    received = amount.minor if is_receipt else 0
    await uow.execute(_ADD_TO_BALANCE, id=account_id, received=received, balance=amount.minor)
    await uow.execute(
        _ADD_ENTRY,
        account_id=account_id,
        amount=amount.minor,
        pay_in_id=pay_in_id,
        transfer_id=transfer_id,
        now=now,
    )


async def close_account(uow: UnitOfWork, account_id: uuid.UUID, now: datetime) -> None:
    """Close a virtual account that is empty."""
    await uow.execute(
        "UPDATE payments.virtual_accounts SET closed_at = greatest(:now, opened_at) WHERE id = :id",
        id=account_id,
        now=now,
    )


async def is_channel(uow: UnitOfWork, name: str) -> bool:
    """Whether there is a channel of this name."""
    found = await uow.fetch_value(
        "SELECT true FROM payments.channels WHERE name = :name", name=name
    )
    return bool(found)


async def lock_reference(uow: UnitOfWork, channel: str, bank_reference: str) -> None:
    """Let nobody else take a bank's reference before this transaction ends."""
    await lock_name(uow, f"pay_in {channel} {bank_reference}")


async def find_pay_in(
    uow: UnitOfWork, pay_in_id: uuid.UUID, *, is_locked: bool = False
) -> PayIn | None:
    """Return a payment that came in, locked if it is to be resolved."""
    locking = "FOR UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_PAY_INS} WHERE id = :id {locking}", id=pay_in_id)
    return None if row is None else _pay_in(row)


async def find_by_reference(uow: UnitOfWork, channel: str, bank_reference: str) -> PayIn | None:
    """Return the payment that a bank's reference stands for."""
    row = await uow.fetch_one(
        f"{_PAY_INS} WHERE channel = :channel AND bank_reference = :bank_reference",
        channel=channel,
        bank_reference=bank_reference,
    )
    return None if row is None else _pay_in(row)


async def add_pay_in(uow: UnitOfWork, pay_in: PayIn) -> None:
    """Write down a payment that came in."""
    await uow.execute(
        _ADD_PAY_IN,
        id=pay_in.id,
        channel=pay_in.channel,
        bank_reference=pay_in.bank_reference,
        digest=pay_in.digest,
        amount=pay_in.amount.minor,
        currency=pay_in.amount.currency,
        number=pay_in.number,
        subject_id=pay_in.subject_id,
        payer=pay_in.payer,
        payer_index=pay_in.payer_index,
        remittance=pay_in.remittance,
        master_id=pay_in.master_id,
        account_id=pay_in.account_id,
        matched_by=pay_in.matched_by.value,
        finding=pay_in.finding.value,
        transfer_id=pay_in.transfer_id,
        received_at=pay_in.received_at,
        matched_at=pay_in.matched_at,
    )


async def list_queue(uow: UnitOfWork, *, after: uuid.UUID, count: int) -> list[PayIn]:
    """Return payments that somebody has to look at, oldest first."""
    return [_pay_in(row) for row in await uow.execute(_QUEUE, after=after, count=count)]


async def list_pay_ins(
    uow: UnitOfWork, master: Master, *, before: uuid.UUID | None, count: int
) -> list[PayIn]:
    """Return what came in for a collection account, newest first."""
    rows = await uow.execute(_PAY_INS_OF, master_id=master.id, before=before, count=count)
    return [_pay_in(row) for row in rows]


async def save_pay_in(uow: UnitOfWork, pay_in: PayIn) -> None:
    """Save what was decided about a locked payment."""
    await uow.execute(
        _RESOLVE,
        id=pay_in.id,
        master_id=pay_in.master_id,
        account_id=pay_in.account_id,
        matched_by=pay_in.matched_by.value,
        finding=pay_in.finding.value,
        matched_at=pay_in.matched_at,
        resolution=pay_in.resolution,
        resolved_at=pay_in.resolved_at,
    )


def _master(row: Row[Any]) -> Master:
    return Master(
        id=row.id,
        serial=row.serial,
        merchant_id=row.merchant_id,
        account_id=row.account_id,
        currency=row.currency,
        next_serial=row.next_serial,
        held=Money(row.held, row.currency),
    )


def _account(row: Row[Any]) -> VirtualAccount:
    return VirtualAccount(
        id=row.id,
        master_id=row.master_id,
        number=row.number,
        purpose=VirtualPurpose(row.purpose),
        reference=row.reference,
        payer=bytes_or_none(row.payer),
        payer_index=bytes_or_none(row.payer_index),
        expected=money_or_none(row.expected, row.currency),
        tolerance=Money(row.tolerance, row.currency),
        due_on=row.due_on,
        received=Money(row.received, row.currency),
        balance=Money(row.balance, row.currency),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _pay_in(row: Row[Any]) -> PayIn:
    return PayIn(
        id=row.id,
        channel=row.channel,
        bank_reference=row.bank_reference,
        digest=bytes(row.digest),
        amount=Money(row.amount, row.currency),
        number=row.number,
        subject_id=row.subject_id,
        payer=bytes_or_none(row.payer),
        payer_index=bytes_or_none(row.payer_index),
        remittance=bytes_or_none(row.remittance),
        master_id=row.master_id,
        account_id=row.account_id,
        matched_by=MatchedBy(row.matched_by),
        finding=Finding(row.finding),
        transfer_id=row.transfer_id,
        received_at=row.received_at,
        matched_at=row.matched_at,
        resolution=row.resolution,
        resolved_at=row.resolved_at,
    )
