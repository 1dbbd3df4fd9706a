"""Classes and provisions of loans as a day closes, over columns; by the rulebook unless told else.

The five classes are pass 正常, special mention 关注, substandard 次级, doubtful 可疑 and loss 损失,
0 to 4, by days past due. Sources: see the rulebook's packs on provisions.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from huitong.kernel.rulebook import Rulebook
from huitong.lending.loans.state import NEVER_NUMBER, Integers, Rows
from huitong.lending.products import RATE_SCALE, to_millionths

_CLASS_DAYS = (
    "loan.class.special_mention.days.min",
    "loan.class.substandard.days.min",
    "loan.class.doubtful.days.min",
    "loan.class.loss.days.min",
)
_PASS, _SPECIAL_MENTION = 0, 1


class Grade(Protocol):
    """What gives loans their class and provision, in whole numbers, for columns of loans."""

    @property
    def non_accrual_days(self) -> int:
        """Return after how many days past due interest is kept off the balance sheet."""
        ...

    def __call__(self, rows: Rows) -> tuple[Integers, Integers]:
        """Return the class and the provision in minor units of each loan."""
        ...


def suspend(rows: Rows, days: int) -> None:
    """Keep interest of loans off the balance sheet that are overdue for more than so many days.

    It comes back when nothing is overdue any more, not when less is. In place, as a day closes.
    """
    is_late = rows.since_day != NEVER_NUMBER
    is_too_late = is_late & (rows.on_day - rows.since_day > days)
    rows.suspended = (is_late & ((rows.suspended > 0) | is_too_late)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class RulebookGrade:
    """Grades by days past due; a provision is a share of all that is owed, rounded up.

    A loan whose terms were eased is special mention at least while it is under observation.
    `days` are the first days of the classes after pass, `shares` millionths for each class.
    Interest off the balance sheet is not provided for.
    """

    days: tuple[int, ...]
    shares: tuple[int, ...]
    non_accrual_days: int

    @classmethod
    def load(cls, rulebook: Rulebook, on: date) -> "RulebookGrade":
        """Return the grades of a day."""
        days = tuple(rulebook.integer(key, on) for key in _CLASS_DAYS)
        ratios = rulebook.rule("provision.special.ratios", on).value
        assert isinstance(ratios, tuple)
        general = to_millionths(rulebook.decimal("provision.general.min", on))
        shares = (general, *(to_millionths(each) for each in ratios))  # type: ignore[arg-type]
        return cls(days, shares, rulebook.integer("loan.non_accrual.days", on))

    def __call__(self, rows: Rows) -> tuple[Integers, Integers]:
        """Return class and provision: 12 days past due with 1,000.00 owed are 1 and 20.00."""
        is_late = rows.since_day != NEVER_NUMBER
        late = np.where(is_late, rows.on_day - rows.since_day, 0)
        classes = np.searchsorted(np.array(self.days, np.int64), late, side="right")
        is_eased = rows.column("eased_day") > rows.on_day
        classes = np.where(is_eased, np.maximum(classes, _SPECIAL_MENTION), classes)
        classes = classes.astype(np.int64)
        interest = rows.carried + rows.accrued + rows.interest_due + rows.interest_overdue
        interest = (interest + rows.penalty + rows.compound) * (1 - rows.suspended)
        owed = rows.not_due + rows.due + rows.overdue + interest + rows.fees
        shares = np.array(self.shares, np.int64)[classes]
        return classes, -(-owed * shares // RATE_SCALE)
