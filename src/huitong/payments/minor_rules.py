"""What the account of a minor may pay: alone up to the rulebook's amounts, or through the guardian.

Sources: 民法典 Arts. 19-20; the amounts are product defaults in the rulebook (`minor.limited.*`).
"""

import uuid
from datetime import date
from typing import Final

from huitong.customers import Capacity, Party
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.errors import (
    CurrencyNotSupported,
    GuardianMustAct,
    MinorLimitExceeded,
    NotTheGuardian,
)
from huitong.payments.types import OrderKind

_SINGLE_KEY: Final = "minor.limited.payment.max"


def check_minor(
    rulebook: Rulebook,
    payer: Party,
    *,
    kind: OrderKind,
    amount: Money,
    on_day: date,
    guardian_id: uuid.UUID | None = None,
) -> Capacity:
    """Return the capacity with which a payment is made: full with the guardian, who may do all.

    Top-ups are for everybody: what comes in is a pure benefit. Raises GuardianMustAct for somebody
    who may do nothing alone, MinorLimitExceeded for too large a payment, NotTheGuardian if
    `guardian_id` is not the one who can act for this account now, and CurrencyNotSupported.
    """
    if guardian_id is not None and guardian_id != payer.guardian_id:
        raise NotTheGuardian("cannot act for this account now", field="guardian")
    capacity = Capacity(payer.capacity)
    if capacity is Capacity.FULL or guardian_id is not None or kind is OrderKind.TOP_UP:
        return Capacity.FULL
    if capacity is Capacity.NONE:
        raise GuardianMustAct("only the guardian may pay from this account", field="payer")
    maximum = rulebook.amount(_SINGLE_KEY, on_day)
    if maximum.currency != amount.currency:
        raise CurrencyNotSupported(
            f"the limits of minors are in {maximum.currency}", field="amount.currency"
        )
    if amount.minor > maximum.minor:
        raise MinorLimitExceeded(
            f"a minor pays at most {maximum} at a time without the guardian", field="amount"
        )
    return capacity
