"""The terms of published products, as far as their names and tables tell them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyUse,
    InterestKind,
    LateInterest,
    Method,
    MonthBasis,
    Period,
    Plan,
    Recalculation,
    Repayment,
    Rest,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
    advance,
    make_loan_schedule,
    make_periods,
    make_schedule,
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
#: Products whose level payments are not whole units.
_IN_MINOR_UNITS: Final = ("_EMI_", "PROGRESSIVE", "360_30")
_QUARTER: Final = Fraction(1, 4)
_WHOLE_UNIT: Final = 100
_PERCENT: Final = 100


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
    #: How interest is reckoned anew with each payment, or None if it is not.
    rules: Recalculation | None
    #: Whether level payments are those of the amount that was agreed, however much of it is lent.
    is_level_of_agreed: bool
    #: Whether the down payment pays itself on the day.
    is_down_payment_automatic: bool
    #: A level payment that was agreed itself, in minor units.
    level: int | None = None
    #: Days after which the last payment is due, if that is not its cycle's.
    length_days: int | None = None
    #: What is charged for an overdue instalment: a part of its principal, or of interest too.
    overdue_rate: Fraction | None
    is_overdue_interest_charged: bool
    is_flat: bool
    charged_back_first: tuple[Part, ...]

    def down_payment_of(self, amount: int) -> int:
        """Return the part of an amount that is due at once."""
        part = amount * self.repayment.down_payment
        return round_to(part.numerator, part.denominator, self.multiple, Rounding.HALF_EVEN)

    def make_plan(self, lent: Sequence[Disbursement], starts_on: date | None = None) -> Plan:
        """Return the plan of amounts lent, the first one first, due days counted from another day.

        Raises NotCovered where the last payment would have to be due before the one before it.
        """
        first = lent[0].on
        first_due = advance(starts_on, self.cycle, 1) if starts_on else None
        periods = make_periods(first, self.cycle, self.count, first_due=first_due)
        if self.length_days is not None:
            last = Period(periods[-1].start, first + timedelta(days=self.length_days))
            if last.due <= last.start:
                raise NotCovered("a length that ends before the last payment but one")
            periods = (*periods[:-1], last)
        return Plan(
            periods=periods,
            cycle=self.cycle,
            day_count=self.day_count,
            annual_rate=self.annual_rate,
            disbursements=tuple(lent),
            multiple=self.multiple,
            level=self.level,
        )

    def make_schedule(self, plan: Plan) -> list[Row]:
        """Return the rows of a plan; raises NotCovered for lending in parts that is not plain."""
        if len(plan.disbursements) == 1 and not plan.rate_changes:
            return make_loan_schedule(plan, self.repayment)
        plain = Repayment(level_day_count=self.repayment.level_day_count)
        if self.repayment != plain:
            raise NotCovered("changes of a loan with grace, a down payment or another method")
        return make_schedule(plan)


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
        repayment=_read_repayment(
            terms, method, is_level_by_days=not is_progressive and not is_by_month
        ),
        waterfall=waterfall,
        day_count=_read_day_count(name, is_by_month=is_by_month, is_progressive=is_progressive),
        multiple=1
        if method is Method.EQUAL_PRINCIPAL or any(each in name for each in _IN_MINOR_UNITS)
        else _WHOLE_UNIT,
        is_progressive=is_progressive,
        rules=_read_rules(name, is_progressive=is_progressive) if rate else None,
        is_down_payment_automatic="DOWNPAYMENT" in name and "_AUTO" in name,
        is_level_of_agreed="MULTIDISB" in name and not is_progressive,
        overdue_rate=_LATE_FEE if "OVERDUE_FROM" in name else None,
        is_overdue_interest_charged="OVERDUE_FROM_AMOUNT_INTEREST" in name,
        is_flat=is_flat,
        charged_back_first=_CHARGED_BACK if "CREDIT_ALLOCATION" in name else (),
    )


def _read_repayment(
    terms: Mapping[str, str], method: Method, *, is_level_by_days: bool
) -> Repayment:
    is_flat = terms["interest type"] == "FLAT"
    return Repayment(
        method=method,
        level_day_count=_MONTH_OF_365 if is_level_by_days else None,
        interest=InterestKind.FLAT if is_flat else InterestKind.DECLINING,
        down_payment=_QUARTER if "DOWNPAYMENT" in terms["LoanProduct"] else Fraction(0),
        principal_grace=int(terms["graceOnPrincipalPayment"]),
        interest_grace=int(terms["graceOnInterestPayment"]),
        interest_free=int(terms["interest free period"]),
    )


def _read_day_count(name: str, *, is_by_month: bool, is_progressive: bool) -> DayCount:
    if is_by_month or "360_30" in name:
        return DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
    is_actual = is_progressive and "365_ACTUAL" not in name
    return DayCount(YearBasis.ACTUAL if is_actual else YearBasis.DAYS_365, MonthBasis.ACTUAL)


def adapt_product(product: Product, said: str) -> Product:
    """Return a product as a sentence about one loan changes it: another length or down payment.

    Raises NotCovered for a change that the sentence does not tell in full.
    """
    if " with emi" in said or "interestRateFrequencyType" in said:
        raise NotCovered("a level payment or a rate that the scenario does not tell")
    length = re.search(r"fixed length (\d+)", said)
    if length:
        product = replace(product, length_days=int(length[1]))
    part = re.search(r"downpayment ([\d.]+)\s*%", said)
    if part or "disabled downpayment" in said:
        share = Fraction(part[1]) / _PERCENT if part else Fraction(0)
        product = replace(
            product,
            repayment=replace(product.repayment, down_payment=share),
            is_down_payment_automatic=bool(part) and "NO auto" not in said,
        )
    return product


def _read_rules(name: str, *, is_progressive: bool) -> Recalculation | None:
    _, is_recalculated, rest = name.partition("RECALCULATION")
    if not is_recalculated:
        return None
    is_with_instalments = any(each in rest for each in ("SAME_AS_REPAYMENT", "SARP"))
    early = EarlyUse.NEXT_INSTALMENTS if is_progressive else EarlyUse.LOWER_PAYMENTS
    if "REDUCE_NR_INST" in rest:
        early = EarlyUse.FEWER_PAYMENTS
    elif "RESCH_NEXT_REP" in rest:
        early = EarlyUse.NEXT_PRINCIPAL
    return Recalculation(
        early=early,
        rest=Rest.WITH_INSTALMENTS if is_with_instalments else Rest.DAILY,
        late=LateInterest.SINCE_DUE if is_progressive else LateInterest.WHEN_RECKONED,
        is_compounding="COMPOUNDING" in rest and "COMPOUNDING_NONE" not in rest,
    )
