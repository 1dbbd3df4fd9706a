"""Settlement: what a shop is paid, when, and that a sheet says exactly what the books moved."""

from datetime import date, timedelta

import pytest
from tests.payments.conftest import NOW, cny, new_id
from tests.payments.merchants.conftest import (
    TODAY,
    TUESDAY,
    WEDNESDAY,
    Market,
    as_facts,
    rule,
)

from huitong import ledger, payments
from huitong.kernel.rulebook import Rulebook
from huitong.payments import merchants


async def test_a_day_is_settled_on_the_next_business_day(market: Market) -> None:
    shop = await market.add_shop()
    await market.pay(shop, "88.88")
    refunded = await market.pay(shop, "100.00")
    await market.refund(refunded, "40.00")

    assert await market.settle(NOW + timedelta(hours=11)) == [], "the day is not over"
    [sheet] = await market.settle()

    # 6 per mille: 0.53 and 0.60, and 0.24 goes back with the refund.
    assert as_facts(sheet) == {
        "payments": 18_888, "refunds": -4_000, "plan_fees": -89, "payout": 14_799,
    }  # fmt: skip
    assert await market.settled(shop) == "147.99"
    assert await market.town.balance(shop.account_id) == "0.00"
    assert await market.town.own("fee_income") == "0.89"
    lines = await market.town.read(merchants.list_sheet_lines, sheet.id, limit=10)
    assert [(line.kind.value, line.amount, line.plan_fee) for line in lines] == [
        ("payment", 8_888, -53),
        ("payment", 10_000, -60),
        ("refund", -4_000, 24),
    ]
    assert await market.settle() == [], "nothing is paid twice"
    await market.check_ties()


async def test_a_sheet_waits_until_all_before_its_cut_off_are_lines(market: Market) -> None:
    shop = await market.add_shop()
    order = await market.pay(shop, "100.00")
    await ledger.project_all(market.town.database)
    await market.refund(order, "40.00")
    made = await merchants.settle_due(market.town.database, rulebook=Rulebook.load(), now=TUESDAY)
    assert made == [], "the refund is not a line yet"
    [sheet] = await market.settle(TUESDAY + timedelta(seconds=1))
    assert as_facts(sheet)["refunds"] == -4_000
    await market.check_ties()


async def test_a_weekend_is_settled_on_monday(market: Market) -> None:
    shop = await market.add_shop()
    friday = NOW + timedelta(days=4)
    for days in range(3):
        await market.pay(shop, "10.00", friday + timedelta(days=days))

    assert await market.settle(friday + timedelta(days=2, hours=20)) == []
    [sheet] = await market.settle(friday + timedelta(days=3))

    assert (sheet.payments, sheet.line_count) == (3_000, 3)
    await market.check_ties()


async def test_t_plus_0_is_settled_at_its_cut_off(market: Market) -> None:
    shop = await market.add_shop(cycle_days=0, cutoff_minutes=18 * 60)
    await market.pay(shop, "10.00")
    six = NOW + timedelta(hours=6)

    assert await market.settle(six - timedelta(seconds=1)) == []
    [sheet] = await market.settle(six)
    assert sheet.payments == 1_000
    await market.pay(shop, "5.00", TUESDAY)
    [following] = await market.settle(six + timedelta(days=1))
    assert (following.number, following.payments, following.carried) == (2, 500, 0)
    await market.check_ties()


async def test_a_fee_charged_with_the_payment_counts_against_the_plan(market: Market) -> None:
    shop = await market.add_shop(fee_rate="0.008")
    order = await market.pay(shop, "100.00")
    await market.refund(order, "50.00")

    [sheet] = await market.settle()

    # 0.80 was charged and 0.40 given back; the plan's fee is 0.60, of which 0.30 goes back.
    assert as_facts(sheet) == {
        "payments": 10_000, "refunds": -5_000, "fees": -40, "plan_fees": 10, "payout": 4_970,
    }  # fmt: skip
    assert await market.town.own("fee_income") == "0.30"
    await market.check_ties()


async def test_a_plan_may_keep_the_fee_of_what_is_refunded(market: Market) -> None:
    await market.add_plan("keeping", [rule("6")], refunds_return_fee=False)
    shop = await market.add_shop(plan="keeping", fee_rate="0.006")
    order = await market.pay(shop, "100.00")
    await market.refund(order, "100.00")

    [sheet] = await market.settle()

    assert as_facts(sheet) == {
        "payments": 10_000, "refunds": -10_000, "plan_fees": -60, "advanced": 60,
    }  # fmt: skip
    assert await market.owed(shop) == "0.60", "the fee that the account could not bear is owed"
    await market.pay(shop, "10.00", TUESDAY)
    [following] = await market.settle(WEDNESDAY)
    assert (following.recovered, following.payout) == (60, 934)
    assert await market.owed(shop) == "0.00"
    await market.check_ties()


