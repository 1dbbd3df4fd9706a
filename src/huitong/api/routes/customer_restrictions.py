"""Freezing customers, their guardians, and the end of the relationship."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, ledger, payments, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customer_acts import ask_for_act, run_on_customer
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import CustomerPath
from huitong.api.schemas.customer_care import (
    ChangeCustomer,
    ReplaceGuardian,
    RestrictionsView,
    show_restrictions,
)
from huitong.api.schemas.customers import CustomerView
from huitong.api.schemas.ledger import FreezeAccount
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import CUSTOMER, read_id

router: Final = APIRouter(prefix="/v1", tags=["Customers"], route_class=CommandRoute)

Manager = Annotated[Principal, require("customers:manage")]


@router.post(
    "/customers/{customer}/freeze",
    operation_id="freezeCustomer",
    summary="Freeze a customer",
    response_model=CustomerView,
    responses=errors(NotFound, customers.CustomerIsClosed, is_command=True, has_approval=True),
)
async def freeze_customer(
    request: Request,
    customer: CustomerPath,
    body: FreezeAccount,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """Stop what goes out of the customer's account, or everything; the reason is recorded."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    now = application_of(request).clock.now()

    if principal.staff is not None:
        return await ask_for_act(
            request,
            principal,
            key,
            customer_id,
            "customers.freeze",
            reason=body.reason,
            scope=body.scope,
        )

    async def command(uow: UnitOfWork) -> customers.Customer:
        return await customers.freeze_customer(
            uow,
            customer_id=customer_id,
            are_credits_frozen=body.scope == "all",
            reason=body.reason,
            now=now,
        )

    return await run_on_customer(request, principal, key, command)


@router.post(
    "/customers/{customer}/unfreeze",
    operation_id="unfreezeCustomer",
    summary="Unfreeze a customer",
    response_model=CustomerView,
    responses=errors(NotFound, customers.CustomerIsClosed, is_command=True, has_approval=True),
)
async def unfreeze_customer(
    request: Request,
    customer: CustomerPath,
    body: ChangeCustomer,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """Take the freeze away; an expired document or a lost guardian may still restrict."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    now = application_of(request).clock.now()

    if principal.staff is not None:
        return await ask_for_act(
            request, principal, key, customer_id, "customers.unfreeze", reason=body.reason
        )

    async def command(uow: UnitOfWork) -> customers.Customer:
        return await customers.unfreeze_customer(
            uow, customer_id=customer_id, reason=body.reason, now=now
        )

    return await run_on_customer(request, principal, key, command)


@router.post(
    "/customers/{customer}/guardian",
    operation_id="replaceGuardian",
    summary="Give a minor another guardian",
    response_model=CustomerView,
    responses=errors(
        NotFound,
        customers.NotAMinor,
        customers.GuardianUnfit,
        customers.GuardianConsentMissing,
        privacy.DataDestroyed,
        is_command=True,
    ),
)
async def replace_guardian(
    request: Request,
    customer: CustomerPath,
    body: ReplaceGuardian,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """Put somebody who has consented in the place of a guardian who can no longer act."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    guardian_id = read_id(CUSTOMER, body.guardian, field="guardian")
    parts = application_of(request)
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> customers.Customer:
        await customers.replace_guardian(
            uow,
            parts.vault,
            customer_id=customer_id,
            guardian_id=guardian_id,
            reason=body.reason,
            rulebook=parts.rulebook,
            now=now,
        )
        return await customers.get_customer(uow, customer_id)

    return await run_on_customer(request, principal, key, command)


@router.get(
    "/customers/{customer}/restrictions",
    operation_id="listRestrictions",
    summary="List what restricts a customer",
    response_model=RestrictionsView,
    responses=errors(NotFound),
)
async def list_restrictions(
    request: Request, customer: CustomerPath, principal: Manager
) -> RestrictionsView:
    """Return every reason that holds; each is lifted by itself."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    async with application_of(request).database.reading(principal.caller) as uow:
        await customers.get_customer(uow, customer_id)
        return show_restrictions(await customers.list_restrictions(uow, customer_id))


@router.post(
    "/customers/{customer}/close",
    operation_id="closeCustomer",
    summary="Close a customer",
    response_model=CustomerView,
    responses=errors(
        NotFound,
        ledger.AccountNotEmpty,
        payments.OrdersOpen,
        is_command=True,
        has_approval=True,
    ),
)
async def close_customer(
    request: Request,
    customer: CustomerPath,
    body: ChangeCustomer,
    key: IdempotencyKey,
    principal: Manager,
) -> Response:
    """End the relationship: the account must be empty, without holds and open orders."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    now = application_of(request).clock.now()

    if principal.staff is not None:
        return await ask_for_act(
            request, principal, key, customer_id, "customers.close", reason=body.reason
        )

    async def command(uow: UnitOfWork) -> customers.Customer:
        return await payments.close_customer(
            uow, customer_id=customer_id, reason=body.reason, now=now
        )

    return await run_on_customer(request, principal, key, command)
