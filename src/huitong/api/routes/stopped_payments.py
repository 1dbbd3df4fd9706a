"""Payments that risk stopped: what their payers may do, and what staff decide.

A payer is told why, may give a held payment up, and may say that a stopped one is theirs.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page, PaymentPath
from huitong.api.schemas.stopped_payments import (
    AnswerBody,
    AppealBody,
    DecideOnPayment,
    StoppedPaymentView,
    WaitingPaymentView,
    show_stopped_payment,
    show_waiting_payment,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, read_id, show_id

own: Final = APIRouter(prefix="/v1/payments", tags=["Payments"], route_class=CommandRoute)
router: Final = APIRouter(
    prefix="/v1/stopped-payments", tags=["Stopped payments"], route_class=CommandRoute
)

_DECIDE: Final = "stopped_payments:decide"
Payer = Annotated[
    Principal, require("payments:write", is_for_merchants=True, is_for_customers=True)
]
Reader = Annotated[Principal, require("stopped_payments:read")]
Decider = Annotated[Principal, require(_DECIDE)]
Change = Callable[[UnitOfWork, uuid.UUID], Awaitable[payments.StoppedPayment]]


@own.get(
    "/{payment}/stop",
    operation_id="getStop",
    summary="Get why a payment was held or blocked",
    response_model=StoppedPaymentView,
    responses=errors(payments.StoppedPaymentNotFound),
)
async def get_stop(
    request: Request,
    payment: PaymentPath,
    principal: Annotated[
        Principal, require("payments:read", is_for_merchants=True, is_for_customers=True)
    ],
) -> StoppedPaymentView:
    """Return why risk stopped a payment, until when it is held, and what became of it."""
    payment_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_stopped_payment(await _get_own(uow, principal, payment_id))


@own.post(
    "/{payment}/cancel",
    operation_id="cancelHeldPayment",
    summary="Cancel a payment that is held",
    response_model=StoppedPaymentView,
    responses=errors(
        payments.StoppedPaymentNotFound,
        payments.OrderAlreadyPaid,
        payments.OrderMoveRefused,
        is_command=True,
    ),
)
async def cancel_held_payment(
    request: Request,
    payment: PaymentPath,
    key: IdempotencyKey,
    principal: Payer,
    _body: NoBody | None = None,
) -> Response:
    """Give a held payment up, for its payer: the money is free again, and nobody was paid."""
    now = application_of(request).clock.now()
    return await _change_own(
        request,
        payment,
        key,
        principal,
        lambda uow, payment_id: payments.cancel_held_payment(uow, payment_id=payment_id, now=now),
    )


@own.post(
    "/{payment}/appeal",
    operation_id="appealStop",
    summary="Say that a stopped payment is yours",
    response_model=StoppedPaymentView,
    responses=errors(
        payments.StoppedPaymentNotFound,
        payments.OrderMoveRefused,
        payments.AppealGiven,
        is_command=True,
    ),
)
async def appeal_stop(
    request: Request, payment: PaymentPath, body: AppealBody, key: IdempotencyKey, principal: Payer
) -> Response:
    """Leave a note on a payment that is held or blocked, which staff see; once for each."""
    now = application_of(request).clock.now()
    return await _change_own(
        request,
        payment,
        key,
        principal,
        lambda uow, payment_id: payments.appeal_stop(
            uow, payment_id=payment_id, note=body.note, now=now
        ),
    )


@router.get(
    "",
    operation_id="listWaitingPayments",
    summary="List stopped payments that wait for somebody",
    response_model=Page[WaitingPaymentView],
    responses=errors(caller="staff"),
)
async def list_waiting_payments(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return payments that are held and appeals without an answer, oldest first."""
    after_id = open_id_cursor(cursor, "stopped-payments")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await payments.list_waiting_payments(uow, after_id=after_id, limit=limit)
    page = list_after(found, limit, lambda stop: stop.id)
    return show_page(page, show_waiting_payment, "stopped-payments")


@router.get(
    "/{payment}",
    operation_id="getStoppedPayment",
    summary="Get a stopped payment",
    response_model=WaitingPaymentView,
    responses=errors(payments.StoppedPaymentNotFound, caller="staff"),
)
async def get_stopped_payment(
    request: Request, payment: PaymentPath, principal: Reader
) -> WaitingPaymentView:
    """Return a payment that risk held or blocked, with who decided what."""
    payment_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_waiting_payment(await payments.get_stopped_payment(uow, payment_id))


