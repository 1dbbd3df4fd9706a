"""Loans that run: what is owed of each instalment after payments, charges and charge-backs."""

from huitong.lending.servicing.replay import open_loan, replay
from huitong.lending.servicing.types import (
    Charge,
    ChargeBack,
    Direction,
    Disbursement,
    Event,
    Instalment,
    Loan,
    Part,
    Payment,
    Postponement,
    Refund,
    Walk,
    Waterfall,
)
from huitong.lending.servicing.waterfalls import EARLIEST_FIRST, PRINCIPAL_IN_ADVANCE, allocate

__all__ = [
    "EARLIEST_FIRST",
    "PRINCIPAL_IN_ADVANCE",
    "Charge",
    "ChargeBack",
    "Direction",
    "Disbursement",
    "Event",
    "Instalment",
    "Loan",
    "Part",
    "Payment",
    "Postponement",
    "Refund",
    "Walk",
    "Waterfall",
    "allocate",
    "open_loan",
    "replay",
]
