"""Paying files batch by batch, the next one assessed while the one before is posted."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.payments.bulk.paying import pay_next_batch
from huitong.payments.bulk.preparing import ReadyBatch, prepare_batch


@dataclass(slots=True, eq=False)
class FilePayer:
    """Pays files one step after the other; two of them, in one process or two, may run at once.

    A step posts the lines that the step before has made ready, and meanwhile makes those behind
    them ready, on another connection. What is ready is lost with the process, and nothing else.
    """

    database: Database
    batch_lines: int = limits.BULK_BATCH_LINES_MAX
    _ahead: ReadyBatch | None = field(default=None, init=False)

    async def step(self, decider: risk.PaymentDecider | None, now: datetime) -> bool:
        """Do the next step of the file that has waited longest; False if none waits."""
        ahead = self._ahead or await self._prepare(decider, None, now)
        self._ahead = None

        async def pay(uow: UnitOfWork) -> bool:
            return await pay_next_batch(
                uow, decider, ahead=ahead, batch_lines=self.batch_lines, now=now
            )

        if ahead is None:
            return await self.database.run(pay)
        preparing = asyncio.create_task(self._prepare(decider, ahead, now))
        try:
            is_more = await self.database.run(pay)
            self._ahead = await preparing
        finally:
            # Whatever happened here, nothing of it goes on behind our back.
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
        return is_more

    async def _prepare(
        self, decider: risk.PaymentDecider | None, before: ReadyBatch | None, now: datetime
    ) -> ReadyBatch | None:
        return await self.database.run(
            lambda uow: prepare_batch(uow, decider, before, batch_lines=self.batch_lines, now=now)
        )
