"""Commands: what is known of people is taken out of applications; numbers and reasons stay."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huitong.kernel import limits as kernel_limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.applications import erasing_store


async def erase_applications(uow: UnitOfWork, application_ids: Sequence[uuid.UUID]) -> int:
    """Erase facts, reports, words and descriptions of applications that have ended.

    Returns how many applications had any of it left. The reports of everybody named go with them.
    """
    ids = sorted(application_ids)
    if not ids:
        return 0
    await erasing_store.erase_reports(uow, ids)
    await erasing_store.erase_steps(uow, ids)
    return await erasing_store.erase_applications(uow, ids)


async def erase_person(uow: UnitOfWork, subject_id: uuid.UUID) -> None:
    """Erase whatever is left of somebody, in others' applications as well: their reports."""
    await erase_applications(uow, await erasing_store.list_ended(uow, subject_id))
    await erasing_store.erase_reports_of(uow, subject_id)


@dataclass(frozen=True, slots=True)
class UnsuccessfulApplications:
    """Applications that led to no loan, with the credit reports that were asked for them."""

    data_class: str = "loan_applications"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were changed last on that day or before."""
        return len(await erasing_store.list_due(uow, cutoff_on, limit))

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Erase up to `limits.RETENTION_ROWS_MAX` of them."""
        most = kernel_limits.RETENTION_ROWS_MAX
        found = await erasing_store.list_due(uow, cutoff_on, most, is_locking=True)
        await erase_applications(uow, found)
        return [str(each) for each in found]
