"""Rates, positions and records of exchange, for staff: covers and margins are by two."""

from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import GivenDay, Page
from huitong.api.schemas.crossborder_exchange import (
    DealView,
    show_deal,
)
from huitong.api.schemas.fx import (
    AskCover,
    PositionsView,
    RatesView,
    ReportsView,
    SetMargin,
    show_positions,
    show_rate,
    show_report,
)
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7

router: Final = APIRouter(prefix="/v1/fx", tags=["Foreign exchange"], route_class=CommandRoute)

crossborder: Final = payments.crossborder
_REPORTS_MAX: Final = 1_000
Reader = Annotated[Principal, require("fx:read")]
Writer = Annotated[Principal, require("fx:write")]


@router.get(
    "/rates",
    operation_id="listFxRates",
    summary="List rates, and why others were not believed",
    response_model=RatesView,
    responses=errors(caller="staff"),
)
async def list_rates(request: Request, principal: Reader) -> RatesView:
    """Return each currency's last rate, in CNY for one unit."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return RatesView(data=[show_rate(each) for each in await crossborder.list_rate_states(uow)])


@router.get(
    "/positions",
    operation_id="listFxPositions",
    summary="List positions with their gains and losses",
    response_model=PositionsView,
    responses=errors(caller="staff", faults=(crossborder.RateUnavailable,)),
)
async def list_positions(request: Request, principal: Reader) -> PositionsView:
    """Return positions at average cost, valued at the day's mid rates."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        return show_positions(await crossborder.value_positions(uow, now=parts.clock.now()))


@router.get(
    "/deals",
    operation_id="listFxDeals",
    summary="List exchanges",
    response_model=Page[DealView],
    responses=errors(caller="staff"),
)
async def list_deals(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return exchanges with customers and in the market, newest first."""
    before = open_id_cursor(cursor, "fx-deals")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await crossborder.list_deals(uow, before=before, limit=limit)
    return show_page(list_after(found, limit, lambda each: each.id), show_deal, "fx-deals")


@router.get(
    "/bop-records",
    operation_id="listBopRecords",
    summary="List the balance-of-payments records of a day",
    response_model=ReportsView,
    responses=errors(caller="staff"),
)
async def list_reports(
    request: Request,
    day: Annotated[GivenDay, Query(description="A day in Asia/Shanghai.")],
    principal: Annotated[Principal, require("crossborder:read")],
) -> ReportsView:
    """Return the records of payments out and in that were done on a day."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await crossborder.list_reports(uow, day, limit=_REPORTS_MAX)
    return ReportsView(data=[show_report(each) for each in found])


@router.post(
    "/covers",
    operation_id="coverFxPosition",
    summary="Ask for a deal in the market",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(crossborder.PairNotOffered, is_command=True, caller="staff"),
)
async def cover(
    request: Request, body: AskCover, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a deal that was made in the market to be booked; somebody else decides."""
    parts, amount, rate = application_of(request), body.amount.read(), Decimal(body.rate)
    approval_id, now = uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        crossborder.check_cover(amount=amount, rate=rate, rulebook=parts.rulebook, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="fx.cover",
            payload={
                "side": body.side,
                "amount": amount.to_json(),
                "rate": body.rate,
                "counterparty": body.counterparty,
            },
            reason=body.reason,
            concerns=(),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/margins",
    operation_id="setFxMargin",
    summary="Ask for another margin",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(crossborder.PairNotOffered, is_command=True, caller="staff"),
)
async def set_margin(
    request: Request, body: SetMargin, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a currency's margin to be changed; somebody else decides."""
    parts, margin = application_of(request), Decimal(body.margin)
    approval_id, now = uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        crossborder.check_margin(parts.rulebook, body.currency, margin, business_day(now))
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="fx.set_margin",
            payload={
                "currency": body.currency,
                "customers": body.customers,
                "margin": body.margin,
            },
            reason=body.reason,
            concerns=(),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
