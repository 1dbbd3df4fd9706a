"""What a worker does for merchants over and over."""

from datetime import datetime
from typing import Final

from huitong import payments
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.loop_types import Loop


async def _settle_merchants(database: Database, now: datetime) -> bool:
    sheets = await payments.merchants.settle_due(database, rulebook=Rulebook.load(), now=now)
    return bool(sheets)


async def _hand_over_payouts(database: Database, now: datetime) -> bool:
    await payments.merchants.hand_over_payouts(database, now=now)
    return False


async def _end_disputes(database: Database, now: datetime) -> bool:
    ended = await payments.merchants.end_overdue_disputes(
        database, rulebook=Rulebook.load(), now=now
    )
    return ended > 0


async def _watch_chargebacks(database: Database, now: datetime) -> bool:
    await database.run(
        lambda uow: payments.merchants.watch_chargebacks(uow, rulebook=Rulebook.load(), now=now)
    )
    return False


MERCHANT_LOOPS: Final[tuple[Loop, ...]] = (
    Loop("payments.settle_merchants", 1.0, _settle_merchants),
    Loop("payments.hand_over_payouts", 2.0, _hand_over_payouts),
    Loop("payments.end_overdue_disputes", 5.0, _end_disputes),
    Loop("payments.watch_chargebacks", 300.0, _watch_chargebacks),
)
