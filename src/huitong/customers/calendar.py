"""Days that are months away."""

from datetime import date
from typing import Final

_MONTHS_A_YEAR: Final = 12
_DAY_IN_EVERY_MONTH: Final = 28


def add_months(day: date, months: int) -> date:
    """Return the day that many months later, at the latest on the 28th."""
    count = day.month - 1 + months
    year, month = day.year + count // _MONTHS_A_YEAR, count % _MONTHS_A_YEAR + 1
    return date(year, month, min(day.day, _DAY_IN_EVERY_MONTH))
