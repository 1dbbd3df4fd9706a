"""From a step of a pool or a collection account to a journal entry: which accounts it names.

Pools move between businesses' own accounts. A collection account is 2011.02, what comes in for
nobody we know waits in 2011.04, and 1011.01 is what channel banks hold for us.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import Entry, Transfer, TransferCode, ensure_system_account
from huitong.payments.calculations import derive_id
from huitong.payments.corporate.pool_types import Leg


def sweep_entry(
    entry_id: uuid.UUID, header: int, legs: Sequence[Leg], currency: str, on_day: date
) -> tuple[Entry, list[Leg]]:
    """Return one entry that moves all legs, and the legs with the ids of their transfers.

    What goes up comes first: the header may need it to fund others.
    """
    moved = {
        leg.account_id: _leg(derive_id(entry_id, at), header, leg, currency, on_day)
        for at, leg in enumerate(legs, 1)
        if leg.amount
    }
    ordered = sorted(legs, key=lambda leg: leg.amount < 0)
    transfers = tuple(moved[leg.account_id] for leg in ordered if leg.amount)
    named = [
        replace(leg, transfer_id=moved[leg.account_id].id) if leg.amount else leg for leg in legs
    ]
    return Entry(transfers, entry_id), named


def _leg(transfer_id: uuid.UUID, header: int, leg: Leg, currency: str, on_day: date) -> Transfer:
    is_up = leg.amount > 0
    return move(
        transfer_id,
        leg.account_id if is_up else header,
        header if is_up else leg.account_id,
        Money(abs(leg.amount), currency),
        code=TransferCode.POOL_UP if is_up else TransferCode.POOL_DOWN,
        on_day=on_day,
    )


async def find_unassigned_account(uow: UnitOfWork, currency: str) -> int:
    """Return our account for payments that came in for a number that is nobody's."""
    account = await ensure_system_account(
        uow,
        f"payments.corporate.unassigned.{currency}",
        chart_code="2011.04",
        currency=currency,
        name="待认领来账 Incoming payments to be assigned",
    )
    return account.id


def move(
    transfer_id: uuid.UUID,
    debit: int,
    credit: int,
    amount: Money,
    *,
    code: TransferCode,
    on_day: date,
) -> Transfer:
    """Return one movement between two accounts."""
    return Transfer(
        id=transfer_id,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount.minor,
        currency=amount.currency,
        code=code,
        effective_on=on_day,
    )
