"""Rates, quotes, positions and quotas: worked numbers, properties, races."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.crossborder.bureau import RATES, RULES, Bureau, both, money

from huitong import ledger
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.serving import serve_inside
from huitong.payments import AccountClosed, crossborder
from huitong.payments.crossborder import (
    DealKind,
    HttpRateSource,
    Position,
    Rate,
    RateFault,
    RateRefusal,
    RateSimulator,
    apply_exchange,
    price,
)
from huitong.payments.errors import OrdersOpen


def rates(at: Any) -> dict[str, Rate]:
    return {
        currency: Rate(
            currency=currency, bid=Decimal(bid), ask=Decimal(ask), quoted_at=at, taken_at=at
        )
        for currency, (bid, ask) in RATES.items()
    }


@pytest.mark.parametrize(
    ("amount", "other", "is_sell", "sell", "buy", "cny"),
    [
        # 100.00 × 7.1100 × 1.002 = 712.422
        ("100.00 USD", "CNY", False, "712.42 CNY", "100.00 USD", "712.42 CNY"),
        # 100.00 × 7.1000 × 0.998 = 708.58
        ("100.00 USD", "CNY", True, "100.00 USD", "708.58 CNY", "708.58 CNY"),
        # 1000.00 ÷ (7.1100 × 1.002) = 140.366…
        ("1000.00 CNY", "USD", True, "1000.00 CNY", "140.37 USD", "1000.00 CNY"),
        # Yen have no decimals: 10000 × 0.0477 × 1.002 = 477.954
        ("10000 JPY", "CNY", False, "477.95 CNY", "10000 JPY", "477.95 CNY"),
        # By way of CNY: 708.58 ÷ (7.7950 × 1.002) = 90.720…
        ("100.00 USD", "EUR", True, "100.00 USD", "90.72 EUR", "708.58 CNY"),
    ],
)
def test_an_exchange_is_priced_to_the_cent(
    amount: str, other: str, *, is_sell: bool, sell: str, buy: str, cny: str, now: Any
) -> None:
    found = price(
        money(amount), other=other, is_sell=is_sell, rates=rates(now), margin=Decimal("0.002")
    )
    assert (str(found.sell), str(found.buy), str(found.cny)) == (sell, buy, cny)


def test_what_would_be_nothing_is_not_exchanged(now: Any) -> None:
    with pytest.raises(crossborder.AmountTooSmall):
        price(money("0.01 CNY"), other="USD", is_sell=True, rates=rates(now), margin=Decimal(0))


_SIDES = st.tuples(st.integers(-(10**9), 10**9), st.integers(1, 10**9)).filter(lambda x: x[0] != 0)


@given(st.lists(_SIDES, max_size=20))
def test_cost_and_gain_are_all_that_was_paid(deals: list[tuple[int, int]]) -> None:
    position, paid, gains = Position(currency="USD"), 0, 0
    for amount, worth in deals:
        cny = worth if amount > 0 else -worth
        position, realised = apply_exchange(position, amount, cny)
        paid, gains = paid + cny, gains + realised
        assert position.cost == paid + gains
        assert position.realised == gains
        # What is long cost something, what is short brought something; nothing costs nothing.
        assert position.amount != 0 or position.cost == 0
        assert position.cost * position.amount >= 0
    assert position.amount == sum(amount for amount, _ in deals)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (RateFault.STALE, RateRefusal.STALE),
        (RateFault.CROSSED, RateRefusal.CROSSED),
        (RateFault.MISSING, RateRefusal.MISSING),
        (RateFault.OUTLIER, RateRefusal.OUTLIER),
    ],
)
async def test_rates_that_cannot_be_are_not_believed(
    bureau: Bureau, person: Any, fault: RateFault, reason: RateRefusal
) -> None:
    simulator = RateSimulator(clock=bureau.clock)
    simulator.fault = fault
    async with serve_inside(simulator.application()) as url, HttpRateSource(url) as source:
        bureau.clock.advance(timedelta(seconds=20))
        refused = await crossborder.poll_rates(
            bureau.town.database, source, rulebook=RULES, now=bureau.now
        )
        assert refused == {"USD": reason}
        bureau.clock.advance(timedelta(seconds=20))
        # EUR is fresh, the last rate of USD too old to quote from.
        await bureau.quote(person, "100.00 EUR", "CNY")
        with pytest.raises(crossborder.RateUnavailable):
            await bureau.quote(person, "100.00 USD", "CNY")
        simulator.fault = None
        assert not await crossborder.poll_rates(
            bureau.town.database, source, rulebook=RULES, now=bureau.now
        )
        await bureau.quote(person, "100.00 USD", "CNY")


@pytest.mark.parametrize("fault", [RateFault.DOWN, RateFault.NONSENSE])
async def test_a_source_that_talks_nonsense_changes_nothing(
    bureau: Bureau, fault: RateFault
) -> None:
    simulator = RateSimulator(clock=bureau.clock)
    simulator.fault = fault
    before = await bureau.town.read(crossborder.list_rate_states)
    async with serve_inside(simulator.application()) as url, HttpRateSource(url) as source:
        with pytest.raises(crossborder.RateSourceFault):
            await crossborder.poll_rates(
                bureau.town.database, source, rulebook=RULES, now=bureau.now
            )
    assert await bureau.town.read(crossborder.list_rate_states) == before


async def test_a_quote_is_taken_once_by_whom_it_was_made_for(bureau: Bureau, person: Any) -> None:
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    with pytest.raises(crossborder.QuoteNotFound):
        await bureau.exchange(bureau.checker, quote)
    results = await both(*(bureau.exchange(person, quote) for _ in range(4)))
    kinds = sorted(type(each).__name__ for each in results)
    assert kinds == ["Deal", "QuoteTaken", "QuoteTaken", "QuoteTaken"]
    # 100.00 × 7.1100 × 1.003 = 713.133
    assert await bureau.balance(person) == "499286.87"
    assert await bureau.balance(person, "USD") == "100.00"
    assert await bureau.positions() == {"USD": (-10_000, -71_313, 0)}


async def test_a_quote_expires(bureau: Bureau, person: Any, refusing: Any) -> None:
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    bureau.clock.advance(timedelta(seconds=120))
    async with refusing(bureau.town):
        with pytest.raises(crossborder.QuoteExpired):
            await bureau.exchange(person, quote)


async def test_selling_and_crossing_realise_gains_in_one_entry(bureau: Bureau, person: Any) -> None:
    await bureau.exchange(person, await bureau.quote(person, "1000.00 USD", "CNY"))
    # Short 1,000.00 USD at 7,131.33. It comes back cheaper: half is bought at 7.1000 × 0.997.
    await bureau.exchange(person, await bureau.quote(person, "500.00 USD", "CNY", is_sell=True))
    assert await bureau.positions() == {"USD": (-50_000, -356_567, 2_631)}
    await bureau.exchange(person, await bureau.quote(person, "200.00 USD", "EUR", is_sell=True))
    found = await bureau.positions()
    assert found["USD"][0] == -30_000
    assert found["EUR"][0] == -money(f"{await bureau.balance(person, 'EUR')} EUR").minor
    assert (
        await bureau.own("result", "CNY")
        == Money(sum(each[2] for each in found.values()), "CNY").format()
    )


async def test_two_people_cover_a_position_and_its_gain_is_realised(
    bureau: Bureau, person: Any
) -> None:
    await bureau.exchange(person, await bureau.quote(person, "1000.00 USD", "CNY"))
    deal = await bureau.run(
        crossborder.cover,
        amount=money("1000.00 USD"),
        rate=Decimal("7.1050"),
        is_purchase=True,
        counterparty="CFETS",
        rulebook=RULES,
    )
    assert (deal.kind, str(deal.realised)) == (DealKind.COVER, "26.33 CNY")
    assert await bureau.positions() == {"USD": (0, 0, 2_633)}
    assert await bureau.own("nostro", "USD") == "1000.00"
    assert await bureau.own("nostro", "CNY") == "-7105.00"


async def test_positions_have_limits_and_may_always_shrink(bureau: Bureau) -> None:
    def cover(amount: str, *, is_purchase: bool) -> Any:
        return bureau.run(
            crossborder.cover,
            amount=money(amount),
            rate=Decimal("7.1050"),
            is_purchase=is_purchase,
            counterparty="CFETS",
            rulebook=RULES,
        )

    # 50,000,000.00 CNY at the day's 7.1050 are 7,037,297.67 USD.
    await cover("7000000.00 USD", is_purchase=True)
    with pytest.raises(crossborder.PositionLimitExceeded):
        await cover("40000.00 USD", is_purchase=True)
    await cover("30000.00 USD", is_purchase=False)
    results = await both(
        *(cover("35000.00 USD", is_purchase=True) for _ in range(3)),
    )
    refused = [each for each in results if isinstance(each, crossborder.PositionLimitExceeded)]
    assert len(refused) == 2


async def test_the_last_of_a_quota_goes_to_one(bureau: Bureau, town: Any) -> None:
    rich = await town.add_customer("钱多", "500000.00")
    await bureau.exchange(rich, await bureau.quote(rich, "49900.00 USD", "CNY"))
    quotes = [await bureau.quote(rich, "60.00 USD", "CNY") for _ in range(3)]
    results = await both(*(bureau.exchange(rich, quote) for quote in quotes))
    kinds = sorted(type(each).__name__ for each in results)
    assert kinds == ["Deal", "QuotaExceeded", "QuotaExceeded"]
    assert await bureau.quotas(rich) == {"purchase": "49960.00", "settlement": "0.00"}
    # What is sold counts by itself; in another currency at the day's rates.
    await bureau.exchange(rich, await bureau.quote(rich, "100.00 EUR", "USD"))
    await bureau.exchange(rich, await bureau.quote(rich, "100.00 EUR", "CNY", is_sell=True))
    # 100.00 × 7.7875 ÷ 7.1050 = 109.605…
    assert await bureau.quotas(rich) == {"purchase": "49960.00", "settlement": "109.61"}


async def test_a_quota_begins_anew_with_the_year_in_beijing(bureau: Bureau, person: Any) -> None:
    await bureau.exchange(person, await bureau.quote(person, "50000.00 USD", "CNY"))
    bureau.clock.instant = bureau.now.replace(month=12, day=31, hour=15, minute=59)
    await bureau.set_rates()
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    with pytest.raises(crossborder.QuotaExceeded):
        await bureau.exchange(person, quote)
    bureau.clock.advance(timedelta(minutes=1))
    await bureau.set_rates()
    assert await bureau.quotas(person) == {"purchase": "0.00", "settlement": "0.00"}


async def test_a_business_has_no_quota_and_people_need_the_class(bureau: Bureau, town: Any) -> None:
    await bureau.exchange(
        bureau.merchant, await bureau.quote(bureau.merchant, "60000.00 USD", "CNY")
    )
    low = await town.add_customer("低级", "100.00", account_class=2)
    quote = await bureau.quote(low, "1.00 USD", "CNY")
    with pytest.raises(crossborder.ActingNotAllowed):
        await bureau.exchange(low, quote)


async def test_margins_are_what_two_people_agreed_on(bureau: Bureau, person: Any) -> None:
    await bureau.run(
        crossborder.set_margin,
        currency="USD",
        margin=Decimal("0.01"),
        is_business=False,
        rulebook=RULES,
    )
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    assert str(quote.sell) == "718.11 CNY"
    for wrong in ("0.03", "0.0000001", "NaN"):
        with pytest.raises(InvalidField):
            await bureau.run(
                crossborder.set_margin,
                currency="USD",
                margin=Decimal(wrong),
                is_business=False,
                rulebook=RULES,
            )


async def test_who_leaves_takes_all_currencies_along(bureau: Bureau, person: Any) -> None:
    def close() -> Any:
        return bureau.run(crossborder.close_accounts, party_id=person.id, reason="leaves")

    payment = await bureau.pay(person, "100.00 USD")
    with pytest.raises(OrdersOpen):
        await close()
    await bureau.work()
    await bureau.take(bureau.correspondent.write_status(str(payment.uetr), "ACCC"))
    await bureau.exchange(person, await bureau.quote(person, "10.00 EUR", "CNY"))
    with pytest.raises(ledger.AccountNotEmpty):
        await close()
    await bureau.exchange(person, await bureau.quote(person, "10.00 EUR", "CNY", is_sell=True))
    await close()
    with pytest.raises(AccountClosed):
        await bureau.exchange(person, await bureau.quote(person, "10.00 EUR", "CNY"))
