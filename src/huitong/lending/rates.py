"""Annual rates of cash flows: what a loan costs its borrower, and what it earns its lender.

Rates are ratios, solved in binary floating point and handed out as decimals of twelve places; no
amount of money is ever computed here. Flows are what one side gets (positive) and gives (negative).

Symbols: `c` an amount, `t` its time in years (or periods) after the first, `r` the rate:
NPV(r) = Σ c · (1 + r)^-t. The internal rate is the `r` at which NPV is zero (ISO/EU "annual
percentage rate of charge", Directive 98/7/EC, Annex II; PBOC announcement 2021-3 for display).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import exp, expm1, isfinite, log1p
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

_Floats: TypeAlias = npt.NDArray[np.float64]

_DAYS_OF_YEAR: Final = 365
_GUESS: Final = 0.1
#: Beyond 1,000 % a year a rate is taken only if no other one solves the flows.
_RATE_MAX: Final = 10.0
_RATE_LOWEST: Final = -1 + 1e-6
_RATE_HIGHEST: Final = 1e6
_PERIOD_RATE_LOWEST: Final = -0.5
#: Where discounting makes so much of a flow, the flows' own digits do not tell a root from none.
_GROWTH_MAX: Final = 1e12
_STEPS_MAX: Final = 60
_HALVINGS_MAX: Final = 200
_GRID: Final = 4_096
_GRID_AT_ONCE: Final = 256
_CLOSE: Final = 1e-13
_PLACES: Final = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class DatedFlow:
    """An amount, in any one unit, on a day."""

    on: date
    amount: Decimal


def net_present_value(flows: Sequence[DatedFlow], rate: Decimal) -> Decimal:
    """Return what dated flows are worth on the first of their days, at an effective annual rate.

    Years are days / 365. -1,000 on 2015-06-11, -9,000 on 2015-07-21, -3,000 on 2015-10-17 and
    20,000 on 2018-06-10 are worth 2,218.43 at 10 %. Raises ValueError for no flow, or a rate of
    -100 % or less.
    """
    if not flows:
        raise ValueError("There is no flow")
    if rate <= -1:
        raise ValueError("A rate must be above -100 %")
    times, amounts = _read(flows)
    return Decimal(repr(_value(log1p(float(rate)), times, amounts)))


def net_future_value(flows: Sequence[DatedFlow], rate: Decimal) -> Decimal:
    """Return what dated flows are worth on the last of their days, at an effective annual rate.

    Years are days / 365. -1,000 on 2023-01-01 and 500 a year later are worth -600 at 10 %. Raises
    ValueError for no flow, or a rate of -100 % or less.
    """
    present = net_present_value(flows, rate)
    days = max(flow.on for flow in flows) - min(flow.on for flow in flows)
    growth = log1p(float(rate)) * days.days / _DAYS_OF_YEAR
    return present * Decimal(repr(exp(growth)))


def internal_rate(flows: Sequence[DatedFlow]) -> Decimal | None:
    """Return the effective annual rate of dated flows (XIRR), or None if nothing solves them.

    Of several solutions it is the one to which Newton's method comes from 10 %, else the nearest to
    10 % by growth. The flows of `net_present_value` have 16.353716 %.
    """
    if not flows:
        return None
    return _solve(*_read(flows))


def periodic_rate(amounts: Sequence[Decimal]) -> Decimal | None:
    """Return the rate per period of flows at equal intervals (IRR), or None.

    -100, then 60 and 60, have 13.066239 %.
    """
    times = np.arange(len(amounts), dtype=np.float64)
    return _solve(times, np.array([float(each) for each in amounts], dtype=np.float64))


def rate_at_times(flows: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Return the effective annual rate of (amount, years) pairs, or None.

    This is the equation of Directive 98/7/EC: 1,000 lent, 1,200 paid back after 1.5 years, cost
    12.92 % a year.
    """
    times = np.array([float(years) for _, years in flows], dtype=np.float64)
    return _solve(times, np.array([float(amount) for amount, _ in flows], dtype=np.float64))


