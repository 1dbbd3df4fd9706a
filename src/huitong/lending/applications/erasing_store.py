"""SQL of what is taken out of applications, and of what is shown to whom it is about."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork

_DUE: Final = """
    SELECT id FROM lending.applications
     WHERE NOT is_erased AND stage IN ('refused', 'withdrawn', 'lapsed')
       AND changed_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY changed_at LIMIT :limit
"""
_ENDED: Final = """
    SELECT id FROM lending.applications
     WHERE customer_id = :id AND NOT is_erased
       AND stage IN ('lent', 'refused', 'withdrawn', 'lapsed')
"""
#: What people have said, what is known of them, and the contract with the words in it.
_STEPS: Final = """
    UPDATE lending.application_steps
       SET details = (details - 'words' - 'content') #- '{records,score,features}'
     WHERE application_id = ANY(CAST(:ids AS uuid[]))
"""
_APPLICATIONS: Final = """
    UPDATE lending.applications
       SET is_erased = true, facts = NULL,
           collateral = coalesce((SELECT jsonb_agg(each || '{"description": ""}')
                                    FROM jsonb_array_elements(collateral) each), '[]')
     WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT is_erased
    RETURNING id
"""
_REPORTS: Final = """
    UPDATE lending.report_queries SET report = NULL, is_erased = true
     WHERE report IS NOT NULL AND application_id = ANY(CAST(:ids AS uuid[]))
"""
_REPORTS_OF: Final = """
    UPDATE lending.report_queries SET report = NULL, is_erased = true
     WHERE report IS NOT NULL AND subject_id = :id
"""
_LIST_REPORTS: Final = """
    SELECT asked_at, verdict, report FROM lending.report_queries
     WHERE subject_id = :id ORDER BY asked_at DESC LIMIT :most
"""


async def list_due(
    uow: UnitOfWork, cutoff_on: date, limit: int, *, is_locking: bool = False
) -> list[uuid.UUID]:
    """Return applications without a loan that were changed last on a day or before."""
    lock = " FOR UPDATE SKIP LOCKED" if is_locking else ""
    rows = await uow.execute(_DUE + lock, cutoff_on=cutoff_on, limit=limit)
    return [row.id for row in rows]


async def list_ended(uow: UnitOfWork, customer_id: uuid.UUID) -> list[uuid.UUID]:
    """Return a customer's applications that have ended and have something left in them."""
    return [row.id for row in await uow.execute(_ENDED, id=customer_id)]


async def erase_steps(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> None:
    """Take words, contracts and features out of the histories of applications."""
    await uow.execute(_STEPS, ids=list(ids))


async def erase_applications(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> int:
    """Take facts and descriptions out of applications; return how many were changed."""
    rows = await uow.execute(_APPLICATIONS, ids=list(ids))
    return len(rows)


async def erase_reports(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> None:
    """Erase the reports that were asked for applications."""
    await uow.execute(_REPORTS, ids=list(ids))


async def erase_reports_of(uow: UnitOfWork, subject_id: uuid.UUID) -> None:
    """Erase all reports about a person."""
    await uow.execute(_REPORTS_OF, id=subject_id)


async def list_reports(uow: UnitOfWork, subject_id: uuid.UUID, most: int) -> list[Row[Any]]:
    """Return the latest questions about a person, with the sealed reports."""
    return list(await uow.execute(_LIST_REPORTS, id=subject_id, most=most))
