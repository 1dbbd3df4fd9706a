"""Online features against a model that keeps every event and adds them up again each time."""

import math
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitong.kernel.database.unit_of_work import Database
from huitong.risk.decisioning.features import online
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.features.rows import (
    FAST_OUTFLOW,
    ROUND_NIGHT,
    estimate_others,
    sketch_bit,
)
from huitong.risk.decisioning.types import Features

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
DEVICE = uuid.UUID(int=7)
MARKS = MarkRules(test_below=1_000, fast_share=0.9, fast_seconds=1_800)


def pay(payer: int, payee: int, amount: int = 100, **more: Any) -> PaymentFacts:
    return PaymentFacts(
        payer_account_id=payer, payee_account_id=payee, amount=amount, kind="transfer", **more
    )


async def post(database: Database, facts: Sequence[PaymentFacts], at: datetime) -> None:
    async with database.unit_of_work() as uow:
        statement = online.make_update(facts, at=at)
        await (await uow.driver()).execute(statement.text, *statement.arguments)


async def load(database: Database, facts: Sequence[PaymentFacts], at: datetime) -> Features:
    async with database.unit_of_work() as uow:
        return await online.load_features(await uow.driver(), facts, at=at, marks=MARKS)


def value(features: Features, name: str, place: int = 0) -> Any:
    column = features[name]
    if column.known is not None and not column.known[place]:
        return None
    return column.values[place].item() if hasattr(column.values[place], "item") else None


def decayed(events: list[tuple[datetime, int]], at: datetime, half_life: float) -> float:
    return sum(
        weight * 2 ** -((at - happened).total_seconds() / half_life) for happened, weight in events
    )


