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
    sketch_bit,
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
_MARKS: Final = {
    "payer": NEW_PAYEE | TEST | FAST_OUTFLOW | ROUND_NIGHT,
    "pair": ROUND_NIGHT,
}


#: What `kind` is of a line of a file of payments: a business pays, at once and by two people.
FILE_KINDS: Final = frozenset({"payroll", "suppliers"})


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
    _keys: list[tuple[str, bytes]] | None = field(default=None, init=False, repr=False)
    _others: dict[str, int] | None = field(default=None, init=False, repr=False)

    def list_marks(self, role: str) -> int:
        """Return the marks that the payment adds to its row of a role."""
        return self.marks & _MARKS.get(role, 0)

    def list_keys(self) -> list[tuple[str, bytes]]:
        """Return the row of each role that this payment has."""
        if self._keys is None:
            self._keys = self._make_keys()
        return self._keys

    def _make_keys(self) -> list[tuple[str, bytes]]:
        payer, payee = self.payer_account_id, self.payee_account_id
        if self.is_pay_in:
            return [("payee", account_key(Entity.PAYEE, payee))]
        keys = [
            ("payer", account_key(Entity.PAYER, payer)),
            ("inflow", account_key(Entity.PAYEE, payer)),
            ("pair", pair_key(payer, payee)),
        ]
        if not self.is_payout:
            keys.append(("payee", account_key(Entity.PAYEE, payee)))
        if self.device_id is not None:
            keys.append(("device", id_key(Entity.DEVICE, self.device_id.bytes)))
        if self.address is not None:
            keys.append(("address", id_key(Entity.ADDRESS, self.address.to_bytes(16, "big"))))
        return keys

    def list_others(self) -> dict[str, int]:
        """Return the sketch of whom a role's row counts, for the roles that count somebody."""
        if self._others is None:
            payer = sketch_bit(self.payer_account_id)
            self._others = {
                "payer": sketch_bit(self.payee_account_id),
                "payee": payer,
                "device": payer,
                "address": payer,
            }
        return self._others
