"""Commands: a line is opened by two people, drawn on by its customer, and closed."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN_LINE, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import get_account
from huitong.lending import limits
from huitong.lending.applications.errors import StatementNotRead
from huitong.lending.costs import CostStatement, make_statement
from huitong.lending.lines import store
from huitong.lending.lines.errors import LineClosed, LineExceeded, LineRefused
from huitong.lending.lines.queries import get_line
from huitong.lending.lines.types import Drawing, Line, LineState, NewLine
from huitong.lending.loans import LoanTermsRefused, check_loan_rate, open_loan
from huitong.lending.loans.types import Loan, LoanTerms
from huitong.lending.products import Product, Purpose, RateKind, get_product
from huitong.lending.schedules import add_months

_READING: Final = "loan.disclosure.reading.seconds"
_MONTHS: Final = 12


async def check_line(
    uow: UnitOfWork, new: NewLine, *, rulebook: Rulebook, now: datetime
) -> Product:
    """Refuse a line that cannot be, and return its product.

    Raises ProductNotFound, NotFound for the account, InvalidField, LoanTermsRefused for the rate,
    and LineRefused with the rule's name for more than one customer may have.
    """
    today = business_day(now)
    product = await get_product(uow, new.product, on=today)
    if new.currency != product.currency:
        raise InvalidField(f"must be in {product.currency}", field="amount.currency")
    years = product.terms.line_years
    if years == 0:
        raise LineRefused(f"{product.code} is not lent by lines", field="product")
    if product.terms.rate_kind is not RateKind.FIXED:
        # A line keeps its rate; one with a spread would have to be told anew at each prime rate.
        raise LineRefused(f"the rate of {product.code} is not fixed", field="product")
    if not product.terms.amount_min <= new.amount <= product.terms.amount_max:
        low, high = product.terms.amount_min, product.terms.amount_max
        raise LineRefused(f"must be from {low} to {high}", field="amount")
    last = add_months(today, years * _MONTHS)
    if not today < new.ends_on <= last:
        raise LineRefused(f"must be after {today} and until {last}", field="ends_on")
    check_loan_rate(new.rate, new.grade, product, rulebook=rulebook, now=now)
    account = await get_account(uow, new.borrower_account_id)
    if account.owner_id != new.customer_id:
        raise InvalidField("is not an account of the customer", field="borrower_account")
    if account.currency != product.currency:
        raise InvalidField(f"must be in {product.currency}", field="borrower_account")
    await _check_given(uow, new, product, rulebook=rulebook, now=now)
    return product


async def open_line(
    uow: UnitOfWork, new: NewLine, *, line_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Line:
    """Give a customer a line; raises what `check_line` raises.

    The same id again returns the line that stands.
    """
    await store.lock_customer(uow, new.customer_id)
    known = await store.find_line(uow, line_id)
    if known is not None:
        return known
    product = await check_line(uow, new, rulebook=rulebook, now=now)
    line = Line(
        id=line_id,
        customer_id=new.customer_id,
        product=product.code,
        borrower_account_id=new.borrower_account_id,
        currency=product.currency,
        amount=new.amount,
        rate=new.rate,
        grade=new.grade,
        opened_on=business_day(now),
        ends_on=new.ends_on,
        state=LineState.OPEN,
        opened_at=now,
    )
    await store.insert_line(uow, line, product.id)
    await audit.record(
        uow,
        action="lending.open_line",
        subject=show_id(LOAN_LINE, line.id),
        details={"product": line.product, "amount": line.amount},
    )
    return line


async def show_drawing_statement(
    uow: UnitOfWork, line_id: uuid.UUID, drawing: Drawing, *, now: datetime
) -> tuple[CostStatement, datetime]:
    """Return what a drawing costs if it is made today, and since when that was shown.

    Raises LineNotFound, LineClosed, and LoanTermsRefused for what makes no schedule.
    """
    line = await get_line(uow, line_id)
    _check_open(line, now=now)
    statement = await _make_statement(uow, line, drawing, now=now)
    return statement, await store.note_statement(uow, line.id, statement.digest, now=now)


async def draw(
    uow: UnitOfWork,
    line_id: uuid.UUID,
    drawing: Drawing,
    *,
    drawing_id: uuid.UUID,
    digest: bytes,
    rulebook: Rulebook,
    now: datetime,
) -> Loan:
    """Draw on a line: make a loan of it and pay it out to the customer's account.

    `digest` is the cost statement's of today, which must have been shown for as long as it must be.
    Drawings on one line wait for each other, so that together they never go beyond it. The same
    drawing id again returns its loan. Raises LineNotFound, LineClosed, StatementNotRead,
    LineExceeded with what may be drawn, and what `open_loan` raises.
    """
    line = await get_line(uow, line_id, is_locked=True)
    is_known = await store.find_line_of(uow, drawing_id) == line.id
    if not is_known:
        await _check_drawing(uow, line, drawing, digest, rulebook=rulebook, now=now)
    loan = await open_loan(
        uow,
        _make_terms(line, drawing),
        loan_id=drawing_id,
        product=line.product,
        customer_id=line.customer_id,
        borrower_account_id=line.borrower_account_id,
        payout_account_id=line.borrower_account_id,
        rulebook=rulebook,
        now=now,
    )
    if not is_known:
        await store.insert_drawing(uow, line.id, loan.number)
    return loan


async def close_line(uow: UnitOfWork, line_id: uuid.UUID) -> Line:
    """Let nothing be drawn on a line any more; its loans go on. Raises LineNotFound."""
    line = await get_line(uow, line_id, is_locked=True)
    if line.state is LineState.CLOSED:
        return line
    await store.end_line(uow, line.id)
    await audit.record(uow, action="lending.close_line", subject=show_id(LOAN_LINE, line.id))
    return replace(line, state=LineState.CLOSED)


async def _check_given(
    uow: UnitOfWork, new: NewLine, product: Product, *, rulebook: Rulebook, now: datetime
) -> None:
    if product.terms.purpose is not Purpose.CONSUMER:
        return
    key, today = "loan.internet.consumer.max", business_day(now)
    given = await store.sum_given(uow, new.customer_id, product.currency, today)
    most = rulebook.amount(key, today)
    if most.currency == product.currency and given + new.amount > most.minor:
        raise LineRefused(
            f"all lines of the customer would be above the most (rule {key})",
            field="amount",
            context={"rule": key},
        )


def _check_open(line: Line, *, now: datetime) -> None:
    today = business_day(now)
    if line.state is LineState.CLOSED or today >= line.ends_on:
        raise LineClosed(f"the line is {line.state.value} and ends on {line.ends_on}", field="line")


async def _check_drawing(
    uow: UnitOfWork,
    line: Line,
    drawing: Drawing,
    digest: bytes,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    _check_open(line, now=now)
    await _check_read(uow, line, drawing, digest, rulebook=rulebook, now=now)
    available = line.amount - await store.sum_used(uow, line.id)
    if drawing.amount > available:
        raise LineExceeded(
            "more would be owed than the line is for",
            field="amount",
            context={"available": Money(max(available, 0), line.currency).to_json()},
        )


async def _check_read(
    uow: UnitOfWork,
    line: Line,
    drawing: Drawing,
    digest: bytes,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    statement = await _make_statement(uow, line, drawing, now=now)
    shown_at = await store.find_shown(uow, line.id, digest)
    if statement.digest != digest or shown_at is None:
        raise StatementNotRead("read the cost statement of today first", field="digest")
    must = timedelta(seconds=rulebook.integer(_READING, business_day(now)))
    if now - shown_at < must:
        left = -((shown_at + must - now) // -timedelta(seconds=1))
        raise StatementNotRead(f"read on for {left} seconds", context={"seconds_left": left})


async def _make_statement(
    uow: UnitOfWork, line: Line, drawing: Drawing, *, now: datetime
) -> CostStatement:
    today = business_day(now)
    product = await get_product(uow, line.product, on=today)
    _check_sizes(drawing)
    try:
        return make_statement(_make_terms(line, drawing), product, on=today)
    except ValueError as error:
        raise LoanTermsRefused(str(error), field="terms") from error


def _check_sizes(drawing: Drawing) -> None:
    for field, most in (("amount", limits.PRINCIPAL_MAX), ("count", limits.INSTALMENTS_MAX)):
        value = getattr(drawing, field)
        if type(value) is not int or not 0 < value <= most:
            raise InvalidField(f"must be from 1 to {most}", field=field)


def _make_terms(line: Line, drawing: Drawing) -> LoanTerms:
    return LoanTerms(
        principal=drawing.amount,
        rate=line.rate,
        count=drawing.count,
        method=drawing.method,
        use=drawing.use,
        grade=line.grade,
    )
