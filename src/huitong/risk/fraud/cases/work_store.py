"""SQL of the work on cases."""

import uuid
from collections.abc import Collection
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind
from huitong.risk.fraud.cases.types import Outcome


async def assign(
    uow: UnitOfWork, case_id: uuid.UUID, staff_id: uuid.UUID | None, *, now: datetime
) -> None:
    """Write down who works on a case, or that nobody does."""
    await uow.execute(
        "UPDATE risk.cases SET assigned_to = :staff_id, assigned_at = :at WHERE id = :id",
        id=case_id,
        staff_id=staff_id,
        at=None if staff_id is None else now,
    )


async def close(
    uow: UnitOfWork, case_id: uuid.UUID, outcome: Outcome, *, by: uuid.UUID, now: datetime
) -> None:
    """Close a case with its outcome."""
    await uow.execute(
        "UPDATE risk.cases SET state = 'closed', outcome = :outcome, closed_by = :by, "
        "closed_at = greatest(:now, opened_at) WHERE id = :id",
        id=case_id,
        outcome=outcome.value,
        by=by,
        now=now,
    )


async def has_entity(uow: UnitOfWork, case_id: uuid.UUID, entity: Entity) -> bool:
    """Say whether an entity takes part in a case."""
    found = await uow.fetch_value(
        "SELECT true FROM risk.case_entities WHERE kind = :kind AND key = :key AND case_id = :id",
        kind=entity.kind.value,
        key=entity.key,
        id=case_id,
    )
    return found is True


async def list_entities(uow: UnitOfWork, case_id: uuid.UUID, *, count: int) -> list[Entity]:
    """Return who and what takes part in a case, in the order of kinds and keys."""
    rows = await uow.execute(
        "SELECT kind, key FROM risk.case_entities WHERE case_id = :id ORDER BY kind, key "
        "LIMIT :count",
        id=case_id,
        count=count,
    )
    return [Entity(EntityKind(row.kind), row.key) for row in rows]


async def find_people_in_cases(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, staff_id: uuid.UUID
) -> frozenset[uuid.UUID]:
    """Return those of some customers who take part in an open case of a member of staff."""
    rows = await uow.execute(
        """
        SELECT DISTINCT e.key
          FROM risk.case_entities e
          JOIN risk.cases c ON c.id = e.case_id AND c.state = 'open' AND c.assigned_to = :staff_id
         WHERE e.kind = 'customer' AND e.key = ANY(:keys)
        """,
        keys=[each.bytes for each in people],
        staff_id=staff_id,
    )
    return frozenset(uuid.UUID(bytes=row.key) for row in rows)
