"""Money in and out, through the simulated bank channel."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import ledger, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import DECIDED, errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.orders import make_order
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.payments import PaymentView, TopUp
from huitong.api.schemas.withdrawals import Withdraw
from huitong.kernel.ids import uuid7

router: Final = APIRouter(prefix="/v1", tags=["Bank channel"], route_class=CommandRoute)

Simulator = Annotated[Principal, require("channels:simulate")]


@router.post(
    "/top-ups",
    operation_id="topUp",
    summary="Top up an account",
    status_code=201,
    response_model=PaymentView,
    responses=errors(payments.AccountNotFound, payments.NoChannel, is_command=True),
)
async def top_up(
    request: Request, body: TopUp, key: IdempotencyKey, principal: Simulator
) -> Response:
    """Ask the customer's bank, card or wallet for money; pending until it has answered."""
    account, amount = ledger.read_account(body.account, field="account"), body.amount.read()
    kind, instrument = body.read_instrument()
    order_id, now = uuid7(), application_of(request).clock.now()
    return await make_order(
        request,
        principal,
        key,
        lambda uow: payments.request_top_up(
            uow,
            order_id=order_id,
            account_id=account,
            amount=amount,
            kind=kind,
            instrument=instrument,
            now=now,
        ),
    )


@router.post(
    "/withdrawals",
    operation_id="withdraw",
    summary="Withdraw to the customer's bank",
    status_code=201,
    response_model=PaymentView,
    responses=errors(
        payments.AccountNotFound,
        payments.InsufficientFunds,
        payments.AccountFrozen,
        payments.GuardianMustAct,
        payments.MinorLimitExceeded,
        payments.AccountClosed,
        payments.NoChannel,
        *DECIDED,
        is_command=True,
    ),
)
async def withdraw(
    request: Request, body: Withdraw, key: IdempotencyKey, principal: Simulator
) -> Response:
    """Reserve the money and ask the bank to pay it out; pending until the bank has answered.

    What risk wants to wait is pending too, and not sent yet: `GET /v1/withdrawals/{payment}` says
    so, and it can be cancelled until then. It also says through which system it goes. If the bank
    has no such account, or it is somebody else's, the withdrawal fails and the money is free again:
    `payee_account_unknown`, `payee_name_differs`.
    """
    account, amount = ledger.read_account(body.account, field="account"), body.amount.read()
    application = application_of(request)
    order_id, now = uuid7(), application.clock.now()
    return await make_order(
        request,
        principal,
        key,
        lambda uow: payments.request_withdrawal(
            uow,
            order_id=order_id,
            account_id=account,
            amount=amount,
            decider=application.decider,
            is_urgent=body.is_urgent,
            bank_account=body.read_bank_account(application.vault),
            now=now,
        ),
    )
