"""Names are compared by a digest that tells nothing of two people, and goes with the person."""

import asyncio
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from huitong import customers, ledger
from huitong.kernel.cryptography import SealBroken
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.privacy import Vault
from huitong.wiring.preparation import prepare_url

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NAMES = ("王芳", "王芳", "Li Lei")
#: One letter that folds into eighteen: a hundred of them are more than a digest is made of.
LONG = "\ufdfa" * 100


class Books:
    """A database with people and a merchant, and what is asked of their names."""

    def __init__(self, database: Database, url: str, vault: Vault) -> None:
        self.database, self.url, self.vault = database, url, vault
        self.people: list[customers.Customer] = []
        self.shop = 0

    async def open(self) -> None:
        async with self.database.unit_of_work() as uow:
            await ledger.install_chart(uow)
            await uow.execute("SELECT ledger.add_partition(:month)", month=date(2026, 11, 1))
            merchant = await customers.open_merchant(
                uow,
                merchant_id=uuid7(),
                name="汇通茶馆",
                name_latin="HUITONG TEA HOUSE",
                city_latin="PINGYAO",
                category_code="5812",
                fee_rate=Decimal("0.006"),
                now=NOW,
            )
            self.shop = merchant.account_id
        for name in NAMES:
            await self.add(name)

    async def add(self, name: str) -> customers.Customer:
        customer = await self.database.run(
            lambda uow: customers.open_customer(
                uow,
                self.vault,
                customer_id=uuid7(),
                name=name,
                mobile=f"1380013800{len(self.people)}",
                account_class=2,
                now=NOW,
            )
        )
        self.people.append(customer)
        return customer

    async def match(self, *pairs: tuple[int, str]) -> list[bool | None]:
        return await self.database.run(
            lambda uow: customers.match_holder_names(uow, self.vault, pairs)
        )

    async def indexes(self) -> list[bytes | None]:
        async with self.database.reading() as uow:
            rows = await uow.execute("SELECT name_index FROM customers.customers ORDER BY id")
        return [row.name_index and bytes(row.name_index) for row in rows]

    async def as_owner(self, statement: str, **values: Any) -> None:
        async with Database(self.url, size=1) as owner, owner.unit_of_work() as uow:
            await uow.execute(statement, **values)


@pytest.fixture
async def books(database: Database, owner_url: str, vault: Vault) -> Books:
    books = Books(database, owner_url, vault)
    await books.open()
    return books


async def test_a_name_is_the_holders_however_it_is_written(books: Books) -> None:
    fang, other, lei = [each.account_id for each in books.people]
    assert await books.match(
        (fang, "王芳"),
        (other, " 王 芳 "),
        (lei, "ＬＩ lei"),
        (lei, "Li Lai"),
        (fang, "王方"),
        (books.shop, "汇通 茶馆"),
        (books.shop, "汇通饭馆"),
        (999_999_999_999, "王芳"),
    ) == [True, True, True, False, False, True, False, None]
    assert await books.match() == []


async def test_two_people_of_one_name_have_two_digests_and_nobody_changes_one(books: Books) -> None:
    indexes = await books.indexes()
    assert len(set(indexes)) == len(NAMES)
    assert None not in indexes
    with pytest.raises(DBAPIError, match="permission denied"):
        await books.database.run(
            lambda uow: uow.execute("UPDATE customers.customers SET name_index = NULL")
        )
    assert await books.indexes() == indexes


async def test_what_the_digest_confirms_is_not_opened(books: Books) -> None:
    fang = books.people[0]
    # A seal that does not open: whoever tries is told so.
    await books.as_owner(
        "UPDATE customers.customers SET name_sealed = overlay(name_sealed PLACING '\\xff' FROM 40) "
        "WHERE id = :id",
        id=fang.id,
    )
    assert await books.match((fang.account_id, "王芳")) == [True]
    with pytest.raises(SealBroken):
        await books.match((fang.account_id, "王方"))


