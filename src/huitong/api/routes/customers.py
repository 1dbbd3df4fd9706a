"""Customers."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customer_acts import read_own_customer
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_search_in, note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import MOBILE_PATTERN, CustomerPath, Page
from huitong.api.schemas.customers import CustomerView, OpenCustomer, show_customer
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import uuid7

router: Final = APIRouter(prefix="/v1/customers", tags=["Customers"], route_class=CommandRoute)


@router.post(
    "",
    operation_id="openCustomer",
    summary="Open a customer",
    status_code=201,
    response_model=CustomerView,
    responses=errors(customers.MobileTaken, is_command=True),
)
async def open_customer(
    request: Request,
    body: OpenCustomer,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("customers:write")],
) -> Response:
    """Open a person with a payment account of class 1, 2 or 3, which cannot be overdrawn.

    Name and mobile number are stored encrypted, and every answer shows them masked.
    """
    application = application_of(request)
    customer_id, now = uuid7(), application.clock.now()

    async def command(uow: UnitOfWork) -> CustomerView:
        customer = await customers.open_customer(
            uow,
            application.vault,
            customer_id=customer_id,
            name=body.name,
            mobile=body.mobile,
            account_class=body.account_class,
            currency=body.currency,
            now=now,
        )
        return await _show(uow, application.vault, customer)

    return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listCustomers",
    summary="List customers, or find one by mobile number",
    response_model=Page[CustomerView],
    responses=errors(privacy.ViewerCut),
)
async def list_customers(
    request: Request,
    principal: Annotated[Principal, require("customers:read")],
    mobile: Annotated[
        str | None,
        Query(pattern=MOBILE_PATTERN, description="Only the customer with this number."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return customers, oldest first; with `mobile` the one who has it, or nobody."""
    inner = open_cursor(cursor, "customers")
    application = application_of(request)
    if mobile is not None:
        return await _find_by_mobile(request, principal, mobile)
    async with application.database.reading(principal.caller) as uow:
        page = await customers.list_customers(uow, cursor=inner, limit=limit)
        people = await customers.show_people(uow, application.vault, page.items)
    await note_seen(request, principal, [each.id for each in page.items])
    return show_page(page, lambda each: show_customer(each, people[each.id]), "customers")


@router.get(
    "/{customer}",
    operation_id="getCustomer",
    summary="Get a customer",
    response_model=CustomerView,
    responses=errors(NotFound, privacy.ViewerCut),
)
async def get_customer(
    request: Request,
    customer: CustomerPath,
    principal: Annotated[Principal, require("customers:read", is_for_customers=True)],
) -> CustomerView:
    """Return a customer."""
    customer_id = read_own_customer(principal, customer)
    application = application_of(request)
    async with application.database.reading(principal.caller) as uow:
        found = await customers.get_customer(uow, customer_id)
        view = await _show(uow, application.vault, found)
    await note_seen(request, principal, [customer_id])
    return view


async def _find_by_mobile(request: Request, principal: Principal, mobile: str) -> dict[str, object]:
    application = application_of(request)
    vault, now = application.vault, application.clock.now()

    async def command(uow: UnitOfWork) -> list[CustomerView]:
        found = await customers.find_customer_by_mobile(uow, vault, mobile)
        await note_search_in(
            uow,
            vault,
            principal,
            kind="mobile",
            value=mobile,
            found=None if found is None else found.id,
            now=now,
        )
        return [] if found is None else [await _show(uow, vault, found)]

    return {
        "data": await application.database.run(command, principal.caller),
        "next_cursor": None,
    }


async def _show(
    uow: UnitOfWork, vault: privacy.Vault, customer: customers.Customer
) -> CustomerView:
    people = await customers.show_people(uow, vault, [customer])
    return show_customer(customer, people[customer.id])
