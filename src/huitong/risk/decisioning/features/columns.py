"""From rows to named features: the one place that says what each feature of a payment is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.clock import SHANGHAI
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import ROUND_MINOR
from huitong.risk.decisioning.features.rows import COUNTERS, MICROSECONDS
from huitong.risk.decisioning.features.views import BatchRows, View
from huitong.risk.decisioning.types import Column, Features, FeatureType

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


def make_columns(
    facts: Sequence[PaymentFacts], views: Mapping[str, View], *, at: datetime, at_us: int
) -> Features:
    """Return all features of a batch of payments that are decided at `at`."""
    features: dict[str, Column] = _describe(facts, at)
    for role, name, counter in _COUNTER_FEATURES:
        features[name] = _number(views[role].counters[:, _PLACE_OF[counter]], _given(views, role))
    for role, name in _OTHERS_FEATURES:
        features[name] = _number(views[role].others, _given(views, role))
    for role, name, mark in _TIME_FEATURES:
        view = views[role]
        seconds = np.maximum(0, at_us - getattr(view, mark)) // MICROSECONDS
        features[name] = Column(FeatureType.INTEGER, seconds, view.is_known)
    features["is_new_payee"] = Column(FeatureType.FLAG, ~views["pair"].is_known)
    has_device = np.array([each.device_id is not None for each in facts], np.bool_)
    features["is_new_device"] = Column(FeatureType.FLAG, ~views["device"].is_known, has_device)
    features.update(_relate(features))
    return features


def is_night(at: datetime) -> bool:
    """Say whether it is night in China at an instant: before five."""
    return at.astimezone(_ZONE).hour < _NIGHT_ENDS_HOUR


def _given(views: Mapping[str, View], role: str) -> NDArray[np.bool_] | None:
    # A payer without payments has made none; a payment without a device says nothing of devices.
    return views[role].is_known if role in ("device", "address") else None


def _describe(facts: Sequence[PaymentFacts], at: datetime) -> dict[str, Column]:
    local = at.astimezone(_ZONE)
    size = len(facts)
    amount = np.array([each.amount for each in facts], np.int64)
    classes = [each.account_class for each in facts]
    return {
        "amount": Column(FeatureType.INTEGER, amount),
        "is_round_amount": _flag(amount % ROUND_MINOR == 0),
        "hour": Column(FeatureType.INTEGER, np.full(size, local.hour, np.int64)),
        "weekday": Column(FeatureType.INTEGER, np.full(size, local.isoweekday(), np.int64)),
        "is_night": _flag(np.full(size, is_night(at))),
        "kind": Column(FeatureType.TEXT, np.array([each.kind for each in facts], object)),
        "is_merchant": _flag(np.array([each.is_merchant for each in facts], np.bool_)),
        "is_strong": _flag(np.array([each.is_strong for each in facts], np.bool_)),
        "account_class": Column(
            FeatureType.INTEGER,
            np.array([each or 0 for each in classes], np.int64),
            np.array([each is not None for each in classes], np.bool_),
        ),
    }


def _relate(features: Features) -> dict[str, Column]:
    amount = features["amount"].values
    return {
        "mean_payment_30d": _ratio(features["paid_30d"].values, features["payments_30d"].values),
        "amount_to_mean_30d": _ratio(
            amount * features["payments_30d"].values, features["paid_30d"].values
        ),
        "outflow_to_inflow_1h": _ratio(
            features["paid_1h"].values + amount, features["received_1h"].values
        ),
    }


def _ratio(over: NDArray[Any], under: NDArray[Any]) -> Column:
    is_known = under > _NOTHING
    values = np.divide(over, under, out=np.zeros(len(under)), where=is_known)
    return _number(values, is_known)


def _number(values: NDArray[Any], known: NDArray[np.bool_] | None = None) -> Column:
    # All of them are doubles already: forty conversions a batch cost more than what is computed.
    return Column(FeatureType.NUMBER, values, known)


def _flag(values: NDArray[np.bool_]) -> Column:
    return Column(FeatureType.FLAG, values)


def _list_catalogue() -> dict[str, FeatureType]:
    """Name every feature with its type, from an example, so that the list cannot fall behind."""
    example = [PaymentFacts(payer_account_id=1, payee_account_id=2, amount=1, kind="transfer")]
    views = BatchRows(example).look({}, at_us=0, day=0, mark=lambda _views, _number: None)
    made = make_columns(example, views, at=datetime(1970, 1, 1, tzinfo=_ZONE), at_us=0)
    return {name: column.type for name, column in made.items()}


#: Every feature of a payment that a rule may name.
PAYMENT_FEATURES: Final[Mapping[str, FeatureType]] = _list_catalogue()
