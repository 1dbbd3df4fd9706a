"""A mule ring: people are talked into paying a new account, whose owner sends the money on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from huitong.demo.day import Person
from huitong.demo.risk.diary import Diary
from huitong.demo.risk.handset import Handset
from huitong.demo.risk.town import Resident, Town

PART: Final = "mule_ring"
_AMOUNT: Final = 80_000
_MINUTES_BETWEEN: Final = 3


def collect_and_run(
    town: Town, diary: Diary, victims: Sequence[Resident], mule: Person, behind: Person
) -> None:
    """Let the victims pay the mule, one after the other, and the mule pass all of it on."""
    phone = Handset(town.operator, mule.mobile, address=f"222.221.5.{9}")
    for number, victim in enumerate(victims, start=1):
        town.wait_until(town.now() + timedelta(minutes=_MINUTES_BETWEEN))
        if not victim.phone.log_in().is_success:
            continue
        paid = victim.phone.pay(victim.person.account, mule.account, _AMOUNT)
        diary.note(PART, "payment", paid, at=town.now(), amount=_AMOUNT)
        if number % _PAYMENTS_PASSED_ON == 0:
            _pass_on(town, diary, phone, mule, behind)
    phone.close()


_PAYMENTS_PASSED_ON: Final = 4


def _pass_on(town: Town, diary: Diary, phone: Handset, mule: Person, behind: Person) -> None:
    town.wait_until(town.now() + timedelta(minutes=1))
    available = town.day.balance(mule)[1]
    opened = phone.log_in()
    diary.note(PART, "log_in", opened, at=town.now())
    if available and opened.is_success:
        passed = phone.pay(mule.account, behind.account, available)
        diary.note(PART, "passing_on", passed, at=town.now(), amount=available)
