"""What a payment is besides a payment: a test, money that came in just now, one to a new payee.

A payment with a mark also counts in a counter of that mark, so that rules can ask how often it has
happened. Thresholds are the rulebook's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.definitions import NOTHING, ROUND_MINOR
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.meetings import ROLE_PLACES
from huitong.risk.decisioning.features.rows import (
    COUNTERS,
    FAST_OUTFLOW,
    MICROSECONDS,
    NEW_PAYEE,
    ROUND_NIGHT,
    TEST,
)
from huitong.risk.decisioning.features.views import BatchViews

_AMOUNT_1H: Final = COUNTERS.index("amount_1h")
_PAYER, _INFLOW, _PAIR = (ROLE_PLACES[role] for role in ("payer", "inflow", "pair"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRules:
    """When a payment has which mark: amounts in minor units, a share, and seconds."""

    test_below: int
    fast_share: float
    fast_seconds: int

    @classmethod
    def read(cls, rulebook: Rulebook, on_day: date) -> Self:
        """Return the rules of a business day; raises UnknownRuleError and NoRuleInForce."""
        minutes = rulebook.integer("fraud.fast_in_out.window.minutes", on_day)
        return cls(
            test_below=rulebook.amount("fraud.test_then_large.test.below", on_day).minor,
            fast_share=float(rulebook.decimal("fraud.fast_in_out.share.above", on_day)),
            fast_seconds=minutes * 60,
        )


def find_marks(
    facts: Sequence[PaymentFacts],
    views: BatchViews,
    *,
    rules: MarkRules,
    at_us: int,
    is_night: bool,
) -> NDArray[np.int64]:
    """Return the marks of each payment, from what was known before it."""
    amounts = np.array([each.amount for each in facts], np.int64)
    marks = np.where(views.is_known[_PAIR], 0, NEW_PAYEE)
    marks |= np.where(amounts < rules.test_below, TEST, 0)
    marks |= np.where(_is_fast(amounts, views, rules, at_us), FAST_OUTFLOW, 0)
    if is_night:
        is_merchant = np.array([each.is_merchant for each in facts], np.bool_)
        marks |= np.where(is_merchant & (amounts % ROUND_MINOR == 0), ROUND_NIGHT, 0)
    return marks


def _is_fast(
    amounts: NDArray[np.int64], views: BatchViews, rules: MarkRules, at_us: int
) -> NDArray[np.bool_]:
    received = views.counters[_INFLOW, :, _AMOUNT_1H]
    paid = views.counters[_PAYER, :, _AMOUNT_1H] + amounts
    is_new = at_us - views.last_us[_INFLOW] < rules.fast_seconds * MICROSECONDS
    is_fast: NDArray[np.bool_] = (
        is_new & (received > NOTHING) & (paid > rules.fast_share * received)
    )
    return is_fast
