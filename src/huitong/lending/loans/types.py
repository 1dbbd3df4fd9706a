"""What a loan is agreed as, its instalments, and what happens to it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from huitong.lending.loans.state import State
from huitong.lending.products import Payee, Product
from huitong.lending.schedules import Method


class LoanState(StrEnum):
    """How far a loan has come."""

    ACTIVE = "active"
    PAID_OFF = "paid_off"
    WRITTEN_OFF = "written_off"


class EventKind(StrEnum):
    """What may happen to a loan after it was lent."""

    REPAYMENT = "repayment"
    EARLY_REPAYMENT = "early_repayment"
    CHARGE = "charge"
    WAIVER = "waiver"
    RATE_CHANGE = "rate_change"
    RESCHEDULING = "rescheduling"
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"
    REVERSAL = "reversal"


class EarlyMode(StrEnum):
    """What principal that is paid early lowers: every later payment, or their number."""

    LOWER_PAYMENTS = "lower_payments"
    SHORTER_TERM = "shorter_term"


class Easing(StrEnum):
    """Why a loan's remaining payments are set anew."""

    EXTENSION = "extension"
    RE_AGE = "re_age"
    RESTRUCTURING = "restructuring"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTerms:
    """What borrower and bank agreed on; amounts in minor units, shares and rates in millionths.

    `rate` is the contract's rate a year, for an LPR product with the spread in it. `count` payments
    follow the product's cycle, the first on `first_due` if it is given. `down_payment` and
    `balloon` are shares of the principal; `steps` weigh level payments. `application` says what it
    comes from.
    """

    principal: int
    rate: int
    count: int
    method: Method
    use: str
    payee: Payee = Payee.BORROWER
    first_due: date | None = None
    principal_grace: int = 0
    interest_free: int = 0
    down_payment: int = 0
    balloon: int = 0
    steps: tuple[Fraction, ...] = ()
    grade: str | None = None
    auto_debit: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)
    application: str | None = None


@dataclass(slots=True)
class Instalment:
    """One row of a schedule: what is due on a day and what was paid of it."""

    number: int
    start: date
    due: date
    principal: int
    interest: int
    principal_paid: int = 0
    interest_paid: int = 0

    @property
    def is_open(self) -> bool:
        """Whether anything of it is unpaid."""
        return self.principal > self.principal_paid or self.interest > self.interest_paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A loan as agreed and paid out; its balances are a `State`."""

    number: int
    id: uuid.UUID
    product: Product
    customer_id: uuid.UUID
    borrower_account_id: int
    payout_account_id: int
    currency: str
    lent_on: date
    terms: LoanTerms
    entry_id: uuid.UUID
    opened_at: datetime
    state: LoanState = LoanState.ACTIVE
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanEvent:
    """Something that happened to a loan on a business day; `amount` is the money that came in."""

    id: uuid.UUID
    loan: int
    position: int
    kind: EventKind
    on_day: date
    amount: int
    details: Mapping[str, Any]
    reverses: uuid.UUID | None
    entry_id: uuid.UUID | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What it takes to pay a loan off on a day, part by part, in minor units."""

    on: date
    currency: str
    principal: int
    interest: int
    penalty: int
    fees: int
    early_fee: int

    @property
    def total(self) -> int:
        """Return all parts together."""
        return self.principal + self.interest + self.penalty + self.fees + self.early_fee


@dataclass(slots=True)
class Running:
    """A loan with its balances and schedule: what acts change and a replay begins with.

    `rate` and `due_count` are those in force: they change with the rate and with rescheduling.
    `surplus` is money of events that nothing was owed for any more; it is the borrower's.
    """

    loan: Loan
    state: State
    instalments: list[Instalment]
    rate: int
    surplus: int = 0
