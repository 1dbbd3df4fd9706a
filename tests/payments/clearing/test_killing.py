"""Clearing whose process is killed at every step: a window ends once, and money moves once."""

from datetime import timedelta

import pytest
from tests.payments.clearing.conftest import NOW, RULES, A, B, C, House, pay
from tests.payments.killing import run_and_kill

from huitong.payments import clearing

#: One round of the worker: closes, releases, sets off and settles.
ROUND = """
from datetime import datetime
from huitong.kernel.rulebook import Rulebook
from huitong.payments import clearing

async def work():
    now, rulebook = datetime.fromisoformat(sys.argv[3]), Rulebook.load()
    async with Database(sys.argv[1], role="huitong_app") as database:
        await clearing.run_schedule(database, rulebook=rulebook, now=now)

asyncio.run(work())
"""
HVPS = clearing.Rail.HVPS
MOMENTS = [
    *(f"statement-{place}" for place in (2, 7, 16)),
    *(f"before_commit-{place}" for place in (1, 2, 3, 4)),
    *(f"after_commit-{place}" for place in (1, 2, 3, 4)),
]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_at_any_moment_a_round_is_done_once(house: House, moment: str) -> None:
    for code in (A, B, C):
        await house.join(code, cap=10, money=10, collateral=50)
    net = [pay(A, B, 30), pay(B, C, 30), pay(C, A, 25), pay(A, C, 4)]
    gross = [pay(A, B, 100, rail=HVPS), pay(B, A, 95, rail=HVPS)]
    await house.submit(*net, *gross)
    later = NOW + timedelta(minutes=30)
    was_killed = await run_and_kill(ROUND, house.url, moment, later.isoformat())
    await house.check()
    while await clearing.run_schedule(house.database, rulebook=RULES, now=later):
        pass
    assert was_killed
    assert await house.states([*net, *gross]) == ["settled"] * 6
    # A: 10 - 30 + 25 - 4 - 100 + 95 is 4 less than nothing, which its collateral pays.
    assert [await house.money(code) for code in (A, B, C)] == [0, 15, 19]
    assert [await house.money(code, collateral=True) for code in (A, B, C)] == [46, 50, 50]
    assert await house.count("payments.clearing_windows WHERE state = 'settled'") == 1
    await house.check()
