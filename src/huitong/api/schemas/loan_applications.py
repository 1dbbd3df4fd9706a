"""Applications for loans as they travel."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import Field

from huitong import identity, lending
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
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
from huitong.api.schemas.loan_changes import Code, Rate, read_minor, read_rate
from huitong.api.schemas.loans import show_rate
from huitong.kernel import ids
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, LOAN, LOAN_APPLICATION, read_id, show_id
from huitong.kernel.money import Money
from huitong.ledger import show_account

#: What a factor is proved for to sign a contract.
SIGN: Final = "lending.sign"
_INCOME: Final = "monthly_income"

LoanApplicationPath = Annotated[
    str,
    Path(
        pattern=id_pattern(LOAN_APPLICATION),
        description="The application's id.",
        examples=[example_id(LOAN_APPLICATION)],
    ),
]
LoanApplicationId = Annotated[
    str, Field(pattern=id_pattern(LOAN_APPLICATION), examples=[example_id(LOAN_APPLICATION)])
]
StageName = Literal["draft", "review", "offered", "lent", "refused", "withdrawn", "lapsed"]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]
Words = Annotated[str, Field(min_length=1, max_length=1_000)]
Fact = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class StartLoanApplication(Body):
    """A product to apply for; the loan is paid to one's own account."""

    product: Code


class WishBody(Body):
    """What is asked for."""

    amount: MoneyBody
    payments: Annotated[int, Field(ge=1, le=480)]
    method: Literal["level_payment", "equal_principal", "interest_first", "single_payment"] = (
        "level_payment"
    )
    use: Code


class FillApplication(Body):
    """What is asked for, and facts that the product asks for; what is left out stays as it is."""

    wish: WishBody | None = None
    monthly_income: MoneyBody | None = None
    facts: Annotated[dict[Code, Fact], Field(max_length=32, default_factory=dict)]


class AddLoanParty(Body):
    """Somebody else who stands for the loan, and agrees to a credit report too."""

    customer: CustomerId
    role: Literal["co_borrower", "guarantor"]


class AddCollateral(Body):
    """Something that secures the loan."""

    kind: Literal["real_estate", "vehicle", "deposit", "receivables", "equipment", "other"]
    description: Annotated[str, Field(min_length=1, max_length=200)]
    value: MoneyBody


class AppealRefusal(Body):
    """Why people should look at it."""

    words: Words


class ConfirmReading(Body):
    """The statement that was read."""

    sha256: Digest


class SignContract(Body):
    """The contract that is signed, and the proof of who signs."""

    sha256: Digest
    step_up: (
        Annotated[str, Field(pattern=id_pattern(ids.STEP_UP), examples=[example_id(ids.STEP_UP)])]
        | None
    ) = None


class RefuseLoanApplication(Body):
    """Why a person refuses, in the words that the applicant reads."""

    reason_zh: Annotated[str, Field(min_length=1, max_length=200)]
    reason_en: Annotated[str, Field(min_length=1, max_length=200)]


class OfferLoan(Body):
    """The most that may be lent, at which rate; for an LPR product with the spread in it."""

    limit: MoneyBody
    rate: Rate
    grade: Annotated[str, Field(pattern="^[A-Z][A-Z0-9+-]{0,7}$", examples=["A"])] | None = None
    reason: Why


class LoanReasonView(View):
    """Why something was decided."""

    code: str
    zh: str
    en: str


class LoanTermsView(View):
    """Terms of a loan: as they are asked for, at the highest price, or as they are offered."""

    amount: MoneyView
    payments: int
    method: str
    use: str
    rate: str
    grade: str | None


class LoanApplicationView(View):
    """An application as it stands. Facts are shown where one application is asked for."""

    id: LoanApplicationId
    customer: CustomerId
    product: str
    product_version: int
    stage: StageName
    wish: LoanTermsView | None
    offer: LoanTermsView | None
    offer_until: date | None
    is_counter_offer: bool
    reasons: list[LoanReasonView]
    has_appealed: bool
    is_decided_by_person: bool
    contract_sha256: str | None
    loan: str | None
    started_at: Instant
    changed_at: Instant
    facts: dict[str, str] | None = None


class LoanApplicationsView(View):
    """Applications."""

    data: list[LoanApplicationView]


class StepTakenView(View):
    """One entry of an application's history."""

    position: int
    step: str
    at: Instant
    by: str
    details: dict[str, Any]


class HistoryOfApplicationView(View):
    """All that was done to an application, first first."""

    data: list[StepTakenView]


class CostItemView(View):
    """One cost; `amount` is null for what is asked in a case only, such as a late payment.

    `each` is what a fee is every time, null for what is reckoned by a rate.
    """

    kind: str
    amount: MoneyView | None
    each: MoneyView | None
    rate: str
    to: str


class LoanPaymentView(View):
    """One payment of a loan."""

    due_on: date
    principal: MoneyView
    interest: MoneyView


class CostStatementView(View):
    """What a loan costs all in all (综合融资成本); nothing else is charged."""

    sha256: str
    lent_on: date
    principal: MoneyView
    total_cost: MoneyView
    nominal_rate: str
    effective_rate: str
    items: list[CostItemView]
    payments: list[LoanPaymentView]
    read_at: Instant | None
    reading_seconds: int


class ContractView(View):
    """A contract as it would be signed today; its hash is what is signed."""

    sha256: str
    contract: dict[str, Any]


