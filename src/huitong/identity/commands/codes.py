"""One-time codes: made, voided, redeemed. Sending one is not a matter of this transaction."""

import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.commands.guard import forgive, note_failure, stand_guard
from huitong.identity.errors import CodeLimitReached, LogInRefused, TooManyAttempts
from huitong.identity.mobiles import index_address, index_mobile, key_number
from huitong.identity.policies import LockKind
from huitong.identity.store import proofs as store
from huitong.identity.types import Audience, Client, Outcome, Vault
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import uuid7

LOG_IN: Final = "log_in"
STEP_UP: Final = "step_up"
_HOUR_SECONDS: Final = 3_600
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that is about to be sent; nobody can read it again."""

    id: uuid.UUID
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What came of a code: `refusal` is None if it was right, and says what to answer if not."""

    outcome: Outcome
    refusal: Refusal | None = None
    audience: Audience | None = None
    mobile_index: bytes | None = field(default=None, repr=False)


async def issue_code(
    uow: UnitOfWork,
    *,
    vault: Vault,
    audience: Audience,
    purpose: str,
    mobile: str,
    client: Client,
    session_id: uuid.UUID | None = None,
    now: datetime,
) -> IssuedCode:
    """Make a code for a number, whether or not it has a login; earlier ones become void.

    Raises CodeLimitReached for another one too soon or too many, by number or by address. Codes
    for one number, and from one address, are made one after the other, so the limits hold.
    """
    mobile_index = index_mobile(vault, mobile)
    address_index = index_address(vault, client)
    guard = await stand_guard(
        uow,
        [
            (LockKind.ADDRESS, address_index),
            (LockKind.NUMBER, key_number(audience, mobile_index)),
        ],
    )
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        raise TooManyAttempts(wait)
    await _check_limits(uow, mobile_index, address_index, now=now)
    await store.void_codes(uow, mobile_index, audience, purpose, now=now)
    code = f"{secrets.randbelow(1_000_000):06d}"
    code_id = uuid7()
    expires_at = now + timedelta(seconds=limits.ONE_TIME_CODE_SECONDS)
    await store.insert_code(
        uow,
        code_id=code_id,
        audience=audience,
        purpose=purpose,
        mobile_index=mobile_index,
        address_index=address_index,
        digest=_digest(vault, code_id, code),
        session_id=session_id,
        now=now,
        expires_at=expires_at,
    )
    return IssuedCode(id=code_id, code=code, expires_at=expires_at)


async def void_code(uow: UnitOfWork, *, code_id: uuid.UUID, now: datetime) -> None:
    """Void a code that did not leave the house; one that was used stays used."""
    await store.void_code(uow, code_id, now=now)


async def redeem_code(
    uow: UnitOfWork,
    *,
    vault: Vault,
    code_id: uuid.UUID,
    code: str,
    purpose: str,
    session_id: uuid.UUID | None = None,
    client: Client,
    now: datetime,
) -> Redemption:
    """Try a code, once for each call, and use it up if it is right.

    Counts the try and, if it is wrong, a failure of the number and the address; nothing is raised,
    because what was counted must be committed.
    """
    found = await store.find_code(uow, code_id, is_locked=False)
    keys = [(LockKind.ADDRESS, index_address(vault, client))]
    if found is not None:
        number = key_number(Audience(found.audience), bytes(found.mobile_index))
        keys.append((LockKind.NUMBER, number))
    guard = await stand_guard(uow, keys)
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        return _redemption(found, Outcome.LOCKED, TooManyAttempts(wait))
    # Read again under its lock: of two who bring the same code at once, one finds it used.
    found = await store.find_code(uow, code_id, is_locked=True)
    if found is None or (found.purpose, found.session_id) != (purpose, session_id):
        await note_failure(uow, guard, now=now)
        return _redemption(None, Outcome.UNKNOWN, LogInRefused())
    is_over = found.used_at is not None or found.voided_at is not None or found.expires_at <= now
    if is_over or found.tries >= limits.ONE_TIME_CODE_TRIES_MAX:
        await note_failure(uow, guard, now=now)
        return _redemption(found, Outcome.EXPIRED, LogInRefused())
    is_right = hmac.compare_digest(bytes(found.digest), _digest(vault, code_id, code))
    await store.count_try(uow, code_id, used_at=now if is_right else None)
    if not is_right:
        await note_failure(uow, guard, now=now)
        return _redemption(found, Outcome.WRONG, LogInRefused())
    await forgive(uow, guard)
    return _redemption(found, Outcome.LOGGED_IN, None)


def _redemption(found: Row[Any] | None, outcome: Outcome, refusal: Refusal | None) -> Redemption:
    if found is None:
        return Redemption(outcome=outcome, refusal=refusal)
    return Redemption(
        outcome=outcome,
        refusal=refusal,
        audience=Audience(found.audience),
        mobile_index=bytes(found.mobile_index),
    )


def _digest(vault: Vault, code_id: uuid.UUID, code: str) -> bytes:
    return vault.blind_index("one_time_code", f"{code_id.hex}:{code}")


async def _check_limits(
    uow: UnitOfWork, mobile_index: bytes, address_index: bytes, *, now: datetime
) -> None:
    last = await store.find_last_delivery(uow, mobile_index)
    if last is not None:
        waited = (now - last).total_seconds()
        if waited < limits.ONE_TIME_CODE_RESEND_SECONDS:
            raise CodeLimitReached(
                min(
                    limits.ONE_TIME_CODE_RESEND_SECONDS,
                    int(limits.ONE_TIME_CODE_RESEND_SECONDS - waited) + 1,
                )
            )
    limits_by_index = (
        (
            mobile_index,
            limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX,
            limits.ONE_TIME_CODES_PER_NUMBER_DAY_MAX,
        ),
        (
            address_index,
            limits.ONE_TIME_CODES_PER_ADDRESS_HOUR_MAX,
            limits.ONE_TIME_CODES_PER_ADDRESS_DAY_MAX,
        ),
    )
    for index, of_hour_max, of_day_max in limits_by_index:
        of_hour, of_day = await store.count_codes(
            uow, index, is_address=index is address_index, now=now
        )
        if of_day >= of_day_max:
            raise CodeLimitReached(_DAY_SECONDS)
        if of_hour >= of_hour_max:
            raise CodeLimitReached(_HOUR_SECONDS)
