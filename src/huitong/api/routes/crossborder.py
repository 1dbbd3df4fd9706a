"""Payments abroad, for customers: their own, and those of businesses that they act for."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.crossborder_users import EXCHANGING, act_for, read_for
from huitong.api.customers_calling import person_of, session_of
from huitong.api.documentation import DECIDED, errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.crossborder import (
    AbroadDetailView,
    AbroadPath,
    AbroadView,
    AddPaper,
    ApproveAbroad,
    OrderAbroad,
    PaperView,
    PurposesView,
    make_approval_act,
    make_order_act,
    read_papers,
    show_details,
    show_paper,
    show_public,
    show_purpose,
)
from huitong.api.schemas.crossborder_exchange import (
    Business,
)
from huitong.kernel import ids, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/crossborder", tags=["Payments abroad"], route_class=CommandRoute
)

crossborder: Final = payments.crossborder
User = Annotated[Principal, require("crossborder:own", is_for_customers=True)]


@router.get(
    "/purposes",
    operation_id="listPurposes",
    summary="List what one may pay for abroad, and the papers for it",
    response_model=PurposesView,
    responses=errors(crossborder.ActingNotAllowed, NotFound, caller="customer"),
)
async def list_purposes(
    request: Request, principal: User, merchant: Business = None
) -> PurposesView:
    """Return purposes of people, or of a business, in Chinese and English."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        party = await read_for(uow, principal, merchant)
    today = business_day(parts.clock.now())
    rules = crossborder.list_rules(parts.rulebook, today, is_business=party.is_business)
    return PurposesView(data=[show_purpose(each) for each in rules])


@router.post(
    "/papers",
    operation_id="addPaper",
    summary="Hand in a paper",
    status_code=201,
    response_model=PaperView,
    responses=errors(
        crossborder.ActingNotAllowed,
        crossborder.PaperUsed,
        NotFound,
        is_command=True,
        caller="customer",
    ),
)
async def add_paper(
    request: Request, body: AddPaper, key: IdempotencyKey, principal: User
) -> Response:
    """Hand in a paper for a payment to come; its bytes are sealed, and it proves one payment."""
    parts, paper_id, content = application_of(request), uuid7(), body.read()

    async def command(uow: UnitOfWork) -> PaperView:
        paper = await crossborder.add_paper(
            uow,
            parts.vault,
            paper_id=paper_id,
            party=await act_for(uow, principal, body.merchant),
            added_by=person_of(principal),
            kind=body.kind,
            content=content,
            now=parts.clock.now(),
        )
        return show_paper(paper)

    return await run_once(request, principal, key, command)


@router.post(
    "/payments",
    operation_id="payAbroad",
    summary="Pay abroad",
    status_code=201,
    response_model=AbroadView,
    responses=errors(
        *EXCHANGING,
        *DECIDED,
        crossborder.TravelDataMissing,
        crossborder.PurposeNotAllowed,
        crossborder.PapersMissing,
        crossborder.PaperNotFound,
        crossborder.PaperUsed,
        crossborder.QuoteDiffers,
        crossborder.AmountTooSmall,
        is_command=True,
        caller="customer",
        faults=(crossborder.RateUnavailable,),
    ),
)
async def pay_abroad(
    request: Request, body: OrderAbroad, key: IdempotencyKey, principal: User
) -> Response:
    """Order a payment. A person proves one more factor; a business's waits for its second user."""
    parts, session = application_of(request), session_of(principal)
    now, payment_id = parts.clock.now(), uuid7()
    order = crossborder.Order(
        payment_id=payment_id,
        amount=body.amount.read(),
        counterparty=body.read(),
        purpose=body.purpose,
        charge_bearer=crossborder.ChargeBearer(body.charges),
        quote_id=None if body.quote is None else read_id(ids.QUOTE, body.quote, field="quote"),
        paper_ids=read_papers(body),
    )
    if body.merchant is None and body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            party = await read_for(uow, principal, None)
        raise identity.demand_two_elements(session, make_order_act(party, body), now)

    async def command(uow: UnitOfWork) -> AbroadView:
        party = await act_for(uow, principal, body.merchant)
        payment = await crossborder.order_payment(
            uow,
            parts.vault,
            order,
            party=party,
            ordered_by=person_of(principal),
            decider=parts.decider,
            rulebook=parts.rulebook,
            now=now,
        )
        if not party.is_business:
            assert body.step_up is not None, "it was asked for above"
            step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")
            act = make_order_act(party, body)
            await identity.use_step_up(
                uow, session=session, act=act, step_up_id=step_up_id, now=now
            )
        return show_public(payment)

    return await run_once(request, principal, key, command)


