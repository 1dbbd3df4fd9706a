"""How lists and rules become one action, over a batch.

The hardest of what the rules ask for holds. Who is on the list of the allowed is not held back by
rules; who is blocked is blocked, whatever else is true. Being watched changes nothing and is noted.
Without rules or features the written policy of the purpose holds (`fall_back`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.types import Listed
from huitong.risk.decisioning.rules.lists.types import ListKind
from huitong.risk.decisioning.types import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPolicy:
    """What is done with payments that cannot be assessed: small ones pass, others step up."""

    step_up_above: int

    @classmethod
    def read(cls, rulebook: Rulebook, on_day: date) -> Self:
        """Return the policy of a business day, in minor units."""
        amount = rulebook.amount("risk.fallback.payment.step_up.above", on_day)
        return cls(step_up_above=amount.minor)

    def decide(self, amount: int, *, listed: Sequence[Listed] = ()) -> Action:
        """Return the action for a payment of an amount in minor units."""
        action = Action.STEP_UP if amount > self.step_up_above else Action.ALLOW
        return apply_lists(action, listed)


def combine(asked: NDArray[np.int64], listed: Sequence[Sequence[Listed]]) -> list[Action]:
    """Return each row's action from what the rules ask for and the lists of its parties."""
    actions = [Action(each) for each in asked.tolist()]
    for place, lists in enumerate(listed):
        if lists:
            actions[place] = apply_lists(actions[place], lists)
    return actions


def apply_lists(action: Action, listed: Sequence[Listed]) -> Action:
    """Return the action once lists are looked at: blocked beats allowed beats rules."""
    kinds = {each.list for each in listed}
    if ListKind.BLOCK in kinds:
        return Action.BLOCK
    return Action.ALLOW if ListKind.ALLOW in kinds else action