def read_wish(body: WishBody, product: lending.Product) -> lending.LoanTerms:
    """Return what is asked for; the rate comes from the product."""
    return lending.LoanTerms(
        principal=read_minor(body.amount, product.currency, "wish.amount"),
        rate=0,
        count=body.payments,
        method=lending.Method(body.method),
        use=body.use,
    )


def read_facts(body: FillApplication, currency: str) -> Mapping[str, str]:
    """Return facts as they are kept, amounts in yuan as text."""
    if _INCOME in body.facts:
        raise InvalidField("is given as an amount of its own", field=f"facts.{_INCOME}")
    facts = dict(body.facts)
    if body.monthly_income is not None:
        minor = read_minor(body.monthly_income, currency, _INCOME)
        if minor <= 0:
            raise InvalidField("must be above zero", field=_INCOME)
        facts[_INCOME] = format(Decimal(minor) / 100, "f")
    return facts


def read_offer(body: OfferLoan, currency: str) -> lending.applications.LoanDecision:
    """Return what a person offers."""
    return lending.applications.LoanDecision(
        verdict=lending.applications.Verdict.OFFER,
        limit=read_minor(body.limit, currency, "limit"),
        rate=read_rate(body.rate),
        grade=body.grade,
    )


def read_party(body: AddLoanParty) -> lending.applications.Party:
    """Return another person."""
    return lending.applications.Party(
        customer_id=read_id(CUSTOMER, body.customer, field="customer"),
        role=lending.applications.Role(body.role),
    )


def read_collateral(body: AddCollateral, currency: str) -> lending.applications.Collateral:
    """Return what secures a loan."""
    return lending.applications.Collateral(
        kind=lending.applications.CollateralKind(body.kind),
        description=body.description,
        value=read_minor(body.value, currency, "value"),
    )


def make_signing_act(application: lending.applications.Application, sha256: str) -> identity.Act:
    """Return what a factor is proved for: this contract, with its amount, for this account."""
    amount = None
    if application.offer is not None:
        amount = Money(application.offer.principal, application.product.currency)
    return identity.Act(
        kind=SIGN,
        amount=amount,
        payer=show_account(application.borrower_account_id),
        payee=sha256,
    )


def show_application(
    application: lending.applications.Application, facts: Mapping[str, str] | None = None
) -> LoanApplicationView:
    """Return an application as a view."""
    currency, digest = application.product.currency, application.contract_digest
    return LoanApplicationView(
        id=show_id(LOAN_APPLICATION, application.id),
        customer=show_id(CUSTOMER, application.customer_id),
        product=application.product.code,
        product_version=application.product.version,
        stage=application.stage.value,
        wish=_show_terms(application.wish, currency),
        offer=_show_terms(application.offer, currency),
        offer_until=application.offer_until,
        is_counter_offer=application.is_counter_offer,
        reasons=[
            LoanReasonView(code=each.code, zh=each.zh, en=each.en) for each in application.reasons
        ],
        has_appealed=application.has_appealed,
        is_decided_by_person=application.is_decided_by_person,
        contract_sha256=None if digest is None else digest.hex(),
        loan=None if application.loan_id is None else show_id(LOAN, application.loan_id),
        started_at=application.started_at,
        changed_at=application.changed_at,
        facts=None if facts is None else dict(facts),
    )


def show_history(
    steps: list[lending.applications.StepTaken], *, is_staff: bool
) -> HistoryOfApplicationView:
    """Return a history; what was recorded on the way to a decision is for staff."""
    return HistoryOfApplicationView(
        data=[
            StepTakenView(
                position=each.position,
                step=each.step.value,
                at=each.at,
                by=each.actor if is_staff else "",
                details=dict(each.details) if is_staff else {},
            )
            for each in steps
        ]
    )


def show_statement(
    application: lending.applications.Application,
    statement: lending.costs.CostStatement,
    *,
    reading_seconds: int,
) -> CostStatementView:
    """Return the cost statement of an application as a view."""
    read_at = application.statement_read_at
    return show_cost_statement(statement, read_at=read_at, reading_seconds=reading_seconds)


def show_cost_statement(
    statement: lending.costs.CostStatement, *, read_at: datetime | None, reading_seconds: int
) -> CostStatementView:
    """Return a cost statement as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, statement.currency))

    return CostStatementView(
        sha256=statement.digest.hex(),
        lent_on=statement.lent_on,
        principal=money(statement.principal),
        total_cost=money(statement.total_cost),
        nominal_rate=str(statement.nominal_rate),
        effective_rate=str(statement.effective_rate),
        items=[
            CostItemView(
                kind=each.kind.value,
                amount=None if each.amount is None else money(each.amount),
                each=None if each.each is None else money(each.each),
                rate=show_rate(each.rate),
                to=each.payee,
            )
            for each in statement.items
        ],
        payments=[
            LoanPaymentView(
                due_on=each.due, principal=money(each.principal), interest=money(each.interest)
            )
            for each in statement.instalments
        ],
        read_at=read_at,
        reading_seconds=reading_seconds,
    )


def _show_terms(terms: lending.LoanTerms | None, currency: str) -> LoanTermsView | None:
    if terms is None:
        return None
    return LoanTermsView(
        amount=show_money(Money(terms.principal, currency)),
        payments=terms.count,
        method=terms.method.value,
        use=terms.use,
        rate=show_rate(terms.rate),
        grade=terms.grade,
    )
