"""Applications decided about by risk: what `customers` asks is put to the engine."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong import customers, risk
from huitong.kernel.database.unit_of_work import UnitOfWork

# Who has to prove more does so before people, who may ask them to come in person.
_ACTIONS: Final = {
    risk.Action.ALLOW: customers.ApplicationAction.ALLOW,
    risk.Action.STEP_UP: customers.ApplicationAction.REVIEW,
    risk.Action.REVIEW: customers.ApplicationAction.REVIEW,
    risk.Action.DELAY: customers.ApplicationAction.DELAY,
    risk.Action.BLOCK: customers.ApplicationAction.BLOCK,
}


@dataclass(frozen=True, slots=True)
class _Subject:
    id: uuid.UUID
    entities: tuple[risk.Entity, ...]


class OnboardingRisk:
    """Decides about applications with the rules of their purpose: a `customers` protocol."""

    def __init__(self, decider: risk.Decider) -> None:
        """Ask a decider whose purpose is onboarding."""
        self._decider = decider

    async def decide(
        self,
        uow: UnitOfWork,
        application_id: uuid.UUID,
        features: Mapping[str, int | float | None],
        /,
        *,
        now: datetime,
    ) -> customers.ApplicationDecision:
        """Return what becomes of an application, and write the decision down."""
        entity = risk.Entity.of_id(risk.EntityKind.CUSTOMER, application_id)
        subject = _Subject(application_id, (entity,))
        (made,) = await self._decider.decide(uow, [subject], [features], at=now)
        await risk.record_decisions(uow, [made])
        reason = None
        if made.action is risk.Action.BLOCK:
            reasons = await risk.explain_decision(uow, made)
            reason = " ".join(f"{each.zh} {each.en}" for each in reasons) or None
        return customers.ApplicationDecision(action=_ACTIONS[made.action], reason=reason)
