"""What is known of a log-in before it is decided. A log-in sees those before it in the history.

Habits are counted over accepted log-ins, whoever they were; attempts that failed count against the
login, the address and whatever else they came with. No label is looked at.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.definitions import DAY, HOUR
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers, decay_factors, scan
from huitong.risk.decisioning.features.timelines import MICROSECONDS
from huitong.risk.fraud.log_ins.score import LogInCounts, score_log_ins
from huitong.risk.fraud.log_ins.types import LogIns

SCORE: Final = "score"
_NETWORK: Final = ("address", "network", "country")
_AGENT: Final = ("agent", "browser", "system", "device")
_HABITS: Final = (*_NETWORK, "city", *_AGENT, "family")
_SINCE: Final = ("address", "network", "city", "agent", "family")
_LIKE_LAST: Final = ("network", "city", "agent", "family")
#: Whose failures, within which half-lives.
_FAILURES: Final = (("login", HOUR), ("login", DAY), ("address", HOUR), ("address", DAY))
#: Where failures and newcomers are seen as shares of all.
_SHARES: Final = ("address", "network", "agent")
_MONTH: Final = 30 * DAY
_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Rows with the same code side by side, in the order of time within each."""

    order: Integers
    starts: Flags
    #: For each place the place at which its group begins.
    first: Integers

    @classmethod
    def of(cls, codes: Integers) -> "_Group":
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        starts = np.ones(len(codes), np.bool_)
        starts[1:] = ordered[1:] != ordered[:-1]
        places = np.arange(len(codes))
        return cls(order, starts, np.maximum.accumulate(np.where(starts, places, 0)))

    def back(self, ordered: Floats) -> Floats:
        """Return values of places as values of rows."""
        rows = np.empty(len(ordered), np.float64)
        rows[self.order] = ordered
        return rows

    def sum_before(self, weights: Floats) -> Floats:
        """Return for each row the sum over the group's rows before it."""
        ordered = weights[self.order]
        before = np.cumsum(ordered) - ordered
        return self.back(before - before[self.first])

    def last_before(self, is_counted: Flags) -> Integers:
        """Return for each row the group's last counted row before it, or -1."""
        places = np.where(is_counted[self.order], np.arange(len(self.order)), -1)
        last = np.full(len(places), -1)
        last[1:] = np.maximum.accumulate(places)[:-1]
        known = last >= self.first
        rows = np.full(len(places), -1)
        rows[self.order] = np.where(known, self.order[np.maximum(last, 0)], -1)
        return rows

    def decayed_before(self, seconds: Floats, weights: Floats, half_life: int) -> Floats:
        """Return for each row the group's decayed counter just before it."""
        ordered = seconds[self.order]
        steps = np.diff(ordered, prepend=ordered[:1])
        own = weights[self.order]
        return self.back(scan(decay_factors(steps, self.starts, half_life), own) - own)


