"""What happens to customers after they were opened: freezing, closing, reviews."""

import uuid
from datetime import date, datetime, timedelta
from typing import Final

from huitong import ledger
from huitong.customers import identity_store, restrictions, store
from huitong.customers.calendar import add_months
from huitong.customers.commands.minors import lock_with_wards, release_wards
from huitong.customers.errors import CustomerIsClosed, DocumentExpired, NotVerified
from huitong.customers.events import (
    CustomerClosed,
    CustomerFrozen,
    CustomerRestricted,
    CustomerRestrictionLifted,
    CustomerReviewDue,
    CustomerReviewed,
    CustomerUnfrozen,
)
from huitong.customers.reasons import check_reason
from huitong.customers.restrictions import RestrictionKind
from huitong.customers.types import Customer
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import CUSTOMER, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState

_GRACE_KEY: Final = "aml.document.grace.days"
_EXPIRED_REASON: Final = "the identity document has expired 身份证件已过期"


async def freeze_customer(
    uow: UnitOfWork, *, customer_id: uuid.UUID, are_credits_frozen: bool, reason: str, now: datetime
) -> Customer:
    """Stop what goes out of the customer's account (只收不付), or everything (不收不付).

    The ledger's account carries the state, so every room sees it at once. Frozen in this way
    already, nothing changes. Raises NotFound, CustomerIsClosed, InvalidField for the reason.
    """
    customer = await _lock_open(uow, customer_id)
    change = await restrictions.place(
        uow,
        customer,
        RestrictionKind.STAFF,
        are_credits_frozen=are_credits_frozen,
        reason=reason,
        now=now,
    )
    if change.is_changed:
        event = CustomerFrozen(
            customer_id=customer_id, are_credits_frozen=are_credits_frozen, frozen_at=now
        )
        await outbox.append(uow, [event])
    return customer


async def unfreeze_customer(
    uow: UnitOfWork, *, customer_id: uuid.UUID, reason: str, now: datetime
) -> Customer:
    """Take a freeze away, so that money may move again unless something else stops it.

    An expired document or a lost guardian still restricts the account, see `list_restrictions`.
    Raises NotFound, CustomerIsClosed, InvalidField for the reason.
    """
    customer = await _lock_open(uow, customer_id)
    change = await restrictions.lift(uow, customer, RestrictionKind.STAFF, reason=reason, now=now)
    if change.is_changed:
        event = CustomerUnfrozen(customer_id=customer_id, unfrozen_at=now)
        await outbox.append(uow, [event])
    return customer


async def close_customer(
    uow: UnitOfWork, *, customer_id: uuid.UUID, reason: str, now: datetime
) -> Customer:
    """End the relationship for good: the account is closed and the mobile number free again.

    The ledger demands a balance of nothing and no holds. Closed already, nothing changes. Raises
    NotFound, ledger.AccountNotEmpty, InvalidField for the reason. Orders that are still open are
    for `payments.close_customer` to see.
    """
    await lock_with_wards(uow, customer_id)
    customer = await _get(uow, customer_id)
    if customer.closed_at is not None:
        return customer
    await ledger.set_account_state(
        uow, customer.account_id, state=AccountState.CLOSED, reason=reason, now=now
    )
    await store.set_closed(uow, customer_id, now)
    await identity_store.end_identity(uow, customer_id, now)
    await release_wards(uow, customer_id, now=now)
    await audit.record(
        uow,
        action="customers.close_customer",
        subject=show_id(CUSTOMER, customer_id),
        details={"reason": reason},
    )
    await outbox.append(uow, [CustomerClosed(customer_id=customer_id, closed_at=now)])
    return await _get(uow, customer_id)


