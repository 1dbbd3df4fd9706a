"""What risk is told about a payment, and which rows it reads and adds to."""

import uuid
from dataclasses import dataclass
from typing import Final

from huitong.risk.decisioning.features.rows import (
    Entity,
    account_key,
    id_key,
    pair_key,
    sketch_bit,
)

#: The roles whose rows only payments with the mark of the same name add to.
MARKS: Final = frozenset(
    {"new_payees", "tests", "fast_outflows", "round_nights", "pair_round_nights"}
)
#: The roles in which a payment reads rows. Of `inflow`, what the payer's account has received, it
#: reads only; to those of `MARKS` it may add; to the others it does.
ROLES: Final = ("payer", "inflow", "payee", "pair", "device", "address", *sorted(MARKS))
_ALWAYS: Final = frozenset(ROLES) - MARKS - {"inflow"}


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
    #: Found out with the features; needed when the payment is counted.
    marks: frozenset[str] = frozenset()

    def adds_to(self, role: str) -> bool:
        """Say whether the payment adds to its row of a role."""
        return role in _ALWAYS or role in self.marks

    def list_keys(self) -> list[tuple[str, bytes]]:
        """Return the row of each role that this payment has."""
        payer, payee = self.payer_account_id, self.payee_account_id
        keys = [
            ("payer", account_key(Entity.PAYER, payer)),
            ("inflow", account_key(Entity.PAYEE, payer)),
            ("payee", account_key(Entity.PAYEE, payee)),
            ("pair", pair_key(payer, payee)),
            ("new_payees", account_key(Entity.NEW_PAYEES, payer)),
            ("tests", account_key(Entity.TESTS, payer)),
            ("fast_outflows", account_key(Entity.FAST_OUTFLOWS, payer)),
            ("round_nights", account_key(Entity.ROUND_NIGHTS, payer)),
            ("pair_round_nights", pair_key(payer, payee, Entity.PAIR_ROUND_NIGHTS)),
        ]
        if self.device_id is not None:
            keys.append(("device", id_key(Entity.DEVICE, self.device_id.bytes)))
        if self.address is not None:
            keys.append(("address", id_key(Entity.ADDRESS, self.address.to_bytes(16, "big"))))
        return keys

    def list_others(self) -> dict[str, int]:
        """Return the sketch of whom a role's row counts, for the roles that count somebody."""
        payer = sketch_bit(self.payer_account_id)
        return {
            "payer": sketch_bit(self.payee_account_id),
            "payee": payer,
            "device": payer,
            "address": payer,
        }
