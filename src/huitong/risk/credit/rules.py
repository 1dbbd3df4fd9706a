"""Reading what the rulebook has in lists."""

from datetime import date
from decimal import Decimal

from huitong.kernel.rulebook import Rulebook


def read_ratios(rulebook: Rulebook, key: str, on: date) -> tuple[Decimal, ...]:
    """Return a rule that is a list of ratios; raises what `Rulebook.rule` does, and TypeError."""
    found = rulebook.rule(key, on).value
    if not isinstance(found, tuple):
        raise TypeError(f"{key} is no list of ratios")
    return tuple(Decimal(each) for each in found)
