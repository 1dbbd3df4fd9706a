"""Attackers, by what they know and do.

Naive, VPN and targeted attackers are those of Freeman et al. (2016) and Wiefling et al. (2022):
victims are chosen evenly; the first comes from anywhere with a common user agent, the second from
the victim's country, the third knows city and user agent. Stuffing and relays are added here. How
many there are is an assumption, and far more than in life: recall at a rate of false alarms does
not depend on it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from huitong.risk.decisioning.features.definitions import DAY, HOUR
from huitong.risk.decisioning.features.scans import Floats, Integers
from huitong.risk.fraud.log_ins import world
from huitong.risk.fraud.log_ins.honest import LARGEST_CITIES, Customers, draw_exit
from huitong.risk.fraud.log_ins.types import Kind
from huitong.risk.fraud.log_ins.world import Columns

#: Victims of each kind, as a share of the customers in twelve weeks.
_VICTIMS: Final = 0.025
_VICTIM_DAYS: Final = 84
#: Targeted attackers have the victim's very user agent so often, else an older version.
_EXACT: Final = 0.7
#: Botnets: so many campaigns a week, logins that each tries, and credentials that are right.
_CAMPAIGNS_A_WEEK: Final = 1.0
_TRIED: Final = 0.2
_RIGHT: Final = 0.015
_BOTS: Final = 250
_BOTS_AT_HOME: Final = 0.3
_BOT_AGENTS: Final = 3
_CAMPAIGN_DAYS: Final = 2.0
#: Phishing sites: so many victims each, one or two addresses, some days of life.
_RELAY_VICTIMS: Final = 12
_RELAY_DAYS: Final = 4.0
#: Relays in rented machines at home and abroad, and behind households.
_RELAYS: Final = (0.5, 0.3, 0.2)
_HOSTED_ADDRESSES: Final = 5_000
#: Naive attackers in rented machines abroad, VPN attackers with a provider of private networks.
_HOSTED: Final = 0.5
_PRIVATE: Final = 0.6
#: How old a botnet's tools are, in versions of the browser.
_VERSIONS_BEHIND: Final = 6
_HOUSE_NUMBERS: Final = 60_000


def attack(random: Generator, customers: Customers, seconds: float) -> list[Columns]:
    """Return the attempts of all attackers over the history."""
    victims = max(1, round(len(customers) * _VICTIMS * seconds / (_VICTIM_DAYS * DAY)))
    simple: tuple[tuple[Kind, _Place, _Agent], ...] = (
        (Kind.NAIVE, _anywhere, _common_agent),
        (Kind.VPN, _hosted_at_home, _common_agent),
        (Kind.TARGETED, _in_the_city, _imitated_agent),
    )
    parts = []
    for kind, place, agent in simple:
        login = random.integers(len(customers), size=victims)
        at = _times(random, customers, login, seconds)
        columns = {
            "login": login,
            **place(random, customers, login),
            **agent(random, customers, login, at),
        }
        parts.append(world.stamp(columns, at, kind))
    parts += _stuff(random, customers, seconds)
    return [*parts, *_relay(random, customers, seconds, victims)]


def _times(random: Generator, customers: Customers, login: Integers, seconds: float) -> Floats:
    """Return times at which the victim may be a customer, at any hour."""
    joined = customers.joined[login]
    times: Floats = joined + random.random(len(login)) * (seconds - joined)
    return times


_Place = Callable[[Generator, Customers, Integers], Columns]
_Agent = Callable[[Generator, Customers, Integers, Floats], Columns]


def _anywhere(random: Generator, customers: Customers, login: Integers) -> Columns:
    del customers
    count = len(login)
    country = world.draw_country_abroad(random, count)
    hosted = random.random(count) < _HOSTED
    hosts = world.draw_among(random, world.HOSTS_ABROAD, count)
    return {
        "network": np.where(hosted, hosts, world.network_abroad(random, country)),
        "city": world.city_abroad(random, country),
        "number": random.integers(_HOSTED_ADDRESSES, size=count),
    }


def _hosted_at_home(random: Generator, customers: Customers, login: Integers) -> Columns:
    del customers
    count = len(login)
    private = draw_exit(random, world.draw_among(random, world.VPNS, count), abroad=0.0)
    hosted = {
        "network": world.draw_among(random, world.HOSTS_AT_HOME, count),
        "city": world.draw_home_city(random, count) % LARGEST_CITIES,
        "number": random.integers(_HOSTED_ADDRESSES, size=count),
    }
    is_private = random.random(count) < _PRIVATE
    return {name: np.where(is_private, private[name], hosted[name]) for name in hosted}


def _in_the_city(random: Generator, customers: Customers, login: Integers) -> Columns:
    count = len(login)
    return {
        "network": world.draw_among(random, world.HOUSEHOLDS, count),
        "city": customers.city[login],
        "number": random.integers(_HOUSE_NUMBERS, size=count),
    }


def _common_agent(random: Generator, customers: Customers, login: Integers, at: Floats) -> Columns:
    """Return what some customer's computer shows: the common ones are drawn most often."""
    someone = random.integers(len(customers), size=len(login))
    computer = customers.devices.choose(someone, np.ones(len(login), np.int64), at)
    return customers.devices.show(computer, at)


