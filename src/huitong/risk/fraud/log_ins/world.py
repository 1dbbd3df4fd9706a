"""The made-up world that log-ins come from: places, networks, and devices that are kept up to date.

Shares and periods are assumptions, given at each constant; docs/risk.md lists them with what the
publications say.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from huitong.risk.decisioning.features.definitions import DAY
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.decisioning.features.timelines import MICROSECONDS
from huitong.risk.fraud.log_ins.types import Kind

#: Attempts as columns: codes and flags by name.
Columns: TypeAlias = dict[str, NDArray[Any]]

HOME_CITIES: Final = 60
COUNTRIES_ABROAD: Final = 40
_CITIES_ABROAD: Final = 3
#: Autonomous systems at home by what they serve, as ranges of codes; the rest of the world follows.
HOUSEHOLDS: Final = range(12)
CARRIERS: Final = range(12, 15)
BUSINESSES: Final = range(15, 21)
#: Providers of private networks have exits in many countries.
VPNS: Final = range(21, 29)
HOSTS_AT_HOME: Final = range(29, 41)
HOSTS_ABROAD: Final = range(41, 61)
_FIRST_ABROAD: Final = 61
_NETWORKS_ABROAD: Final = 4
_ADDRESSES: Final = 1 << 20

SLOTS: Final = 3
_GENERATIONS: Final = 2
_DESKTOP, _MOBILE, _TABLET = range(3)
#: Browsers and operating systems of each type of device, and how common they are.
_BROWSERS: Final = ((0.62, 0.2, 0.1, 0.08), (0.55, 0.35, 0.1), (0.5, 0.4, 0.1))
_SYSTEMS: Final = ((0.72, 0.2, 0.08), (0.7, 0.3), (0.4, 0.6))
#: Models that a user agent tells of: none of a computer, many of phones.
_MODELS: Final = (1, 120, 20)
#: A browser's next version comes each four weeks, a system's more rarely on computers.
_BROWSER_DAYS: Final = 28
_SYSTEM_DAYS: Final = (180, 75, 90)
#: Mean days until a device has an update, and the share of devices that never get one.
_BROWSER_LAG_DAYS: Final = 9.0
_SYSTEM_LAG_DAYS: Final = 30.0
_NEVER_UPDATED: Final = 0.08
#: Mean life of a device in days: the next one in its place looks different.
_LIFE_DAYS: Final = (1_300.0, 900.0, 1_300.0)
_LONG_AGO: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Devices:
    """Every device of every login: a slot of its owner, in its first or second generation."""

    type: Integers
    browser: Integers
    system: Integers
    model: Integers
    browser_lag: Floats
    system_lag: Floats
    #: When the first generation gives way to the second, in seconds from the beginning.
    replaced: Floats

    @classmethod
    def draw(cls, random: Generator, logins: int) -> "Devices":
        """Return the devices of so many logins: in the slots a phone, a computer, and another."""
        shape = (logins, SLOTS, _GENERATIONS)
        types = np.empty(shape, np.int64)
        types[:, 0], types[:, 1] = _MOBILE, _DESKTOP
        # The other one is a tablet, or a second computer; it stays what it is.
        types[:, 2] = random.choice([_TABLET, _DESKTOP], size=(logins, 1))
        flat = types.reshape(-1)
        life = np.array(_LIFE_DAYS)[types[:, :, 0].reshape(-1)] * DAY
        never = random.random(len(flat)) < _NEVER_UPDATED
        return cls(
            type=flat,
            browser=_by_type(random, flat, _BROWSERS),
            system=_by_type(random, flat, _SYSTEMS),
            # Some models sell far better than others.
            model=(np.array(_MODELS)[flat] * random.random(len(flat)) ** 2).astype(np.int64),
            browser_lag=np.where(never, np.inf, random.exponential(_BROWSER_LAG_DAYS, len(flat))),
            system_lag=np.where(never, np.inf, random.exponential(_SYSTEM_LAG_DAYS, len(flat))),
            replaced=random.exponential(life),
        )

    def choose(self, login: Integers, slot: Integers, at: Floats) -> Integers:
        """Return which device is in the slot at that time."""
        place = login * SLOTS + slot
        device: Integers = place * _GENERATIONS + (at >= self.replaced[place])
        return device

    def show(self, device: Integers, at: Floats, *, behind: Integers | int = 0) -> Columns:
        """Return what the device's user agent says then, or so many versions before that."""
        kind = self.type[device]
        browser = _version(at, self.browser_lag[device], np.array(_BROWSER_DAYS)) - behind
        system = _version(at, self.system_lag[device], np.array(_SYSTEM_DAYS)[kind])
        family = (kind * 4 + self.browser[device]) * 4 + self.system[device]
        return {
            "device": kind,
            "family": family,
            "browser": (kind * 4 + self.browser[device]) * 100 + browser,
            "system": (kind * 4 + self.system[device]) * 100 + system,
            "agent": ((family * 100 + browser) * 100 + system) * 1_000 + self.model[device],
        }


