"""The lists as one process knows them, so that no payment asks the database who is on one.

Twice a second the process reads the entries that have changed since it looked last. When it has not
learned anything for too long, it asks the database for each batch again: somebody who was blocked a
minute ago must not pass because of old news.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.risk.decisioning.news import NewsWatcher
from huitong.risk.decisioning.rules.lists import store
from huitong.risk.decisioning.rules.lists.changing import find_listed
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListKind


class ListCache:
    """Who is on a list; start it with `start`, end it with `stop`."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a cache that knows nothing yet."""
        self._database = database
        self._clock = clock
        self._revision = -1
        self._learned_at = float("-inf")
        #: By key first: most payments end with that one look.
        self._entries: dict[bytes, dict[tuple[EntityKind, ListKind], datetime | None]] = {}
        self._watcher = NewsWatcher(self.learn_news, "lists")

    async def start(self) -> None:
        """Read the lists, and begin to watch for changes."""
        await self._watcher.start()

    async def stop(self) -> None:
        """Stop watching."""
        await self._watcher.stop()

    @property
    def are_empty(self) -> bool:
        """Whether nobody is on any list, by news that is new enough."""
        return not self._entries and self._is_fresh

    @property
    def _is_fresh(self) -> bool:
        return self._clock() - self._learned_at <= limits.RULE_NEWS_SECONDS_MAX

    async def learn_news(self) -> None:
        """Read what has changed.

        Raises DatabaseUnavailable or DBAPIError, and then keeps what it has.
        """
        asked_at = self._clock()
        async with self._database.reading() as uow:
            revision = await store.read_revision(uow)
            if revision != self._revision:
                changed = await store.list_changed(uow, after=self._revision)
                for entry in changed:
                    self._take(entry)
                self._revision = max([revision, *(entry.revision for entry in changed)])
        self._learned_at = asked_at

    async def find(
        self, connection: DriverConnection, entities: Sequence[Entity], *, now: datetime
    ) -> dict[Entity, frozenset[ListKind]]:
        """Return the lists on which entities are now; who is on none is not in it.

        Asks the database only if the news is older than `limits.RULE_NEWS_SECONDS_MAX`.
        """
        if not self._is_fresh:
            return await find_listed(connection, entities, now=now) if entities else {}
        known = self._entries
        if not known:
            return {}
        found = {}
        for entity in entities:
            if entity.key in known:
                lists = frozenset(
                    listed
                    for (kind, listed), until in known[entity.key].items()
                    if kind is entity.kind and (until is None or until > now)
                )
                if lists:
                    found[entity] = lists
        return found

    def _take(self, entry: store.ChangedEntry) -> None:
        place = (entry.kind, entry.list)
        lists = self._entries.setdefault(entry.key, {})
        if entry.is_removed:
            lists.pop(place, None)
        else:
            lists[place] = entry.expires_at
        if not lists:
            del self._entries[entry.key]
