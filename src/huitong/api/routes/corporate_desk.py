"""Corporate accounts, for staff: mandates, pools, collection accounts, matches; each by two."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, payments
from huitong.api.approvals import ask_for_act
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, ListedPage, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import MerchantPath, Page
from huitong.api.schemas.corporate import MandateView, show_mandate
from huitong.api.schemas.corporate_desk import (
    SetMandate,
    check_currencies,
    make_mandate_payload,
    read_pool,
)
from huitong.api.schemas.corporate_money import (
    EndPool,
    OpenCollection,
    OpenPool,
    PayInPath,
    PayInView,
    PoolPath,
    PoolView,
    ResolvePayIn,
    SweepView,
    show_pay_in,
    show_pool,
    show_sweep,
)
from huitong.kernel import ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import MERCHANT, read_id

router: Final = APIRouter(
    prefix="/v1/corporate-desk", tags=["Corporate accounts"], route_class=CommandRoute
)

corporate: Final = payments.corporate
Check = Callable[[UnitOfWork], Awaitable[list[uuid.UUID]]]
Reader = Annotated[Principal, require("corporate:read")]
Writer = Annotated[Principal, require("corporate:write")]


@router.get(
    "/mandates/{merchant}",
    operation_id="getMandateOfBusiness",
    summary="Get what a business may pay",
    response_model=MandateView,
    responses=errors(corporate.MandateMissing, caller="staff"),
)
async def get_mandate(request: Request, merchant: MerchantPath, principal: Reader) -> MandateView:
    """Return the mandate in force."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_mandate(await corporate.get_mandate(uow, merchant_id))


