"""What a worker does for loans over and over."""

from datetime import datetime
from typing import Final

from huitong import lending
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.loop_types import Loop
from huitong.wiring.scorecard_watch import watch_scorecard


async def _close_days(database: Database, now: datetime) -> bool:
    await lending.close_days(database, rulebook=Rulebook.load(), now=now)
    return False


async def _debit_due(database: Database, now: datetime) -> bool:
    return await lending.debit_due(database, now=now) > 0


async def _lapse(database: Database, now: datetime) -> bool:
    lapsed = await database.run(lambda uow: lending.applications.lapse_applications(uow, now=now))
    return lapsed > 0


async def _reprice_due(database: Database, now: datetime) -> bool:
    return await lending.reprice_due(database, rulebook=Rulebook.load(), now=now) > 0


async def _settle_partners(database: Database, now: datetime) -> bool:
    await lending.partners.settle_partners(database, now=now)
    return False


async def _warn(database: Database, now: datetime) -> bool:
    await database.run(lambda uow: lending.portfolio.warn(uow, rulebook=Rulebook.load(), now=now))
    return False


LENDING_LOOPS: Final[tuple[Loop, ...]] = (
    Loop("lending.close_days", 60.0, _close_days),
    Loop("lending.debit_due", 5.0, _debit_due),
    Loop("lending.lapse_applications", 60.0, _lapse),
    Loop("lending.reprice_due", 300.0, _reprice_due),
    Loop("lending.settle_partners", 300.0, _settle_partners),
    Loop("lending.warn", 60.0, _warn),
    Loop("lending.watch_scorecard", 3600.0, watch_scorecard),
)
