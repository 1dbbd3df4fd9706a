"""From a business fact of clearing to a journal entry: the only place that names its accounts.

2012 for what banks hold with us to settle, 2002 for their collateral, 2241.02 through which a
window settles and which is empty after each, 1003 for the central bank, through which they fund.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.ledger import (
    BalanceLimit,
    Entry,
    Transfer,
    TransferCode,
    ensure_system_account,
    open_account,
)
from huitong.payments.clearing.netting import Item
from huitong.payments.clearing.types import CURRENCY, Participant

#: The system key of the account through which windows settle.
CLEARING_KEY = f"payments.clearing.{CURRENCY}"


async def open_participant_accounts(uow: UnitOfWork, code: str, name: str) -> tuple[int, int]:
    """Open the settlement and the collateral account of a bank; neither can be overdrawn."""
    numbers = []
    for key, chart_code, title in (
        ("settlement", "2012", "清算账户 Settlement"),
        ("collateral", "2002", "清算质押 Collateral"),
    ):
        account = await open_account(
            uow,
            chart_code=chart_code,
            currency=CURRENCY,
            name=f"{title} {name}",
            system_key=f"payments.clearing.{key}.{code}",
            limits=BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
        )
        numbers.append(account.id)
    return numbers[0], numbers[1]


async def find_clearing_account(uow: UnitOfWork) -> int:
    """Return the account through which windows settle."""
    account = await ensure_system_account(
        uow, CLEARING_KEY, chart_code="2241.02", currency=CURRENCY, name="清算往来 Clearing"
    )
    return account.id


async def find_central_bank_account(uow: UnitOfWork) -> int:
    """Return the account of what we hold with the central bank for participants."""
    account = await ensure_system_account(
        uow,
        f"payments.clearing.central_bank.{CURRENCY}",
        chart_code="1003",
        currency=CURRENCY,
        name="存放中央银行清算款 Deposits for clearing",
    )
    return account.id


def deposit_entry(
    *, transfer_id: uuid.UUID, central_bank: int, account_id: int, amount: int, on: date
) -> Entry:
    """Central bank → the participant's settlement or collateral account."""
    code = TransferCode.SETTLEMENT
    return Entry((_move(transfer_id, central_bank, account_id, amount, code=code, on=on),))


def gross_entry(
    transfer_id: uuid.UUID, item: Item, banks: Mapping[str, Participant], on: date
) -> Entry:
    """The debtor's settlement account → the creditor's."""
    debtor, creditor = banks[item.debtor], banks[item.creditor]
    code = TransferCode.SETTLEMENT
    return Entry(
        (_move(transfer_id, debtor.account_id, creditor.account_id, item.amount, code=code, on=on),)
    )


def offset_entry(
    transfers: Mapping[uuid.UUID, uuid.UUID],
    group: Sequence[Item],
    banks: Mapping[str, Participant],
    *,
    clearing: int,
    on: date,
    now_ms: int,
) -> Entry:
    """Settle a group at once: clearing → each creditor, and then each debtor → clearing.

    In this order nobody has to pay before being paid. `transfers` has the id of each payment's
    second transfer.
    """
    code = TransferCode.SETTLEMENT
    paid = [(clearing, banks[each.creditor].account_id, each.amount, code) for each in group]
    return Entry(
        (
            *_make_moves(paid, on, now_ms),
            *(
                _move(
                    transfers[each.id],
                    banks[each.debtor].account_id,
                    clearing,
                    each.amount,
                    code=code,
                    on=on,
                )
                for each in group
            ),
        ),
        uuid7(now_ms),
    )


def settlement_entry(
    entry_id: uuid.UUID,
    *,
    due: Mapping[str, int],
    drawn: Mapping[str, int],
    banks: Mapping[str, Participant],
    clearing: int,
    on: date,
    now_ms: int,
) -> Entry:
    """Settle a window at once: collateral that is drawn, then who pays, then who receives.

    `due` is what each participant receives, negative if it pays, and sums to zero; `drawn` what
    comes out of its collateral first.
    """
    settlement, collateral = TransferCode.CLEARING, TransferCode.SETTLEMENT
    moves: list[tuple[int, int, int, TransferCode]] = [
        (banks[code].collateral_account_id, banks[code].account_id, amount, collateral)
        for code, amount in sorted(drawn.items())
    ]
    moves += [
        (banks[code].account_id, clearing, -amount, settlement)
        for code, amount in sorted(due.items())
        if amount < 0
    ]
    moves += [
        (clearing, banks[code].account_id, amount, settlement)
        for code, amount in sorted(due.items())
        if amount > 0
    ]
    return Entry(_make_moves(moves, on, now_ms), entry_id)


def _make_moves(
    moves: Sequence[tuple[int, int, int, TransferCode]], on: date, now_ms: int
) -> tuple[Transfer, ...]:
    return tuple(
        _move(uuid7(now_ms), debit, credit, amount, code=code, on=on)
        for debit, credit, amount, code in moves
    )


def _move(
    transfer_id: uuid.UUID, debit: int, credit: int, amount: int, *, code: TransferCode, on: date
) -> Transfer:
    return Transfer(
        id=transfer_id,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        currency=CURRENCY,
        code=code,
        effective_on=on,
    )
