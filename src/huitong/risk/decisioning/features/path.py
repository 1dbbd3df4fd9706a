"""The features of payments in the path, once: online columns and history are both made from this.

Counters of a role are called as people who write rules think of them: `paid_1h` is the payer's
`amount_1h`. What a payment is decided from never holds the payment itself.
"""

from typing import Final

from huitong.risk.decisioning.features.catalogue import HALF_LIVES
from huitong.risk.decisioning.features.definitions import (
    NOTHING,
    Age,
    Decayed,
    DistinctToday,
    Entity,
    Fact,
    Feature,
    IsNew,
    IsRound,
    LocalPart,
    LocalTime,
    Measure,
    Ratio,
    Since,
)
from huitong.risk.decisioning.types import FeatureType


def _counters(
    entity: Entity, measure: Measure, prefix: str, half_lives: tuple[str, ...]
) -> list[Decayed]:
    return [Decayed(f"{prefix}_{each}", entity, measure, HALF_LIVES[each]) for each in half_lives]


_ALL: Final = tuple(HALF_LIVES)
_FACTS: Final = (
    Fact("amount", FeatureType.INTEGER),
    IsRound("is_round_amount"),
    LocalTime("hour", LocalPart.HOUR),
    LocalTime("weekday", LocalPart.WEEKDAY),
    LocalTime("is_night", LocalPart.NIGHT),
    Fact("kind", FeatureType.TEXT),
    Fact("is_merchant", FeatureType.FLAG),
    Fact("is_strong", FeatureType.FLAG),
    Fact("account_class", FeatureType.INTEGER),
)
_DECAYED: Final = (
    *_counters(Entity.PAYER, Measure.COUNT, "payments", _ALL),
    *_counters(Entity.PAYER, Measure.AMOUNT, "paid", _ALL[1:]),
    *_counters(Entity.INFLOW, Measure.COUNT, "receipts", ("1h", "1d")),
    *_counters(Entity.INFLOW, Measure.AMOUNT, "received", ("1h", "1d")),
    *_counters(Entity.PAYEE, Measure.COUNT, "payee_receipts", _ALL),
    *_counters(Entity.PAYEE, Measure.AMOUNT, "payee_received", _ALL[1:]),
    *_counters(Entity.PAIR, Measure.COUNT, "payments_to_payee", ("1d", "30d")),
    *_counters(Entity.PAIR, Measure.AMOUNT, "paid_to_payee", ("30d",)),
    *_counters(Entity.DEVICE, Measure.COUNT, "device_payments", ("1h", "1d")),
    *_counters(Entity.ADDRESS, Measure.COUNT, "address_payments", ("1m", "1h")),
    *_counters(Entity.PAYER, Measure.NEW_PAYEES, "new_payees", ("1d",)),
    *_counters(Entity.PAYER, Measure.TESTS, "test_payments", ("1h",)),
    *_counters(Entity.PAYER, Measure.FAST_OUTFLOWS, "fast_outflows", ("30d",)),
    *_counters(Entity.PAYER, Measure.ROUND_NIGHTS, "round_night_payments", ("30d",)),
    *_counters(Entity.PAIR, Measure.ROUND_NIGHTS, "round_night_payments_to_payee", ("30d",)),
)
_OTHERS: Final = (
    DistinctToday("payees_today", Entity.PAYER),
    DistinctToday("payers_today", Entity.INFLOW),
    DistinctToday("payee_payers_today", Entity.PAYEE),
    DistinctToday("device_payers_today", Entity.DEVICE),
    DistinctToday("address_payers_today", Entity.ADDRESS),
)
_TIMES: Final = (
    Age("seconds_since_first_payment", Entity.PAYER),
    Since("seconds_since_payment", Entity.PAYER),
    Since("seconds_since_receipt", Entity.INFLOW),
    Age("payee_age_seconds", Entity.PAYEE),
    Since("seconds_since_payment_to_payee", Entity.PAIR),
    Age("device_age_seconds", Entity.DEVICE),
    IsNew("is_new_payee", Entity.PAIR),
    IsNew("is_new_device", Entity.DEVICE),
)
_RATIOS: Final = (
    Ratio("mean_payment_30d", over="paid_30d", under="payments_30d", least=NOTHING),
    Ratio(
        "amount_to_mean_30d",
        over="amount",
        times="payments_30d",
        under="paid_30d",
        least=NOTHING,
    ),
    Ratio(
        "outflow_to_inflow_1h",
        over="paid_1h",
        plus="amount",
        under="received_1h",
        least=NOTHING,
    ),
)

#: Every feature of a payment in the path; their meaning stands in `rules/defaults/features.yaml`.
PATH: Final[tuple[Feature, ...]] = (*_FACTS, *_DECAYED, *_OTHERS, *_TIMES, *_RATIOS)
#: What a model of payments in the path can take: trees know no texts.
PATH_MODEL: Final[tuple[str, ...]] = tuple(
    each.name for each in PATH if each.type is not FeatureType.TEXT
)
