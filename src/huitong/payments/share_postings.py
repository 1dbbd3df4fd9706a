"""From a profit share that risk holds to journal entries: reserved, and then passed on or freed."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Final

from huitong.kernel.money import Money
from huitong.ledger import Entry, Transfer, TransferCode, TransferKind
from huitong.payments.calculations import derive_id

#: Roles of the identifiers that follow from a sharing's: shares are 1 to 50.
_HOLD_ROLE: Final = 1_001
_FREE_ROLE: Final = 2_001


def hold_shares_entry(
    *,
    entry_id: uuid.UUID,
    merchant_account_id: int,
    receivers: Sequence[tuple[int, Money]],
    effective_on: date,
) -> Entry:
    """Reserve what a merchant would pass on to each receiver, without an end of its own."""
    return Entry(
        tuple(
            Transfer(
                id=derive_id(entry_id, _HOLD_ROLE + position),
                debit_account_id=merchant_account_id,
                credit_account_id=receiver,
                amount=amount.minor,
                currency=amount.currency,
                code=TransferCode.PROFIT_SHARE_HELD,
                effective_on=effective_on,
                kind=TransferKind.PENDING,
            )
            for position, (receiver, amount) in enumerate(receivers)
        ),
        derive_id(entry_id, _HOLD_ROLE - 1),
    )


def pass_on_entry(*, entry_id: uuid.UUID, amounts: Sequence[Money], effective_on: date) -> Entry:
    """Pass on what was reserved; transfer n is `derive_id(entry_id, n + 1)`, as of other shares."""
    return Entry(
        tuple(
            Transfer(
                id=derive_id(entry_id, position + 1),
                amount=amount.minor,
                code=TransferCode.PROFIT_SHARE,
                effective_on=effective_on,
                kind=TransferKind.POST_PENDING,
                pending_id=derive_id(entry_id, _HOLD_ROLE + position),
            )
            for position, amount in enumerate(amounts)
        ),
        entry_id,
    )


def free_shares_entry(*, entry_id: uuid.UUID, count: int, effective_on: date) -> Entry:
    """Free what was reserved for `count` receivers."""
    return Entry(
        tuple(
            Transfer(
                id=derive_id(entry_id, _FREE_ROLE + position),
                amount=None,
                code=TransferCode.PROFIT_SHARE_GIVEN_BACK,
                effective_on=effective_on,
                kind=TransferKind.VOID_PENDING,
                pending_id=derive_id(entry_id, _HOLD_ROLE + position),
            )
            for position in range(count)
        ),
        derive_id(entry_id, _FREE_ROLE - 1),
    )
