"""Applications decided about by risk: what `customers` asks is put to the engine."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong import customers, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.wiring.risk_reasons import tell_reasons

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
        application: customers.ApplicationSubject,
        /,
        *,
        now: datetime,
    ) -> customers.ApplicationDecision:
        """Return what becomes of an application, and write the decision down."""
        entities = (
            risk.Entity.of_id(risk.EntityKind.CUSTOMER, application.id),
            risk.Entity.of_mobile(application.mobile_index),
        )
        subject = _Subject(application.id, entities)
        (made,) = await self._decider.decide(uow, [subject], [application.features], at=now)
        await risk.record_decisions(uow, [made])
        reason = None
        if made.action is risk.Action.BLOCK:
            reasons = await tell_reasons(uow, made)
            reason = " ".join(f"{each.zh} {each.en}" for each in reasons)
        return customers.ApplicationDecision(action=_ACTIONS[made.action], reason=reason)
