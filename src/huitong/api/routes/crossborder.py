"""Exchange and payments abroad, for customers: their own, and those of businesses they act for."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
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
    AskQuote,
    Business,
    CurrencyAccountsView,
    CurrencyAccountView,
    DealView,
    OrderAbroad,
    PaperView,
    PurposesView,
    QuotasView,
    QuotePath,
    QuoteView,
    TakeQuote,
    make_approval_act,
    make_exchange_act,
    make_order_act,
    read_papers,
    show_deal,
    show_details,
    show_paper,
    show_public,
    show_purpose,
    show_quota,
    show_quote,
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
_LEDGER: Final = (
    payments.InsufficientFunds,
    payments.AccountFrozen,
    payments.AccountClosed,
)
_EXCHANGING: Final = (
    crossborder.ActingNotAllowed,
    crossborder.PairNotOffered,
    crossborder.QuoteNotFound,
    crossborder.QuoteTaken,
    crossborder.QuoteExpired,
    crossborder.QuotaExceeded,
    crossborder.PositionLimitExceeded,
    identity.StepUpRefused,
    NotFound,
    *_LEDGER,
)


@router.post(
    "/quotes",
    operation_id="askQuote",
    summary="Ask for a quote",
    status_code=201,
    response_model=QuoteView,
    responses=errors(
        crossborder.ActingNotAllowed,
        crossborder.PairNotOffered,
        crossborder.AmountTooSmall,
        NotFound,
        is_command=True,
        caller="customer",
        faults=(crossborder.RateUnavailable,),
    ),
)
async def ask_quote(
    request: Request, body: AskQuote, key: IdempotencyKey, principal: User
) -> Response:
    """Get an offer for exactly this amount; it holds for a while, and is taken once."""
    parts = application_of(request)
    quote_id, now, amount = uuid7(), parts.clock.now(), body.amount.read()

    async def command(uow: UnitOfWork) -> QuoteView:
        party = await _act_for(uow, principal, body.merchant)
        quote = await crossborder.make_quote(
            uow,
            quote_id=quote_id,
            party=party,
            asked_by=_person(principal),
            amount=amount,
            other=body.other,
            is_sell=body.side == "sell",
            rulebook=parts.rulebook,
            now=now,
        )
        return show_quote(quote)

    return await run_once(request, principal, key, command)


@router.get(
    "/quotes/{quote}",
    operation_id="getQuote",
    summary="Get a quote",
    response_model=QuoteView,
    responses=errors(
        crossborder.ActingNotAllowed, crossborder.QuoteNotFound, NotFound, caller="customer"
    ),
)
async def get_quote(
    request: Request, quote: QuotePath, principal: User, merchant: Business = None
) -> QuoteView:
    """Return a quote, and whether it was taken."""
    quote_id = read_id(ids.QUOTE, quote, field="quote")
    async with application_of(request).database.reading(principal.caller) as uow:
        party = await _read_for(uow, principal, merchant)
        return show_quote(await crossborder.get_quote(uow, quote_id, party_id=party.id))


@router.post(
    "/exchanges",
    operation_id="exchangeCurrency",
    summary="Exchange by a quote",
    status_code=201,
    response_model=DealView,
    responses=errors(
        *_EXCHANGING, is_command=True, caller="customer", faults=(crossborder.RateUnavailable,)
    ),
)
async def exchange(
    request: Request, body: TakeQuote, key: IdempotencyKey, principal: User
) -> Response:
    """Exchange between one's own accounts, with one more factor; accounts open by themselves."""
    parts, session = application_of(request), _session(principal)
    now, quote_id = parts.clock.now(), read_id(ids.QUOTE, body.quote, field="quote")
    if body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            party = await _read_for(uow, principal, body.merchant)
            quote = await crossborder.get_quote(uow, quote_id, party_id=party.id)
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, make_exchange_act(party, quote), now)
    step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> DealView:
        party = await _act_for(uow, principal, body.merchant, is_approving=True)
        quote = await crossborder.get_quote(uow, quote_id, party_id=party.id)
        if party.is_business:
            await crossborder.check_exchange(uow, quote=quote, taken_by=_person(principal))
        deal = await crossborder.exchange(
            uow, party=party, quote_id=quote_id, rulebook=parts.rulebook, now=now
        )
        act = make_exchange_act(party, quote)
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_deal(deal)

    return await run_once(request, principal, key, command)


