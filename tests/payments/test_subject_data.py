"""Payments' part in people's requests about their data."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from huitong import payments
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.privacy import Erasure, Kept

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DATA = payments.PaymentsData()


async def test_who_never_paid_has_nothing(town: Any) -> None:
    person = await town.add_customer("李雷")

    async def ask(uow: Any) -> None:
        assert await DATA.export(uow, person.id) == {}
        assert await DATA.blockers(uow, person.id) == ()
        assert await DATA.erase(uow, person.id, now=NOW) == Erasure(erased=0)
        assert await DATA.export(uow, uuid7()) == {}
        with pytest.raises(InvalidField) as refused:
            await DATA.correct(uow, person.id, {"payments.orders.description": "x"}, now=NOW)
        assert refused.value.field == "payments.orders.description"

    await town.database.run(ask)


async def test_an_order_without_an_outcome_holds_its_owner_and_one_with_is_kept_ten_years(
    town: Any,
) -> None:
    person = await town.add_customer("李雷")
    order_id = uuid7()
    ten = Money.parse("10.00", "CNY")

    async def top_up(uow: Any) -> None:
        await payments.request_top_up(
            uow, order_id=order_id, account_id=person.account_id, amount=ten, now=NOW
        )
        assert await DATA.blockers(uow, person.id) == ("open_orders",)
        await payments.record_channel_answer(
            uow,
            channel_order_id=payments.derive_id(order_id, 1),
            order_id=order_id,
            answer=payments.ChannelAnswer(verdict=payments.ChannelVerdict.SUCCEEDED),
            now=NOW,
        )
        assert await DATA.blockers(uow, person.id) == ()
        (order,) = (await DATA.export(uow, person.id))["orders"]
        assert order["amount"] == {"amount": "10.00", "currency": "CNY"}
        assert order["status"] == "succeeded"
        (kept,) = (await DATA.erase(uow, person.id, now=NOW)).kept
        assert kept == Kept(data_class="transaction_records", until_on=date(2036, 11, 23))

    await town.database.run(top_up)


async def test_what_a_payer_wrote_goes_and_what_others_wrote_stays(town: Any) -> None:
    shop = await town.add_merchant("晋源茶铺")
    gone, stays = await town.add_customer("李雷", "50.00"), await town.add_customer("韩梅", "50.00")
    for person, text in ((gone, "生日快乐"), (stays, "谢谢")):
        order = await town.checkout(shop, "1.00", description=text)
        await town.run(payments.pay_order, order_id=order.id, payer_account_id=person.account_id)

    async def forget(uow: Any) -> list[str | None]:
        await DATA.forget(uow, gone.id)
        rows = await uow.execute(
            "SELECT description FROM payments.orders WHERE kind = 'checkout' ORDER BY id"
        )
        return [row.description for row in rows]

    assert await town.database.run(forget) == [None, "谢谢"]
