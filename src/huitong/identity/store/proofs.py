"""One-time codes, passkeys, challenges and step-ups in the database."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.store.log_in_history import prune_counters
from huitong.identity.types import Audience, Factor
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork

_COUNT_OF_NUMBER: Final = """
    SELECT count(*) FILTER (WHERE created_at > :hour) AS of_hour, count(*) AS of_day
      FROM identity.one_time_codes
     WHERE mobile_index = :mobile_index AND created_at > :day AND audience = :audience
       AND purpose = :purpose AND is_known_device = :is_known_device
"""
_COUNT_OF_ADDRESS: Final = """
    SELECT count(*) FILTER (WHERE created_at > :hour) AS of_hour, count(*) AS of_day
      FROM identity.one_time_codes
     WHERE address_index = :index AND created_at > :day
"""
_LAST_DELIVERY: Final = """
    SELECT max(created_at) FROM identity.one_time_codes
     WHERE mobile_index = :mobile_index AND audience = :audience AND purpose = :purpose
       AND is_known_device = :is_known_device AND voided_at IS NULL
"""
_VOID: Final = """
    UPDATE identity.one_time_codes SET voided_at = :now
     WHERE mobile_index = :mobile_index AND audience = :audience AND purpose = :purpose
       AND is_known_device = :is_known_device AND created_at > :since
       AND used_at IS NULL AND voided_at IS NULL
"""
_FIND_CODE: Final = """
    SELECT id, audience, purpose, mobile_index, digest, session_id, tries, expires_at, used_at,
           voided_at
      FROM identity.one_time_codes WHERE id = :id
"""
# Step-ups first: they point at the codes and challenges.
_PRUNE: Final = (
    """
    DELETE FROM identity.step_ups WHERE id IN (
        SELECT id FROM identity.step_ups WHERE expires_at < :before LIMIT :count) RETURNING 1
    """,
    """
    DELETE FROM identity.one_time_codes WHERE id IN (
        SELECT id FROM identity.one_time_codes c WHERE expires_at < :before
           AND NOT EXISTS (SELECT FROM identity.step_ups u WHERE u.code_id = c.id)
         LIMIT :count) RETURNING 1
    """,
    """
    DELETE FROM identity.challenges WHERE id IN (
        SELECT id FROM identity.challenges c WHERE expires_at < :before
           AND NOT EXISTS (SELECT FROM identity.step_ups u WHERE u.challenge_id = c.id)
         LIMIT :count) RETURNING 1
    """,
    # A sign-up that is over; an open one is needed until its application was decided.
    """
    DELETE FROM identity.sign_ups WHERE id IN (
        SELECT id FROM identity.sign_ups
         WHERE expires_at < :before AND (state <> 'open'
               OR expires_at < CAST(:before AS timestamptz) - interval '90 days')
         LIMIT :count) RETURNING 1
    """,
    """
    DELETE FROM identity.lockouts WHERE (kind, key) IN (
        SELECT kind, key FROM identity.lockouts
         WHERE coalesce(last_failed_at, '-infinity') < :before
           AND coalesce(locked_until, '-infinity') < :before
         LIMIT :count FOR UPDATE SKIP LOCKED) RETURNING 1
    """,
    """
    DELETE FROM identity.revocations WHERE id IN (
        SELECT id FROM identity.revocations WHERE recorded_at < :before
         LIMIT :count) RETURNING 1
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeKind:
    """What is counted together: the codes of a number in one audience, for one purpose.

    And apart from each other those that a known device asked for, and those that strangers did.
    """

    audience: Audience
    purpose: str
    mobile_index: bytes = field(repr=False)
    is_known_device: bool

    def values(self) -> dict[str, object]:
        """Return the values of the columns."""
        return {
            "audience": self.audience.value,
            "purpose": self.purpose,
            "mobile_index": self.mobile_index,
            "is_known_device": self.is_known_device,
        }


async def count_codes_of_number(
    uow: UnitOfWork, kind: CodeKind, *, now: datetime
) -> tuple[int, int]:
    """Return how many codes of a kind were made in the last hour and day."""
    row = await uow.fetch_one(_COUNT_OF_NUMBER, **kind.values(), **_periods(now))
    assert row is not None
    return row.of_hour, row.of_day


async def count_codes_of_address(
    uow: UnitOfWork, index: bytes, *, now: datetime
) -> tuple[int, int]:
    """Return how many codes an address asked for in the last hour and day."""
    row = await uow.fetch_one(_COUNT_OF_ADDRESS, index=index, **_periods(now))
    assert row is not None
    return row.of_hour, row.of_day


def _periods(now: datetime) -> dict[str, datetime]:
    return {"hour": now - timedelta(hours=1), "day": now - timedelta(days=1)}


async def find_last_delivery(uow: UnitOfWork, kind: CodeKind) -> datetime | None:
    """Return when the last code of a kind was made that stands or was used, or None."""
    found: datetime | None = await uow.fetch_value(_LAST_DELIVERY, **kind.values())
    return found


