"""Features in the path and over history are the same, for every feature and every payment."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features import online
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.features.offline import compute_features
from huitong.risk.decisioning.features.path import PATH
from huitong.risk.decisioning.features.rows import SKETCH_BITS, sketch_bit, sketch_places
from huitong.risk.decisioning.types import Column, Features, FeatureType

#: A little before midnight in Shanghai, so that days change within a history.
START = datetime(2026, 11, 26, 15, 50, tzinfo=UTC)
SHANGHAI = timedelta(hours=8)
KINDS = ("transfer", "collection")


def rules_of(day: date) -> MarkRules:
    """Rules that change with the day."""
    is_odd = day.day % 2 == 1
    return MarkRules(
        test_below=2_000 if is_odd else 1_000,
        fast_share=0.7 if is_odd else 0.5,
        fast_seconds=1_800 if is_odd else 3_600,
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Payments that were decided at once; the last may have been refused."""

    wait: timedelta
    payments: list[tuple[Any, ...]]
    is_last_refused: bool


# Waits that meet the edges: the same instant, a fast outflow's window, midnight, a half-life.
WAITS = st.one_of(
    st.sampled_from([0, 1, 599_999_999, 600_000_000, 1_800_000_000, 86_400_000_000]),
    st.integers(0, 200_000_000_000),
)
AMOUNTS = st.one_of(st.sampled_from([999, 1_000, 10_000, 20_000]), st.integers(1, 10**7))
PAYMENTS = st.tuples(
    st.integers(0, 3),
    st.integers(0, 3),
    AMOUNTS,
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1, 2, 3]),
)
BATCHES = st.builds(
    Batch,
    wait=WAITS.map(lambda many: timedelta(microseconds=many)),
    payments=st.lists(PAYMENTS, min_size=1, max_size=5),
    is_last_refused=st.sampled_from([False, False, True]),
)


def make_facts(base: int, payment: tuple[Any, ...]) -> PaymentFacts:
    payer, payee, amount, device, address, kind, is_merchant, is_strong, account_class = payment
    return PaymentFacts(
        payer_account_id=base + payer,
        payee_account_id=base + payee,
        amount=amount,
        kind=kind,
        device_id=None if device is None else uuid.UUID(int=base + device),
        address=None if address is None else base + address,
        is_merchant=is_merchant,
        is_strong=is_strong,
        account_class=account_class,
    )


async def pay(
    database: Database, batch: Sequence[PaymentFacts], at: datetime, *, posted: int
) -> Features:
    """Decide about a batch and post so many of it, as the payment path does."""
    rules = rules_of((at + SHANGHAI).date())
    async with database.unit_of_work() as uow:
        connection = await uow.driver()
        features = await online.load_features(connection, batch, at=at, marks=rules)
        if posted:
            statement = online.make_update(batch[:posted], at=at)
            await connection.execute(statement.text, *statement.arguments)
    return features


def to_event(number: int, at: datetime, facts: PaymentFacts, *, is_posted: bool) -> dict[str, Any]:
    return {
        "id": number,
        "at": at,
        "payer": facts.payer_account_id,
        "payee": facts.payee_account_id,
        "amount": facts.amount,
        "device": None if facts.device_id is None else str(facts.device_id),
        "address": None if facts.address is None else str(facts.address),
        "kind": facts.kind,
        "is_merchant": facts.is_merchant,
        "is_strong": facts.is_strong,
        "account_class": facts.account_class,
        "is_posted": is_posted,
    }


