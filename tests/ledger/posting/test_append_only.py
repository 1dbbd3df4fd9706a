"""The journal cannot be changed: not by the application, and by no slip of the owner."""

import asyncpg
import pytest

PARTITION = "ledger.transfers_2026_03"
CHANGES = [
    "UPDATE {table} SET amount = amount + 1",
    "UPDATE {table} SET recorded_at = now()",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "MERGE INTO {table} t USING (VALUES (1)) v (one) ON true WHEN MATCHED THEN DELETE",
]
WAYS_AROUND = [
    "ALTER TABLE ledger.transfers DISABLE TRIGGER append_only",
    f"ALTER TABLE {PARTITION} DISABLE TRIGGER ALL",
    "DROP TRIGGER append_only ON ledger.transfers",
    "ALTER TABLE ledger.transfers ADD COLUMN note text",
    f"ALTER TABLE ledger.transfers DETACH PARTITION {PARTITION}",
    f"DROP TABLE {PARTITION}",
    "CREATE TABLE ledger.mine (id int)",
    "ALTER FUNCTION kernel.refuse_change() RENAME TO allow_change",
    "ALTER FUNCTION kernel.refuse_change() OWNER TO huitong_app",
    "SET session_replication_role = replica",
    "DELETE FROM ledger.balances",
    "TRUNCATE ledger.balances",
    "DELETE FROM ledger.holds",
    "UPDATE ledger.holds SET amount = 1",
    "UPDATE ledger.accounts SET currency = 'USD'",
    "DELETE FROM ledger.accounts",
    "UPDATE ledger.refusals SET reason = 'none'",
    "DELETE FROM ledger.refusals",
    "DELETE FROM ledger.meters",
    "SELECT setval('ledger.batches', 1)",
    "SELECT setval('ledger.account_numbers', 1)",
]


@pytest.fixture
async def posted(bench):
    """A bench with one transfer in the journal."""
    anna, shop = await bench.open_wallet(100), await bench.open()
    await bench.post(bench.request(bench.transfer(anna, shop, 10)))
    return bench


async def test_refuses_every_change_even_by_the_owner(posted):
    for table in ("ledger.transfers", PARTITION):
        for change in CHANGES:
            statement = change.format(table=table)
            with pytest.raises(asyncpg.PostgresError) as by_owner:
                await posted.owner.execute(statement)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await posted.app.execute(statement)
            assert by_owner.value.sqlstate == "HT002", statement

    assert await posted.owner.fetchval("SELECT sum(amount) FROM ledger.transfers") == 10


async def test_a_truncation_of_what_it_refers_to_does_not_reach_the_journal(posted):
    with pytest.raises(asyncpg.PostgresError):
        await posted.owner.execute("TRUNCATE ledger.transfers CASCADE")

    assert await posted.count_journal() == 1


async def test_a_partition_made_later_is_append_only_too(posted):
    assert await posted.app.fetchval("SELECT ledger.add_partition('2026-04-01')") is True
    assert await posted.app.fetchval("SELECT ledger.add_partition('2026-04-01')") is False

    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await posted.owner.execute("TRUNCATE ledger.transfers_2026_04")
    assert (
        await posted.owner.fetchval(
            "SELECT count(*) FROM pg_trigger WHERE tgname IN ('append_only',"
            " 'append_only_truncate') AND tgrelid = 'ledger.transfers_2026_04'::regclass"
        )
        == 2
    )


async def test_the_application_cannot_get_around_it(posted):
    # The session's own user is the superuser here, but SET ROLE does not carry its rights: what
    # is put to the proof is the application's role.
    for statement in WAYS_AROUND:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await posted.app.execute(statement)


async def test_the_application_cannot_give_itself_rights(posted):
    await posted.app.execute("SET client_min_messages = error")
    await posted.app.execute("GRANT UPDATE, DELETE ON ledger.transfers TO huitong_app")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await posted.app.execute("UPDATE ledger.transfers SET amount = 1")


async def test_the_application_cannot_write_a_partition_directly(posted):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await posted.app.execute(f"INSERT INTO {PARTITION} SELECT * FROM ledger.transfers")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await posted.app.fetch(f"SELECT * FROM {PARTITION}")


async def test_an_upsert_does_not_overwrite_a_transfer(posted):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await posted.app.execute(
            "INSERT INTO ledger.transfers SELECT * FROM ledger.transfers"
            " ON CONFLICT (id) DO UPDATE SET amount = 1"
        )
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await posted.owner.execute(
            "INSERT INTO ledger.transfers SELECT * FROM ledger.transfers"
            " ON CONFLICT (id) DO UPDATE SET amount = 1"
        )


async def test_the_database_itself_refuses_totals_that_break_a_limit(posted):
    wallet = await posted.owner.fetchval("SELECT min(account_id) FROM ledger.balances")

    for change in (
        "debits_posted = -1",
        "debits_posted = 101",
        "debits_pending = 91",
        "balance_max = 1",
        "state = 3",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await posted.app.execute(
                f"UPDATE ledger.balances SET {change} WHERE account_id = $1", wallet
            )