@router.get(
    "/payments",
    operation_id="listPaymentsAbroad",
    summary="List payments abroad and from there",
    response_model=Page[AbroadView],
    responses=errors(crossborder.ActingNotAllowed, NotFound, caller="customer"),
)
async def list_payments(
    request: Request,
    principal: User,
    merchant: Business = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return payments, newest first."""
    before = open_id_cursor(cursor, "payments-abroad", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        party = await read_for(uow, principal, merchant)
        found = await crossborder.list_payments(uow, party_id=party.id, before=before, limit=limit)
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_public, "payments-abroad", merchant)


@router.get(
    "/payments/{remittance}",
    operation_id="getPaymentAbroad",
    summary="Get a payment abroad, and where it is",
    response_model=AbroadDetailView,
    responses=errors(crossborder.CrossBorderNotFound, caller="customer"),
)
async def get_payment(
    request: Request, remittance: AbroadPath, principal: User
) -> AbroadDetailView:
    """Return a payment with the other side, each step of its way, and what banks on it took."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_own(uow, remittance, principal)
        return show_details(await crossborder.get_dossier(uow, parts.vault, found.id))


@router.post(
    "/payments/{remittance}/approve",
    operation_id="approvePaymentAbroad",
    summary="Approve a business's payment abroad",
    response_model=AbroadView,
    responses=errors(
        *EXCHANGING,
        *DECIDED,
        crossborder.CrossBorderNotFound,
        crossborder.CrossBorderStateRefused,
        is_command=True,
        caller="customer",
        faults=(crossborder.RateUnavailable,),
    ),
)
async def approve_payment(
    request: Request,
    remittance: AbroadPath,
    body: ApproveAbroad,
    key: IdempotencyKey,
    principal: User,
) -> Response:
    """Approve what a colleague ordered, with one more factor: the quote is taken, money moves."""
    parts, session = application_of(request), session_of(principal)
    now, payment_id = parts.clock.now(), read_id(ids.CROSS_BORDER, remittance, field="remittance")
    if body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            found = await _get_own(uow, remittance, principal)
        raise identity.demand_two_elements(session, make_approval_act(found), now)
    step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> AbroadView:
        await _get_own(uow, remittance, principal)
        approved = await crossborder.approve_payment(
            uow,
            payment_id=payment_id,
            approved_by=person_of(principal),
            decider=parts.decider,
            rulebook=parts.rulebook,
            now=now,
        )
        act = make_approval_act(approved)
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_public(approved)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/payments/{remittance}/withdraw",
    operation_id="withdrawPaymentAbroad",
    summary="Withdraw a business's payment that nobody approved",
    response_model=AbroadView,
    responses=errors(
        crossborder.CrossBorderNotFound,
        crossborder.CrossBorderStateRefused,
        crossborder.ActingNotAllowed,
        is_command=True,
        caller="customer",
    ),
)
async def withdraw_payment(
    request: Request, remittance: AbroadPath, _body: NoBody, key: IdempotencyKey, principal: User
) -> Response:
    """Withdraw a payment before any money moved; its papers can prove another one."""
    parts = application_of(request)

    async def command(uow: UnitOfWork) -> AbroadView:
        found = await _get_own(uow, remittance, principal)
        withdrawn = await crossborder.withdraw_payment(
            uow, payment_id=found.id, withdrawn_by=person_of(principal), now=parts.clock.now()
        )
        return show_public(withdrawn)

    return await run_once(request, principal, key, command, status=200)


async def _get_own(
    uow: UnitOfWork, remittance: str, principal: Principal
) -> payments.crossborder.Payment:
    payment_id = read_id(ids.CROSS_BORDER, remittance, field="remittance")
    return await crossborder.get_own_payment(uow, payment_id, customer_id=person_of(principal))