def compute_log_in_features(log_ins: LogIns) -> dict[str, Floats]:
    """Return by name the features of every attempt; NaN is unknown. Times are whole seconds."""
    seconds = (log_ins.at // MICROSECONDS).astype(np.float64)
    accepted = log_ins.is_successful
    by_login = _Group.of(log_ins.login)
    own = by_login.sum_before(accepted.astype(np.float64))
    features: dict[str, Floats] = {"log_ins_before": own}
    pairs = {name: _Group.of(_pair(log_ins, name)) for name in _HABITS}
    features |= _habits(log_ins, pairs, own)
    for name in _SINCE:
        features[f"seconds_since_{name}"] = _since(seconds, pairs[name].last_before(accepted))
    features |= _last(log_ins, seconds, by_login)
    features["hours_from_usual"] = _hours_from_usual(log_ins, by_login)
    features |= _trouble(log_ins, seconds, pairs)
    return features


def to_log_in_matrix(features: dict[str, Floats], rows: Integers) -> Floats:
    """Return these rows of all features, (rows, features)."""
    return np.column_stack([values[rows] for values in features.values()])


def _pair(log_ins: LogIns, name: str) -> Integers:
    codes: Integers = getattr(log_ins, name)
    return log_ins.login * (int(codes.max(initial=0)) + 1) + codes


def _habits(log_ins: LogIns, pairs: dict[str, _Group], own: Floats) -> dict[str, Floats]:
    accepted = log_ins.is_successful.astype(np.float64)
    ours = {name: pairs[name].sum_before(accepted) for name in _HABITS}
    everybody = {
        name: _Group.of(getattr(log_ins, name)).sum_before(accepted)
        for name in (*_NETWORK, *_AGENT)
    }
    total = np.cumsum(accepted) - accepted
    # A login is there from its first accepted log-in on.
    newcomers = accepted * (own == 0)
    scores = score_log_ins(
        LogInCounts(
            own_network=np.column_stack([ours[name] for name in _NETWORK]),
            all_network=np.column_stack([everybody[name] for name in _NETWORK]),
            own_agent=np.column_stack([ours[name] for name in _AGENT]),
            all_agent=np.column_stack([everybody[name] for name in _AGENT]),
            own=own,
            all=total,
            logins=np.cumsum(newcomers) - newcomers,
        )
    )
    return {
        SCORE: scores.total,
        "score_network": scores.network,
        "score_agent": scores.agent,
        **{f"own_share_{name}": ours[name] / (own + 1.0) for name in _HABITS},
        **{f"share_{name}": everybody[name] / (total + 1.0) for name in everybody},
        # Others who are at this address too: a household, an office, or a crowd.
        "address_others": everybody["address"] - ours["address"],
    }


def _last(log_ins: LogIns, seconds: Floats, by_login: _Group) -> dict[str, Floats]:
    last = by_login.last_before(log_ins.is_successful)
    features = {"seconds_since_log_in": _since(seconds, last)}
    for name in _LIKE_LAST:
        codes = getattr(log_ins, name)
        is_same = (codes == codes[last]).astype(np.float64)
        features[f"is_last_{name}"] = np.where(last >= 0, is_same, np.nan)
    return features


def _since(seconds: Floats, last: Integers) -> Floats:
    return np.where(last >= 0, seconds - seconds[last], np.nan)


def _hours_from_usual(log_ins: LogIns, by_login: _Group) -> Floats:
    """Return the distance on the clock to the mean hour of the login's log-ins before; 0 to 12."""
    accepted = log_ins.is_successful.astype(np.float64)
    angle = (log_ins.at % (DAY * MICROSECONDS)) * (2 * np.pi / (DAY * MICROSECONDS))
    east = by_login.sum_before(accepted * np.cos(angle))
    north = by_login.sum_before(accepted * np.sin(angle))
    apart = np.abs((angle - np.arctan2(north, east) + np.pi) % (2 * np.pi) - np.pi)
    known = by_login.sum_before(accepted) > 0
    return np.where(known, apart * (_HOURS_A_DAY / (2 * np.pi)), np.nan)


def _trouble(log_ins: LogIns, seconds: Floats, pairs: dict[str, _Group]) -> dict[str, Floats]:
    failed = (~log_ins.is_successful).astype(np.float64)
    accepted = log_ins.is_successful.astype(np.float64)
    features: dict[str, Floats] = {}
    groups = {name: _Group.of(getattr(log_ins, name)) for name in ("login", *_SHARES)}
    for name, half_life in _FAILURES:
        counted = groups[name].decayed_before(seconds, failed, half_life)
        features[f"{name}_failures_{half_life // HOUR}h"] = counted
    for name in _SHARES:
        group = groups[name]
        failures = group.decayed_before(seconds, failed, DAY)
        attempts = failures + group.decayed_before(seconds, accepted, DAY)
        features[f"{name}_failed_share"] = failures / (attempts + 1.0)
        # Who comes here for the first time: many do where attackers come from.
        is_new = (pairs[name].last_before(log_ins.is_successful) < 0) * accepted
        newcomers = group.decayed_before(seconds, is_new, _MONTH)
        visits = group.decayed_before(seconds, accepted, _MONTH)
        features[f"{name}_new_share"] = newcomers / (visits + 1.0)
    met = pairs["address"].last_before(np.ones(len(log_ins), np.bool_))
    since = np.where(met >= 0, seconds - seconds[met], np.inf)
    for half_life in (HOUR, DAY):
        weights = 1.0 - np.exp2(-since / half_life)
        distinct = groups["address"].decayed_before(seconds, weights, half_life)
        features[f"address_logins_{half_life // HOUR}h"] = distinct
    return features
