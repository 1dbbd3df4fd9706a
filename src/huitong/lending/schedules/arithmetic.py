"""Division and rounding of integers, and how a last payment's difference is spread."""

from typing import Final

from huitong.lending.schedules.types import Rounding

#: Rates are integers of this part of one: ten decimal places.
RATE_SCALE: Final = 10**10
#: Growth is an integer of this part of one: twenty-four decimal places.
ONE: Final = 10**24


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return the quotient as an integer; of two as near, as the rounding says.

    5 / 2 is 2 by half even and 3 by half up; 7 / 2 is 4 by both.
    """
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator:
        return quotient + 1
    if twice == denominator and (rounding is Rounding.HALF_UP or quotient % 2):
        return quotient + 1
    return quotient


def round_to(numerator: int, denominator: int, multiple: int, rounding: Rounding) -> int:
    """Return the quotient rounded to a multiple: 1,713.4 to a multiple of 100 is 1,700."""
    return divide(numerator, denominator * multiple, rounding) * multiple


def spread(level: int, last: int, count: int, multiple: int, rounding: Rounding) -> int:
    """Return the level payment with the last one's difference spread over all, to be tried.

    Small differences stay where they are: up to half as many minor units as there are payments.
    """
    difference = last - level
    if count == 1 or abs(difference) <= count // 2:
        return level
    return level + round_to(difference, count, multiple, rounding)
