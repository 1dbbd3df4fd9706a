"""A worker that is killed at random moments pays each due date once."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from tests.payments.corporate.firm import Firm, cny, make_plan
from tests.payments.killing import start

from huitong.kernel.clock import SystemClock, business_day
from huitong.payments import corporate
from huitong.payments.corporate import Rhythm, StandingState

ORDERS, DATES, KILLS_MAX, SECONDS_MAX = 12, 20, 4, 90.0
#: The worker's own loops in a process of its own, without risk, with a past to catch up.
WORKER = """
import asyncio, sys
from pathlib import Path
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.settings import Settings
from huitong.wiring.corporate_paying import make_corporate_loops
from huitong.worker import run_loop

async def work():
    loops = make_corporate_loops(Settings(home=Path(sys.argv[2]), is_risk_asked=False))
    async with Database(sys.argv[1], role="huitong_app") as database:
        ready.set()
        stopping = asyncio.Event()
        await asyncio.gather(
            *(run_loop(loop, database, clock=SystemClock(), stopping=stopping) for loop in loops)
        )

asyncio.run(work())
"""


async def test_killed_at_random_moments_workers_pay_each_date_once(
    firm: Firm, owner_url: str, tmp_path: Any
) -> None:
    # The processes have the machine's clock; the orders began in the past.
    today = business_day(SystemClock().now())
    firm.now = SystemClock().now() - timedelta(days=DATES)
    await firm.set_mandate(day_max=cny("5000.00"))
    orders = [
        await firm.approve(
            await firm.schedule(
                make_plan(
                    rhythm=Rhythm.DAYS,
                    day=1,
                    amount=1_00,
                    first_on=today - timedelta(days=DATES),
                    count_max=DATES,
                )
            )
        )
        for _ in range(ORDERS)
    ]
    firm.now = SystemClock().now()
    chance, kills_amid = random.Random(45), 0
    for _ in range(KILLS_MAX):
        before = await count_runs(firm)
        workers = [start(WORKER, owner_url, str(tmp_path)) for _ in range(2)]
        try:
            async with asyncio.timeout(SECONDS_MAX):
                for worker in workers:
                    await worker.wait_until_ready()
                await wait_for_progress(firm, before)
            await asyncio.sleep(chance.uniform(0, 0.6))
        finally:
            for worker in workers:
                await worker.kill()
        done = await count_runs(firm)
        kills_amid += 0 < done < ORDERS * DATES
        if done == ORDERS * DATES:
            break
    assert kills_amid >= 1
    while await corporate.run_next_standing_order(firm.town.database, None, now=firm.now):
        pass
    for order in orders:
        runs = await firm.runs(order)
        assert [run.number for run in runs] == list(range(1, DATES + 1))
        assert (await firm.standing(order)).state is StandingState.DONE
    assert (await firm.funds(), await firm.paid()) == ("760.00", "240.00")


async def wait_for_progress(firm: Firm, before: int) -> None:
    """Wait until one more date is decided, or all are."""
    while True:
        done = await count_runs(firm)
        if done > before or done == ORDERS * DATES:
            return
        await asyncio.sleep(0.01)


async def count_runs(firm: Firm) -> int:
    async with firm.town.database.unit_of_work() as uow:
        found: int = await uow.fetch_value("SELECT count(*) FROM payments.standing_runs")
    return found
