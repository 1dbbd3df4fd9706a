"""From rows to named features: what `path` says, for a batch in the path."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.clock import SHANGHAI
from huitong.risk.decisioning.features.definitions import (
    NIGHT_ENDS_AT_HOUR,
    ROUND_MINOR,
    Age,
    Decayed,
    DistinctToday,
    Entity,
    Fact,
    IsNew,
    IsRound,
    LocalPart,
    LocalTime,
    Ratio,
    Since,
)
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.path import PATH
from huitong.risk.decisioning.features.ratios import divide
from huitong.risk.decisioning.features.rows import COUNTERS, HALF_LIVES, MICROSECONDS
from huitong.risk.decisioning.features.views import View
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType

_ZONE: Final = ZoneInfo(SHANGHAI)
_PLACE_OF: Final = {name: place for place, name in enumerate(COUNTERS)}
_ENDINGS: Final = {seconds: ending for ending, seconds in HALF_LIVES.items()}
_FACTS: Final = tuple(each for each in PATH if isinstance(each, Fact))
_ROUND: Final = tuple(each for each in PATH if isinstance(each, IsRound))
_LOCAL: Final = tuple(each for each in PATH if isinstance(each, LocalTime))
_DECAYED: Final = tuple(
    (each.entity, each.name, _PLACE_OF[f"{each.measure}_{_ENDINGS[each.half_life_seconds]}"])
    for each in PATH
    if isinstance(each, Decayed)
)
_OTHERS: Final = tuple(each for each in PATH if isinstance(each, DistinctToday))
_TIMES: Final = tuple(each for each in PATH if isinstance(each, Since | Age))
_NEW: Final = tuple(each for each in PATH if isinstance(each, IsNew))
_RATIOS: Final = tuple(each for each in PATH if isinstance(each, Ratio))
#: Every feature of a payment that a rule may name.
PAYMENT_FEATURES: Final[Mapping[str, FeatureType]] = {each.name: each.type for each in PATH}


def make_columns(
    facts: Sequence[PaymentFacts], views: Mapping[str, View], *, at: datetime, at_us: int
) -> Features:
    """Return all features of a batch of payments that are decided at `at`."""
    features: dict[str, Column] = _describe(facts, at)
    given = _find_given(facts)
    for entity, name, place in _DECAYED:
        # All of them are doubles already: forty conversions cost more than what is computed.
        counters = views[entity].counters[:, place]
        features[name] = Column(FeatureType.NUMBER, counters, given.get(entity))
    for each in _OTHERS:
        others = views[each.entity].others
        features[each.name] = Column(FeatureType.NUMBER, others, given.get(each.entity))
    for time in _TIMES:
        view = views[time.entity]
        since_us = view.first_us if isinstance(time, Age) else view.last_us
        seconds = np.maximum(0, at_us - since_us) // MICROSECONDS
        features[time.name] = Column(FeatureType.INTEGER, seconds, view.is_known)
    for new in _NEW:
        is_new = ~views[new.entity].is_known
        features[new.name] = Column(FeatureType.FLAG, is_new, given.get(new.entity))
    for ratio in _RATIOS:
        features[ratio.name] = divide(features, ratio)
    return features


def is_night(at: datetime) -> bool:
    """Say whether it is night in China at an instant: before five."""
    return at.astimezone(_ZONE).hour < NIGHT_ENDS_AT_HOUR


def _find_given(facts: Sequence[PaymentFacts]) -> dict[Entity, NDArray[np.bool_]]:
    """Say which payments have what others lack: without a device nothing is said of devices."""
    return {
        Entity.DEVICE: np.array([each.device_id is not None for each in facts], np.bool_),
        Entity.ADDRESS: np.array([each.address is not None for each in facts], np.bool_),
    }


def _describe(facts: Sequence[PaymentFacts], at: datetime) -> dict[str, Column]:
    features: dict[str, Column] = {}
    for fact in _FACTS:
        values = [getattr(payment, fact.name) for payment in facts]
        known = None
        if None in values:
            known = np.array([value is not None for value in values], np.bool_)
            values = [0 if value is None else value for value in values]
        features[fact.name] = Column(fact.type, np.array(values, DTYPES[fact.type]), known)
    for each in _ROUND:
        is_round = features["amount"].values % ROUND_MINOR == 0
        features[each.name] = Column(FeatureType.FLAG, is_round)
    local = at.astimezone(_ZONE)
    parts: dict[LocalPart, int | bool] = {
        LocalPart.HOUR: local.hour,
        LocalPart.WEEKDAY: local.isoweekday(),
        LocalPart.NIGHT: is_night(at),
    }
    for time in _LOCAL:
        values_of = np.full(len(facts), parts[time.part], DTYPES[time.type])
        features[time.name] = Column(time.type, values_of)
    return features
