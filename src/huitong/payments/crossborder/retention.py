"""What of payments abroad is destroyed when its time is over: other sides, messages, papers.

Each payment and each paper has a key of its own, so that destroying the key is enough. Amounts,
states, the tracker and the balance-of-payments record stay; they name nobody.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import Vault

_ENDED: Final = """
    SELECT id FROM payments.crossborder_payments
     WHERE destroyed_at IS NULL AND NOT is_return_due AND NOT is_report_due
       AND state IN ('credited', 'returned', 'rejected', 'refused', 'withdrawn')
       AND changed_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY changed_at LIMIT :limit
"""
_MARK: Final = """
    UPDATE payments.crossborder_payments SET destroyed_at = :now
     WHERE id = ANY(CAST(:ids AS uuid[]))
"""
_PAPERS_OF: Final = """
    SELECT id FROM payments.crossborder_papers WHERE payment_id = ANY(CAST(:ids AS uuid[]))
"""
_UNUSED: Final = """
    SELECT id FROM payments.crossborder_papers
     WHERE payment_id IS NULL
       AND added_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY added_at LIMIT :limit
"""
_DELETE: Final = (
    "DELETE FROM payments.crossborder_paper_parts WHERE paper_id = ANY(CAST(:ids AS uuid[]))",
    "DELETE FROM payments.crossborder_papers WHERE id = ANY(CAST(:ids AS uuid[]))",
)
_LOCKED: Final = " FOR UPDATE SKIP LOCKED"


@dataclass(frozen=True, slots=True)
class EndedPayments:
    """The other sides, messages and papers of payments abroad that have ended."""

    vault: Vault
    data_class: str = "payments_abroad"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many ended on that day or before."""
        return len(await uow.execute(_ENDED, cutoff_on=cutoff_on, limit=limit))

    async def destroy_due(
        self, uow: UnitOfWork, *, cutoff_on: date, now: datetime
    ) -> Sequence[str]:
        """Destroy the keys of some of them, and of their papers."""
        most = limits.RETENTION_SUBJECTS_MAX
        rows = await uow.execute(_ENDED + _LOCKED, cutoff_on=cutoff_on, limit=most)
        ids: list[uuid.UUID] = [row.id for row in rows]
        papers = [row.id for row in await uow.execute(_PAPERS_OF, ids=ids)]
        for subject_id in sorted([*ids, *papers]):
            await self.vault.destroy(uow, subject_id, now=now)
        await uow.execute(_MARK, ids=ids, now=now)
        return [str(each) for each in ids]


@dataclass(frozen=True, slots=True)
class UnusedPapers:
    """Papers that were handed in and prove no payment."""

    vault: Vault
    data_class: str = "unused_papers"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were handed in on that day or before."""
        return len(await uow.execute(_UNUSED, cutoff_on=cutoff_on, limit=limit))

    async def destroy_due(
        self, uow: UnitOfWork, *, cutoff_on: date, now: datetime
    ) -> Sequence[str]:
        """Delete up to `limits.RETENTION_SUBJECTS_MAX` of them, with their keys."""
        most = limits.RETENTION_SUBJECTS_MAX
        rows = await uow.execute(_UNUSED + _LOCKED, cutoff_on=cutoff_on, limit=most)
        ids: list[uuid.UUID] = [row.id for row in rows]
        for paper_id in sorted(ids):
            await self.vault.destroy(uow, paper_id, now=now)
        for statement in _DELETE:
            await uow.execute(statement, ids=ids)
        return [str(each) for each in ids]
