"""One-time codes, passkeys, challenges and step-ups in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.types import Audience, Factor
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork

_COUNT_BY_NUMBER: Final = """
    SELECT count(*) FILTER (WHERE created_at > :hour) AS of_hour, count(*) AS of_day
      FROM identity.one_time_codes
     WHERE mobile_index = :index AND created_at > :day
"""
_COUNT_BY_ADDRESS: Final = """
    SELECT count(*) FILTER (WHERE created_at > :hour) AS of_hour, count(*) AS of_day
      FROM identity.one_time_codes
     WHERE address_index = :index AND created_at > :day
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


async def count_codes(
    uow: UnitOfWork, index: bytes, *, is_address: bool, now: datetime
) -> tuple[int, int]:
    """Return how many codes a number or an address asked for in the last hour and day."""
    row = await uow.fetch_one(
        _COUNT_BY_ADDRESS if is_address else _COUNT_BY_NUMBER,
        index=index,
        hour=now - timedelta(hours=1),
        day=now - timedelta(days=1),
    )
    assert row is not None
    return row.of_hour, row.of_day


async def find_last_delivery(uow: UnitOfWork, mobile_index: bytes) -> datetime | None:
    """Return when the last code was made for a number that stands or was used, or None."""
    found: datetime | None = await uow.fetch_value(
        "SELECT max(created_at) FROM identity.one_time_codes "
        "WHERE mobile_index = :index AND voided_at IS NULL",
        index=mobile_index,
    )
    return found


async def void_codes(
    uow: UnitOfWork, mobile_index: bytes, audience: Audience, purpose: str, *, now: datetime
) -> None:
    """Void the codes of a number and purpose that could still be used."""
    await uow.execute(
        """
        UPDATE identity.one_time_codes SET voided_at = :now
         WHERE mobile_index = :index AND audience = :audience AND purpose = :purpose
           AND created_at > :since AND used_at IS NULL AND voided_at IS NULL
        """,
        index=mobile_index,
        audience=audience.value,
        purpose=purpose,
        now=now,
        since=now - timedelta(hours=1),
    )


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
    *,
    code_id: uuid.UUID,
    audience: Audience,
    purpose: str,
    mobile_index: bytes,
    address_index: bytes,
    digest: bytes,
    session_id: uuid.UUID | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert a code by its digest."""
    await uow.execute(
        """
        INSERT INTO identity.one_time_codes (id, audience, purpose, mobile_index, address_index,
                                             digest, session_id, created_at, expires_at)
        VALUES (:id, :audience, :purpose, :mobile_index, :address_index, :digest, :session_id,
                :now, :expires_at)
        """,
        id=code_id,
        audience=audience.value,
        purpose=purpose,
        mobile_index=mobile_index,
        address_index=address_index,
        digest=digest,
        session_id=session_id,
        now=now,
        expires_at=expires_at,
    )


async def find_code(uow: UnitOfWork, code_id: uuid.UUID, *, is_locked: bool) -> Row[Any] | None:
    """Return a code's row, or None; locked if `is_locked`."""
    return await uow.fetch_one(f"{_FIND_CODE} FOR UPDATE" if is_locked else _FIND_CODE, id=code_id)


async def count_try(uow: UnitOfWork, code_id: uuid.UUID, *, used_at: datetime | None) -> None:
    """Count one try of a code, and note its use if the try was right."""
    await uow.execute(
        "UPDATE identity.one_time_codes SET tries = tries + 1, "
        "used_at = CAST(:used_at AS timestamptz) WHERE id = :id",
        id=code_id,
        used_at=used_at,
    )


