"""One-time codes: made, voided, redeemed. Sending one is not a matter of this transaction."""

import hmac
import math
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.commands.guard import (
    Guard,
    find_known_device,
    forgive,
    guard_number,
    make_keys,
    note_failure,
    stand_guard,
)
from huitong.identity.commands.tries import Try, record_refused
from huitong.identity.errors import CodeLimitReached, LogInRefused, TooManyAttempts
from huitong.identity.mobiles import index_address, index_mobile, key_number
from huitong.identity.policies import LockKind
from huitong.identity.store import proofs as store
from huitong.identity.store.proofs import CodeKind
from huitong.identity.types import Audience, Client, Factor, Outcome, Session, Vault
from huitong.identity.verdicts import Verdict
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
    session: Session | None = None,
    now: datetime,
) -> IssuedCode:
    """Make a code for a number, whether or not it has a login; earlier ones become void.

    What strangers ask for and what a known device asks for is counted apart and does not void the
    other's: nobody keeps the owner from a code. Raises CodeLimitReached, TooManyAttempts.
    """
    number = (audience, index_mobile(vault, mobile))
    address_index = index_address(vault, client)
    device_id = await _stand_in_line(uow, vault, client, number, session=session, now=now)
    kind = CodeKind(
        audience=audience,
        purpose=purpose,
        mobile_index=number[1],
        is_known_device=device_id is not None,
    )
    await _check_resend(uow, kind, now)
    await _check_limits(uow, kind, address_index, now)
    await store.void_codes(uow, kind, now=now)
    issued = _make(now)
    await store.insert_code(
        uow,
        kind,
        code_id=issued.id,
        address_index=address_index,
        digest=_digest(vault, issued.id, issued.code),
        session_id=None if session is None else session.id,
        now=now,
        expires_at=issued.expires_at,
    )
    return issued


def _make(now: datetime) -> IssuedCode:
    return IssuedCode(
        id=uuid7(),
        code=f"{secrets.randbelow(1_000_000):06d}",
        expires_at=now + timedelta(seconds=limits.ONE_TIME_CODE_SECONDS),
    )


async def _stand_in_line(
    uow: UnitOfWork,
    vault: Vault,
    client: Client,
    number: tuple[Audience, bytes],
    *,
    session: Session | None,
    now: datetime,
) -> uuid.UUID | None:
    """Hold the number and the address, check that neither is locked, and return the device."""
    audience, mobile_index = number
    device_id = await find_known_device(
        uow, client, audience=audience, mobile_index=mobile_index, session=session, now=now
    )
    keys = make_keys(
        vault, client, audience=audience, mobile_index=mobile_index, device_id=device_id
    )
    # The number's own key too, whatever device asks: the limits of a number hold one after another.
    shared = (LockKind.NUMBER, key_number(audience, mobile_index))
    held = await stand_guard(uow, [*keys, shared])
    wait = Guard({key: held.rows[key] for key in keys}).find_wait_seconds(now)
    if wait is not None:
        raise TooManyAttempts(wait)
    return device_id


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
    session: Session | None = None,
    client: Client,
    now: datetime,
) -> Redemption:
    """Try a code: a right one is used up, a wrong one is a failure of number and address."""
    redemption = await prove_code(
        uow,
        vault=vault,
        code_id=code_id,
        code=code,
        purpose=purpose,
        session=session,
        client=client,
        now=now,
    )
    if redemption.refusal is None:
        await spend_code(uow, code_id=code_id, now=now)
    return redemption


async def refuse_code(
    uow: UnitOfWork,
    vault: Vault,
    redemption: Redemption,
    refusal: Refusal,
    *,
    client: Client,
    now: datetime,
) -> Verdict[Any]:
    """Record a try to get in with a code that opened nothing, and return the refusal."""
    attempt = Try(
        audience=redemption.audience,
        method=Factor.ONE_TIME_CODE,
        client=client,
        now=now,
        mobile_index=redemption.mobile_index,
    )
    await record_refused(uow, vault, attempt, redemption.outcome)
    return Verdict(refusal=refusal)