class TestExamples:
    async def test_first_payment_knows_nothing(self, database: Database) -> None:
        features = await load(database, [pay(1, 2)], NOW)
        assert value(features, "payments_1h") == 0
        assert value(features, "is_new_payee") is True
        assert value(features, "seconds_since_payment") is None
        assert value(features, "amount_to_mean_30d") is None
        assert value(features, "device_payments_1h") is None

    async def test_counter_halves_in_its_half_life(self, database: Database) -> None:
        await post(database, [pay(1, 2, 400)], NOW)
        later = NOW + timedelta(hours=1)
        features = await load(database, [pay(1, 2)], later)
        assert value(features, "payments_1h") == pytest.approx(0.5, rel=1e-12)
        assert value(features, "paid_1h") == pytest.approx(200, rel=1e-12)
        assert value(features, "seconds_since_payment") == 3_600
        assert value(features, "is_new_payee") is False
        await post(database, [pay(1, 3, 100)], later)
        features = await load(database, [pay(1, 3)], later)
        assert value(features, "payments_1h") == pytest.approx(1.5, rel=1e-12)
        assert value(features, "payees_today") == pytest.approx(2, abs=0.05)

    async def test_payments_to_new_payees_are_counted_once_each(self, database: Database) -> None:
        batch = [pay(1, 2), pay(1, 3), pay(1, 2)]
        features = await load(database, batch, NOW)
        assert [value(features, "new_payees_1d", place) for place in range(3)] == [0, 1, 2]
        await post(database, batch, NOW)
        features = await load(database, [pay(1, 4), pay(9, 2)], NOW + timedelta(days=1))
        assert value(features, "new_payees_1d", 0) == pytest.approx(1, rel=1e-12)
        assert value(features, "new_payees_1d", 1) == 0

    async def test_tests_are_payments_below_the_amount(self, database: Database) -> None:
        batch = [pay(1, 2, 999), pay(1, 2, 1_000), pay(1, 2, 1)]
        features = await load(database, batch, NOW)
        assert [value(features, "test_payments_1h", place) for place in range(3)] == [0, 1, 1]
        await post(database, batch, NOW)
        features = await load(database, [pay(1, 2)], NOW)
        assert value(features, "test_payments_1h") == 2

    async def test_money_that_leaves_soon_after_it_came_is_a_fast_outflow(
        self, database: Database
    ) -> None:
        incoming = [pay(5, 1, 100_000)]
        await load(database, incoming, NOW)
        await post(database, incoming, NOW)
        soon, late = NOW + timedelta(minutes=10), NOW + timedelta(hours=2)
        little = [pay(1, 2, 5_000)]
        await load(database, little, soon)
        assert not little[0].marks & FAST_OUTFLOW
        much = [pay(1, 2, 95_000)]
        await load(database, much, soon)
        assert much[0].marks & FAST_OUTFLOW
        await post(database, much, soon)
        features = await load(database, [pay(1, 3)], soon)
        assert value(features, "fast_outflows_30d") == 1
        again = [pay(1, 3, 95_000)]
        await load(database, again, late)
        assert not again[0].marks & FAST_OUTFLOW, "half an hour is over"

    async def test_round_amounts_at_night_to_merchants_are_marked(self, database: Database) -> None:
        night = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
        batch = [
            pay(1, 2, 30_000, is_merchant=True),
            pay(1, 3, 20_000, is_merchant=True),
            pay(1, 2, 30_001, is_merchant=True),
            pay(1, 2, 30_000),
        ]
        features = await load(database, batch, night)
        counted = [value(features, "round_night_payments_30d", place) for place in range(4)]
        assert counted == [0, 1, 2, 2]
        to_payee = [value(features, "round_night_payments_to_payee_30d", p) for p in range(4)]
        assert to_payee == [0, 0, 1, 1]
        by_day = [pay(1, 2, 30_000, is_merchant=True)]
        await load(database, by_day, NOW)
        assert not by_day[0].marks & ROUND_NIGHT

    async def test_what_was_received_is_the_payers_inflow(self, database: Database) -> None:
        await post(database, [pay(1, 2, 1_000)], NOW)
        features = await load(database, [pay(2, 3, 950)], NOW)
        assert value(features, "received_1h") == 1_000
        assert value(features, "outflow_to_inflow_1h") == pytest.approx(0.95)
        assert value(features, "payments_1h") == 0

    async def test_payments_in_front_in_the_batch_count(self, database: Database) -> None:
        batch = [pay(1, payee, 100, device_id=DEVICE) for payee in (2, 3, 2)] + [pay(2, 1, 50)]
        features = await load(database, batch, NOW)
        assert [value(features, "payments_1m", place) for place in range(4)] == [0, 1, 2, 0]
        assert [value(features, "is_new_payee", place) for place in range(4)] == [
            True,
            True,
            False,
            True,
        ]
        assert [value(features, "device_payments_1h", place) for place in range(4)] == [
            0,
            1,
            2,
            None,
        ]
        # Account 2 has received twice in this very batch.
        assert value(features, "received_1h", 3) == 200
        assert value(features, "seconds_since_payment", 2) == 0

    async def test_new_device_is_one_without_payments(self, database: Database) -> None:
        features = await load(database, [pay(1, 2, device_id=DEVICE)], NOW)
        assert value(features, "is_new_device") is True
        assert value(features, "device_payments_1h") == 0
        assert value(features, "device_payers_today") == 0
        assert value(features, "address_payments_1m") is None
        await post(database, [pay(1, 2, device_id=DEVICE)], NOW)
        features = await load(database, [pay(1, 2, device_id=DEVICE), pay(1, 2)], NOW)
        assert [value(features, "is_new_device", place) for place in (0, 1)] == [False, None]

    async def test_sketch_starts_anew_with_the_business_day(self, database: Database) -> None:
        await post(database, [pay(1, payee) for payee in range(10, 40)], NOW)
        today = await load(database, [pay(1, 2)], NOW)
        assert value(today, "payees_today") == pytest.approx(30, rel=0.3)
        tomorrow = await load(database, [pay(1, 2)], NOW + timedelta(days=1))
        assert value(tomorrow, "payees_today") == 0

    async def test_after_years_counters_are_nothing_and_no_error(self, database: Database) -> None:
        await post(database, [pay(1, 2, 10**12)], NOW)
        much_later = NOW + timedelta(days=4_000)
        await post(database, [pay(1, 2, 1)], much_later)
        features = await load(database, [pay(1, 2)], much_later)
        assert value(features, "payments_1m") == pytest.approx(1)

    async def test_late_event_is_worth_what_is_left_of_it(self, database: Database) -> None:
        await post(database, [pay(1, 2, 100)], NOW)
        await post(database, [pay(1, 2, 100)], NOW - timedelta(hours=1))
        features = await load(database, [pay(1, 2)], NOW)
        assert value(features, "payments_1h") == pytest.approx(1.5, rel=1e-12)
        assert value(features, "seconds_since_first_payment") == 3_600


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.tuples(
            st.integers(0, 200_000),
            st.lists(
                st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 10**7)),
                min_size=1,
                max_size=6,
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
async def test_agrees_with_every_event_added_up(database: Database, batches: Any) -> None:
    # One database for all examples: each example takes accounts of its own.
    base = uuid.uuid4().int % 10**9 * 10
    events: list[tuple[datetime, int, int, int]] = []
    at = NOW
    for seconds, payments in batches:
        at += timedelta(seconds=seconds, microseconds=seconds % 7)
        facts = [pay(base + payer, base + payee, amount) for payer, payee, amount in payments]
        features = await load(database, facts, at)
        for place, each in enumerate(facts):
            mine = [e for e in events if e[1] == each.payer_account_id]
            counts = [(e[0], 1) for e in mine]
            sums = [(e[0], e[3]) for e in mine]
            received = [(e[0], e[3]) for e in events if e[2] == each.payer_account_id]
            paired = [e for e in mine if e[2] == each.payee_account_id]
            assert value(features, "payments_1m", place) == pytest.approx(decayed(counts, at, 60))
            assert value(features, "paid_30d", place) == pytest.approx(
                decayed(sums, at, 30 * 86_400)
            )
            assert value(features, "received_1h", place) == pytest.approx(
                decayed(received, at, 3_600)
            )
            assert value(features, "is_new_payee", place) is (not paired)
            last = value(features, "seconds_since_payment", place)
            assert last == (math.floor((at - mine[-1][0]).total_seconds()) if mine else None)
            events.append((at, each.payer_account_id, each.payee_account_id, each.amount))
        await post(database, facts, at)


