"""Account takeover: the number was moved to another SIM card, so the codes arrive far away."""

from datetime import timedelta
from typing import Final

from huitong.demo.day import Person
from huitong.demo.risk.diary import Diary
from huitong.demo.risk.handset import Handset
from huitong.demo.risk.town import Resident, Town
from huitong.demo.risk.week import pay

PART: Final = "takeover"
#: Jianshui in Yunnan by the database of places, 1,900 km from the town.
FAR_AWAY: Final = "116.52.7.{}"
_AMOUNT: Final = 90_000
_TRIES: Final = 3


def take_over(town: Town, diary: Diary, victim: Resident, mule: Person) -> None:
    """Log in with the victim's number half an hour after the victim did, and send the money away.

    Whoever is asked for a second factor has none: only the number was moved.
    """
    pay(town, diary, victim, town.shops[0], 1_250)
    town.wait_until(town.now() + timedelta(minutes=30))
    thief = Handset(town.operator, victim.person.mobile, address=FAR_AWAY.format(7))
    opened = thief.log_in()
    diary.note(PART, "log_in", opened, at=town.now())
    for _ in range(_TRIES):
        town.wait_until(town.now() + timedelta(seconds=40))
        paid = thief.pay(victim.person.account, mule.account, _AMOUNT)
        diary.note(PART, "payment", paid, at=town.now(), amount=_AMOUNT)
    thief.close()
