"""The terms of published products, as far as their names and tables tell them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    InterestKind,
    MonthBasis,
    Plan,
    Repayment,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
    make_loan_schedule,
    make_periods,
    round_to,
)
from huitong.lending.servicing import EARLIEST_FIRST, PRINCIPAL_IN_ADVANCE, Part, Walk, Waterfall
from huitong.lending.tie_out.results import NotCovered

_EARLIEST: Final = "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER"
_DEFAULTS: Final = {
    "LoanProduct": "LP1",
    "ANNUAL interest rate %": "0",
    "interest type": "FLAT",
    "interest calculation period": "SAME_AS_REPAYMENT_PERIOD",
    "amortization type": "EQUAL_INSTALLMENTS",
    "repaymentEvery": "1",
    "repaymentFrequencyType": "MONTHS",
    "graceOnPrincipalPayment": "0",
    "graceOnInterestPayment": "0",
    "interest free period": "0",
    "Payment strategy": _EARLIEST,
}
_FEE_LAST: Final = (Part.PENALTY, Part.INTEREST, Part.PRINCIPAL, Part.FEE)
_ADVANCED: Final = (Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST)
_WATERFALLS: Final = {
    _EARLIEST: EARLIEST_FIRST,
    "DUE_PENALTY_INTEREST_PRINCIPAL_FEE_IN_ADVANCE_PENALTY_INTEREST_PRINCIPAL_FEE": Waterfall(
        due=_FEE_LAST, in_advance=_FEE_LAST
    ),
    "DUE_PENALTY_FEE_INTEREST_PRINCIPAL_IN_ADVANCE_PRINCIPAL_PENALTY_FEE_INTEREST": (
        PRINCIPAL_IN_ADVANCE
    ),
    "ADVANCED_PAYMENT_ALLOCATION": Waterfall(due=_ADVANCED, in_advance=_ADVANCED),
}
_CHARGED_BACK: Final = (Part.PENALTY, Part.FEE, Part.INTEREST)
_PROGRESSIVE: Final = "ADVANCED_PAYMENT_ALLOCATION"
_QUARTER: Final = Fraction(1, 4)
_WHOLE_UNIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Terms of a loan of a published product."""

    name: str
    cycle: Cycle
    count: int
    annual_rate: Decimal
    repayment: Repayment
    waterfall: Waterfall
    day_count: DayCount
    multiple: int
    is_progressive: bool
    is_reckoned_anew: bool
    charged_back_first: tuple[Part, ...]

    def down_payment_of(self, amount: int) -> int:
        """Return the part of an amount that is due at once."""
        part = amount * self.repayment.down_payment
        return round_to(part.numerator, part.denominator, self.multiple, Rounding.HALF_EVEN)

    @property
    def is_down_payment_automatic(self) -> bool:
        """Whether the down payment pays itself on the day."""
        return "DOWNPAYMENT_AUTO" in self.name

    def make_rows(self, on: date, amount: int) -> list[Row]:
        """Return the schedule of an amount lent on a day."""
        plan = Plan(
            periods=make_periods(on, self.cycle, self.count),
            cycle=self.cycle,
            day_count=self.day_count,
            annual_rate=self.annual_rate,
            disbursements=(Disbursement(on, amount),),
            multiple=self.multiple,
        )
        return make_loan_schedule(plan, self.repayment)


def read_product(given: Mapping[str, str]) -> Product:
    """Return the product of a table of terms; what it leaves out is that of the plainest product.

    Raises NotCovered for terms that the engine has no parameter for.
    """
    terms = {**_DEFAULTS, **given}
    name, is_flat = terms["LoanProduct"], terms["interest type"] == "FLAT"
    rate = Decimal(terms["ANNUAL interest rate %"]) / 100
    if rate and "OVERDUE_FROM" in name:
        raise NotCovered("penalties on what is overdue")
    if terms["amortization type"] != "EQUAL_INSTALLMENTS":
        raise NotCovered(f"amortisation {terms['amortization type']}")
    is_by_month = is_flat or terms["interest calculation period"] == "SAME_AS_REPAYMENT_PERIOD"
    waterfall = _WATERFALLS[terms["Payment strategy"]]
    if "VERTICAL" in name:
        waterfall = Waterfall(due=waterfall.due, in_advance=waterfall.in_advance, walk=Walk.BY_PART)
    return Product(
        name=name,
        cycle=Cycle(
            int(terms["repaymentEvery"]), TimeUnit(terms["repaymentFrequencyType"].lower())
        ),
        count=int(terms["numberOfRepayments"]),
        annual_rate=rate,
        repayment=Repayment(
            interest=InterestKind.FLAT if is_flat else InterestKind.DECLINING,
            down_payment=_QUARTER if "DOWNPAYMENT" in name else Fraction(0),
            principal_grace=int(terms["graceOnPrincipalPayment"]),
            interest_grace=int(terms["graceOnInterestPayment"]),
            interest_free=int(terms["interest free period"]),
        ),
        waterfall=waterfall,
        day_count=(
            DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
            if is_by_month or "360_30" in name
            else DayCount(YearBasis.ACTUAL, MonthBasis.ACTUAL)
        ),
        multiple=1 if "360_30" in name else _WHOLE_UNIT,
        is_progressive=terms["Payment strategy"] == _PROGRESSIVE,
        is_reckoned_anew=bool(rate) and "RECALCULATION" in name,
        charged_back_first=_CHARGED_BACK if "CREDIT_ALLOCATION" in name else (),
    )
