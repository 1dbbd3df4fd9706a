"""Withdrawals that risk holds back: released or stopped by two members of staff."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.orders import get_own_withdrawal, list_owners
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import Page, PaymentPath
from huitong.api.schemas.withdrawals import DecideWithdrawal, HeldWithdrawalView, show_held
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import PAYMENT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/risk/withdrawals", tags=["Decisions"], route_class=CommandRoute
)

_NOT_HELD: Final = (NotFound, payments.WithdrawalNotHeld)
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
    """Ask for it to be given up as fraud: the money is free again; somebody else decides."""
    return await _ask(
        request, principal, key, payment, act="payments.stop_withdrawal", reason=body.reason
    )


async def _ask(
    request: Request, principal: Principal, key: str, payment: str, *, act: str, reason: str
) -> Response:
    """Ask for an act on a withdrawal that waits at this moment."""
    order_id = read_id(PAYMENT, payment, field="payment")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        order = await get_own_withdrawal(uow, principal, order_id)
        if await payments.find_hold(uow, order) is None:
            raise payments.WithdrawalNotHeld(f"{payment} does not wait: it is {order.status}")
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=act,
            payload={"payment": payment, "amount": order.amount.to_json()},
            reason=reason,
            concerns=await list_owners(uow, order),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
