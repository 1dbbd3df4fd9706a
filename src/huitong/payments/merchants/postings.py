"""From a sheet or a dispute to a journal entry: the only place here that names ledger accounts.

2002.01 holds a merchant's reserve, 1221.03 what it owes us, 2241.03 money in dispute, 2011.02 is
its settlement account and 2011.05 what a receiver of profit shares is owed until its settlement.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from huitong.customers import Merchant
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import (
    BalanceLimit,
    Entry,
    Transfer,
    TransferCode,
    ensure_system_account,
    list_accounts_of,
    open_account,
)
from huitong.payments.calculations import derive_id
from huitong.payments.merchants.types import SettledAccount

_SETTLEMENT: Final = "2011.02"
_RECEIVER: Final = "2011.05"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What one sheet moves, in minor units; `plan_fees` is signed, the rest is not."""

    plan_fees: int
    advanced: int
    recovered: int
    recovered_direct: int
    reserve_held: int
    reserve_released: int
    payout: int


@dataclass(frozen=True, slots=True)
class Part:
    """One movement of an entry."""

    debit: int
    credit: int
    amount: int
    code: TransferCode


async def open_merchant_accounts(uow: UnitOfWork, merchant: Merchant) -> tuple[int, int, int]:
    """Return a merchant's settlement, reserve and owed account, opened where they are missing."""
    owned = [
        account
        for account in await list_accounts_of(uow, merchant.id)
        if (account.chart_code, account.currency) == (_SETTLEMENT, merchant.currency)
    ]
    settlement = (
        owned[0]
        if owned
        else await open_account(
            uow,
            chart_code=_SETTLEMENT,
            currency=merchant.currency,
            name=merchant.name,
            owner_id=merchant.id,
        )
    )
    key = f"payments.merchants.{merchant.id.hex}"
    reserve = await ensure_system_account(
        uow,
        f"{key}.reserve",
        chart_code="2002.01",
        currency=merchant.currency,
        name="商户风险保证金 Reserve of a merchant",
        limits=BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    owed = await ensure_system_account(
        uow,
        f"{key}.owed",
        chart_code="1221.03",
        currency=merchant.currency,
        name="商户欠款 Owed by a merchant",
        limits=BalanceLimit.CREDITS_MUST_NOT_EXCEED_DEBITS,
    )
    return settlement.id, reserve.id, owed.id


async def open_receiver_account(uow: UnitOfWork, currency: str) -> int:
    """Open an account for what a receiver of profit shares is owed until its settlement."""
    account = await open_account(
        uow,
        chart_code=_RECEIVER,
        currency=currency,
        name="分账待结算 Shares to be settled",
    )
    return account.id


async def find_dispute_account(uow: UnitOfWork, currency: str) -> int:
    """Return our account for money in dispute; it is opened if it is missing."""
    account = await ensure_system_account(
        uow,
        f"payments.disputes.{currency}",
        chart_code="2241.03",
        currency=currency,
        name="争议款 Money in dispute",
        limits=BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    return account.id


def sheet_parts(account: SettledAccount, moves: Moves, fee_income: int) -> list[Part]:
    """Return the movements of a sheet, what the account gets before what it gives.

    Advanced fees and released reserves come in first, then fees, debts, reserve and payout go out:
    each part is covered when it is posted.
    """
    payable, payout = account.account_id, account.payout_account_id
    parts = [
        Part(fee_income, payable, moves.plan_fees, TransferCode.PLAN_FEE_RETURN),
        Part(payable, fee_income, -moves.plan_fees, TransferCode.PLAN_FEE),
    ]
    if account.reserve_account_id is not None and account.owed_account_id is not None:
        reserve, owed = account.reserve_account_id, account.owed_account_id
        parts = [
            Part(owed, payable, moves.advanced, TransferCode.FEE_ADVANCED),
            Part(reserve, payable, moves.reserve_released, TransferCode.RESERVE_RELEASED),
            *parts,
            Part(payable, owed, moves.recovered, TransferCode.DEBT_RECOVERED),
            Part(payout, owed, moves.recovered_direct, TransferCode.DEBT_RECOVERED),
            Part(payable, reserve, moves.reserve_held, TransferCode.RESERVE_HELD),
        ]
    parts.append(Part(payable, payout, moves.payout, TransferCode.MERCHANT_SETTLEMENT))
    return [part for part in parts if part.amount > 0]


def make_entry(entry_id: uuid.UUID, parts: Iterable[Part], *, currency: str, on: date) -> Entry:
    """Return one entry of all parts; transfer n is `derive_id(entry_id, n)`, from 1."""
    return Entry(
        tuple(
            Transfer(
                id=derive_id(entry_id, place),
                debit_account_id=part.debit,
                credit_account_id=part.credit,
                amount=part.amount,
                currency=currency,
                code=part.code,
                effective_on=on,
            )
            for place, part in enumerate(parts, start=1)
        ),
        entry_id,
    )
