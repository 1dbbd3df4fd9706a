"""Lock-outs: counting failures in a row, and how long the next try has to wait."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from huitong.identity.policies import LOCK_RULES, LockKind
from huitong.identity.store import logins as store
from huitong.kernel.database.unit_of_work import UnitOfWork

Key = tuple[LockKind, bytes]


@dataclass(frozen=True, slots=True)
class Guard:
    """The failures of some keys, held by this transaction."""

    rows: Mapping[Key, Row[Any]]

    def find_wait_seconds(self, now: datetime) -> int | None:
        """Return how long to wait until nothing is locked, in whole seconds, or None."""
        ends = [row.locked_until for row in self.rows.values() if row.locked_until is not None]
        last = max(ends, default=now)
        return None if last <= now else math.ceil((last - now).total_seconds())


async def stand_guard(uow: UnitOfWork, keys: Sequence[Key]) -> Guard:
    """Lock the failures of `keys` for this transaction.

    Tries of one number, and of one address, pass here one after the other, so that many at once
    get no more guesses than one after the other would.
    """
    return Guard(await store.lock_failures(uow, keys))


async def note_failure(uow: UnitOfWork, guard: Guard, *, now: datetime) -> None:
    """Count one more failure for each key, and lock those that have too many."""
    for (kind, key), row in guard.rows.items():
        rule = LOCK_RULES[kind]
        forgotten_before = now - timedelta(seconds=rule.forget_seconds)
        is_recent = row.last_failed_at is not None and row.last_failed_at > forgotten_before
        failures = (row.failures if is_recent else 0) + 1
        seconds = rule.seconds_after(failures)
        await store.set_failures(
            uow,
            kind,
            key,
            failures=failures,
            last_failed_at=now,
            locked_until=now + timedelta(seconds=seconds) if seconds else None,
        )


async def forgive(uow: UnitOfWork, guard: Guard) -> None:
    """Forget the failures after a success, except the address's: others try from there too."""
    for kind, key in guard.rows:
        if kind is not LockKind.ADDRESS:
            await store.set_failures(
                uow, kind, key, failures=0, last_failed_at=None, locked_until=None
            )
