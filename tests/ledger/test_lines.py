"""The projector: statement lines from the journal, each once, in order, whatever runs beside it."""

import asyncio
from datetime import date

import pytest

from huitong.ledger.lines import is_projected, project_all, project_lines
from huitong.ledger.types import TransferKind

LINES = """
    SELECT account_id, line, side, amount, balance_after, other_id
      FROM ledger.lines ORDER BY account_id, line
"""


async def test_makes_a_line_for_each_side_with_the_balance_after_it(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.move(customer, cash, 300)

    assert await books.project() == 4

    assert await books.fetch(LINES) == [
        (cash.id, 1, 1, 1_000, -1_000, customer.id),
        (cash.id, 2, -1, 300, -700, customer.id),
        (customer.id, 1, -1, 1_000, 1_000, cash.id),
        (customer.id, 2, 1, 300, 700, cash.id),
    ]
    heads = await books.fetch("SELECT account_id, line, balance FROM ledger.line_heads ORDER BY 1")
    assert heads == [(cash.id, 2, -700), (customer.id, 2, 700)]


async def test_runs_on_from_the_lines_of_an_earlier_step(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.project()
    await books.move(cash, customer, 5)

    assert await books.project() == 2

    rows = await books.fetch(LINES)
    assert rows[-1] == (customer.id, 2, -1, 5, 1_005, cash.id)


async def test_makes_no_line_of_a_hold_before_it_is_posted(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    kept = await books.hold(customer, cash, 400)
    voided = await books.hold(customer, cash, 100)
    assert await books.project() == 2

    await books.resolve(kept, TransferKind.POST_PENDING, 250)
    await books.resolve(voided, TransferKind.VOID_PENDING)

    assert await books.project() == 2
    assert (await books.fetch(LINES))[-1] == (customer.id, 2, 1, 250, 750, cash.id)


async def test_adds_up_what_moved_on_each_business_day(books):
    cash, customer = await books.open_pair()
    day, next_day = date(2026, 3, 2), date(2026, 3, 3)
    await books.move(cash, customer, 1_000, effective_on=day)
    await books.project()
    await books.move(customer, cash, 1, effective_on=day)
    await books.move(customer, cash, 20, effective_on=next_day)
    await books.project()

    rows = await books.fetch(
        "SELECT effective_on, debits, credits, lines FROM ledger.movements"
        " WHERE account_id = $1 ORDER BY 1",
        customer.id,
    )
    assert rows == [(day, 1, 1_000, 2), (next_day, 20, 0, 1)]


async def test_does_nothing_before_the_first_batch(books):
    assert await books.project() == 0
    assert await books.fetch("SELECT sequence FROM ledger.projection") == [(0,)]
    async with books.database.unit_of_work() as uow:
        assert await is_projected(uow)


async def test_waits_for_an_open_batch_with_a_smaller_sequence(books):
    cash, customer = await books.open_pair()
    other_cash, other_customer = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(cash, customer, 70))
        await books.move(other_cash, other_customer, 5)

        assert await books.project() == 0
        assert await books.project() == 0
        assert await books.fetch(LINES) == []

    assert await books.project() == 4
    assert len(await books.fetch(LINES)) == 4


async def test_waits_for_an_open_batch_whose_transaction_is_the_newest_of_all(books):
    cash, customer = await books.open_pair()
    other_cash, other_customer = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(cash, customer, 70))
        # The first step sets its fence while nothing at all came after the open batch.
        assert await books.project() == 0
        assert await books.project() == 0
    await books.move(other_cash, other_customer, 5)

    assert await books.project() == 4
    assert len(await books.fetch(LINES)) == 4


async def test_goes_on_up_to_the_last_fence_while_a_newer_batch_is_open(books):
    cash, customer = await books.open_pair()
    other_cash, other_customer = await books.open_pair()
    first = books.database.unit_of_work()
    uow = await first.__aenter__()
    await books.post_within(uow, books.transfer(cash, customer, 70))
    assert await books.project() == 0  # leaves a fence behind
    await first.__aexit__(None, None, None)
    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(other_cash, other_customer, 5))

        assert await books.project() == 2

        assert [row[0] for row in await books.fetch(LINES)] == [cash.id, customer.id]
    assert await books.project() == 2


async def test_passes_over_a_batch_that_was_rolled_back(books):
    cash, customer = await books.open_pair()

    async def post_and_fail(uow):
        await books.post_within(uow, books.transfer(cash, customer, 70))
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await books.database.run(post_and_fail)
    await books.move(cash, customer, 5)

    assert await books.project() == 2

    async with books.database.unit_of_work() as uow:
        assert await is_projected(uow)


async def test_leaves_the_work_to_a_projector_that_is_at_it(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 5)
    async with books.database.unit_of_work() as uow:
        await uow.execute("SELECT 1 FROM ledger.projection FOR UPDATE")

        assert await books.database.run(project_lines) == 0

    assert await books.project() == 2


async def test_makes_every_line_once_with_many_projectors_beside_posters(books):
    cash, customer = await books.open_pair()
    (second,) = await books.open()
    done = asyncio.Event()

    async def project() -> int:
        made = 0
        while not done.is_set():
            made += await books.database.run(project_lines)
            await asyncio.sleep(0)
        return made

    async def post() -> None:
        for amount in range(1, 16):
            await books.move(cash, customer, amount)
            await books.move(cash, second, amount)

    projecting = [asyncio.create_task(project()) for _ in range(3)]
    await asyncio.gather(post(), post())
    done.set()
    made = sum(await asyncio.gather(*projecting)) + await project_all(books.database)

    assert made == 120
    lines = await books.fetch(
        "SELECT line, balance_after FROM ledger.lines WHERE account_id = $1 ORDER BY line",
        customer.id,
    )
    assert [line for line, _ in lines] == list(range(1, 31))
    assert lines[-1] == (30, 2 * sum(range(1, 16)))


async def test_refuses_a_unit_of_work_that_has_written(books):
    cash, customer = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(cash, customer, 5))
        with pytest.raises(RuntimeError, match="nothing was written yet"):
            await project_lines(uow)


async def test_draws_batch_numbers_one_by_one(books):
    """A cache of numbers in a session would break the fence."""
    assert await books.fetch(
        "SELECT seqcache, seqincrement FROM pg_sequence WHERE seqrelid = 'ledger.batches'::regclass"
    ) == [(1, 1)]


async def test_brings_the_index_on_sequences_up_to_date(books):
    cash, customer = await books.open_pair()
    (second,) = await books.open()
    for _ in range(3):
        moves = [books.transfer(cash, customer, 1) for _ in range(900)]
        await books.post(*moves, books.transfer(cash, second, 1))
    async with books.superuser() as connection:
        await connection.execute(
            "DO $$ DECLARE part regclass; BEGIN"
            " FOR part IN SELECT inhrelid FROM pg_inherits"
            " WHERE inhparent = 'ledger.transfers_by_sequence'::regclass"
            " LOOP PERFORM brin_desummarize_range(part, 0); END LOOP; END $$"
        )
    await books.project()
    assert await books.fetch("SELECT ledger.summarize_sequences()") == [(0,)]


async def test_does_not_wait_for_whoever_holds_the_journal(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1)
    async with books.superuser() as connection, connection.transaction():
        await connection.execute("LOCK TABLE ledger.transfers IN SHARE UPDATE EXCLUSIVE MODE")
        assert await books.project() == 2
