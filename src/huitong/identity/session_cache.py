"""Which session a token opens, remembered by each process, and forgotten when it is revoked.

Every request asks, so a query each would be most of what a small request costs. What is remembered
is believed only while the process has recent news of revocations: it asks the database for new ones
every half second, in one query for all sessions. **A revoked session lives at most
`limits.SESSION_NEWS_SECONDS_MAX` (2 s) longer in other processes**, counted from the commit of the
revocation, and not at all in the process where somebody ended it (log-out, another session, a
device, a changed password). When the news stops coming (the database
is slow, the watcher died), nothing is remembered any more and every check asks the database.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from huitong.identity.store import sessions as store
from huitong.identity.tokens import SESSION_PREFIX, digest_token
from huitong.identity.types import Session
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, find_bug
from huitong.kernel.logs import get_logger

_log = get_logger(__name__)
_RENEWAL: Final = timedelta(seconds=limits.SESSION_RENEWAL_SECONDS)


@dataclass(slots=True)
class _Entry:
    session: Session
    #: When the row was read, by the callers' clock: it is read again, and touched, in a while.
    read_at: datetime
    is_renewing: bool = False


class _NoSession(NamedTuple):
    """What is known of a token that opens nothing."""

    until: float
    is_over: bool


class SessionCache:
    """The sessions that one process knows; start it with `start`, end it with `stop`."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.monotonic,
        entries_max: int = limits.SESSION_CACHE_ENTRIES_MAX,
    ) -> None:
        """Make a cache over the database; `clock` tells seconds that never go back."""
        self._database = database
        self._clock = clock
        self._entries_max = entries_max
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._digests: dict[uuid.UUID, bytes] = {}
        self._unknown: OrderedDict[bytes, _NoSession] = OrderedDict()
        self._news_from = -1.0
        self._news_count = 0
        self._horizon: int | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to watch for revocations."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching and forget everything."""
        tasks = [*self._renewals, *([] if self._watcher is None else [self._watcher])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watcher = None
        self._forget_all()

    async def authenticate(self, token: str, *, now: datetime) -> Session | None:
        """Return the live session of a token, or None; see above for how exact that is.

        Raises DatabaseUnavailable if it must ask the database and cannot.
        """
        digest = digest_token(SESSION_PREFIX, token)
        if digest is None:
            return None
        entry = self._entries.get(digest)
        if entry is None or not self._has_news():
            return await self._load(digest, now)
        if not entry.session.is_live(now):
            # It may have been used through another process a moment ago.
            self._forget_digest(digest)
            return await self._load(digest, now)
        if not entry.is_renewing and now - entry.read_at >= _RENEWAL:
            self._renew(digest, entry, now)
        return entry.session

    async def is_over(self, token: str) -> bool:
        """Say of a token that opens nothing whether it once did: who has one is not guessing.

        Raises DatabaseUnavailable if it must ask the database and cannot.
        """
        digest = digest_token(SESSION_PREFIX, token)
        if digest is None:
            return False
        known = self._unknown.get(digest)
        if known is not None:
            return known.is_over
        async with self._database.reading() as uow:
            return await store.has_session(uow, digest)

    def forget(self, *session_ids: uuid.UUID) -> None:
        """Forget sessions that were revoked, or whose factors changed, here and now."""
        # What is being read at this moment may be older than the change.
        self._news_count += 1
        for session_id in session_ids:
            digest = self._digests.get(session_id)
            if digest is not None:
                self._forget_digest(digest)

    def forget_login(self, login_id: uuid.UUID) -> None:
        """Forget every session of a login."""
        self.forget(
            *(
                entry.session.id
                for entry in list(self._entries.values())
                if entry.session.login_id == login_id
            )
        )

    async def learn_news(self) -> None:
        """Ask once for revocations that are new, and forget those sessions.

        Raises DatabaseUnavailable or DBAPIError, and then has no newer news than before.
        """
        asked_at = self._clock()
        async with self._database.reading() as uow:
            if self._horizon is None:
                # Nothing was remembered before the first question, so only its horizon matters.
                self._horizon, _ = await store.list_revocations(uow, 2**62, 1)
                revoked: list[uuid.UUID] = []
                self._forget_all()
            else:
                self._horizon, revoked = await store.list_revocations(
                    uow, self._horizon, limits.SESSION_REVOCATIONS_AT_ONCE_MAX
                )
        if len(revoked) == limits.SESSION_REVOCATIONS_AT_ONCE_MAX:
            self._forget_all()
        self.forget(*revoked)
        self._news_from = asked_at

    def _has_news(self) -> bool:
        return self._clock() - self._news_from < limits.SESSION_NEWS_SECONDS_MAX

    async def _load(self, digest: bytes, now: datetime) -> Session | None:
        known = self._unknown.get(digest)
        if known is not None and self._clock() < known.until:
            return None
        count = self._news_count
        async with self._database.reading() as uow:
            session = await store.find_session_by_digest(uow, digest)
            is_over = session is not None or await store.has_session(uow, digest)
        if session is None or not session.is_live(now):
            self._remember_unknown(digest, is_over=is_over)
            return None
        if now - session.last_seen_at >= _RENEWAL:
            async with self._database.unit_of_work() as uow:
                await store.touch_session(uow, digest, now=now)
        # News that came while this was read may have been of this very session, and found nothing
        # to forget yet: then it is believed this once and read again the next time.
        # One that waits for a second factor may be confirmed through another process at any moment,
        # which is no revocation and no news.
        if self._has_news() and count == self._news_count and not session.awaits_proof:
            self._remember(digest, session, now)
        return session

    def _remember(self, digest: bytes, session: Session, now: datetime) -> None:
        self._entries[digest] = _Entry(session, now)
        self._digests[session.id] = digest
        if len(self._entries) > self._entries_max:
            _, oldest = self._entries.popitem(last=False)
            self._digests.pop(oldest.session.id, None)

    def _remember_unknown(self, digest: bytes, *, is_over: bool) -> None:
        # A store of its own: who tries many tokens cannot push the real ones out. A token is made
        # before anybody can send it, so an unknown one does not become known.
        until = self._clock() + limits.SESSION_NEWS_SECONDS_MAX
        self._unknown[digest] = _NoSession(until, is_over)
        if len(self._unknown) > limits.SESSION_UNKNOWN_ENTRIES_MAX:
            self._unknown.popitem(last=False)

    def _renew(self, digest: bytes, entry: _Entry, now: datetime) -> None:
        if len(self._renewals) >= limits.SESSION_RENEWALS_AT_ONCE_MAX:
            return
        entry.is_renewing = True
        task = asyncio.create_task(self._touch_and_read(digest, entry, now))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _touch_and_read(self, digest: bytes, entry: _Entry, now: datetime) -> None:
        count = self._news_count
        try:
            async with self._database.unit_of_work() as uow:
                await store.touch_session(uow, digest, now=now)
                session = await store.find_session_by_digest(uow, digest)
        except (DatabaseUnavailable, DBAPIError) as error:
            _log.warning("session_not_renewed", reason=type(error).__name__)
            return
        finally:
            entry.is_renewing = False
        if self._entries.get(digest) is not entry:
            return
        if session is None:
            self._forget_digest(digest)
        elif count == self._news_count:
            entry.session, entry.read_at = session, now

    def _forget_digest(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is not None:
            self._digests.pop(entry.session.id, None)

    def _forget_all(self) -> None:
        self._entries.clear()
        self._digests.clear()
        self._unknown.clear()
        self._news_from = -1.0

    async def _watch(self) -> None:
        is_known_to_fail = False
        while True:
            try:
                await self.learn_news()
            except Exception as error:  # noqa: BLE001 - an edge: a watcher that died would say nothing
                # Said once, and not twice a second for as long as the database is away.
                if not is_known_to_fail:
                    _log.warning(
                        "no_news_of_revocations",
                        reason=type(error).__name__,
                        exc_info=find_bug(error),
                    )
                is_known_to_fail = True
            else:
                if is_known_to_fail:
                    _log.info("news_of_revocations_again")
                is_known_to_fail = False
            await asyncio.sleep(limits.SESSION_NEWS_INTERVAL_SECONDS)
