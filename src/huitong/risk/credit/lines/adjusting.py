"""Adjustment of limits and rates by behaviour: with hysteresis, caps, and notice.

One month says little: a change needs several month-ends in a row that support it, stays within
caps, and what is worse for the customer holds only after notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money, Rounding
from huitong.kernel.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """A line as it stands. `changed_on` is the day of its opening, last raise or change of rate."""

    limit: Money
    drawn: Money
    annual_rate: Decimal
    changed_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """What a month-end's terms would be: the limit that they allow and the rate."""

    limit: Money
    annual_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A change and when it holds; what is None stays. The customer is told on the day it is made.

    A rate that rises is for new drawings only.
    """

    limit: Money | None = None
    limit_holds_on: date | None = None
    annual_rate: Decimal | None = None
    rate_holds_on: date | None = None


def propose_adjustment(
    line: CreditLine, months: Sequence[MonthEnd], *, rulebook: Rulebook, on: date
) -> Adjustment | None:
    """Return what to change, or None. `months` are the latest month-ends, the newest last.

    Raises need `risk.credit.adjust.raise.months` in a row, and `interval.days` since the last
    change; cuts need `cut.months`. What moves a limit by less than the band changes nothing.
    Worked: 10,000.00 with three months at 20,000.00 rises by 30 % to 13,000.00 at once; with two
    months at 2,000.00 and 6,000.00 drawn it falls to 6,000.00, a week after notice.

    Raises InvalidField naming the field for amounts in other currencies or a drawn amount below 0.
    """
    _check(line, months)
    limit = _raise_limit(line, months, rulebook, on)
    limit_holds_on = on
    if limit is None:
        limit = _cut_limit(line, months, rulebook, on)
        limit_holds_on = _after(on, rulebook, "risk.credit.adjust.cut.notice.days")
    rate = _change_rate(line, months, rulebook, on)
    if limit is None and rate is None:
        return None
    rises = rate is not None and rate > line.annual_rate
    notice = _after(on, rulebook, "risk.credit.adjust.rate.notice.days") if rises else on
    return Adjustment(
        limit=limit,
        limit_holds_on=None if limit is None else limit_holds_on,
        annual_rate=rate,
        rate_holds_on=None if rate is None else notice,
    )


def _raise_limit(
    line: CreditLine, months: Sequence[MonthEnd], rulebook: Rulebook, on: date
) -> Money | None:
    lately = _latest(months, rulebook.integer("risk.credit.adjust.raise.months", on))
    if lately is None or not _may_change(line, rulebook, on):
        return None
    supported = min(each.limit for each in lately)
    band = rulebook.decimal("risk.credit.adjust.band", on)
    if supported < line.limit.multiply(1 + band, Rounding.UP):
        return None
    cap = rulebook.decimal("risk.credit.adjust.raise.max", on)
    most = min(
        supported,
        line.limit.multiply(1 + cap, Rounding.DOWN),
        rulebook.amount("loan.internet.consumer.max", on),
    )
    raised = _to_steps(most, rulebook, on, is_up=False)
    return raised if raised > line.limit else None


def _cut_limit(
    line: CreditLine, months: Sequence[MonthEnd], rulebook: Rulebook, on: date
) -> Money | None:
    lately = _latest(months, rulebook.integer("risk.credit.adjust.cut.months", on))
    if lately is None:
        return None
    supported = max(each.limit for each in lately)
    band = rulebook.decimal("risk.credit.adjust.band", on)
    if supported > line.limit.multiply(1 - band, Rounding.DOWN):
        return None
    cap = rulebook.decimal("risk.credit.adjust.cut.max", on)
    least = max(supported, line.limit.multiply(1 - cap, Rounding.UP), line.drawn)
    reduced = _to_steps(least, rulebook, on, is_up=True)
    return reduced if reduced < line.limit else None


def _change_rate(
    line: CreditLine, months: Sequence[MonthEnd], rulebook: Rulebook, on: date
) -> Decimal | None:
    if not _may_change(line, rulebook, on):
        return None
    down = _latest(months, rulebook.integer("risk.credit.adjust.raise.months", on))
    if down is not None and (best := max(each.annual_rate for each in down)) < line.annual_rate:
        return best
    up = _latest(months, rulebook.integer("risk.credit.adjust.cut.months", on))
    if up is None or (least := min(each.annual_rate for each in up)) <= line.annual_rate:
        return None
    step = rulebook.decimal("risk.credit.adjust.rate.max", on)
    highest = min(least, line.annual_rate + step, rulebook.decimal("loan.cost.max", on))
    return highest if highest > line.annual_rate else None


def _latest(months: Sequence[MonthEnd], count: int) -> Sequence[MonthEnd] | None:
    """Return the last so many, or None if there are fewer."""
    return months[-count:] if len(months) >= count else None


def _may_change(line: CreditLine, rulebook: Rulebook, on: date) -> bool:
    days = rulebook.integer("risk.credit.adjust.interval.days", on)
    return (on - line.changed_on).days >= days


def _after(on: date, rulebook: Rulebook, key: str) -> date:
    return on + timedelta(days=rulebook.integer(key, on))


def _to_steps(amount: Money, rulebook: Rulebook, on: date, *, is_up: bool) -> Money:
    step = rulebook.amount("risk.credit.limit.step", on).minor
    steps = -(-amount.minor // step) if is_up else amount.minor // step
    return Money(steps * step, amount.currency)


def _check(line: CreditLine, months: Sequence[MonthEnd]) -> None:
    amounts = [("drawn", line.drawn), *(("months.limit", each.limit) for each in months)]
    for field, amount in (("limit", line.limit), *amounts):
        if amount.is_negative:
            raise InvalidField("must not be negative", field=field)
        if amount.currency != line.limit.currency:
            raise InvalidField("must be in the currency of the limit", field=field)
    for field, rate in (
        ("annual_rate", line.annual_rate),
        *(("months.annual_rate", each.annual_rate) for each in months),
    ):
        if not 0 <= rate <= 1:
            raise InvalidField("must be a share from 0 to 1", field=field)
