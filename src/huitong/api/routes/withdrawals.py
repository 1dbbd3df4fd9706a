"""Withdrawals that risk holds back: seen and cancelled by the customer, decided on by staff."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import NoBody, Page, PaymentPath
from huitong.api.schemas.withdrawals import (
    DecideWithdrawal,
    HeldWithdrawalView,
    WithdrawalView,
    show_held,
    show_withdrawal,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import PAYMENT, read_id, show_id, uuid7

router: Final = APIRouter(prefix="/v1/withdrawals", tags=["Bank channel"], route_class=CommandRoute)

_NOT_HELD: Final = (NotFound, payments.OrderMoveRefused, payments.WithdrawalNotHeld)
Decider = Annotated[Principal, require("withdrawals:write")]


@router.get(
    "",
    operation_id="listHeldWithdrawals",
    summary="List withdrawals that wait",
    response_model=Page[HeldWithdrawalView],
    responses=errors(caller="staff"),
)
async def list_held_withdrawals(
    request: Request,
    principal: Annotated[Principal, require("decisions:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return what risk holds back and nobody has decided on yet, newest first."""
    before_id = open_id_cursor(cursor, "held-withdrawals", "all")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await payments.list_held_withdrawals(uow, before_id=before_id, limit=limit)
    page = list_after(found, limit, lambda held: held.order_id)
    return show_page(page, show_held, "held-withdrawals", "all")


@router.get(
    "/{payment}",
    operation_id="getWithdrawal",
    summary="Get a withdrawal",
    response_model=WithdrawalView,
    responses=errors(NotFound),
)
async def get_withdrawal(
    request: Request,
    payment: PaymentPath,
    principal: Annotated[Principal, require("payments:read", is_for_customers=True)],
) -> WithdrawalView:
    """Return a withdrawal, and while it waits why and until when."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        order = await _get_own(uow, principal, order_id)
        return show_withdrawal(order, await payments.find_hold(uow, order))


@router.post(
    "/{payment}/cancel",
    operation_id="cancelWithdrawal",
    summary="Cancel a withdrawal that waits",
    response_model=WithdrawalView,
    responses=errors(*_NOT_HELD, is_command=True),
)
async def cancel_withdrawal(
    request: Request,
    payment: PaymentPath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_customers=True)],
    _body: NoBody | None = None,
) -> Response:
    """Give up a withdrawal that was not sent yet: the money is free again."""
    order_id = read_id(PAYMENT, payment, field="payment")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> WithdrawalView:
        await _get_own(uow, principal, order_id)
        return show_withdrawal(
            await payments.cancel_withdrawal(uow, order_id=order_id, now=now), None
        )

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{payment}/release",
    operation_id="releaseWithdrawal",
    summary="Ask for a withdrawal that waits to be sent",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(*_NOT_HELD, caller="staff", is_command=True),
)
async def release_withdrawal(
    request: Request,
    payment: PaymentPath,
    body: DecideWithdrawal,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Ask for it to go to the bank now; somebody else decides."""
    return await _ask(
        request, principal, key, payment, act="payments.release_withdrawal", reason=body.reason
    )


@router.post(
    "/{payment}/stop",
    operation_id="stopWithdrawal",
    summary="Ask for a withdrawal that waits to be given up",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(*_NOT_HELD, caller="staff", is_command=True),
)
async def stop_withdrawal(
    request: Request,
    payment: PaymentPath,
    body: DecideWithdrawal,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Ask for it to be given up, so that the money is free again; somebody else decides."""
    return await _ask(
        request, principal, key, payment, act="payments.stop_withdrawal", reason=body.reason
    )


async def _get_own(uow: UnitOfWork, principal: Principal, order_id: uuid.UUID) -> payments.Order:
    """Return a withdrawal from an account of the caller's; raises NotFound."""
    order = await payments.get_order(uow, order_id)
    shown = show_id(PAYMENT, order_id)
    principal.check_owner(await _find_owner(uow, order), "payment", shown)
    if order.kind is not payments.OrderKind.WITHDRAWAL:
        raise payments.OrderMoveRefused(
            f"{shown} is not a withdrawal", context={"kind": order.kind.value}
        )
    return order


async def _find_owner(uow: UnitOfWork, order: payments.Order) -> uuid.UUID | None:
    if order.payer_account_id is None:
        return None
    return (await ledger.get_account(uow, order.payer_account_id)).owner_id


async def _ask(
    request: Request, principal: Principal, key: str, payment: str, *, act: str, reason: str
) -> Response:
    """Ask for an act on a withdrawal that waits at this moment."""
    order_id = read_id(PAYMENT, payment, field="payment")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        order = await _get_own(uow, principal, order_id)
        if await payments.find_hold(uow, order) is None:
            raise payments.WithdrawalNotHeld(f"{payment} does not wait: it is {order.status}")
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=act,
            payload={"payment": payment, "amount": order.amount.to_json()},
            reason=reason,
            concerns=await _find_owner(uow, order),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
