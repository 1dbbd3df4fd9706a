"""From changes of balances to a journal entry: which part of a loan is which account.

An entry follows from what the balances were and what they are, so the books of loans and the
general ledger cannot part: every change of a part moves its control account by as much.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from huitong.kernel.ids import uuid7
from huitong.ledger import Entry, Transfer, TransferCode
from huitong.lending.loans.state import Rows
from huitong.lending.products import Control

#: Sums of columns that are one part; those of income and expense are what they come to in the end.
_ASSETS: Final = {
    Control.PRINCIPAL: ("not_due", "due"),
    Control.OVERDUE: ("overdue",),
    Control.INTEREST: ("carried", "accrued", "interest_due", "interest_overdue"),
    Control.PENALTY: ("penalty", "compound"),
    Control.FEES: ("fees",),
}
_INCOME: Final = {
    Control.INTEREST_INCOME: (*_ASSETS[Control.INTEREST], "interest_paid", "interest_off"),
    Control.PENALTY_INCOME: (*_ASSETS[Control.PENALTY], "penalty_paid", "penalty_off"),
    Control.FEE_INCOME: (*_ASSETS[Control.FEES], "fees_paid", "fees_off"),
}
_OFF: Final = ("principal_off", "interest_off", "penalty_off", "fees_off")
_PAID: Final = ("principal_paid", "interest_paid", "penalty_paid", "fees_paid", "recovered")
#: What a borrower's account gave, and what was lent, beside the control accounts.
PAID: Final = "paid"
LENT: Final = "lent"


def total(rows: Rows) -> dict[str, int]:
    """Return what rows come to on each control account, as debits, and on accounts of borrowers.

    All together they are zero. Debits are above zero, credits below.
    """

    def add(names: Sequence[str]) -> int:
        return sum(int(np.sum(rows.column(name))) for name in names)

    provision, recovered = add(("provision",)), add(("recovered",))
    totals = (
        {part.value: add(names) for part, names in _ASSETS.items()}
        | {part.value: -add(names) for part, names in _INCOME.items()}
        | {
            Control.PROVISION.value: -provision,
            Control.IMPAIRMENT.value: provision + add(_OFF) - recovered,
            PAID: add(_PAID),
            LENT: -add(("lent",)),
        }
    )
    return _suspend(totals, rows) if rows.suspended.any() else totals


def _suspend(totals: dict[str, int], rows: Rows) -> dict[str, int]:
    """Take interest of loans that are overdue for too long off the balance sheet.

    It is no income before it is paid, and no loss if it never is.
    """
    own = rows.where(rows.suspended > 0)
    for asset, income, off in (
        (Control.INTEREST, Control.INTEREST_INCOME, "interest_off"),
        (Control.PENALTY, Control.PENALTY_INCOME, "penalty_off"),
    ):
        owed = sum(int(np.sum(own.column(name))) for name in _ASSETS[asset])
        left_off = int(np.sum(own.column(off)))
        totals[asset.value] -= owed
        totals[income.value] += owed + left_off
        totals[Control.IMPAIRMENT.value] -= left_off
        for part, amount in (
            (Control.MEMO, owed + left_off),
            (Control.MEMO_CONTRA, -owed - left_off),
        ):
            totals[part.value] = totals.get(part.value, 0) + amount
    return totals


def change(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return what changed, part by part, without what did not."""
    changes = {
        part: after.get(part, 0) - before.get(part, 0) for part in dict.fromkeys([*after, *before])
    }
    return {part: amount for part, amount in changes.items() if amount}


def make_entry(
    changes: Mapping[str, int],
    accounts: Mapping[str, int],
    *,
    entry_id: uuid.UUID,
    code: TransferCode,
    currency: str,
    on: date,
    now_ms: int,
    more: Mapping[int, int] = MappingProxyType({}),
) -> Entry:
    """Return one entry of all changes, debits matched with credits in order.

    `accounts` names an account for each part; `more` are changes by account, as those of partners.
    What meets on one account is netted before. Raises ValueError if debits and credits differ, or
    nothing changed.
    """
    off = sum(changes.values()) + sum(more.values())
    if off != 0:
        raise ValueError(f"debits and credits differ by {off}")
    by_account: dict[int, int] = dict(more)
    for part, amount in changes.items():
        by_account[accounts[part]] = by_account.get(accounts[part], 0) + amount
    transfers = [
        Transfer(
            id=uuid7(now_ms),
            debit_account_id=debit,
            credit_account_id=credit,
            amount=amount,
            currency=currency,
            code=code,
            effective_on=on,
        )
        for debit, credit, amount in _match(by_account)
    ]
    return Entry(tuple(transfers), entry_id)


def _match(by_account: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Return debits matched with credits in order, as debit, credit and amount."""
    debits = [[account, amount] for account, amount in by_account.items() if amount > 0]
    credits_ = [[account, -amount] for account, amount in by_account.items() if amount < 0]
    found = []
    while debits and credits_:
        amount = min(debits[0][1], credits_[0][1])
        found.append((debits[0][0], credits_[0][0], amount))
        for side in (debits, credits_):
            side[0][1] -= amount
            if side[0][1] == 0:
                side.pop(0)
    return found
