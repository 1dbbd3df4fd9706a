"""Loans. So far their arithmetic: schedules, loans that run, and annual rates.

Owns nothing yet; `schedules`, `servicing` and `rates` say what they do.
"""

from huitong.lending.rates import (
    DatedFlow,
    effective_rate,
    internal_rate,
    net_present_value,
    nominal_rate,
    payment_in_advance,
    periodic_rate,
    rate_at_times,
)
from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    MonthBasis,
    Plan,
    Repayment,
    Row,
    TimeUnit,
    YearBasis,
    make_loan_schedule,
    make_periods,
    make_schedule,
)

__all__ = [
    "Cycle",
    "DatedFlow",
    "DayCount",
    "Disbursement",
    "MonthBasis",
    "Plan",
    "Repayment",
    "Row",
    "TimeUnit",
    "YearBasis",
    "effective_rate",
    "internal_rate",
    "make_loan_schedule",
    "make_periods",
    "make_schedule",
    "net_present_value",
    "nominal_rate",
    "payment_in_advance",
    "periodic_rate",
    "rate_at_times",
]
