"""The fast way and the exact way are one ledger: the same answers, the same totals."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from huitong.kernel import limits
from huitong.kernel.ids import uuid7
from huitong.ledger import BalanceLimit, Columns, MeterUse, Reason, Transfer, TransferKind, Verdict
from huitong.ledger.posting import post_columns
from huitong.ledger.rules import ID_AGE_MAX, ID_AHEAD_MAX, is_id_time_in_range

ON_DAYS = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 2)]
relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# One line: debit, credit, amount, whether it is linked to the line before, which earlier line it
# repeats, which one it corrects, whether it is counted by a meter.
lines = st.tuples(
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([1, 2, 5, 10, 30, 60, 2**62, 2**63 - 1]),
    st.booleans(),
    st.none() | st.integers(0, 6),
    st.none() | st.integers(0, 6),
    st.none() | st.sampled_from(ON_DAYS),
)
batches = st.lists(st.lists(lines, min_size=1, max_size=5), min_size=1, max_size=5)


def make_transfer(debit, credit, amount, identifier=None):
    """Make a transfer without a ledger."""
    return Transfer(
        id=identifier or uuid7(),
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        currency="CNY",
        code=201,
        effective_on=date(2026, 3, 2),
    )


async def open_six(bench):
    """Two wallets, one with a maximum, an asset, two without limits; the first one is hot."""
    return [
        await bench.open(),
        await bench.open_wallet(100),
        await bench.open_wallet(20),
        await bench.open_wallet(40, balance_max=90),
        await bench.open(BalanceLimit.CREDITS_MUST_NOT_EXCEED_DEBITS, balance=50),
        await bench.open(),
    ]


def make_batches(bench, accounts, drawn):
    """Build the same requests over other accounts; identifiers differ, their places do not."""
    sent = []
    made = []
    for batch in drawn:
        entries = []
        for debit, credit, amount, is_linked, repeats, corrects, on_day in batch:
            if repeats is not None and repeats < len(sent):
                entries.append(([sent[repeats]], []))
                continue
            transfer = bench.transfer(
                accounts[debit],
                accounts[credit],
                amount,
                corrects_id=sent[corrects].id if corrects and corrects < len(sent) else None,
            )
            meters = []
            if on_day is not None:
                meters.append(
                    MeterUse(
                        account_id=accounts[debit],
                        meter=1,
                        amount=amount,
                        on_day=on_day,
                        day_max=60,
                        day_count_max=3,
                        year_max=100,
                    )
                )
            if is_linked and entries and entries[-1][0][0] not in sent:
                entries[-1][0].append(transfer)
                entries[-1][1].extend(meters)
            else:
                entries.append(([transfer], meters))
        made.append([bench.request(*transfers, meters=meters) for transfers, meters in entries])
        sent += [transfer for transfers, _ in entries for transfer in transfers]
    return made


def show(outcomes, accounts):
    return [
        (
            o.verdict,
            o.reason,
            o.index,
            accounts.index(o.account_id) if o.account_id in accounts else o.account_id,
            o.recorded_at is None,
        )
        for o in outcomes
    ]


async def read_meters(bench, accounts):
    # A meter that was only ever refused may be there or not: it has counted nothing.
    found = [await bench.fetch_meter(number, 1) for number in accounts]
    return [None if meter is None or meter[4] == 0 else meter for meter in found]


@relaxed
@given(drawn=batches)
async def test_a_poster_answers_as_the_exact_way_does(bench, drawn):
    ours, theirs = await open_six(bench), await open_six(bench)
    exact = make_batches(bench, ours, drawn)
    fast = make_batches(bench, theirs, drawn)

    for one, other in zip(exact, fast, strict=True):
        expected = show(await bench.post(*one), ours)
        assert show(await bench.post_queued(*other), theirs) == expected
        assert await bench.totals(*ours) == await bench.totals(*theirs)
    assert await read_meters(bench, ours) == await read_meters(bench, theirs)


@pytest.mark.parametrize("ahead_min", [0, 5_000], ids=["ahead", "in turn"])
@relaxed
@given(
    drawn=st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.integers(0, 5),
                st.sampled_from([-1, 0, 1, 5, 10, 30, 2**62, 2**63 - 1]),
                st.none() | st.integers(0, 4),
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=4,
    )
)
async def test_columns_answer_as_the_exact_way_does(bench, monkeypatch, ahead_min, drawn):
    monkeypatch.setattr(limits, "COLUMNS_AHEAD_MIN", ahead_min)
    ours, theirs = await open_six(bench), await open_six(bench)
    sent = []
    for batch in drawn:
        pairs = []
        for debit, credit, amount, repeats in batch:
            if repeats is not None and repeats < len(sent):
                pairs.append(sent[repeats])
            else:
                pairs.append(
                    (
                        bench.transfer(ours[debit], ours[credit], amount),
                        bench.transfer(theirs[debit], theirs[credit], amount),
                    )
                )
        sent += pairs

        expected = await bench.post(*[bench.request(one) for one, _ in pairs])
        columns = Columns.of([other for _, other in pairs])
        outcomes = await post_columns(bench.app, columns, now=bench.now)

        assert show(outcomes, theirs) == show(expected, ours)
        assert await bench.totals(*ours) == await bench.totals(*theirs)


@given(
    amounts=st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 2**40)),
        min_size=1,
        max_size=30,
    )
)
def test_columns_give_back_what_they_were_made_of(amounts):
    transfers = [make_transfer(debit, credit, amount) for debit, credit, amount in amounts]
    columns = Columns.of(transfers)

    assert [r.entry.transfers[0] for r in columns.to_requests()] == transfers
    accounts, debits, credits_ = columns.net()
    net = dict(
        zip(accounts.tolist(), zip(debits.tolist(), credits_.tolist(), strict=True), strict=True)
    )
    naive = {}
    for debit, credit, amount in amounts:
        naive[debit] = (naive.get(debit, (0, 0))[0] + amount, naive.get(debit, (0, 0))[1])
        naive[credit] = (naive.get(credit, (0, 0))[0], naive.get(credit, (0, 0))[1] + amount)
    assert net == naive
    assert accounts.tolist() == sorted(accounts.tolist())
    low, high = columns.bounds()
    assert all(low <= transfer.id <= high for transfer in transfers)
    assert columns.has_any([transfers[-1].id])
    assert not columns.has_any([uuid7()])


@given(
    offset_us=st.integers(-2_500, 2_500),
    end=st.sampled_from([-ID_AGE_MAX, ID_AHEAD_MAX]),
    now_us=st.integers(0, 10**6),
    marks=st.sampled_from([(7, 0b10), (7, 0b10), (7, 0b11), (7, 0b00), (4, 0b10), (8, 0b10)]),
)
def test_columns_judge_an_identifier_as_the_rules_do(offset_us, end, now_us, marks):
    version, variant = marks
    now = datetime(2026, 3, 2, 4, tzinfo=UTC) + timedelta(microseconds=now_us)
    made_us = (now + end - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    number = uuid7((made_us + offset_us) // 1_000).int
    number = number & ~(0xF << 76) | version << 76
    number = number & ~(0b11 << 62) | variant << 62
    identifier = uuid.UUID(int=number)
    columns = Columns.of([make_transfer(1, 2, 1, identifier)])

    assert columns.is_sound(now) == is_id_time_in_range(identifier, now)


async def test_copied_rows_are_the_rows_that_the_exact_way_writes(bench):
    anna, boris = await bench.open(), await bench.open()
    transfers = [bench.transfer(anna, boris, amount, code=301) for amount in (1, 2**62, 7)]
    transfers[1] = replace(transfers[1], amount=2**40)

    await post_columns(bench.app, Columns.of(transfers), now=bench.now)
    await bench.post(
        *[
            bench.request(replace(t, id=uuid7(int(bench.now.timestamp() * 1_000))))
            for t in transfers
        ]
    )

    rows = await bench.owner.fetch("SELECT * FROM ledger.transfers ORDER BY sequence")
    copied, written = [dict(row) for row in rows[:3]], [dict(row) for row in rows[3:]]
    for row in (*copied, *written):
        del row["id"], row["recorded_at"]
        row["sequence"] &= 0xFFFF
    assert copied == written
    assert [row["sequence"] for row in copied] == [1, 2, 3]
    assert [row["id"] for row in rows[:3]] == [transfer.id for transfer in transfers]
    assert rows[0]["recorded_at"] == rows[2]["recorded_at"] < rows[3]["recorded_at"]


async def test_no_way_makes_room_where_a_hold_has_reserved_it(bench):
    anna, shop = await bench.open(), await bench.open()
    await bench.post(bench.request(bench.hold(anna, shop, 2**62)))
    await bench.post(bench.request(bench.transfer(anna, shop, 2**62 - 2)))
    for post in (bench.post, bench.post_queued):
        (outcome,) = await post(bench.request(bench.transfer(anna, shop, 2)))
        assert outcome.reason is Reason.AMOUNT_TOO_LARGE
    columns = Columns.of([bench.transfer(anna, shop, 2)])
    (outcome,) = await post_columns(bench.app, columns, now=bench.now)
    assert outcome.reason is Reason.AMOUNT_TOO_LARGE


async def test_columns_keep_a_no_that_was_given_before(bench):
    anna, shop, bank = await bench.open_wallet(), await bench.open(), await bench.open()
    payment = bench.transfer(anna, shop, 10)
    await bench.post(bench.request(payment))
    await bench.post(bench.request(bench.transfer(bank, anna, 100)))
    neighbours = [bench.transfer(anna, shop, 1), payment, bench.transfer(anna, shop, 2)]

    outcomes = await post_columns(bench.app, Columns.of(neighbours), now=bench.now)

    assert [o.verdict for o in outcomes] == [Verdict.POSTED, Verdict.REFUSED, Verdict.POSTED]
    assert outcomes[1].reason is Reason.INSUFFICIENT_FUNDS
    assert await bench.totals(anna) == [(3, 100, 0, 0)]


async def test_a_batch_that_changes_no_total_can_be_written(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    hold = bench.hold(anna, shop, 10)

    outcomes = await bench.post_queued(
        bench.request(hold), bench.request(bench.resolve(hold, TransferKind.VOID_PENDING))
    )

    assert [o.verdict for o in outcomes] == [Verdict.POSTED, Verdict.POSTED]
    assert await bench.totals(anna, shop) == [(0, 10, 0, 0), (0, 0, 0, 0)]


async def test_sequences_of_two_batches_never_meet(bench):
    anna, boris = await bench.open(), await bench.open()
    columns = [Columns.of([bench.transfer(anna, boris, 1) for _ in range(400)]) for _ in range(2)]
    other = await bench.database.connect()
    try:
        await asyncio.gather(
            post_columns(bench.app, columns[0], now=bench.now),
            post_columns(other, columns[1], now=bench.now),
        )
    finally:
        await other.close()

    rows = await bench.owner.fetch("SELECT sequence FROM ledger.transfers ORDER BY sequence")
    assert len({row[0] for row in rows}) == 800
    assert {row[0] & 0xFFFF for row in rows} == set(range(1, 401))
