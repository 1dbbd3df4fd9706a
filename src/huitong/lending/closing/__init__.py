"""Close of business: all loans brought from one business day to the next."""

from huitong.lending.closing.days import (
    ClosedDay,
    close_chunk,
    close_day,
    close_days,
    close_moved_day,
)
from huitong.lending.closing.errors import LendingDayRefused
from huitong.lending.closing.grading import Grade, RulebookGrade

__all__ = [
    "ClosedDay",
    "Grade",
    "LendingDayRefused",
    "RulebookGrade",
    "close_chunk",
    "close_day",
    "close_days",
    "close_moved_day",
]
