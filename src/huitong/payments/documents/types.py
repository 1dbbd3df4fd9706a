"""What a receipt says, and who stands on it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from huitong.kernel.money import Money

#: Of what a receipt says; another layout of the facts is another version.
VERSION: Final = 1


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Payer or payee as a paper shows them; the account's number is masked.

    The name is whole for whom the paper is for and for businesses, and masked for other people.
    """

    name: str
    account: str
    is_person: bool


class ReceiptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a receipt says; its bytes in `write_facts` are what the code stands for."""

    version: int
    number: str
    transfer: str
    payer: Named
    payee: Named
    amount: str
    currency: str
    #: Whether the money left the account that the receipt is for.
    is_debit: bool
    code: int
    purpose: str | None
    effective_on: date
    recorded_at: datetime

    @property
    def money(self) -> Money:
        """The amount."""
        return Money.parse(self.amount, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt that was made: its facts, its code, and the key that both are proved with."""

    facts: ReceiptFacts
    key_number: int
    code: str


def write_facts(facts: ReceiptFacts) -> bytes:
    """Return the canonical bytes of facts: JSON in the order of the fields, without spaces."""
    return msgspec.json.encode(facts)


def read_facts(content: bytes) -> ReceiptFacts:
    """Return the facts behind canonical bytes; raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=ReceiptFacts, strict=True)
