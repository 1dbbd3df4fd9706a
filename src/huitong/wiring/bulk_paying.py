"""The worker's loop that pays files of payments, with risk deciding as it does in the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from huitong import payments, risk
from huitong.kernel import limits
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock
from huitong.wiring.loop_types import Loop

_INTERVAL_SECONDS: Final = 0.5


class Cache(Protocol):
    """What a process keeps in memory, and brings up to date when asked."""

    async def learn_news(self) -> None:
        """Read what changed."""
        ...


def make_bulk_decider(
    database: Database, clock: Clock
) -> tuple[risk.PaymentDecider, tuple[Cache, ...]]:
    """Return who decides about lines, and the caches that must learn what is new."""
    catalogues = {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}
    rules = risk.RuleCache(database, catalogues, now=clock.now)
    models = risk.ModelCache(database, catalogues, now=clock.now)
    lists = risk.ListCache(database)
    # Nobody waits for a line, and ten thousand take longer than one: the budget of the instant
    # path would let the written policy decide about most of a large file.
    breaker = risk.Breaker(budget_seconds=limits.BULK_RISK_BUDGET_SECONDS)
    decider = risk.PaymentDecider(
        database, rules, Rulebook.load(), breaker=breaker, lists=lists, models=models
    )
    return decider, (rules, lists, models)


@dataclass(frozen=True, slots=True)
class _Paying:
    payer: payments.bulk.FilePayer
    decider: risk.PaymentDecider
    caches: tuple[Cache, ...]


def make_bulk_loop(settings: Settings) -> Loop:
    """Return the loop; each step does one step of one file in a transaction of its own."""
    clock = make_clock(settings)
    made: dict[Database, _Paying] = {}

    async def pay_bulk_files(database: Database, now: datetime) -> bool:
        if not await database.run(payments.bulk.is_any_waiting):
            return False
        if database not in made:
            made[database] = _Paying(
                payments.bulk.FilePayer(database), *make_bulk_decider(database, clock)
            )
        paying = made[database]
        for cache in paying.caches:
            await cache.learn_news()
        decider = paying.decider if settings.is_risk_asked else None
        return await paying.payer.step(decider, now)

    return Loop("payments.pay_bulk_files", _INTERVAL_SECONDS, pay_bulk_files)
