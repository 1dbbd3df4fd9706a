"""Many posters at once, with real connections: exactly once, nothing lost, nobody overdrawn."""

import asyncio
import random

import pytest
from msgspec.structs import replace

from huitong.ledger import (
    AccountState,
    Columns,
    Job,
    MeterUse,
    Poster,
    Reason,
    TransferKind,
    Verdict,
)
from huitong.ledger.posting import post_columns, post_exactly

POSTED, REPLAYED, REFUSED = Verdict.POSTED, Verdict.REPLAYED, Verdict.REFUSED


async def run_posters(bench, batches, *, posters=3):
    """Let each poster of its own process-like queue work through its batches, all at once."""

    async def work(mine):
        poster = Poster(bench.database, clock=bench.clock, posters=1)
        await poster.start()
        answers = []
        for batch in mine:
            answers += await asyncio.gather(*[poster.submit(Job(request=r)) for r in batch])
        await poster.stop()
        return [answer.outcome for answer in answers]

    return await asyncio.gather(*[work(batches[at::posters]) for at in range(posters)])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_conserves_money_on_hot_accounts_in_crossing_directions(bench, seed):
    chance = random.Random(seed)
    wallets = [await bench.open_wallet(200) for _ in range(4)]
    opened = dict.fromkeys(wallets, 200)

    def batch():
        pairs = [chance.sample(wallets, 2) for _ in range(chance.randint(1, 30))]
        return [
            bench.request(bench.transfer(debit, credit, chance.randint(1, 120)))
            for debit, credit in pairs
        ]

    batches = [batch() for _ in range(24)]

    outcomes = [o for mine in await run_posters(bench, batches, posters=4) for o in mine]

    assert {o.reason for o in outcomes if o.verdict is REFUSED} <= {Reason.INSUFFICIENT_FUNDS}
    assert await bench.count_journal() == sum(o.verdict is POSTED for o in outcomes)
    totals = await bench.totals(*wallets)
    assert sum(credits_ - debits for debits, credits_, _, _ in totals) == 800
    assert all(debits <= credits_ for debits, credits_, _, _ in totals)
    assert await bench.list_differences(opened) == []


async def test_posts_the_same_ids_once_across_batches_at_the_same_time(bench):
    chance = random.Random(7)
    wallets = [await bench.open_wallet(10_000) for _ in range(5)]
    requests = [
        bench.request(bench.transfer(*chance.sample(wallets, 2), chance.randint(1, 9)))
        for _ in range(60)
    ]
    everywhere = []
    for _ in range(4):
        shuffled = chance.sample(requests, len(requests))
        everywhere += [shuffled[at : at + 15] for at in range(0, 60, 15)]

    outcomes = [o for mine in await run_posters(bench, everywhere, posters=4) for o in mine]

    assert sum(o.verdict is POSTED for o in outcomes) == 60
    assert sum(o.verdict is REPLAYED for o in outcomes) == 180
    assert await bench.count_journal() == 60
    assert await bench.list_differences(dict.fromkeys(wallets, 10_000)) == []


async def test_gives_one_of_two_contents_with_one_id_the_money(bench):
    wallets = [await bench.open_wallet(1_000) for _ in range(4)]
    # The two contents share no account, so no lock brings them in an order.
    first = [bench.request(bench.transfer(wallets[0], wallets[1], 1)) for _ in range(20)]
    second = [
        bench.request(
            replace(r.entry.transfers[0], debit_account_id=wallets[2], credit_account_id=wallets[3])
        )
        for r in first
    ]
    batches = [
        b
        for at in range(0, 20, 4)
        for b in (first[at : at + 4], list(reversed(second[at : at + 4])))
    ]

    outcomes = [o for mine in await run_posters(bench, batches, posters=2) for o in mine]

    assert sum(o.verdict is POSTED for o in outcomes) == 20
    assert sum(o.reason is Reason.ID_REUSED for o in outcomes) == 20
    assert await bench.count_journal() == 20
    assert await bench.list_differences(dict.fromkeys(wallets, 1_000)) == []


async def test_resolves_each_hold_once_whoever_comes_first(bench):
    anna, shop = await bench.open_wallet(500), await bench.open_wallet()
    holds = [bench.hold(anna, shop, 10) for _ in range(20)]
    await bench.post(*[bench.request(hold) for hold in holds])
    batches = [
        [bench.request(bench.resolve(hold, kind)) for hold in order]
        for kind in (TransferKind.POST_PENDING, TransferKind.VOID_PENDING)
        for order in (holds, holds[::-1])
    ]

    outcomes = [o for mine in await run_posters(bench, batches, posters=4) for o in mine]

    assert sum(o.verdict is POSTED for o in outcomes) == 20
    assert {o.reason for o in outcomes if o.verdict is REFUSED} <= {
        Reason.HOLD_POSTED,
        Reason.HOLD_VOIDED,
    }
    (_, _, held, _), (_, got, _, waiting) = await bench.totals(anna, shop)
    posted = await bench.owner.fetchval("SELECT count(*) FROM ledger.holds WHERE state = 1")
    assert (held, waiting, got) == (0, 0, posted * 10)
    assert await bench.list_differences({anna: 500}) == []


