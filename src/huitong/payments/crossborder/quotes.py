"""Quotes: offers to exchange exactly these amounts, once, before they expire."""

import uuid
from datetime import date, datetime, timedelta

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import fx_store as store
from huitong.payments.crossborder.calculations import price
from huitong.payments.crossborder.errors import (
    PairNotOffered,
    QuoteExpired,
    QuoteNotFound,
    QuoteTaken,
)
from huitong.payments.crossborder.rates import check_currency, find_margin, get_rates
from huitong.payments.crossborder.types import Party, Quote


async def make_quote(
    uow: UnitOfWork,
    *,
    quote_id: uuid.UUID,
    party: Party,
    asked_by: uuid.UUID,
    amount: Money,
    other: str,
    is_sell: bool,
    rulebook: Rulebook,
    now: datetime,
) -> Quote:
    """Offer a party to sell (or else to buy) exactly `amount` against the currency `other`.

    Raises InvalidField, PairNotOffered, AmountTooSmall, AmountOutOfRange, RateUnavailable.
    """
    today = business_day(now)
    pair = _check_pair(amount, other, rulebook=rulebook, on=today)
    rates = await get_rates(uow, pair, rulebook=rulebook, now=now)
    margin = await find_margin(uow, pair, party.is_business, rulebook=rulebook, on=today)
    found = price(amount, other=other, is_sell=is_sell, rates=rates, margin=margin)
    kind = "business" if party.is_business else "person"
    validity = timedelta(seconds=rulebook.integer(f"fx.quote.validity.{kind}", today))
    quote = Quote(
        id=quote_id,
        party_id=party.id,
        is_business=party.is_business,
        asked_by=asked_by,
        sell=found.sell,
        buy=found.buy,
        is_sell_fixed=is_sell,
        rate=found.rate,
        margin=margin,
        cny=found.cny,
        made_at=now,
        expires_at=now + validity,
    )
    await store.add_quote(uow, quote)
    return quote


def _check_pair(amount: Money, other: str, *, rulebook: Rulebook, on: date) -> tuple[str, str]:
    if not amount.is_positive:
        raise InvalidField("must be above zero", field="amount")
    if amount.currency == other:
        raise PairNotOffered("a currency is not exchanged against itself", field="other")
    check_currency(rulebook, amount.currency, on, field="amount.currency")
    check_currency(rulebook, other, on, field="other")
    return amount.currency, other


async def get_quote(uow: UnitOfWork, quote_id: uuid.UUID, *, party_id: uuid.UUID) -> Quote:
    """Return a quote of a party; raises QuoteNotFound, also for those of others."""
    quote = await store.find_quote(uow, quote_id)
    if quote is None or quote.party_id != party_id:
        raise QuoteNotFound("there is no such quote of yours", field="quote")
    return quote


async def hold_quote(uow: UnitOfWork, quote_id: uuid.UUID, *, party_id: uuid.UUID) -> Quote:
    """Return a quote of a party, which nobody else takes or orders by before this transaction ends.

    Raises QuoteNotFound, QuoteTaken.
    """
    quote = await store.find_quote(uow, quote_id, is_locked=True)
    if quote is None or quote.party_id != party_id:
        raise QuoteNotFound("there is no such quote of yours", field="quote")
    if quote.taken_at is not None:
        raise QuoteTaken("the quote was taken already", field="quote")
    return quote


async def take_quote(
    uow: UnitOfWork, quote_id: uuid.UUID, *, party_id: uuid.UUID, now: datetime
) -> Quote:
    """Take a quote, for ever; raises QuoteNotFound, QuoteTaken, QuoteExpired.

    Its row stays locked, so that of two who take it at once the second one finds it taken.
    """
    quote = await hold_quote(uow, quote_id, party_id=party_id)
    # The clock of a process may be behind that of the one which made the quote.
    taken_at = max(now, quote.made_at)
    if taken_at >= quote.expires_at:
        raise QuoteExpired("the quote has expired; ask for a new one", field="quote")
    await store.mark_taken(uow, quote_id, taken_at)
    return quote
