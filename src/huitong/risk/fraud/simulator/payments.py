"""Payments of the simulator as columns, and how the parts of a history come together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.scans import Flags, Floats, Integers

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
#: No device, no address, no class.
NONE: Final = -1
#: Kinds of payment orders, by their place here.
KINDS: Final = ("transfer", "payment", "checkout", "static_qr", "dynamic_qr", "customer_code")
TRANSFER: Final = 0


class Fraud(IntEnum):
    """What a payment is part of."""

    NONE = 0
    #: Somebody else pays out of the account, from a device that is new to it.
    TAKEOVER = 1
    #: Stolen money passes through accounts that were lent or sold, fast in and fast out.
    MULE_RING = 2
    #: Many small payments try whether an account pays, then large ones follow.
    TESTING = 3
    #: Many victims pay one account: a shop that never delivers, an investment that is none.
    COLLECTION = 4
    #: The customer is talked into paying a stranger, more each time.
    SCAM = 5
    #: Round amounts at night to the front of a gambling house.
    GAMBLING = 6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Payments:
    """Columns of payments; `at_us` is microseconds since the start's local midnight.

    `amount` is minor units; `device`, `address` and `account_class` are `NONE` where there is none.
    """

    at_us: Integers
    payer: Integers
    payee: Integers
    amount: Integers
    device: Integers
    address: Integers
    account_class: Integers
    kind: Integers
    is_merchant: Flags
    is_strong: Flags
    fraud: Integers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.at_us)

    def take(self, chosen: Integers | Flags) -> "Payments":
        """Return some of them, in the order of `chosen`."""
        return Payments(**{each.name: getattr(self, each.name)[chosen] for each in fields(self)})


def make_payments(
    *,
    at_us: Integers | Floats,
    payer: Integers,
    payee: Integers,
    amount: Integers | Floats,
    device: Integers | int = NONE,
    address: Integers | int = NONE,
    account_class: Integers | int = NONE,
    kind: Integers | int = TRANSFER,
    is_merchant: Flags | bool = False,
    is_strong: Flags | bool = False,
    fraud: Fraud = Fraud.NONE,
) -> Payments:
    """Return payments from columns; one value stands for all. Amounts are at least one fen."""
    size = len(payer)

    def whole(values: Integers | Floats | int) -> Integers:
        return np.broadcast_to(np.asarray(values), size).astype(np.int64)

    return Payments(
        at_us=whole(at_us),
        payer=whole(payer),
        payee=whole(payee),
        amount=np.maximum(1, whole(np.rint(amount))),
        device=whole(device),
        address=whole(address),
        account_class=whole(account_class),
        kind=whole(kind),
        is_merchant=np.broadcast_to(np.asarray(is_merchant, np.bool_), size).copy(),
        is_strong=np.broadcast_to(np.asarray(is_strong, np.bool_), size).copy(),
        fraud=whole(int(fraud)),
    )


def concatenate(parts: Sequence[Payments]) -> Payments:
    """Return the payments of all parts, one part after the other."""
    return Payments(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(Payments)
        }
    )


def join(parts: Sequence[Payments], *, until_us: int) -> Payments:
    """Return all of them in the order of time, without those outside the history or to oneself."""
    whole = concatenate(parts)
    is_inside = (whole.at_us >= 0) & (whole.at_us < until_us) & (whole.payer != whole.payee)
    kept = whole.take(is_inside)
    return kept.take(np.argsort(kept.at_us, kind="stable"))


def accumulate(groups: Integers, gaps: Floats) -> Floats:
    """Return for each row the sum of the gaps of its group up to it; rows of a group lie together.

    The first of each group is at 0: its gap does not count.
    """
    if len(groups) == 0:
        return np.zeros(0)
    begins = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    counted = gaps.copy()
    counted[begins] = 0.0
    sums = np.cumsum(counted)
    sizes = np.diff(np.append(begins, len(groups)))
    starts: Floats = np.repeat(sums[begins], sizes)
    return sums - starts


def happens(random: np.random.Generator, count: int, chance: float) -> Flags:
    """Say for each of so many whether something happened that has this chance."""
    return random.random(count) < chance


def round_to(amounts: Floats, step: int) -> NDArray[np.float64]:
    """Return amounts as whole multiples of a step, at least one."""
    return np.maximum(1, np.rint(amounts / step)) * step
