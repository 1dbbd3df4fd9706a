"""Virtual sub-accounts (虚拟子账户): parts of a collection account, to match payments by. Pure.

A number has 14 digits: six of the business, six of the account, and two that make the whole leave 1
when divided by 97 (ISO 7064 MOD 97-10), so that a slip is found. Account 000000 is the collection
account itself: what comes for it is matched by its text, amount or payer, or waits.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.ledger import make_account_number

_SHAPE: Final = re.compile(r"[0-9]{14}")
_MODULUS: Final = 97
_SERIALS: Final = 1_000_000
_WORD: Final = re.compile(r"[^\s,;，；、。:：()（）]+")


def make_virtual_number(master_serial: int, serial: int) -> str:
    """Return a number with its check digits: `make_virtual_number(100001, 1)` → 10000100000135."""
    return str(make_account_number(master_serial * _SERIALS + serial))


def is_virtual_number(text: str) -> bool:
    """Whether a text has the shape of a number, and check digits that fit."""
    return _SHAPE.fullmatch(text) is not None and int(text) % _MODULUS == 1


class VirtualPurpose(StrEnum):
    """What a virtual account is for."""

    #: Everything that one payer pays.
    PAYER = "payer"
    #: One invoice with an amount.
    INVOICE = "invoice"
    #: The collection account's own part: what could not be matched.
    UNMATCHED = "unmatched"


class MatchedBy(StrEnum):
    """By what a payment found its account."""

    NUMBER = "number"
    REFERENCE = "reference"
    AMOUNT = "amount"
    PAYER = "payer"
    HAND = "hand"
    NOTHING = "nothing"


class Finding(StrEnum):
    """How a payment compares with what was expected."""

    EXACT = "exact"
    #: Less than is owed: more is expected.
    PARTIAL = "partial"
    OVER = "over"
    #: The invoice was paid already, and this is its amount once more.
    DOUBLED = "doubled"
    UNMATCHED = "unmatched"


#: Those that somebody has to look at.
OPEN_FINDINGS: Final = frozenset({Finding.OVER, Finding.DOUBLED, Finding.UNMATCHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVirtualAccount:
    """For whom or what a business wants a number; `expected` and the like are an invoice's."""

    purpose: VirtualPurpose
    reference: str | None = None
    payer: str | None = None
    expected: Money | None = None
    tolerance: Money | None = None
    due_on: date | None = None

    def check(self, currency: str) -> None:
        """Raise InvalidField naming what cannot be."""
        if self.purpose is VirtualPurpose.UNMATCHED:
            raise InvalidField("each collection account has one already", field="purpose")
        is_invoice = self.purpose is VirtualPurpose.INVOICE
        if is_invoice != (self.expected is not None):
            raise InvalidField("is what an invoice expects, and only that", field="expected")
        if not is_invoice and (self.due_on is not None or self.tolerance is not None):
            raise InvalidField("is an invoice's", field="due_on" if self.due_on else "tolerance")
        if not is_invoice and self.payer is None and self.reference is None:
            raise InvalidField("must name a payer or have a reference", field="payer")
        for field, amount in (("expected", self.expected), ("tolerance", self.tolerance)):
            if amount is not None and (amount.currency != currency or amount.is_negative):
                raise InvalidField(f"must not be negative, in {currency}", field=field)
        if self.expected is not None and not self.expected.is_positive:
            raise InvalidField("must be above zero", field="expected")
        if not (self.tolerance is None or self.expected is None or self.tolerance < self.expected):
            raise InvalidField("must be below expected", field="tolerance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A collection account of a business, of which virtual accounts are parts."""

    id: uuid.UUID
    serial: int
    merchant_id: uuid.UUID
    account_id: int
    currency: str
    next_serial: int
    held: Money

    @property
    def number(self) -> str:
        """Its own number, for payments without one of an account."""
        return make_virtual_number(self.serial, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualAccount:
    """A part of a collection account: `received` is what ever came, `balance` what is there."""

    id: uuid.UUID
    master_id: uuid.UUID
    number: str
    purpose: VirtualPurpose
    reference: str | None
    payer: bytes | None
    payer_index: bytes | None
    expected: Money | None
    tolerance: Money
    due_on: date | None
    received: Money
    balance: Money
    opened_at: datetime
    closed_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether what an invoice expects has come, within its tolerance."""
        return self.expected is not None and self.received + self.tolerance >= self.expected

    def would_settle(self, amount: Money) -> bool:
        """Whether an amount is just what is missing, within the tolerance."""
        if self.expected is None or self.is_settled:
            return False
        after = self.received + amount
        return self.expected - self.tolerance <= after <= self.expected + self.tolerance

    def judge(self, amount: Money) -> Finding:
        """Return how a payment compares with what is expected; call it before it is added."""
        if self.expected is None:
            return Finding.EXACT
        if self.is_settled:
            is_same = abs(amount.minor - self.expected.minor) <= self.tolerance.minor
            return Finding.DOUBLED if is_same else Finding.OVER
        if self.would_settle(amount):
            return Finding.EXACT
        is_less = self.received + amount < self.expected
        return Finding.PARTIAL if is_less else Finding.OVER


def find_match(
    accounts: Sequence[VirtualAccount],
    *,
    amount: Money,
    remittance: str,
    payer_index: bytes | None,
) -> tuple[VirtualAccount | None, MatchedBy]:
    """Return the account that a payment without a number of one is for, and how that was found.

    By a reference among the words of its text; by an amount that one invoice waits for, of this
    payer or of nobody else; by the payer. More than one that fits is none: nothing is guessed.
    """
    words = {word.casefold() for word in _WORD.findall(remittance)}
    named = [each for each in accounts if each.reference and each.reference.casefold() in words]
    if named:
        return _only(named, MatchedBy.REFERENCE)
    waiting = [
        each
        for each in accounts
        if each.would_settle(amount)
        and (each.payer_index is None or each.payer_index == payer_index)
    ]
    theirs = [each for each in waiting if each.payer_index is not None]
    if waiting:
        return _only(theirs or waiting, MatchedBy.AMOUNT)
    known = [each for each in accounts if payer_index and each.payer_index == payer_index]
    return _only(known, MatchedBy.PAYER)


def _only(
    found: Sequence[VirtualAccount], how: MatchedBy
) -> tuple[VirtualAccount | None, MatchedBy]:
    return (found[0], how) if len(found) == 1 else (None, MatchedBy.NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayIn:
    """A payment that a bank reports: its reference, for which number, from whom, what for."""

    channel: str
    bank_reference: str
    amount: Money
    number: str
    payer: str | None = None
    remittance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayIn:
    """A payment that came in, and where it is booked; name and text are sealed."""

    id: uuid.UUID
    channel: str
    bank_reference: str
    digest: bytes
    amount: Money
    number: str
    subject_id: uuid.UUID
    payer: bytes | None
    payer_index: bytes | None
    remittance: bytes | None
    master_id: uuid.UUID | None
    account_id: uuid.UUID | None
    matched_by: MatchedBy
    finding: Finding
    transfer_id: uuid.UUID
    received_at: datetime
    matched_at: datetime | None = None
    resolution: str | None = None
    resolved_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.resolution is None and self.finding in OPEN_FINDINGS
