"""What a payment is besides a payment: a test, money that came in just now, one to a new payee.

A payment with a mark also counts in a counter of that mark, so that rules can ask how often it has
happened. Thresholds are the rulebook's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.definitions import NOTHING, ROUND_MINOR
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.rows import (
    COUNTERS,
    FAST_OUTFLOW,
    MICROSECONDS,
    NEW_PAYEE,
    ROUND_NIGHT,
    TEST,
)
from huitong.risk.decisioning.features.views import View

_AMOUNT_1H: Final = COUNTERS.index("amount_1h")


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
    facts: PaymentFacts,
    views: Mapping[str, View],
    number: int,
    *,
    rules: MarkRules,
    at_us: int,
    is_night: bool,
) -> int:
    """Return the marks of the payment at a place of the batch, from what was known before it."""
    marks = 0
    if not views["pair"].is_known[number]:
        marks |= NEW_PAYEE
    if facts.amount < rules.test_below:
        marks |= TEST
    if _is_fast(facts, views, number, rules, at_us):
        marks |= FAST_OUTFLOW
    if is_night and facts.is_merchant and facts.amount % ROUND_MINOR == 0:
        marks |= ROUND_NIGHT
    return marks


def _is_fast(
    facts: PaymentFacts, views: Mapping[str, View], number: int, rules: MarkRules, at_us: int
) -> bool:
    inflow = views["inflow"]
    received = float(inflow.counters[number, _AMOUNT_1H])
    if received <= NOTHING:
        return False
    age_us = at_us - int(inflow.last_us[number])
    paid = float(views["payer"].counters[number, _AMOUNT_1H]) + facts.amount
    return age_us < rules.fast_seconds * MICROSECONDS and paid > rules.fast_share * received
