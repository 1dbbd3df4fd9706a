"""Who lives in the simulated town: people, shops, employers, with their habits and devices."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.fraud.simulator.payments import NONE, happens

_FIRST_ACCOUNT: Final = 10_000
_DEVICES_EACH: Final = 4
_PEOPLE_OF_A_MERCHANT: Final = 12
_PEOPLE_OF_AN_EMPLOYER: Final = 60
_PEOPLE_OF_A_HOUSEHOLD: Final = 2.3
_FRIENDS: Final = 12
_FAVOURITES: Final = 10
#: How many of one's friends live nearby.
_NEIGHBOURS: Final = 0.8
#: From when to when people work, and on how many days from Monday on.
_WORK: Final = (9.0, 18.0)
_WORK_DAYS: Final = 5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class World:
    """Everybody, one place a person or merchant in each array.

    `opened_on` is the day of the history on which an account was opened, below 0 before it;
    `rate` payments a day; `scale` what a person usually spends at once, in minor units; `hour`
    how far a person's day is behind the others'. `price` is what a merchant's prices are beside
    others', `is_round` whether they are round. A person with `channel` 0 gives neither device nor
    address, with 1 no address.
    """

    days: int
    people: int
    merchants: int
    employers: int
    opened_on: Integers
    account_class: Integers
    rate: Floats
    scale: Floats
    hour: Floats
    is_dormant: Flags
    channel: Integers
    device_changed_on: Integers
    has_second_device: Flags
    home: Integers
    office: Integers
    travel_from: Integers
    travel_days: Integers
    employer: Integers
    salary_day: Integers
    salary: Floats
    landlord: Integers
    rent: Floats
    friends: Integers
    favourites: Integers
    price: Floats
    is_round: Flags
    kind: Integers
    addresses: int

    def person_account(self, people: Integers) -> Integers:
        """Return the accounts of people."""
        return _FIRST_ACCOUNT + people

    def merchant_account(self, merchants: Integers) -> Integers:
        """Return the accounts of merchants."""
        return _FIRST_ACCOUNT + self.people + merchants

    def employer_account(self, employers: Integers) -> Integers:
        """Return the accounts of employers."""
        return _FIRST_ACCOUNT + self.people + self.merchants + employers

    @property
    def first_fresh_account(self) -> int:
        """The first account number that nobody has."""
        return _FIRST_ACCOUNT + self.people + self.merchants + self.employers

    @property
    def first_fresh_device(self) -> int:
        """The first device that nobody has."""
        return self.people * _DEVICES_EACH

    def choose_devices(
        self, random: np.random.Generator, people: Integers, days: Integers
    ) -> Integers:
        """Return what each person pays with on a day: rarely the second device, new after a change.

        NONE for who comes through a channel that names none.
        """
        second = self.has_second_device[people] & happens(random, len(people), 0.15)
        changed = days >= self.device_changed_on[people]
        device = people * _DEVICES_EACH + np.where(second, 2, changed.astype(np.int64))
        return np.where(self.channel[people] == 0, NONE, device)

    def choose_addresses(
        self, random: np.random.Generator, people: Integers, days: Integers, hours: Floats
    ) -> Integers:
        """Return where each payment is made from: home, office, on the move, or on a journey."""
        is_office = (hours > _WORK[0]) & (hours < _WORK[1]) & (days % 7 < _WORK_DAYS)
        usual = np.where(is_office, self.office[people], self.home[people])
        gateways = random.integers(0, max(1, self.addresses // 40), len(people))
        is_moving = happens(random, len(people), 0.25)
        address = np.where(is_moving, self.addresses + gateways, usual)
        gone = days - self.travel_from[people]
        is_away = (gone >= 0) & (gone < self.travel_days[people])
        hotel = 2 * self.addresses + people % max(1, self.addresses // 4)
        address = np.where(is_away, hotel, address)
        return np.where(self.channel[people] <= 1, NONE, address)


def make_world(random: np.random.Generator, *, customers: int, days: int) -> World:
    """Return a town of so many customers, for a history of so many days."""
    merchants = max(10, customers // _PEOPLE_OF_A_MERCHANT)
    employers = max(2, customers // _PEOPLE_OF_AN_EMPLOYER)
    households = max(2, int(customers / _PEOPLE_OF_A_HOUSEHOLD))
    is_dormant = happens(random, customers, 0.12)
    is_new = happens(random, customers, 0.2)
    opened_on = np.where(
        is_new, random.integers(0, days, customers), -random.integers(1, 2_000, customers)
    )
    scale = 4_000 * np.exp(random.normal(0.0, 0.6, customers))
    offices = max(2, employers)
    return World(
        days=days,
        people=customers,
        merchants=merchants,
        employers=employers,
        opened_on=opened_on,
        account_class=random.choice([1, 2, 3], customers, p=[0.3, 0.3, 0.4]),
        rate=np.where(is_dormant, 0.004, 0.75 * np.exp(random.normal(-0.3, 0.75, customers))),
        scale=scale,
        hour=random.normal(0.0, 0.8, customers) + 4.5 * happens(random, customers, 0.07),
        is_dormant=is_dormant,
        channel=random.choice([0, 1, 2], customers, p=[0.1, 0.3, 0.6]),
        device_changed_on=random.integers(0, 3 * days, customers),
        has_second_device=happens(random, customers, 0.3),
        home=random.integers(0, households, customers),
        office=random.integers(households, households + offices, customers),
        travel_from=random.integers(0, 4 * days, customers),
        travel_days=random.integers(3, 10, customers),
        employer=random.integers(0, employers, customers),
        salary_day=np.clip(np.rint(random.normal(12, 5, customers)), 1, 28).astype(np.int64),
        salary=np.where(happens(random, customers, 0.55), 150.0 * scale, 0.0),
        landlord=random.integers(0, customers, customers),
        rent=np.where(happens(random, customers, 0.35), 45.0 * scale, 0.0),
        friends=_choose_friends(random, customers),
        favourites=_choose_favourites(random, customers, merchants),
        price=np.exp(random.normal(0.0, 0.8, merchants)),
        is_round=happens(random, merchants, 0.06),
        kind=random.integers(1, 6, merchants),
        addresses=households + offices,
    )


def _choose_friends(random: np.random.Generator, customers: int) -> Integers:
    """Mostly people of the neighbourhood, a few from anywhere."""
    near = np.rint(random.normal(0.0, 15.0, (customers, _FRIENDS))).astype(np.int64)
    around = (np.arange(customers)[:, None] + near) % customers
    anyone = random.integers(0, customers, (customers, _FRIENDS))
    return np.where(random.random((customers, _FRIENDS)) < _NEIGHBOURS, around, anyone)


def _choose_favourites(random: np.random.Generator, customers: int, merchants: int) -> Integers:
    """Merchants with a low number are everybody's."""
    drawn = random.random((customers, _FAVOURITES)) ** 2.0 * merchants
    return drawn.astype(np.int64)
