"""Commands: requests of borrowers for easier terms, decided by staff within days."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import HARDSHIP, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits as lending_limits
from huitong.lending.collections import limits, request_store, store
from huitong.lending.collections.errors import (
    AlreadyEnded,
    AlreadyOpen,
    CollectionIdReused,
    CollectionNotFound,
    RequestRefused,
)
from huitong.lending.collections.types import Cause, Hardship, HardshipState
from huitong.lending.loans import Easing, Loan, LoanEnded, LoanState, reschedule

_DAYS: Final = "collection.hardship.days"
_COUNT: Final = "collection.hardships.year.max"
_YEAR: Final = timedelta(days=365)


async def ask_for_hardship(
    uow: UnitOfWork,
    loan: Loan,
    *,
    hardship_id: uuid.UUID,
    cause: Cause,
    count: int,
    rulebook: Rulebook,
    now: datetime,
) -> Hardship:
    """Ask for what is left to be paid in so many payments from now on; contact pauses meanwhile.

    Late or not. The same id with the same content returns the first answer. Raises LoanEnded,
    InvalidField, AlreadyOpen, RequestRefused with the rule, CollectionIdReused.
    """
    await store.lock_debtor(uow, loan.customer_id)
    known = await request_store.find_hardship(uow, hardship_id)
    if known is not None:
        if (known.loan, known.cause, known.count) != (loan.number, cause, count):
            raise CollectionIdReused("the id is that of another request", field="id")
        return known
    if loan.state is not LoanState.ACTIVE:
        raise LoanEnded(f"the loan is {loan.state.value}", field="loan")
    if not 1 <= count <= lending_limits.INSTALMENTS_MAX:
        raise InvalidField(f"must be from 1 to {lending_limits.INSTALMENTS_MAX}", field="count")
    today = business_day(now)
    await _check_others(uow, loan, rulebook.integer(_COUNT, today), now=now)
    due_on = today + timedelta(days=rulebook.integer(_DAYS, today))
    await request_store.insert_hardship(
        uow, hardship_id, loan=loan, cause=cause, count=count, due_on=due_on, now=now
    )
    await _record(uow, "lending.ask_for_hardship", hardship_id, cause=cause.value, count=count)
    return await get_hardship(uow, hardship_id)


async def _check_others(uow: UnitOfWork, loan: Loan, most: int, *, now: datetime) -> None:
    """Refuse a second open request of a loan, and more than so many in a year."""
    asked = await request_store.list_hardships(uow, loan.number)
    if any(each.state is HardshipState.OPEN for each in asked):
        raise AlreadyOpen("a request about this loan is open", field="loan")
    if sum(each.asked_at > now - _YEAR for each in asked) >= most:
        raise RequestRefused(
            f"at most {most} requests of a loan in 365 days (rule {_COUNT})",
            field="loan",
            context={"rule": _COUNT},
        )


async def get_hardship(
    uow: UnitOfWork, hardship_id: uuid.UUID, *, for_update: bool = False
) -> Hardship:
    """Return a request; raises CollectionNotFound."""
    found = await request_store.find_hardship(uow, hardship_id, for_update=for_update)
    if found is None:
        shown = show_id(HARDSHIP, hardship_id)
        raise CollectionNotFound(f"there is no request {shown}", context={"id": shown})
    return found


async def refuse_hardship(
    uow: UnitOfWork,
    hardship_id: uuid.UUID,
    *,
    staff_id: uuid.UUID,
    reason_zh: str,
    reason_en: str,
    now: datetime,
) -> Hardship:
    """Refuse a request with reasons that the borrower reads.

    Raises CollectionNotFound, AlreadyEnded, InvalidField.
    """
    check_words(reason_zh, "reason_zh")
    check_words(reason_en, "reason_en")
    await lock_open(uow, hardship_id)
    await request_store.refuse_hardship(
        uow, hardship_id, staff_id=staff_id, reason_zh=reason_zh, reason_en=reason_en, now=now
    )
    await _record(uow, "lending.refuse_hardship", hardship_id)
    return await get_hardship(uow, hardship_id)


async def grant_hardship(
    uow: UnitOfWork,
    hardship_id: uuid.UUID,
    *,
    approval_id: uuid.UUID,
    count: int,
    rate: int | None,
    rulebook: Rulebook,
    now: datetime,
) -> Hardship:
    """Restructure the loan as two people agreed, and end the request with that change.

    `rate` is millionths a year, None for the one in force. Once for each approval. Raises
    CollectionNotFound, AlreadyEnded, and what `lending.reschedule` raises.
    """
    found = await lock_open(uow, hardship_id)
    event = await reschedule(
        uow,
        found.loan_id,
        rescheduling_id=approval_id,
        easing=Easing.RESTRUCTURING,
        count=count,
        rate=rate,
        rulebook=rulebook,
        now=now,
    )
    await request_store.grant_hardship(uow, hardship_id, event_id=event.id, now=now)
    await _record(uow, "lending.grant_hardship", hardship_id, count=count)
    return await get_hardship(uow, hardship_id)


async def lock_open(uow: UnitOfWork, hardship_id: uuid.UUID) -> Hardship:
    """Return an open request, locked; raises CollectionNotFound, AlreadyEnded."""
    found = await get_hardship(uow, hardship_id, for_update=True)
    if found.state is not HardshipState.OPEN:
        raise AlreadyEnded(f"the request is {found.state.value}", field="hardship")
    return found


def check_words(text: str, field: str) -> None:
    """Raise InvalidField for an answer that is empty, too long, or not to be seen."""
    most = limits.REASON_LENGTH_MAX
    if not text.strip() or len(text) > most or not text.isprintable():
        raise InvalidField(f"has 1 to {most} printable characters", field=field)


async def _record(uow: UnitOfWork, action: str, hardship_id: uuid.UUID, **details: object) -> None:
    subject = show_id(HARDSHIP, hardship_id)
    await audit.record(uow, action=action, subject=subject, details=details)