async def spend_code(uow: UnitOfWork, *, code_id: uuid.UUID, now: datetime) -> None:
    """Use up a code that was proved in this transaction."""
    await store.mark_code_used(uow, code_id, now=now)


async def prove_code(
    uow: UnitOfWork,
    *,
    vault: Vault,
    code_id: uuid.UUID,
    code: str,
    purpose: str,
    session: Session | None = None,
    client: Client,
    now: datetime,
) -> Redemption:
    """Try a code, without using up a right one: nobody else tries it until the transaction ends.

    For doors that a right code may not open: it is then good for the door beside.
    """
    found = await store.find_code(uow, code_id, is_locked=False)
    guard = await _stand_guard(uow, vault, client, found, session=session, now=now)
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        return _redemption(found, Outcome.LOCKED, TooManyAttempts(wait))
    # Read again under its lock: of two who bring the same code at once, one finds it used.
    found = await store.find_code(uow, code_id, is_locked=True)
    owner = (purpose, None if session is None else session.id)
    if found is None or (found.purpose, found.session_id) != owner:
        await note_failure(uow, guard, now=now)
        return _redemption(None, Outcome.UNKNOWN, LogInRefused())
    outcome = await _try(uow, found, _digest(vault, code_id, code), now)
    if outcome is Outcome.LOGGED_IN:
        await forgive(uow, guard)
        return _redemption(found, outcome, None)
    await note_failure(uow, guard, now=now)
    return _redemption(found, outcome, LogInRefused())


async def _stand_guard(
    uow: UnitOfWork,
    vault: Vault,
    client: Client,
    found: Row[Any] | None,
    *,
    session: Session | None,
    now: datetime,
) -> Guard:
    if found is None:
        return await stand_guard(uow, [(LockKind.ADDRESS, index_address(vault, client))])
    return await guard_number(
        uow,
        vault,
        client,
        audience=Audience(found.audience),
        mobile_index=bytes(found.mobile_index),
        session=session,
        now=now,
    )


async def _try(uow: UnitOfWork, found: Row[Any], digest: bytes, now: datetime) -> Outcome:
    is_over = found.used_at is not None or found.voided_at is not None or found.expires_at <= now
    if is_over or found.tries >= limits.ONE_TIME_CODE_TRIES_MAX:
        return Outcome.EXPIRED
    is_right = hmac.compare_digest(bytes(found.digest), digest)
    await store.count_try(uow, found.id)
    return Outcome.LOGGED_IN if is_right else Outcome.WRONG


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


async def _check_resend(uow: UnitOfWork, kind: CodeKind, now: datetime) -> None:
    last = await store.find_last_delivery(uow, kind)
    if last is None:
        return
    seconds_left = limits.ONE_TIME_CODE_RESEND_SECONDS - (now - last).total_seconds()
    if seconds_left > 0:
        raise CodeLimitReached(math.ceil(seconds_left))


async def _check_limits(
    uow: UnitOfWork, kind: CodeKind, address_index: bytes, now: datetime
) -> None:
    counted = (
        (
            await store.count_codes_of_number(uow, kind, now=now),
            limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX,
            limits.ONE_TIME_CODES_PER_NUMBER_DAY_MAX,
        ),
        (
            await store.count_codes_of_address(uow, address_index, now=now),
            limits.ONE_TIME_CODES_PER_ADDRESS_HOUR_MAX,
            limits.ONE_TIME_CODES_PER_ADDRESS_DAY_MAX,
        ),
    )
    for (of_hour, of_day), of_hour_max, of_day_max in counted:
        if of_day >= of_day_max:
            raise CodeLimitReached(_DAY_SECONDS)
        if of_hour >= of_hour_max:
            raise CodeLimitReached(_HOUR_SECONDS)