async def test_a_refund_in_a_later_sheet_gives_back_its_part(market: Market) -> None:
    shop = await market.add_shop()
    order = await market.pay(shop, "88.88")
    await market.settle()
    await market.pay(shop, "50.00", TUESDAY)
    await market.refund(order, "44.44", TUESDAY)
    [second] = await market.settle(WEDNESDAY)
    await market.pay(shop, "50.00", WEDNESDAY)
    await market.refund(order, "44.44", WEDNESDAY)
    [third] = await market.settle(WEDNESDAY + timedelta(days=1))

    # 0.53 in all: 0.265 rounds up to 0.27, and 0.26 is left.
    assert (second.plan_fees, third.plan_fees) == (-30 + 27, -30 + 26)
    await market.check_ties()


async def test_tiers_follow_the_volume_of_the_month(market: Market) -> None:
    tiers = [rule("6"), rule("3", volume_from=10_000), rule("1", kind="checkout")]
    await market.add_plan("tiers", [tiers[0], tiers[1]])
    await market.add_plan("by_kind", tiers)
    shop = await market.add_shop(plan="tiers")
    other = await market.add_shop("书店", plan="by_kind")
    for _ in range(3):
        await market.pay(shop, "60.00")
    await market.pay(other, "60.00")

    sheets = {sheet.merchant_id: sheet for sheet in await market.settle()}

    assert sheets[shop.id].plan_fees == -(36 + 36 + 18), "the third one is in the second tier"
    assert sheets[other.id].plan_fees == -6, "a kind's own rule goes first"
    december = NOW + timedelta(days=8)
    await market.pay(shop, "60.00", december)
    [following] = await market.settle(december + timedelta(days=1))
    assert following.plan_fees == -36, "the volume begins anew with the month"


async def test_less_than_the_minimum_is_carried(market: Market) -> None:
    shop = await market.add_shop(payout_min=2_000)
    await market.pay(shop, "10.00")
    [first] = await market.settle()
    assert (first.payout, first.carried) == (0, 994)
    assert await market.settle(WEDNESDAY) == [], "a day without anything has no sheet"
    await market.pay(shop, "15.00", WEDNESDAY)
    [second] = await market.settle(WEDNESDAY + timedelta(days=1))
    assert (second.opening, second.payout, second.carried) == (994, 994 + 1_491, 0)
    await market.check_ties()


async def test_a_refund_after_the_cut_off_is_netted(market: Market) -> None:
    shop = await market.add_shop()
    order = await market.pay(shop, "100.00")
    # On Tuesday before the payout; the money is Monday's.
    await market.refund(order, "30.00", TUESDAY - timedelta(hours=5))

    [first] = await market.settle()
    assert (first.payments, first.payout, first.carried) == (10_000, 7_000 - 60, 3_000)
    await market.pay(shop, "10.00", TUESDAY)
    [second] = await market.settle(WEDNESDAY)
    assert (second.opening, second.refunds, second.carried) == (3_000, -3_000, 0)
    assert await market.settled(shop) == "79.52"
    await market.check_ties()


async def test_days_without_a_worker_are_settled_together(market: Market) -> None:
    shop = await market.add_shop()
    for days in range(4):
        await market.pay(shop, "10.00", NOW + timedelta(days=days))
    [sheet] = await market.settle(NOW + timedelta(days=4))
    assert (sheet.payments, sheet.payout) == (4_000, 4_000 - 24)


async def test_a_rolling_reserve_is_kept_and_released(market: Market) -> None:
    shop = await market.add_shop(reserve_permille=100, reserve_days=7)
    await market.pay(shop, "100.00")
    [first] = await market.settle()
    assert (first.reserve_held, first.payout, first.reserve_after) == (1_000, 8_940, 1_000)
    assert await market.reserve(shop) == "10.00"
    day = TUESDAY + timedelta(days=6)
    await market.pay(shop, "50.00", day)
    assert await market.settle(day) == [], "not before its day"
    [second] = await market.settle(day + timedelta(days=1))
    assert (second.reserve_released, second.reserve_held) == (1_000, 500)
    assert second.payout == 5_000 - 30 + 1_000 - 500
    assert await market.reserve(shop) == "5.00"
    await market.check_ties()


async def test_a_floor_is_filled_first_and_never_released(market: Market) -> None:
    shop = await market.add_shop(reserve_floor=8_000)
    await market.pay(shop, "50.00")
    [first] = await market.settle()
    assert (first.reserve_held, first.payout) == (4_970, 0)
    await market.pay(shop, "100.00", TUESDAY)
    [second] = await market.settle(WEDNESDAY)
    assert (second.reserve_released, second.reserve_held) == (0, 3_030)
    assert (second.payout, second.reserve_after) == (9_940 - 3_030, 8_000)
    await market.check_ties()


