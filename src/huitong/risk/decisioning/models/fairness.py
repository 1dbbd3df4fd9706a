"""Models about people's credit must be fair to decide: the bounds are the rulebook's."""

from datetime import date
from decimal import Decimal
from typing import Final

from huitong.kernel.errors import Conflict
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.types import RegisteredModel

#: Names of models about credit begin so; they must be fair to decide.
CREDIT_PREFIX: Final = "credit_"


class ModelUnfair(Conflict):
    """The model treats groups of people too differently, or nobody measured whether it does."""

    code = "model_unfair"
    title = "The model is not fair enough to decide"


def check_fair(model: RegisteredModel, rulebook: Rulebook, on: date) -> None:
    """Raise ModelUnfair for a model about credit that is to decide and may not."""
    if not model.name.startswith(CREDIT_PREFIX):
        return
    fairness = model.metrics.get("fairness") or {}
    measured = {
        name: each for name, each in fairness.items() if each.get("parity_ratio") is not None
    }
    if not measured:
        raise ModelUnfair("Its fairness to groups was not measured", field="status")
    least = rulebook.decimal("risk.credit.fairness.parity_ratio.min", on)
    most = rulebook.decimal("risk.credit.fairness.opportunity.difference.max", on)
    for name, each in measured.items():
        ratio, difference = each["parity_ratio"], each["equal_opportunity_difference"]
        if Decimal(str(ratio)) < least:
            raise ModelUnfair(f"Acceptance by {name}: {ratio:.3f} is below {least}", field="status")
        if Decimal(str(difference)) > most:
            raise ModelUnfair(
                f"Acceptance of the good by {name} differs by {difference:.3f}, above {most}",
                field="status",
            )
