"""From statement lines to a settlement sheet: pure sums, nothing is read and nothing is moved."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from huitong.kernel.clock import business_day
from huitong.ledger import TransferCode
from huitong.payments.merchants.fees import (
    PlanVersion,
    calculate_fee_back,
    calculate_plan_fee,
    find_version,
)
from huitong.payments.merchants.types import (
    AccountLine,
    LineKind,
    Recovery,
    SheetLine,
    Terms,
    Tranche,
)

#: Codes of what sheets themselves move: the lines of no sheet.
SHEET_CODES: Final = tuple(range(520, 530))
_KINDS: Final[dict[int, LineKind]] = {
    TransferCode.FEE: LineKind.FEE,
    TransferCode.FEE_REFUND: LineKind.FEE,
    TransferCode.PROFIT_SHARE: LineKind.SHARE,
    TransferCode.PROFIT_SHARE_RETURN: LineKind.SHARE,
    TransferCode.CHARGEBACK: LineKind.CHARGEBACK,
    TransferCode.CHARGEBACK_RETURN: LineKind.CHARGEBACK,
    TransferCode.DISPUTE_FEE: LineKind.DISPUTE_FEE,
    TransferCode.DISPUTE_FEE_RETURN: LineKind.DISPUTE_FEE,
}
_PAID: Final = frozenset({TransferCode.PAYMENT, TransferCode.PAYMENT_CAPTURE})
_THOUSAND: Final = Decimal(1_000)


@dataclass(frozen=True, slots=True)
class Volume:
    """The sum of a month's payments so far; `month` is its first day."""

    month: date
    amount: int


@dataclass(frozen=True, slots=True)
class _Paid:
    """What is known of a payment when a refund of it is priced."""

    fee: int | None
    on: date | None
    refunded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The sums of a sheet's lines by kind, and what plan fees add up to; all signed."""

    count: int
    by_kind: dict[LineKind, int]
    plan_fees: int

    @property
    def total(self) -> int:
        """What the lines change, plan fees included."""
        return sum(self.by_kind.values()) + self.plan_fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is when a sheet is settled; `released` is what the reserve gives back first."""

    available: int
    reserve: int
    released: int
    owed: int
    payout_available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where the money of a sheet goes; what is left of it is carried."""

    advanced: int
    recovered: int
    recovered_direct: int
    reserve_held: int
    payout: int


def kind_of(line: AccountLine) -> LineKind:
    """Return what a statement line is on a sheet.

    A payment *by* the merchant out of its payable is among the others, and so is every movement
    that settlement has no word for: nothing is left out of the sum.
    """
    if line.code in _PAID and line.amount > 0 and line.order_id is not None:
        return LineKind.PAYMENT
    if line.code == TransferCode.REFUND and line.amount < 0 and line.order_id is not None:
        return LineKind.REFUND
    return _KINDS.get(line.code, LineKind.OTHER)


def price_lines(
    lines: Sequence[AccountLine], plan: Sequence[PlanVersion], volume: Volume
) -> tuple[list[SheetLine], Volume]:
    """Return the lines of a sheet with what the plan adds to each, and the volume after them.

    A payment is priced by the version in force on its day, in the tier of the
    month's payments before it; one from before the plan's first day costs what it was charged. A
    refund gives back its part of the plan's fee if the version of the payment says so, and
    otherwise the merchant pays what the refund gave back already.
    """
    priced: list[SheetLine] = []
    known: dict[uuid.UUID | None, _Paid] = {}
    for line in lines:
        kind, plan_fee = kind_of(line), 0
        if kind is LineKind.PAYMENT:
            day = business_day(line.happened_at)
            month = day.replace(day=1)
            volume = volume if volume.month == month else Volume(month, 0)
            fee = _price(line, find_version(plan, day), volume)
            known[line.order_id] = _Paid(fee, day, 0)
            plan_fee = line.charged - fee
            volume = Volume(month, volume.amount + line.amount)
        elif kind is LineKind.REFUND:
            before = known.get(line.order_id, _paid_earlier(line))
            plan_fee = _price_refund(line, plan, before)
            known[line.order_id] = replace(before, refunded=before.refunded - line.amount)
        priced.append(
            SheetLine(
                line=line.line,
                transfer_id=line.transfer_id,
                kind=kind,
                amount=line.amount,
                plan_fee=plan_fee,
                order_id=line.order_id,
                happened_at=line.happened_at,
            )
        )
    return priced, volume


