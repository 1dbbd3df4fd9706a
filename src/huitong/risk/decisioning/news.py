"""Learning what has changed, again and again, in the background of one process.

While the database does not answer, a process goes on with what it knows: old rules are better than
none. That is said once, and not each time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import find_bug
from huitong.kernel.logs import get_logger

_log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class NewsWatcher:
    """Calls `learn` now and then twice a second; `subject` is what the news is of, for the log."""

    learn: Callable[[], Awaitable[None]]
    subject: str
    _is_failing: bool = field(default=False, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Learn once, and begin to watch; while the database is away, to wait."""
        await self._try()
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(limits.RULE_NEWS_INTERVAL_SECONDS)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.learn()
        except Exception as error:  # noqa: BLE001 - an edge: a watcher that died would say nothing
            if not self._is_failing:
                _log.warning(
                    "no_news",
                    of=self.subject,
                    reason=type(error).__name__,
                    exc_info=find_bug(error),
                )
            self._is_failing = True
        else:
            if self._is_failing:
                _log.info("news_again", of=self.subject)
            self._is_failing = False
