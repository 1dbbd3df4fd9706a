"""What routes that change customers share."""

import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of
from huitong.api.idempotency import run_once
from huitong.api.people_seen import note_seen_in
from huitong.api.schemas.customers import CustomerView, show_customer
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CUSTOMER, read_id, show_id, uuid7


async def ask_for_act(
    request: Request,
    principal: Principal,
    key: str,
    customer_id: uuid.UUID,
    act: str,
    *,
    reason: str,
    **facts: str,
) -> Response:
    """Ask another member of staff for an act on a customer."""
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await customers.get_customer(uow, customer_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=act,
            payload={"customer": show_id(CUSTOMER, customer_id), **facts},
            reason=reason,
            concerns=[customer_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def run_on_customer(
    request: Request,
    principal: Principal,
    key: str,
    command: Callable[[UnitOfWork], Awaitable[customers.Customer]],
) -> Response:
    """Run a command on a customer once, and answer with the customer."""
    parts = application_of(request)
    now = parts.clock.now()

    async def run(uow: UnitOfWork) -> CustomerView:
        customer = await command(uow)
        await note_seen_in(uow, principal, [customer.id], now=now)
        people = await customers.show_people(uow, parts.vault, [customer])
        return show_customer(customer, people[customer.id])

    return await run_once(request, principal, key, run, status=200)


def read_own_customer(principal: Principal, shown: str) -> uuid.UUID:
    """Return a customer's id; raises NotFound for one that is not the caller's to see."""
    customer_id = read_id(CUSTOMER, shown, field="customer")
    principal.check_owner(customer_id, "customer", shown)
    return customer_id
