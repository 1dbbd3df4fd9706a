"""What a product of lending is: terms by versions, as data."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from huitong.lending.schedules import (
    BusinessDays,
    Cycle,
    DayCount,
    InterestKind,
    Method,
    Rounding,
)
from huitong.lending.servicing import Part, Walk

#: Rates are whole millionths a year: 0.036 is 36,000.
RATE_SCALE: Final = 1_000_000


class Purpose(StrEnum):
    """What sort of lending it is: which of the rulebook's ceilings hold."""

    CONSUMER = "consumer"
    BUSINESS = "business"
    FARM = "farm"


class RateKind(StrEnum):
    """Whether the rate stays, or is a loan prime rate with a spread."""

    FIXED = "fixed"
    LPR_1Y = "lpr_1y"
    LPR_5Y = "lpr_5y"


class Payee(StrEnum):
    """Whom the money goes to."""

    BORROWER = "borrower"
    MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class GradeRange:
    """The rates at which borrowers of a grade are lent to; of an LPR product the spread."""

    grade: str
    rate_min: int
    rate_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One version's terms.

    Amounts are minor units; rates and shares are millionths (rates a year). `count_min` and
    `count_max` bound the number of payments. `rate_min` and `rate_max` bound the rate, of an LPR
    product the spread, which is never below zero; `reprice_months` is how often such a rate is set
    anew, 0 for never. `penalty_share` is added to the contract's rate as a share of it. `order` is
    the order in which a payment settles what is due, `order_bad` the one for loans overdue for more
    than `bad_days`. `early_fee` is a share of principal that is paid early. Of what was lent,
    `disbursement_fee` is due at once and `service_fee` with each payment; `late_fee` is an amount,
    for a payment that is not made on its day. `interest` says what the rate is on, `business_days`
    where due days go that are no business days. With `line_years` it is lent by drawing on lines
    that end after so many years at most.
    """

    purpose: Purpose
    uses: tuple[str, ...]
    payees: tuple[Payee, ...]
    amount_min: int
    amount_max: int
    cycle: Cycle
    count_min: int
    count_max: int
    rate_kind: RateKind
    rate_min: int
    rate_max: int
    reprice_months: int
    day_count: DayCount
    rounding: Rounding
    multiple: int
    methods: tuple[Method, ...]
    principal_grace_max: int
    interest_free_max: int
    down_payment_max: int
    balloon_max: int
    allows_steps: bool
    penalty_share: int
    compounds: bool
    early_fee: int
    order: tuple[Part, ...]
    order_bad: tuple[Part, ...]
    bad_days: int
    walk: Walk
    grades: tuple[GradeRange, ...]
    mandatory: tuple[str, ...]
    interest: InterestKind = InterestKind.DECLINING
    business_days: BusinessDays = BusinessDays.NONE
    disbursement_fee: int = 0
    service_fee: int = 0
    late_fee: int = 0
    line_years: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version that is asked for; names and currency count for a new product only."""

    code: str
    name_zh: str
    name_en: str
    currency: str
    effective_from: date
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product as it is on some day: one of its versions, with names."""

    id: int
    code: str
    name_zh: str
    name_en: str
    currency: str
    version: int
    effective_from: date
    terms: Terms
    approval_id: uuid.UUID
    agreed_at: datetime
