"""Scenarios of the economy: how likely each is, and what it does to defaults and to losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit import limits
from huitong.risk.credit.rules import read_ratios


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A future with its weight.

    `default_multiples` are those of the hazard of default in its first year, second, and so on; the
    last holds on. `loss_multiple` is that of the loss given default.
    """

    name: str
    weight: Decimal
    default_multiples: tuple[Decimal, ...]
    loss_multiple: Decimal


def list_scenarios(rulebook: Rulebook, on: date) -> tuple[Scenario, ...]:
    """Return the scenarios of the rulebook (`ecl.scenario`) of a business day."""
    names = rulebook.rule("ecl.scenario.names", on).value
    if not isinstance(names, tuple):
        raise TypeError("ecl.scenario.names is no list")
    rows = zip(
        names,
        read_ratios(rulebook, "ecl.scenario.weights", on),
        read_ratios(rulebook, "ecl.scenario.default.multiples", on),
        read_ratios(rulebook, "ecl.scenario.loss.multiples", on),
        strict=True,
    )
    return tuple(
        Scenario(name=str(name), weight=weight, default_multiples=(defaults,), loss_multiple=loss)
        for name, weight, defaults, loss in rows
    )


def check_scenarios(scenarios: Sequence[Scenario]) -> None:
    """Raise InvalidField unless there are some, sound, and their weights add up to 1."""
    if not 1 <= len(scenarios) <= limits.SCENARIOS_MAX:
        raise InvalidField(f"must be from 1 to {limits.SCENARIOS_MAX}", field="scenarios")
    for each in scenarios:
        if not each.default_multiples:
            raise InvalidField(f"{each.name} has no multiples", field="scenarios")
        if min(each.weight, each.loss_multiple, *each.default_multiples) < 0:
            raise InvalidField(f"{each.name} has a negative number", field="scenarios")
    total = sum((each.weight for each in scenarios), Decimal(0))
    if total != 1:
        raise InvalidField(f"have weights of {total} together, not 1", field="scenarios")