@router.get(
    "/accounts",
    operation_id="listCurrencyAccounts",
    summary="List accounts in foreign currencies",
    response_model=CurrencyAccountsView,
    responses=errors(crossborder.ActingNotAllowed, NotFound, caller="customer"),
)
async def list_accounts(
    request: Request, principal: User, merchant: Business = None
) -> CurrencyAccountsView:
    """Return the accounts; balances and statements are where those of all accounts are."""
    async with application_of(request).database.reading(principal.caller) as uow:
        party = await _read_for(uow, principal, merchant)
        found = await crossborder.list_accounts(uow, party.id)
    return CurrencyAccountsView(
        data=[
            CurrencyAccountView(account=ledger.show_account(number), currency=currency)
            for currency, number in found
        ]
    )


@router.get(
    "/quotas",
    operation_id="listFxQuotas",
    summary="Get what is used of the yearly quotas",
    response_model=QuotasView,
    responses=errors(crossborder.ActingNotAllowed, NotFound, caller="customer"),
)
async def list_quotas(request: Request, principal: User) -> QuotasView:
    """Return one's quotas of buying and selling foreign currency, in US dollars."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        uses = await crossborder.list_quotas(
            uow, _person(principal), rulebook=parts.rulebook, now=parts.clock.now()
        )
    return QuotasView(data=[show_quota(each) for each in uses])


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
        party = await _read_for(uow, principal, merchant)
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
            party=await _act_for(uow, principal, body.merchant),
            added_by=_person(principal),
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
        *_EXCHANGING,
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
    parts, session = application_of(request), _session(principal)
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
            party = await _read_for(uow, principal, None)
        raise identity.demand_two_elements(session, make_order_act(party, body), now)

    async def command(uow: UnitOfWork) -> AbroadView:
        party = await _act_for(uow, principal, body.merchant)
        payment = await crossborder.order_payment(
            uow,
            parts.vault,
            order,
            party=party,
            ordered_by=_person(principal),
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
        party = await _read_for(uow, principal, merchant)
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
        *_EXCHANGING,
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
    parts, session = application_of(request), _session(principal)
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
            approved_by=_person(principal),
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
            uow, payment_id=found.id, withdrawn_by=_person(principal), now=parts.clock.now()
        )
        return show_public(withdrawn)

    return await run_once(request, principal, key, command, status=200)


def _session(principal: Principal) -> identity.Session:
    assert principal.customer is not None, "the routes are for customers only"
    return principal.customer


def _person(principal: Principal) -> uuid.UUID:
    return _session(principal).subject_id


async def _act_for(
    uow: UnitOfWork, principal: Principal, merchant: str | None, *, is_approving: bool = False
) -> payments.crossborder.Party:
    """Return whom the caller acts for in this transaction, in the role that it takes."""
    role = payments.bulk.Role.APPROVER if is_approving else payments.bulk.Role.SUBMITTER
    return await crossborder.find_acting(
        uow, customer_id=_person(principal), merchant_id=_read_merchant(merchant), role=role
    )


async def _read_for(
    uow: UnitOfWork, principal: Principal, merchant: str | None
) -> payments.crossborder.Party:
    """Return whom the caller reads for, in whatever role."""
    return await crossborder.find_acting(
        uow, customer_id=_person(principal), merchant_id=_read_merchant(merchant), role=None
    )


def _read_merchant(merchant: str | None) -> uuid.UUID | None:
    return None if merchant is None else read_id(ids.MERCHANT, merchant, field="merchant")


async def _get_own(
    uow: UnitOfWork, remittance: str, principal: Principal
) -> payments.crossborder.Payment:
    payment_id = read_id(ids.CROSS_BORDER, remittance, field="remittance")
    return await crossborder.get_own_payment(uow, payment_id, customer_id=_person(principal))
