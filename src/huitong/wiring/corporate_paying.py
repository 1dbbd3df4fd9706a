"""The worker's loops of corporate accounts: standing orders, pools, and what expires."""

from datetime import datetime
from typing import Final

from huitong import payments, risk
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.settings import Settings
from huitong.wiring.bulk_paying import Cache, make_bulk_decider
from huitong.wiring.clocks import make_clock
from huitong.wiring.loop_types import Loop

_INTERVAL_SECONDS: Final = 1.0


def make_corporate_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return the loops; each step decides about one due date in transactions of its own."""
    clock = make_clock(settings)
    made: dict[Database, tuple[risk.PaymentDecider, tuple[Cache, ...]]] = {}

    async def find_decider(database: Database) -> risk.PaymentDecider:
        if database not in made:
            made[database] = make_bulk_decider(database, clock)
        decider, caches = made[database]
        for cache in caches:
            await cache.learn_news()
        return decider

    async def pay_standing_orders(database: Database, now: datetime) -> bool:
        corporate = payments.corporate
        if not await database.run(lambda uow: corporate.is_any_standing_order_due(uow, now=now)):
            return False
        decider = await find_decider(database) if settings.is_risk_asked else None
        return await corporate.run_next_standing_order(database, decider, now=now)

    return (
        Loop("payments.pay_standing_orders", _INTERVAL_SECONDS, pay_standing_orders),
        Loop("payments.sweep_pools", _INTERVAL_SECONDS, _sweep_pools),
        Loop("payments.expire_instructions", 60.0, _expire_instructions),
    )


async def _sweep_pools(database: Database, now: datetime) -> bool:
    return await payments.corporate.sweep_next_pool(database, now=now)


async def _expire_instructions(database: Database, now: datetime) -> bool:
    ended = await database.run(lambda uow: payments.corporate.expire_instructions(uow, now=now))
    return ended == payments.corporate.INSTRUCTIONS_EXPIRED_AT_ONCE_MAX
