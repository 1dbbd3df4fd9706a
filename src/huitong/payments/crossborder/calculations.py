"""Exchange in exact decimals: what a customer gets, and what a position costs.

Amounts are rounded once, half up, to the minor unit of their currency; shown rates are rounded and
used for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from huitong.kernel.currencies import exponent_of
from huitong.kernel.money import Money
from huitong.payments.crossborder.errors import AmountTooSmall
from huitong.payments.crossborder.types import HOME, Position, Rate

_CONTEXT: Final = Context(prec=60)
_SHOWN_DIGITS: Final = Decimal("0.0000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Both sides of an exchange, its worth in CNY, and the rate as shown."""

    sell: Money
    buy: Money
    cny: Money
    rate: Decimal


def price(
    amount: Money, *, other: str, is_sell: bool, rates: Mapping[str, Rate], margin: Decimal
) -> Price:
    """Return the exchange of exactly `amount`, which the customer sells or buys, for `other`.

    The customer sells a currency to us at bid × (1 − m) and buys one at ask × (1 + m); m is the
    margin, and CNY costs 1. Between two foreign currencies the way is CNY, rounded to fen, and the
    margin is taken on both halves. Worked: with USD 7.1000/7.1100 and m = 0.002, buying 100.00 USD
    costs 7.1100 × 1.002 × 100 = 712.422 → 712.42 CNY; selling 100.00 USD brings 708.58 CNY.
    Raises AmountTooSmall if a side would be nothing; AmountOutOfRange.
    """
    sell_currency, buy_currency = (amount.currency, other) if is_sell else (other, amount.currency)
    sold_at = _unit_price(rates, sell_currency, margin, is_sold=True)
    bought_at = _unit_price(rates, buy_currency, margin, is_sold=False)
    cny = convert(amount, sold_at if is_sell else bought_at, HOME)
    found = divide(cny, bought_at if is_sell else sold_at, other)
    sell, buy = (amount, found) if is_sell else (found, amount)
    if not (sell.is_positive and buy.is_positive and cny.is_positive):
        raise AmountTooSmall("one side of the exchange would be nothing", field="amount")
    shown = _CONTEXT.divide(sold_at, bought_at).quantize(_SHOWN_DIGITS, context=_CONTEXT)
    return Price(sell=sell, buy=buy, cny=cny, rate=shown)


def convert(amount: Money, rate: Decimal, currency: str) -> Money:
    """Return `amount` × `rate` in `currency`, half up: 100.00 USD × 7.0523 is 705.23 CNY."""
    return _round(_CONTEXT.multiply(amount.to_decimal(), rate), currency)


def divide(amount: Money, rate: Decimal, currency: str) -> Money:
    """Return `amount` ÷ `rate` in `currency`, half up: 705.23 CNY ÷ 7.0523 is 100.00 USD."""
    return _round(_CONTEXT.divide(amount.to_decimal(), rate), currency)


def _round(value: Decimal, currency: str) -> Money:
    scaled = value.scaleb(exponent_of(currency), context=_CONTEXT)
    return Money(int(scaled.to_integral_value(rounding=ROUND_HALF_UP)), currency)


def _unit_price(
    rates: Mapping[str, Rate], currency: str, margin: Decimal, *, is_sold: bool
) -> Decimal:
    if currency == HOME:
        return Decimal(1)
    rate = rates[currency]
    if is_sold:
        return _CONTEXT.multiply(rate.bid, 1 - margin)
    return _CONTEXT.multiply(rate.ask, 1 + margin)


def apply_exchange(position: Position, amount: int, cny: int) -> tuple[Position, int]:
    """Return a position after we bought (above zero) or sold an amount, and what that realised.

    `cny` has the sign of `amount`: what we paid, or minus what we got, in fen. Average cost: what
    closes (a part of) the position takes its share of the cost, half even, and the whole of it with
    the last unit. Worked: long 100.00 USD at 700.00; selling 40.00 for 288.00 closes cost 280.00,
    realises 8.00, and 60.00 USD remain at 420.00. New cost = cost + cny + realised, always.
    """
    closes = min(abs(amount), abs(position.amount)) if amount * position.amount < 0 else 0
    if closes == 0:
        realised = 0
    else:
        closed_cost = _share(position.cost, closes, abs(position.amount))
        realised = -_share(cny, closes, abs(amount)) - closed_cost
    changed = Position(
        currency=position.currency,
        amount=position.amount + amount,
        cost=position.cost + cny + realised,
        realised=position.realised + realised,
    )
    return changed, realised


def _share(total: int, part: int, whole: int) -> int:
    """Return total × part ÷ whole, half even; all of it where part is whole."""
    sign = -1 if total < 0 else 1
    quotient, rest = divmod(abs(total) * part, whole)
    if 2 * rest > whole or (2 * rest == whole and quotient % 2):
        quotient += 1
    return sign * quotient


def value_in_home(amount: int, currency: str, mid: Decimal) -> Money:
    """Return what an amount, of either sign, is worth in CNY at a mid rate, half up."""
    worth = convert(Money(abs(amount), currency), mid, HOME)
    return worth if amount >= 0 else -worth


def value_in_usd(amount: Money, mids: Mapping[str, Decimal]) -> Money:
    """Return what an amount is worth in US dollars at mid rates; USD is itself.

    1,000.00 EUR with EUR 7.8000 and USD 7.1000 is 1,098.59 USD.
    """
    if amount.currency == "USD":
        return amount
    cny = amount.to_decimal()
    if amount.currency != HOME:
        cny = _CONTEXT.multiply(cny, mids[amount.currency])
    return _round(_CONTEXT.divide(cny, mids["USD"]), "USD")


def usd_rate(currency: str, mids: Mapping[str, Decimal]) -> Decimal:
    """Return US dollars for one unit of a currency, to ten digits: the rate that is stated."""
    mid = Decimal(1) if currency == HOME else mids[currency]
    return _CONTEXT.divide(mid, mids["USD"]).quantize(_SHOWN_DIGITS, context=_CONTEXT)


def calculate_fee(
    amount: Money, *, rate: Decimal, least: Money, most: Money, fixed: Money
) -> Money:
    """Return rate × amount, at least and at most so much, plus what is fixed; all in CNY.

    Worked: 1‰ of 71,242.00 is 71.24, within 50.00 and 260.00; with 80.00 fixed 151.24.
    """
    share = min(max(convert(amount, rate, HOME), least), most)
    return share + fixed