@router.post(
    "/{payment}/release",
    operation_id="releaseHeldPayment",
    summary="Pay a held payment",
    response_model=WaitingPaymentView,
    responses=errors(
        payments.StoppedPaymentNotFound,
        payments.OrderAlreadyPaid,
        payments.OrderMoveRefused,
        payments.OrderExpired,
        payments.PaymentBlocked,
        payments.AccountFrozen,
        payments.AccountClosed,
        identity.OwnRecord,
        identity.AmountAboveLimit,
        caller="staff",
        is_command=True,
    ),
)
async def release_held_payment(
    request: Request,
    payment: PaymentPath,
    body: DecideOnPayment,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Pay a payment that was held, after somebody has looked at it; that labels nothing."""
    now = application_of(request).clock.now()
    return await _decide(
        request,
        payment,
        key,
        principal,
        lambda uow, payment_id: payments.release_held_payment(
            uow, payment_id=payment_id, reason=body.reason, now=now
        ),
    )


@router.post(
    "/{payment}/reject",
    operation_id="rejectHeldPayment",
    summary="Give a held payment back",
    response_model=WaitingPaymentView,
    responses=errors(
        payments.StoppedPaymentNotFound,
        payments.OrderAlreadyPaid,
        payments.OrderMoveRefused,
        identity.OwnRecord,
        identity.AmountAboveLimit,
        caller="staff",
        is_command=True,
    ),
)
async def reject_held_payment(
    request: Request,
    payment: PaymentPath,
    body: DecideOnPayment,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Give a payment that was held back to its payer, as fraud: its decision is labelled so."""
    now = application_of(request).clock.now()
    return await _decide(
        request,
        payment,
        key,
        principal,
        lambda uow, payment_id: payments.reject_held_payment(
            uow, payment_id=payment_id, reason=body.reason, now=now
        ),
    )


@router.post(
    "/{payment}/answer",
    operation_id="answerAppeal",
    summary="Answer an appeal",
    response_model=WaitingPaymentView,
    responses=errors(
        payments.StoppedPaymentNotFound,
        payments.AppealMissing,
        payments.AppealGiven,
        identity.OwnRecord,
        identity.AmountAboveLimit,
        caller="staff",
        is_command=True,
    ),
)
async def answer_appeal(
    request: Request,
    payment: PaymentPath,
    body: AnswerBody,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Tell the payer what came of the appeal; a blocked payment must be made anew."""
    now = application_of(request).clock.now()
    return await _decide(
        request,
        payment,
        key,
        principal,
        lambda uow, payment_id: payments.answer_appeal(
            uow, payment_id=payment_id, answer=body.answer, now=now
        ),
    )


async def _get_own(
    uow: UnitOfWork, principal: Principal, payment_id: uuid.UUID
) -> payments.StoppedPayment:
    """Return a stopped payment whose payer, or whose payer's guardian, the caller is."""
    stop = await payments.get_stopped_payment(uow, payment_id)
    found = await customers.find_parties(await uow.driver(), [stop.payer_account_id])
    payer = found.get(stop.payer_account_id)
    owners = (None,) if payer is None else (payer.customer_id, payer.merchant_id, payer.guardian_id)
    if not any(owner is not None and principal.may_act_for(owner) for owner in owners):
        principal.check_owner(
            None,
            "stopped payment",
            show_id(PAYMENT, payment_id),
            refusal=payments.StoppedPaymentNotFound,
        )
    return stop


async def _change_own(
    request: Request, payment: str, key: str, principal: Principal, change: Change
) -> Response:
    payment_id = read_id(PAYMENT, payment, field="payment")

    async def command(uow: UnitOfWork) -> StoppedPaymentView:
        await _get_own(uow, principal, payment_id)
        return show_stopped_payment(await change(uow, payment_id))

    return await run_once(request, principal, key, command, status=200)


async def _decide(
    request: Request, payment: str, key: str, principal: Principal, change: Change
) -> Response:
    payment_id = read_id(PAYMENT, payment, field="payment")

    async def command(uow: UnitOfWork) -> WaitingPaymentView:
        await _check_decider(uow, principal, await payments.get_stopped_payment(uow, payment_id))
        return show_waiting_payment(await change(uow, payment_id))

    return await run_once(request, principal, key, command, status=200)


async def _check_decider(
    uow: UnitOfWork, principal: Principal, stop: payments.StoppedPayment
) -> None:
    """Refuse staff who would decide on their own money, or on more than their role may."""
    assert principal.staff is not None, "keys and customers have no such permission"
    accounts = [stop.payer_account_id, stop.payee_account_id]
    parties = (await customers.find_parties(await uow.driver(), accounts)).values()
    own = [party.customer_id for party in parties if party.customer_id is not None]
    attributes = identity.Attributes(amount=stop.amount, concerns=own)
    identity.authorise(principal.staff.staff, _DECIDE, attributes)
