"""From rows to named features, as `path` defines them, for a batch in the path.

A batch is three matrices, of integers, numbers and flags, with one row a feature: numpy then does
in a few calls what would be sixty. A column is a row of a matrix, made when somebody asks for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
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
    IsNew,
    IsRound,
    LocalPart,
    LocalTime,
    Ratio,
    Since,
)
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.matrices import FeatureMatrices, Layout
from huitong.risk.decisioning.features.meetings import ROLE_PLACES
from huitong.risk.decisioning.features.path import PATH
from huitong.risk.decisioning.features.rows import COUNTERS, HALF_LIVES, MICROSECONDS
from huitong.risk.decisioning.features.views import BatchViews
from huitong.risk.decisioning.types import FeatureType

_ZONE: Final = ZoneInfo(SHANGHAI)
_PLACE_OF: Final = {name: place for place, name in enumerate(COUNTERS)}
_ENDINGS: Final = {seconds: ending for ending, seconds in HALF_LIVES.items()}

#: What each counter of a role is called as a feature: role, feature, counter.
_COUNTER_FEATURES: Final = tuple(
    (each.entity.value, each.name, f"{each.measure}_{_ENDINGS[each.half_life_seconds]}")
    for each in PATH
    if isinstance(each, Decayed)
)
_OTHERS_FEATURES: Final = tuple(
    (each.entity.value, each.name) for each in PATH if isinstance(each, DistinctToday)
)
#: Seconds since the first or the last event of a role's row; not known before there is one.
_TIME_FEATURES: Final = tuple(
    (each.entity.value, each.name, isinstance(each, Age))
    for each in PATH
    if isinstance(each, Since | Age)
)
_NEW_FEATURES: Final = tuple(
    (each.entity.value, each.name) for each in PATH if isinstance(each, IsNew)
)
_LOCAL: Final = tuple(each for each in PATH if isinstance(each, LocalTime))
_ROUND: Final = tuple(each.name for each in PATH if isinstance(each, IsRound))
_RATIOS: Final = tuple(each for each in PATH if isinstance(each, Ratio))
#: A payment without a device or an address says nothing of devices or addresses.
_GIVEN: Final = {"device": attrgetter("device_id"), "address": attrgetter("address")}
#: What is NULL for a payment without them.
_GIVEN_NAMES: Final = {
    role: [
        *(name for each, name, _ in _COUNTER_FEATURES if each == role),
        *(name for each, name in _OTHERS_FEATURES if each == role),
    ]
    for role in _GIVEN
}
_GIVEN_NEW: Final = tuple((role, name) for role, name in _NEW_FEATURES if role in _GIVEN)

LAYOUT: Final = Layout.of(
    {each.name: each.type for each in PATH},
    sometimes_unknown={
        "account_class",
        *(name for _, name, _ in _TIME_FEATURES),
        *(name for names in _GIVEN_NAMES.values() for name in names),
        *(name for _, name in _GIVEN_NEW),
        *(each.name for each in _RATIOS),
    },
)
#: Every feature of a payment that a rule may name.
PAYMENT_FEATURES: Final[Mapping[str, FeatureType]] = LAYOUT.types


def _rows(names: Sequence[str]) -> NDArray[np.intp]:
    return np.array([LAYOUT.row_of[name] for name in names], np.intp)


_COUNTER_ROWS: Final = _rows([name for _, name, _ in _COUNTER_FEATURES])
_COUNTER_ROLES: Final = np.array([ROLE_PLACES[role] for role, _, _ in _COUNTER_FEATURES])
_COUNTER_PLACES: Final = np.array([_PLACE_OF[counter] for _, _, counter in _COUNTER_FEATURES])
_OTHERS_ROWS: Final = _rows([name for _, name in _OTHERS_FEATURES])
_OTHERS_ROLES: Final = np.array([ROLE_PLACES[role] for role, _ in _OTHERS_FEATURES])
_TIME_ROWS: Final = _rows([name for _, name, _ in _TIME_FEATURES])
_TIME_ROLES: Final = np.array([ROLE_PLACES[role] for role, _, _ in _TIME_FEATURES])
_IS_FIRST: Final = np.array([[is_age] for _, _, is_age in _TIME_FEATURES])
_NEW_ROWS: Final = _rows([name for _, name in _NEW_FEATURES])
_NEW_ROLES: Final = np.array([ROLE_PLACES[role] for role, _ in _NEW_FEATURES])
_GIVEN_ROWS: Final = {role: _rows(names) for role, names in _GIVEN_NAMES.items()}
_GIVEN_NEW_ROWS: Final = {
    role: _rows([name for each, name in _GIVEN_NEW if each == role]) for role in _GIVEN
}


def make_columns(
    facts: Sequence[PaymentFacts], views: BatchViews, *, at: datetime, at_us: int
) -> FeatureMatrices:
    """Return all features of a batch of payments that are decided at `at`."""
    made = LAYOUT.make(len(facts))
    _describe(made, facts, at)
    made.numbers[_COUNTER_ROWS] = views.counters[_COUNTER_ROLES, :, _COUNTER_PLACES]
    made.numbers[_OTHERS_ROWS] = views.others[_OTHERS_ROLES]
    made.flags[_NEW_ROWS] = ~views.is_known[_NEW_ROLES]
    for role, take in _GIVEN.items():
        is_given = [take(each) is not None for each in facts]
        made.numbers_known[_GIVEN_ROWS[role]] = is_given
        made.flags_known[_GIVEN_NEW_ROWS[role]] = is_given
    happened = np.where(_IS_FIRST, views.first_us[_TIME_ROLES], views.last_us[_TIME_ROLES])
    made.integers[_TIME_ROWS] = np.maximum(0, at_us - happened) // MICROSECONDS
    made.integers_known[_TIME_ROWS] = views.is_known[_TIME_ROLES]
    for ratio in _RATIOS:
        _divide(made, ratio)
    return made


def is_night(at: datetime) -> bool:
    """Say whether it is night in China at an instant: before five."""
    return at.astimezone(_ZONE).hour < NIGHT_ENDS_AT_HOUR


def _describe(made: FeatureMatrices, facts: Sequence[PaymentFacts], at: datetime) -> None:
    amount, account_class = made.integer("amount"), made.integer("account_class")
    amount[:] = [each.amount for each in facts]
    classes = [each.account_class for each in facts]
    account_class[:] = [each or 0 for each in classes]
    made.integers_known[LAYOUT.row_of["account_class"]] = [each is not None for each in classes]
    made.flag("is_merchant")[:] = [each.is_merchant for each in facts]
    made.flag("is_strong")[:] = [each.is_strong for each in facts]
    made.texts["kind"] = [each.kind for each in facts]
    for name in _ROUND:
        made.flag(name)[:] = amount % ROUND_MINOR == 0
    local = at.astimezone(_ZONE)
    for each in _LOCAL:
        if each.part is LocalPart.NIGHT:
            made.flag(each.name)[:] = local.hour < NIGHT_ENDS_AT_HOUR
        else:
            is_hour = each.part is LocalPart.HOUR
            made.integer(each.name)[:] = local.hour if is_hour else local.isoweekday()


def _divide(made: FeatureMatrices, ratio: Ratio) -> None:
    # Of no ratio is a part unknown: they are of the payer, whose counters begin at zero.
    over = _take(made, ratio.over)
    if ratio.plus:
        over = over + _take(made, ratio.plus)
    if ratio.times:
        over = over * _take(made, ratio.times)
    under = made.number(ratio.under)
    is_known = under > ratio.least
    np.divide(over, under, out=made.number(ratio.name), where=is_known)
    made.numbers_known[LAYOUT.row_of[ratio.name]] = is_known


def _take(made: FeatureMatrices, name: str) -> NDArray[Any]:
    is_whole = LAYOUT.types[name] is FeatureType.INTEGER
    return made.integer(name) if is_whole else made.number(name)
