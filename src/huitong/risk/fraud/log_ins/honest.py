"""Honest customers: where they live and work, what they log in with, when they travel.

All shares are assumptions; they are meant to make honest log-ins as unlike each other as they are:
addresses that change, updates, new devices, trips, private networks, offices and hotspots that many
share, and mistyped passwords.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from huitong.risk.decisioning.features.definitions import DAY, HOUR
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.fraud.log_ins import world
from huitong.risk.fraud.log_ins.types import Kind
from huitong.risk.fraud.log_ins.world import SLOTS, Columns, Devices

_MEDIAN_A_DAY: Final = 0.25
_SPREAD: Final = 1.0
_A_DAY_BOUNDS: Final = (0.01, 3.0)
#: The rest were customers before the history begins.
_JOIN_LATER: Final = 0.25
_SHARE_HOUSEHOLD: Final = 0.3
_EMPLOYED: Final = 0.5
#: Those of one city, the largest first.
_EMPLOYERS: Final = range(40)
#: Who has a phone, a computer, another device; how much each is used.
_OWNED: Final = (0.92, 0.6, 0.15)
_USED: Final = (0.65, 0.3, 0.05)
_USUAL_HOURS: Final = (9.0, 13.0, 20.0)
_HOURS_SPREAD: Final = 3.0
#: Mean days until a household has another address, hours until a phone has.
_LEASE_DAYS: Final = 25.0
_CARRIER_HOURS: Final = 6
_TRIPS: Final = 2
#: A trip is taken by so many; it lasts a day and on average four more; so many go abroad.
_TRAVEL: Final = 0.35
_TRIP_DAYS: Final = 4.0
_ABROAD: Final = 0.25
_ROAMING: Final = 0.4
#: Who uses private networks often, how often that is, and how often others do.
_ALWAYS_VPN: Final = 0.05
_VPN_OFTEN: Final = 0.5
_VPN_SELDOM: Final = 0.004
_EXITS_ABROAD: Final = 0.3
_EXIT_ADDRESSES: Final = 30
#: So many exits stand in rented machines, where attackers rent too; so do some offices' proxies.
_RENTED_EXITS: Final = 0.5
_PROXIED_EMPLOYERS: Final = 0.06
#: Carriers put many phones behind each address, in places that are not always the right city.
_CARRIER_ADDRESSES: Final = 40
_CARRIER_ELSEWHERE: Final = 0.2
_HOTSPOTS: Final = 200
#: A password is mistyped before so many log-ins, and a second time before so many of those.
_MISTYPED: Final = 0.06
_MISTYPED_TWICE: Final = 0.25
_HOUSE_NUMBERS: Final = 60_000
_OFFICE_HOURS: Final = (9, 18)
_WORKING_DAYS: Final = 5
#: Shares of log-ins on a phone and on other devices: at hotspots; with those by the carrier; with
#: those in the office while it is open. The rest is at home.
_HOTSPOT_SHARES: Final = (0.05, 0.03)
_CARRIER_SHARE: Final = 0.5
_OFFICE_SHARES: Final = (0.65, 0.75)
LARGEST_CITIES: Final = 5
#: A carrier's addresses are looked up as in the first city of so many.
_REGION: Final = 5
#: A trip that is not taken begins then.
_NEVER: Final = 1e18


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """What stays the same about each customer."""

    city: Integers
    household: Integers
    network: Integers
    lease_days: Floats
    carrier: Integers
    employer: Integers
    usual_hour: Floats
    a_day: Floats
    joined: Floats
    owns: Flags
    vpn_share: Floats
    vpn: Integers
    trips: Floats
    trip_city: Integers
    devices: Devices

    def __len__(self) -> int:
        return len(self.city)

    @classmethod
    def draw(cls, random: Generator, count: int, seconds: float) -> "Customers":
        """Return so many customers of a history of so many seconds."""
        household = np.arange(count)
        shares = random.random(count) < _SHARE_HOUSEHOLD
        # Two by two: every other customer may live with the one before.
        shares[::2] = False
        household[shares] -= 1
        city = world.draw_home_city(random, count)[household]
        owns = random.random((count, SLOTS)) < _OWNED
        owns[~owns.any(axis=1), 0] = True
        often = random.random(count) < _ALWAYS_VPN
        joined = random.random(count) * seconds
        trips, trip_city = _draw_trips(random, count, seconds)
        return cls(
            city=city,
            household=household,
            network=world.draw_among(random, world.HOUSEHOLDS, count)[household],
            lease_days=random.exponential(_LEASE_DAYS, count)[household] + 1.0,
            carrier=world.draw_among(random, world.CARRIERS, count),
            employer=np.where(
                random.random(count) < _EMPLOYED, world.draw_among(random, _EMPLOYERS, count), -1
            ),
            usual_hour=random.choice(_USUAL_HOURS, size=count) + random.normal(0, 1.5, count),
            a_day=np.clip(random.lognormal(np.log(_MEDIAN_A_DAY), _SPREAD, count), *_A_DAY_BOUNDS),
            joined=np.where(random.random(count) < _JOIN_LATER, joined, 0.0),
            owns=owns,
            vpn_share=np.where(often, _VPN_OFTEN, _VPN_SELDOM),
            vpn=world.draw_among(random, world.VPNS, count),
            trips=trips,
            trip_city=trip_city,
            devices=Devices.draw(random, count),
        )

    def hours(self, random: Generator, login: Integers) -> Floats:
        """Return an hour of the day for each login, by its habits."""
        return (self.usual_hour[login] + random.normal(0, _HOURS_SPREAD, len(login))) % 24

    def slots(self, random: Generator, login: Integers) -> Integers:
        """Return which of its devices each login takes."""
        chance = self.owns[login] * np.array(_USED)
        bounds = np.cumsum(chance, axis=1)
        drawn = random.random(len(login)) * bounds[:, -1]
        slot: Integers = (drawn[:, None] >= bounds).sum(axis=1)
        return slot


def log_in_honestly(random: Generator, customers: Customers, seconds: float) -> list[Columns]:
    """Return the honest log-ins of the history, and the attempts that were mistyped before them."""
    active = (seconds - customers.joined) / DAY
    login = np.repeat(np.arange(len(customers)), random.poisson(customers.a_day * active))
    day = np.floor(
        (customers.joined[login] + random.random(len(login)) * (seconds - customers.joined[login]))
        / DAY
    )
    at = day * DAY + customers.hours(random, login) * HOUR
    slot = customers.slots(random, login)
    device = customers.devices.choose(login, slot, at)
    place = _place(random, customers, login, slot, at)
    columns = {"login": login, **place, **customers.devices.show(device, at)}
    return [world.stamp(columns, at, Kind.HONEST), *_mistype(random, columns, at)]


def draw_exit(random: Generator, vpn: Integers, *, abroad: float) -> Columns:
    """Return an exit of each private network: its city and one of its addresses there."""
    away = random.random(len(vpn)) < abroad
    city = np.where(
        away,
        world.city_abroad(random, world.draw_country_abroad(random, len(vpn))),
        # Exits stand in the largest cities.
        world.draw_home_city(random, len(vpn)) % LARGEST_CITIES,
    )
    number = random.integers(_EXIT_ADDRESSES, size=len(vpn))
    hosts = np.where(city < world.HOME_CITIES, world.HOSTS_AT_HOME.start, world.HOSTS_ABROAD.start)
    hosts = hosts + world.scatter(vpn, city, among=len(world.HOSTS_AT_HOME))
    is_rented = world.scatter(vpn, city, 1, among=1_000) < 1_000 * _RENTED_EXITS
    return {"network": np.where(is_rented, hosts, vpn), "city": city, "number": number}


def _mistype(random: Generator, columns: Columns, at: Floats) -> list[Columns]:
    failed = []
    rows = np.flatnonzero(random.random(len(at)) < _MISTYPED)
    for number in (1, 2):
        earlier = at[rows] - number * random.uniform(8, 30, len(rows))
        chosen = {name: values[rows] for name, values in columns.items()}
        failed.append(world.stamp(chosen, earlier, Kind.HONEST, np.zeros(len(rows), np.bool_)))
        rows = rows[random.random(len(rows)) < _MISTYPED_TWICE]
    return failed


def _place(
    random: Generator, customers: Customers, login: Integers, slot: Integers, at: Floats
) -> Columns:
    """Return network, city and number of the address of each log-in."""
    count = len(login)
    drawn = random.random(count)
    hour = at % DAY / HOUR
    is_office = (hour >= _OFFICE_HOURS[0]) & (hour < _OFFICE_HOURS[1])
    is_office &= (customers.employer[login] >= 0) & ((at // DAY) % 7 < _WORKING_DAYS)
    is_phone = slot == 0
    public = drawn < np.where(is_phone, *_HOTSPOT_SHARES)
    carrier = is_phone & ~public & (drawn < _CARRIER_SHARE)
    office = is_office & ~public & ~carrier & (drawn < np.where(is_phone, *_OFFICE_SHARES))
    choices = [
        (public, _hotspot(random, customers.city[login])),
        (carrier, _carrier(random, customers, login, at)),
        (office, _office(customers, login)),
    ]
    result = _home(customers, login, at)
    trip = _on_trip(customers, login, at)
    choices.append((trip >= 0, _travel(random, customers, login, trip, at)))
    vpn = random.random(count) < customers.vpn_share[login]
    choices.append((vpn, draw_exit(random, customers.vpn[login], abroad=_EXITS_ABROAD)))
    for chosen, columns in choices:
        result = {name: np.where(chosen, columns[name], result[name]) for name in result}
    return result


def _home(customers: Customers, login: Integers, at: Floats) -> Columns:
    lease = (at / DAY / customers.lease_days[login]).astype(np.int64)
    number = world.scatter(customers.household[login], lease, among=_HOUSE_NUMBERS)
    return {"network": customers.network[login], "city": customers.city[login], "number": number}


def _carrier(random: Generator, customers: Customers, login: Integers, at: Floats) -> Columns:
    number = world.scatter(
        login, (at / (_CARRIER_HOURS * HOUR)).astype(np.int64), among=_CARRIER_ADDRESSES
    )
    elsewhere = random.random(len(login)) < _CARRIER_ELSEWHERE
    city = np.where(elsewhere, customers.city[login] // _REGION * _REGION, customers.city[login])
    return {"network": customers.carrier[login], "city": city, "number": number}


def _office(customers: Customers, login: Integers) -> Columns:
    employer = np.maximum(customers.employer[login], 0)
    city = customers.city[login]
    which = world.scatter(city, employer, among=1_000)
    is_proxied = which < 1_000 * _PROXIED_EMPLOYERS
    return {
        "network": np.where(
            is_proxied,
            world.HOSTS_AT_HOME.start + which % len(world.HOSTS_AT_HOME),
            world.BUSINESSES.start + which % len(world.BUSINESSES),
        ),
        "city": city,
        # Each employer has up to three addresses; who works there keeps to one.
        "number": employer * 4 + world.scatter(login, among=1 + employer % 3),
    }


def _hotspot(random: Generator, city: Integers) -> Columns:
    spot = random.integers(_HOTSPOTS, size=len(city))
    network = world.scatter(city, spot, among=len(world.HOUSEHOLDS))
    return {"network": network, "city": city, "number": _HOUSE_NUMBERS + spot}


def _draw_trips(random: Generator, count: int, seconds: float) -> tuple[Floats, Integers]:
    """Return begin and end of each trip, (customers, trips, 2), and where each goes."""
    start = random.random((count, _TRIPS)) * seconds
    start[random.random((count, _TRIPS)) >= _TRAVEL] = _NEVER
    end = start + (1.0 + random.exponential(_TRIP_DAYS, start.shape)) * DAY
    flat = count * _TRIPS
    abroad = random.random(flat) < _ABROAD
    away = world.city_abroad(random, world.draw_country_abroad(random, flat))
    city = np.where(abroad, away, world.draw_home_city(random, flat))
    return np.stack([start, end], axis=-1), city.reshape(count, _TRIPS)


def _on_trip(customers: Customers, login: Integers, at: Floats) -> Integers:
    """Return the number of the trip that each log-in is made on, or -1."""
    bounds = customers.trips[login]
    away = (at[:, None] >= bounds[:, :, 0]) & (at[:, None] < bounds[:, :, 1])
    return np.where(away.any(axis=1), away.argmax(axis=1), -1)


def _travel(
    random: Generator, customers: Customers, login: Integers, trip: Integers, at: Floats
) -> Columns:
    city = customers.trip_city[login, np.maximum(trip, 0)]
    is_abroad = city >= world.HOME_CITIES
    country = np.maximum(world.country_of(city), 1)
    local = np.where(
        is_abroad,
        world.network_abroad(random, country),
        world.scatter(city, login, among=len(world.HOUSEHOLDS)),
    )
    hotel = {
        "network": local,
        "city": city,
        "number": _HOUSE_NUMBERS + world.scatter(login, trip, among=_HOTSPOTS),
    }
    roaming = _carrier(random, customers, login, at)
    # A phone abroad mostly comes out at its own carrier, at home; in the country, in that city.
    roaming["city"] = np.where(is_abroad, roaming["city"], city)
    is_roaming = random.random(len(login)) < _ROAMING
    return {name: np.where(is_roaming, roaming[name], hotel[name]) for name in hotel}
