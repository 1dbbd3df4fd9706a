"""Products of lending and changes of loans: asked for by one of staff, decided by another."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, lending
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import MoneyBody
from huitong.api.schemas.loan_changes import (
    AddProduct,
    ChangeAmount,
    ChangeRate,
    ProductPath,
    ProductsView,
    RecordRepayment,
    Reschedule,
    ReverseEvent,
    WriteOff,
    read_minor,
    read_product,
    read_rate,
    show_product,
)
from huitong.api.schemas.loans import LoanPath
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN, read_id, uuid7

products: Final = APIRouter(prefix="/v1/loan-products", tags=["Loans"], route_class=CommandRoute)
router: Final = APIRouter(prefix="/v1/loans", tags=["Loans"], route_class=CommandRoute)

Reader = Annotated[Principal, require("loans:read", is_for_customers=True)]
Writer = Annotated[Principal, require("loans:write")]
_CHANGED: Final[dict[str, Any]] = {
    "status_code": 202,
    "response_model": ApprovalView,
    "responses": errors(
        lending.LoanNotFound, lending.LoanEnded, InvalidField, caller="staff", is_command=True
    ),
}


@products.get(
    "",
    operation_id="listLoanProducts",
    summary="List products of lending",
    response_model=ProductsView,
    responses=errors(caller="customer"),
)
async def list_products(request: Request, principal: Reader) -> ProductsView:
    """Return each product as it is today, by code."""
    today = business_day(application_of(request).clock.now())
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await lending.list_products(uow, on=today)
    return ProductsView(data=[show_product(each) for each in found])


@products.get(
    "/{product}",
    operation_id="getLoanProduct",
    summary="Get all versions of a product of lending",
    response_model=ProductsView,
    responses=errors(lending.ProductNotFound, caller="customer"),
)
async def get_product(request: Request, product: ProductPath, principal: Reader) -> ProductsView:
    """Return a product's versions, first first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        versions = await lending.list_product_versions(uow, product)
    return ProductsView(data=[show_product(each) for each in versions])


@products.post(
    "",
    operation_id="addLoanProduct",
    summary="Ask for a product of lending, or another version of one",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        lending.ProductRefused,
        lending.ProductAgainstRule,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def add_product(
    request: Request, body: AddProduct, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a version of a product; somebody else decides. Loans keep the one they have."""
    parts = application_of(request)
    new, approval_id, now = read_product(body), uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await lending.check_product(uow, new, rulebook=parts.rulebook, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="lending.add_product",
            payload=lending.write_version(new),
            reason=body.reason,
            concerns=(),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/{loan}/reversals",
    operation_id="reverseLoanEvent",
    summary="Ask for a repayment or charge to be taken back",
    **_CHANGED,
)
async def reverse(
    request: Request, loan: LoanPath, body: ReverseEvent, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for the loan to be as if something had never been; somebody else decides."""
    return await _ask(
        request, principal, key, loan, "reverse", reason=body.reason, event=body.event
    )


@router.post(
    "/{loan}/recorded-repayments",
    operation_id="recordLoanRepayment",
    summary="Ask for a repayment of an earlier day to be recorded",
    **_CHANGED,
)
async def record_repayment(
    request: Request, loan: LoanPath, body: RecordRepayment, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a repayment from the borrower's account as of an earlier day."""
    return await _ask(
        request,
        principal,
        key,
        loan,
        "record_repayment",
        reason=body.reason,
        money=body.amount,
        on=body.on.isoformat(),
    )


@router.post(
    "/{loan}/reschedulings",
    operation_id="rescheduleLoan",
    summary="Ask for an extension, re-age or restructuring",
    **_CHANGED,
)
async def reschedule(
    request: Request, loan: LoanPath, body: Reschedule, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for what is unpaid to be due in so many payments from now on."""
    return await _ask(
        request,
        principal,
        key,
        loan,
        "reschedule",
        reason=body.reason,
        easing=body.easing,
        count=body.count,
        rate=None if body.rate is None else read_rate(body.rate),
    )


@router.post(
    "/{loan}/rates", operation_id="changeLoanRate", summary="Ask for another rate", **_CHANGED
)
async def change_rate(
    request: Request, loan: LoanPath, body: ChangeRate, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for another rate from the day of the decision on."""
    rate = read_rate(body.rate)
    return await _ask(request, principal, key, loan, "change_rate", reason=body.reason, rate=rate)


@router.post("/{loan}/charges", operation_id="chargeLoan", summary="Ask for a fee", **_CHANGED)
async def charge(
    request: Request, loan: LoanPath, body: ChangeAmount, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a fee that is to be paid at once."""
    return await _ask(
        request, principal, key, loan, "charge", reason=body.reason, money=body.amount
    )


@router.post(
    "/{loan}/waivers",
    operation_id="waiveLoanPenalty",
    summary="Ask for penalty interest to be waived",
    **_CHANGED,
)
async def waive(
    request: Request, loan: LoanPath, body: ChangeAmount, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a part of what is owed for being late to be forgone."""
    return await _ask(request, principal, key, loan, "waive", reason=body.reason, money=body.amount)


@router.post(
    "/{loan}/write-offs",
    operation_id="writeLoanOff",
    summary="Ask for a loan to be written off",
    **_CHANGED,
)
async def write_off(
    request: Request, loan: LoanPath, body: WriteOff, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a loss to be taken off the balance sheet."""
    return await _ask(request, principal, key, loan, "write_off", reason=body.reason)


@router.post(
    "/{loan}/recoveries",
    operation_id="recoverLoan",
    summary="Ask for a recovery of a loan that was written off",
    **_CHANGED,
)
async def recover(
    request: Request, loan: LoanPath, body: ChangeAmount, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for money from the borrower's account for a loan that was written off."""
    return await _ask(
        request, principal, key, loan, "recover", reason=body.reason, money=body.amount
    )


async def _ask(
    request: Request,
    principal: Principal,
    key: str,
    loan: str,
    act: str,
    *,
    reason: str,
    money: MoneyBody | None = None,
    **facts: object,
) -> Response:
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await lending.get_loan(uow, read_id(LOAN, loan, field="loan"))
        amount = {}
        if money is not None:
            read_minor(money, found.currency)
            amount["amount"] = money.read().to_json()
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=f"lending.{act}",
            payload={"loan": loan, **facts, **amount},
            reason=reason,
            concerns=[found.customer_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
