"""What fraudsters do, campaign by campaign, all drawn at once."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Floats, Integers
from huitong.risk.fraud.simulator.honest import choose_hours, choose_strong, pay_as_usual
from huitong.risk.fraud.simulator.payments import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    Fraud,
    Payments,
    accumulate,
    concatenate,
    happens,
    make_payments,
    round_to,
)
from huitong.risk.fraud.simulator.world import World

#: Campaigns of each kind in a hundred thousand customer-days.
CAMPAIGNS: Final = {
    Fraud.TAKEOVER: 22.0,
    Fraud.MULE_RING: 1.3,
    Fraud.TESTING: 2.5,
    Fraud.COLLECTION: 1.2,
    Fraud.SCAM: 14.0,
    Fraud.GAMBLING: 1.3,
}
_NIGHT_SHARE: Final = 0.35


@dataclass(slots=True, eq=False)
class Underworld:
    """What fraudsters have: accounts that were lent, sold or opened for it, devices, addresses."""

    random: np.random.Generator
    world: World
    _next_account: int = field(init=False)
    _next_device: int = field(init=False)
    _next_address: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the numbers that nobody has."""
        self._next_account = self.world.first_fresh_account
        self._next_device = self.world.first_fresh_device
        self._next_address = 4 * self.world.addresses

    def open_accounts(self, count: int) -> Integers:
        """Return accounts that were opened for it."""
        self._next_account += count
        return np.arange(self._next_account - count, self._next_account)

    def take_devices(self, count: int) -> Integers:
        """Return devices that nobody here has paid with."""
        self._next_device += count
        return np.arange(self._next_device - count, self._next_device)

    def take_addresses(self, count: int) -> Integers:
        """Return addresses; half of them are where honest people are, too."""
        self._next_address += count
        fresh = np.arange(self._next_address - count, self._next_address)
        shared = self.random.integers(0, self.world.addresses, count)
        return np.where(happens(self.random, count, 0.5), shared, fresh)

    def choose_mules(self, count: int) -> Integers:
        """Return accounts that take stolen money: of people who sold theirs, or opened for it."""
        people = self.world.person_account(self.random.integers(0, self.world.people, count))
        return np.where(happens(self.random, count, 0.5), people, self.open_accounts(count))

    def count(self, kind: Fraud) -> int:
        """Return how many campaigns of a kind there are, at least one."""
        size = self.world.people * self.world.days / 100_000
        return max(1, int(self.random.poisson(CAMPAIGNS[kind] * size)))

    def choose_victims(self, count: int) -> tuple[Integers, Integers]:
        """Return people and days on which they have their account."""
        person = self.random.integers(0, self.world.people, count)
        opened = np.maximum(0, self.world.opened_on[person])
        day = opened + (self.random.random(count) * (self.world.days - opened)).astype(np.int64)
        return person, day


def make_frauds(random: np.random.Generator, world: World) -> list[Payments]:
    """Return all payments that are fraud, in parts."""
    under = Underworld(random, world)
    return [
        _take_over(under),
        _run_rings(under),
        _test_accounts(under),
        _collect(under),
        _talk_into(under),
        _gamble(under),
    ]


def _choose_minutes(random: np.random.Generator, count: int) -> Floats:
    """Minutes of the day at which campaigns begin: a third of them while people sleep."""
    by_day = random.uniform(8 * 60, 24 * 60, count)
    return np.where(happens(random, count, _NIGHT_SHARE), random.uniform(0, 6 * 60, count), by_day)


def _mark(payments: Payments, fraud: Fraud) -> Payments:
    payments.fraud[:] = int(fraud)
    return payments