async def test_counts_the_first_uses_of_a_meter_one_after_the_other(bench):
    anna, shop = await bench.open_wallet(500), await bench.open()
    other = await bench.database.connect()
    use = MeterUse(
        account_id=anna, meter=1, amount=10, on_day=bench.transfer().effective_on, day_max=15
    )
    hold = bench.request(bench.hold(anna, shop, 10), meters=[use])
    try:
        open_transaction = bench.app.transaction()
        await open_transaction.start()
        await post_exactly(bench.app, [hold], now=bench.now)
        waiting = asyncio.create_task(
            bench.post(bench.request(bench.hold(anna, shop, 10), meters=[use]), connection=other)
        )
        await wait_until_blocked(bench)
        await open_transaction.commit()
        outcomes = await waiting
    finally:
        await other.close()

    assert outcomes[0].reason is Reason.DAY_LIMIT_EXCEEDED
    assert (await bench.fetch_meter(anna, 1))[1:3] == (10, 1)


async def test_never_passes_a_cap_that_many_posters_use_at_once(bench):
    anna, shop = await bench.open_wallet(5_000), await bench.open()

    def request(at):
        use = MeterUse(
            account_id=anna,
            meter=1,
            amount=10,
            on_day=bench.transfer().effective_on,
            day_max=200,
            day_count_max=1_000,
        )
        # Every third is a hold, so both ways write the same meter.
        make = bench.hold if at % 3 == 0 else bench.transfer
        return bench.request(make(anna, shop, 10), meters=[use])

    batches = [[request(at) for at in range(chunk, chunk + 4)] for chunk in range(0, 48, 4)]

    outcomes = [o for mine in await run_posters(bench, batches, posters=4) for o in mine]

    assert sum(o.verdict is POSTED for o in outcomes) == 20
    assert {o.reason for o in outcomes if o.verdict is REFUSED} == {Reason.DAY_LIMIT_EXCEEDED}
    assert (await bench.fetch_meter(anna, 1))[1:] == (200, 20, 200, 200)


async def test_refuses_a_hold_that_was_committed_while_it_waited_for_other_locks(bench):
    anna, shop, slow, other = [await bench.open_wallet(100) for _ in range(4)]
    hold = bench.hold(anna, shop, 10)
    waits = await bench.database.connect()
    try:
        async with bench.owner.transaction():
            await bench.owner.execute(
                "SELECT 1 FROM ledger.balances WHERE account_id = $1 FOR UPDATE", slow
            )
            waiting = asyncio.create_task(
                bench.post(
                    bench.request(bench.transfer(slow, other, 1)),
                    bench.request(bench.resolve(hold, TransferKind.POST_PENDING)),
                    connection=waits,
                )
            )
            await wait_until_blocked(bench)
            await bench.post(bench.request(hold))
        outcomes = await waiting
    finally:
        await waits.close()

    assert [o.verdict for o in outcomes] == [POSTED, REFUSED]
    assert outcomes[1].reason is Reason.HOLD_NOT_FOUND
    assert await bench.totals(anna) == [(0, 100, 10, 0)]


async def test_lets_nothing_out_after_a_freeze_has_been_confirmed(bench):
    anna, shop = await bench.open_wallet(100_000), await bench.open()
    poster = Poster(bench.database, clock=bench.clock, posters=2)
    await poster.start()
    twenty = asyncio.Semaphore(0)

    async def pay():
        answers = []
        for _ in range(60):
            request = bench.request(bench.transfer(anna, shop, 1))
            answers.append(await poster.submit(Job(request=request)))
            twenty.release()
        return answers

    payers = [asyncio.create_task(pay()) for _ in range(4)]
    for _ in range(20):
        await twenty.acquire()
    await bench.set_state(anna, AccountState.DEBITS_FROZEN)
    ((gone, *_),) = await bench.totals(anna)
    answers = [answer for mine in await asyncio.gather(*payers) for answer in mine]
    await poster.stop()

    assert await bench.totals(anna) == [(gone, 100_000, 0, 0)]
    assert sum(a.outcome.verdict is POSTED for a in answers) == gone
    assert {a.outcome.reason for a in answers if a.outcome.verdict is REFUSED} == {
        Reason.ACCOUNT_FROZEN
    }


async def test_large_batches_and_single_payments_cross_without_harm(bench):
    chance = random.Random(11)
    wallets = [await bench.open_wallet(1_000) for _ in range(30)]
    columns = [
        Columns.of(
            [bench.transfer(*chance.sample(wallets, 2), chance.randint(1, 5)) for _ in range(300)]
        )
        for _ in range(6)
    ]
    singles = [
        [bench.request(bench.transfer(*chance.sample(wallets, 2), chance.randint(1, 50)))]
        for _ in range(80)
    ]

    async def post_large(mine):
        connection = await bench.database.connect()
        try:
            return [o for each in mine for o in await post_columns(connection, each, now=bench.now)]
        finally:
            await connection.close()

    large_1, large_2, small = await asyncio.gather(
        post_large(columns[:4]), post_large(columns[2:]), run_posters(bench, singles, posters=2)
    )

    outcomes = [*large_1, *large_2, *[o for mine in small for o in mine]]
    assert await bench.count_journal() == sum(o.verdict is POSTED for o in outcomes)
    assert await bench.list_differences(dict.fromkeys(wallets, 1_000)) == []


async def wait_until_blocked(bench):
    """Wait until some backend of this database waits for a lock."""
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    while not await bench.owner.fetchval(statement):
        # The statistics of a transaction stay as they first were, unless they are cleared.
        await bench.owner.execute("SELECT pg_stat_clear_snapshot()")
        await asyncio.sleep(0.01)
