"""Log-ins decided about by risk: what `identity` asks is put to the engine, and its answer back."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong import identity, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.logs import get_logger
from huitong.wiring.risk_reasons import tell_reasons

_log: Final = get_logger(__name__)
# A log-in cannot wait until somebody has looked: it goes on with less power.
_ACTIONS: Final = {
    risk.Action.ALLOW: identity.LogInAction.ALLOW,
    risk.Action.STEP_UP: identity.LogInAction.STEP_UP,
    risk.Action.REVIEW: identity.LogInAction.REDUCE,
    risk.Action.DELAY: identity.LogInAction.REDUCE,
    risk.Action.BLOCK: identity.LogInAction.BLOCK,
}


@dataclass(frozen=True, slots=True)
class _Subject:
    id: uuid.UUID
    entities: tuple[risk.Entity, ...]


class LogInRisk:
    """Decides about log-ins with the rules of their purpose; an `identity.LogInDecider`."""

    def __init__(self, decider: risk.Decider) -> None:
        """Ask a decider whose purpose is log-ins."""
        self._decider = decider

    async def decide(
        self, uow: UnitOfWork, subject: identity.LogInSubject, /, *, now: datetime
    ) -> identity.LogInDecision:
        """Return what becomes of a log-in."""
        asked = _Subject(subject.id, _list_entities(subject))
        (made,) = await self._decider.decide(
            uow, [asked], [subject.features], at=now, is_scored=not subject.is_staff
        )
        return identity.LogInDecision(id=subject.id, action=_ACTIONS[made.action], made=made)

    async def record(
        self, uow: UnitOfWork, decision: identity.LogInDecision, /
    ) -> tuple[identity.LogInReason, ...]:
        """Write a decision down, and return why it did not just let in.

        One that people should look at is also an alarm.
        """
        made = decision.made
        assert isinstance(made, risk.Decision), "it was made above"
        await risk.record_decisions(uow, [made])
        if made.action is risk.Action.REVIEW:
            _log.warning("log_in_to_review", decision=risk.show_decision(made.id))
        found = await tell_reasons(uow, made)
        return tuple(identity.LogInReason(zh=each.zh, en=each.en) for each in found)


def _list_entities(subject: identity.LogInSubject) -> tuple[risk.Entity, ...]:
    entities = [risk.Entity.of_address(subject.address)]
    for kind, identifier in (
        (risk.EntityKind.CUSTOMER, subject.subject_id),
        (risk.EntityKind.DEVICE, subject.device_id),
    ):
        if identifier is not None:
            entities.append(risk.Entity.of_id(kind, identifier))
    return tuple(entities)
