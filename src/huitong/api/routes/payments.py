"""Payment orders of every kind: what became of them, refunds and profit shares.

`POST /v1/payments` itself is answered by the hot path.
"""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.orders import get_own_order, list_owners
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import ACCOUNT_PATTERN, Page, PaymentPath
from huitong.api.schemas.held_shares import SharesView, show_shares
from huitong.api.schemas.payments import (
    PaymentView,
    RefundList,
    RefundPayment,
    RefundView,
    SharePayment,
    show_payment,
    show_refund,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded, NotFound
from huitong.kernel.ids import PAYMENT, read_id, show_id, uuid7

router: Final = APIRouter(prefix="/v1/payments", route_class=CommandRoute)

Reader = Annotated[Principal, require("payments:read", is_for_merchants=True)]


@router.get(
    "",
    tags=["Payments"],
    operation_id="listPayments",
    summary="List an account's payments",
    response_model=Page[PaymentView],
    responses=errors(NotFound),
)
async def list_payments(
    request: Request,
    principal: Annotated[
        Principal, require("payments:read", is_for_merchants=True, is_for_customers=True)
    ],
    account: Annotated[
        str,
        Query(
            pattern=ACCOUNT_PATTERN,
            description="The account that pays or is paid.",
            examples=["acct_100000000190"],
        ),
    ],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the orders that an account pays or is paid by, newest first."""
    number = ledger.read_account(account, field="account")
    inner = open_cursor(cursor, "payments", number)
    async with application_of(request).database.reading(principal.caller) as uow:
        owner = (await ledger.get_account(uow, number)).owner_id
        principal.check_owner(owner, "account", account)
        page = await payments.list_orders(uow, account_id=number, cursor=inner, limit=limit)
    return show_page(page, show_payment, "payments", number)


@router.get(
    "/{payment}",
    tags=["Payments"],
    operation_id="getPayment",
    summary="Get a payment",
    response_model=PaymentView,
    responses=errors(NotFound),
)
async def get_payment(request: Request, payment: PaymentPath, principal: Reader) -> PaymentView:
    """Return a payment order of any kind, as it stands."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_payment(await get_own_order(uow, principal, order_id))


@router.post(
    "/{payment}/refunds",
    tags=["After the payment"],
    operation_id="refundPayment",
    summary="Refund a payment",
    status_code=201,
    response_model=RefundView,
    responses=errors(
        NotFound,
        payments.NotRefundable,
        payments.OrderMoveRefused,
        payments.RefundExceedsPayment,
        payments.TooManyRefunds,
        payments.ShareReceiverShort,
        payments.InsufficientFunds,
        payments.AccountFrozen,
        payments.AccountClosed,
        is_command=True,
        has_approval=True,
    ),
)
async def refund_payment(
    request: Request,
    payment: PaymentPath,
    body: RefundPayment,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("refunds:write", is_for_merchants=True)],
) -> Response:
    """Give a payment back to the payer, in full or in part, never above what was paid."""
    order_id = read_id(PAYMENT, payment, field="payment")
    amount = None if body.amount is None else body.amount.read()
    refund_id, now = uuid7(), application_of(request).clock.now()
    if principal.staff is not None:
        return await _ask_for_refund(request, principal, key, order_id, body)

    async def command(uow: UnitOfWork) -> RefundView:
        await get_own_order(uow, principal, order_id)
        refund = await payments.refund(
            uow,
            order_id=order_id,
            refund_id=refund_id,
            amount=amount,
            reason=body.reason,
            now=now,
        )
        return show_refund(refund)

    return await run_once(request, principal, key, command)


@router.get(
    "/{payment}/refunds",
    tags=["After the payment"],
    operation_id="listRefunds",
    summary="List a payment's refunds",
    response_model=RefundList,
    responses=errors(NotFound),
)
async def list_refunds(request: Request, payment: PaymentPath, principal: Reader) -> RefundList:
    """Return all refunds of a payment."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        await get_own_order(uow, principal, order_id)
        refunds = await payments.list_refunds(uow, order_id)
    return RefundList(data=[show_refund(refund) for refund in refunds])


@router.post(
    "/{payment}/shares",
    tags=["After the payment"],
    operation_id="sharePayment",
    summary="Share a payment with others (分账)",
    status_code=201,
    response_model=SharesView,
    responses=errors(
        NotFound,
        LimitExceeded,
        payments.NotShareable,
        payments.OrderMoveRefused,
        payments.ShareExceedsRemainder,
        payments.PaymentBlocked,
        payments.InsufficientFunds,
        payments.AccountFrozen,
        payments.AccountClosed,
        payments.BalanceTooLarge,
        is_command=True,
    ),
)
async def share_payment(
    request: Request,
    payment: PaymentPath,
    body: SharePayment,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
) -> Response:
    """Pass parts of a payment on from the merchant to others: all of them or none.

    What risk wants to have looked at is in `held`, and reserved meanwhile.
    """
    order_id = read_id(PAYMENT, payment, field="payment")
    receivers = [
        payments.ShareReceiver(
            account_id=ledger.read_account(each.account, field=f"receivers.{index}.account"),
            amount=each.amount.read(f"receivers.{index}.amount"),
        )
        for index, each in enumerate(body.receivers)
    ]
    parts = application_of(request)
    entry_id, now = uuid7(), parts.clock.now()

    async def command(uow: UnitOfWork) -> SharesView:
        await get_own_order(uow, principal, order_id)
        shares = await payments.share_profit(
            uow,
            order_id=order_id,
            entry_id=entry_id,
            receivers=receivers,
            description=body.description,
            decider=parts.decider,
            # A merchant's own key is one thing that one has; a partner or staff vouch for more.
            authentication=payments.Authentication.ONE_FACTOR
            if principal.key is not None and principal.key.merchant_id is not None
            else payments.Authentication.TWO_FACTORS,
            now=now,
        )
        held = await payments.list_held_shares_of(uow, order_id)
        return show_shares(shares, [each for each in held if each.entry_id == entry_id])

    return await run_once(request, principal, key, command)


@router.get(
    "/{payment}/shares",
    tags=["After the payment"],
    operation_id="listShares",
    summary="List a payment's shares",
    response_model=SharesView,
    responses=errors(NotFound),
)
async def list_shares(request: Request, payment: PaymentPath, principal: Reader) -> SharesView:
    """Return all parts of a payment that were passed on, and what was held of them."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        await get_own_order(uow, principal, order_id)
        shares = await payments.list_shares(uow, order_id)
        held = await payments.list_held_shares_of(uow, order_id)
    return show_shares(shares, held)


async def _ask_for_refund(
    request: Request, principal: Principal, key: str, order_id: uuid.UUID, body: RefundPayment
) -> Response:
    """Ask for a refund of the amount that is named, or of all that is left at this moment."""
    reason = body.reason
    if reason is None:
        raise InvalidField("must say why: somebody else decides on it", field="reason")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        order = await payments.get_order(uow, order_id)
        amount = order.refundable if body.amount is None else body.amount.read()
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="payments.refund",
            payload={"payment": show_id(PAYMENT, order_id), "amount": amount.to_json()},
            reason=reason,
            concerns=await list_owners(uow, order),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
