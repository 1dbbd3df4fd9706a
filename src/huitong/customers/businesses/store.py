"""All SQL of businesses."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from huitong.customers.businesses.types import Business, DueBusinessReview
from huitong.customers.checks import CheckAnswer
from huitong.customers.onboarding.types import Remark
from huitong.kernel.database.unit_of_work import UnitOfWork

_BUSINESS: Final = """
    SELECT merchant_id, credit_code AS sealed_credit_code, details AS sealed_details, remarks,
           documents_until_on, verified_at, review_due_on, review_reason
      FROM customers.businesses
     WHERE merchant_id = :merchant_id
"""
_INSERT: Final = """
    INSERT INTO customers.businesses (merchant_id, credit_code, credit_code_index, details, remarks,
                                      documents_until_on, verified_at, review_due_on,
                                      review_reason, review_marked_at)
    VALUES (:merchant_id, :credit_code, :credit_code_index, :details, CAST(:remarks AS jsonb),
            :documents_until_on, :verified_at, :review_due_on, CAST(:review_reason AS text),
            CAST(:review_marked_at AS timestamptz))
        ON CONFLICT DO NOTHING
    RETURNING merchant_id
"""
# As for people: the first condition is the index's.
_MARK_DUE: Final = """
    UPDATE customers.businesses b
       SET review_marked_at = :now,
           review_reason = CASE WHEN b.documents_until_on < :today THEN 'document_expired'
                                ELSE 'periodic' END
      FROM (SELECT merchant_id FROM customers.businesses
             WHERE review_marked_at IS NULL
               AND least(review_due_on, documents_until_on) <= :today
               AND (review_due_on <= :today OR documents_until_on < :today)
             ORDER BY least(review_due_on, documents_until_on)
             LIMIT :limit
               FOR UPDATE SKIP LOCKED) due
     WHERE b.merchant_id = due.merchant_id
    RETURNING b.merchant_id, b.review_reason
"""


async def insert_business(uow: UnitOfWork, business: Business, credit_code_index: bytes) -> bool:
    """Insert a business; False if the credit code is another merchant's."""
    row = await uow.fetch_one(
        _INSERT,
        merchant_id=business.merchant_id,
        credit_code=business.sealed_credit_code,
        credit_code_index=credit_code_index,
        details=business.sealed_details,
        remarks=msgspec.json.encode(business.remarks).decode(),
        documents_until_on=business.documents_until_on,
        verified_at=business.verified_at,
        review_due_on=business.review_due_on,
        review_reason=business.review_reason,
        review_marked_at=None if business.review_reason is None else business.verified_at,
    )
    return row is not None


async def insert_checks(
    uow: UnitOfWork, merchant_id: uuid.UUID, answers: Sequence[CheckAnswer], now: datetime
) -> None:
    """Store the register's answers, without what was asked and without shareholders."""
    for answer in answers:
        await uow.execute(
            "INSERT INTO customers.business_checks (id, merchant_id, verdict, status, trouble, "
            "reference, attempts, answered_at) VALUES (:id, :merchant_id, :verdict, "
            "CAST(:status AS text), CAST(:trouble AS text), CAST(:reference AS text), :attempts, "
            ":now) ON CONFLICT (id) DO NOTHING",
            id=answer.request_id,
            merchant_id=merchant_id,
            verdict=answer.verdict.value,
            status=None if answer.business is None else answer.business.status.value,
            trouble=None if answer.trouble is None else answer.trouble.value,
            reference=answer.reference,
            attempts=answer.attempts,
            now=now,
        )


async def find_business(uow: UnitOfWork, merchant_id: uuid.UUID) -> Business | None:
    """Return the business behind a merchant, or None if it gave no evidence."""
    row = await uow.fetch_one(_BUSINESS, merchant_id=merchant_id)
    if row is None:
        return None
    remarks = tuple(msgspec.convert(row.remarks, list[Remark]))
    return Business(**{**row._asdict(), "remarks": remarks})


async def list_due(uow: UnitOfWork, after_id: uuid.UUID, count: int) -> list[DueBusinessReview]:
    """Return the next businesses under review, in order of their merchants' ids."""
    rows = await uow.execute(
        "SELECT merchant_id, review_reason AS reason, review_marked_at AS marked_at, "
        "documents_until_on, review_due_on FROM customers.businesses "
        "WHERE review_marked_at IS NOT NULL AND merchant_id > :after_id "
        "ORDER BY merchant_id LIMIT :count",
        after_id=after_id,
        count=count,
    )
    return [DueBusinessReview(**row._asdict()) for row in rows]


async def set_reviewed(
    uow: UnitOfWork, merchant_id: uuid.UUID, documents_until_on: date | None, due_on: date
) -> bool:
    """Take the mark away and set the next days; False if there is no such business."""
    row = await uow.fetch_one(
        "UPDATE customers.businesses SET review_marked_at = NULL, review_reason = NULL, "
        "review_due_on = :due_on, documents_until_on = :documents_until_on "
        "WHERE merchant_id = :merchant_id RETURNING merchant_id",
        merchant_id=merchant_id,
        documents_until_on=documents_until_on,
        due_on=due_on,
    )
    return row is not None


async def mark_due(
    uow: UnitOfWork, today: date, now: datetime, limit: int
) -> list[tuple[uuid.UUID, str]]:
    """Mark businesses that are due; return whose and why."""
    rows = await uow.execute(_MARK_DUE, today=today, now=now, limit=limit)
    return [(row.merchant_id, row.review_reason) for row in rows]
