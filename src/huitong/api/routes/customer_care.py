"""What happens to customers after they were opened.

Staff ask for what touches money or limits, and another member decides.
"""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, payments, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customer_acts import ask_for_act, read_own_customer, run_on_customer
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_seen, note_seen_in
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import CustomerPath, Page
from huitong.api.schemas.customer_care import (
    BankCardProofView,
    ChangeCustomer,
    CompleteReview,
    DueReviewView,
    LimitsView,
    ProveBankCard,
    show_due_review,
    show_limits,
)
from huitong.api.schemas.customers import CustomerView, show_customer
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import CUSTOMER, read_id

router: Final = APIRouter(prefix="/v1", tags=["Customers"], route_class=CommandRoute)

Reader = Annotated[Principal, require("customers:read", is_for_customers=True)]
Upgrader = Annotated[Principal, require("customers:upgrade", is_for_customers=True)]
Manager = Annotated[Principal, require("customers:manage")]


@router.get(
    "/customers/{customer}/limits",
    operation_id="getCustomerLimits",
    summary="Get what a customer may still pay",
    response_model=LimitsView,
    responses=errors(NotFound, payments.CurrencyNotSupported, privacy.ViewerCut),
)
async def get_customer_limits(
    request: Request, customer: CustomerPath, principal: Reader
) -> LimitsView:
    """Return each cap with what is used and left: today, this year, and since the opening."""
    customer_id = read_own_customer(principal, customer)
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await customers.get_customer(uow, customer_id)
        usages = await payments.list_usage(
            uow, customer_id=customer_id, rulebook=parts.rulebook, now=parts.clock.now()
        )
    await note_seen(request, principal, [customer_id])
    return show_limits(found, usages)


@router.get(
    "/customer-reviews",
    operation_id="listDueReviews",
    summary="List customers who are due for a review",
    response_model=Page[DueReviewView],
    responses=errors(),
)
async def list_due_reviews(
    request: Request,
    principal: Annotated[Principal, require("customers:manage")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return customers whose document has expired or whose term is over, and since when."""
    inner = open_cursor(cursor, "customer_reviews")
    async with application_of(request).database.reading(principal.caller) as uow:
        page = await customers.list_due_reviews(uow, cursor=inner, limit=limit)
    return show_page(page, show_due_review, "customer_reviews")


@router.post(
    "/customers/{customer}/review",
    operation_id="completeReview",
    summary="Record that a customer was reviewed",
    response_model=CustomerView,
    responses=errors(
        NotFound,
        customers.NotVerified,
        customers.DocumentExpired,
        privacy.ViewerCut,
        is_command=True,
    ),
)
async def complete_review(
    request: Request,
    customer: CustomerPath,
    body: CompleteReview,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """Take the customer off the list until the next term is over."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    parts = application_of(request)
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> customers.Customer:
        await customers.complete_review(
            uow,
            customer_id=customer_id,
            valid_until_on=body.valid_until,
            reason=body.reason,
            rulebook=parts.rulebook,
            now=now,
        )
        return await customers.get_customer(uow, customer_id)

    return await run_on_customer(request, principal, key, command)


@router.post(
    "/customers/{customer}/in-person-check",
    operation_id="confirmInPerson",
    summary="Record that a customer came in person",
    response_model=CustomerView,
    responses=errors(
        NotFound,
        customers.NotVerified,
        customers.CustomerIsClosed,
        is_command=True,
        has_approval=True,
    ),
)
async def confirm_in_person(
    request: Request,
    customer: CustomerPath,
    body: ChangeCustomer,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """Raise the account to the highest class, which an identity checked in person supports."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    parts = application_of(request)
    now = parts.clock.now()

    if principal.staff is not None:
        return await ask_for_act(
            request, principal, key, customer_id, "customers.confirm_in_person", reason=body.reason
        )

    async def command(uow: UnitOfWork) -> customers.Customer:
        return await customers.add_channels(
            uow, customer_id=customer_id, is_in_person=True, rulebook=parts.rulebook, now=now
        )

    return await run_on_customer(request, principal, key, command)


@router.post(
    "/customers/{customer}/bank-cards",
    operation_id="proveBankCard",
    summary="Confirm a customer by a bank card",
    response_model=BankCardProofView,
    responses=errors(
        NotFound,
        customers.NotVerified,
        customers.CustomerIsClosed,
        privacy.DataDestroyed,
        privacy.ViewerCut,
        is_command=True,
    ),
)
async def prove_bank_card(
    request: Request,
    customer: CustomerPath,
    body: ProveBankCard,
    key: IdempotencyKey,
    principal: Upgrader,
) -> Response:
    """Ask the card's bank; if it confirms the customer, the bank is one more channel.

    The account's class rises when there are enough. The card's number is not kept.
    """
    customer_id = read_own_customer(principal, customer)
    parts = application_of(request)
    # Before the transaction: nobody outside is asked inside of one. The same key asks the same.
    answer, channel = await customers.ask_about_card(
        parts.database,
        parts.vault,
        parts.registries,
        customer_id=customer_id,
        card_number=body.card_number,
        request_id=uuid.uuid5(customer_id, f"{principal.scope} {key}"),
    )
    is_confirmed = answer.verdict is customers.CheckVerdict.CONSISTENT
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> BankCardProofView:
        found = await customers.add_channels(
            uow,
            customer_id=customer_id,
            channels=[channel] if is_confirmed else [],
            rulebook=parts.rulebook,
            now=now,
        )
        await note_seen_in(uow, principal, [found.id], now=now)
        people = await customers.show_people(uow, parts.vault, [found])
        return BankCardProofView(
            verdict=answer.verdict.value, customer=show_customer(found, people[found.id])
        )

    return await run_once(request, principal, key, command, status=200)
