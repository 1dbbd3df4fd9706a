"""Customers."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import MOBILE_PATTERN, CustomerPath, Page
from huitong.api.schemas.customers import CustomerView, OpenCustomer, show_customer
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import CUSTOMER, read_id, uuid7

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
    """Open a person with a payment account of class 1, 2 or 3, which cannot be overdrawn."""
    customer_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> CustomerView:
        customer = await customers.open_customer(
            uow,
            customer_id=customer_id,
            name=body.name,
            mobile=body.mobile,
            account_class=body.account_class,
            currency=body.currency,
            now=now,
        )
        return show_customer(customer)

    return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listCustomers",
    summary="List customers, or find one by mobile number",
    response_model=Page[CustomerView],
    responses=errors(),
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
    async with application_of(request).database.reading(principal.caller) as uow:
        if mobile is not None:
            found = await customers.find_customer_by_mobile(uow, mobile)
            return {"data": [] if found is None else [show_customer(found)], "next_cursor": None}
        page = await customers.list_customers(uow, cursor=inner, limit=limit)
    return show_page(page, show_customer, "customers")


@router.get(
    "/{customer}",
    operation_id="getCustomer",
    summary="Get a customer",
    response_model=CustomerView,
    responses=errors(NotFound),
)
async def get_customer(
    request: Request,
    customer: CustomerPath,
    principal: Annotated[Principal, require("customers:read", is_for_customers=True)],
) -> CustomerView:
    """Return a customer."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    principal.check_owner(customer_id, f"customer {customer}")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_customer(await customers.get_customer(uow, customer_id))
