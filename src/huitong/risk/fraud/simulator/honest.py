"""What honest people do, also what looks like fraud and is none."""

from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.fraud.simulator.payments import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    Payments,
    accumulate,
    concatenate,
    happens,
    make_payments,
    round_to,
)
from huitong.risk.fraud.simulator.world import World

_DAYS_IN_MONTH: Final = 30
#: From Monday to Sunday.
_WEEK: Final = np.array([0.9, 0.9, 0.95, 1.0, 1.15, 1.2, 1.05])
#: Before work, at noon, after work, in the evening: when, how spread, how often.
_PEAKS: Final = np.array([8.3, 12.2, 18.2, 21.0])
_SPREADS: Final = np.array([0.7, 0.8, 1.2, 1.4])
#: What a person pays for: a favourite shop, another one, a friend, anybody.
_SPENT_AT: Final = (0.6, 0.12, 0.24, 0.04)
_OTHER_SHOP: Final = 1
_ANYONE: Final = 3
_SHARES: Final = (0.15, 0.3, 0.3, 0.25)


def make_honest(random: np.random.Generator, world: World) -> list[Payments]:
    """Return all honest payments, in parts."""
    return [
        _spend(random, world),
        _pay_salaries(random, world),
        _pay_rents(random, world),
        _pass_on(random, world),
        _collect(random, world),
        _buy_small_things(random, world),
        _wake_up(random, world),
    ]


def choose_hours(random: np.random.Generator, world: World, people: Integers) -> Floats:
    """Return the local hour at which each person does something, as a number."""
    peak = random.choice(len(_PEAKS), len(people), p=_SHARES)
    hours = _PEAKS[peak] + _SPREADS[peak] * random.normal(size=len(people))
    shifted: Floats = (hours + world.hour[people]) % 24.0
    return shifted


def choose_strong(random: np.random.Generator, amounts: Floats, *, more: float = 0.0) -> Flags:
    """Say which payments have two factors behind them: the larger, the more likely."""
    chance = 0.12 + more + 0.75 / (1.0 + (60_000.0 / np.maximum(amounts, 1.0)) ** 2)
    return random.random(len(amounts)) < chance


def pay_as_usual(
    random: np.random.Generator,
    world: World,
    *,
    people: Integers,
    days: Integers,
    hours: Floats,
    payee: Integers,
    amount: Floats,
    kind: Integers | int = 0,
    is_merchant: Flags | bool = False,
) -> Payments:
    """Return payments by people with their own devices, from where they usually are."""
    within = (hours * HOUR_US).astype(np.int64) + random.integers(0, MINUTE_US, len(people))
    return make_payments(
        at_us=days * DAY_US + within,
        payer=world.person_account(people),
        payee=payee,
        amount=amount,
        device=world.choose_devices(random, people, days),
        address=world.choose_addresses(random, people, days, hours),
        account_class=world.account_class[people],
        kind=kind,
        is_merchant=is_merchant,
        is_strong=choose_strong(random, amount),
    )


def _spend(random: np.random.Generator, world: World) -> Payments:
    """Daily life: favourite shops and friends, now and then somebody new."""
    days = np.arange(world.days)
    is_open = days[None, :] >= world.opened_on[:, None]
    counts = random.poisson(world.rate[:, None] * _WEEK[days % 7][None, :] * is_open)
    person, day = np.nonzero(counts)
    times = counts[person, day]
    person, day = np.repeat(person, times), np.repeat(day, times)
    size = len(person)
    what = random.choice(len(_SPENT_AT), size, p=_SPENT_AT)
    # The first few favourites get most of it.
    rank = (random.random(size) ** 2.2 * world.favourites.shape[1]).astype(np.int64)
    favourite, friend = world.favourites[person, rank], world.friends[person, rank]
    anyone = random.integers(0, world.people, size)
    other_shop = (random.random(size) ** 1.5 * world.merchants).astype(np.int64)
    is_shop = what <= _OTHER_SHOP
    shop = np.where(what == _OTHER_SHOP, other_shop, favourite)
    payee = np.where(
        is_shop,
        world.merchant_account(shop),
        world.person_account(np.where(what == _ANYONE, anyone, friend)),
    )
    return pay_as_usual(
        random,
        world,
        people=person,
        days=day,
        hours=choose_hours(random, world, person),
        payee=payee,
        amount=_price(random, world, person, shop, is_shop),
        kind=np.where(is_shop, world.kind[shop], 0),
        is_merchant=is_shop,
    )


def _price(
    random: np.random.Generator, world: World, person: Integers, shop: Integers, is_shop: Flags
) -> Floats:
    size = len(person)
    spent = world.scale[person] * world.price[shop] * np.exp(random.normal(0.0, 0.55, size))
    spent = np.where(world.is_round[shop], round_to(spent, 5_000), round_to(spent, 10))
    # One purchase in two hundred is a journey, a phone, a course.
    spent = np.where(happens(random, size, 0.005), 25.0 * spent, spent)
    sent = 2.5 * world.scale[person] * np.exp(random.normal(0.0, 1.0, size))
    step = random.choice([10_000, 1_000, 1], size, p=[0.4, 0.3, 0.3])
    sent = np.maximum(1, np.rint(sent / step)) * step
    return np.where(is_shop, spent, sent)


