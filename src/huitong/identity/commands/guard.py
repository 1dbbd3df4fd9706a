"""Lock-outs: counting failures in a row, and how long the next try has to wait."""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from huitong.identity.mobiles import index_address, key_device, key_number
from huitong.identity.policies import LOCK_RULES, LockKind
from huitong.identity.store import logins as store
from huitong.identity.store.sessions import find_device, is_device_known
from huitong.identity.tokens import DEVICE_PREFIX, digest_token
from huitong.identity.types import Audience, Client, Session, Vault
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


async def find_known_device(
    uow: UnitOfWork,
    client: Client,
    *,
    audience: Audience,
    mobile_index: bytes,
    session: Session | None = None,
    now: datetime,
) -> uuid.UUID | None:
    """Return the device of the session, or the one whose token the client has, if it is bound.

    None for a stranger: no token, one that is not of this number's login, or a session that waits
    for its second factor on a device that nobody knows yet.
    """
    if session is not None and session.awaits_proof:
        is_known = await is_device_known(uow, session.device_id, now=now)
        return session.device_id if is_known else None
    if session is not None:
        return session.device_id
    if client.device_token is None:
        return None
    digest = digest_token(DEVICE_PREFIX, client.device_token)
    if digest is None:
        return None
    return await find_device(uow, digest, audience, mobile_index, now=now)


def make_keys(
    vault: Vault,
    client: Client,
    *,
    audience: Audience,
    mobile_index: bytes,
    device_id: uuid.UUID | None,
) -> list[Key]:
    """Return under which keys failures to open a number's login are counted.

    A device that was bound to the login counts for itself. So a stranger who fails on purpose
    locks the number for strangers, and not for its owner (OWASP: "Slow Down Online Guessing
    Attacks with Device Cookies").
    """
    number = key_number(audience, mobile_index) if device_id is None else key_device(device_id)
    return [(LockKind.ADDRESS, index_address(vault, client)), (LockKind.NUMBER, number)]


async def stand_guard(uow: UnitOfWork, keys: Sequence[Key]) -> Guard:
    """Lock the failures of `keys` for this transaction.

    Tries of one number, and of one address, pass here one after the other, so that many at once
    get no more guesses than one after the other would.
    """
    return Guard(await store.lock_failures(uow, keys))


async def guard_number(
    uow: UnitOfWork,
    vault: Vault,
    client: Client,
    *,
    audience: Audience,
    mobile_index: bytes,
    session: Session | None = None,
    now: datetime,
) -> Guard:
    """Lock the failures that count for this client when it tries to open a number's login."""
    device_id = await find_known_device(
        uow, client, audience=audience, mobile_index=mobile_index, session=session, now=now
    )
    keys = make_keys(
        vault, client, audience=audience, mobile_index=mobile_index, device_id=device_id
    )
    return await stand_guard(uow, keys)


async def note_failure(uow: UnitOfWork, guard: Guard, *, now: datetime) -> None:
    """Count one more failure for each key, and lock those that have too many."""
    for (kind, key), row in guard.rows.items():
        rule = LOCK_RULES[kind]
        failures = 1
        if row.last_failed_at is not None:
            seconds_since = (now - row.last_failed_at).total_seconds()
            failures += rule.remember(row.failures, seconds_since)
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
