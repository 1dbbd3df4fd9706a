"""Telling the database what one process has counted, and that it lives.

Signals wait in memory for at most `limits.SIGNALS_FLUSH_SECONDS`, so a process that is killed takes
that much with it. While the database is away they are kept, up to a bound, and told afterwards.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork, find_bug
from huitong.kernel.ids import uuid7
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.operations.policy import read_policy
from huitong.operations.recording import report
from huitong.operations.signals import MetricsReader, SignalCounter, read_queue_depth
from huitong.operations.store import signals as store
from huitong.operations.types import (
    Entity,
    EntityKind,
    Finding,
    IncidentKind,
    Severity,
    SignalKind,
    Watcher,
)

_WORKER: Final = Entity(EntityKind.COMPONENT, "worker")
_log = get_logger(__name__)


class Reporter:
    """The watcher of one process; start it with `start`, end it with `stop`."""

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        process: Literal["api", "worker"],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Make a watcher that counts from now on; nothing is written before `start`."""
        self._database = database
        self._rulebook = rulebook
        self._process = process
        self._now = now
        self._id = uuid7()
        self._started_at = now()
        self._counter = SignalCounter()
        self._metrics = MetricsReader()
        self._task: asyncio.Task[None] | None = None

    def note(self, kind: SignalKind, entity: Entity, *, about: bytes | None = None) -> None:
        """Count a signal; `about` names the thing, for kinds whose different things matter."""
        self._counter.note(kind, entity, about=about)

    async def start(self) -> None:
        """Begin to report; the database may still be down."""
        if self._task is None:
            self._task = asyncio.create_task(self._report_regularly())

    async def stop(self) -> None:
        """Report what is left, and that the process ends in order."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        try:
            async with asyncio.timeout(limits.SIGNALS_FLUSH_SECONDS):
                await self.flush(is_last=True)
        except Exception as error:  # noqa: BLE001 - whoever stops goes on to close the database
            _note_failure(error)

    async def flush(self, *, is_last: bool = False) -> None:
        """Write what was counted since the last time, in one transaction.

        Raises DatabaseUnavailable or DBAPIError, and then keeps what it has.
        """
        now = self._now()
        for (kind, entity), count in self._metrics.take().items():
            self._counter.note(kind, entity, count=count)
        rows = self._counter.take()
        watcher = Watcher(
            id=self._id,
            process=self._process,
            started_at=self._started_at,
            seen_at=now,
            queue_depth=read_queue_depth(),
        )

        async def write(uow: UnitOfWork) -> None:
            await store.put_watcher(uow, watcher)
            await store.add_signals(uow, rows, now=now)
            if is_last:
                await store.end_watchers(uow, [self._id], now)

        try:
            await self._database.run(write)
        except BaseException:
            self._counter.put_back(rows)
            raise

    async def check_evaluator(self) -> None:
        """Open an incident if a worker used to look at the signals, and does no more.

        The worker finds processes that fall silent; who finds the worker are the others.
        """
        now = self._now()
        silence = read_policy(self._rulebook, business_day(now)).silence
        async with self._database.reading() as uow:
            state = await store.read_state(uow)
        if state.evaluated_at is None or now - state.evaluated_at < silence:
            return
        finding = Finding(
            kind=IncidentKind.EVALUATOR_SILENT,
            severity=Severity.CRITICAL,
            entity=_WORKER,
            evidence={"silent_seconds": int((now - state.evaluated_at).total_seconds())},
        )
        await self._database.run(lambda uow: report(uow, finding, now=now))

    async def _report_regularly(self) -> None:
        is_known_to_fail = False
        while True:
            try:
                await self.flush()
                if self._process == "api":
                    await self.check_evaluator()
            except Exception as error:  # noqa: BLE001 - an edge: a watcher that died would say nothing
                if not is_known_to_fail:
                    _note_failure(error)
                is_known_to_fail = True
            else:
                is_known_to_fail = False
            await asyncio.sleep(limits.SIGNALS_FLUSH_SECONDS)


def _note_failure(error: Exception) -> None:
    _log.warning("signals_not_written", reason=type(error).__name__, exc_info=find_bug(error))
