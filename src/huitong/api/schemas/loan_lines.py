"""Lines of credit and drawings on them as they travel."""

import uuid
from datetime import date
from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from huitong import identity, lending
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    AccountId,
    Body,
    CustomerId,
    GivenDay,
    Instant,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.api.schemas.loan_applications import SIGN, CostStatementView, Digest
from huitong.api.schemas.loan_changes import Code, Rate, read_minor, read_rate
from huitong.api.schemas.loans import show_rate
from huitong.kernel import ids
from huitong.kernel.ids import CUSTOMER, LOAN, LOAN_LINE, read_id, show_id
from huitong.kernel.money import Money
from huitong.ledger import read_account, show_account

LoanLinePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.LOAN_LINE),
        description="The line's id.",
        examples=[example_id(ids.LOAN_LINE)],
    ),
]
Method = Literal["level_payment", "equal_principal", "interest_first", "single_payment"]


class OpenLoanLine(Body):
    """A line of credit for a customer."""

    customer: CustomerId
    account: AccountId
    product: Code
    amount: MoneyBody
    rate: Rate
    grade: Annotated[str, Field(pattern="^[A-Z][A-Z0-9+-]{0,7}$", examples=["A"])] | None = None
    ends_on: GivenDay
    reason: Why


class CloseLoanLine(Body):
    """Why a line is not to be drawn on any more."""

    reason: Why


class AskDrawingCost(Body):
    """What is to be drawn, and how it is paid back."""

    amount: MoneyBody
    payments: Annotated[int, Field(ge=1, le=480)]
    method: Method
    use: Code


class Draw(AskDrawingCost):
    """A drawing whose cost was read, and the proof of who draws."""

    sha256: Digest
    step_up: (
        Annotated[str, Field(pattern=id_pattern(ids.STEP_UP), examples=[example_id(ids.STEP_UP)])]
        | None
    ) = None


class LoanLineView(View):
    """A line, what is owed of it, and what may be drawn if it has not ended."""

    id: str
    customer: str
    product: str
    account: str
    amount: MoneyView
    used: MoneyView
    available: MoneyView
    rate: str
    opened_on: date
    ends_on: date
    state: str


class LoanLinesView(View):
    """The lines of a customer, first first."""

    data: list[LoanLineView]


class DrawingCostView(View):
    """What a drawing costs all in all, and since when that is shown."""

    shown_at: Instant
    statement: CostStatementView


class DrawingsView(View):
    """The loans that were drawn on a line, first first."""

    data: list[str]


def read_line(body: OpenLoanLine) -> lending.lines.NewLine:
    """Return the line that a body asks for; raises InvalidField."""
    amount = body.amount.read()
    return lending.lines.NewLine(
        customer_id=read_id(CUSTOMER, body.customer, field="customer"),
        product=body.product,
        borrower_account_id=read_account(body.account, field="account"),
        amount=amount.minor,
        currency=amount.currency,
        rate=read_rate(body.rate),
        grade=body.grade,
        ends_on=body.ends_on,
    )


def read_drawing(body: AskDrawingCost, currency: str) -> lending.lines.Drawing:
    """Return what is to be drawn; raises InvalidField."""
    return lending.lines.Drawing(
        amount=read_minor(body.amount, currency),
        count=body.payments,
        method=lending.Method(body.method),
        use=body.use,
    )


def make_drawing_act(line: lending.lines.Line, body: Draw) -> identity.Act:
    """Return what a factor is proved for: this amount, by the cost statement that was read."""
    return identity.Act(
        kind=SIGN,
        amount=body.amount.read(),
        payer=show_account(line.borrower_account_id),
        payee=body.sha256,
    )


def show_line(line: lending.lines.Line, used: int) -> LoanLineView:
    """Return a line as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, line.currency))

    is_open = line.state is lending.lines.LineState.OPEN
    return LoanLineView(
        id=show_id(LOAN_LINE, line.id),
        customer=show_id(CUSTOMER, line.customer_id),
        product=line.product,
        account=show_account(line.borrower_account_id),
        amount=money(line.amount),
        used=money(used),
        available=money(max(line.amount - used, 0) if is_open else 0),
        rate=show_rate(line.rate),
        opened_on=line.opened_on,
        ends_on=line.ends_on,
        state=line.state.value,
    )


def show_drawings(loans: list[uuid.UUID]) -> DrawingsView:
    """Return loans of a line as a view."""
    return DrawingsView(data=[show_id(LOAN, each) for each in loans])
