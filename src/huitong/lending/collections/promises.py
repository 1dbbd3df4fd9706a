"""Commands: promises to pay, made by debtors or written down for them."""

import uuid
from datetime import date, datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import PROMISE, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections import request_store, store
from huitong.lending.collections.errors import (
    AlreadyOpen,
    CollectionIdReused,
    NotOverdue,
    RequestRefused,
)
from huitong.lending.collections.types import Case, Promise, PromiseState
from huitong.lending.loans import Loan

_DAYS: Final = "collection.promise.days.max"
_COUNT: Final = "collection.promises.case.max"


async def make_promise(
    uow: UnitOfWork,
    loan: Loan,
    *,
    promise_id: uuid.UUID,
    amount: Money,
    pay_by: date,
    staff_id: uuid.UUID | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Promise:
    """Write down that so much of what is owed now is paid by a day, today at the earliest.

    Until that day is judged nobody contacts the debtor about the loan. The same id with the same
    content returns the first answer. Raises InvalidField, NotOverdue without an open case,
    AlreadyOpen, RequestRefused with the rule, CollectionIdReused.
    """
    await store.lock_debtor(uow, loan.customer_id)
    today = business_day(now)
    known = await request_store.find_promise(uow, promise_id)
    if known is not None:
        return _check_same(known, (loan.number, amount, pay_by))
    case = await store.find_open_case(uow, loan.number)
    owed = await store.find_overdue(uow, loan.number, today=today)
    if case is None or owed == 0:
        raise NotOverdue("nothing is overdue of the loan", field="loan")
    _check_amount(amount, loan.currency, owed)
    _check_day(pay_by, today, rulebook)
    await _check_others(uow, case, rulebook.integer(_COUNT, today))
    minor = amount.minor
    await request_store.insert_promise(
        uow, promise_id, case=case, amount=minor, pay_by=pay_by, staff_id=staff_id, now=now
    )
    details = {"amount": amount.to_json(), "pay_by": pay_by.isoformat()}
    subject = show_id(PROMISE, promise_id)
    await audit.record(uow, action="lending.make_promise", subject=subject, details=details)
    promise = await request_store.find_promise(uow, promise_id)
    assert promise is not None, "it was written a moment ago"
    return promise


def _check_same(known: Promise, asked: tuple[int, Money, date]) -> Promise:
    if (known.loan, Money(known.amount, known.currency), known.pay_by) != asked:
        raise CollectionIdReused("the id is that of another promise", field="id")
    return known


async def _check_others(uow: UnitOfWork, case: Case, most: int) -> None:
    """Refuse a second open promise of a loan, and more than so many of its case."""
    made = await request_store.list_promises(uow, case.loan)
    if any(each.state is PromiseState.OPEN for each in made):
        raise AlreadyOpen("a promise is open until its day is over", field="loan")
    if sum(each.case_id == case.id for each in made) >= most:
        raise RequestRefused(
            f"at most {most} promises while a loan is overdue (rule {_COUNT})",
            field="loan",
            context={"rule": _COUNT},
        )


def _check_amount(amount: Money, currency: str, owed: int) -> None:
    if amount.currency != currency:
        raise InvalidField(f"must be in {currency}", field="amount")
    if not 0 < amount.minor <= owed:
        most = Money(owed, currency).format()
        raise InvalidField(f"must be above 0 and at most {most}, which is owed", field="amount")


def _check_day(pay_by: date, today: date, rulebook: Rulebook) -> None:
    if pay_by < today:
        raise InvalidField("must be today or later", field="pay_by")
    most = rulebook.integer(_DAYS, today)
    if pay_by > today + timedelta(days=most):
        raise RequestRefused(
            f"must be within {most} days (rule {_DAYS})",
            field="pay_by",
            context={"rule": _DAYS},
        )
