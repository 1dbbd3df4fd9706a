"""Codes: what a merchant shows, what a customer shows, and what reading them may not do."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from huitong import payments
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import CODE, show_id
from huitong.payments import errors, qr

if TYPE_CHECKING:
    from conftest import Town


async def make_code(town: "Town", merchant, kind=payments.CodeKind.STATIC, **more):
    values = {"merchant_id": merchant.id, "kind": kind}
    return await town.run(payments.create_merchant_code, **(values | more))


async def test_a_sticker_asks_for_the_house_and_leaves_the_amount_open(
    town: "Town", new_id
) -> None:
    tea = await town.add_merchant("茶馆")
    code = await make_code(town, tea, code_id=new_id())
    assert qr.parse_payload(code.payload).initiation is qr.PointOfInitiation.STATIC
    assert show_id(CODE, code.id) in code.payload
    reading = await town.read(payments.read_code, payload=code.payload)
    assert reading == payments.CodeReading(
        code_id=code.id,
        kind=payments.CodeKind.STATIC,
        merchant_id=tea.id,
        merchant_name="茶馆",
        payee_account_id=tea.account_id,
        currency="CNY",
        amount=None,
        order_id=None,
        order_status=None,
    )
    assert payments.draw_svg(code.payload).media_type == "image/svg+xml"


async def test_a_code_on_a_screen_stands_for_one_order(town: "Town", new_id, cny) -> None:
    wang = await town.add_customer("王芳", "100.00")
    tea = await town.add_merchant("茶馆")
    code = await make_code(
        town,
        tea,
        payments.CodeKind.DYNAMIC,
        code_id=new_id(),
        amount=cny("28.00"),
        reference="T-7",
    )
    reading = await town.read(payments.read_code, payload=code.payload)
    assert (reading.amount, reading.order_id) == (cny("28.00"), code.order_id)
    assert reading.order_status is payments.OrderStatus.CREATED
    paid = await town.run(
        payments.pay_order, order_id=code.order_id, payer_account_id=wang.account_id
    )
    assert (paid.kind, paid.reference) == (payments.OrderKind.DYNAMIC_QR, "T-7")
    assert await town.balance(tea.account_id) == "27.83"
    reading = await town.read(payments.read_code, payload=code.payload)
    assert reading.order_status is payments.OrderStatus.SUCCEEDED
    await town.check_ties()


async def test_making_a_code_again_makes_none(town: "Town", refusing, new_id, cny) -> None:
    tea = await town.add_merchant("茶馆")
    values = {"code_id": new_id(), "kind": payments.CodeKind.DYNAMIC, "amount": cny("28.00")}
    code = await make_code(town, tea, **values)
    sticker = await make_code(town, tea, code_id=new_id())
    async with refusing(town):
        assert await make_code(town, tea, **values) == code
        assert await make_code(town, tea, code_id=sticker.id) == sticker
        with pytest.raises(errors.IdReused):
            await make_code(town, tea, **(values | {"amount": cny("28.01")}))
        with pytest.raises(errors.IdReused):
            await make_code(town, tea, code_id=code.id)


async def test_refuses_a_code_that_makes_no_sense(town: "Town", refusing, new_id, cny) -> None:
    tea = await town.add_merchant("茶馆")
    async with refusing(town):
        with pytest.raises(InvalidField) as refused:
            await make_code(town, tea, payments.CodeKind.DYNAMIC, code_id=new_id())
        assert refused.value.field == "amount"
        with pytest.raises(InvalidField) as refused:
            await make_code(town, tea, code_id=new_id(), amount=cny("1.00"))
        assert refused.value.field == "amount"
        with pytest.raises(InvalidField) as refused:
            await make_code(town, tea, code_id=new_id(), reference="x")
        assert refused.value.field == "reference"


async def test_refuses_a_payload_that_somebody_changed(town: "Town", refusing, new_id, cny) -> None:
    tea = await town.add_merchant("茶馆")
    code = await make_code(
        town, tea, payments.CodeKind.DYNAMIC, code_id=new_id(), amount=cny("28.00")
    )
    parsed = qr.parse_payload(code.payload)
    cheaper = qr.encode_payload(
        qr.MerchantPayload(
            initiation=parsed.initiation,
            merchant_accounts=parsed.merchant_accounts,
            merchant_category_code=parsed.merchant_category_code,
            currency="CNY",
            merchant_name="SOMEBODY ELSE",
            merchant_city=parsed.merchant_city,
            amount=cny("2.80"),
        )
    )
    unknown = qr.encode_payload(
        qr.MerchantPayload(
            initiation=None,
            merchant_accounts=(qr.code_account(show_id(CODE, new_id())),),
            merchant_category_code="5812",
            currency="CNY",
            merchant_name="A",
            merchant_city="B",
        )
    )
    async with refusing(town):
        with pytest.raises(errors.CodeAltered):
            await town.read(payments.read_code, payload=cheaper)
        with pytest.raises(errors.CodeNotFound):
            await town.read(payments.read_code, payload=unknown)
        for nonsense in ("", "0" * 513, "hello", code.payload[:-1]):
            with pytest.raises(InvalidField):
                await town.read(payments.read_code, payload=nonsense)


async def collect(town: "Town", merchant, code: str, amount, order_id, **more):
    return await town.run(
        payments.collect_by_code,
        order_id=order_id,
        merchant_id=merchant.id,
        code=code,
        amount=amount,
        **more,
    )


async def test_a_shown_code_pays_once_within_a_minute(
    town: "Town", refusing, new_id, cny, now
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    tea, other = await town.add_merchant("茶馆"), await town.add_merchant("酒楼")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    assert shown.expires_at == now + timedelta(seconds=60)
    order_id = new_id()
    at = now + timedelta(seconds=59)
    paid = await collect(town, tea, shown.text, cny("30.00"), order_id, now=at)
    assert (paid.kind, paid.status) == (
        payments.OrderKind.CUSTOMER_CODE,
        payments.OrderStatus.SUCCEEDED,
    )
    assert await town.balance(wang.account_id) == "70.00"
    assert await town.balance(tea.account_id) == "29.82"
    async with refusing(town):
        # A till that did not hear the answer asks again, even after the minute.
        late = now + timedelta(minutes=5)
        assert await collect(town, tea, shown.text, cny("30.00"), order_id, now=late) == paid
        with pytest.raises(errors.IdReused):
            await collect(town, tea, shown.text, cny("30.01"), order_id)
        with pytest.raises(errors.CodeUsed):
            await collect(town, other, shown.text, cny("1.00"), new_id())


async def test_a_code_dies_with_its_minute(town: "Town", refusing, new_id, cny, now) -> None:
    wang = await town.add_customer("王芳", "100.00")
    tea = await town.add_merchant("茶馆")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    async with refusing(town):
        with pytest.raises(errors.CodeExpired):
            await collect(
                town, tea, shown.text, cny("1.00"), new_id(), now=now + timedelta(seconds=60)
            )


async def test_a_refused_collection_leaves_the_code_alive(
    town: "Town", refusing, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "10.00")
    tea = await town.add_merchant("茶馆")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    async with refusing(town):
        with pytest.raises(errors.InsufficientFunds):
            await collect(town, tea, shown.text, cny("10.01"), new_id())
    assert (await collect(town, tea, shown.text, cny("10.00"), new_id())).is_paid


async def test_refuses_codes_that_were_never_shown(town: "Town", refusing, new_id, cny) -> None:
    tea = await town.add_merchant("茶馆")
    wang = await town.add_customer("王芳", "10.00")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    typo = str((int(shown.text[5]) + 1) % 10)
    async with refusing(town):
        with pytest.raises(InvalidField):
            await collect(town, tea, shown.text[:5] + typo + shown.text[6:], cny("1.00"), new_id())
        with pytest.raises(errors.CodeNotFound):
            await collect(town, tea, qr_code_of_nobody(), cny("1.00"), new_id())
        with pytest.raises(NotFound):
            await town.run(payments.issue_customer_code, customer_id=new_id())


def qr_code_of_nobody() -> str:
    from datetime import UTC, datetime

    return qr.issue_code(now=datetime.now(UTC), lifetime=timedelta(seconds=60)).text


async def test_only_a_digest_of_a_shown_code_is_kept(town: "Town") -> None:
    wang = await town.add_customer("王芳")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    async with town.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT CAST(c AS text) FROM payments.customer_codes c")
    assert len(rows) == 1
    assert shown.text not in rows[0][0]
    assert shown.text not in repr(shown)


async def test_old_codes_are_deleted_used_or_not(town: "Town", new_id, cny, now) -> None:
    wang = await town.add_customer("王芳", "10.00")
    tea = await town.add_merchant("茶馆")
    used = await town.run(payments.issue_customer_code, customer_id=wang.id)
    await town.run(payments.issue_customer_code, customer_id=wang.id)
    await collect(town, tea, used.text, cny("1.00"), new_id())
    soon = now + timedelta(hours=24, seconds=59)
    assert await town.run(payments.prune_customer_codes, now=soon) == 0
    late = soon + timedelta(seconds=2)
    assert await town.run(payments.prune_customer_codes, now=late, limit=1) == 1
    assert await town.run(payments.prune_customer_codes, now=late) == 1


async def test_of_twenty_tills_that_scan_one_code_one_is_paid(town: "Town", new_id, cny) -> None:
    wang = await town.add_customer("王芳", "100.00")
    houses = [await town.add_merchant(f"茶馆{number}", "0") for number in range(20)]
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)

    async def attempt(house) -> bool:
        try:
            await collect(town, house, shown.text, cny("10.00"), new_id())
        except errors.CodeUsed:
            return False
        return True

    answers = await asyncio.gather(*map(attempt, houses))
    assert answers.count(True) == 1
    assert await town.balance(wang.account_id) == "90.00"
    balances = [await town.balance(house.account_id) for house in houses]
    assert sorted(balances) == [*["0.00"] * 19, "10.00"]
    assert balances[answers.index(True)] == "10.00"
    await town.check_ties()


async def test_one_till_that_asks_twenty_times_is_paid_once(town: "Town", new_id, cny) -> None:
    wang = await town.add_customer("王芳", "100.00")
    tea = await town.add_merchant("茶馆", "0")
    shown = await town.run(payments.issue_customer_code, customer_id=wang.id)
    order_id = new_id()
    answers = await asyncio.gather(
        *(collect(town, tea, shown.text, cny("10.00"), order_id) for _ in range(20))
    )
    assert {order.transfer_id for order in answers} == {answers[0].transfer_id}
    assert await town.balance(tea.account_id) == "10.00"
    await town.check_ties()
