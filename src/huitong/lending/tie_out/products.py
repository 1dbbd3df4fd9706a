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
    EarlyUse,
    InterestKind,
    Method,
    MonthBasis,
    Plan,
    Repayment,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
    advance,
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
_MONTH_OF_365: Final = DayCount(YearBasis.DAYS_365, MonthBasis.DAYS_30)
_METHODS: Final = {
    "EQUAL_INSTALLMENTS": Method.LEVEL_PAYMENT,
    "EQUAL_PRINCIPAL_PAYMENTS": Method.EQUAL_PRINCIPAL,
}
_LATE_FEE: Final = Fraction(15, 1_000)
_FROM_DAY_TO_DAY: Final = "DAILY_RECALCULATION_COMPOUNDING_NONE"
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
    #: What early money is for if interest is reckoned anew with each payment, else None.
    early: EarlyUse | None
    #: What is charged for an overdue instalment: a part of its principal, or of interest too.
    overdue_rate: Fraction | None
    is_overdue_interest_charged: bool
    is_flat: bool
    charged_back_first: tuple[Part, ...]

    def down_payment_of(self, amount: int) -> int:
        """Return the part of an amount that is due at once."""
        part = amount * self.repayment.down_payment
        return round_to(part.numerator, part.denominator, self.multiple, Rounding.HALF_EVEN)

    @property
    def is_down_payment_automatic(self) -> bool:
        """Whether the down payment pays itself on the day."""
        return "DOWNPAYMENT_AUTO" in self.name

    def make_plan(self, on: date, amount: int, starts_on: date | None = None) -> Plan:
        """Return the plan of an amount lent on a day, due days counted from another one."""
        first_due = advance(starts_on, self.cycle, 1) if starts_on else None
        return Plan(
            periods=make_periods(on, self.cycle, self.count, first_due=first_due),
            cycle=self.cycle,
            day_count=self.day_count,
            annual_rate=self.annual_rate,
            disbursements=(Disbursement(on, amount),),
            multiple=self.multiple,
        )

    def make_rows(self, on: date, amount: int, starts_on: date | None = None) -> list[Row]:
        """Return the schedule of an amount lent on a day."""
        return self.make_schedule(self.make_plan(on, amount, starts_on))

    def make_schedule(self, plan: Plan) -> list[Row]:
        """Return the rows of a plan."""
        return make_loan_schedule(plan, self.repayment)


def read_product(given: Mapping[str, str]) -> Product:
    """Return the product of a table of terms; what it leaves out is that of the plainest product.

    Raises NotCovered for terms that the engine has no parameter for.
    """
    terms = {**_DEFAULTS, **given}
    name, is_flat = terms["LoanProduct"], terms["interest type"] == "FLAT"
    rate = Decimal(terms["ANNUAL interest rate %"]) / 100
    if terms["amortization type"] not in _METHODS:
        raise NotCovered(f"amortisation {terms['amortization type']}")
    method = _METHODS[terms["amortization type"]]
    is_by_month = is_flat or terms["interest calculation period"] == "SAME_AS_REPAYMENT_PERIOD"
    is_progressive = terms["Payment strategy"] == _PROGRESSIVE
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
            method=method,
            level_day_count=None if is_progressive or is_by_month else _MONTH_OF_365,
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
            else DayCount(
                YearBasis.ACTUAL if is_progressive else YearBasis.DAYS_365, MonthBasis.ACTUAL
            )
        ),
        multiple=1
        if method is Method.EQUAL_PRINCIPAL or "360_30" in name or "PROGRESSIVE" in name
        else _WHOLE_UNIT,
        is_progressive=is_progressive,
        early=_read_early(name, is_progressive=is_progressive) if rate else None,
        overdue_rate=_LATE_FEE if "OVERDUE_FROM" in name else None,
        is_overdue_interest_charged="OVERDUE_FROM_AMOUNT_INTEREST" in name,
        is_flat=is_flat,
        charged_back_first=_CHARGED_BACK if "CREDIT_ALLOCATION" in name else (),
    )


def _read_early(name: str, *, is_progressive: bool) -> EarlyUse | None:
    if "RECALCULATION" not in name:
        return None
    if is_progressive:
        return EarlyUse.NEXT_INSTALMENTS
    if _FROM_DAY_TO_DAY not in name or "RESCH" in name:
        raise NotCovered("interest that is reckoned anew, but not from day to day")
    return EarlyUse.LOWER_PAYMENTS
