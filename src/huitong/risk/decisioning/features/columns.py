"""From rows to named features: the one place that says what each feature of a payment is.

A batch is three matrices, of integers, numbers and flags, with one row a feature: numpy then does
in a few calls what would be sixty. A column is a row of a matrix, made when somebody asks for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.clock import SHANGHAI
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import ROUND_MINOR
from huitong.risk.decisioning.features.matrices import FeatureMatrices, Layout
from huitong.risk.decisioning.features.rows import COUNTERS, MICROSECONDS
from huitong.risk.decisioning.features.views import ROLE_PLACES, BatchViews
from huitong.risk.decisioning.types import FeatureType

_ZONE: Final = ZoneInfo(SHANGHAI)
_NIGHT_ENDS_HOUR: Final = 5
#: What has decayed to less than this is nothing: a quotient by it would be noise.
_NOTHING: Final = 1e-6
_PLACE_OF: Final = {name: place for place, name in enumerate(COUNTERS)}

#: What each counter of a role is called as a feature: role, feature, counter.
_COUNTER_FEATURES: Final = (
    ("payer", "payments_1m", "count_1m"),
    ("payer", "payments_1h", "count_1h"),
    ("payer", "payments_1d", "count_1d"),
    ("payer", "payments_30d", "count_30d"),
    ("payer", "paid_1h", "amount_1h"),
    ("payer", "paid_1d", "amount_1d"),
    ("payer", "paid_30d", "amount_30d"),
    ("inflow", "receipts_1h", "count_1h"),
    ("inflow", "receipts_1d", "count_1d"),
    ("inflow", "received_1h", "amount_1h"),
    ("inflow", "received_1d", "amount_1d"),
    ("payee", "payee_receipts_1m", "count_1m"),
    ("payee", "payee_receipts_1h", "count_1h"),
    ("payee", "payee_receipts_1d", "count_1d"),
    ("payee", "payee_receipts_30d", "count_30d"),
    ("payee", "payee_received_1h", "amount_1h"),
    ("payee", "payee_received_1d", "amount_1d"),
    ("payee", "payee_received_30d", "amount_30d"),
    ("pair", "payments_to_payee_1d", "count_1d"),
    ("pair", "payments_to_payee_30d", "count_30d"),
    ("pair", "paid_to_payee_30d", "amount_30d"),
    ("device", "device_payments_1h", "count_1h"),
    ("device", "device_payments_1d", "count_1d"),
    ("address", "address_payments_1m", "count_1m"),
    ("address", "address_payments_1h", "count_1h"),
    ("payer", "new_payees_1d", "new_payees_1d"),
    ("payer", "test_payments_1h", "tests_1h"),
    ("payer", "fast_outflows_30d", "fast_outflows_30d"),
    ("payer", "round_night_payments_30d", "round_nights_30d"),
    ("pair", "round_night_payments_to_payee_30d", "round_nights_30d"),
)
_OTHERS_FEATURES: Final = (
    ("payer", "payees_today"),
    ("inflow", "payers_today"),
    ("payee", "payee_payers_today"),
    ("device", "device_payers_today"),
    ("address", "address_payers_today"),
)
#: Seconds since the first and the last event of a role's row; not known before there is one.
_TIME_FEATURES: Final = (
    ("payer", "seconds_since_first_payment", "first_us"),
    ("payer", "seconds_since_payment", "last_us"),
    ("inflow", "seconds_since_receipt", "last_us"),
    ("payee", "payee_age_seconds", "first_us"),
    ("pair", "seconds_since_payment_to_payee", "last_us"),
    ("device", "device_age_seconds", "first_us"),
)


_FACTS: Final = ("amount", "hour", "weekday", "account_class")
_RATIOS: Final = ("mean_payment_30d", "amount_to_mean_30d", "outflow_to_inflow_1h")
#: What a payment without a device or an address says nothing of.
_GIVEN: Final = frozenset({"device", "address"})

LAYOUT: Final = Layout.of(
    {
        **dict.fromkeys((*_FACTS, *(name for _, name, _ in _TIME_FEATURES)), FeatureType.INTEGER),
        **dict.fromkeys(
            (
                *(name for _, name, _ in _COUNTER_FEATURES),
                *(name for _, name in _OTHERS_FEATURES),
                *_RATIOS,
            ),
            FeatureType.NUMBER,
        ),
        **dict.fromkeys(
            (
                "is_round_amount",
                "is_night",
                "is_merchant",
                "is_strong",
                "is_new_payee",
                "is_new_device",
            ),
            FeatureType.FLAG,
        ),
        "kind": FeatureType.TEXT,
    },
    sometimes_unknown={
        "account_class",
        "is_new_device",
        *(name for _, name, _ in _TIME_FEATURES),
        *(name for role, name, _ in _COUNTER_FEATURES if role in _GIVEN),
        *(name for role, name in _OTHERS_FEATURES if role in _GIVEN),
        *_RATIOS,
    },
)
#: Every feature of a payment that a rule may name.
PAYMENT_FEATURES: Final[Mapping[str, FeatureType]] = LAYOUT.types


def _rows(names: Sequence[str]) -> list[int]:
    return [LAYOUT.row_of[name] for name in names]


_COUNTER_ROWS: Final = _rows([name for _, name, _ in _COUNTER_FEATURES])
_COUNTER_ROLES: Final = np.array([ROLE_PLACES[role] for role, _, _ in _COUNTER_FEATURES])
_COUNTER_PLACES: Final = np.array([_PLACE_OF[counter] for _, _, counter in _COUNTER_FEATURES])
_OTHERS_ROWS: Final = _rows([name for _, name in _OTHERS_FEATURES])
_OTHERS_ROLES: Final = [ROLE_PLACES[role] for role, _ in _OTHERS_FEATURES]
_TIME_ROWS: Final = _rows([name for _, name, _ in _TIME_FEATURES])
_TIME_ROLES: Final = [ROLE_PLACES[role] for role, _, _ in _TIME_FEATURES]
_IS_FIRST: Final = np.array([[mark == "first_us"] for _, _, mark in _TIME_FEATURES])
_GIVEN_ROWS: Final = {
    role: _rows(
        [
            *(name for each, name, _ in _COUNTER_FEATURES if each == role),
            *(name for each, name in _OTHERS_FEATURES if each == role),
        ]
    )
    for role in _GIVEN
}


def make_columns(
    facts: Sequence[PaymentFacts], views: BatchViews, *, at: datetime, at_us: int
) -> FeatureMatrices:
    """Return all features of a batch of payments that are decided at `at`."""
    made = LAYOUT.make(len(facts))
    _describe(made, facts, views, at)
    made.numbers[_COUNTER_ROWS] = views.counters[_COUNTER_ROLES, :, _COUNTER_PLACES]
    made.numbers[_OTHERS_ROWS] = views.others[_OTHERS_ROLES]
    for role, rows in _GIVEN_ROWS.items():
        made.numbers_known[rows] = views.is_known[ROLE_PLACES[role]]
    happened = np.where(_IS_FIRST, views.first_us[_TIME_ROLES], views.last_us[_TIME_ROLES])
    made.integers[_TIME_ROWS] = np.maximum(0, at_us - happened) // MICROSECONDS
    made.integers_known[_TIME_ROWS] = views.is_known[_TIME_ROLES]
    _relate(made)
    return made


def is_night(at: datetime) -> bool:
    """Say whether it is night in China at an instant: before five."""
    return at.astimezone(_ZONE).hour < _NIGHT_ENDS_HOUR


def _describe(
    made: FeatureMatrices, facts: Sequence[PaymentFacts], views: BatchViews, at: datetime
) -> None:
    local = at.astimezone(_ZONE)
    amount, account_class = made.integer("amount"), made.integer("account_class")
    amount[:] = [each.amount for each in facts]
    classes = [each.account_class for each in facts]
    account_class[:] = [each or 0 for each in classes]
    made.integers_known[LAYOUT.row_of["account_class"]] = [each is not None for each in classes]
    made.integer("hour")[:] = local.hour
    made.integer("weekday")[:] = local.isoweekday()
    made.flag("is_round_amount")[:] = amount % ROUND_MINOR == 0
    made.flag("is_night")[:] = is_night(at)
    made.flag("is_merchant")[:] = [each.is_merchant for each in facts]
    made.flag("is_strong")[:] = [each.is_strong for each in facts]
    made.flag("is_new_payee")[:] = ~views.is_known[ROLE_PLACES["pair"]]
    made.flag("is_new_device")[:] = ~views.is_known[ROLE_PLACES["device"]]
    made.flags_known[LAYOUT.row_of["is_new_device"]] = [
        each.device_id is not None for each in facts
    ]
    made.texts["kind"] = [each.kind for each in facts]


def _relate(made: FeatureMatrices) -> None:
    amount, number = made.integer("amount"), made.number
    _divide(made, "mean_payment_30d", number("paid_30d"), number("payments_30d"))
    _divide(made, "amount_to_mean_30d", amount * number("payments_30d"), number("paid_30d"))
    _divide(made, "outflow_to_inflow_1h", number("paid_1h") + amount, number("received_1h"))


def _divide(
    made: FeatureMatrices, name: str, over: NDArray[Any], under: NDArray[np.float64]
) -> None:
    is_known = under > _NOTHING
    np.divide(over, under, out=made.number(name), where=is_known)
    made.numbers_known[LAYOUT.row_of[name]] = is_known
