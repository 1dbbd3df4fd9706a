"""From a cure to a journal entry: the only place that names the ledger accounts of reconciliation.

2011.04 for what a channel holds and we owe somebody, 1221.02 for what it does not hold and somebody
owes us; 6421.01 and 2202 for channels' fees; 6301 and 6711 for what nobody claims and what is lost.
"""

import uuid
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import Entry, Transfer, TransferCode, ensure_system_account
from huitong.payments.calculations import derive_id
from huitong.payments.postings import find_own_accounts
from huitong.payments.reconciliation.types import ClearedTo, SuspenseSide

#: System keys of the accounts of suspense begin with it.
SUSPENSE_KEY = "payments.reconciliation."


class Own(StrEnum):
    """Our own accounts that cures book on; the value is the system key's middle."""

    CHANNEL = "channel"
    PAYABLE = "payable"
    RECEIVABLE = "receivable"
    FEES_EXPENSE = "fees_expense"
    FEES_PAYABLE = "fees_payable"
    UNCLAIMED = "unclaimed"
    LOSS = "loss"


_ACCOUNTS: Mapping[Own, tuple[str, str]] = {
    Own.PAYABLE: ("2011.04", "对账挂账—应付 Reconciliation, owed by us"),
    Own.RECEIVABLE: ("1221.02", "对账挂账—应收 Reconciliation, owed to us"),
    Own.FEES_EXPENSE: ("6421.01", "渠道手续费 Fees of channels"),
    Own.FEES_PAYABLE: ("2202", "应付渠道手续费 Fees owed to channels"),
    Own.UNCLAIMED: ("6301", "对账长款收入 Money that nobody claims"),
    Own.LOSS: ("6711", "对账短款损失 Money that is lost"),
}
SIDES: Mapping[SuspenseSide, Own] = {
    SuspenseSide.PAYABLE: Own.PAYABLE,
    SuspenseSide.RECEIVABLE: Own.RECEIVABLE,
}


async def find_account(uow: UnitOfWork, own: Own, currency: str) -> int:
    """Return the number of one of our accounts in a currency; opened if it is missing."""
    if own is Own.CHANNEL:
        return (await find_own_accounts(uow, currency)).channel
    chart_code, name = _ACCOUNTS[own]
    account = await ensure_system_account(
        uow,
        f"{SUSPENSE_KEY}{own.value}.{currency}",
        chart_code=chart_code,
        currency=currency,
        name=name,
    )
    return account.id


async def suspense_move(
    uow: UnitOfWork, transfer_id: uuid.UUID, *, currency: str, due: int, on: date
) -> tuple[Transfer, SuspenseSide]:
    """Bring our account with the channel to what it has: `due` minor units more, or less.

    More is owed to somebody (channel → payable), less is owed to us (receivable → channel).
    """
    side = SuspenseSide.PAYABLE if due > 0 else SuspenseSide.RECEIVABLE
    channel = await find_account(uow, Own.CHANNEL, currency)
    suspense = await find_account(uow, SIDES[side], currency)
    debit, credit = (channel, suspense) if due > 0 else (suspense, channel)
    moved = move(
        transfer_id,
        debit,
        credit,
        abs(due),
        currency=currency,
        code=TransferCode.ADJUSTMENT,
        on=on,
    )
    return moved, side


async def clearing_entry(
    uow: UnitOfWork,
    transfer_id: uuid.UUID,
    *,
    side: SuspenseSide,
    suspense_account_id: int,
    to: ClearedTo,
    customer_account_id: int | None,
    amount: int,
    currency: str,
    on: date,
) -> Entry:
    """Empty an item of suspense: to or from a customer, the channel, or our own result."""
    is_payable = side is SuspenseSide.PAYABLE
    if to is ClearedTo.CUSTOMER:
        assert customer_account_id is not None
        other = customer_account_id
    elif to is ClearedTo.CHANNEL:
        other = await find_account(uow, Own.CHANNEL, currency)
    else:
        other = await find_account(uow, Own.UNCLAIMED if is_payable else Own.LOSS, currency)
    debit, credit = (suspense_account_id, other) if is_payable else (other, suspense_account_id)
    code = TransferCode.WRITE_OFF if to is ClearedTo.RESULT else TransferCode.ADJUSTMENT
    return Entry((move(transfer_id, debit, credit, amount, currency=currency, code=code, on=on),))


async def fees_entry(
    uow: UnitOfWork, base_id: uuid.UUID, fees: Mapping[str, int], on: date
) -> Entry | None:
    """Fee expense → what we owe to channels, by currency; None if there are no fees."""
    moves = [
        move(
            derive_id(base_id, number),
            await find_account(uow, Own.FEES_EXPENSE, currency),
            await find_account(uow, Own.FEES_PAYABLE, currency),
            fee,
            currency=currency,
            code=TransferCode.FEE,
            on=on,
        )
        for number, (currency, fee) in enumerate(sorted(fees.items()), 1)
        if fee > 0
    ]
    return Entry(tuple(moves), base_id) if moves else None


def move(
    transfer_id: uuid.UUID,
    debit_account_id: int,
    credit_account_id: int,
    amount: int,
    *,
    currency: str,
    code: TransferCode,
    on: date,
    corrects_id: uuid.UUID | None = None,
) -> Transfer:
    """Return one movement of `amount` minor units."""
    return Transfer(
        id=transfer_id,
        debit_account_id=debit_account_id,
        credit_account_id=credit_account_id,
        amount=amount,
        currency=currency,
        code=code,
        effective_on=on,
        corrects_id=corrects_id,
    )