SCHEMA = pa.schema(
    [
        ("id", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("payer", pa.int64()),
        ("payee", pa.int64()), ("amount", pa.int64()), ("device", pa.string()),
        ("address", pa.string()), ("kind", pa.string()), ("is_merchant", pa.bool_()),
        ("is_strong", pa.bool_()), ("account_class", pa.int64()), ("is_posted", pa.bool_()),
    ]
)  # fmt: skip


def compute(events: list[dict[str, Any]]) -> Features:
    table = ibis.duckdb.connect().create_table("history", pa.Table.from_pylist(events, SCHEMA))
    names = [each.name for each in PATH]
    return compute_features(table, names, among=PATH, utc_offset=SHANGHAI, mark_rules=rules_of)


def read(column: Column) -> Iterator[Any]:
    known = np.ones(len(column.values), bool) if column.known is None else column.known
    for value, is_known in zip(column.values.tolist(), known.tolist(), strict=True):
        yield value if is_known else None


def assert_equal(over_history: Features, in_path: Sequence[Features]) -> None:
    for name, kind in PAYMENT_FEATURES.items():
        assert over_history[name].type is kind
        offline = list(read(over_history[name]))
        path = [value for features in in_path for value in read(features[name])]
        assert len(offline) == len(path)
        for row, (one, other) in enumerate(zip(offline, path, strict=True)):
            if kind is FeatureType.NUMBER and one is not None and other is not None:
                # The path keeps e^-60 of what is long gone, which is below 10^-12 of a fen.
                assert one == pytest.approx(other, rel=1e-9, abs=1e-12), (name, row)
            else:
                assert one == other, (name, row)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(BATCHES, min_size=1, max_size=8))
async def test_every_feature_of_every_payment_is_the_same(
    database: Database, batches: list[Batch]
) -> None:
    # One database for all examples: each example takes accounts and devices of its own.
    base = uuid.uuid4().int % 10**9 * 1_000
    at, events, in_path = START, [], []
    for batch in batches:
        at += batch.wait
        facts = [make_facts(base, each) for each in batch.payments]
        posted = len(facts) - batch.is_last_refused
        in_path.append(await pay(database, facts, at, posted=posted))
        events += [
            to_event(len(events) + place, at, each, is_posted=place < posted)
            for place, each in enumerate(facts)
        ]
    assert_equal(compute(events), in_path)


async def test_a_long_chain_in_one_batch_and_over_midnight_is_the_same(database: Database) -> None:
    """Many payers to one payee, which pays out at once: every counter moves."""
    at, events, in_path = START, [], []
    for hour in range(30):
        crowd = [(100 + payer % 70, 1, 999 + payer, payer % 5, 7) for payer in range(80)]
        out = [(1, 200 + hour, 60_000, 9, None), (1, 200, 10_000, 9, None)]
        facts = [
            make_facts(10_000, (*each, "transfer", True, False, None)) for each in (*crowd, *out)
        ]
        in_path.append(await pay(database, facts, at, posted=len(facts)))
        events += [
            to_event(len(events) + place, at, each, is_posted=True)
            for place, each in enumerate(facts)
        ]
        at += timedelta(minutes=29)
    over_history = compute(events)
    assert_equal(over_history, in_path)
    for name in ("fast_outflows_30d", "round_night_payments_30d", "test_payments_1h"):
        assert over_history[name].values.max() > 0, name


@given(st.lists(st.integers(1, 2**62), min_size=1))
def test_the_sketch_of_a_history_has_the_bits_of_the_path(accounts: list[int]) -> None:
    places = sketch_places(np.array(accounts))
    assert places.max() < SKETCH_BITS
    assert [1 << int(place) for place in places] == [sketch_bit(each) for each in accounts]


def test_a_payment_that_was_refused_is_nobodys_past() -> None:
    facts = make_facts(10, (1, 2, 500, 1, None, "transfer", False, False, None))
    events = [
        to_event(number, START + timedelta(hours=number), facts, is_posted=number != 0)
        for number in range(3)
    ]
    features = compute(events)
    assert list(read(features["is_new_payee"])) == [True, True, False]
    assert list(read(features["seconds_since_payment"])) == [None, None, 3_600]
    assert list(read(features["payees_today"]))[1:] == [0.0, pytest.approx(1.008, abs=1e-3)]
    assert list(read(features["test_payments_1h"])) == [0.0, 0.0, 0.5]


def test_accounts_that_are_no_numbers_are_refused() -> None:
    events = [
        {
            **to_event(
                1, START, make_facts(10, (1, 2, 5, 1, 1, "t", False, False, 1)), is_posted=True
            )
        }
    ]
    table = pa.Table.from_pylist(events, SCHEMA).set_column(2, "payer", pa.array(["somebody"]))
    history = ibis.duckdb.connect().create_table("history", table)
    with pytest.raises(InvalidField, match="whole numbers") as refusal:
        compute_features(
            history, ["payee_payers_today"], among=PATH, utc_offset=SHANGHAI, mark_rules=rules_of
        )
    assert refusal.value.field == "payer"
