"""What risk is told about a payment, and which rows it reads and adds to."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from huitong.risk.decisioning.features.rows import Entity, account_key, pair_key

Key: TypeAlias = tuple[Entity, uuid.UUID]

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


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def list_keys(self) -> Iterator[tuple[str, Key]]:
        """Return the row of each role that this payment has."""
        payer, payee = self.payer_account_id, self.payee_account_id
        yield "payer", (Entity.PAYER, account_key(payer))
        yield "inflow", (Entity.PAYEE, account_key(payer))
        yield "payee", (Entity.PAYEE, account_key(payee))
        yield "pair", (Entity.PAIR, pair_key(payer, payee))
        if self.device_id is not None:
            yield "device", (Entity.DEVICE, self.device_id)
        if self.address is not None:
            yield "address", (Entity.ADDRESS, uuid.UUID(int=self.address))

    def other_of(self, role: str) -> int | None:
        """Return the account whose like a role's row counts, or None where it counts none."""
        if role == "pair":
            return None
        return self.payee_account_id if role == "payer" else self.payer_account_id
