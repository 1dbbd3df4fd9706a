"""Stores and terminals: codes bound to tills, payments that name theirs, reports by store."""

from typing import Any

import pytest
from tests.payments.conftest import NOW, cny, new_id
from tests.payments.merchants.conftest import TODAY, Market

from huitong import customers, payments
from huitong.kernel.errors import InvalidField
from huitong.payments import merchants


class Mall:
    """A merchant with stores."""

    def __init__(self, market: Market, shop: customers.Merchant) -> None:
        self.market, self.town, self.shop = market, market.town, shop

    async def open_store(self, name: str = "西大街店") -> merchants.Store:
        return await self.town.run(
            merchants.open_store,
            store_id=new_id(),
            merchant_id=self.shop.id,
            name=name,
            city="平遥",
        )

    async def open_terminal(
        self, store: merchants.Store, label: str = "till 1", **more: Any
    ) -> merchants.Terminal:
        return await self.town.run(
            merchants.open_terminal, terminal_id=new_id(), store_id=store.id, label=label, **more
        )

    async def pay_at(self, terminal: merchants.Terminal, amount: str) -> payments.Order:
        order = await self.market.pay(self.shop, amount)
        await self.town.read(
            merchants.name_terminal,
            order_id=order.id,
            merchant_id=self.shop.id,
            terminal_id=terminal.id,
        )
        return order

    async def report(self) -> dict[str | None, tuple[int, int, int, int]]:
        rows = await self.town.read(
            merchants.report_by_store, self.shop.id, first_day=TODAY, last_day=TODAY
        )
        return {row.name: (row.count, row.amount, row.refunded, row.fee) for row in rows}


@pytest.fixture
async def mall(market: Market) -> Mall:
    return Mall(market, await market.add_shop())


async def test_a_report_sums_by_store(mall: Mall) -> None:
    west, east = await mall.open_store("西店"), await mall.open_store("东店")
    first, second = await mall.open_terminal(west), await mall.open_terminal(west, "till 2")
    third = await mall.open_terminal(east)
    await mall.pay_at(first, "10.00")
    refunded = await mall.pay_at(second, "20.00")
    await mall.market.refund(refunded, "5.00")
    await mall.pay_at(third, "40.00")
    await mall.market.pay(mall.shop, "1.00")
    assert await mall.report() == {
        "东店": (1, 4_000, 0, 0),
        "西店": (2, 3_000, 500, 0),
        None: (1, 100, 0, 0),
    }
    [sheet] = await mall.market.settle()
    report = await mall.report()
    assert report["西店"] == (2, 3_000, 500, 6 + 12 - 3)
    assert sum(row[3] for row in report.values()) == -sheet.plan_fees
    assert sum(row[1] for row in report.values()) == sheet.payments


async def test_a_closed_store_closes_its_terminals(mall: Mall) -> None:
    store = await mall.open_store()
    terminal = await mall.open_terminal(store)
    await mall.town.run(merchants.close_store, store_id=store.id)
    with pytest.raises(merchants.TerminalClosed):
        await mall.pay_at(terminal, "10.00")
    with pytest.raises(merchants.StoreNotFound):
        await mall.open_terminal(store, "till 2")
    closed = await mall.town.read(merchants.get_terminal, terminal.id)
    assert closed.closed_at == NOW


async def test_anothers_terminal_is_as_if_it_were_not(mall: Mall) -> None:
    other = Mall(mall.market, await mall.market.add_shop("书店"))
    terminal = await other.open_terminal(await other.open_store())
    with pytest.raises(merchants.TerminalNotFound):
        await mall.pay_at(terminal, "10.00")


async def test_a_code_stands_at_one_terminal(mall: Mall) -> None:
    store = await mall.open_store()
    code = await mall.town.run(
        payments.create_merchant_code,
        code_id=new_id(),
        merchant_id=mall.shop.id,
        kind=payments.CodeKind.STATIC,
    )
    terminal = await mall.open_terminal(store, code_id=code.id)
    with pytest.raises(merchants.TerminalTaken):
        await mall.open_terminal(store, "till 2", code_id=code.id)
    with pytest.raises(merchants.TerminalTaken):
        await mall.open_terminal(store)
    dynamic = await mall.town.run(
        payments.create_merchant_code,
        code_id=new_id(),
        merchant_id=mall.shop.id,
        kind=payments.CodeKind.DYNAMIC,
        amount=cny("1.00"),
    )
    with pytest.raises(InvalidField, match="static"):
        await mall.open_terminal(store, "till 3", code_id=dynamic.id)
    await mall.town.run(merchants.close_terminal, terminal_id=terminal.id)
    again = await mall.open_terminal(store, "till 4", code_id=code.id)
    assert again.code_id == code.id