async def test_shares_settle_with_their_receivers(market: Market) -> None:
    shop = await market.add_shop()
    writer = await market.town.add_customer("韩梅梅")
    receiver = await market.town.run(
        merchants.add_share_receiver, merchant_id=shop.id, payout_account_id=writer.account_id
    )
    again = await market.town.run(
        merchants.add_share_receiver, merchant_id=shop.id, payout_account_id=writer.account_id
    )
    assert again.account_id == receiver.account_id
    order = await market.pay(shop, "100.00")
    await market.town.run(
        payments.share_profit,
        order_id=order.id,
        entry_id=new_id(),
        receivers=[payments.ShareReceiver(account_id=receiver.account_id, amount=cny("30.00"))],
    )
    await market.refund(order, "10.00")
    assert await market.town.balance(writer.account_id) == "0.00"

    sheets = {sheet.account_id: sheet for sheet in await market.settle()}

    # A refund takes its part of the share back.
    assert as_facts(sheets[receiver.account_id]) == {"shares": 2_700, "payout": 2_700}
    assert as_facts(sheets[shop.account_id]) == {
        "payments": 10_000, "refunds": -1_000, "shares": -2_700, "plan_fees": -54, "payout": 6_246,
    }  # fmt: skip
    assert await market.town.balance(writer.account_id) == "27.00"
    await market.check_ties()


async def test_only_the_merchants_own_receivers_take_its_shares(market: Market) -> None:
    shop, other = await market.add_shop(), await market.add_shop("书店")
    writer = await market.town.add_customer("韩梅梅")
    receiver = await market.town.run(
        merchants.add_share_receiver, merchant_id=other.id, payout_account_id=writer.account_id
    )
    order = await market.pay(shop, "100.00")
    with pytest.raises(payments.AccountNotFound):
        await market.town.run(
            payments.share_profit,
            order_id=order.id,
            entry_id=new_id(),
            receivers=[payments.ShareReceiver(account_id=receiver.account_id, amount=cny("1.00"))],
        )
    with pytest.raises(merchants.ReceiverRefused):
        await market.town.run(
            merchants.add_share_receiver, merchant_id=shop.id, payout_account_id=shop.account_id
        )


async def test_a_payout_goes_on_to_the_bank_once(market: Market) -> None:
    shop = await market.add_shop(payout_way=merchants.PayoutWay.BANK)
    await market.pay(shop, "100.00")
    [sheet] = await market.settle()

    for _ in range(2):
        await merchants.hand_over_payouts(market.town.database, now=TUESDAY)

    sent = await market.town.read(merchants.get_sheet, sheet.id)
    assert sent.payout_order_id is not None
    order = await market.town.read(payments.get_order, sent.payout_order_id)
    assert (order.amount, order.status) == (cny("99.40"), payments.OrderStatus.PENDING)
    with pytest.raises(merchants.PayoutRefused):
        await market.town.run(merchants.retry_payout, sheet_id=sheet.id)
    await market.town.answer(order, payments.ChannelVerdict.FAILED, TUESDAY)
    assert await market.settled(shop) == "99.40"
    again = await market.town.run(merchants.retry_payout, sheet_id=sheet.id, now=TUESDAY)
    assert again.payout_order_id not in (None, order.id)
    order = await market.town.read(payments.get_order, again.payout_order_id)
    await market.town.answer(order, payments.ChannelVerdict.SUCCEEDED, TUESDAY)
    assert await market.settled(shop) == "0.00"
    await market.check_ties()


async def test_what_moves_otherwise_is_among_the_others(market: Market) -> None:
    shop = await market.add_shop()
    code = await market.town.run(payments.issue_customer_code, customer_id=market.customer.id)
    await market.town.run(
        payments.collect_by_code,
        order_id=new_id(),
        merchant_id=shop.id,
        code=code.text,
        amount=cny("12.00"),
    )
    correction = ledger.Transfer(
        id=new_id(),
        debit_account_id=market.customer.account_id,
        credit_account_id=shop.account_id,
        amount=300,
        currency="CNY",
        code=ledger.TransferCode.ADJUSTMENT,
        effective_on=TODAY,
    )
    await market.town.run(
        ledger.post_entries, requests=[ledger.Request(ledger.Entry((correction,)))]
    )

    [sheet] = await market.settle()

    assert as_facts(sheet) == {
        "payments": 1_200, "others": 300, "plan_fees": -7, "payout": 1_493,
    }  # fmt: skip
    await market.check_ties()


async def test_new_terms_hold_from_their_day(market: Market) -> None:
    shop = await market.add_shop()
    await market.set_terms(shop, cycle_days=2, effective_from=date(2026, 11, 25))
    await market.pay(shop, "10.00")
    [first] = await market.settle()
    assert first.terms_version == 1
    await market.pay(shop, "10.00", TUESDAY)
    assert await market.settle(WEDNESDAY) == [], "T+2 from Wednesday on"
    [second] = await market.settle(WEDNESDAY + timedelta(days=1))
    assert second.terms_version == 2
    assert date(2026, 11, 23) == TODAY
