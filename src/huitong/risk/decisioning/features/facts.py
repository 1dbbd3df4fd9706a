"""What risk is told about a payment, and which rows it reads and adds to."""

import uuid
from dataclasses import dataclass, field
from typing import Final

from huitong.risk.decisioning.features.rows import (
    FAST_OUTFLOW,
    NEW_PAYEE,
    ROUND_NIGHT,
    TEST,
    Entity,
    account_key,
    id_key,
    pair_key,
)

#: The roles in which a payment reads rows, and whether it also adds to them.
ROLES: Final = {
    "payer": True,
    #: What the payer's account has received.
    "inflow": False,
    "payee": True,
    "pair": True,
    "device": True,
    "address": True,
}
#: Which marks a role's row counts.
ROLE_MARKS: Final = {
    "payer": NEW_PAYEE | TEST | FAST_OUTFLOW | ROUND_NIGHT,
    "pair": ROUND_NIGHT,
}
#: Whom a role's row counts on a business day: nobody (0), payees (1) or payers (2).
ROLE_OTHERS: Final = {"payer": 1, "payee": 2, "device": 2, "address": 2}

#: What `kind` is where a business pays as no person does: a line of a file of payments, at once and
#: by two people, and a part of what it was paid itself.
FILE_KINDS: Final = frozenset({"payroll", "suppliers", "profit_share"})


@dataclass(slots=True, kw_only=True, eq=False)
class PaymentFacts:
    """One payment as risk sees it, before it is decided. `amount` is in minor units."""

    payer_account_id: int
    payee_account_id: int
    amount: int
    kind: str
    account_class: int | None = None
    is_merchant: bool = False
    #: Whether two factors stand behind it.
    is_strong: bool = False
    device_id: uuid.UUID | None = None
    #: An IPv6 address as a number; an IPv4 address in its mapped form.
    address: int | None = None
    #: Whether one side is a bank account outside. Its money passes through one account of ours, of
    #: which nothing is counted: it would say nothing of anybody, and all would wait for its row.
    is_pay_in: bool = False
    is_payout: bool = False
    #: Bits of `rows`: found out with the features, and needed when the payment is counted.
    marks: int = 0
    _keys: tuple[bytes | None, ...] | None = field(default=None, init=False, repr=False)

    def list_keys(self) -> tuple[bytes | None, ...]:
        """Return the key of the row of each of `ROLES`, in their order; None where it has none."""
        if self._keys is None:
            self._keys = self._make_keys()
        return self._keys

    def _make_keys(self) -> tuple[bytes | None, ...]:
        payer, payee = self.payer_account_id, self.payee_account_id
        if self.is_pay_in:
            return (None, None, account_key(Entity.PAYEE, payee), None, None, None)
        device, address = self.device_id, self.address
        return (
            account_key(Entity.PAYER, payer),
            account_key(Entity.PAYEE, payer),
            None if self.is_payout else account_key(Entity.PAYEE, payee),
            pair_key(payer, payee),
            None if device is None else id_key(Entity.DEVICE, device.bytes),
            None if address is None else id_key(Entity.ADDRESS, address.to_bytes(16, "big")),
        )
