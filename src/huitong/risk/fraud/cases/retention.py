"""What does not stay for ever: notes of closed cases, and links that connect nothing any more.

Cases, alerts and decisions hold ids only and stay; once a person's data key is gone they name
nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CaseNotes:
    """What people wrote about cases that are closed."""

    data_class: str = "case_notes"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many are of cases that were closed on that day or before."""
        return len(await self._list(uow, cutoff_on, limit))

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Blank up to `limits.RETENTION_ROWS_MAX` of them; that there was a note stays."""
        found = await self._list(uow, cutoff_on, limits.RETENTION_ROWS_MAX)
        await uow.execute(
            "UPDATE risk.case_entries SET note = NULL WHERE id = ANY(CAST(:ids AS uuid[]))",
            ids=found,
        )
        return found

    async def _list(self, uow: UnitOfWork, cutoff_on: date, count: int) -> list[str]:
        rows = await uow.execute(
            """
            SELECT e.id FROM risk.cases c JOIN risk.case_entries e ON e.case_id = c.id
             WHERE e.note IS NOT NULL AND c.closed_at <
                   (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
             ORDER BY e.id LIMIT :count
            """,
            cutoff_on=cutoff_on,
            count=count,
        )
        return [str(row.id) for row in rows]


@dataclass(frozen=True, slots=True)
class OldLinks:
    """Links that alerts told of, and none has told of since."""

    data_class: str = "risk_links"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were there last on that day or before."""
        found = await uow.fetch_value(
            """
            SELECT count(*) FROM (
                SELECT FROM risk.links WHERE last_at <
                   (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
                 LIMIT :limit) l
            """,
            cutoff_on=cutoff_on,
            limit=limit,
        )
        return int(found)

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Delete up to `limits.RETENTION_ROWS_MAX` of them."""
        rows = await uow.execute(
            """
            DELETE FROM risk.links WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM risk.links WHERE last_at <
                   (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
                 LIMIT :count FOR UPDATE SKIP LOCKED))
            RETURNING kind, encode(key, 'hex') AS key, other_kind,
                      encode(other_key, 'hex') AS other_key, type
            """,
            cutoff_on=cutoff_on,
            count=limits.RETENTION_ROWS_MAX,
        )
        return [f"{row.kind}:{row.key}:{row.type}:{row.other_kind}:{row.other_key}" for row in rows]
