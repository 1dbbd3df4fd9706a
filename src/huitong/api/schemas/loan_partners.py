"""Partners in lending, agreements with them and their statements as they travel."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from huitong import lending
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import Body, GivenDay, MoneyView, Name, View, show_money
from huitong.api.schemas.loan_changes import Code, Rate, read_rate
from huitong.api.schemas.loans import show_rate
from huitong.kernel.money import Money
from huitong.ledger import show_account

PartnerPath = Annotated[
    str,
    Path(pattern="^[a-z][a-z0-9_]{0,31}$", description="The partner's code.", examples=["north"]),
]
AgreementPath = Annotated[
    str,
    Path(pattern="^[a-z][a-z0-9_]{0,31}$", description="The agreement's code.", examples=["joint"]),
]
FirstDay = Annotated[date, Query(description="The first day.", examples=["2026-11-01"])]
LastDay = Annotated[date, Query(description="The last day.", examples=["2026-11-30"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["CNY"])]


class AddLoanPartner(Body):
    """A partner, or another version of one; the currency of its money never changes."""

    code: Code
    name_zh: Name
    name_en: Name
    currency: Currency = "CNY"
    may_guarantee: Annotated[
        bool, Field(description="Whether it is licensed to bear losses of others.")
    ] = False
    is_open: Annotated[bool, Field(description="Whether new loans are lent with it.")] = True
    effective_from: GivenDay
    reason: Why


class LoanShareBody(Body):
    """A partner's part of each loan."""

    partner: Code
    share: Annotated[Rate, Field(description="Of the money: at least 0.30 in mainland China.")]
    loss_share: Annotated[Rate, Field(description="Of losses, and of what is recovered of them.")]
    fee_share: Annotated[Rate, Field(description="What we keep of its interest.")] = "0"


class AddLoanAgreement(Body):
    """An agreement, or another version of one; what partners do not have is our own."""

    code: Code
    currency: Currency = "CNY"
    products: Annotated[list[Code], Field(min_length=1, max_length=32)]
    shares: Annotated[list[LoanShareBody], Field(min_length=1, max_length=2)]
    is_open: bool = True
    effective_from: GivenDay
    reason: Why


class LoanPartnerView(View):
    """A partner as it is today."""

    code: str
    name_zh: str
    name_en: str
    currency: str
    may_guarantee: bool
    is_open: bool
    version: int
    effective_from: date
    deposit_account: str
    position_account: str


class LoanPartnersView(View):
    """Partners, by code."""

    data: list[LoanPartnerView]


class LoanShareView(View):
    """A partner's part of each loan."""

    partner: str
    share: str
    loss_share: str
    fee_share: str


class LoanAgreementView(View):
    """A version of an agreement."""

    code: str
    version: int
    currency: str
    effective_from: date
    products: list[str]
    is_open: bool
    own_share: str
    own_loss_share: str
    shares: list[LoanShareView]


class LoanAgreementsView(View):
    """Agreements, or the versions of one."""

    data: list[LoanAgreementView]


class PartnerDayView(View):
    """What moved with a partner on a business day, its share of it, and what we owe it then.

    What came back is below zero; `closing` below zero is what the partner owes us.
    """

    day: date
    lent: MoneyView
    principal: MoneyView
    interest: MoneyView
    penalty: MoneyView
    fees: MoneyView
    recovered: MoneyView
    compensation: MoneyView
    service_fee: MoneyView
    settled: MoneyView
    closing: MoneyView


class PartnerStatementView(View):
    """A partner's days on which something happened."""

    partner: str
    opening: MoneyView
    closing: MoneyView
    data: list[PartnerDayView]


def read_partner(body: AddLoanPartner) -> lending.partners.NewPartner:
    """Return the partner that a body asks for."""
    return lending.partners.NewPartner(
        code=body.code,
        name_zh=body.name_zh,
        name_en=body.name_en,
        currency=body.currency,
        may_guarantee=body.may_guarantee,
        is_open=body.is_open,
        effective_from=body.effective_from,
    )


def read_agreement(body: AddLoanAgreement) -> lending.partners.NewAgreement:
    """Return the agreement that a body asks for."""
    return lending.partners.NewAgreement(
        code=body.code,
        currency=body.currency,
        products=tuple(body.products),
        shares=tuple(
            lending.partners.NewShare(
                partner=each.partner,
                share=read_rate(each.share),
                loss_share=read_rate(each.loss_share),
                fee_share=read_rate(each.fee_share),
            )
            for each in body.shares
        ),
        is_open=body.is_open,
        effective_from=body.effective_from,
    )


def show_partner(partner: lending.partners.Partner) -> LoanPartnerView:
    """Return a partner as a view."""
    return LoanPartnerView(
        code=partner.code,
        name_zh=partner.name_zh,
        name_en=partner.name_en,
        currency=partner.currency,
        may_guarantee=partner.may_guarantee,
        is_open=partner.is_open,
        version=partner.version,
        effective_from=partner.effective_from,
        deposit_account=show_account(partner.deposit_account_id),
        position_account=show_account(partner.position_account_id),
    )


def show_agreement(plan: lending.partners.Plan) -> LoanAgreementView:
    """Return a version of an agreement as a view."""
    return LoanAgreementView(
        code=plan.code or "",
        version=plan.version or 0,
        currency=plan.currency,
        effective_from=plan.effective_from,
        products=list(plan.products),
        is_open=plan.is_open,
        own_share=show_rate(plan.own_share),
        own_loss_share=show_rate(plan.own_loss_share),
        shares=[
            LoanShareView(
                partner=each.partner,
                share=show_rate(each.share),
                loss_share=show_rate(each.loss_share),
                fee_share=show_rate(each.fee_share),
            )
            for each in plan.shares
        ],
    )


def show_partner_statement(statement: lending.partners.PartnerStatement) -> PartnerStatementView:
    """Return a partner's statement as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, statement.currency))

    return PartnerStatementView(
        partner=statement.partner,
        opening=money(statement.opening),
        closing=money(statement.closing),
        data=[
            PartnerDayView(
                day=each.day,
                lent=money(each.flow.lent),
                principal=money(each.flow.principal),
                interest=money(each.flow.interest),
                penalty=money(each.flow.penalty),
                fees=money(each.flow.fees),
                recovered=money(each.flow.recovered),
                compensation=money(each.flow.compensation),
                service_fee=money(each.flow.service_fee),
                settled=money(each.settled),
                closing=money(each.closing),
            )
            for each in statement.days
        ],
    )
