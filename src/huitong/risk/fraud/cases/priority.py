"""Which case people should look at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.types import Action

_POINTS_OF_ACTION: Final = 10
_POINTS_OF_MONEY: Final = 20
_POINTS_OF_ALERT: Final = 2
_ALERTS_COUNTED_MAX: Final = 10
_WEIGHT_OF_POINT: Final = 5
_POINTS_OF_WEIGHT_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityRules:
    """From which sums on money counts, and counts double."""

    some: Money
    much: Money

    @classmethod
    def read(cls, rulebook: Rulebook, on_day: date) -> Self:
        """Return the rules of a business day."""
        return cls(
            some=rulebook.amount("risk.cases.money.some", on_day),
            much=rulebook.amount("risk.cases.money.much", on_day),
        )

    def calculate(
        self, *, action: Action, weight: int, at_risk: Sequence[Money], alerts: int
    ) -> int:
        """Return points: the more, the sooner.

        10 a step of the hardest action (step up 10, block 40); 20 for `some` money and 40 for
        `much`; a point for each 5 of the largest weight of an alert, up to 40; 2 an alert, up to
        20. Money of another currency than that of the rules is not compared and counts as `some`.
        Worked: a blocked payment of 60,000.00 CNY under rules of weight 30: 40 + 40 + 6 + 2 = 88.
        """
        steps = max((self._find_step(money) for money in at_risk), default=0)
        return (
            _POINTS_OF_ACTION * int(action)
            + _POINTS_OF_MONEY * steps
            + min(weight // _WEIGHT_OF_POINT, _POINTS_OF_WEIGHT_MAX)
            + _POINTS_OF_ALERT * min(alerts, _ALERTS_COUNTED_MAX)
        )

    def _find_step(self, money: Money) -> int:
        if money.currency != self.some.currency:
            return 1
        return (money >= self.some) + (money >= self.much)
