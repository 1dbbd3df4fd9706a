"""A mule ring: people are talked into paying a new account, whose owner sends the money on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from huitong.demo.day import Person
from huitong.demo.risk.diary import Diary
from huitong.demo.risk.town import Resident, Town
from huitong.demo.risk.week import pay_as

PART: Final = "mule_ring"
PASSING_ON: Final = "mule_ring_out"
MULE_ADDRESS: Final = "222.221.5.9"
_AMOUNT: Final = 80_000
_MINUTES_BETWEEN: Final = 3
_PAYMENTS_PASSED_ON: Final = 4


def collect_and_run(
    town: Town, diary: Diary, victims: Sequence[Resident], mule: Resident, behind: Person
) -> None:
    """Let the victims pay the mule, one after the other, and the mule pass all of it on."""
    for number, victim in enumerate(victims, start=1):
        town.wait_until(town.now() + timedelta(minutes=_MINUTES_BETWEEN))
        if not victim.phone.log_in().is_success:
            continue
        # Whoever is talked into it proves it, too.
        pay_as(town, diary, victim, mule.person, _AMOUNT, part=PART)
        if number % _PAYMENTS_PASSED_ON == 0:
            _pass_on(town, diary, mule, behind)


def _pass_on(town: Town, diary: Diary, mule: Resident, behind: Person) -> None:
    town.wait_until(town.now() + timedelta(minutes=1))
    available = town.day.balance(mule.person)[1]
    if available and mule.phone.log_in().is_success:
        pay_as(town, diary, mule, behind, available, part=PASSING_ON)
