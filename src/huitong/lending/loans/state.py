"""A loan's balances as one day begins: what a row of `lending.balances` holds, and columns of rows.

Amounts are minor units, rates millionths a year. A business day is closed by `roll`, on columns of
loans at once; a single loan is a column of one, so there is one arithmetic for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.lending.products import RATE_SCALE

Integers = NDArray[np.int64]

#: What stands for a day that is not there. Not the last day there is: the driver writes that one as
#: infinity.
NEVER: Final = date(9999, 1, 1)
_EPOCH: Final = date(2000, 1, 1)
NEVER_NUMBER: Final = (NEVER - _EPOCH).days


@dataclass(slots=True, kw_only=True)
class State:
    """One loan's balances; see the comments of `lending.balances`.

    `next_number` is the instalment that comes due next, on `due_day`; it takes `next_principal` of
    `not_due` and the interest that `accrues` since `from_day`, beside what is `carried` of the same
    instalment from before its terms were changed. `since_day` is the first due day of
    which something is unpaid, `eased_day` the end of observation after terms were eased.
    `suspended` says that interest is off the balance sheet; `service_fee` is due with each
    instalment, `late_fee` for one that is not paid on its day. Class, provision, `stage` and
    `expected_loss` are as the last day was closed.
    """

    loan: int
    product_id: int
    on_day: date
    is_active: bool = True
    auto_debit: bool = False
    next_number: int = 1
    from_day: date = _EPOCH
    due_day: date = NEVER
    accrues: int = 0
    carried: int = 0
    accrued: int = 0
    next_principal: int = 0
    not_due: int = 0
    due: int = 0
    overdue: int = 0
    interest_due: int = 0
    interest_overdue: int = 0
    penalty: int = 0
    penalty_rest: int = 0
    compound: int = 0
    compound_rest: int = 0
    fees: int = 0
    penalty_rate: int = 0
    compound_rate: int = 0
    year_days: int = 360
    since_day: date = NEVER
    eased_day: date = _EPOCH
    klass: int = 0
    provision: int = 0
    stage: int = 1
    expected_loss: int = 0
    lent: int = 0
    principal_paid: int = 0
    interest_paid: int = 0
    penalty_paid: int = 0
    fees_paid: int = 0
    principal_off: int = 0
    interest_off: int = 0
    penalty_off: int = 0
    fees_off: int = 0
    recovered: int = 0
    suspended: bool = False
    service_fee: int = 0
    late_fee: int = 0

    @property
    def owed_principal(self) -> int:
        """Return all principal that is owed, due or not."""
        return self.not_due + self.due + self.overdue

    @property
    def interest(self) -> int:
        """Return the interest that has accrued and is not paid, due or not."""
        return self.carried + self.accrued + self.interest_due + self.interest_overdue

    @property
    def owed_now(self) -> int:
        """Return what is to be paid now: due, overdue, penalties and fees."""
        return (
            self.due
            + self.overdue
            + self.interest_due
            + self.interest_overdue
            + self.penalty
            + self.compound
            + self.fees
        )

    @property
    def paid(self) -> int:
        """Return what was ever paid, what was recovered after writing off included."""
        return (
            self.principal_paid
            + self.interest_paid
            + self.penalty_paid
            + self.fees_paid
            + self.recovered
        )

    @property
    def next_due_on(self) -> date | None:
        """Return when the next payment comes due, or None after the last one."""
        return None if self.due_day == NEVER else self.due_day

    @property
    def days_past_due(self) -> int:
        """Return how many days the first unpaid instalment is overdue."""
        return 0 if self.since_day == NEVER else (self.on_day - self.since_day).days


NAMES: Final = tuple(each.name for each in fields(State))
DAYS: Final = frozenset({"on_day", "from_day", "due_day", "since_day", "eased_day"})
FLAGS: Final = frozenset({"is_active", "auto_debit", "suspended"})


@dataclass(frozen=True, slots=True)
class Next:
    """Of each loan, the instalment after the one that comes due; number 0 where there is none."""

    number: Integers
    due_day: Integers
    principal: Integers
    interest: Integers

    def where(self, chosen: NDArray[np.bool_]) -> "Next":
        """Return those of the loans that are chosen."""
        return Next(*(getattr(self, each.name)[chosen] for each in fields(self)))


class Rows:
    """Loans as columns: one array for each name of `NAMES`; days as numbers since 2000-01-01."""

    __slots__ = NAMES

    on_day: Integers
    next_number: Integers
    from_day: Integers
    due_day: Integers
    accrues: Integers
    carried: Integers
    accrued: Integers
    next_principal: Integers
    not_due: Integers
    due: Integers
    overdue: Integers
    interest_due: Integers
    interest_overdue: Integers
    penalty: Integers
    penalty_rest: Integers
    compound: Integers
    compound_rest: Integers
    penalty_rate: Integers
    compound_rate: Integers
    year_days: Integers
    since_day: Integers
    klass: Integers
    provision: Integers
    fees: Integers
    suspended: Integers
    stage: Integers
    expected_loss: Integers

    def __init__(self, columns: dict[str, Integers]) -> None:
        """Take an array for each name."""
        for name in NAMES:
            setattr(self, name, columns[name])

    def __len__(self) -> int:
        return len(self.column("loan"))

    def column(self, name: str) -> Integers:
        """Return one column."""
        found: Integers = getattr(self, name)
        return found

    def copy(self) -> "Rows":
        """Return the same rows in arrays of their own."""
        return Rows({name: self.column(name).copy() for name in NAMES})

    def at(self, places: Integers) -> "Rows":
        """Return the rows at some places, in their order."""
        return Rows({name: self.column(name)[places] for name in NAMES})

    def where(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Return the rows that are chosen."""
        if chosen.all():
            return self
        return Rows({name: self.column(name)[chosen] for name in NAMES})

    @classmethod
    def of(cls, states: Sequence[State]) -> "Rows":
        """Make columns of loans."""
        return cls(
            {
                name: np.array([_to_number(getattr(each, name)) for each in states], np.int64)
                for name in NAMES
            }
        )

    def state(self, place: int) -> State:
        """Return one row as a loan's balances."""
        values: dict[str, Any] = {}
        for name in NAMES:
            number = int(self.column(name)[place])
            if name in DAYS:
                values[name] = to_day(number)
            else:
                values[name] = bool(number) if name in FLAGS else number
        return State(**values)