def sum_lines(lines: Sequence[SheetLine]) -> Sums:
    """Return the sums of lines by kind."""
    by_kind = dict.fromkeys(LineKind, 0)
    for line in lines:
        by_kind[line.kind] += line.amount
    return Sums(count=len(lines), by_kind=by_kind, plan_fees=sum(line.plan_fee for line in lines))


def split_sheet(*, opening: int, sums: Sums, means: Means, terms: Terms | None) -> Split:
    """Return what a sheet pays, keeps, recovers and advances.

    What is due is opening + lines + released reserve, of which at most what the account has can be
    moved: later refunds may have taken some of it, and then the rest is carried. Out of that come,
    in order, what the merchant owes us, the reserve (a part of payments less refunds, and what the
    floor lacks) and the payout, unless it is less than the minimum. Plan fees that the account
    cannot bear are advanced: the merchant owes them.

    Worked numbers: payments 1,000.00, refunds -100.00, plan fees -6.00; 10 % reserve, nothing
    owed: reserve 90.00, payout 804.00. With 50.00 owed: recovered 50.00, payout 754.00.

    `terms` is None for a receiver of shares: all is paid.
    """
    left = means.available + sums.plan_fees + means.released
    advanced = max(0, -left)
    due = opening + sums.total + means.released + advanced
    pot = max(0, min(due, left + advanced))
    owed = means.owed + advanced
    recovered = 0 if advanced else min(owed, pot)
    held = 0 if terms is None else min(pot - recovered, _find_reserve(sums, means, terms))
    payout = pot - recovered - held
    if terms is not None and payout < terms.payout_min:
        payout = 0
    direct = 0
    if terms is not None and terms.recovery is Recovery.RECOVER:
        direct = min(owed - recovered, max(0, means.payout_available))
    return Split(
        advanced=advanced,
        recovered=recovered,
        recovered_direct=direct,
        reserve_held=held,
        payout=payout,
    )


def plan_release(tranches: Sequence[Tranche], *, on: date, floor: int) -> dict[int, int]:
    """Return what each tranche gives back on a day, oldest first, so that the floor stays.

    `tranches` are all that are left. Worked example: 30.00 due and 50.00 not due with a floor of
    60.00 gives back 20.00.
    """
    room = max(0, sum(tranche.remaining for tranche in tranches) - floor)
    released: dict[int, int] = {}
    for tranche in sorted(tranches, key=lambda each: (each.release_on, each.id)):
        part = min(tranche.remaining, room) if tranche.release_on <= on else 0
        if part > 0:
            released[tranche.id] = part
            room -= part
    return released


def _find_reserve(sums: Sums, means: Means, terms: Terms) -> int:
    """Return what is to be kept of this sheet: the rolling part, and what the floor lacks."""
    base = max(0, sums.by_kind[LineKind.PAYMENT] + sums.by_kind[LineKind.REFUND])
    rolling = int(
        (base * Decimal(terms.reserve_permille) / _THOUSAND).to_integral_value(ROUND_HALF_UP)
    )
    kept = means.reserve - means.released + rolling
    return rolling + max(0, terms.reserve_floor - kept)


def _price(line: AccountLine, version: PlanVersion | None, volume: Volume) -> int:
    if version is None or line.order_kind is None:
        return line.charged
    return calculate_plan_fee(
        version.rules, kind=line.order_kind, amount=line.amount, volume_before=volume.amount
    )


def _paid_earlier(line: AccountLine) -> _Paid:
    on = None if line.paid_at is None else business_day(line.paid_at)
    return _Paid(line.fee_paid, on, line.refunded_before)


def _price_refund(line: AccountLine, plan: Sequence[PlanVersion], paid: _Paid) -> int:
    """Return what the plan gives back on top of what the refund gave back; below zero, takes."""
    version = None if paid.on is None else find_version(plan, paid.on)
    if version is None or paid.fee is None:
        return 0
    if not version.refunds_return_fee:
        return -line.charged
    back = calculate_fee_back(
        fee=paid.fee, paid=line.paid, refunded_before=paid.refunded, refund=-line.amount
    )
    return back - line.charged
