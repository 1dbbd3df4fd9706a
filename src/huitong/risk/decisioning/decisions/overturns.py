"""Decisions that two people found wrong, as they stand beside the decision."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Overturn:
    """That a decision was wrong. `exempt_until` is how long rules let the same payment pass."""

    decision_id: uuid.UUID
    approval_id: uuid.UUID
    reason: str = field(repr=False)
    overturned_at: datetime
    exempt_until: datetime | None


async def find_overturn(uow: UnitOfWork, decision_id: uuid.UUID) -> Overturn | None:
    """Return that a decision was overturned, or None."""
    row = await uow.fetch_one(
        "SELECT decision_id, approval_id, reason, overturned_at, exempt_until "
        "FROM risk.overturns WHERE decision_id = :id",
        id=decision_id,
    )
    if row is None:
        return None
    return Overturn(
        decision_id=row.decision_id,
        approval_id=row.approval_id,
        reason=row.reason,
        overturned_at=row.overturned_at,
        exempt_until=row.exempt_until,
    )


async def find_overturned(uow: UnitOfWork, decision_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of some decisions that were overturned."""
    rows = await uow.execute(
        "SELECT decision_id FROM risk.overturns WHERE decision_id = ANY(:ids)",
        ids=list(decision_ids),
    )
    return {row.decision_id for row in rows}
