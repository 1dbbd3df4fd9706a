"""Exchange between a party's own accounts, by a quote; and the margins that two people agree on."""

import uuid
from datetime import datetime
from decimal import Decimal

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import fx_store, rate_store, store
from huitong.payments.crossborder.deals import make_deal, of_quote
from huitong.payments.crossborder.errors import ActingNotAllowed
from huitong.payments.crossborder.ordering import check_class
from huitong.payments.crossborder.parties import check_second, ensure_account
from huitong.payments.crossborder.quota import count_quota
from huitong.payments.crossborder.quotes import take_quote
from huitong.payments.crossborder.rates import check_margin
from huitong.payments.crossborder.types import Deal, Party, Quote


async def exchange(
    uow: UnitOfWork, *, party: Party, quote_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Deal:
    """Take a quote between a party's own accounts; those in foreign currencies open by themselves.

    Raises ActingNotAllowed, QuoteNotFound, QuoteTaken, QuoteExpired, QuotaExceeded,
    PositionLimitExceeded, RateUnavailable, and what the ledger refuses.
    """
    await check_class(uow, party, rulebook=rulebook, now=now)
    quote = await take_quote(uow, quote_id, party_id=party.id, now=now)
    giver = await ensure_account(uow, party, quote.sell.currency)
    taker = await ensure_account(uow, party, quote.buy.currency)
    offered = of_quote(quote, giver=giver, taker=taker)
    deal = await make_deal(uow, offered, rulebook=rulebook, now=now)
    await count_quota(uow, party, deal, rulebook=rulebook, now=now)
    return deal


async def check_exchange(uow: UnitOfWork, *, quote: Quote, taken_by: uuid.UUID) -> None:
    """Refuse an exchange of a business to who asked for its quote, or may not approve as much.

    Raises ActingNotAllowed.
    """
    if quote.asked_by == taken_by:
        raise ActingNotAllowed("somebody else has to take the quote that you asked for")
    await check_second(uow, customer_id=taken_by, merchant_id=quote.party_id, amount=quote.cny)


async def list_accounts(uow: UnitOfWork, party_id: uuid.UUID) -> list[tuple[str, int]]:
    """Return a party's accounts in foreign currencies: currency and number."""
    return await store.list_currency_accounts(uow, party_id)


async def list_deals(uow: UnitOfWork, *, before: uuid.UUID | None = None, limit: int) -> list[Deal]:
    """Return deals, newest first."""
    return await fx_store.list_deals(uow, before=before, limit=limit)


async def set_margin(
    uow: UnitOfWork,
    *,
    currency: str,
    margin: Decimal,
    is_business: bool,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    """Set a currency's margin for people or businesses; raises InvalidField, PairNotOffered."""
    check_margin(rulebook, currency, margin, business_day(now))
    await rate_store.set_margin(uow, currency, margin, is_business=is_business, now=now)
    details = {"margin": str(margin), "is_business": is_business}
    await audit.record(uow, action="payments.set_margin", subject=currency, details=details)
