"""Stores and terminals of merchants, and what was paid at them."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import GivenDay, MerchantPath, NoBody
from huitong.api.schemas.stores import (
    OpenStore,
    OpenTerminal,
    StorePath,
    StoreReportView,
    StoresView,
    StoreView,
    TerminalPath,
    TerminalsView,
    TerminalView,
    show_report,
    show_store,
    show_terminal,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import CODE, MERCHANT, STORE, TERMINAL, read_id, uuid7

own: Final = APIRouter(prefix="/v1/merchants", tags=["Stores"], route_class=CommandRoute)
router: Final = APIRouter(prefix="/v1/stores", tags=["Stores"], route_class=CommandRoute)
terminals: Final = APIRouter(prefix="/v1/terminals", tags=["Stores"], route_class=CommandRoute)

merchants: Final = payments.merchants
Reader = Annotated[Principal, require("settlement:read", is_for_merchants=True)]
Writer = Annotated[Principal, require("stores:write", is_for_merchants=True)]


@own.post(
    "/{merchant}/stores",
    operation_id="openStore",
    summary="Open a store",
    status_code=201,
    response_model=StoreView,
    responses=errors(NotFound, InvalidField, is_command=True),
)
async def open_store(
    request: Request,
    merchant: MerchantPath,
    body: OpenStore,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Open a store of a merchant."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_owner(merchant_id, "merchant", merchant)
    store_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> StoreView:
        store = await merchants.open_store(
            uow,
            store_id=store_id,
            merchant_id=merchant_id,
            name=body.name,
            city=body.city,
            now=now,
        )
        return show_store(store)

    return await run_once(request, principal, key, command)


@own.get(
    "/{merchant}/stores",
    operation_id="listStores",
    summary="List the stores of a merchant",
    response_model=StoresView,
    responses=errors(NotFound),
)
async def list_stores(request: Request, merchant: MerchantPath, principal: Reader) -> StoresView:
    """Return all stores, closed ones too."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_owner(merchant_id, "merchant", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        await customers.get_merchant(uow, merchant_id)
        found = await merchants.list_stores(uow, merchant_id)
    return StoresView(data=[show_store(store) for store in found])


@own.get(
    "/{merchant}/store-report",
    operation_id="getStoreReport",
    summary="Get what was paid at each store",
    response_model=StoreReportView,
    responses=errors(NotFound, InvalidField),
)
async def get_report(
    request: Request,
    merchant: MerchantPath,
    principal: Reader,
    first_day: Annotated[GivenDay, Query(description="In Shanghai.")],
    last_day: Annotated[GivenDay, Query(description="Included.")],
) -> StoreReportView:
    """Return count, amount, refunds and fees of each store on days, by when payments were begun."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_owner(merchant_id, "merchant", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        currency = (await customers.get_merchant(uow, merchant_id)).currency
        rows = await merchants.report_by_store(
            uow, merchant_id, first_day=first_day, last_day=last_day
        )
    return StoreReportView(
        first_day=first_day,
        last_day=last_day,
        data=[show_report(row, currency) for row in rows],
    )


@router.post(
    "/{store}/close",
    operation_id="closeStore",
    summary="Close a store",
    response_model=StoreView,
    responses=errors(merchants.StoreNotFound, is_command=True),
)
async def close_store(
    request: Request,
    store: StorePath,
    body: NoBody,  # noqa: ARG001 - `{}`
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Close a store and with it all its terminals, for good."""
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> StoreView:
        found = await _get_own(uow, store, principal)
        return show_store(await merchants.close_store(uow, found.id, now=now))

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{store}/terminals",
    operation_id="openTerminal",
    summary="Open a terminal",
    status_code=201,
    response_model=TerminalView,
    responses=errors(
        merchants.StoreNotFound, merchants.TerminalTaken, InvalidField, is_command=True
    ),
)
async def open_terminal(
    request: Request,
    store: StorePath,
    body: OpenTerminal,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Open a till of a store, with a static code bound to it or without."""
    terminal_id, now = uuid7(), application_of(request).clock.now()
    code_id = None if body.code is None else read_id(CODE, body.code, field="code")

    async def command(uow: UnitOfWork) -> TerminalView:
        found = await _get_own(uow, store, principal)
        terminal = await merchants.open_terminal(
            uow,
            terminal_id=terminal_id,
            store_id=found.id,
            label=body.label,
            code_id=code_id,
            now=now,
        )
        return show_terminal(terminal)

    return await run_once(request, principal, key, command)


@router.get(
    "/{store}/terminals",
    operation_id="listTerminals",
    summary="List the terminals of a store",
    response_model=TerminalsView,
    responses=errors(merchants.StoreNotFound),
)
async def list_terminals(request: Request, store: StorePath, principal: Reader) -> TerminalsView:
    """Return all terminals, closed ones too."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await merchants.list_terminals(uow, (await _get_own(uow, store, principal)).id)
    return TerminalsView(data=[show_terminal(terminal) for terminal in found])


@terminals.post(
    "/{terminal}/close",
    operation_id="closeTerminal",
    summary="Close a terminal",
    response_model=TerminalView,
    responses=errors(merchants.TerminalNotFound, is_command=True),
)
async def close_terminal(
    request: Request,
    terminal: TerminalPath,
    body: NoBody,  # noqa: ARG001 - `{}`
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Close a terminal for good; its code is free again."""
    terminal_id = read_id(TERMINAL, terminal, field="terminal")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> TerminalView:
        found = await merchants.get_terminal(uow, terminal_id)
        principal.check_owner(
            found.merchant_id, "terminal", terminal, refusal=merchants.TerminalNotFound
        )
        return show_terminal(await merchants.close_terminal(uow, terminal_id, now=now))

    return await run_once(request, principal, key, command, status=200)


async def _get_own(uow: UnitOfWork, store: str, principal: Principal) -> payments.merchants.Store:
    found = await merchants.get_store(uow, read_id(STORE, store, field="store"))
    principal.check_owner(found.merchant_id, "store", store, refusal=merchants.StoreNotFound)
    return found
