"""What a line of credit is, and what is asked for when it is drawn on."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from huitong.lending.schedules import Method


class LineState(StrEnum):
    """Whether a line may be drawn on; one that has ended by its day is open all the same."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line that is asked for: minor units at a rate a year in millionths, until a day."""

    customer_id: uuid.UUID
    product: str
    borrower_account_id: int
    amount: int
    currency: str
    rate: int
    grade: str | None
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: what may be owed of its loans' principal at once, and until which day it is drawn."""

    id: uuid.UUID
    customer_id: uuid.UUID
    product: str
    borrower_account_id: int
    currency: str
    amount: int
    rate: int
    grade: str | None
    opened_on: date
    ends_on: date
    state: LineState
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn: minor units, paid back in so many payments by a method, for a use."""

    amount: int
    count: int
    method: Method
    use: str
