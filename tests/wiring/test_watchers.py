"""What watches in the background of a process goes on after every kind of trouble."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from huitong import identity, operations, risk
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.application import Application

NOW = SystemClock().now


class TroubledDatabase(Database):
    """A database that meets one trouble after the other, each time it is asked."""

    def __init__(self, url: str, troubles: list[Exception]) -> None:
        super().__init__(url)
        self.troubles = troubles
        self.is_well = asyncio.Event()

    @asynccontextmanager
    async def unit_of_work(self, *_: Any, **__: Any) -> AsyncIterator[UnitOfWork]:
        self._meet_trouble()
        async with super().unit_of_work() as unit:
            yield unit

    @asynccontextmanager
    async def reading(self, *_: Any, **__: Any) -> AsyncIterator[UnitOfWork]:
        self._meet_trouble()
        async with super().reading() as unit:
            yield unit

    def _meet_trouble(self) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.is_well.set()


def make_admission(database: Database) -> Any:
    return operations.Admission(database, Rulebook.load(), processes=1, now=NOW)


def make_reporter(database: Database) -> Any:
    return operations.Reporter(database, Rulebook.load(), "api", now=NOW)


def make_models(database: Database) -> Any:
    return risk.ModelCache(database, {}, now=NOW)


def make_rules(database: Database) -> Any:
    return risk.RuleCache(database, {}, now=NOW)


@pytest.mark.parametrize(
    "make", [make_admission, make_reporter, make_models, identity.SessionCache, make_rules]
)
async def test_a_watcher_outlives_every_trouble(
    owner_url: str, make: Callable[[Database], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for interval in (
        "SIGNALS_FLUSH_SECONDS",
        "COUNTERMEASURE_NEWS_SECONDS",
        "SESSION_NEWS_INTERVAL_SECONDS",
        "RULE_NEWS_INTERVAL_SECONDS",
    ):
        monkeypatch.setattr(limits, interval, 0.1)
    async with TroubledDatabase(owner_url, []) as database:
        watcher = make(database)
        await watcher.start()
        database.troubles += [
            PoolTimeoutError("full"),
            asyncpg.UndefinedTableError("no such table"),
            ValueError("a mistake of ours"),
        ]
        database.is_well.clear()
        async with asyncio.timeout(5):
            await database.is_well.wait()
        assert database.troubles == []
        await watcher.stop()


async def test_an_application_that_cannot_say_its_last_word_still_lets_go(
    owner_url: str, tmp_path: Path
) -> None:
    database = TroubledDatabase(owner_url, [])
    reporter = make_reporter(database)
    await reporter.start()
    await database.is_well.wait()
    database.troubles += [ValueError("a mistake of ours")] * 9
    await reporter.stop()
    application = Application.assemble(
        Settings(home=tmp_path).with_database(owner_url=owner_url, app_role="huitong_app")
    )
    application.reporter = reporter
    pool = application.database.engine.pool

    async def fail() -> None:
        raise ValueError("a mistake of ours")

    application.reporter.stop = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="of ours"):
        await application.stop()
    assert application.database.engine.pool is not pool, "it was closed"
    await database.close()
