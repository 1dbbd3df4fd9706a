"""Features over history are what their definitions say, and know nothing of the future."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.catalogue import FRAUD_MODEL, STANDARD
from huitong.risk.decisioning.features.definitions import (
    DAY,
    NORMAL_HALF_LIFE_SECONDS,
    Decayed,
    Distinct,
    Entity,
    Fact,
    Feature,
    Measure,
    Ratio,
    Run,
    Since,
    Window,
    WindowMeasure,
    resolve,
)
from huitong.risk.decisioning.features.offline import compute_features, to_matrix
from huitong.risk.decisioning.types import Features, FeatureType

START = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = 3_600

Event = dict[str, Any]


def event(number: int, seconds: float, **more: Any) -> Event:
    at = START + timedelta(seconds=seconds)
    known = {"payer": "ann", "payee": "shop", "device": None, "address": None}
    return {"id": number, "at": at, "amount": 100, "label": False} | known | more


def compute(events: list[Event], *features: Feature, names: tuple[str, ...] = ()) -> Features:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("amount", pa.int64()),
            ("label", pa.bool_()),
            *((name, pa.string()) for name in ("payer", "payee", "device", "address")),
        ]
    )
    engine = ibis.duckdb.connect()
    table = engine.create_table("history", pa.Table.from_pylist(events, schema=schema))
    found = compute_features(
        table,
        names or [each.name for each in features],
        among=features,
        utc_offset=timedelta(hours=8),
    )
    assert engine.list_tables() == ["history"]
    engine.disconnect()
    return found


def values(features: Features, name: str) -> list[Any]:
    column = features[name]
    known = np.ones(len(column.values), bool) if column.known is None else column.known
    return [
        value if is_known else None for value, is_known in zip(column.values, known, strict=True)
    ]


def test_a_decayed_counter_halves_in_its_half_life() -> None:
    counter = Decayed("n", Entity.PAYER, Measure.COUNT, 600)
    found = compute([event(1, 0), event(2, 600), event(3, 600), event(4, 1_200)], counter)
    # What each event finds: 0, then ½; the third is at the same instant as the second.
    assert values(found, "n") == [0.0, 0.5, 1.5, 1.25]


def test_a_delayed_label_counts_once_it_is_known_and_decays_from_then() -> None:
    label = Decayed("n", Entity.PAYEE, Measure.LABEL, 100, delay_seconds=1_000)
    events = [event(1, 0, label=True), event(2, 999), event(3, 1_000), event(4, 1_100)]
    assert values(compute(events, label), "n") == [0.0, 0.0, 1.0, 0.5]


def test_a_fraud_that_the_payers_habits_explain_does_not_speak_against_the_payee() -> None:
    features = [
        Decayed(str(measure), Entity.PAYEE, measure, DAY, delay_seconds=10)
        for measure in (Measure.LABEL, Measure.UNEXPLAINED_LABEL)
    ]
    events = [
        event(1, 0, payee="other"),
        event(2, 1, amount=301, label=True),
        event(3, 2, payer="bob", amount=10_000, label=True),
        event(4, 12, payer="eve"),
    ]
    found = compute(events, *features)
    # 301 is over three times what ann paid before; bob paid nothing before: nothing is unusual.
    label, unexplained = values(found, "label")[3], values(found, "unexplained_label")[3]
    assert label == pytest.approx(1 + 2 ** (-1 / DAY), rel=1e-12)
    assert unexplained == 1.0


def test_seconds_since_are_unknown_for_the_first_and_for_a_missing_key() -> None:
    since = Since("s", Entity.DEVICE)
    events = [
        event(1, 0, device="d"),
        event(2, 5),
        event(3, 61.9, device="d"),
        event(4, 70, device="e"),
    ]
    assert values(compute(events, since), "s") == [None, None, 61, None]


def test_distinct_others_are_counted_once_each() -> None:
    distinct = Distinct("d", Entity.PAYER, Entity.PAYEE, 100)
    events = [
        event(1, 0, payee="a"),
        event(2, 100, payee="a"),
        event(3, 200, payee="b"),
        event(4, 200, payee=None),
        event(5, 300, payee="c"),
    ]
    # a was met last at 100, b at 200: at 300 that is ¼ + ½.
    assert values(compute(events, distinct), "d") == [0.0, 0.5, 0.5, 1.5, 0.75]


def test_a_ratio_is_unknown_where_nothing_is_below() -> None:
    count = Decayed("n", Entity.PAYER, Measure.COUNT, DAY)
    total = Decayed("a", Entity.PAYER, Measure.AMOUNT, DAY)
    mean = Ratio("mean", "a", "n")
    relative = Ratio("relative", "amount", "mean")
    events = [event(1, 0), event(2, 10, amount=250)]
    found = compute(
        events,
        Fact("amount", FeatureType.INTEGER), count, total, mean, relative,
        names=("relative",),
    )  # fmt: skip
    assert list(found) == ["relative"]
    assert values(found, "relative") == [None, 2.5]


def test_a_run_begins_with_the_first_fraud_and_ends_with_a_genuine_payment() -> None:
    run = Run("r", Entity.PAYEE, delay_seconds=10)
    labels = [False, True, True, False, True]
    events = [event(i, i * 10, label=label) for i, label in enumerate(labels)]
    events += [event(9, 60), event(10, 60, payee="new")]
    # At 20 the fraud of 10 is known, and so on; at 60 that of 40.
    assert values(compute(events, run), "r") == [None, None, 10, 20, None, 20, None]


def test_nights_and_weekends_are_local() -> None:
    facts = [Fact(name, FeatureType.FLAG) for name in ("is_night", "is_weekend")]
    # 2026-07-03 is a Friday; in Shanghai Saturday begins at 16:00 UTC, and the night ends at 23:00.
    friday = (datetime(2026, 7, 3, tzinfo=UTC) - START).total_seconds()
    hours = (15.9, 16, 22.9, 23)
    events = [event(i, friday + hour * HOUR) for i, hour in enumerate(hours)]
    found = compute(events, *facts)
    assert values(found, "is_weekend") == [False, True, True, True]
    assert values(found, "is_night") == [False, True, True, False]


@pytest.mark.parametrize("includes_current", [False, True])
def test_a_window_ends_with_the_row_and_not_with_the_instant(includes_current: bool) -> None:
    window = Window("w", Entity.PAYER, WindowMeasure.COUNT, 60, includes_current=includes_current)
    events = [event(1, 0), event(2, 60), event(3, 60), event(4, 60)]
    # The event a whole window ago is not in it; those of the same second are, up to the row itself.
    own = int(includes_current)
    assert values(compute(events, window), "w") == [own, own, 1 + own, 2 + own]


ENTITIES = st.sampled_from(["a", "b", "c", None])
HISTORIES = st.lists(
    st.tuples(
        # Whole seconds make ties and events at a window's very edge likely; µs must work as well.
        st.one_of(st.integers(0, 40).map(float), st.integers(0, 40_000_000).map(lambda u: u / 1e6)),
        ENTITIES, ENTITIES, st.integers(0, 10_000), st.sampled_from([True, False, None]),
    ),
    max_size=25,
)  # fmt: skip


def make_history(rows: list[tuple[float, str | None, str | None, int, bool | None]]) -> list[Event]:
    events = [
        event(number, seconds, payer=payer, payee=payee, amount=amount, label=label)
        for number, (seconds, payer, payee, amount, label) in enumerate(rows)
    ]
    return sorted(events, key=lambda each: (each["at"], each["id"]))


PROVEN: tuple[Feature, ...] = (
    Decayed("n", Entity.PAYER, Measure.COUNT, 7),
    Decayed("pair", Entity.PAIR, Measure.AMOUNT, 1_000),
    Decayed("known", Entity.PAYEE, Measure.COUNT, 5, delay_seconds=10),
    Decayed("label", Entity.PAYEE, Measure.LABEL, 5, delay_seconds=10),
    Decayed("unusual", Entity.PAYEE, Measure.UNUSUAL, 100),
    Distinct("others", Entity.PAYER, Entity.PAYEE, 9),
    Run("run", Entity.PAYEE, delay_seconds=4),
    Window("w", Entity.PAYER, WindowMeasure.COUNT, 8),
    Window("mean", Entity.PAYER, WindowMeasure.MEAN_AMOUNT, 8, includes_current=True),
    Window("rate", Entity.PAYEE, WindowMeasure.LABEL_RATE, 8, delay_seconds=3),
)


def expect(feature: Feature, events: list[Event], index: int) -> float | None:
    """The definition, word by word, over plain events."""
    assert not isinstance(feature, Fact | Ratio)
    now = events[index]
    columns = feature.entity.columns
    if any(now[column] is None for column in columns):
        return None

    def age(each: Event) -> float:
        return (now["at"] - each["at"]).total_seconds()

    past = [each for each in events[:index] if all(each[c] == now[c] for c in columns)]
    if isinstance(feature, Window):
        return expect_window(feature, past, now)
    if isinstance(feature, Distinct):
        last = {each["payee"]: age(each) for each in past if each["payee"] is not None}
        return sum(2 ** (-seconds / feature.half_life_seconds) for seconds in last.values())
    assert isinstance(feature, Decayed | Run)
    # Those of the same instant and later ids are not known either: the delay is longer than 0.
    known = [each for each in past if age(each) >= feature.delay_seconds]
    if isinstance(feature, Run):
        genuine = [i for i, each in enumerate(known) if not each["label"]]
        run = known[genuine[-1] + 1 :] if genuine else known
        return age(run[0]) // 1 if run else None
    weights = {
        Measure.COUNT: lambda _: 1,
        Measure.AMOUNT: lambda each: each["amount"],
        Measure.LABEL: lambda each: bool(each["label"]),
        Measure.UNUSUAL: lambda each: is_unusual(events, events.index(each)),
    }
    weight = weights[feature.measure]
    return sum(
        weight(each) * 2 ** (-(age(each) - feature.delay_seconds) / feature.half_life_seconds)
        for each in known
    )


def is_unusual(events: list[Event], index: int) -> bool:
    total, count = (
        expect(Decayed("", Entity.PAYER, measure, NORMAL_HALF_LIFE_SECONDS), events, index)
        for measure in (Measure.AMOUNT, Measure.COUNT)
    )
    return bool(count) and events[index]["amount"] > 3 * (total or 0) / (count or 1) * (1 + 1e-9)


def expect_window(window: Window, past: list[Event], now: Event) -> float | None:
    def age(each: Event) -> float:
        return (now["at"] - each["at"]).total_seconds()

    delay = window.delay_seconds
    inside = [each for each in past if delay <= age(each) < delay + window.seconds]
    inside += [now] * window.includes_current
    if window.measure is WindowMeasure.COUNT:
        return len(inside)
    if window.measure is WindowMeasure.MEAN_AMOUNT:
        return sum(each["amount"] for each in inside) / len(inside) if inside else None
    return sum(bool(each["label"]) for each in inside) / len(inside) if inside else 0.0


@settings(max_examples=40, deadline=None)
@given(rows=HISTORIES)
def test_every_feature_is_what_its_definition_says(rows: list[Any]) -> None:
    events = make_history(rows)
    found = compute(events, *PROVEN)
    for feature in PROVEN:
        wanted = [expect(feature, events, index) for index in range(len(events))]
        for value, want in zip(values(found, feature.name), wanted, strict=True):
            assert value == (want if want is None else pytest.approx(want, rel=1e-9, abs=1e-12))


def make_random_history(seed: int, count: int) -> list[Event]:
    random = np.random.default_rng(seed)
    return [
        event(
            number,
            float(second),
            payer=f"p{random.integers(8)}",
            payee=f"s{random.integers(6)}",
            device=f"d{random.integers(9)}",
            address=None,
            amount=int(random.integers(1, 50_000)),
            label=bool(random.random() < 0.3),
        )
        for number, second in enumerate(np.sort(random.integers(0, 60 * DAY, count)))
    ]


def test_no_standard_feature_knows_the_future() -> None:
    events = make_random_history(seed=3, count=300)
    names = tuple(each.name for each in STANDARD)
    cut = 200
    changed = [dict(each) for each in events]
    now = events[cut]["at"]
    random = np.random.default_rng(4)
    for index in random.permutation(len(events)):
        each, other = changed[index], events[random.integers(cut + 1, len(events))]
        if index > cut:
            each.update(
                {key: other[key] for key in ("payer", "payee", "device", "amount", "label")}
            )
        # A label is known a week after its payment; until then it may still turn out otherwise.
        elif now - each["at"] < timedelta(days=7):
            each["label"] = not each["label"]
    before = to_matrix(compute(events, *STANDARD, names=names), names)
    after = to_matrix(compute(changed, *STANDARD, names=names), names)
    # Only rounding may differ: where the scan cuts its blocks depends on how many events there are.
    np.testing.assert_allclose(before[cut], after[cut], rtol=1e-12)
    assert not np.array_equal(before[cut + 1 :], after[cut + 1 :], equal_nan=True)


def test_the_order_of_rows_in_the_source_does_not_matter() -> None:
    events = make_random_history(seed=5, count=120)
    names = FRAUD_MODEL
    one = to_matrix(compute(events, *STANDARD, names=names), names)
    other = to_matrix(compute(events[::-1], *STANDARD, names=names), names)
    np.testing.assert_array_equal(one, other)


def test_an_empty_history_has_empty_features() -> None:
    found = compute([], *PROVEN)
    assert {name: len(column.values) for name, column in found.items()} == {
        each.name: 0 for each in PROVEN
    }


@pytest.mark.parametrize("field", ["id", "at", "amount"])
def test_a_history_with_a_hole_is_refused(field: str) -> None:
    with pytest.raises(InvalidField, match="1 events have no value") as refusal:
        compute([event(1, 0), event(2, 1, **{field: None})], *PROVEN)
    assert refusal.value.field == field


def test_an_entity_without_its_column_is_refused() -> None:
    with pytest.raises(InvalidField, match="lacks this column of the merchant") as refusal:
        compute([event(1, 0)], Since("s", Entity.MERCHANT))
    assert refusal.value.field == "merchant"


def test_a_label_without_a_delay_cannot_be_defined() -> None:
    with pytest.raises(ValueError, match="delay_seconds must be at least 1"):
        Decayed("n", Entity.PAYEE, Measure.LABEL, 60)
    with pytest.raises(ValueError, match="delay_seconds must be at least 1"):
        Window("w", Entity.PAYEE, WindowMeasure.LABEL_RATE, 60)


def test_the_catalogue_holds_together() -> None:
    names = tuple(each.name for each in STANDARD)
    assert {each.name for each in resolve(names, STANDARD)} == set(names)
    assert set(FRAUD_MODEL) <= set(names)
    assert all(each.meaning.endswith(".") for each in STANDARD)


def test_a_ratio_of_itself_a_second_name_and_an_unknown_one_are_refused() -> None:
    one = Since("s", Entity.PAYER)
    with pytest.raises(ValueError, match="x is made of itself: x → y → x"):
        resolve(("x",), (Ratio("x", "y", "s"), Ratio("y", "x", "s"), one))
    with pytest.raises(ValueError, match="features with the same name: s"):
        resolve(("s",), (one, replace(one, entity=Entity.PAYEE)))
    with pytest.raises(ValueError, match="no feature called nobody"):
        resolve(("nobody",), (one,))
