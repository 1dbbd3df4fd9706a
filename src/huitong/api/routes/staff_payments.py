"""Payments of everybody, for staff: looking for them, and the whole trace of one."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import ledger, payments, risk
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, ListedPage, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page, PaymentPath
from huitong.api.schemas.ledger import EntryView, show_transfer
from huitong.api.schemas.oversight import Since, Until
from huitong.api.schemas.payments import PaymentView, show_payment, show_refund, show_share
from huitong.api.schemas.staff_payments import (
    AccountQuery,
    KindQuery,
    MerchantQuery,
    PaymentTraceView,
    StatusQuery,
    show_attempt,
)
from huitong.api.schemas.stopped_payments import show_waiting_payment
from huitong.api.schemas.withdrawals import show_rail
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import ENTRY, MERCHANT, PAYMENT, read_id, show_id

router: Final = APIRouter(prefix="/v1/staff/payments", tags=["Payments"], route_class=CommandRoute)

Searcher = Annotated[Principal, require("payments:search")]


@router.get(
    "",
    operation_id="searchPayments",
    summary="Look for payments of everybody",
    response_model=Page[PaymentView],
    responses=errors(caller="staff"),
)
async def search_payments(
    request: Request,
    principal: Searcher,
    *,
    kind: KindQuery = None,
    status: StatusQuery = None,
    account: AccountQuery = None,
    merchant: MerchantQuery = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return orders of any kind, newest first.

    A page looks through so many orders only: it may be short and lead to another one.
    """
    filters = (kind, status, account, merchant, since, until)
    before_id = open_id_cursor(cursor, "staff-payments", *filters)
    asked = payments.OrderSearch(
        kind=None if kind is None else payments.OrderKind(kind),
        status=None if status is None else payments.OrderStatus(status),
        account_id=None if account is None else ledger.read_account(account, field="account"),
        merchant_id=None if merchant is None else read_id(MERCHANT, merchant, field="merchant"),
        since=since,
        until=until,
    )
    async with application_of(request).database.reading(principal.caller) as uow:
        found, next_id = await payments.search_orders(uow, asked, before_id=before_id, limit=limit)
    page = ListedPage(found, None if next_id is None else next_id.hex)
    return show_page(page, show_payment, "staff-payments", *filters)


@router.get(
    "/{payment}",
    operation_id="getPaymentTrace",
    summary="Get the whole trace of a payment",
    response_model=PaymentTraceView,
    responses=errors(NotFound, caller="staff"),
)
async def get_payment_trace(
    request: Request, payment: PaymentPath, principal: Searcher
) -> PaymentTraceView:
    """Return the order, whether risk decided, what was posted and what channels said."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        order = await payments.get_order(uow, order_id)
        refunds = await payments.list_refunds(uow, order_id)
        shares = await payments.list_shares(uow, order_id)
        attempts = await payments.list_attempts(uow, order_id)
        rail = await payments.find_rail(uow, order_id)
        stop = await _find_stop(uow, order_id)
        return PaymentTraceView(
            payment=show_payment(order),
            decision=await _find_decision(uow, order_id),
            stop=None if stop is None else show_waiting_payment(stop),
            entries=await _list_entries(uow, order, refunds, shares),
            attempts=[show_attempt(each) for each in attempts],
            rail=None if rail is None else show_rail(rail),
            refunds=[show_refund(each) for each in refunds],
            shares=[show_share(each) for each in shares],
        )


async def _find_stop(uow: UnitOfWork, order_id: uuid.UUID) -> payments.StoppedPayment | None:
    try:
        return await payments.get_stopped_payment(uow, order_id)
    except payments.StoppedPaymentNotFound:
        return None


async def _find_decision(uow: UnitOfWork, order_id: uuid.UUID) -> str | None:
    try:
        return risk.show_decision((await risk.get_decision(uow, order_id)).id)
    except risk.DecisionNotFound:
        return None


async def _list_entries(
    uow: UnitOfWork,
    order: payments.Order,
    refunds: tuple[payments.Refund, ...],
    shares: tuple[payments.Share, ...],
) -> list[EntryView]:
    """Return the journal's entries of an order; a transfer by itself is an entry of one."""
    found: dict[str, EntryView] = {}
    transfers = [each.id for each in refunds]
    transfers += [payments.derive_id(each.entry_id, each.position + 1) for each in shares]
    if order.transfer_id is not None:
        transfers += await _list_of_hold(uow, order.transfer_id)
    for transfer_id in transfers:
        entry = await _read_entry(uow, transfer_id)
        found.setdefault(entry.id, entry)
    return sorted(found.values(), key=lambda entry: entry.transfers[0].recorded_at)


async def _list_of_hold(uow: UnitOfWork, transfer_id: uuid.UUID) -> list[uuid.UUID]:
    """Return a transfer with the hold that it ended, or if it is a hold with what ended it."""
    transfer = await ledger.get_transfer(uow, transfer_id)
    if transfer.pending_id is not None:
        return [transfer.pending_id, transfer_id]
    if transfer.kind is not ledger.TransferKind.PENDING:
        return [transfer_id]
    hold = await ledger.get_hold(uow, transfer_id)
    return [transfer_id] if hold.resolved_by is None else [transfer_id, hold.resolved_by]


async def _read_entry(uow: UnitOfWork, transfer_id: uuid.UUID) -> EntryView:
    transfer = await ledger.get_transfer(uow, transfer_id)
    if transfer.entry_id is None:
        # Alone, it has no entry of its own; its id stands for one.
        return EntryView(id=show_id(ENTRY, transfer.id), transfers=[show_transfer(transfer)])
    transfers = await ledger.get_entry(uow, transfer.entry_id)
    return EntryView(
        id=show_id(ENTRY, transfer.entry_id),
        transfers=[show_transfer(each) for each in transfers],
    )
