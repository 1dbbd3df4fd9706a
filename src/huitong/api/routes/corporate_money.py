"""Pools, virtual accounts and incoming payments of a business, for the people who act for it."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import person_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, show_once
from huitong.api.pages import Cursor, Limit, ListedPage, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.routes.corporate import User
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.corporate import Business
from huitong.api.schemas.corporate_money import (
    CollectionView,
    OpenVirtualAccount,
    PayInView,
    PoolView,
    ReceivePayIn,
    ReleaseVirtual,
    VirtualAccountView,
    VirtualPath,
    show_collection,
    show_pay_in,
    show_pool,
    show_virtual,
)
from huitong.kernel import ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/corporate", tags=["Corporate accounts"], route_class=CommandRoute
)
pay_ins: Final = APIRouter(prefix="/v1", tags=["Corporate accounts"], route_class=CommandRoute)

corporate: Final = payments.corporate
_CHANGING: Final = (
    corporate.VirtualAccountNotFound,
    corporate.CorporateNotAllowed,
    corporate.VirtualAccountShort,
    InvalidField,
)


@router.get(
    "/pools",
    operation_id="listOwnPools",
    summary="List the pools that a business is header or member of",
    response_model=Page[PoolView],
    responses=errors(corporate.CorporateNotAllowed, caller="customer"),
)
async def list_own_pools(
    request: Request, merchant: Business, principal: User
) -> dict[str, object]:
    """Return pools, newest first; a member sees only itself of them."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.list_own_pools(
            uow,
            merchant_id=merchant_id,
            customer_id=person_of(principal),
            limit=limits.PAGE_SIZE_MAX,
        )
        views = [show_pool(pool, await corporate.list_positions(uow, pool)) for pool in found]
    return show_page(ListedPage(views, None), lambda view: view, "own-pools")


@router.get(
    "/collection",
    operation_id="getCollectionAccount",
    summary="Get the collection account of a business",
    response_model=CollectionView,
    responses=errors(
        corporate.CorporateNotAllowed, corporate.CollectionNotFound, caller="customer"
    ),
)
async def get_collection(request: Request, merchant: Business, principal: User) -> CollectionView:
    """Return its own number, and what all its virtual accounts hold together."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_collection(await _get_master(uow, merchant, principal))


@router.get(
    "/virtual-accounts",
    operation_id="listVirtualAccounts",
    summary="List the virtual accounts of a business",
    response_model=Page[VirtualAccountView],
    responses=errors(
        corporate.CorporateNotAllowed, corporate.CollectionNotFound, caller="customer"
    ),
)
async def list_virtual_accounts(
    request: Request,
    merchant: Business,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return them, newest first, with the one of what is not matched."""
    before = open_id_cursor(cursor, "virtual-accounts", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        master = await _get_master(uow, merchant, principal)
        found = await corporate.list_virtual_accounts(uow, master, before=before, limit=limit)
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_virtual, "virtual-accounts", merchant)


@router.post(
    "/virtual-accounts",
    operation_id="openVirtualAccount",
    summary="Get a number for a payer or an invoice",
    status_code=201,
    response_model=VirtualAccountView,
    responses=errors(
        corporate.CorporateNotAllowed,
        corporate.CollectionNotFound,
        corporate.VirtualReferenceUsed,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def open_virtual_account(
    request: Request, body: OpenVirtualAccount, key: IdempotencyKey, principal: User
) -> Response:
    """Open a virtual account, as a submitter: what comes for its number is matched."""
    parts = application_of(request)
    account_id, now = uuid7(), parts.clock.now()

    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.open_virtual_account(
            uow,
            parts.vault,
            body.read(),
            account_id=account_id,
            merchant_id=read_id(MERCHANT, body.merchant, field="merchant"),
            opened_by=person_of(principal),
            now=now,
        ),
        show_virtual,
    )


@router.post(
    "/virtual-accounts/{virtual_account}/release",
    operation_id="releaseVirtualAccount",
    summary="Take money from a virtual account to the settlement account",
    response_model=VirtualAccountView,
    responses=errors(
        *_CHANGING,
        payments.AccountFrozen,
        payments.AccountClosed,
        is_command=True,
        caller="customer",
    ),
)
async def release_virtual(
    request: Request,
    virtual_account: VirtualPath,
    body: ReleaseVirtual,
    key: IdempotencyKey,
    principal: User,
) -> Response:
    """Take an amount, or all, as a submitter; it stays with the business."""
    account_id = read_id(ids.VIRTUAL_ACCOUNT, virtual_account, field="virtual_account")
    now = application_of(request).clock.now()

    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.release_virtual(
            uow,
            account_id=account_id,
            released_by=person_of(principal),
            amount=None if body.amount is None else body.amount.read(),
            now=now,
        ),
        show_virtual,
        status=200,
    )


@router.post(
    "/virtual-accounts/{virtual_account}/close",
    operation_id="closeVirtualAccount",
    summary="Close an empty virtual account",
    response_model=VirtualAccountView,
    responses=errors(*_CHANGING, is_command=True, caller="customer"),
)
async def close_virtual(
    request: Request,
    virtual_account: VirtualPath,
    key: IdempotencyKey,
    principal: User,
    _body: NoBody | None = None,
) -> Response:
    """Close it: what still comes for its number waits to be matched."""
    account_id = read_id(ids.VIRTUAL_ACCOUNT, virtual_account, field="virtual_account")
    now = application_of(request).clock.now()

    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.close_virtual(
            uow, account_id=account_id, closed_by=person_of(principal), now=now
        ),
        show_virtual,
        status=200,
    )


@router.get(
    "/pay-ins",
    operation_id="listPayIns",
    summary="List the payments that came in for a business",
    response_model=Page[PayInView],
    responses=errors(
        corporate.CorporateNotAllowed, corporate.CollectionNotFound, caller="customer"
    ),
)
async def list_pay_ins(
    request: Request,
    merchant: Business,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return them, newest first, with payer and text as on a statement."""
    before = open_id_cursor(cursor, "pay-ins", merchant)
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        master = await _get_master(uow, merchant, principal)
        found = await corporate.list_pay_ins(uow, master, before=before, limit=limit)
        views = [
            show_pay_in(each, await corporate.open_pay_in(uow, parts.vault, each)) for each in found
        ]
    following = list_after(found, limit, lambda each: each.id).next_cursor
    return show_page(ListedPage(views, following), lambda view: view, "pay-ins", merchant)


@pay_ins.post(
    "/pay-ins",
    operation_id="receivePayIn",
    summary="Report a payment that came in from a bank",
    status_code=201,
    response_model=PayInView,
    responses=errors(InvalidField, corporate.PayInIdReused, is_command=True),
)
async def receive_pay_in(
    request: Request,
    body: ReceivePayIn,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("pay_ins:write")],
) -> Response:
    """Book it once, by the bank's reference, and match it; what cannot be waits for somebody."""
    parts = application_of(request)
    pay_in_id, now = uuid7(), parts.clock.now()

    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.receive_pay_in(
            uow, parts.vault, body.read(), pay_in_id=pay_in_id, now=now
        ),
        show_pay_in,
    )


async def _get_master(
    uow: UnitOfWork, merchant: str, principal: Principal
) -> payments.corporate.Master:
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    return await corporate.get_own_collection(
        uow, merchant_id=merchant_id, customer_id=person_of(principal)
    )
