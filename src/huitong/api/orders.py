"""What the routes of payment orders have in common."""

import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from huitong import ledger, payments
from huitong.api.authentication import Principal
from huitong.api.idempotency import run_once
from huitong.api.schemas.payments import PaymentView, show_payment
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import PAYMENT, TERMINAL, read_id, show_id


async def get_own_order(
    uow: UnitOfWork, principal: Principal, order_id: uuid.UUID
) -> payments.Order:
    """Return an order that the caller may see; raises NotFound."""
    order = await payments.get_order(uow, order_id)
    principal.check_owner(order.merchant_id, "payment", show_id(PAYMENT, order_id))
    return order


async def get_own_withdrawal(
    uow: UnitOfWork, principal: Principal, order_id: uuid.UUID
) -> payments.Order:
    """Return a withdrawal from an account of the caller's; raises NotFound."""
    order = await payments.get_order(uow, order_id)
    shown = show_id(PAYMENT, order_id)
    principal.check_owner(await find_payer_owner(uow, order), "payment", shown)
    if order.kind is not payments.OrderKind.WITHDRAWAL:
        raise NotFound(f"there is no withdrawal {shown}", context={"id": shown})
    return order


async def find_payer_owner(uow: UnitOfWork, order: payments.Order) -> uuid.UUID | None:
    """Return whose account pays an order, or None if nobody's does yet."""
    if order.payer_account_id is None:
        return None
    return (await ledger.get_account(uow, order.payer_account_id)).owner_id


async def list_owners(uow: UnitOfWork, order: payments.Order) -> frozenset[uuid.UUID]:
    """Return whom an order concerns: whose accounts pay it and are paid; our own are nobody's."""
    accounts = [order.payer_account_id, order.payee_account_id]
    owners = [
        (await ledger.get_account(uow, each)).owner_id for each in accounts if each is not None
    ]
    return frozenset(each for each in owners if each is not None)


async def change_order(
    request: Request,
    principal: Principal,
    key: str,
    payment: str,
    change: Callable[[UnitOfWork, uuid.UUID], Awaitable[payments.Order]],
) -> Response:
    """Run a command on an order of the caller's, once, and answer with the order."""
    order_id = read_id(PAYMENT, payment, field="payment")

    async def command(uow: UnitOfWork) -> PaymentView:
        await get_own_order(uow, principal, order_id)
        return show_payment(await change(uow, order_id))

    return await run_once(request, principal, key, command, status=200)


async def make_order(
    request: Request,
    principal: Principal,
    key: str,
    make: Callable[[UnitOfWork], Awaitable[payments.Order]],
    *,
    terminal: str | None = None,
) -> Response:
    """Run a command that makes an order, once, and answer with the order.

    `terminal` is the till of the order's merchant that asks for it, if it says so.
    """

    async def command(uow: UnitOfWork) -> PaymentView:
        order = await make(uow)
        if order.merchant_id is not None:
            await name_terminal(uow, order.id, order.merchant_id, terminal)
        return show_payment(order)

    return await run_once(request, principal, key, command)


async def name_terminal(
    uow: UnitOfWork, order_id: uuid.UUID, merchant_id: uuid.UUID, terminal: str | None
) -> None:
    """Write down at which terminal an order was made, if the caller named one."""
    if terminal is not None:
        await payments.merchants.name_terminal(
            uow,
            order_id=order_id,
            merchant_id=merchant_id,
            terminal_id=read_id(TERMINAL, terminal, field="terminal"),
        )


def read_payer(text: str) -> int:
    """Return the account that pays; raises InvalidField."""
    return ledger.read_account(text, field="payer")
