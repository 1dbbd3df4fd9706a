"""What every scene of the settlement day is given: the day, two members of staff, and the clock."""

from dataclasses import dataclass

from huitong.demo.day import Day
from huitong.demo.onboarding.operator import Operator
from huitong.demo.pace import Pace
from huitong.demo.staff import Member
from huitong.kernel.clock import ShiftedClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Office(Pace):
    """Everybody and everything that a scene may use.

    `maker` asks and `checker` approves; both are of operations, and the two of `compliance` do so
    where names are concerned. Scenes open their own customers
    and shops, by `day.do` with the story's key, so that each can be played alone.
    """

    day: Day
    operator: Operator
    clock: ShiftedClock
    maker: Member
    checker: Member
    compliance: tuple[Member, ...]
