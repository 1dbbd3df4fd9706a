"""Level payments of a loan that is paid out at once at one rate: the same rows, in one pass.

Shares of the year and the worth of a level payment are the same for every loan with the same days,
convention and rate, so they are kept; what is left is one multiplication and division per payment.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from huitong.lending.schedules.arithmetic import ONE, RATE_SCALE, divide, round_to, spread
from huitong.lending.schedules.calendar import share_of_year
from huitong.lending.schedules.types import Cycle, DayCount, Period, Plan, Rounding, Row

_PLANS_KEPT: Final = 4_096
_make_row: Final = Row._make


def is_plain(plan: Plan) -> bool:
    """Return whether all is lent on the first day, and nothing happens afterwards."""
    return (
        len(plan.disbursements) == 1
        and not plan.rate_changes
        and not plan.early
        and plan.level is None
        and plan.disbursements[0].on == plan.periods[0].start
    )


def make_plain_schedule(plan: Plan) -> list[Row]:
    """Return one row for each period of a plain plan."""
    rate = int(plan.annual_rate * RATE_SCALE)
    lines, growth, payments = _price(plan.periods, plan.cycle, plan.day_count, rate)
    principal, rounding = plan.disbursements[0].amount, plan.rounding
    level = round_to(principal * growth, payments, plan.multiple, rounding)
    rows = _list_rows(lines, principal, level, rounding)
    other = spread(level, rows[-1].payment, len(rows), plan.multiple, rounding)
    if other == level:
        return rows
    tried = _list_rows(lines, principal, other, rounding)
    is_nearer = abs(tried[-1].payment - other) < abs(rows[-1].payment - level)
    return tried if is_nearer else rows


@lru_cache(maxsize=_PLANS_KEPT)
def _price(
    periods: tuple[Period, ...], cycle: Cycle, day_count: DayCount, rate: int
) -> tuple[list[tuple[date, int, int]], int, int]:
    """Return due day and interest per unit for each period, what 1 grows to, and 1 a period."""
    lines = []
    growth, payments = ONE, 0
    for period in periods:
        numerator, denominator = share_of_year(day_count, cycle, period, *period)
        numerator, denominator = numerator * rate, denominator * RATE_SCALE
        lines.append((period.due, numerator, denominator))
        growth += growth * numerator // denominator
        payments += payments * numerator // denominator + ONE
    return lines, growth, payments


def _list_rows(
    lines: Sequence[tuple[date, int, int]], balance: int, level: int, rounding: Rounding
) -> list[Row]:
    # This is the whole work of most schedules: what `divide` does stands here itself.
    rows: list[Row] = []
    carried, is_up = 0, rounding is Rounding.HALF_UP
    for due, numerator, denominator in lines[:-1]:
        interest, rest = divmod(balance * numerator, denominator)
        rest += rest
        if rest > denominator or (rest == denominator and (is_up or interest & 1)):
            interest += 1
        interest += carried
        carried = 0
        if interest > level:
            interest, carried = level, interest - level
        principal = level - interest
        principal = min(principal, balance)
        balance -= principal
        rows.append(_make_row((due, principal, interest, balance)))
    due, numerator, denominator = lines[-1]
    interest = carried + divide(balance * numerator, denominator, rounding)
    rows.append(_make_row((due, balance, interest, 0)))
    return rows
