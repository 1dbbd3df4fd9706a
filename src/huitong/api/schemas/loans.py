"""Loans, their schedules, events and quotes as they travel."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from huitong import lending
from huitong.api.schemas.common import (
    AccountId,
    Body,
    CustomerId,
    Instant,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import CUSTOMER, LOAN, LOAN_EVENT, show_id
from huitong.kernel.money import Money
from huitong.ledger import show_account

LoanPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.LOAN), description="The loan's id.", examples=[example_id(ids.LOAN)]
    ),
]
LoanEventId = Annotated[
    str, Field(pattern=id_pattern(ids.LOAN_EVENT), examples=[example_id(ids.LOAN_EVENT)])
]
OnDay = Annotated[
    date | None, Query(description="Today without it.", examples=["2026-11-23"], alias="on")
]
Rate = Annotated[str, Field(description="A ratio a year.", examples=["0.108"])]
_CLASSES = ("pass", "special_mention", "substandard", "doubtful", "loss")


class Repay(Body):
    """A repayment of what is due."""

    amount: MoneyBody


class RepayEarly(Body):
    """What is due, and principal that is not due yet."""

    amount: MoneyBody
    mode: Literal["lower_payments", "shorter_term"] = "lower_payments"


class PayOff(Body):
    """All that is owed: the amount that was quoted."""

    amount: MoneyBody


class LoanView(View):
    """A loan, and what is owed of it today. Class and provision are shown to staff only."""

    id: Annotated[str, Field(pattern=id_pattern(ids.LOAN), examples=[example_id(ids.LOAN)])]
    customer: CustomerId
    product: str
    product_version: int
    state: Literal["active", "paid_off", "written_off"]
    account: AccountId
    principal: MoneyView
    rate: Rate
    method: str
    payments: int
    use: str
    lent_on: date
    ended_on: date | None
    on: date
    not_due: MoneyView
    due: MoneyView
    overdue: MoneyView
    interest_accrued: MoneyView
    interest_due: MoneyView
    interest_overdue: MoneyView
    penalty: MoneyView
    compound: MoneyView
    fees: MoneyView
    owed_now: MoneyView
    days_past_due: int
    next_due_on: date | None
    grade: str | None
    asset_class: str | None = None
    provision: MoneyView | None = None


class InstalmentView(View):
    """One payment of a schedule."""

    number: int
    start_on: date
    due_on: date
    principal: MoneyView
    interest: MoneyView
    principal_paid: MoneyView
    interest_paid: MoneyView


class ScheduleView(View):
    """A loan's payments in order; what was paid early stands as one of its own."""

    data: list[InstalmentView]


class LenderView(View):
    """Somebody who lends a loan beside us, and the share of it; with all of it, who bought it."""

    name_zh: str
    name_en: str
    share: str


class LendersView(View):
    """Who lends a loan beside us; nobody where it is ours alone."""

    data: list[LenderView]


class LoanEventView(View):
    """Something that happened to a loan; `amount` is money of the borrower's."""

    id: LoanEventId
    kind: str
    on: date
    amount: MoneyView
    reverses: LoanEventId | None
    recorded_at: Instant


class LoanEventsView(View):
    """What happened to a loan, in the order in which it was recorded."""

    data: list[LoanEventView]


class QuoteView(View):
    """What it takes to pay a loan off on a day."""

    on: date
    principal: MoneyView
    interest: MoneyView
    penalty: MoneyView
    fees: MoneyView
    early_fee: MoneyView
    total: MoneyView


def show_rate(rate: int) -> str:
    """Return a rate in millionths as a ratio: 108,000 is 0.108."""
    return format((Decimal(rate) / lending.RATE_SCALE).normalize(), "f")


def show_loan(loan: lending.Loan, state: lending.State, *, is_staff: bool) -> LoanView:
    """Return a loan with its balances as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, loan.currency))

    return LoanView(
        id=show_id(LOAN, loan.id),
        customer=show_id(CUSTOMER, loan.customer_id),
        product=loan.product.code,
        product_version=loan.product.version,
        state=loan.state.value,
        account=show_account(loan.borrower_account_id),
        principal=money(loan.terms.principal),
        rate=show_rate(loan.terms.rate),
        method=loan.terms.method.value,
        payments=loan.terms.count,
        use=loan.terms.use,
        lent_on=loan.lent_on,
        ended_on=loan.ended_on,
        on=state.on_day,
        not_due=money(state.not_due),
        due=money(state.due),
        overdue=money(state.overdue),
        interest_accrued=money(state.carried + state.accrued),
        interest_due=money(state.interest_due),
        interest_overdue=money(state.interest_overdue),
        penalty=money(state.penalty),
        compound=money(state.compound),
        fees=money(state.fees),
        owed_now=money(state.owed_now),
        days_past_due=state.days_past_due,
        next_due_on=state.next_due_on,
        grade=loan.terms.grade,
        asset_class=_CLASSES[state.klass] if is_staff else None,
        provision=money(state.provision) if is_staff else None,
    )


def show_schedule(loan: lending.Loan, rows: list[lending.Instalment]) -> ScheduleView:
    """Return a schedule as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, loan.currency))

    return ScheduleView(
        data=[
            InstalmentView(
                number=row.number,
                start_on=row.start,
                due_on=row.due,
                principal=money(row.principal),
                interest=money(row.interest),
                principal_paid=money(row.principal_paid),
                interest_paid=money(row.interest_paid),
            )
            for row in rows
        ]
    )


def show_event(event: lending.LoanEvent, currency: str) -> LoanEventView:
    """Return an event of a loan as a view."""
    return LoanEventView(
        id=show_id(LOAN_EVENT, event.id),
        kind=event.kind.value,
        on=event.on_day,
        amount=show_money(Money(event.amount, currency)),
        reverses=None if event.reverses is None else show_id(LOAN_EVENT, event.reverses),
        recorded_at=event.recorded_at,
    )


def show_quote(quote: lending.Quote) -> QuoteView:
    """Return a quote as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, quote.currency))

    return QuoteView(
        on=quote.on,
        principal=money(quote.principal),
        interest=money(quote.interest),
        penalty=money(quote.penalty),
        fees=money(quote.fees),
        early_fee=money(quote.early_fee),
        total=money(quote.total),
    )


def show_lenders(lenders: list[tuple[lending.partners.Partner, int]]) -> LendersView:
    """Return partners with their shares as a view."""
    return LendersView(
        data=[
            LenderView(name_zh=each.name_zh, name_en=each.name_en, share=show_rate(share))
            for each, share in lenders
        ]
    )
