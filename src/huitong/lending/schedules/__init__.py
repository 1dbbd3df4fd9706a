"""Repayment schedules: pure arithmetic of integers, from terms to rows."""

from huitong.lending.schedules.arithmetic import round_to
from huitong.lending.schedules.business_days import BusinessDays, adjust
from huitong.lending.schedules.calendar import add_months, advance, make_periods, share_of_year
from huitong.lending.schedules.methods import (
    InterestKind,
    Method,
    Repayment,
    make_loan_schedule,
)
from huitong.lending.schedules.progressive import make_schedule
from huitong.lending.schedules.recalculated import (
    EarlyUse,
    LateInterest,
    Recalculation,
    Receipt,
    Rest,
    quote_payoff,
    recalculate,
)
from huitong.lending.schedules.types import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyPrincipal,
    MonthBasis,
    Period,
    Plan,
    RateChange,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
)

__all__ = [
    "BusinessDays",
    "Cycle",
    "DayCount",
    "Disbursement",
    "EarlyPrincipal",
    "EarlyUse",
    "InterestKind",
    "LateInterest",
    "Method",
    "MonthBasis",
    "Period",
    "Plan",
    "RateChange",
    "Recalculation",
    "Receipt",
    "Repayment",
    "Rest",
    "Rounding",
    "Row",
    "TimeUnit",
    "YearBasis",
    "add_months",
    "adjust",
    "advance",
    "make_loan_schedule",
    "make_periods",
    "make_schedule",
    "quote_payoff",
    "recalculate",
    "round_to",
    "share_of_year",
]
