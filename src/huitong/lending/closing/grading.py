"""Classes, stages, expected loss and provisions of loans as a day closes, over columns.

The five classes are pass 正常, special mention 关注, substandard 次级, doubtful 可疑 and loss 损失,
0 to 4, by days past due. Sources: see the rulebook's packs on provisions and the portfolio.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from huitong import risk
from huitong.kernel.rulebook import Rulebook
from huitong.lending.loans.state import NEVER_NUMBER, Integers, Rows, owed_of
from huitong.lending.portfolio.buckets import Buckets
from huitong.lending.portfolio.marks import Marks
from huitong.lending.products import RATE_SCALE, to_millionths

_CLASS_DAYS = (
    "loan.class.special_mention.days.min",
    "loan.class.substandard.days.min",
    "loan.class.doubtful.days.min",
    "loan.class.loss.days.min",
)
_PASS, _SPECIAL_MENTION, _SUBSTANDARD = 0, 1, 2
_IMPAIRED: Final = 3
_MONTH_DAYS: Final = 365.25 / 12
_MONTHS_MAX: Final = 480


class Grade(Protocol):
    """What values loans as a day closes, in whole numbers, for columns of loans."""

    @property
    def non_accrual_days(self) -> int:
        """Return after how many days past due interest is kept off the balance sheet."""
        ...

    @property
    def buckets(self) -> Buckets:
        """Return the buckets of days past due."""
        ...

    def __call__(self, rows: Rows, marks: Marks) -> Mapping[str, Integers]:
        """Set class, stage, expected loss and provision of each loan, and what its mark remembers.

        Returns the loss of each loan under each scenario, in minor units.
        """
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
    """Values loans by the rulebook of a day.

    A loan whose terms were eased is special mention at least while it is under observation; one
    that was bad is substandard at least until it is cured. The provision is the greater of the
    expected loss and the class's share of all that is owed, rounded up; interest off the balance
    sheet is not provided for. `days` are the first days of the classes after pass, `shares`
    millionths for each class, `pds` the probabilities of default without a grade and of the grades
    A to E.
    """

    rulebook: Rulebook
    on: date
    days: tuple[int, ...]
    shares: tuple[int, ...]
    scenarios: tuple[risk.Scenario, ...]
    pds: tuple[float, ...]
    late_days: tuple[int, ...]
    late_pds: tuple[float, ...]
    loss_given_default: float
    notches: int
    buckets: Buckets
    non_accrual_days: int

    @classmethod
    def load(cls, rulebook: Rulebook, on: date) -> "RulebookGrade":
        """Return how loans are valued on a day."""
        days = tuple(rulebook.integer(key, on) for key in _CLASS_DAYS)
        general = rulebook.decimal("provision.general.min", on)
        special = _list(rulebook, "provision.special.ratios", on)
        is_floored = rulebook.rule("provision.is_greater_of_both", on).value is True
        shares = tuple(to_millionths(each) if is_floored else 0 for each in (general, *special))
        late_pds = _list(rulebook, "ecl.overdue.pd", on)
        return cls(
            rulebook=rulebook,
            on=on,
            days=days,
            shares=shares,
            scenarios=risk.list_scenarios(rulebook, on),
            pds=tuple(
                float(each)
                for each in (
                    rulebook.decimal("ecl.ungraded.pd", on),
                    *_list(rulebook, "ecl.grade.pd", on),
                )
            ),
            late_days=tuple(int(each) for each in _list(rulebook, "ecl.overdue.days", on)),
            late_pds=(0.0, *(float(each) for each in late_pds)),
            loss_given_default=float(rulebook.decimal("ecl.unsecured.lgd", on)),
            notches=rulebook.integer("ecl.stage2.downgrade.notches.min", on),
            buckets=Buckets.load(rulebook, on),
            non_accrual_days=rulebook.integer("loan.non_accrual.days", on),
        )

    def __call__(self, rows: Rows, marks: Marks) -> Mapping[str, Integers]:
        """Value loans: 12 days past due with 1,000.00 owed are class 1, 20.00 at least."""
        is_late = rows.since_day != NEVER_NUMBER
        late = np.where(is_late, rows.on_day - rows.since_day, 0)
        classes = np.searchsorted(np.array(self.days, np.int64), late, side="right")
        is_eased = rows.column("eased_day") > rows.on_day
        classes = np.where(is_eased, np.maximum(classes, _SPECIAL_MENTION), classes)
        columns = self._columns(rows, marks, late, classes)
        stages = self._stages(rows, marks, columns)
        losses = risk.reckon_losses(
            columns, self.scenarios, rulebook=self.rulebook, on=self.on, stages=stages
        )
        is_bad = stages == _IMPAIRED
        classes = np.where(is_bad, np.maximum(classes, _SUBSTANDARD), classes)
        rows.klass, rows.stage = classes.astype(np.int64), stages.astype(np.int64)
        rows.expected_loss = losses.provisions
        floors = -(-columns.exposure * np.array(self.shares, np.int64)[rows.klass] // RATE_SCALE)
        rows.provision = np.maximum(losses.provisions, floors)
        marks.worst = np.maximum(marks.worst, self.buckets.sort(late))
        names = (each.name for each in self.scenarios)
        return dict(zip(names, losses.by_scenario, strict=True))

    def _columns(
        self, rows: Rows, marks: Marks, late: Integers, classes: NDArray[np.int64]
    ) -> risk.LossColumns:
        pds, late_pds = np.array(self.pds), np.array(self.late_pds)
        by_days = late_pds[np.searchsorted(np.array(self.late_days), late, side="right")]
        months = np.ceil((marks.ends_day - rows.on_day) / _MONTH_DAYS)
        return risk.LossColumns(
            exposure=owed_of(rows),
            overdue_days=late,
            months_left=np.clip(months, 0, _MONTHS_MAX).astype(np.int64),
            asset_class=classes.astype(np.int8),
            annual_pd=np.maximum(pds[marks.grade_now], by_days),
            annual_pd_at_start=pds[marks.grade],
            loss_given_default=np.full(len(late), self.loss_given_default),
            annual_rate=marks.rate / RATE_SCALE,
            is_level=marks.is_level > 0,
        )

    def _stages(self, rows: Rows, marks: Marks, columns: risk.LossColumns) -> NDArray[np.int8]:
        """Return the stages after cures, and let marks remember since when a cure goes on."""
        has_fallen = (marks.grade > 0) & (marks.grade_now - marks.grade >= self.notches)
        found = risk.find_stages(
            columns,
            rulebook=self.rulebook,
            on=self.on,
            is_suspect=has_fallen | (marks.is_watched > 0),
        )
        before = risk.StageColumns(rows.stage.astype(np.int8), marks.better_day)
        if not len(found):
            return found
        settled = risk.settle_stages(
            found,
            before,
            day=rows.on_day,
            never=NEVER_NUMBER,
            rulebook=self.rulebook,
            on=self.on,
        )
        marks.better_day = settled.better_days
        return settled.stages


def _list(rulebook: Rulebook, key: str, on: date) -> tuple[Decimal, ...]:
    found = rulebook.rule(key, on).value
    assert isinstance(found, tuple), "it is a list of numbers"
    return tuple(Decimal(each) for each in found)
