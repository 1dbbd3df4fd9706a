"""Loans. So far: the annual rates of their cash flows.

Owns nothing yet; see `rates` for what a loan costs.
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

__all__ = [
    "DatedFlow",
    "effective_rate",
    "internal_rate",
    "net_present_value",
    "nominal_rate",
    "payment_in_advance",
    "periodic_rate",
    "rate_at_times",
]