def nominal_rate(
    advance: Decimal,
    payment: Decimal,
    count: int,
    *,
    periods_a_year: int = 12,
    odd_fraction: Decimal = Decimal(0),
    whole_periods: int = 1,
) -> Decimal | None:
    """Return the nominal annual rate by the actuarial method (12 CFR 1026, Appendix J), or None.

    One advance, `count` equal payments, the first after `whole_periods` unit periods and
    `odd_fraction` of one; over the fraction interest is simple: A = Σ P / ((1 + f·i)(1 + i)^t).
    5,000 for 24 monthly payments of 230 cost 9.69 % a year. Raises ValueError for no payment.
    """
    if count < 1:
        raise ValueError("There must be at least one payment")
    fraction, lent, paid = float(odd_fraction), float(advance), float(payment)
    times = np.arange(whole_periods, whole_periods + count, dtype=np.float64)

    def worth(rate: float) -> float:
        return float(paid * np.exp(-times * log1p(rate)).sum() / (1 + fraction * rate)) - lent

    # What is paid back is worth less, the higher the rate: one solution, or none.
    low, high = _PERIOD_RATE_LOWEST, _RATE_MAX
    if not worth(low) > 0 > worth(high):
        return None
    for _ in range(_HALVINGS_MAX):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if worth(middle) > 0 else (low, middle)
    return _round((low + high) / 2 * periods_a_year)


def effective_rate(nominal: Decimal, *, periods_a_year: int = 12) -> Decimal:
    """Return the effective annual rate of a nominal one: (1 + r / n)^n - 1.

    13.0343 % in twelve periods is 13.84 %.
    """
    return _round(expm1(periods_a_year * log1p(float(nominal) / periods_a_year)))


def payment_in_advance(rate: Decimal, count: int, principal: Decimal, *, advance: int) -> Decimal:
    """Return the payment of an annuity of which some payments are made on the first day.

    P = A / ((1 - (1 + i)^-(n - k)) / i + k): 1,000 at 10 % / 12 in 12 payments with 3 in advance is
    85.9389. Unrounded. Raises ValueError unless 0 ≤ advance < count.
    """
    if not 0 <= advance < count:
        raise ValueError("Fewer payments are made in advance than there are")
    later = count - advance
    worth = Decimal(later) if rate == 0 else (1 - (1 + rate) ** -later) / rate
    return principal / (worth + advance)


def _read(flows: Sequence[DatedFlow]) -> tuple[_Floats, _Floats]:
    first = min(flow.on for flow in flows)
    days = np.array([(flow.on - first).days for flow in flows], dtype=np.float64)
    return days / _DAYS_OF_YEAR, np.array([float(flow.amount) for flow in flows], dtype=np.float64)


def _value(growth: float, times: _Floats, amounts: _Floats) -> float:
    """Return NPV at the rate whose log(1 + r) is `growth`."""
    return float(np.exp(-times * growth) @ amounts)


def _solve(times: _Floats, amounts: _Floats) -> Decimal | None:
    if not ((amounts > 0).any() and (amounts < 0).any()):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        near = _go_by_newton(times, amounts)
        if near is not None and near <= log1p(_RATE_MAX) and _is_told(near, times):
            return _round(expm1(near))
        roots = [root for root in _find_roots(times, amounts) if _is_told(root, times)]
    usual = [root for root in roots if root <= log1p(_RATE_MAX)] or roots
    if not usual:
        return None
    return _round(expm1(min(usual, key=lambda root: abs(root - log1p(_GUESS)))))


def _is_told(growth: float, times: _Floats) -> bool:
    return -growth * float(times.max()) <= log1p(_GROWTH_MAX)


def _go_by_newton(times: _Floats, amounts: _Floats) -> float | None:
    growth = log1p(_GUESS)
    for _ in range(_STEPS_MAX):
        worth = np.exp(-times * growth) * amounts
        value, slope = float(worth.sum()), float(-(times * worth).sum())
        if slope == 0 or not isfinite(value) or not isfinite(slope):
            return None
        step = value / slope
        growth -= step
        if abs(step) <= _CLOSE * max(1.0, abs(growth)):
            return growth if isfinite(growth) else None
    return None


def _find_roots(times: _Floats, amounts: _Floats) -> Iterator[float]:
    """Yield each growth at which NPV changes its sign, lowest first."""
    grid = np.linspace(log1p(_RATE_LOWEST), log1p(_RATE_HIGHEST), _GRID)
    values = np.concatenate(
        [
            np.exp(-np.outer(grid[start : start + _GRID_AT_ONCE], times)) @ amounts
            for start in range(0, _GRID, _GRID_AT_ONCE)
        ]
    )
    for (low, at_low), (high, at_high) in pairwise(zip(grid, values, strict=True)):
        if at_low * at_high < 0:
            yield _halve(float(low), float(high), times, amounts)


def _halve(low: float, high: float, times: _Floats, amounts: _Floats) -> float:
    is_falling = _value(low, times, amounts) > 0
    for _ in range(_HALVINGS_MAX):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (_value(middle, times, amounts) > 0) is is_falling:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _round(rate: float) -> Decimal:
    return Decimal(repr(rate)).quantize(_PLACES)