def stamp(columns: Columns, at: Floats, kind: Kind, right: Flags | None = None) -> Columns:
    """Return the attempts with when they are made, what they are, and which had the right words.

    `at` is in seconds from the beginning; without `right` all have.
    """
    return {
        **columns,
        "at": (at * MICROSECONDS).astype(np.int64),
        "is_successful": np.ones(len(at), np.bool_) if right is None else right,
        "kind": np.full(len(at), int(kind)),
    }


def country_of(city: Integers) -> Integers:
    """Return 0 for the home country, from 1 on for those abroad."""
    return np.where(city < HOME_CITIES, 0, 1 + (city - HOME_CITIES) // _CITIES_ABROAD)


def city_abroad(random: Generator, country: Integers) -> Integers:
    """Return a city in each country (from 1 on)."""
    number = random.integers(_CITIES_ABROAD, size=len(country))
    return HOME_CITIES + (country - 1) * _CITIES_ABROAD + number


def network_abroad(random: Generator, country: Integers) -> Integers:
    """Return an access network of each country (from 1 on)."""
    number = random.integers(_NETWORKS_ABROAD, size=len(country))
    return _FIRST_ABROAD + (country - 1) * _NETWORKS_ABROAD + number


def draw_home_city(random: Generator, count: int) -> Integers:
    """Return cities at home; the second is half as large as the first, and so on."""
    return random.choice(HOME_CITIES, size=count, p=_zipf(HOME_CITIES))


def draw_country_abroad(random: Generator, count: int) -> Integers:
    """Return countries abroad, some of them far more common than others."""
    return 1 + random.choice(COUNTRIES_ABROAD, size=count, p=_zipf(COUNTRIES_ABROAD))


def draw_among(random: Generator, codes: range, count: int) -> Integers:
    """Return codes of the range, the first ones more often."""
    return codes.start + random.choice(len(codes), size=count, p=_zipf(len(codes)))


def scatter(*parts: Integers | int, among: Integers | int) -> Integers:
    """Return numbers below `among` that look random, and are the same for the same parts."""
    mixed = np.zeros(1, np.uint64)
    for part in parts:
        mixed = (mixed ^ np.asarray(part).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
    return (mixed % np.asarray(among).astype(np.uint64)).astype(np.int64)


def to_address(network: Integers, city: Integers, number: Integers) -> Integers:
    """Return the code of an address: a network's addresses in one city are its own."""
    return (network * 1_000 + city) * _ADDRESSES + number


def _version(at: Floats, lag_days: Floats, period_days: Integers) -> Integers:
    # A device that never gets updates stays where it was when the history began.
    reached = np.where(np.isinf(lag_days), 0.0, np.maximum(at / DAY - lag_days, -period_days))
    return _LONG_AGO + np.floor(reached / period_days).astype(np.int64)


def _by_type(random: Generator, types: Integers, shares: tuple[tuple[float, ...], ...]) -> Integers:
    drawn = random.random(len(types))
    result = np.zeros(len(types), np.int64)
    for number, of_type in enumerate(shares):
        is_type = types == number
        bounds = np.cumsum(of_type)[:-1]
        result[is_type] = np.searchsorted(bounds, drawn[is_type], side="right")
    return result


def _zipf(count: int) -> Floats:
    weights = 1.0 / np.arange(1, count + 1)
    shares: Floats = weights / weights.sum()
    return shares