async def test_without_a_digest_the_sealed_name_is_compared(books: Books) -> None:
    await books.as_owner("UPDATE customers.customers SET name_index = NULL")
    fang, _, lei = [each.account_id for each in books.people]
    pairs = ((fang, "王芳"), (lei, "LI LEI"), (lei, "王芳"))
    assert await books.match(*pairs) == [True, True, False]
    long = await books.add(LONG)
    assert (await books.indexes())[-1] is None
    assert await books.match((long.account_id, LONG), (long.account_id, LONG[1:])) == [True, False]


async def test_a_digest_is_no_wider_than_one_person(books: Books) -> None:
    """The digest of one customer, written to another of the same name, confirms nothing."""
    fang, other, _ = books.people
    digest = (await books.indexes())[0]
    statement = "UPDATE customers.customers SET name_index = :index WHERE id = :id"
    await books.as_owner(statement, index=digest, id=other.id)
    await books.as_owner(statement, index=None, id=fang.id)
    assert customers.index_name(books.vault, other.id, "王芳") != digest
    # Both are right all the same: their sealed names say so.
    assert await books.match((other.account_id, "王芳"), (fang.account_id, "王芳")) == [True, True]


async def test_it_goes_when_the_customer_leaves_and_does_not_come_back(books: Books) -> None:
    gone = books.people[0]
    before = await books.indexes()
    data = customers.CustomerData(books.vault)
    await books.database.run(lambda uow: data.erase(uow, gone.id, now=NOW))
    assert await books.indexes() == [None, *before[1:]]
    assert await books.match((gone.account_id, "王芳")) == [False]
    await asyncio.to_thread(prepare_url, books.url, make_vault=lambda: books.vault)
    assert await books.indexes() == [None, *before[1:]]
    with pytest.raises(DBAPIError, match="customers_closed_has_no_name_index"):
        await books.as_owner(
            "UPDATE customers.customers SET name_index = :index WHERE id = :id",
            index=before[0],
            id=gone.id,
        )


async def test_no_name_is_right_once_the_data_is_destroyed(books: Books) -> None:
    fang = books.people[0]
    data = customers.CustomerData(books.vault)
    async with books.database.unit_of_work() as uow:
        await data.erase(uow, fang.id, now=NOW)
        await books.vault.destroy(uow, fang.id, now=NOW)
        await data.forget(uow, fang.id)
    assert await books.match((fang.account_id, "王芳")) == [False]


async def test_a_migration_gives_digests_to_those_who_have_none_in_steps(books: Books) -> None:
    before = await books.indexes()
    await books.as_owner("UPDATE customers.customers SET name_index = NULL")
    async with Database(books.url, size=1) as owner:
        first = await owner.run(lambda uow: customers.index_names_left(uow, books.vault, limit=2))
        assert first == books.people[1].id
        assert await books.indexes() == [*before[:2], None]
        # Interrupted here, the next migration goes on with whoever is left.
        await asyncio.to_thread(prepare_url, books.url, make_vault=lambda: books.vault)
        assert await books.indexes() == before
        assert await owner.run(lambda uow: customers.index_names_left(uow, books.vault)) is None


async def test_whoever_leaves_while_digests_are_made_has_none_afterwards(books: Books) -> None:
    await books.as_owner("UPDATE customers.customers SET name_index = NULL")
    gone = books.people[0]
    data = customers.CustomerData(books.vault)
    async with Database(books.url, size=1) as owner:
        async with books.database.unit_of_work() as leaving:
            await data.erase(leaving, gone.id, now=NOW)
            making = asyncio.create_task(
                owner.run(lambda uow: customers.index_names_left(uow, books.vault))
            )
            # Let it come to the locked row, or finish if it does not wait.
            await asyncio.wait([making], timeout=0.2)
        assert await making == books.people[-1].id
    indexes = await books.indexes()
    assert indexes[0] is None
    assert None not in indexes[1:]


@given(st.text(min_size=1, max_size=128).filter(str.isprintable), st.uuids())
def test_the_digest_agrees_with_the_folded_name(vault: Vault, name: str, who: uuid.UUID) -> None:
    index = customers.index_name(vault, who, name)
    assert index == customers.index_name(vault, who, f"　{name} ")
    assert index is None or index != customers.index_name(vault, who, f"{name}x")
