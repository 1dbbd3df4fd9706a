"""Fees, what a refund takes back from whom, and identifiers that follow from others."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from huitong.kernel.money import Money, Rounding

_RANDOM_BITS: Final = 2**62 - 1
_VARIANT: Final = 0b10 << 62


def calculate_fee(amount: Money, rate: Decimal, fee_max: Money | None = None) -> Money:
    """Return what a merchant pays for a payment of `amount`.

    fee = min(round(amount × rate), fee_max), rounded half up to the minor unit. Worked numbers:
    0.6 % of 88.88 CNY is 0.53328, so 0.53 CNY; 0.6 % of 2.50 CNY is 0.015, so 0.02 CNY.

    Raises ValueError for a negative amount, rate or cap, or a rate above 1; CurrencyMismatch for a
    cap in another currency.
    """
    if amount.is_negative or not 0 <= rate <= 1 or (fee_max is not None and fee_max.is_negative):
        raise ValueError(
            "a fee is of a positive amount, at a rate from 0 to 1, with a positive cap"
        )
    if not rate:
        return Money.zero(amount.currency)
    fee = amount.multiply(rate, Rounding.HALF_UP)
    return fee if fee_max is None or fee <= fee_max else fee_max


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSplit:
    """Where the money of a refund comes from; the three sum up to it."""

    fee_returned: Money
    share_returns: tuple[Money, ...]
    from_merchant: Money


def split_refund(
    *,
    paid: Money,
    fee: Money,
    refunded_before: Money,
    fee_returned_before: Money,
    shares_outstanding: Sequence[Money],
    refund: Money,
) -> RefundSplit:
    """Return what a refund of `refund` takes from the fee, from each share and from the merchant.

    With P paid, F the fee, R refunded before, r the refund, R' = R + r and half up rounding:
    the fee given back in all is f(R') = round(F × R' / P), so that partial refunds sum up to
    exactly F when R' = P. Receivers who have S in all keep floor(S × (P - R') / (P - R)); what
    they give back is allocated in proportion to what each of them has. Rounding never makes the
    merchant give back less than nothing.

    Worked numbers: P 100.00, F 0.60, one receiver with 30.00; a refund of 25.00 gives back 0.15
    of the fee and takes 7.50 from the receiver and 17.35 from the merchant.

    Raises ValueError if the refund is not above zero or more than is left, or if fee and shares
    are more than what is left could hold.
    """
    left = paid.minor - refunded_before.minor
    shared = Money.total(shares_outstanding, paid.currency)
    if not 0 < refund.minor <= left:
        raise ValueError("a refund is above zero and at most what is left of the payment")
    if fee.minor - fee_returned_before.minor + shared.minor > left:
        raise ValueError("fee and shares are more than what is left of the payment")
    returned_in_all = _round_half_up(fee.minor * (refunded_before.minor + refund.minor), paid.minor)
    fee_part = returned_in_all - fee_returned_before.minor
    kept = shared.minor * (left - refund.minor) // left
    share_part = Money(min(shared.minor - kept, refund.minor - fee_part), paid.currency)
    return RefundSplit(
        fee_returned=Money(fee_part, paid.currency),
        share_returns=share_part.allocate([share.minor for share in shares_outstanding])
        if shared.is_positive
        else tuple(share_part for _ in shares_outstanding),
        from_merchant=refund - Money(fee_part, paid.currency) - share_part,
    )


def split_by_weights(total: Money, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
    """Return the parts of `total` in proportion to `weights`, losing no minor unit.

    The largest remainders get what rounding down has left: 10.00 over (1, 1, 1) is 3.34, 3.33,
    3.33. Raises ValueError for weights that are negative, all zero, or too many.
    """
    return total.allocate(weights)


def derive_id(base: uuid.UUID, role: int) -> uuid.UUID:
    """Return the identifier that plays `role` (1, 2, …) for `base`, the same on every call.

    A movement of several transfers has one identifier from its client; the others follow from it,
    so that a repetition is seen as one. The time of `base` is kept, as identifiers are filed by it;
    the 62 random bits are those of a SHA-256.
    """
    (derived,) = derive_ids(base, [role])
    return derived


def derive_ids(base: uuid.UUID, roles: Iterable[int]) -> list[uuid.UUID]:
    """Return the identifier of each role, as `derive_id` does, in half the time for many."""
    high, begun = base.int >> 64 << 64, hashlib.sha256(base.bytes)
    derived = []
    for role in roles:
        if role < 1:
            raise ValueError("role 0 is the base itself")
        digest = begun.copy()
        digest.update(role.to_bytes(4))
        low = int.from_bytes(digest.digest()[:8]) & _RANDOM_BITS | _VARIANT
        derived.append(uuid.UUID(int=high | low))
    return derived


def _round_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
