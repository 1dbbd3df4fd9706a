"""Whom one process lets in: rate limits and counter-measures, all from memory.

Twice a second the process asks for one small row; only when its number has changed are the
counter-measures read. While the database does not answer, those that are known go on to hold until
their end: an attacker must not become free by tiring the database.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, datetime

from sqlalchemy.exc import DBAPIError

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, find_bug
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.operations.errors import CallerBlocked, ChallengeRequired, RateLimited
from huitong.operations.policy import Policy, read_policy
from huitong.operations.rate_limits import RateLimiter
from huitong.operations.store import incidents, signals
from huitong.operations.types import Countermeasure, CountermeasureKind, Entity, EntityKind

_log = get_logger(__name__)


class Admission:
    """The door of one process; start it with `start`, end it with `stop`."""

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        *,
        processes: int,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        is_enforcing: bool = True,
    ) -> None:
        """Make a door; `processes` serve together, `clock` tells seconds for rates.

        Where it is not enforcing it lets everybody in.
        """
        self._database = database
        self._rulebook = rulebook
        self._processes = processes
        self._now = now
        self._is_enforcing = is_enforcing
        self._limiter = RateLimiter(clock=clock)
        self._policy_of: tuple[date, Policy] | None = None
        self._policy = self._read_policy()
        self._news: int | None = None
        self._taken: Mapping[str, tuple[Countermeasure, ...]] = {}
        self._known_credentials: OrderedDict[int, None] = OrderedDict()
        self._watcher: asyncio.Task[None] | None = None
        #: Whether anything is done against an address now; most of the time nothing is.
        self.has_addresses = False

    async def start(self) -> None:
        """Read what is in force, and begin to watch for changes."""
        try:
            await self.learn_news()
        except (DatabaseUnavailable, DBAPIError) as error:
            _log.warning("no_news_of_countermeasures", reason=type(error).__name__)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None

    def admit(self, kind: EntityKind, name: str) -> None:
        """Let a caller's request in and take it from their budget.

        Raises RateLimited, and CallerBlocked.
        """
        if not self._is_enforcing:
            return
        if self._taken and name in self._taken:
            self._check_taken(name)
        limit = self._policy.limits[kind]
        wait = self._limiter.take(name, limit)
        if wait:
            raise RateLimited(limit, wait)

    def check_blocked(self, name: str) -> None:
        """Refuse whom a counter-measure blocks, and take nothing from a budget.

        Raises CallerBlocked.
        """
        if self._is_enforcing and name in self._taken:
            self._check_taken(name)

    def admit_credential(self, address: Entity, credential: bytes) -> None:
        """Let a request with a credential in that nobody has looked at yet.

        Where its address is blocked, only credentials that were good a while ago pass, and a few
        new ones: who shares an address with an attacker goes on, and the attacker gets no more
        tries. Raises CallerBlocked.
        """
        if not self._is_enforcing or not self.has_addresses:
            return
        until = self._find(address.name, CountermeasureKind.BLOCK)
        if until is None or hash(credential) in self._known_credentials:
            return
        limit = self._policy.unknown_credentials
        if self._limiter.take(f"{limit.name}:{address.name}", limit):
            raise CallerBlocked(self._seconds_until(until))

    def remember_credential(self, credential: bytes) -> None:
        """Note that a credential was good."""
        known = hash(credential)
        if known in self._known_credentials:
            return
        self._known_credentials[known] = None
        if len(self._known_credentials) > limits.KNOWN_CREDENTIALS_MAX:
            self._known_credentials.popitem(last=False)

    def check_challenge(self, address: Entity) -> None:
        """Refuse a log-in by password alone where too many failed; raises ChallengeRequired."""
        if self._is_enforcing and self._find(address.name, CountermeasureKind.CHALLENGE):
            raise ChallengeRequired

    async def learn_news(self) -> None:
        """Ask once whether counter-measures have changed, and read them if they have.

        Raises DatabaseUnavailable or DBAPIError, and then keeps what it has.
        """
        self._policy = self._read_policy()
        async with self._database.reading() as uow:
            # The number first: what changes after that is read again the next time.
            state = await signals.read_state(uow)
            if state.news == self._news:
                return
            found = await incidents.list_in_force(
                uow, now=self._now(), limit=limits.COUNTERMEASURES_IN_FORCE_MAX
            )
        taken: dict[str, tuple[Countermeasure, ...]] = {}
        for each in found:
            taken[each.entity.name] = (*taken.get(each.entity.name, ()), each)
        self._taken = taken
        self.has_addresses = any(each.entity.kind is EntityKind.ADDRESS for each in found)
        self._news = state.news

    def _check_taken(self, name: str) -> None:
        until = self._find(name, CountermeasureKind.BLOCK)
        if until is not None:
            raise CallerBlocked(self._seconds_until(until))
        if self._find(name, CountermeasureKind.THROTTLE) is not None:
            limit = self._policy.throttled
            wait = self._limiter.take(f"{limit.name}:{name}", limit)
            if wait:
                raise RateLimited(limit, wait)

    def _find(self, name: str, kind: CountermeasureKind) -> datetime | None:
        """Return until when a counter-measure holds, or None; its end needs no news."""
        now = self._now()
        ends = [
            each.ends_at
            for each in self._taken.get(name, ())
            if each.kind is kind and each.is_in_force(now)
        ]
        return max(ends, default=None)

    def _seconds_until(self, until: datetime) -> int:
        return max(1, math.ceil((until - self._now()).total_seconds()))

    def _read_policy(self) -> Policy:
        today = business_day(self._now())
        if self._policy_of is None or self._policy_of[0] != today:
            policy = read_policy(self._rulebook, today, processes=self._processes)
            self._policy_of = (today, policy)
        return self._policy_of[1]

    async def _watch(self) -> None:
        is_known_to_fail = False
        while True:
            try:
                await self.learn_news()
            except Exception as error:  # noqa: BLE001 - an edge: a watcher that died would say nothing
                if not is_known_to_fail:
                    _log.warning(
                        "no_news_of_countermeasures",
                        reason=type(error).__name__,
                        exc_info=find_bug(error),
                    )
                is_known_to_fail = True
            else:
                is_known_to_fail = False
            await asyncio.sleep(limits.COUNTERMEASURE_NEWS_SECONDS)
