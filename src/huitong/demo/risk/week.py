"""An honest week: people log in from home, pay shops and friends, and one takes a train."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.demo.day import Person
from huitong.demo.risk.diary import HONEST, Diary
from huitong.demo.risk.town import Resident, Town

_DAYS: Final = 7
_HOURS: Final = (8, 12, 13, 18, 19, 20)
#: In minor units, below what one factor may pay in a day.
_AMOUNTS: Final = (600, 1_250, 1_800, 2_640, 3_500, 4_990, 6_800)
_NEEDS_STEP_UP: Final = frozenset({"payment_needs_step_up", "step_up_required"})
_VISITS_A_DAY: Final = 1.6


@dataclass(frozen=True, slots=True, order=True)
class Visit:
    """Somebody takes the telephone and pays."""

    at: datetime
    resident: int
    payee: int
    amount: int


def live_a_week(town: Town, diary: Diary) -> None:
    """Play the week; each payment is noted in the diary."""
    for visit in _plan(town):
        town.wait_until(visit.at)
        resident = town.residents[visit.resident]
        pay(town, diary, resident, resident.payees[visit.payee], visit.amount)


def pay(town: Town, diary: Diary, resident: Resident, payee: Person, amount: int) -> None:
    """Log in and pay; a log-in that is refused is what is noted then."""
    opened = resident.phone.log_in()
    if not opened.is_success:
        diary.note(HONEST, "log_in", opened, at=town.now())
        return
    pay_as(town, diary, resident, payee, amount, part=HONEST)


def pay_as(
    town: Town, diary: Diary, resident: Resident, payee: Person, amount: int, *, part: str
) -> None:
    """Pay with a session that is open; with the PIN where one factor is not enough."""
    payer, phone = resident.person.account, resident.phone
    paid = phone.pay(payer, payee.account, amount)
    if paid.code in _NEEDS_STEP_UP:
        diary.note(part, "asked", paid, at=town.now(), amount=amount)
        proof = phone.prove(payer, payee.account, amount, pin=resident.pin)
        paid = phone.pay(payer, payee.account, amount, step_up=proof)
    diary.note(part, "payment", paid, at=town.now(), amount=amount)


def _plan(town: Town) -> list[Visit]:
    chance = town.chance
    visits = []
    for day in range(1, _DAYS + 1):
        many = round(len(town.residents) * _VISITS_A_DAY)
        for _ in range(many):
            at = town.at(day, chance.choice(_HOURS)) + timedelta(seconds=chance.randrange(3_600))
            number = chance.randrange(len(town.residents))
            payee = chance.randrange(len(town.residents[number].payees))
            visits.append(Visit(at, number, payee, chance.choice(_AMOUNTS)))
    return sorted(visits)
