"""Terms and rows of repayment schedules. Amounts are minor units, rates are exact ratios a year."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class TimeUnit(StrEnum):
    """What a cycle is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class YearBasis(StrEnum):
    """How many days the year of a rate has; the actual one has 365, or 366 in a leap year."""

    ACTUAL = "actual"
    DAYS_360 = "360"
    DAYS_364 = "364"
    DAYS_365 = "365"


class MonthBasis(StrEnum):
    """How many days of interest a whole month bears."""

    ACTUAL = "actual"
    DAYS_30 = "30"


class Rounding(StrEnum):
    """Where half a minor unit of interest goes."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"


@dataclass(frozen=True, slots=True)
class Cycle:
    """How often a payment is due: every `every` units."""

    every: int
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class DayCount:
    """The convention by which days become a share of a year: year 360 and month 30 is 30/360."""

    year: YearBasis
    month: MonthBasis


class Period(NamedTuple):
    """From the day on which interest begins to the day on which the payment is due."""

    start: date
    due: date


class Disbursement(NamedTuple):
    """Money that is lent on a day."""

    on: date
    amount: int


class RateChange(NamedTuple):
    """A rate that holds from a day on, that day included."""

    on: date
    annual_rate: Decimal


class EarlyPrincipal(NamedTuple):
    """Principal of the payment that is due on `due`, paid on an earlier day."""

    due: date
    on: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a schedule is made from.

    `periods` follow each other without a gap. `annual_rate` holds until the first change.
    `multiple` is what level payments are rounded to, in minor units; `level` is the level payment
    if it was agreed instead of found, so that the last payment takes what it leaves.
    """

    periods: tuple[Period, ...]
    cycle: Cycle
    day_count: DayCount
    annual_rate: Decimal
    disbursements: tuple[Disbursement, ...]
    rate_changes: tuple[RateChange, ...] = ()
    early: tuple[EarlyPrincipal, ...] = ()
    rounding: Rounding = Rounding.HALF_EVEN
    multiple: int = 1
    level: int | None = None


class Row(NamedTuple):
    """One payment: what is due of principal and interest, and what is owed afterwards."""

    due: date
    principal: int
    interest: int
    balance: int

    @property
    def payment(self) -> int:
        """Return principal and interest together."""
        return self.principal + self.interest