async def void_codes(uow: UnitOfWork, kind: CodeKind, *, now: datetime) -> None:
    """Void the codes of a kind that could still be used."""
    await uow.execute(_VOID, **kind.values(), now=now, since=now - timedelta(hours=1))


async def void_code(uow: UnitOfWork, code_id: uuid.UUID, *, now: datetime) -> None:
    """Void one code unless it was used."""
    await uow.execute(
        "UPDATE identity.one_time_codes SET voided_at = :now "
        "WHERE id = :id AND used_at IS NULL AND voided_at IS NULL",
        id=code_id,
        now=now,
    )


async def insert_code(
    uow: UnitOfWork,
    kind: CodeKind,
    *,
    code_id: uuid.UUID,
    address_index: bytes,
    digest: bytes,
    session_id: uuid.UUID | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert a code by its digest."""
    await uow.execute(
        """
        INSERT INTO identity.one_time_codes (id, audience, purpose, mobile_index, is_known_device,
                                             address_index, digest, session_id, created_at,
                                             expires_at)
        VALUES (:id, :audience, :purpose, :mobile_index, :is_known_device, :address_index, :digest,
                :session_id, :now, :expires_at)
        """,
        id=code_id,
        **kind.values(),
        address_index=address_index,
        digest=digest,
        session_id=session_id,
        now=now,
        expires_at=expires_at,
    )


async def find_code(uow: UnitOfWork, code_id: uuid.UUID, *, is_locked: bool) -> Row[Any] | None:
    """Return a code's row, or None; locked if `is_locked`."""
    return await uow.fetch_one(f"{_FIND_CODE} FOR UPDATE" if is_locked else _FIND_CODE, id=code_id)


async def count_try(uow: UnitOfWork, code_id: uuid.UUID) -> None:
    """Count one try of a code, right or wrong."""
    await uow.execute(
        "UPDATE identity.one_time_codes SET tries = tries + 1 WHERE id = :id", id=code_id
    )


async def mark_code_used(uow: UnitOfWork, code_id: uuid.UUID, *, now: datetime) -> None:
    """Note that a code was used."""
    await uow.execute(
        "UPDATE identity.one_time_codes SET used_at = :now WHERE id = :id", id=code_id, now=now
    )


async def insert_step_up(
    uow: UnitOfWork,
    *,
    step_up_id: uuid.UUID,
    session_id: uuid.UUID,
    act: str,
    act_digest: bytes,
    factor: Factor,
    code_id: uuid.UUID | None,
    challenge_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Insert a step-up that waits for its proof."""
    await uow.execute(
        """
        INSERT INTO identity.step_ups (id, session_id, act, act_digest, factor, code_id,
                                       challenge_id, created_at, expires_at)
        VALUES (:id, :session_id, :act, :act_digest, :factor, :code_id, :challenge_id, :now,
                :expires_at)
        """,
        id=step_up_id,
        session_id=session_id,
        act=act,
        act_digest=act_digest,
        factor=factor.value,
        code_id=code_id,
        challenge_id=challenge_id,
        now=now,
        expires_at=now + timedelta(seconds=limits.STEP_UP_SECONDS),
    )


async def lock_step_up(
    uow: UnitOfWork, session_id: uuid.UUID, step_up_id: uuid.UUID
) -> Row[Any] | None:
    """Return a session's step-up, locked, or None."""
    return await uow.fetch_one(
        """
        SELECT id, act, act_digest, factor, code_id, challenge_id, expires_at, proved_at, used_at
          FROM identity.step_ups WHERE id = :id AND session_id = :session_id FOR UPDATE
        """,
        id=step_up_id,
        session_id=session_id,
    )


async def mark_proved(uow: UnitOfWork, step_up_id: uuid.UUID, *, now: datetime) -> None:
    """Note that a step-up was proved."""
    await uow.execute(
        "UPDATE identity.step_ups SET proved_at = :now WHERE id = :id", id=step_up_id, now=now
    )


async def mark_used(uow: UnitOfWork, step_up_id: uuid.UUID, *, now: datetime) -> None:
    """Note that a step-up served its act."""
    await uow.execute(
        "UPDATE identity.step_ups SET used_at = :now WHERE id = :id", id=step_up_id, now=now
    )


async def prune_old(uow: UnitOfWork, *, now: datetime, count: int) -> int:
    """Delete at most `count` rows of each kind that are over for long; returns the most."""
    before = now - timedelta(hours=limits.LOG_IN_KEEP_HOURS)
    most = 0
    for statement in _PRUNE:
        rows = await uow.execute(statement, before=before, count=count)
        most = max(most, len(rows))
    counted = await prune_counters(uow, before=before, on_day=business_day(before), count=count)
    return max(most, counted)


async def find_code_of_step_up(
    uow: UnitOfWork, session_id: uuid.UUID, step_up_id: uuid.UUID
) -> uuid.UUID | None:
    """Return the code that proves a session's step-up, or None if none does."""
    found: uuid.UUID | None = await uow.fetch_value(
        "SELECT code_id FROM identity.step_ups WHERE id = :id AND session_id = :session_id",
        id=step_up_id,
        session_id=session_id,
    )
    return found
