"""Looking at businesses again: which are due, and that staff did."""

import uuid
from datetime import date, datetime

from huitong.customers.businesses import store
from huitong.customers.businesses.types import DueBusinessReview
from huitong.customers.calendar import add_months
from huitong.customers.commands.businesses import get_business
from huitong.customers.errors import DocumentExpired
from huitong.customers.events import BusinessReviewDue, BusinessReviewed
from huitong.customers.queries import check_limit, read_cursor
from huitong.customers.reasons import check_reason
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Page


async def mark_business_reviews_due(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.REVIEWS_MARKED_AT_ONCE_MAX
) -> int:
    """Mark up to `limit` businesses that are due: a document has expired, or the term is over."""
    marked = await store.mark_due(uow, business_day(now), now, limit)
    if marked:
        await outbox.append(
            uow,
            [
                BusinessReviewDue(merchant_id=merchant_id, reason=reason, due_at=now)
                for merchant_id, reason in marked
            ],
        )
    return len(marked)


async def list_due_business_reviews(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> Page[DueBusinessReview]:
    """Return a page of businesses that staff have to look at again; raises InvalidField."""
    found = await store.list_due(uow, read_cursor(cursor), check_limit(limit) + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].merchant_id.hex if len(found) > limit else None)


async def complete_business_review(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    documents_until_on: date | None,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    """Record that staff looked at a business again; the next review is due after the usual term.

    `documents_until_on` is the last day of whatever expires first now, None if nothing does.
    Raises NotFound, InvalidField for the reason, DocumentExpired.
    """
    check_reason(reason)
    today = business_day(now)
    if documents_until_on is not None and documents_until_on < today:
        raise DocumentExpired("a document that has expired proves nothing", field="documents_until")
    due_on = add_months(today, rulebook.integer("aml.review.months", today))
    if not await store.set_reviewed(uow, merchant_id, documents_until_on, due_on):
        await get_business(uow, merchant_id)
    await audit.record(
        uow,
        action="customers.complete_business_review",
        subject=show_id(MERCHANT, merchant_id),
        details={"reason": reason, "review_due_on": due_on},
    )
    await outbox.append(uow, [BusinessReviewed(merchant_id=merchant_id, reviewed_at=now)])