def _take_over(under: Underworld) -> Payments:
    """A new device empties the account in some payments, often after a small one."""
    random, world = under.random, under.world
    person, day = under.choose_victims(under.count(Fraud.TAKEOVER))
    size = len(person)
    many = random.integers(1, 7, size)
    group = np.repeat(np.arange(size), many)
    gaps = random.exponential(6.0, len(group))
    minutes = _choose_minutes(random, size)[group] + accumulate(group, gaps)
    is_first = np.diff(group, prepend=-1) != 0
    is_test = is_first & (many[group] > 1) & happens(random, len(group), 0.35)
    amount = 12.0 * world.scale[person][group] * np.exp(random.normal(0.3, 0.9, len(group)))
    amount = np.where(happens(random, len(group), 0.5), round_to(amount, 10_000), amount)
    # Two accounts take the money of a campaign.
    mules = under.choose_mules(2 * size)
    has_code = happens(random, size, 0.3)[group]
    device, address = under.take_devices(size), under.take_addresses(size)
    return make_payments(
        at_us=day[group] * DAY_US + minutes * MINUTE_US,
        payer=world.person_account(person[group]),
        payee=mules[2 * group + random.integers(0, 2, len(group))],
        amount=np.where(is_test, random.integers(1, 900, len(group)), amount),
        device=_keep_none(world, person, device, 0)[group],
        address=_keep_none(world, person, address, 1)[group],
        account_class=world.account_class[person[group]],
        is_strong=has_code | choose_strong(random, np.full(len(group), 1_000.0)),
        fraud=Fraud.TAKEOVER,
    )


def _keep_none(world: World, people: Integers, values: Integers, channel: int) -> Integers:
    """Nothing is known of devices and addresses where the victim's channel names none."""
    return np.where(world.channel[people] <= channel, -1, values)


def _run_rings(under: Underworld) -> Payments:
    """Victims pay the first layer; it goes on within minutes, in parts, and is cashed out."""
    random, world = under.random, under.world
    count = under.count(Fraud.MULE_RING)
    victim, day = under.choose_victims(12 * count)
    ring = np.repeat(np.arange(count), 12)
    first_day = day[::12][ring]
    day = first_day + random.integers(0, 10, len(victim))
    minutes = _choose_minutes(random, len(victim))
    layers = under.choose_mules(9 * count).reshape(count, 9)
    first = layers[ring, random.integers(0, 4, len(ring))]
    amount = round_to(30.0 * world.scale[victim] * np.exp(random.normal(0, 0.7, len(victim))), 100)
    hours = minutes / 60.0
    into = pay_as_usual(
        random, world, people=victim, days=day, hours=hours, payee=first, amount=amount
    )
    at_us = day * DAY_US + minutes * MINUTE_US
    parts = random.integers(1, 4, len(ring))
    split = np.repeat(np.arange(len(ring)), parts)
    delay = (2.0 + random.exponential(7.0, len(split))) * MINUTE_US
    share = random.uniform(0.93, 0.995, len(split)) / parts[split]
    second = layers[ring[split], random.integers(4, 8, len(split))]
    moved_us = at_us[split] + delay
    kept = amount[split] * share
    tools = {
        "device": under.take_devices(count)[ring[split]],
        "address": under.take_addresses(count)[ring[split]],
    }
    through = _pass_on(
        random, payer=first[split], payee=second, at_us=moved_us, amount=kept, **tools
    )
    out_us = moved_us + (2.0 + random.exponential(12.0, len(split))) * MINUTE_US
    cashed = kept * random.uniform(0.95, 1.0, len(split))
    out = _pass_on(
        random, payer=second, payee=layers[ring[split], 8], at_us=out_us, amount=cashed, **tools
    )
    return concatenate([_mark(into, Fraud.MULE_RING), through, out])


def _pass_on(
    random: np.random.Generator,
    *,
    payer: Integers,
    payee: Integers,
    at_us: Floats,
    amount: Floats,
    device: Integers,
    address: Integers,
) -> Payments:
    """Payments by mules, from the device and the address of their ring."""
    return make_payments(
        at_us=at_us,
        payer=payer,
        payee=payee,
        amount=round_to(amount, 100),
        device=device,
        address=address,
        account_class=1 + payer % 3,
        is_strong=choose_strong(random, amount),
        fraud=Fraud.MULE_RING,
    )


