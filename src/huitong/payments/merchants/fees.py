"""Fee plans and what a payment or refund costs by them: pure, exact, with one rounding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

#: The rule for kinds of payment that have none of their own.
ANY: Final = "any"
_THOUSAND: Final = Decimal(1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule:
    """What payments of a kind cost from a monthly volume on.

    `rate_permille` is exact, with at most four decimals: Decimal("6") is 0.6 %. `fixed`, `fee_min`
    and `fee_max` (None for no cap) are minor units.
    """

    kind: str
    volume_from: int
    rate_permille: Decimal
    fixed: int = 0
    fee_min: int = 0
    fee_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVersion:
    """A version of a fee plan, in force from a day until the next version's first day.

    What a refund lacks comes out of the reserve with `refunds_draw_reserve`, and is owed then as
    long as no more than `refund_debt_max` is.
    """

    plan: str
    version: int
    effective_from: date
    refunds_return_fee: bool
    rules: tuple[FeeRule, ...]
    refunds_draw_reserve: bool = False
    refund_debt_max: int = 0


def find_rule(rules: Sequence[FeeRule], kind: str, volume_before: int) -> FeeRule:
    """Return the rule for a payment of `kind` when the month's payments before it are a volume.

    Of the kind's own rules, or else those for any kind, the one that begins last and not after
    the volume. Every plan has a rule for any kind from 0 on; raises ValueError for one without.
    """
    own = [rule for rule in rules if rule.kind == kind]
    reached = [
        rule
        for rule in own or [rule for rule in rules if rule.kind == ANY]
        if rule.volume_from <= volume_before
    ]
    if not reached:
        raise ValueError("a fee plan has a rule for any kind of payment from a volume of 0 on")
    return max(reached, key=lambda rule: rule.volume_from)


def calculate_plan_fee(
    rules: Sequence[FeeRule], *, kind: str, amount: int, volume_before: int
) -> int:
    """Return the fee of a payment in minor units.

    fee = min(max(round(amount × rate / 1000) + fixed, fee_min), fee_max, amount), rounded half up
    to the minor unit once. The whole payment is in the tier that the month's payments *before* it
    reach; a refund takes nothing from the volume.

    Worked numbers, with 6 ‰ + 0.10, at least 0.20 and at most 25.00, and 3.8 ‰ + 0.10 from a
    volume of 10,000.00 on: 88.88 costs 0.53 + 0.10 = 0.63 (0.53328 rounds down); 5.00 costs 0.20
    (0.13 is less); 9,000.00 costs 25.00 (54.10 is more); 0.15 costs 0.15 (never more than what was
    paid). After a volume of exactly 10,000.00, 88.88 costs 0.34 + 0.10 = 0.44 (0.337744 rounds up
    to 0.34).
    """
    rule = find_rule(rules, kind, volume_before)
    rated = int((amount * rule.rate_permille / _THOUSAND).to_integral_value(ROUND_HALF_UP))
    fee = max(rated + rule.fixed, rule.fee_min)
    if rule.fee_max is not None:
        fee = min(fee, rule.fee_max)
    return min(fee, amount)


def calculate_fee_back(*, fee: int, paid: int, refunded_before: int, refund: int) -> int:
    """Return the part of a payment's fee that a refund gives back, in minor units.

    With F the fee, P what was paid, R what was refunded before and r the refund, it is
    round(F × (R + r) / P) - round(F × R / P), each rounded half up: all refunds of a payment
    together give back exactly F once R + r = P.

    Worked numbers: F 0.63, P 88.88; a refund of 44.44 gives back 0.32 (0.315 rounds up), the
    second one of 44.44 gives back 0.31. Raises ValueError for more than was paid.
    """
    after = refunded_before + refund
    if not 0 <= refunded_before <= after <= paid or paid <= 0:
        raise ValueError("refunds are at most what was paid")
    return _share(fee, after, paid) - _share(fee, refunded_before, paid)


def find_version(versions: Sequence[PlanVersion], on: date) -> PlanVersion | None:
    """Return the version in force on a day; None before the first one."""
    begun = [version for version in versions if version.effective_from <= on]
    return max(begun, key=lambda version: version.effective_from) if begun else None


def _share(fee: int, part: int, whole: int) -> int:
    return (2 * fee * part + whole) // (2 * whole)
