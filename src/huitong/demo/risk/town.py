"""A town of honest people with telephones, a few shops, and a clock that the story puts forward."""

import random
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from huitong.demo.cast import FARM, MARKET, TEA_HOUSE, customer_body, merchant_body
from huitong.demo.day import Day, Person, StoryBroken, money
from huitong.demo.onboarding.operator import Operator
from huitong.demo.pace import Pace
from huitong.demo.risk.handset import Handset
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import ShiftedClock
from huitong.wiring.clocks import open_shifted_clock

#: Where the town lies by the database of places: Hangzhou.
HOME_ADDRESS: Final = "115.236.10.{}"
_CLASS: Final = 3
_OPENING: Final = 2_000_000
_DRAWN_ON: Final = date(2026, 1, 1)
_SHOPS: Final = (TEA_HOUSE, MARKET, FARM)


@dataclass(slots=True)
class Resident:
    """A customer with a telephone, and whom they usually pay."""

    person: Person
    phone: Handset
    payees: list[Person] = field(default_factory=list)
    pin: str = ""


@dataclass(slots=True)
class Town(Pace):
    """Everybody, and the clock of the platform."""

    day: Day
    operator: Operator
    clock: ShiftedClock
    chance: random.Random
    residents: list[Resident] = field(default_factory=list)
    shops: list[Person] = field(default_factory=list)


def found_town(day: Day, operator: Operator, *, people: int) -> Town:
    """Open so many customers with money and a login each, and the shops."""
    chance = random.Random(f"huitong risk {day.seed}")  # noqa: S311 - to be repeatable
    town = Town(day, operator, open_shifted_clock(operator.trial.home), chance)
    for facts in _SHOPS:
        made = day.do("/v1/merchants", merchant_body(facts))
        town.shops.append(Person(facts[0], made["id"], made["account"], fee_rate=Decimal(facts[4])))
    for place in range(people):
        address = HOME_ADDRESS.format(place + 1)
        town.residents.append(settle(town, place, opening=_OPENING, address=address))
    for resident in town.residents:
        others = [each.person for each in town.residents if each is not resident]
        resident.payees = [*chance.sample(others, 2), *town.shops]
    return town


def settle(town: Town, place: int, *, opening: int, address: str) -> Resident:
    """Open one more customer with a login, a PIN, and money if there is to be any."""
    day = town.day
    name = make_specimen(day.seed * 1_000 + place, today=_DRAWN_ON).name
    # Eight digits from the run's name: two runs on one platform do not share a number.
    mobile = f"1{70 + place // 10}{place % 10:01d}{int(day.run, 16) % 10**7:07d}"
    made = day.do("/v1/customers", customer_body(name, mobile, _CLASS))
    person = Person(name, made["id"], made["account"], mobile)
    town.operator.open_login(person.id, mobile, now=town.clock.now())
    if opening:
        order = day.do("/v1/top-ups", {"account": person.account, "amount": money(opening)})
        day.wait_for_payment(order["id"])
    phone = Handset(town.operator, mobile, address=address)
    pin = f"{town.chance.randrange(10**6):06d}"
    for answer in (phone.log_in(), phone.set_pin(pin)):
        if not answer.is_success:
            raise StoryBroken(f"{name} cannot log in: {answer.code}", retryable=False)
    return Resident(person, phone, pin=pin)