async def insert_challenge(
    uow: UnitOfWork,
    *,
    challenge_id: uuid.UUID,
    purpose: str,
    audience: Audience,
    challenge: bytes,
    session_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Insert a challenge for an authenticator."""
    await uow.execute(
        """
        INSERT INTO identity.challenges (id, purpose, audience, challenge, session_id, created_at,
                                         expires_at)
        VALUES (:id, :purpose, :audience, :challenge, :session_id, :now, :expires_at)
        """,
        id=challenge_id,
        purpose=purpose,
        audience=audience.value,
        challenge=challenge,
        session_id=session_id,
        now=now,
        expires_at=now + timedelta(seconds=limits.CHALLENGE_SECONDS),
    )


async def take_challenge(
    uow: UnitOfWork,
    challenge_id: uuid.UUID,
    *,
    purpose: str,
    session_id: uuid.UUID | None,
    now: datetime,
) -> Row[Any] | None:
    """Use up a challenge and return its `challenge` and `audience`; None if it is not usable.

    Taken by whoever comes first, whether or not the signature then holds: a challenge is signed
    once.
    """
    return await uow.fetch_one(
        """
        UPDATE identity.challenges SET used_at = :now
         WHERE id = :id AND purpose = :purpose AND used_at IS NULL AND expires_at > :now
           AND session_id IS NOT DISTINCT FROM CAST(:session_id AS uuid)
        RETURNING challenge, audience
        """,
        id=challenge_id,
        purpose=purpose,
        session_id=session_id,
        now=now,
    )


async def insert_passkey(
    uow: UnitOfWork,
    *,
    passkey_id: uuid.UUID,
    login_id: uuid.UUID,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    aaguid: uuid.UUID,
    is_backed_up: bool,
    name_sealed: bytes | None,
    now: datetime,
) -> bool:
    """Insert a passkey; False if its credential is known already."""
    row = await uow.fetch_one(
        """
        INSERT INTO identity.passkeys (id, login_id, credential_id, public_key, sign_count, aaguid,
                                       is_backed_up, name_sealed, created_at)
        VALUES (:id, :login_id, :credential_id, :public_key, :sign_count, :aaguid, :is_backed_up,
                :name_sealed, :now)
            ON CONFLICT (credential_id) DO NOTHING
        RETURNING id
        """,
        id=passkey_id,
        login_id=login_id,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        aaguid=aaguid,
        is_backed_up=is_backed_up,
        name_sealed=name_sealed,
        now=now,
    )
    return row is not None


async def lock_passkey(uow: UnitOfWork, credential_id: bytes) -> Row[Any] | None:
    """Return a passkey that still opens something, locked, or None."""
    return await uow.fetch_one(
        """
        SELECT p.id, p.login_id, p.public_key, p.sign_count, l.audience, l.state
          FROM identity.passkeys p JOIN identity.logins l ON l.id = p.login_id
         WHERE p.credential_id = :credential_id AND p.revoked_at IS NULL
           AND p.suspected_at IS NULL
           FOR UPDATE OF p
        """,
        credential_id=credential_id,
    )


async def note_passkey_use(
    uow: UnitOfWork, passkey_id: uuid.UUID, *, sign_count: int, is_backed_up: bool, now: datetime
) -> None:
    """Record what an authenticator said of itself when it signed."""
    await uow.execute(
        "UPDATE identity.passkeys SET sign_count = :sign_count, is_backed_up = :is_backed_up, "
        "last_used_at = :now WHERE id = :id",
        id=passkey_id,
        sign_count=sign_count,
        is_backed_up=is_backed_up,
        now=now,
    )


async def suspect_passkey(uow: UnitOfWork, passkey_id: uuid.UUID, *, now: datetime) -> None:
    """Stop a passkey of which there may be a copy."""
    await uow.execute(
        "UPDATE identity.passkeys SET suspected_at = :now WHERE id = :id AND suspected_at IS NULL",
        id=passkey_id,
        now=now,
    )


async def list_passkeys(uow: UnitOfWork, login_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Return a login's passkeys that still open something, oldest first."""
    return await uow.execute(
        """
        SELECT id, credential_id, name_sealed, is_backed_up, created_at, last_used_at
          FROM identity.passkeys
         WHERE login_id = :login_id AND revoked_at IS NULL AND suspected_at IS NULL ORDER BY id
        """,
        login_id=login_id,
    )


async def revoke_passkey(
    uow: UnitOfWork, login_id: uuid.UUID, passkey_id: uuid.UUID, *, now: datetime
) -> bool:
    """Revoke a login's passkey; False if there is none that is not revoked."""
    row = await uow.fetch_one(
        "UPDATE identity.passkeys SET revoked_at = :now WHERE id = :id AND login_id = :login_id "
        "AND revoked_at IS NULL RETURNING id",
        id=passkey_id,
        login_id=login_id,
        now=now,
    )
    return row is not None


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
    return most


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