@router.post(
    "/mandates",
    operation_id="setMandate",
    summary="Ask for another mandate of a business",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(NotFound, InvalidField, caller="staff", is_command=True),
)
async def set_mandate(
    request: Request, body: SetMandate, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for what a business may pay to be set; somebody else decides.

    What waits for approval in the business then is to be made anew. Nobody who acts for the
    business asks or decides.
    """
    new, payload = body.read(), make_mandate_payload(body)

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await corporate.check_mandate(uow, new)
        return [new.merchant_id]

    return await _ask(
        request, principal, key, ("payments.set_corporate_mandate", payload, body.reason), check
    )


@router.get(
    "/pools",
    operation_id="listPools",
    summary="List pools",
    response_model=Page[PoolView],
    responses=errors(caller="staff"),
)
async def list_pools(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return pools, newest first, with what each member has lent to the header."""
    before = open_id_cursor(cursor, "pools")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.list_pools(uow, before=before, limit=limit)
        views = [show_pool(pool, await corporate.list_positions(uow, pool)) for pool in found]
    following = list_after(found, limit, lambda each: each.id).next_cursor
    return show_page(ListedPage(views, following), lambda view: view, "pools")


@router.post(
    "/pools",
    operation_id="openPool",
    summary="Ask for a pool to be opened",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        NotFound,
        InvalidField,
        corporate.PoolInvalid,
        corporate.PoolMemberTaken,
        caller="staff",
        is_command=True,
    ),
)
async def open_pool(
    request: Request, body: OpenPool, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a pool of businesses' accounts; somebody else decides."""
    header_id = read_id(MERCHANT, body.merchant, field="merchant")
    members = [read_id(MERCHANT, each.merchant, field="members") for each in body.members]
    payload: dict[str, Any] = {}

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        accounts = [(await customers.get_merchant(uow, each)).account_id for each in members]
        check_currencies(body, (await customers.get_merchant(uow, header_id)).currency)
        new = read_pool(body, accounts)
        await corporate.check_pool(uow, new)
        payload["pool"] = msgspec.to_builtins(new)
        return [header_id, *members]

    return await _ask(request, principal, key, ("payments.open_pool", payload, body.reason), check)


@router.post(
    "/pools/{pool}/end",
    operation_id="endPool",
    summary="Ask for a pool to end",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(corporate.PoolNotFound, caller="staff", is_command=True),
)
async def end_pool(
    request: Request, pool: PoolPath, body: EndPool, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a pool to sweep no more; what members have lent stays lent."""
    pool_id = read_id(ids.POOL, pool, field="pool")

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        found = await corporate.get_pool(uow, pool_id)
        return [found.merchant_id, *(member.merchant_id for member in found.members)]

    act = ("payments.end_pool", {"pool": pool}, body.reason)
    return await _ask(request, principal, key, act, check)


@router.get(
    "/pools/{pool}/sweeps",
    operation_id="listSweeps",
    summary="List the sweeps of a pool",
    response_model=Page[SweepView],
    responses=errors(corporate.PoolNotFound, caller="staff"),
)
async def list_sweeps(
    request: Request,
    pool: PoolPath,
    principal: Reader,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the latest sweeps with all their legs, latest first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.get_pool(uow, read_id(ids.POOL, pool, field="pool"))
        sweeps = await corporate.list_sweeps(uow, found, limit=limit)
    page = ListedPage(sweeps, None)
    return show_page(page, lambda each: show_sweep(each, found.currency), "sweeps", pool)


@router.post(
    "/collections",
    operation_id="openCollection",
    summary="Ask for a collection account of a business",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(NotFound, corporate.CollectionExists, caller="staff", is_command=True),
)
async def open_collection(
    request: Request, body: OpenCollection, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for the account whose parts are virtual accounts; somebody else decides."""
    merchant_id = read_id(MERCHANT, body.merchant, field="merchant")

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await corporate.check_collection(uow, merchant_id)
        return [merchant_id]

    act = ("payments.open_collection", {"merchant": body.merchant}, body.reason)
    return await _ask(request, principal, key, act, check)


@router.get(
    "/pay-ins",
    operation_id="listPayInQueue",
    summary="List incoming payments that somebody has to look at",
    response_model=Page[PayInView],
    responses=errors(caller="staff"),
)
async def list_pay_in_queue(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return what is not matched, too much, or doubled, oldest first; without names and texts."""
    after = open_id_cursor(cursor, "pay-in-queue")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.list_pay_in_queue(uow, after=after, limit=limit)
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_pay_in, "pay-in-queue")


@router.post(
    "/pay-ins/{pay_in}/resolve",
    operation_id="resolvePayIn",
    summary="Ask for an incoming payment to be for a virtual account",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        corporate.PayInNotFound,
        corporate.PayInNotOpen,
        corporate.VirtualAccountNotFound,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def resolve_pay_in(
    request: Request, pay_in: PayInPath, body: ResolvePayIn, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for it to be moved there, or if it is there already to stay; somebody else decides."""
    pay_in_id = read_id(ids.PAY_IN, pay_in, field="pay_in")
    account_id = read_id(ids.VIRTUAL_ACCOUNT, body.account, field="account")

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await corporate.check_resolution(uow, pay_in_id=pay_in_id, account_id=account_id)
        return [await corporate.get_business_of(uow, account_id)]

    payload = {"pay_in": pay_in, "account": body.account}
    act = ("payments.resolve_pay_in", payload, body.reason)
    return await _ask(request, principal, key, act, check)


async def _ask(
    request: Request,
    principal: Principal,
    key: str,
    act: tuple[str, dict[str, Any], str],
    check: Check,
) -> Response:
    """Ask for an act (its name, payload and reason) that `check` lets pass.

    It returns the businesses that the act is about: nobody who acts for them asks or decides.
    """
    name, payload, reason = act

    async def find_people(uow: UnitOfWork) -> Collection[uuid.UUID]:
        return await _list_people(uow, await check(uow))

    return await ask_for_act(
        request, principal, key, act=name, payload=payload, reason=reason, check=find_people
    )


async def _list_people(uow: UnitOfWork, businesses: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return everybody who acts for businesses."""
    people: set[uuid.UUID] = set()
    for merchant_id in businesses:
        cursor = None
        while True:
            page = await payments.bulk.list_business_users(
                uow, merchant_id=merchant_id, cursor=cursor, limit=limits.PAGE_SIZE_MAX
            )
            people |= {user.customer_id for user in page.items}
            cursor = page.next_cursor
            if cursor is None or len(people) > limits.APPROVAL_CONCERNS_MAX:
                break
    return people
