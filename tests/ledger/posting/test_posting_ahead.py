"""Large batches that write the journal before they lock balances: order, turns, ways back."""

import asyncio

import asyncpg
import pytest

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database
from huitong.ledger import Columns, Verdict, list_statement, posting, project_all, verify_ledger
from huitong.ledger import columns as columns_module
from huitong.ledger.posting import post_columns


@pytest.fixture(autouse=True)
def every_batch_goes_ahead(monkeypatch):
    monkeypatch.setattr(limits, "COLUMNS_AHEAD_MIN", 1)


def make_columns(bench, pairs, amount=1):
    return Columns.of([bench.transfer(debit, credit, amount) for debit, credit in pairs])


def run_after_copy(monkeypatch, action):
    """Let `action` happen once, when a batch has written its rows and locked nothing yet."""
    copy = posting._copy
    waiting = [action]

    async def copy_and_act(*arguments):
        await copy(*arguments)
        if waiting:
            await waiting.pop()()

    monkeypatch.setattr(posting, "_copy", copy_and_act)


async def read_journal(bench):
    return await bench.owner.fetch("SELECT * FROM ledger.transfers ORDER BY sequence")


async def check_clean(database: Database):
    await project_all(database)
    report = await verify_ledger(database)
    # The bench opens accounts without the journal entries that real ones have.
    return [f for f in report.findings if f.invariant.startswith(("lines", "sequences"))]


async def test_what_was_posted_meanwhile_stands_before_it(bench, monkeypatch):
    payer, payee = await bench.open_wallet(100), await bench.open_wallet()
    small = bench.request(bench.transfer(payer, payee, 7))
    run_after_copy(monkeypatch, lambda: bench.post(small, connection=other))
    other = await bench.database.connect()

    await post_columns(bench.app, make_columns(bench, [(payer, payee)] * 3), now=bench.now)
    after = bench.transfer(payer, payee, 9)
    await bench.post(bench.request(after))

    journal = await read_journal(bench)
    assert [row["amount"] for row in journal] == [7, 1, 1, 1, 9]
    # The rows of the batch were written first, and say so; their lines do not go back in time.
    assert journal[1]["recorded_at"] < journal[0]["recorded_at"]
    await project_all(bench.database)
    async with bench.database.reading() as uow:
        lines = (await list_statement(uow, payee)).items
    assert [line.amount.minor for line in lines] == [9, 1, 1, 1, 7]
    times = [line.recorded_at for line in reversed(lines)]
    assert times == sorted(times)
    assert times[1] == journal[0]["recorded_at"]
    await other.close()


async def test_a_statement_is_the_same_before_and_after_it_is_projected(bench, monkeypatch):
    payer, payee = await bench.open_wallet(100), await bench.open_wallet()
    small = bench.request(bench.transfer(payer, payee, 7))
    other = await bench.database.connect()
    run_after_copy(monkeypatch, lambda: bench.post(small, connection=other))
    await post_columns(bench.app, make_columns(bench, [(payer, payee)] * 3), now=bench.now)
    async with bench.database.reading() as uow:
        before = (await list_statement(uow, payee)).items

    await project_all(bench.database)

    async with bench.database.reading() as uow:
        assert (await list_statement(uow, payee)).items == before
    await other.close()


async def test_a_place_that_was_passed_is_given_up(bench, monkeypatch):
    payer, payee = await bench.open_wallet(100), await bench.open_wallet()

    async def draw_many():
        await bench.owner.execute(
            "SELECT nextval('ledger.batches') FROM generate_series(1, $1)", limits.PLACE_GAP + 5
        )

    run_after_copy(monkeypatch, draw_many)

    outcomes = await post_columns(
        bench.app, make_columns(bench, [(payer, payee)] * 4), now=bench.now
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.POSTED] * 4
    assert await bench.totals(payer, payee) == [(4, 100, 0, 0), (0, 4, 0, 0)]
    assert [row["sequence"] >> 16 for row in await read_journal(bench)] == [
        limits.PLACE_GAP + 6
    ] * 4


async def test_a_refusal_takes_the_rows_back(bench):
    payer, payee = await bench.open_wallet(2), await bench.open_wallet()

    outcomes = await post_columns(
        bench.app, make_columns(bench, [(payer, payee)] * 3), now=bench.now
    )

    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.POSTED, Verdict.POSTED, Verdict.REFUSED,
    ]  # fmt: skip
    assert await bench.count_journal() == 2
    assert await bench.totals(payer, payee) == [(2, 2, 0, 0), (0, 2, 0, 0)]


async def test_a_batch_may_be_longer_than_one_number_holds(bench, monkeypatch):
    monkeypatch.setattr(columns_module, "POSITIONS", 3)
    payer, payee = await bench.open_wallet(100), await bench.open_wallet()
    first, second = (make_columns(bench, [(payer, payee)] * size) for size in (8, 2))

    await post_columns(bench.app, first, now=bench.now)
    await post_columns(bench.app, second, now=bench.now)

    sequences = [row["sequence"] for row in await read_journal(bench)]
    numbers = [sequence >> 16 for sequence in sequences]
    start = numbers[0]
    assert numbers[:8] == [start] * 3 + [start + 1] * 3 + [start + 2] * 2
    assert [sequence & 65535 for sequence in sequences[:8]] == [1, 2, 3, 1, 2, 3, 1, 2]
    assert numbers[8] > start + 2
    assert await bench.owner.fetchval("SELECT last_value FROM ledger.batches") == numbers[9]
    assert await check_clean(bench.database) == []


async def test_a_long_batch_that_lost_its_place_takes_no_other_number(bench, monkeypatch):
    monkeypatch.setattr(columns_module, "POSITIONS", 3)
    monkeypatch.setattr(limits, "COLUMNS_AHEAD_MIN", 100)
    payer, payee = await bench.open_wallet(100), await bench.open_wallet()

    await post_columns(bench.app, make_columns(bench, [(payer, payee)] * 8), now=bench.now)
    await bench.post(bench.request(bench.transfer(payer, payee, 1)))

    sequences = [row["sequence"] for row in await read_journal(bench)]
    assert len(set(sequences)) == 9
    assert sequences[8] >> 16 == await bench.owner.fetchval("SELECT last_value FROM ledger.batches")
    assert await bench.totals(payer, payee) == [(9, 100, 0, 0), (0, 9, 0, 0)]
    assert await check_clean(bench.database) == []


async def test_many_at_once_keep_one_order(bench):
    accounts = [await bench.open_wallet(10_000) for _ in range(6)]
    connections = [await bench.database.connect() for _ in range(4)]

    async def post_some(number, connection):
        for size in (40, 1, 13, 200, 3):
            pairs = [
                (accounts[(number + at) % 6], accounts[(number + at + 1 + size % 4) % 6])
                for at in range(size)
            ]
            if size < 10:
                await bench.post(
                    *[bench.request(bench.transfer(*pair, 1)) for pair in pairs],
                    connection=connection,
                )
            else:
                await post_columns(connection, make_columns(bench, pairs), now=bench.now)

    await asyncio.gather(*(post_some(*each) for each in enumerate(connections)))

    assert await bench.count_journal() == 4 * 257
    assert await bench.list_differences(dict.fromkeys(accounts, 10_000)) == []
    assert await check_clean(bench.database) == []
    for connection in connections:
        await connection.close()


async def test_the_application_cannot_set_the_sequence_itself(bench):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bench.app.execute("SELECT setval('ledger.batches', 1)")
