"""Passkeys and the challenges that they sign, in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from huitong.identity.types import Audience, PasskeyHolder
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork


async def insert_challenge(
    uow: UnitOfWork,
    *,
    challenge_id: uuid.UUID,
    purpose: str,
    audience: Audience,
    challenge: bytes,
    holder: PasskeyHolder | None,
    address_index: bytes | None,
    now: datetime,
) -> None:
    """Insert a challenge for an authenticator, of a holder's session or of an address."""
    await uow.execute(
        """
        INSERT INTO identity.challenges (id, purpose, audience, challenge, session_id,
                                         staff_session_id, address_index, created_at, expires_at)
        VALUES (:id, :purpose, :audience, :challenge, :session_id, :staff_session_id,
                :address_index, :now, :expires_at)
        """,
        id=challenge_id,
        purpose=purpose,
        audience=audience.value,
        challenge=challenge,
        session_id=_session_of(holder, is_member_of_staff=False),
        staff_session_id=_session_of(holder, is_member_of_staff=True),
        address_index=address_index,
        now=now,
        expires_at=now + timedelta(seconds=limits.CHALLENGE_SECONDS),
    )


async def count_challenges(uow: UnitOfWork, address_index: bytes, *, now: datetime) -> int:
    """Return how many challenges an address asked for in the last hour."""
    counted: int = await uow.fetch_value(
        "SELECT count(*) FROM identity.challenges "
        "WHERE address_index = :index AND created_at > :since",
        index=address_index,
        since=now - timedelta(hours=1),
    )
    return counted


async def take_challenge(
    uow: UnitOfWork,
    challenge_id: uuid.UUID,
    *,
    purpose: str,
    holder: PasskeyHolder | None,
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
           AND staff_session_id IS NOT DISTINCT FROM CAST(:staff_session_id AS uuid)
        RETURNING challenge, audience
        """,
        id=challenge_id,
        purpose=purpose,
        session_id=_session_of(holder, is_member_of_staff=False),
        staff_session_id=_session_of(holder, is_member_of_staff=True),
        now=now,
    )


async def insert_passkey(
    uow: UnitOfWork,
    *,
    passkey_id: uuid.UUID,
    holder: PasskeyHolder,
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
        INSERT INTO identity.passkeys (id, login_id, staff_id, credential_id, public_key,
                                       sign_count, aaguid, is_backed_up, name_sealed, created_at)
        VALUES (:id, :login_id, :staff_id, :credential_id, :public_key, :sign_count, :aaguid,
                :is_backed_up, :name_sealed, :now)
            ON CONFLICT (credential_id) DO NOTHING
        RETURNING id
        """,
        id=passkey_id,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        aaguid=aaguid,
        is_backed_up=is_backed_up,
        name_sealed=name_sealed,
        now=now,
        **_owner_of(holder),
    )
    return row is not None


async def lock_passkey(
    uow: UnitOfWork, credential_id: bytes, *, is_member_of_staff: bool
) -> Row[Any] | None:
    """Return a passkey of a login, or of the staff, that still opens something; locked, or None."""
    return await uow.fetch_one(
        """
        SELECT p.id, coalesce(p.login_id, p.staff_id) AS holder_id, p.public_key, p.sign_count,
               coalesce(l.audience, 'staff') AS audience
          FROM identity.passkeys p LEFT JOIN identity.logins l ON l.id = p.login_id
         WHERE p.credential_id = :credential_id AND p.revoked_at IS NULL
           AND p.suspected_at IS NULL AND (p.staff_id IS NOT NULL) = :is_member_of_staff
           FOR UPDATE OF p
        """,
        credential_id=credential_id,
        is_member_of_staff=is_member_of_staff,
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


async def list_passkeys(uow: UnitOfWork, holder: PasskeyHolder) -> Sequence[Row[Any]]:
    """Return a holder's passkeys that still open something, oldest first."""
    return await uow.execute(
        """
        SELECT id, credential_id, name_sealed, is_backed_up, created_at, last_used_at
          FROM identity.passkeys
         WHERE (login_id = :login_id OR staff_id = :staff_id)
           AND revoked_at IS NULL AND suspected_at IS NULL
         ORDER BY id
        """,
        **_owner_of(holder),
    )


async def revoke_passkey(
    uow: UnitOfWork, holder: PasskeyHolder, passkey_id: uuid.UUID, *, now: datetime
) -> bool:
    """Revoke a holder's passkey; False if there is none that is not revoked."""
    row = await uow.fetch_one(
        """
        UPDATE identity.passkeys SET revoked_at = :now
         WHERE id = :id AND (login_id = :login_id OR staff_id = :staff_id)
           AND revoked_at IS NULL
        RETURNING id
        """,
        id=passkey_id,
        now=now,
        **_owner_of(holder),
    )
    return row is not None


async def revoke_staff_passkeys(uow: UnitOfWork, staff_id: uuid.UUID, *, now: datetime) -> int:
    """Revoke every passkey of a member of staff; returns how many this call revoked."""
    rows = await uow.execute(
        "UPDATE identity.passkeys SET revoked_at = :now WHERE staff_id = :staff_id "
        "AND revoked_at IS NULL RETURNING id",
        staff_id=staff_id,
        now=now,
    )
    return len(rows)


def _owner_of(holder: PasskeyHolder) -> dict[str, uuid.UUID | None]:
    """Return the two columns of an owner; the one that is None equals nothing."""
    return {
        "login_id": None if holder.is_member_of_staff else holder.id,
        "staff_id": holder.id if holder.is_member_of_staff else None,
    }


def _session_of(holder: PasskeyHolder | None, *, is_member_of_staff: bool) -> uuid.UUID | None:
    if holder is None or holder.is_member_of_staff is not is_member_of_staff:
        return None
    return holder.session_id
