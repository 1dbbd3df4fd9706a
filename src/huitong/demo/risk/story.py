"""The whole story: rules go live, an honest week, four attacks, and what came of them."""

import asyncio
import time
from datetime import timedelta
from typing import Final

from huitong.demo.day import Day, yuan
from huitong.demo.onboarding.operator import Operator
from huitong.demo.risk.attacks import card_testing, mule_ring, scraper, takeover
from huitong.demo.risk.cases import show_incident, work_on_case
from huitong.demo.risk.diary import HONEST, Diary, sum_amounts
from huitong.demo.risk.rules import go_live
from huitong.demo.risk.telling import is_through, list_reasons, tell_attack, tell_costs
from huitong.demo.risk.town import Resident, Town, found_town, settle
from huitong.demo.risk.week import live_a_week
from huitong.demo.staff import Member, open_office
from huitong.kernel.ids import MERCHANT, read_id
from huitong.wiring.trial import issue_key

#: What the story's key may do: open people and shops, put money in, and look.
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
_PEOPLE: Final = 24
_RING_VICTIMS: Final = 14
_MULES_PLACE: Final = 60
#: Of a hundred honest payments at most so many may be held up in any way.
_FRICTION_PERCENT_MAX: Final = 3


def play_risk(day: Day, operator: Operator) -> None:
    """Play the story; what is not as it must be is in `day.differences`.

    The platform must go by a clock that can be put forward, and trust us as its proxy. Raises
    StoryBroken or PlatformAway if it cannot go on.
    """
    started = time.monotonic()
    diary = Diary()
    town = found_town(day, operator, people=_PEOPLE)
    day.stage.open(
        operator.trial.url,
        town.now().date().isoformat(),
        zh="风险：诚实的一周，然后是四种攻击",
        en="Risk: an honest week, then four attacks",
    )
    maker, checker = open_office(
        operator, town.clock, names=["孙莉", "周军"], roles=["risk", "risk"]
    )
    go_live(day, town, maker, checker)
    _live_honestly(day, town, diary, checker)
    mules = [
        settle(town, _MULES_PLACE + place, opening=0, address=mule_ring.MULE_ADDRESS)
        for place in range(3)
    ]
    _take_over(day, town, diary, maker, mules[0])
    _run_mule_ring(day, town, diary, maker, mules)
    _test_cards(day, town, diary, maker, mules[0])
    _scrape(day, town, maker)
    work_on_case(day, checker, mules[1].person.account)
    _sum_up(day, diary)
    calls = day.client.calls
    for person in (*town.residents, *mules):
        calls += person.phone.calls
        person.phone.close()
    for member in (maker, checker):
        calls += member.calls
        member.close()
    day.stage.close(day.checks, day.differences, calls, time.monotonic() - started)


def _live_honestly(day: Day, town: Town, diary: Diary, member: Member) -> None:
    day.stage.scene("诚实的一周", "An honest week")
    live_a_week(town, diary)
    honest = diary.of(HONEST)
    day.stage.tell(
        f"{len(town.residents)} 人 {len(honest)} 次行为", "people log in, pay friends and shops"
    )
    troubled = [entry for entry in honest if not is_through(entry)]
    if troubled:
        day.stage.aside(f"原因 why: {list_reasons(member, troubled).show()}")
    is_light = 100 * len(troubled) <= _FRICTION_PERCENT_MAX * len(honest)
    day.check(f"受阻 held up: {len(troubled)} / {len(honest)}", is_light, True)


def _take_over(day: Day, town: Town, diary: Diary, member: Member, mule: Resident) -> None:
    day.stage.scene("账户盗用", "An account is taken over")
    day.stage.tell("号码被补卡，验证码到了千里之外", "The number was moved to another SIM card")
    takeover.take_over(town, diary, town.residents[0], mule.person)
    tell_attack(day, member, diary, takeover.PART, title="盗用者 The thief")
    day.check("一分未失 not a cent was lost", _stolen(diary, takeover.PART), 0)


def _run_mule_ring(
    day: Day, town: Town, diary: Diary, member: Member, mules: list[Resident]
) -> None:
    day.stage.scene("跑分团伙", "A mule ring")
    day.stage.tell("多人受骗向同一新账户付款", "People are talked into paying one new account")
    town.wait_until(town.now() + timedelta(hours=1))
    victims = town.residents[1 : 1 + _RING_VICTIMS]
    mule_ring.collect_and_run(town, diary, victims, mules[1], mules[2].person)
    tell_attack(day, member, diary, mule_ring.PART, title="受害人付款 Victims pay")
    tell_attack(day, member, diary, mule_ring.PASSING_ON, title="转移赃款 The money moves on")
    tried = sum_amounts(diary.of(mule_ring.PART))
    day.check("拦住一部分 some of it was stopped", _stolen(diary, mule_ring.PART) < tried, True)
    moved_on = _stolen(diary, mule_ring.PASSING_ON)
    day.check(f"多数没有转走 most did not move on: {yuan(moved_on)}", 2 * moved_on < tried, True)


def _test_cards(day: Day, town: Town, diary: Diary, member: Member, mule: Resident) -> None:
    day.stage.scene("小额试探", "Testing with coins")
    town.wait_until(town.now() + timedelta(hours=2))
    card_testing.test_with_coins(town, diary, town.residents[-1], mule.person)
    tell_attack(day, member, diary, card_testing.PART, title="试探者 The tester")
    haul = diary.of(card_testing.PART)[-1]
    day.check("大额未得手 the large payment did not go through", is_through(haul), False)


def _scrape(day: Day, town: Town, member: Member) -> None:
    day.stage.scene("接口爬取", "An API scraper")
    day.stage.tell("商户密钥被盗，逐个猜测付款编号", "A shop's stolen key guesses payments")
    shop = town.shops[-1]
    issued = asyncio.run(
        issue_key(
            town.operator.trial.settings,
            name="stolen",
            scopes=("payments:read",),
            now=town.clock.now(),
            merchant_id=read_id(MERCHANT, shop.id, field="merchant"),
        )
    )
    scraped = scraper.scrape(town, issued.secret)
    day.stage.aside(
        f"第 {scraped.turned_away_after} 次请求后开始被拒 turned away after so many; "
        f"共 {scraped.requests} 次 requests in all"
    )
    show_incident(day, member, scraped)


def _sum_up(day: Day, diary: Diary) -> None:
    day.stage.scene("总结", "What it came to")
    tell_costs(
        day,
        diary,
        (
            (takeover.PART, "账户盗用 takeover"),
            (mule_ring.PART, "跑分 mule ring"),
            (mule_ring.PASSING_ON, "转移 passing on"),
            (card_testing.PART, "试探 testing"),
        ),
    )


def _stolen(diary: Diary, part: str) -> int:
    return sum_amounts(
        [entry for entry in diary.of(part) if entry.what == "payment" and is_through(entry)]
    )