async def test_updates_that_meet_lose_nothing(database: Database) -> None:
    import asyncio

    async def one(number: int) -> None:
        await post(database, [pay(1, 2, 10), pay(2, 1, 10), pay(3, 2, 10)], NOW)

    await asyncio.gather(*(one(number) for number in range(12)))
    features = await load(database, [pay(1, 2), pay(2, 1)], NOW)
    assert value(features, "payments_1d") == 12
    assert value(features, "payee_receipts_1d") == 24
    assert value(features, "payee_received_30d", 1) == 120


class TestLargeBatches:
    """Batches whose payments have much in common, or amounts that 64 bits cannot add up."""

    async def test_each_sees_whom_those_in_front_paid(self, database: Database) -> None:
        facts = [pay(1, payee, is_strong=True) for payee in range(2, 42)]
        features = await load(database, facts, NOW)
        assert features["payments_1h"].values.tolist() == list(range(40))
        assert features["paid_1d"].values.tolist() == [100 * before for before in range(40)]
        sketch, estimates = 0, []
        for each in facts:
            estimates.append(estimate_others(sketch))
            sketch |= sketch_bit(each.payee_account_id)
        assert features["payees_today"].values.tolist() == estimates
        assert features["payee_payers_today"].values.tolist() == [0.0] * 40
        # Each pays somebody new, and those behind it see that it did.
        assert features["new_payees_1d"].values.tolist() == list(range(40))

    async def test_a_payee_pays_on_what_it_received_in_front(self, database: Database) -> None:
        facts = [pay(number, number + 1, 5_000) for number in range(1, 20)]
        features = await load(database, facts, NOW)
        assert features["receipts_1h"].values.tolist() == [0.0] + [1.0] * 18
        assert features["received_1h"].values.tolist() == [0.0] + [5_000.0] * 18
        assert [each.marks & FAST_OUTFLOW for each in facts] == [0] + [FAST_OUTFLOW] * 18

    async def test_amounts_beyond_64_bits_are_added_up(self, database: Database) -> None:
        huge = 2**62
        facts = [pay(1, 2, huge), pay(1, 3, huge), pay(1, 4, huge), pay(5, 6, 7), pay(5, 6, 7)]
        features = await load(database, facts, NOW)
        assert features["paid_1h"].values.tolist() == [0.0, huge, 2.0 * huge, 0.0, 7.0]
        await post(database, facts, NOW)
        later = await load(database, [pay(1, 9), pay(5, 6)], NOW)
        assert later["paid_1h"].values.tolist() == [3.0 * huge, 14.0]
