"""The whole day, scene after scene.

A scene is a file of its own with one function `play(office)`. It says its two captions with
`office.day.stage.scene(zh, en)`, asks by `office.day.do` and `office.maker.do`, checks amounts
against what it reckoned itself with `office.day.check`, and leaves books that tie. It is added to
`SCENES` with its name; `huitong demo settlement-day --scene NAME` plays it alone.
"""

import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from huitong.demo.day import Day
from huitong.demo.onboarding.operator import Operator
from huitong.demo.settlement_day import (
    corporate,
    flaky_channel,
    invoice,
    night,
    papers,
    payroll,
    shops,
)
from huitong.demo.settlement_day.office import Office
from huitong.demo.staff import open_office
from huitong.wiring.clocks import open_shifted_clock

#: What the story's key may do: open people and shops, put money in, and look.
SCOPES: Final = (
    "accounts:read",
    "channels:simulate",
    "crossborder:messages",
    "customers:read",
    "customers:write",
    "disputes:write",
    "ledger:read",
    "merchants:read",
    "merchants:write",
    "pay_ins:write",
    "payments:read",
    "payments:write",
    "refunds:write",
    "settlement:read",
    "receipts:read",
)

#: In the order in which they are played.
SCENES: Final[Mapping[str, Callable[[Office], None]]] = MappingProxyType(
    {
        "shops": shops.play,
        "payroll": payroll.play,
        "corporate": corporate.play,
        "invoice": invoice.play,
        "flaky_channel": flaky_channel.play,
        "papers": papers.play,
        "night": night.play,
    }
)


def play_settlement_day(day: Day, operator: Operator, *, scenes: Collection[str] = ()) -> None:
    """Play the named scenes, or all; what is not as it must be is in `day.differences`.

    The platform must go by a clock that can be put forward. Raises StoryBroken or PlatformAway if
    it cannot go on.
    """
    started = time.monotonic()
    clock = open_shifted_clock(operator.trial.home)
    day.stage.open(
        operator.trial.url,
        clock.now().date().isoformat(),
        zh="结算日：文件、渠道、商户、跨境，到夜里对平",
        en="A settlement day: files, channels, merchants, borders, and books that tie at night",
    )
    maker, checker, *compliance = open_office(
        operator,
        clock,
        names=["钱进", "吴敏", "郑直", "冯慎"],
        roles=["operations", "operations", "compliance", "compliance"],
    )
    office = Office(
        day=day,
        operator=operator,
        clock=clock,
        maker=maker,
        checker=checker,
        compliance=tuple(compliance),
    )
    for name, play in SCENES.items():
        if not scenes or name in scenes:
            play(office)
    calls = day.client.calls
    for member in (maker, checker, *compliance):
        calls += member.calls
        member.close()
    day.stage.close(day.checks, day.differences, calls, time.monotonic() - started)
