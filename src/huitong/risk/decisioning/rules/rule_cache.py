"""The rules by which one process decides, compiled once, and read again when they have changed.

Twice a second the process asks for one small row of each purpose; only when its number has changed
are versions read. While the database does not answer, the process decides by the rules that it has:
old rules are better than none. `news_age_seconds` says how old they may be.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.logs import get_logger
from huitong.risk.decisioning.news import NewsWatcher
from huitong.risk.decisioning.rules import store
from huitong.risk.decisioning.rules.errors import RulesNotLoaded
from huitong.risk.decisioning.rules.language.checking import Catalogue
from huitong.risk.decisioning.rules.rule_sets import RuleSet, reload_rules
from huitong.risk.decisioning.rules.types import Purpose, RuleState, RuleVersion

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledVersion:
    """A version with its program."""

    version: RuleVersion
    rules: RuleSet


@dataclass(frozen=True, slots=True, eq=False)
class Deciding:
    """What decides about one purpose on one day, and what is tried beside it."""

    live: CompiledVersion | None
    shadow: CompiledVersion | None


_NOTHING: Final = Deciding(None, None)


class RuleCache:
    """The rules that one process knows; start it with `start`, end it with `stop`."""

    def __init__(
        self,
        database: Database,
        catalogues: Mapping[Purpose, Catalogue],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a cache; `catalogues` has the features of each purpose, `now` tells the day."""
        self._database = database
        self._catalogues = catalogues
        self._now = now
        self._clock = clock
        self._news: dict[Purpose, int] = {}
        self._versions: dict[Purpose, list[CompiledVersion]] = {}
        self._asked_at: float | None = None
        self._watcher = NewsWatcher(self.learn_news, "rules")

    async def start(self) -> None:
        """Read the rules, and begin to watch for changes; while the database is away, to wait."""
        await self._watcher.start()

    async def stop(self) -> None:
        """Stop watching."""
        await self._watcher.stop()

    @property
    def news_age_seconds(self) -> float:
        """For how long the process has not known whether its rules are still those that decide."""
        return float("inf") if self._asked_at is None else self._clock() - self._asked_at

    def find(self, purpose: Purpose, day: date) -> Deciding:
        """Return what decides on a business day; raises RulesNotLoaded before the first reading."""
        if self._asked_at is None:
            raise RulesNotLoaded("The rules were never read in this process.")
        live = shadow = None
        for each in self._versions.get(purpose, ()):
            if each.version.state is RuleState.SHADOW:
                shadow = each
            elif each.version.decides_on(day):
                live = each
        return _NOTHING if live is None and shadow is None else Deciding(live, shadow)

    async def learn_news(self) -> None:
        """Ask once whether the rules have changed, and read them if they have.

        Raises DatabaseUnavailable or DBAPIError, and then keeps what it has.
        """
        asked_at = self._clock()
        async with self._database.reading() as uow:
            # Numbers first: what changes after that is read again the next time.
            news = await store.read_news(uow)
            is_new = news != self._news
            found = await store.list_deciding(uow, business_day(self._now())) if is_new else []
        if is_new:
            # Compiling takes milliseconds, for which payments need not wait.
            self._versions = await asyncio.to_thread(self._compile, found)
            self._news = news
        self._asked_at = asked_at

    def _compile(self, found: list[RuleVersion]) -> dict[Purpose, list[CompiledVersion]]:
        known = {each.version.id: each.rules for own in self._versions.values() for each in own}
        versions: dict[Purpose, list[CompiledVersion]] = {}
        for version in found:
            rules = known.get(version.id)
            if rules is None:
                rules = reload_rules(version.rules, self._catalogues.get(version.purpose, {}))
                for broken in rules.broken:
                    # Every row that it looks at is now a review: somebody has to come.
                    _log.error(
                        "rule_does_not_compile",
                        rule=broken.key,
                        purpose=version.purpose.value,
                        version=version.number,
                    )
            versions.setdefault(version.purpose, []).append(CompiledVersion(version, rules))
        return versions
