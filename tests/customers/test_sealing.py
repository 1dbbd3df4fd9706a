"""Personal data is in no table as plain text, also not after a migration from a version before."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import customers, ledger
from huitong.kernel.database.migrations import upgrade_url
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.privacy import DataDestroyed, Vault, Viewer
from huitong.wiring.preparation import PlainDataLeft, prepare_url

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SEALED_AT_ONCE = 3


@pytest.fixture
def old_url(server: Any) -> Iterator[str]:
    """A database whose `post` migrations have not run, with people that an old process stored."""
    name = f"old_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    prepare_url(server.database_url(name), "pre")
    yield server.database_url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


async def store_plain(url: str, count: int, first: int = 0) -> None:
    """Store customers as the version before did."""
    async with Database(url, size=1) as database, database.unit_of_work() as uow:
        for number in range(first, first + count):
            identifier = uuid7()
            account = await ledger.open_account(
                uow, chart_code="2011.01", currency="CNY", name=f"秦{number}琼", owner_id=identifier
            )
            await uow.execute(
                "INSERT INTO customers.customers (id, name, mobile, account_class, account_id, "
                "currency, opened_at) VALUES (:id, :name, :mobile, 2, :account_id, 'CNY', :now)",
                id=identifier,
                name=f"秦{number}琼",
                mobile=f"1355500{number:04d}",
                account_id=account.id,
                now=NOW,
            )


async def test_a_migration_seals_everybody_in_steps_and_takes_the_plain_columns(
    old_url: str, vault: Vault, dump_database: Any
) -> None:
    await store_plain(old_url, 7)
    async with Database(old_url, size=1) as database:
        steps = [
            await database.run(
                lambda uow: customers.seal_plain_customers(uow, vault, limit=SEALED_AT_ONCE)
            )
            for _ in range(4)
        ]
        left = await database.run(customers.count_plain_customers)
    assert (steps, left) == ([3, 3, 1, 0], 0)
    # An old process that still runs stores one more, which the second phase seals.
    await store_plain(old_url, 1, first=7)
    await asyncio.to_thread(prepare_url, old_url, "post", make_vault=lambda: vault)
    async with (
        Database(old_url, role="huitong_app", size=1) as database,
        database.unit_of_work() as uow,
    ):
        page = await customers.list_customers(uow)
        people = await customers.show_people(uow, vault, page.items)
        found = await customers.find_customer_by_mobile(uow, vault, "13555000003")
        accounts = await customers.find_accounts_by_mobile(
            await uow.driver(), vault, ["13555000007", "13555000008"]
        )
        names = {(await ledger.get_account(uow, each.account_id)).name for each in page.items}
        assert await customers.count_plain_customers(uow) == 0
        assert await customers.seal_plain_customers(uow, vault) == 0
    assert [people[each.id].name for each in page.items] == ["秦*琼"] * 8
    assert people[page.items[3].id].mobile == "135****0003"
    assert found == page.items[3]
    assert accounts == {"13555000007": page.items[7].account_id}
    assert names == {"支付账户 Payment account"}
    dump = await dump_database(old_url)
    mobiles = [f"1355500{number:04d}" for number in range(8)]
    assert dump.find([*mobiles, *(f"秦{number}琼" for number in range(8))]) == []


async def test_the_plain_columns_stay_while_somebody_is_not_sealed(
    old_url: str, vault: Vault
) -> None:
    await store_plain(old_url, 1)
    with pytest.raises(PlainDataLeft):
        await asyncio.to_thread(prepare_url, old_url, "post")
    with pytest.raises(Exception, match="not sealed yet"):
        await asyncio.to_thread(upgrade_url, old_url, "post")
    async with Database(old_url, size=1) as database:
        assert await database.run(customers.count_plain_customers) == 1
        assert await database.run(lambda uow: customers.seal_plain_customers(uow, vault)) == 1


async def test_a_failed_step_seals_nobody(
    old_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_plain(old_url, 2)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the ledger is not there")

    async with Database(old_url, size=1) as database:
        monkeypatch.setattr(ledger, "rename_accounts", fail)
        with pytest.raises(RuntimeError):
            await database.run(lambda uow: customers.seal_plain_customers(uow, vault))
        assert await database.run(customers.count_plain_customers) == 2
        monkeypatch.undo()
        assert await database.run(lambda uow: customers.seal_plain_customers(uow, vault)) == 2


async def test_the_database_takes_no_half_sealed_customer(database: Database) -> None:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        account = await ledger.open_account(
            uow, chart_code="2011.01", currency="CNY", name="x", owner_id=uuid7()
        )
    with pytest.raises(DBAPIError, match="null value"):
        async with database.unit_of_work() as uow:
            await uow.execute(
                "INSERT INTO customers.customers (id, name_sealed, mobile_sealed, account_class, "
                "account_id, currency, opened_at) VALUES (:id, :sealed, :sealed, 1, :account, "
                "'CNY', :now)",
                id=uuid7(),
                sealed=b"0" * 40,
                account=account.id,
                now=NOW,
            )


async def test_people_are_shown_masked_and_in_full_only_with_a_reason(
    database: Database, vault: Vault
) -> None:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        await uow.execute("SELECT ledger.add_partition(:month)", month=date(2026, 11, 1))
        opened = await customers.open_customer(
            uow,
            vault,
            customer_id=uuid7(),
            name="秦叔宝",
            mobile="13555001234",
            account_class=2,
            now=NOW,
        )
        viewer = Viewer(actor="staff:1", roles=frozenset({"service"}))
        asked: dict[str, Any] = {
            "customer_id": opened.id,
            "viewer": viewer,
            "purpose": "customer_service",
            "now": NOW,
        }
        shown = await customers.disclose_customer(uow, vault, reason=None, **asked)
        whole = await customers.disclose_customer(uow, vault, reason="他问余额", **asked)
        count = await uow.fetch_value("SELECT count(*) FROM privacy.disclosures")
        assert sorted(shown.values.values()) == ["135****1234", "秦*宝"]
        assert sorted(whole.values.values()) == ["13555001234", "秦叔宝"]
        assert count == 1
        await vault.destroy(uow, opened.id, now=NOW)
        people = await customers.show_people(uow, vault, [opened])
        with pytest.raises(DataDestroyed):
            await customers.disclose_customer(uow, vault, reason="再问", **asked)
    assert people[opened.id] == customers.ShownPerson(name=None, mobile=None)
