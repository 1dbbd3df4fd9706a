"""Refunds and profit shares: who gives what back, to the last fen."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import customers, ledger, payments, risk
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.payments import errors
from huitong.payments.types import ShareReceiver

if TYPE_CHECKING:
    from conftest import Town


async def refund(town: "Town", order, refund_id, amount=None, **more):
    return await town.run(
        payments.refund, order_id=order.id, refund_id=refund_id, amount=amount, **more
    )


async def share(town: "Town", order, entry_id, *receivers):
    return await town.run(
        payments.share_profit,
        order_id=order.id,
        entry_id=entry_id,
        receivers=[ShareReceiver(account_id=a, amount=m) for a, m in receivers],
    )


async def test_a_full_refund_undoes_the_payment_fee_included(
    town: "Town", new_id, cny, refusing
) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    order = await town.buy(wang, tea, "88.88")
    refund_id = new_id()
    made = await refund(town, order, refund_id, reason="茶凉了")
    assert (made.amount, made.fee_returned) == (cny("88.88"), cny("0.53"))
    assert await town.balance(wang.account_id) == "100.00"
    assert await town.balance(tea.account_id) == "0.00"
    assert await town.own("fee_income") == "0.00"
    after = await town.read(payments.get_order, order.id)
    assert (after.status, after.refunded) == (payments.OrderStatus.REFUNDED, cny("88.88"))
    assert await town.read(payments.list_refunds, order.id) == (made,)
    assert (await town.topics())[-1] == "PaymentRefunded"
    async with refusing(town):
        assert await refund(town, order, refund_id, reason="茶凉了") == made
        assert await refund(town, order, refund_id, cny("88.88"), reason="茶凉了") == made
        with pytest.raises(errors.IdReused):
            await refund(town, order, refund_id, cny("1.00"), reason="茶凉了")
        with pytest.raises(errors.RefundExceedsPayment):
            await refund(town, order, new_id())
        with pytest.raises(errors.RefundExceedsPayment):
            await refund(town, order, new_id(), cny("0.01"))
    await town.check_ties()


async def test_partial_refunds_return_the_fee_to_the_fen(town: "Town", new_id, cny) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆", "0.1")
    order = await town.buy(wang, tea, "1.00")
    returned = [
        (await refund(town, order, new_id(), cny(part))).fee_returned.format()
        for part in ("0.33", "0.33", "0.34")
    ]
    assert returned == ["0.03", "0.04", "0.03"]
    after = await town.read(payments.get_order, order.id)
    assert (after.status, after.refunds) == (payments.OrderStatus.REFUNDED, 3)
    assert after.fee_returned == after.fee == cny("0.10")
    assert await town.balance(tea.account_id) == "0.00"
    assert await town.own("fee_income") == "0.00"
    await town.check_ties()


async def test_refuses_more_than_is_left(town: "Town", new_id, cny, refusing) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    order = await town.buy(wang, tea, "50.00")
    await refund(town, order, new_id(), cny("20.00"))
    async with refusing(town):
        with pytest.raises(errors.RefundExceedsPayment) as refused:
            await refund(town, order, new_id(), cny("30.01"))
        assert refused.value.context == {"refundable": {"amount": "30.00", "currency": "CNY"}}
        with pytest.raises(InvalidField):
            await refund(town, order, new_id(), cny("0.00"))
        with pytest.raises(CurrencyMismatch):
            await refund(town, order, new_id(), Money(1, "USD"))
        with pytest.raises(InvalidField):
            await refund(town, order, new_id(), reason="a\x00")
    await refund(town, order, new_id(), cny("30.00"))


async def test_refuses_to_refund_what_was_not_a_purchase(town: "Town", new_id, refusing) -> None:
    wang, tea = await town.add_customer("王芳"), await town.add_merchant("茶馆")
    top_up = await town.top_up(wang.account_id, "100.00")
    waiting = await town.checkout(tea, "1.00")
    async with refusing(town):
        with pytest.raises(errors.NotRefundable):
            await refund(town, top_up, new_id())
        with pytest.raises(errors.OrderMoveRefused):
            await refund(town, waiting, new_id())
        with pytest.raises(NotFound):
            await town.run(payments.refund, order_id=new_id(), refund_id=new_id())


async def test_refuses_a_refund_that_the_house_cannot_pay(
    town: "Town", new_id, cny, refusing
) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    other = await town.add_merchant("酒楼")
    order = await town.buy(wang, tea, "50.00")
    # The house spends 20.00 of its 49.70 elsewhere.
    bill = await town.checkout(other, "20.00")
    await town.run(payments.pay_order, order_id=bill.id, payer_account_id=tea.account_id)
    async with refusing(town):
        with pytest.raises(errors.InsufficientFunds) as refused:
            await refund(town, order, new_id())
        assert refused.value.field == "merchant"
    await refund(town, order, new_id(), cny("29.80"))
    assert await town.balance(tea.account_id) == "0.08"


async def test_a_refund_id_of_another_order_is_refused(town: "Town", new_id, refusing) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    first, second = await town.buy(wang, tea, "1.00"), await town.buy(wang, tea, "1.00")
    refund_id = new_id()
    await refund(town, first, refund_id)
    async with refusing(town):
        with pytest.raises(errors.IdReused):
            await refund(town, second, refund_id)


async def test_twenty_refunds_at_once_never_give_back_more_than_was_paid(
    town: "Town", new_id, cny
) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    rich = await town.add_customer("李雷", "1000.00")
    await town.buy(rich, tea, "1000.00")
    order = await town.buy(wang, tea, "100.00")

    async def attempt() -> bool:
        try:
            await refund(town, order, new_id(), cny("15.00"))
        except errors.RefundExceedsPayment:
            return False
        return True

    answers = await asyncio.gather(*(attempt() for _ in range(20)))
    assert answers.count(True) == 6
    assert await town.balance(wang.account_id) == "90.00"
    # 994.00 of the first sale; 10.00 less 0.06 of fee are left of the second.
    assert await town.balance(tea.account_id) == "1003.94"
    assert await town.own("fee_income") == "6.06"
    after = await town.read(payments.get_order, order.id)
    assert (after.refunded, after.refunds) == (cny("90.00"), 6)
    await town.check_ties()


async def test_one_refund_asked_for_twenty_times_is_made_once(town: "Town", new_id) -> None:
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    order = await town.buy(wang, tea, "100.00")
    refund_id = new_id()
    made = await asyncio.gather(*(refund(town, order, refund_id) for _ in range(20)))
    assert all(each == made[0] for each in made)
    assert await town.balance(wang.account_id) == "100.00"
    assert (await town.topics()).count("PaymentRefunded") == 1
    await town.check_ties()


@pytest.fixture
async def sale(town: "Town"):
    """A sale of 100.00 with a fee of 0.60, a guide and a temple to share it with."""
    wang, tea = await town.add_customer("王芳", "100.00"), await town.add_merchant("茶馆")
    guide, temple = await town.add_customer("导游"), await town.add_merchant("寺庙")
    return (
        await town.buy(wang, tea, "100.00"),
        wang.account_id,
        tea.account_id,
        guide.account_id,
        temple.account_id,
    )


async def test_a_sale_is_shared_to_the_last_fen_and_not_beyond(
    town: "Town", sale, new_id, cny, refusing
) -> None:
    order, _, tea, guide, temple = sale
    entry_id = new_id()
    shares = await share(town, order, entry_id, (guide, cny("30.00")), (temple, cny("9.40")))
    assert [each.amount.format() for each in shares] == ["30.00", "9.40"]
    assert [await town.balance(a) for a in (tea, guide, temple)] == ["60.00", "30.00", "9.40"]
    assert await town.read(payments.list_shares, order.id) == shares
    assert (await town.topics())[-1] == "ProfitShared"
    async with refusing(town):
        assert (
            await share(town, order, entry_id, (guide, cny("30.00")), (temple, cny("9.40")))
            == shares
        )
        with pytest.raises(errors.IdReused):
            await share(town, order, entry_id, (guide, cny("30.00")))
        with pytest.raises(errors.ShareExceedsRemainder) as refused:
            await share(town, order, new_id(), (guide, cny("60.01")))
        assert refused.value.context == {"shareable": {"amount": "60.00", "currency": "CNY"}}
    await share(town, order, new_id(), (guide, cny("60.00")))
    assert await town.balance(tea) == "0.00"
    await town.check_ties()


async def test_a_refund_takes_shares_back_in_proportion(town: "Town", sale, new_id, cny) -> None:
    order, wang, tea, guide, temple = sale
    await share(town, order, new_id(), (guide, cny("30.00")), (temple, cny("10.00")))
    first = await refund(town, order, new_id(), cny("25.00"))
    assert (first.fee_returned, first.shares_returned) == (cny("0.15"), cny("10.00"))
    assert [await town.balance(a) for a in (wang, tea, guide, temple)] == [
        "25.00",
        "44.55",
        "22.50",
        "7.50",
    ]
    # Shared after a refund: what is left is 44.55 of the house.
    await share(town, order, new_id(), (guide, cny("44.55")))
    await refund(town, order, new_id())
    assert [await town.balance(a) for a in (wang, tea, guide, temple)] == [
        "100.00",
        "0.00",
        "0.00",
        "0.00",
    ]
    assert await town.own("fee_income") == "0.00"
    after = await town.read(payments.get_order, order.id)
    assert (after.shared, after.fee_returned) == (cny("0.00"), cny("0.60"))
    shares = await town.read(payments.list_shares, order.id)
    assert all(each.returned == each.amount for each in shares)
    await town.check_ties()


async def test_refuses_a_refund_whose_share_was_spent(
    town: "Town", sale, new_id, cny, refusing
) -> None:
    order, wang, _, guide, _ = sale
    await share(town, order, new_id(), (guide, cny("30.00")))
    other = await town.add_merchant("酒楼")
    bill = await town.checkout(other, "25.00")
    await town.run(payments.pay_order, order_id=bill.id, payer_account_id=guide)
    async with refusing(town):
        with pytest.raises(errors.ShareReceiverShort) as refused:
            await refund(town, order, new_id())
        assert refused.value.context == {
            "account": ledger.show_account(guide),
            "share": {"amount": "30.00", "currency": "CNY"},
        }
    # A sixth of it can still be given back.
    await refund(town, order, new_id(), cny("16.66"))
    assert [await town.balance(a) for a in (wang, guide)] == ["16.66", "0.00"]
    await town.check_ties()


async def test_refuses_shares_that_make_no_sense(town: "Town", sale, new_id, cny, refusing) -> None:
    order, _, tea, guide, _ = sale
    waiting = await town.checkout((await town.add_merchant("酒楼")), "1.00")
    own = await town.read(payments.find_own_accounts, "CNY")
    async with refusing(town):
        for refusal, field, receivers in (
            (InvalidField, "receivers", []),
            (InvalidField, "receivers.0.amount.amount", [(guide, cny("0.00"))]),
            (errors.NotShareable, "receivers.0.account", [(tea, cny("1.00"))]),
            (errors.AccountNotFound, "receivers.1.account",
             [(guide, cny("1.00")), (own.channel, cny("1.00"))]),
            (Refusal, "receivers", [(guide, cny("0.01"))] * 51),
        ):  # fmt: skip
            with pytest.raises(refusal) as refused:
                await share(town, order, new_id(), *receivers)
            assert refused.value.field == field
        with pytest.raises(errors.OrderMoveRefused):
            await share(town, waiting, new_id(), (guide, cny("1.00")))


async def test_shares_and_refunds_at_once_never_pass_what_was_paid(
    town: "Town", sale, new_id, cny
) -> None:
    order, wang, tea, guide, _ = sale

    async def attempt(work) -> bool:
        try:
            await work
        except (errors.ShareExceedsRemainder, errors.RefundExceedsPayment,
                errors.OrderMoveRefused):  # fmt: skip
            return False
        return True

    await asyncio.gather(
        *(
            attempt(work)
            for _ in range(10)
            for work in (
                share(town, order, new_id(), (guide, cny("12.34"))),
                refund(town, order, new_id(), cny("17.00")),
            )
        )
    )
    after = await town.read(payments.get_order, order.id)
    refunds = await town.read(payments.list_refunds, order.id)
    shares = await town.read(payments.list_shares, order.id)
    assert after.refunded == Money.total((each.amount for each in refunds), "CNY")
    assert after.shared == Money.total((each.outstanding for each in shares), "CNY")
    assert await town.balance(wang) == after.refunded.format()
    assert await town.balance(guide) == after.shared.format()
    assert await town.balance(tea) == after.shareable.format()
    await town.check_ties()


async def name_customer(uow, account_id):
    (party,) = (await customers.find_parties(await uow.driver(), [account_id])).values()
    return risk.Entity.of_id(risk.EntityKind.CUSTOMER, party.customer_id)


@pytest.mark.parametrize("blocked", ["guide", "temple", "merchant", "guide_as_customer"])
async def test_nothing_is_shared_by_or_with_who_is_blocked(  # noqa: PLR0917 - fixtures
    town: "Town", sale, new_id, cny, refusing, now, blocked: str
) -> None:
    order, _, tea, guide, temple = sale
    first = new_id()
    shares = await share(town, order, first, (guide, cny("1.00")))
    wanted = ((temple, cny("10.00")), (guide, cny("10.00")))
    accounts = {"guide": guide, "temple": temple, "merchant": tea}
    entity = (
        risk.Entity.of_account(accounts[blocked])
        if blocked in accounts
        else await town.read(name_customer, guide)
    )
    desk = Desk(town.database, now=now, catalogue=risk.PAYMENT_FEATURES)
    listed = {"reason": "test", "approval_id": await desk.approve("risk.change_list"), "now": now}
    change = risk.ListChange(list=risk.ListKind.BLOCK, add=[(entity, None)])
    await desk.run(lambda uow: risk.change_list(uow, change, **listed))
    async with refusing(town):
        with pytest.raises(errors.PaymentBlocked) as refused:
            await share(town, order, new_id(), *wanted)
        assert str(refused.value) == "this payment was stopped; ask for the reasons"
        assert refused.value.field == "receivers"
        (why,) = refused.value.context["reasons"]
        assert why["zh"] == "本笔付款未能通过风险核查。"
        # What was shared before stays so, also when it is asked for again.
        assert await share(town, order, first, (guide, cny("1.00"))) == shares
    change = risk.ListChange(list=risk.ListKind.BLOCK, remove=[entity])
    await desk.run(lambda uow: risk.change_list(uow, change, **listed))
    assert len(await share(town, order, new_id(), *wanted)) == 2
    await town.check_ties()
