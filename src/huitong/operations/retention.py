"""What incidents say of addresses, until their time is over."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork

# A day of the schedule is a business day, so it ends at midnight in Shanghai. An address against
# which something is still done is needed, whatever the incident is.
_OLD: Final = """
    SELECT i.id FROM operations.incidents i
     WHERE i.entity_kind = 'address' AND i.state = 'resolved' AND i.entity <> 'adr_removed'
       AND i.resolved_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
       AND NOT EXISTS (SELECT FROM operations.countermeasures c
                        WHERE c.incident_id = i.id AND c.lifted_at IS NULL
                          AND c.ends_at >= (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp)
                                            AT TIME ZONE 'Asia/Shanghai'))
     ORDER BY i.resolved_at LIMIT :limit
"""
_FORGET: Final = """
    UPDATE operations.incidents SET entity = 'adr_removed', network = NULL
     WHERE id = ANY(CAST(:ids AS uuid[]))
"""
_FORGET_MEASURES: Final = """
    UPDATE operations.countermeasures SET entity = 'adr_removed'
     WHERE incident_id = ANY(CAST(:ids AS uuid[])) AND entity_kind = 'address'
"""


@dataclass(frozen=True, slots=True)
class IncidentAddresses:
    """Blind indexes and networks of addresses in incidents that were resolved long ago."""

    data_class: str = "incident_addresses"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many incidents were resolved on that day or before and name an address."""
        return len(await _list_old(uow, cutoff_on, limit))

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Take the address out of up to `limits.RETENTION_ROWS_MAX` of them."""
        found = await _list_old(uow, cutoff_on, limits.RETENTION_ROWS_MAX)
        await uow.execute(_FORGET_MEASURES, ids=found)
        await uow.execute(_FORGET, ids=found)
        return [str(each) for each in found]


async def _list_old(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    rows = await uow.execute(_OLD, cutoff_on=cutoff_on, limit=limit)
    return [row.id for row in rows]
