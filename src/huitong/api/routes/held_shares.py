"""Profit shares that risk holds: merchants may give them up, staff decide."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page, example_id, id_pattern
from huitong.api.schemas.held_shares import (
    HeldShareView,
    WaitingShareView,
    show_held_share,
    show_waiting_share,
)
from huitong.api.schemas.stopped_payments import DecideOnPayment
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import ENTRY, read_id

router: Final = APIRouter(
    prefix="/v1/held-shares", tags=["Stopped payments"], route_class=CommandRoute
)

_DECIDE: Final = "stopped_payments:decide"
Reader = Annotated[Principal, require("stopped_payments:read")]
Decider = Annotated[Principal, require(_DECIDE)]
SharePath = Annotated[
    str,
    Path(pattern=id_pattern(ENTRY), description="The share.", examples=[example_id(ENTRY)]),
]
Change = Callable[[UnitOfWork, uuid.UUID], Awaitable[payments.HeldShare]]
_DECIDING: Final = (
    payments.HeldShareNotFound,
    payments.HeldShareEnded,
    identity.OwnRecord,
    identity.AmountAboveLimit,
)


@router.get(
    "",
    operation_id="listHeldShares",
    summary="List profit shares that are held",
    response_model=Page[WaitingShareView],
    responses=errors(caller="staff"),
)
async def list_held_shares(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return profit shares that wait, oldest first."""
    after_id = open_id_cursor(cursor, "held-shares")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await payments.list_held_shares(uow, after_id=after_id, limit=limit)
    page = list_after(found, limit, lambda held: held.entry_id)
    return show_page(page, show_waiting_share, "held-shares")


@router.post(
    "/{share}/cancel",
    operation_id="cancelHeldShare",
    summary="Give up a profit share that is held",
    response_model=HeldShareView,
    responses=errors(payments.HeldShareNotFound, payments.HeldShareEnded, is_command=True),
)
async def cancel_held_share(
    request: Request,
    share: SharePath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
    _body: NoBody | None = None,
) -> Response:
    """Give a held share up, for its merchant: the money is free again."""
    entry_id, now = read_id(ENTRY, share, field="share"), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> HeldShareView:
        held = await payments.get_held_share(uow, entry_id)
        order = await payments.get_order(uow, held.order_id)
        principal.check_owner(
            order.merchant_id, "held share", share, refusal=payments.HeldShareNotFound
        )
        return show_held_share(await payments.cancel_held_share(uow, entry_id=entry_id, now=now))

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{share}/release",
    operation_id="releaseHeldShare",
    summary="Pass on a profit share that is held",
    response_model=WaitingShareView,
    responses=errors(
        *_DECIDING,
        payments.PaymentBlocked,
        payments.ShareExceedsRemainder,
        payments.AccountFrozen,
        payments.AccountClosed,
        caller="staff",
        is_command=True,
    ),
)
async def release_held_share(
    request: Request, share: SharePath, body: DecideOnPayment, key: IdempotencyKey, by: Decider
) -> Response:
    """Pass a share on that was held, after somebody has looked at it; that labels nothing."""
    now = application_of(request).clock.now()
    return await _decide(
        request,
        share,
        key,
        by,
        lambda uow, entry_id: payments.release_held_share(
            uow, entry_id=entry_id, reason=body.reason, now=now
        ),
    )


@router.post(
    "/{share}/reject",
    operation_id="rejectHeldShare",
    summary="Give a profit share that is held back to its merchant",
    response_model=WaitingShareView,
    responses=errors(*_DECIDING, caller="staff", is_command=True),
)
async def reject_held_share(
    request: Request, share: SharePath, body: DecideOnPayment, key: IdempotencyKey, by: Decider
) -> Response:
    """Give a held share back, as fraud: its decisions are labelled so."""
    now = application_of(request).clock.now()
    return await _decide(
        request,
        share,
        key,
        by,
        lambda uow, entry_id: payments.reject_held_share(
            uow, entry_id=entry_id, reason=body.reason, now=now
        ),
    )


async def _decide(
    request: Request, share: str, key: str, principal: Principal, change: Change
) -> Response:
    entry_id = read_id(ENTRY, share, field="share")

    async def command(uow: UnitOfWork) -> WaitingShareView:
        held = await payments.get_held_share(uow, entry_id)
        await _check_decider(uow, principal, held)
        return show_waiting_share(await change(uow, entry_id))

    return await run_once(request, principal, key, command, status=200)


async def _check_decider(uow: UnitOfWork, principal: Principal, held: payments.HeldShare) -> None:
    """Refuse staff who would decide on their own money, or on more than their role may."""
    assert principal.staff is not None, "keys and customers have no such permission"
    accounts = [held.merchant_account_id, *(each.account_id for each in held.receivers)]
    parties = (await customers.find_parties(await uow.driver(), accounts)).values()
    own = [party.customer_id for party in parties if party.customer_id is not None]
    order = await payments.get_order(uow, held.order_id)
    assert order.merchant_id is not None
    own += await payments.merchants.list_people(uow, order.merchant_id)
    attributes = identity.Attributes(amount=held.amount, concerns=own)
    identity.authorise(principal.staff.staff, _DECIDE, attributes)
