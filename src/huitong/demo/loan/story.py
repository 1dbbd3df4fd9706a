"""The whole story, scene after scene.

A scene is one function that takes the `Branch`. It says its two captions with
`branch.day.stage.scene(zh, en)`, checks amounts against what it reckoned itself with
`branch.day.check`, and leaves books that tie. It is added to `SCENES` with its name.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from huitong.demo.day import Day
from huitong.demo.loan import applying, opening, overview, refused, reminding, repaying
from huitong.demo.loan.borrower import Borrower
from huitong.demo.loan.branch import Branch
from huitong.demo.onboarding.applicants import Applicant, draw_applicants
from huitong.demo.onboarding.operator import Operator
from huitong.demo.risk.handset import Handset
from huitong.demo.staff import open_office
from huitong.kernel.clock import ShiftedClock
from huitong.wiring.clocks import open_shifted_clock

#: What the story's key may do: open the regulars and the supplier, and have the regulars pay.
SCOPES: Final = (
    "accounts:read",
    "channels:simulate",
    "customers:read",
    "customers:write",
    "merchants:read",
    "merchants:write",
    "payments:read",
    "payments:write",
)
#: In the order in which they are played.
SCENES: Final[Mapping[str, Callable[[Branch], None]]] = MappingProxyType(
    {
        "terms": opening.set_terms,
        "accounts": opening.open_accounts,
        "sales": opening.sell,
        "application": applying.apply,
        "signature": applying.read_and_sign,
        "on_time": repaying.repay_on_time,
        "late": repaying.pay_late,
        "reminded": reminding.remind,
        "portfolio": overview.show_portfolio,
        "caught_up": repaying.catch_up,
        "paid_off": repaying.pay_off,
        "refused": refused.refuse_and_appeal,
    }
)
#: The journal must have partitions for as many months as the story goes through.
_MONTHS: Final = 9
_ADDRESSES: Final = ("115.236.10.7", "115.236.10.8")
_PINS: Final = ("741852", "963741")


def play_loan(day: Day, operator: Operator) -> None:
    """Play the story; what is not as it must be is in `day.differences`.

    The platform must go by a clock that can be put forward, and trust us as its proxy. Raises
    StoryBroken or PlatformAway if it cannot go on.
    """
    started = time.monotonic()
    clock = open_shifted_clock(operator.trial.home)
    day.stage.open(
        operator.trial.url,
        clock.now().date().isoformat(),
        zh="一笔贷款：申请、秒批、读成本、签字、放款、逾期一次、结清",
        en="A loan: applied for, decided, read, signed, paid, late once, paid off",
    )
    operator.prepare_months(_MONTHS, now=clock.now())
    risk, checker, credit = open_office(
        operator, clock, names=["孙莉", "周军", "何信"], roles=["risk", "risk", "credit"]
    )
    people = draw_applicants(day.seed)
    owner, second = (
        _make_borrower(day, operator, clock, next(people), place) for place in range(2)
    )
    branch = Branch(
        day=day,
        operator=operator,
        clock=clock,
        risk=risk,
        checker=checker,
        credit=credit,
        owner=owner,
        second=second,
    )
    for play in SCENES.values():
        play(branch)
    calls = day.client.calls
    for borrower in (owner, second):
        calls += borrower.phone.calls
        borrower.phone.close()
    for member in (risk, checker, credit):
        calls += member.calls
        member.close()
    day.stage.close(day.checks, day.differences, calls, time.monotonic() - started)


def _make_borrower(
    day: Day, operator: Operator, clock: ShiftedClock, applicant: Applicant, place: int
) -> Borrower:
    phone = Handset(operator, applicant.mobile, address=_ADDRESSES[place])
    return Borrower(day, operator, clock, applicant, phone, _PINS[place])
