"""Testing: whoever bought stolen access tries it with coins first, then takes what is there."""

from datetime import timedelta
from typing import Final

from huitong.demo.day import Person
from huitong.demo.risk.diary import Diary
from huitong.demo.risk.handset import Handset
from huitong.demo.risk.town import Resident, Town

PART: Final = "card_testing"
_COINS: Final = 14
_COIN: Final = 100
_SECONDS_BETWEEN: Final = 6
_HAUL: Final = 99_000


def test_with_coins(town: Town, diary: Diary, victim: Resident, mule: Person) -> None:
    """Pay a coin again and again within minutes, then a large amount."""
    robot = Handset(town.operator, victim.person.mobile, address="115.236.10.200")
    diary.note(PART, "log_in", robot.log_in(), at=town.now())
    for number in range(_COINS):
        town.wait_until(town.now() + timedelta(seconds=_SECONDS_BETWEEN))
        payee = town.shops[number % len(town.shops)]
        paid = robot.pay(victim.person.account, payee.account, _COIN)
        diary.note(PART, "payment", paid, at=town.now(), amount=_COIN)
    paid = robot.pay(victim.person.account, mule.account, _HAUL)
    diary.note(PART, "payment", paid, at=town.now(), amount=_HAUL)
    robot.close()
