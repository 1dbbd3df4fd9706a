"""Pure comparing: what differs between two sides, what is at stake, and matching with tolerance."""

import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.money import Money
from huitong.payments.reconciliation.types import (
    BreakKind,
    Cure,
    FileLine,
    Found,
    OurPayment,
    PairRule,
    Side,
)

_BY_FIELD: Final = {
    "direction": BreakKind.DIRECTION_DIFFERS,
    "currency": BreakKind.CURRENCY_DIFFERS,
    "state": BreakKind.STATE_DIFFERS,
    "amount": BreakKind.AMOUNT_DIFFERS,
    "fee": BreakKind.FEE_DIFFERS,
}
#: The cures that a kind of break may have; the first one is proposed.
CURES: Final[Mapping[BreakKind, tuple[Cure, ...]]] = {
    BreakKind.MISSING_AT_CHANNEL: (Cure.REPLAY, Cure.WAIT, Cure.REVERSE, Cure.SUSPENSE),
    BreakKind.MISSING_WITH_US: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.UNKNOWN_REFERENCE: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.AMOUNT_DIFFERS: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.FEE_DIFFERS: (Cure.ACCEPT_FEE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.CURRENCY_DIFFERS: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.DIRECTION_DIFFERS: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.STATE_DIFFERS: (Cure.REPLAY, Cure.REVERSE, Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.DOUBLED_IN_FILE: (Cure.SUSPENSE, Cure.WAIT, Cure.ACCEPT),
    BreakKind.DOUBLED_WITH_US: (Cure.REVERSE, Cure.SUSPENSE, Cure.WAIT),
    BreakKind.LEDGER_MISSING: (Cure.REPLAY, Cure.WAIT),
    BreakKind.LEDGER_AMOUNT_DIFFERS: (Cure.SUSPENSE, Cure.WAIT),
    BreakKind.LEDGER_WITHOUT_ORDER: (Cure.REVERSE, Cure.SUSPENSE, Cure.WAIT),
    BreakKind.LATE: (Cure.ACCEPT, Cure.WAIT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two sides may be apart; `amount` in minor units of any currency."""

    #: Over midnight, for what has the same id.
    timing: timedelta
    #: For what is matched by amount and time.
    window: timedelta
    amount: int


def list_differences(ours: Side, theirs: Side) -> tuple[str, ...]:
    """Return the fields in which two sides of one payment differ, the gravest first.

    Amounts are compared within a currency; a fee is owed only for what was carried.
    """
    is_same_currency = ours.currency == theirs.currency
    is_charged = theirs.is_moved and None not in (ours.fee, theirs.fee)
    differs = {
        "direction": ours.direction is not theirs.direction,
        "currency": not is_same_currency,
        "state": ours.is_moved is not theirs.is_moved,
        "amount": is_same_currency and ours.amount != theirs.amount,
        "fee": is_charged and is_same_currency and ours.fee != theirs.fee,
    }
    return tuple(field for field in _BY_FIELD if differs[field])


def compare(
    ours: Side, theirs: Side, tolerance: Tolerance
) -> tuple[BreakKind | None, tuple[str, ...]]:
    """Return what kind of break two sides of one payment are, None if they agree, and the fields.

    Sides that agree in all else are late if they are of different days and further apart than
    midnight explains.
    """
    differs = list_differences(ours, theirs)
    if differs:
        return _BY_FIELD[differs[0]], differs
    is_same_day = business_day(ours.at) == business_day(theirs.at)
    is_late = not is_same_day and abs(ours.at - theirs.at) > tolerance.timing
    return (BreakKind.LATE, ("day",)) if is_late else (None, ())


def is_matter_of_time(at: datetime, day_ends_at: datetime, tolerance: Tolerance) -> bool:
    """Return whether what was booked `at` may be in the next day's file instead of this one's."""
    return day_ends_at - at <= tolerance.timing


def effects(ours: Side | None, theirs: Side | None) -> dict[str, int]:
    """Return by currency what the channel's account must change by to be as the channel says.

    Ours 100.00 in and theirs 90.00 in: −10.00. Ours 100.00 CNY in and theirs 100.00 USD in:
    −100.00 CNY and 100.00 USD. Currencies in which nothing changes are left out.
    """
    due: dict[str, int] = {}
    if theirs is not None:
        due[theirs.currency] = theirs.effect
    if ours is not None:
        due[ours.currency] = due.get(ours.currency, 0) - ours.effect
    return {currency: minor for currency, minor in due.items() if minor}


def find_stake(found: Found) -> Money:
    """Return what is at stake in a difference: what the sides differ by, or else what was paid."""
    ours, theirs = found.ours, found.theirs
    if found.kind is BreakKind.FEE_DIFFERS:
        assert ours is not None
        assert theirs is not None
        return Money(abs((theirs.fee or 0) - (ours.fee or 0)), theirs.currency)
    due = effects(ours, theirs)
    if due and found.kind is not BreakKind.DOUBLED_IN_FILE:
        currency = next(iter(due))
        return Money(abs(due[currency]), currency)
    side = theirs or ours
    assert side is not None
    return Money(side.amount, side.currency)


def propose_cure(kind: BreakKind, *, is_timing: bool) -> Cure:
    """Return the cure to begin with."""
    return Cure.WAIT if is_timing else CURES[kind][0]


def match_by_reference(
    lines: Iterable[FileLine], missing: Iterable[OurPayment]
) -> list[tuple[FileLine, OurPayment, PairRule]]:
    """Return lines whose reference is the id of an attempt, or of its order, that is missing.

    Case, dashes and a prefix such as `pay_` do not count. A payment is taken once.
    """
    waiting: dict[str, OurPayment] = {}
    for each in missing:
        waiting[each.attempt_id.hex] = each
        waiting.setdefault(each.order_id.hex, each)
    pairs, taken = [], set[uuid.UUID]()
    for line in lines:
        ours = waiting.get(line.reference.lower().replace("-", "").rpartition("_")[2])
        if ours is not None and ours.attempt_id not in taken:
            taken.add(ours.attempt_id)
            pairs.append((line, ours, PairRule.REFERENCE))
    return pairs


def match_by_amount(
    lines: Sequence[FileLine], missing: Sequence[OurPayment], tolerance: Tolerance
) -> list[tuple[FileLine, OurPayment, PairRule]]:
    """Return lines and payments that fit only each other: direction, currency, amount, time.

    Where a line fits two payments, or a payment two lines, nothing is guessed.
    """
    groups: dict[tuple[str, str], list[OurPayment]] = {}
    for each in missing:
        groups.setdefault((each.side.direction, each.side.currency), []).append(each)
    for group in groups.values():
        group.sort(key=lambda each: each.side.at)
    fits: list[tuple[FileLine, OurPayment]] = []
    times: dict[uuid.UUID, int] = {}
    for line in lines:
        group = groups.get((line.side.direction, line.side.currency), [])
        low = bisect_left(group, line.side.at - tolerance.window, key=_at)
        high = bisect_right(group, line.side.at + tolerance.window, key=_at)
        found = [
            each
            for each in group[low:high]
            if abs(each.side.amount - line.side.amount) <= tolerance.amount
        ]
        for each in found:
            times[each.attempt_id] = times.get(each.attempt_id, 0) + 1
        if len(found) == 1:
            fits.append((line, found[0]))
    return [
        (line, ours, PairRule.AMOUNT_AND_TIME) for line, ours in fits if times[ours.attempt_id] == 1
    ]


def _at(payment: OurPayment) -> datetime:
    return payment.side.at