def _pay_salaries(random: np.random.Generator, world: World) -> Payments:
    person, day = _find_month_days(world, world.salary > 0, world.salary_day)
    employer = world.employer[person]
    return make_payments(
        at_us=day * DAY_US + 9 * HOUR_US + employer * MINUTE_US + random.integers(0, MINUTE_US),
        payer=world.employer_account(employer),
        payee=world.person_account(person),
        amount=world.salary[person] * random.uniform(0.97, 1.03, len(person)),
        is_strong=True,
    )


def _pay_rents(random: np.random.Generator, world: World) -> Payments:
    person, day = _find_month_days(world, world.rent > 0, world.salary_day + 1)
    # Who moves pays somebody new from then on.
    moved = (person % 5 == 0) & (day > _DAYS_IN_MONTH)
    landlord = np.where(moved, (world.landlord[person] + 7) % world.people, world.landlord[person])
    return pay_as_usual(
        random,
        world,
        people=person,
        days=day,
        hours=choose_hours(random, world, person),
        payee=world.person_account(landlord),
        amount=round_to(world.rent[person], 10_000),
    )


def _find_month_days(world: World, who: Flags, day_of_month: Integers) -> tuple[Integers, Integers]:
    months = np.arange(-(-world.days // _DAYS_IN_MONTH))
    people = np.flatnonzero(who & ~world.is_dormant)
    person = np.repeat(people, len(months))
    day = np.tile(months, len(people)) * _DAYS_IN_MONTH + day_of_month[person]
    is_inside = (day < world.days) & (day >= world.opened_on[person])
    return person[is_inside], day[is_inside]


def _pass_on(random: np.random.Generator, world: World) -> Payments:
    """Money that comes in and goes on at once, honestly: for a friend, a family, a deposit."""
    count = random.poisson(world.people * world.days / 1_500)
    person, day = _choose_active(random, world, count)
    count = len(person)
    friend = world.friends[person, random.integers(0, 4, count)]
    third = world.friends[person, random.integers(4, world.friends.shape[1], count)]
    amount = round_to(8.0 * world.scale[person] * np.exp(random.normal(0.0, 0.8, count)), 1_000)
    hours = choose_hours(random, world, person)
    later = hours + random.uniform(0.05, 1.0, count)
    share = random.choice([1.0, 1.0, 0.9, 0.5], count)
    parts = (
        pay_as_usual(
            random, world, people=friend, days=day, hours=hours,
            payee=world.person_account(person), amount=amount,
        ),
        pay_as_usual(
            random, world, people=person, days=day, hours=later,
            payee=world.person_account(third), amount=amount * share,
        ),
    )  # fmt: skip
    return concatenate(parts)


def _collect(random: np.random.Generator, world: World) -> Payments:
    """One pays for all and gets it back from each: a class, a team, an evening."""
    count = random.poisson(world.people * world.days / 6_000)
    organiser, day = _choose_active(random, world, count)
    many = random.integers(6, 35, len(organiser))
    group = np.repeat(np.arange(len(organiser)), many)
    size = len(group)
    # Of the neighbourhood, everybody at most once.
    place = np.arange(size) - np.repeat(np.cumsum(many) - many, many)
    payer = (organiser[group] + 1 + place) % world.people
    share = round_to(random.uniform(2_000, 30_000, len(organiser)), 500)
    return pay_as_usual(
        random,
        world,
        people=payer,
        days=day[group] + random.integers(0, 2, size),
        hours=choose_hours(random, world, payer),
        payee=world.person_account(organiser[group]),
        amount=share[group],
    )


def _buy_small_things(random: np.random.Generator, world: World) -> Payments:
    """Several small payments in a few minutes: vending machines, a fair, a game."""
    count = random.poisson(world.people * world.days / 900)
    person, day = _choose_active(random, world, count)
    many = random.integers(3, 9, len(person))
    group = np.repeat(np.arange(len(person)), many)
    shop = random.integers(0, world.merchants, len(person))
    hours = choose_hours(random, world, person)[group]
    hours = hours + accumulate(group, random.exponential(2.5 / 60.0, len(group)))
    return pay_as_usual(
        random,
        world,
        people=person[group],
        days=day[group],
        hours=hours,
        payee=world.merchant_account(shop[group]),
        amount=round_to(random.uniform(100, 1_500, len(group)), 50),
        kind=world.kind[shop[group]],
        is_merchant=True,
    )


def _wake_up(random: np.random.Generator, world: World) -> Payments:
    """Who has not paid for years uses the old account for something large."""
    sleeping = np.flatnonzero(world.is_dormant & (world.opened_on < 0))
    person = sleeping[random.random(len(sleeping)) < min(1.0, world.days / 400)]
    amount = 40.0 * world.scale[person] * np.exp(random.normal(0.0, 0.8, len(person)))
    return pay_as_usual(
        random,
        world,
        people=person,
        days=random.integers(0, world.days, len(person)),
        hours=choose_hours(random, world, person),
        payee=world.person_account(world.friends[person, 0]),
        amount=round_to(amount, 10_000),
    )


def _choose_active(
    random: np.random.Generator, world: World, count: int
) -> tuple[Integers, Integers]:
    person = random.integers(0, world.people, count)
    day = random.integers(0, world.days, count)
    is_there = (day >= world.opened_on[person]) & ~world.is_dormant[person]
    return person[is_there], day[is_there]