async def mark_reviews_due(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.REVIEWS_MARKED_AT_ONCE_MAX
) -> int:
    """Mark up to `limit` customers who are due: the document has expired, or the term is over.

    Returns how many. Each is marked once, with an event; many workers share the work.
    """
    marked = await identity_store.mark_due(uow, business_day(now), now, limit)
    events = [
        CustomerReviewDue(customer_id=customer_id, reason=reason, due_at=now)
        for customer_id, reason in marked
    ]
    if events:
        await outbox.append(uow, events)
    return len(events)


async def restrict_expired(
    uow: UnitOfWork,
    *,
    rulebook: Rulebook,
    now: datetime,
    limit: int = limits.CUSTOMERS_RESTRICTED_AT_ONCE_MAX,
) -> int:
    """Restrict up to `limit` customers whose document expired longer ago than the grace period.

    Nothing goes out of their accounts (只收不付) until `complete_review` saw a valid document.
    Returns how many. Many workers may do so at once.
    """
    today = business_day(now)
    before = today - timedelta(days=rulebook.integer(_GRACE_KEY, today))
    restricted = 0
    # In the order of their ids, as everybody who locks several customers.
    for customer_id in await identity_store.list_expired(uow, before, limit):
        customer = await _lock(uow, customer_id)
        # Asked again under the lock: staff may have seen a new document meanwhile.
        if not await identity_store.set_restricted(uow, customer_id, before, now):
            continue
        await restrictions.place(
            uow, customer, RestrictionKind.DOCUMENT, reason=_EXPIRED_REASON, now=now
        )
        event = CustomerRestricted(
            customer_id=customer_id, kind=RestrictionKind.DOCUMENT.value, restricted_at=now
        )
        await outbox.append(uow, [event])
        restricted += 1
    return restricted


async def complete_review(
    uow: UnitOfWork,
    *,
    customer_id: uuid.UUID,
    valid_until_on: date | None,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    """Record that staff looked at a customer again; the next review is due after the usual term.

    `valid_until_on` is the last day of the document as it was shown, None for 长期; a restriction
    because the old one had expired is lifted. Raises
    NotFound, InvalidField for the reason, NotVerified for a customer without a verified identity,
    DocumentExpired.
    """
    check_reason(reason)
    customer = await _lock(uow, customer_id)
    today = business_day(now)
    if valid_until_on is not None and valid_until_on < today:
        raise DocumentExpired("a document that has expired proves nothing", field="valid_until")
    due_on = add_months(today, rulebook.integer("aml.review.months", today))
    if not await identity_store.set_reviewed(uow, customer_id, valid_until_on, due_on):
        raise not_verified(customer_id)
    change = await restrictions.lift(
        uow, customer, RestrictionKind.DOCUMENT, reason=reason, now=now
    )
    if change.is_changed:
        event = CustomerRestrictionLifted(
            customer_id=customer_id, kind=RestrictionKind.DOCUMENT.value, lifted_at=now
        )
        await outbox.append(uow, [event])
    await audit.record(
        uow,
        action="customers.complete_review",
        subject=show_id(CUSTOMER, customer_id),
        details={"reason": reason, "review_due_on": due_on},
    )
    await outbox.append(uow, [CustomerReviewed(customer_id=customer_id, reviewed_at=now)])


def not_verified(customer_id: uuid.UUID) -> NotVerified:
    """Return the refusal for a customer whose identity was never verified, or no longer is."""
    shown = show_id(CUSTOMER, customer_id)
    return NotVerified(f"{shown} has no verified identity", context={"id": shown})


async def _lock_open(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer:
    customer = await _lock(uow, customer_id)
    if customer.closed_at is not None:
        shown = show_id(CUSTOMER, customer_id)
        raise CustomerIsClosed(f"{shown} is closed", context={"id": shown})
    return customer


async def _lock(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer:
    await store.lock_customer(uow, customer_id)
    return await _get(uow, customer_id)


async def _get(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer:
    customer = await store.find_customer(uow, customer_id)
    if customer is None:
        shown = show_id(CUSTOMER, customer_id)
        raise NotFound(f"there is no customer {shown}", context={"id": shown})
    return customer