def _imitated_agent(
    random: Generator, customers: Customers, login: Integers, at: Floats
) -> Columns:
    device = customers.devices.choose(login, customers.slots(random, login), at)
    behind = np.where(random.random(len(login)) < _EXACT, 0, random.integers(1, 4, size=len(login)))
    return customers.devices.show(device, at, behind=behind)


def _stuff(random: Generator, customers: Customers, seconds: float) -> list[Columns]:
    parts = []
    for _ in range(max(1, round(_CAMPAIGNS_A_WEEK * seconds / (7 * DAY)))):
        start = random.random() * seconds
        tried = max(1, int(len(customers) * _TRIED * random.uniform(0.5, 1.5)))
        login = random.choice(len(customers), size=min(tried, len(customers)), replace=False)
        at = start + random.random(len(login)) * random.exponential(_CAMPAIGN_DAYS * DAY)
        login, at = _while_customers(customers, login, at, seconds)
        place = _bots(random, len(login))
        # A campaign has a few tools, each with one user agent, often an old one.
        owner = random.integers(len(customers), size=_BOT_AGENTS)
        device = customers.devices.choose(
            owner, np.ones(_BOT_AGENTS, np.int64), np.full(_BOT_AGENTS, start)
        )
        tool = customers.devices.show(
            device,
            np.full(_BOT_AGENTS, start),
            behind=random.integers(_VERSIONS_BEHIND, size=_BOT_AGENTS),
        )
        which = random.integers(_BOT_AGENTS, size=len(login))
        columns = {"login": login, **place, **{name: each[which] for name, each in tool.items()}}
        right = random.random(len(login)) < _RIGHT
        parts.append(world.stamp(columns, at, Kind.STUFFING, right))
    return parts


def _bots(random: Generator, count: int) -> Columns:
    """Return the addresses of one botnet: machines in households all over the world."""
    country = world.draw_country_abroad(random, _BOTS)
    at_home = random.random(_BOTS) < _BOTS_AT_HOME
    networks = world.draw_among(random, world.HOUSEHOLDS, _BOTS)
    bots = {
        "network": np.where(at_home, networks, world.network_abroad(random, country)),
        "city": np.where(
            at_home, world.draw_home_city(random, _BOTS), world.city_abroad(random, country)
        ),
        "number": random.integers(_HOUSE_NUMBERS, size=_BOTS),
    }
    which = random.integers(_BOTS, size=count)
    return {name: values[which] for name, values in bots.items()}


def _relay(random: Generator, customers: Customers, seconds: float, victims: int) -> list[Columns]:
    parts = []
    for _ in range(max(1, round(victims / _RELAY_VICTIMS))):
        login = random.integers(len(customers), size=1 + random.poisson(_RELAY_VICTIMS - 1))
        start = random.random() * seconds
        day = np.floor((start + random.exponential(_RELAY_DAYS * DAY, len(login))) / DAY)
        # The victims themselves type, when they usually do.
        at = day * DAY + customers.hours(random, login) * HOUR
        login, at = _while_customers(customers, login, at, seconds)
        device = customers.devices.choose(login, customers.slots(random, login), at)
        columns = {
            "login": login,
            **_relay_place(random, len(login)),
            **customers.devices.show(device, at),
        }
        parts.append(world.stamp(columns, at, Kind.RELAY))
    return parts


def _relay_place(random: Generator, count: int) -> Columns:
    """Return where one phishing site passes words on from: one network, two addresses."""
    where = random.choice(["hosted", "abroad", "household"], p=_RELAYS)
    if where == "abroad":
        network = world.draw_among(random, world.HOSTS_ABROAD, 1)
        city = world.city_abroad(random, world.draw_country_abroad(random, 1))
    else:
        codes = world.HOSTS_AT_HOME if where == "hosted" else world.HOUSEHOLDS
        network = world.draw_among(random, codes, 1)
        city = world.draw_home_city(random, 1)
    first = random.integers(_HOSTED_ADDRESSES, size=1)
    number = first + random.integers(2, size=count)
    return {"network": network.repeat(count), "city": city.repeat(count), "number": number}


def _while_customers(
    customers: Customers, login: Integers, at: Floats, seconds: float
) -> tuple[Integers, Floats]:
    stay = (at >= customers.joined[login]) & (at < seconds)
    return login[stay], at[stay]