_INTEREST: Final = (
    "carried",
    "accrued",
    "interest_due",
    "interest_overdue",
    "penalty",
    "compound",
)


def owed_of(rows: Rows) -> Integers:
    """Return all that is owed of each loan, due or not, and on the balance sheet: may be lost."""
    interest = np.sum([rows.column(name) for name in _INTEREST], axis=0, dtype=np.int64)
    kept: Integers = interest * (1 - rows.suspended)
    return rows.not_due + rows.due + rows.overdue + kept + rows.fees


def to_number(day: date) -> int:
    """Return a day as the number of days since 2000-01-01."""
    return (day - _EPOCH).days


def to_day(number: int) -> date:
    """Return the day of such a number."""
    return _EPOCH + timedelta(days=number)


def _to_number(value: int | date) -> int:
    return to_number(value) if isinstance(value, date) else value


def roll(rows: Rows, following: Next) -> None:
    """Close `on_day` of every row, in place: afterwards it stands as of the next day's beginning.

    What was due and is unpaid as the day ends is overdue, and bears penalty interest for that day:
    100,000 at 5.4 % by 360 bears 15 a day; unpaid interest bears the same rate. Interest accrues by
    whole parts: after 10 of 30 days, 10 thirtieths of the instalment's, so that the days of a
    period sum exactly to it. An instalment that is due on the next day comes due with its service
    fee, and the following one begins to accrue.
    """
    day = rows.on_day
    unpaid = (rows.due + rows.interest_due) > 0
    rows.fees = rows.fees + rows.column("late_fee") * unpaid
    rows.since_day = np.where(unpaid & (rows.since_day == NEVER_NUMBER), day, rows.since_day)
    rows.overdue = rows.overdue + rows.due
    rows.interest_overdue = rows.interest_overdue + rows.interest_due
    scale = rows.year_days * RATE_SCALE
    more, rows.penalty_rest = np.divmod(rows.overdue * rows.penalty_rate + rows.penalty_rest, scale)
    rows.penalty = rows.penalty + more
    more, rows.compound_rest = np.divmod(
        rows.interest_overdue * rows.compound_rate + rows.compound_rest, scale
    )
    rows.compound = rows.compound + more
    passed = np.minimum(day + 1, rows.due_day) - rows.from_day
    rows.accrued = rows.accrues * passed // (rows.due_day - rows.from_day)
    rows.on_day = day + 1
    _come_due(rows, following, rows.due_day == rows.on_day)


def _come_due(rows: Rows, following: Next, comes: NDArray[np.bool_]) -> None:
    zero = np.int64(0)
    rows.due = np.where(comes, rows.next_principal, zero)
    rows.fees = rows.fees + rows.column("service_fee") * comes
    rows.interest_due = np.where(comes, rows.carried + rows.accrues, zero)
    rows.carried = np.where(comes, zero, rows.carried)
    rows.not_due = rows.not_due - rows.due
    is_last = following.number == 0
    rows.from_day = np.where(comes, rows.due_day, rows.from_day)
    rows.next_number = rows.next_number + comes
    rows.accrued = np.where(comes, zero, rows.accrued)
    for name, given, nothing in (
        ("due_day", following.due_day, np.int64(NEVER_NUMBER)),
        ("accrues", following.interest, zero),
        ("next_principal", following.principal, zero),
    ):
        new = np.where(is_last, nothing, given)
        setattr(rows, name, np.where(comes, new, rows.column(name)))
