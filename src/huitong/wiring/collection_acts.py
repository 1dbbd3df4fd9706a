"""Acts of collections that take two people; each is named by its approval, so done once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huitong import identity, lending
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import HARDSHIP, read_id
from huitong.kernel.rulebook import Rulebook

Payload = Mapping[str, Any]


def make_collection_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act of collections that was approved."""
    acts = _Acts(rulebook)
    return {
        "lending.add_collection_strategy": acts.add_strategy,
        "lending.grant_hardship": acts.grant_hardship,
    }


class _Acts:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def add_strategy(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        strategy = await lending.collections.add_strategy(
            uow,
            lending.collections.read_strategy(payload["strategy"]),
            approval_id=approval.id,
            now=now,
        )
        purpose = strategy.new.purpose.value
        return identity.Executed(outcome={"purpose": purpose, "version": str(strategy.version)})

    async def grant_hardship(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        granted = await lending.collections.grant_hardship(
            uow,
            read_id(HARDSHIP, payload["hardship"], field="hardship"),
            approval_id=approval.id,
            count=payload["count"],
            rate=payload["rate"],
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(
            outcome={"hardship": payload["hardship"], "state": granted.state.value}
        )