def _test_accounts(under: Underworld) -> Payments:
    """One device tries some accounts at one shop with small amounts, then buys at another."""
    random, world = under.random, under.world
    count = under.count(Fraud.TESTING)
    each = 4
    person, day = under.choose_victims(each * count)
    campaign = np.repeat(np.arange(count), each)
    many = random.integers(4, 12, len(person))
    group = np.repeat(np.arange(len(person)), many + 2)
    place = np.arange(len(group)) - np.repeat(np.cumsum(many + 2) - many - 2, many + 2)
    is_large = place >= many[group]
    start = _choose_minutes(random, count)[campaign] + random.uniform(0, 90, len(person))
    minutes = start[group] + accumulate(group, random.exponential(1.2, len(group)))
    shops = random.integers(0, world.merchants, (count, 2))
    shop = shops[campaign[group], is_large.astype(np.int64)]
    large = 60.0 * world.scale[person][group] * np.exp(random.normal(0.0, 0.6, len(group)))
    small = round_to(random.uniform(10, 950, len(group)), 10)
    victim = person[group]
    device, address = under.take_devices(count)[campaign], under.take_addresses(count)[campaign]
    return make_payments(
        at_us=day[::each][campaign[group]] * DAY_US + minutes * MINUTE_US,
        payer=world.person_account(victim),
        payee=world.merchant_account(shop),
        amount=np.where(is_large, large, small),
        device=_keep_none(world, person, device, 0)[group],
        address=_keep_none(world, person, address, 1)[group],
        account_class=world.account_class[victim],
        kind=world.kind[shop],
        is_merchant=True,
        is_strong=happens(random, len(group), 0.1),
        fraud=Fraud.TESTING,
    )


def _collect(under: Underworld) -> Payments:
    """A new account takes money of many strangers in a few days."""
    random, world = under.random, under.world
    count = under.count(Fraud.COLLECTION)
    many = random.integers(20, 80, count)
    group = np.repeat(np.arange(count), many)
    person, _ = under.choose_victims(len(group))
    first_day = random.integers(0, world.days, count)
    collectors = under.open_accounts(count)
    price = random.uniform(20_000, 400_000, count)
    return _mark(
        pay_as_usual(
            random,
            world,
            people=person,
            days=first_day[group] + np.minimum(6, random.exponential(2.0, len(group))).astype(int),
            hours=choose_hours(random, world, person),
            payee=collectors[group],
            amount=round_to(price[group] * random.choice([1.0, 1.0, 2.0, 3.0], len(group)), 100),
        ),
        Fraud.COLLECTION,
    )


def _talk_into(under: Underworld) -> Payments:
    """The customer pays a stranger from the own device, more each time, over hours or weeks."""
    random, world = under.random, under.world
    person, day = under.choose_victims(under.count(Fraud.SCAM))
    size = len(person)
    many = random.integers(2, 8, size)
    group = np.repeat(np.arange(size), many)
    hours_between = np.where(happens(random, size, 0.4), 0.7, 50.0)[group]
    later = accumulate(group, random.exponential(1.0, len(group)) * hours_between)
    place = np.arange(len(group)) - np.repeat(np.cumsum(many) - many, many)
    amount = 6.0 * (world.scale[person] * random.uniform(1.0, 1.4, size))[group]
    amount = amount * random.uniform(1.2, 2.2, size)[group] ** place
    paid = pay_as_usual(
        random,
        world,
        people=person[group],
        days=day[group],
        hours=choose_hours(random, world, person)[group] + later,
        payee=under.choose_mules(size)[group],
        amount=round_to(amount, 10_000),
    )
    paid.is_strong[:] = happens(random, len(group), 0.85)
    return _mark(paid, Fraud.SCAM)


def _gamble(under: Underworld) -> Payments:
    """Players pay round amounts to a merchant that is a front, night after night."""
    random, world = under.random, under.world
    count = under.count(Fraud.GAMBLING)
    fronts = under.open_accounts(count)
    players = 8
    person, first_day = under.choose_victims(players * count)
    front = np.repeat(np.arange(count), players)
    many = random.integers(3, 14, len(person))
    group = np.repeat(np.arange(len(person)), many)
    day = first_day[group] + random.integers(0, 12, len(group))
    minutes = random.normal(60.0, 120.0, len(group)) % (24 * 60)
    stake = random.choice([10_000, 20_000, 50_000, 100_000], len(group), p=[0.4, 0.3, 0.2, 0.1])
    played = pay_as_usual(
        random,
        world,
        people=person[group],
        days=day,
        hours=minutes * MINUTE_US / HOUR_US,
        payee=fronts[front[group]],
        amount=stake.astype(np.float64),
        kind=world.kind[front[group] % world.merchants],
        is_merchant=True,
    )
    return _mark(played, Fraud.GAMBLING)
