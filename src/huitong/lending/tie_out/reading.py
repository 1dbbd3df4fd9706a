"""Days and amounts as published cases write them."""

from datetime import date, datetime
from decimal import Decimal


def read_day(text: str) -> date:
    """Return the day of "01 January 2023"."""
    return datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007 - a day has no zone


def read_amount(text: str | None) -> int:
    """Return the minor units of "250.0"; nothing is 0."""
    return int(Decimal(text or "0") * 100)
