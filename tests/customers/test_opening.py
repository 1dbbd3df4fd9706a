"""Opening customers and merchants against a real database."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from huitong import customers, ledger
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.privacy import Vault

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
async def books(database: Database) -> Database:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        await uow.execute("SELECT ledger.add_partition(:month)", month=date(2026, 11, 1))
    return database


async def open_customer(uow: UnitOfWork, vault: Vault, **changed: Any) -> customers.Customer:
    values: dict[str, Any] = {
        "customer_id": uuid7(),
        "name": "王芳",
        "mobile": "13800138000",
        "account_class": 2,
        "now": NOW,
    }
    return await customers.open_customer(uow, vault, **(values | changed))


async def open_merchant(uow: UnitOfWork, **changed: Any) -> customers.Merchant:
    values: dict[str, Any] = {
        "merchant_id": uuid7(),
        "name": "汇通茶馆",
        "name_latin": "HUITONG TEA HOUSE",
        "city_latin": "PINGYAO",
        "category_code": "5812",
        "fee_rate": Decimal("0.006"),
        "now": NOW,
    }
    return await customers.open_merchant(uow, **(values | changed))


async def count(uow: UnitOfWork) -> tuple[int, ...]:
    return tuple(
        [
            await uow.fetch_value(f"SELECT count(*) FROM {table}")
            for table in (
                "customers.customers",
                "customers.merchants",
                "ledger.accounts",
                "kernel.outbox",
                "kernel.audit",
            )
        ]
    )


async def test_a_customer_gets_an_account_that_cannot_be_overdrawn(
    books: Database, vault: Vault
) -> None:
    async with books.unit_of_work() as uow:
        opened = await open_customer(uow, vault)
        balance = await ledger.get_balance(uow, opened.account_id)
        account = await ledger.get_account(uow, opened.account_id)
        found = await customers.get_customer(uow, opened.id)
        by_mobile = await customers.find_customer_by_mobile(uow, vault, "13800138000")
        topics = await uow.execute("SELECT topic, payload FROM kernel.outbox")
    assert balance.posted == Money(0, "CNY")
    assert balance.limits is ledger.BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS
    assert (account.chart_code, account.owner_id) == ("2011.01", opened.id)
    assert found == by_mobile == opened
    assert [row.topic for row in topics] == ["customers.CustomerOpened.v1"]
    assert topics[0].payload["account_id"] == opened.account_id


async def test_a_merchant_gets_a_payable_account(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        opened = await open_merchant(uow, fee_max=Money(5_000, "CNY"))
        account = await ledger.get_account(uow, opened.account_id)
        found = await customers.get_merchant(uow, opened.id)
        payer = await open_customer(uow, vault)
        connection = await uow.driver()
        parties = await customers.find_parties(connection, [opened.account_id, payer.account_id, 1])
        by_mobile = await customers.find_accounts_by_mobile(connection, vault, ["13800138000", "1"])
        by_merchant = await customers.find_accounts_by_merchant(connection, [opened.id])
    assert account.chart_code == "2011.03"
    assert found == opened
    assert found.fee_rate == Decimal("0.006")
    assert found.fee_max == Money(5_000, "CNY")
    assert parties == {
        opened.account_id: customers.Party(
            account_id=opened.account_id,
            currency="CNY",
            merchant_id=opened.id,
            fee_rate=Decimal("0.006"),
            fee_max=5_000,
        ),
        payer.account_id: customers.Party(
            account_id=payer.account_id, currency="CNY", customer_id=payer.id, account_class=2
        ),
    }
    assert by_mobile == {"13800138000": payer.account_id}
    assert by_merchant == {opened.id: opened.account_id}


async def test_the_same_identifier_with_the_same_facts_opens_nothing_more(
    books: Database, vault: Vault
) -> None:
    async with books.unit_of_work() as uow:
        customer, merchant = await open_customer(uow, vault), await open_merchant(uow)
        before = await count(uow)
        assert await open_customer(uow, vault, customer_id=customer.id) == customer
        assert await open_merchant(uow, merchant_id=merchant.id) == merchant
        assert await count(uow) == before


async def test_refuses_a_mobile_number_that_is_taken(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        await open_customer(uow, vault)
        before = await count(uow)
        with pytest.raises(customers.MobileTaken) as refused:
            await open_customer(uow, vault, name="李雷")
        assert await count(uow) == before
    assert refused.value.code == "mobile_taken"
    assert refused.value.field == "mobile"


async def test_refuses_an_identifier_with_other_facts(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        customer, merchant = await open_customer(uow, vault), await open_merchant(uow)
        before = await count(uow)
        with pytest.raises(customers.CustomerExists):
            await open_customer(uow, vault, customer_id=customer.id, account_class=3)
        with pytest.raises(customers.MerchantExists):
            await open_merchant(uow, merchant_id=merchant.id, fee_rate=Decimal(0))
        assert await count(uow) == before


async def test_one_of_twenty_at_once_gets_the_mobile_number(books: Database, vault: Vault) -> None:
    async def attempt() -> customers.Customer | customers.MobileTaken:
        try:
            return await books.run(lambda uow: open_customer(uow, vault))
        except customers.MobileTaken as refusal:
            return refusal

    answers = await asyncio.gather(*(attempt() for _ in range(20)))
    opened = [answer for answer in answers if isinstance(answer, customers.Customer)]
    async with books.unit_of_work() as uow:
        assert len(opened) == 1
        assert await count(uow) == (1, 0, 1, 1, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "a" * 129),
        ("name", "a\0b"),
        ("mobile", "12800138000"),
        ("mobile", "1380013800"),
        ("mobile", "13800138000\n"),
        ("mobile", "１3800138000"),
        ("account_class", 0),
        ("account_class", 4),
        ("account_class", True),
        ("currency", "XYZ"),
    ],
)
async def test_refuses_a_customer_with_a_bad_field(
    books: Database, vault: Vault, field: str, value: object
) -> None:
    async with books.unit_of_work() as uow:
        with pytest.raises(InvalidField) as refused:
            await open_customer(uow, vault, **{field: value})
        assert await count(uow) == (0, 0, 0, 0, 0)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name_latin", "汇通"),
        ("name_latin", "A" * 26),
        ("city_latin", ""),
        ("city_latin", "A" * 16),
        ("category_code", "581"),
        ("fee_rate", Decimal("-0.001")),
        ("fee_rate", Decimal("0.100001")),
        ("fee_rate", Decimal("0.0000001")),
        ("fee_rate", Decimal("NaN")),
        ("fee_max", Money(-1, "CNY")),
        ("fee_max", Money(1, "USD")),
    ],
)
async def test_refuses_a_merchant_with_a_bad_field(
    books: Database, vault: Vault, field: str, value: object
) -> None:
    async with books.unit_of_work() as uow:
        with pytest.raises(InvalidField) as refused:
            await open_merchant(uow, **{field: value})
        assert await count(uow) == (0, 0, 0, 0, 0)
    assert refused.value.field == field


async def test_refuses_a_float_as_a_fee_rate(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        with pytest.raises(TypeError):
            await open_merchant(uow, fee_rate=0.006)


async def test_pages_lead_through_all_customers_once(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        opened = [
            await open_customer(uow, vault, mobile=f"1380013800{number}") for number in range(5)
        ]
        first = await customers.list_customers(uow, limit=2)
        second = await customers.list_customers(uow, limit=2, cursor=first.next_cursor)
        third = await customers.list_customers(uow, limit=2, cursor=second.next_cursor)
        merchants = await customers.list_merchants(uow)
        with pytest.raises(InvalidField):
            await customers.list_customers(uow, cursor="nonsense")
        with pytest.raises(InvalidField):
            await customers.list_customers(uow, limit=0)
    assert [*first.items, *second.items, *third.items] == opened
    assert third.next_cursor is None
    assert merchants.items == ()


async def test_asking_for_nobody_is_refused(books: Database, vault: Vault) -> None:
    async with books.unit_of_work() as uow:
        with pytest.raises(NotFound):
            await customers.get_customer(uow, uuid7())
        with pytest.raises(NotFound):
            await customers.get_merchant(uow, uuid7())
        assert await customers.find_customer_by_mobile(uow, vault, "13900139000") is None
        assert await customers.find_parties(await uow.driver(), [1]) == {}
