"""Quotes and exchange between own accounts, for customers and businesses that they act for."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.crossborder_users import EXCHANGING, act_for, read_for
from huitong.api.customers_calling import person_of, session_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.crossborder_exchange import (
    AskQuote,
    Business,
    CurrencyAccountsView,
    CurrencyAccountView,
    DealView,
    QuotasView,
    QuotePath,
    QuoteView,
    TakeQuote,
    make_exchange_act,
    show_deal,
    show_quota,
    show_quote,
)
from huitong.kernel import ids
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/crossborder", tags=["Payments abroad"], route_class=CommandRoute
)

crossborder: Final = payments.crossborder
User = Annotated[Principal, require("crossborder:own", is_for_customers=True)]


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
        party = await act_for(uow, principal, body.merchant)
        quote = await crossborder.make_quote(
            uow,
            quote_id=quote_id,
            party=party,
            asked_by=person_of(principal),
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
        party = await read_for(uow, principal, merchant)
        return show_quote(await crossborder.get_quote(uow, quote_id, party_id=party.id))


@router.post(
    "/exchanges",
    operation_id="exchangeCurrency",
    summary="Exchange by a quote",
    status_code=201,
    response_model=DealView,
    responses=errors(
        *EXCHANGING, is_command=True, caller="customer", faults=(crossborder.RateUnavailable,)
    ),
)
async def exchange(
    request: Request, body: TakeQuote, key: IdempotencyKey, principal: User
) -> Response:
    """Exchange between one's own accounts, with one more factor; accounts open by themselves."""
    parts, session = application_of(request), session_of(principal)
    now, quote_id = parts.clock.now(), read_id(ids.QUOTE, body.quote, field="quote")
    if body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            party = await read_for(uow, principal, body.merchant)
            quote = await crossborder.get_quote(uow, quote_id, party_id=party.id)
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, make_exchange_act(party, quote), now)
    step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> DealView:
        party = await act_for(uow, principal, body.merchant, is_approving=True)
        quote = await crossborder.get_quote(uow, quote_id, party_id=party.id)
        if party.is_business:
            await crossborder.check_exchange(uow, quote=quote, taken_by=person_of(principal))
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
        party = await read_for(uow, principal, merchant)
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
            uow, person_of(principal), rulebook=parts.rulebook, now=parts.clock.now()
        )
    return QuotasView(data=[show_quota(each) for each in uses])
