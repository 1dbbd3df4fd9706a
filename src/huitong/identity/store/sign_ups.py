"""Sign-ups in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.types import SignUp
from huitong.kernel.database.unit_of_work import UnitOfWork

_SIGN_UPS: Final = """
    SELECT id, mobile_index, state = 'open' AS is_open, proved_at, expires_at
      FROM identity.sign_ups
"""
# Of two proofs of one number at once, the second waits here and takes over what the first made.
_PUT: Final = """
    INSERT INTO identity.sign_ups AS s (id, mobile_index, digest, started_at, proved_at, expires_at)
    VALUES (:id, :mobile_index, :digest, :now, :now, :expires_at)
        ON CONFLICT (mobile_index) WHERE state = 'open'
        DO UPDATE SET digest = excluded.digest, proved_at = excluded.proved_at,
                      expires_at = excluded.expires_at
    RETURNING id, mobile_index, state = 'open' AS is_open, proved_at, expires_at
"""

_EXCHANGE: Final = """
    UPDATE identity.sign_ups SET exchanged_at = :now
     WHERE digest = :digest AND exchanged_at IS NULL AND state = 'completed' AND expires_at > :now
    RETURNING id, mobile_index, false AS is_open, proved_at, expires_at
"""


async def lock_open_sign_up(uow: UnitOfWork, mobile_index: bytes) -> SignUp | None:
    """Return a number's open sign-up, which nobody else closes meanwhile, or None."""
    return _one(
        await uow.fetch_one(
            f"{_SIGN_UPS} WHERE mobile_index = :index AND state = 'open' FOR UPDATE",
            index=mobile_index,
        )
    )


async def put_sign_up(
    uow: UnitOfWork,
    *,
    new_id: uuid.UUID,
    mobile_index: bytes,
    digest: bytes,
    now: datetime,
    expires_at: datetime,
) -> SignUp:
    """Open a number's sign-up, or give the open one a new token; returns it."""
    found = _one(
        await uow.fetch_one(
            _PUT,
            id=new_id,
            mobile_index=mobile_index,
            digest=digest,
            now=now,
            expires_at=expires_at,
        )
    )
    assert found is not None, "it was inserted or updated"
    return found


async def find_sign_up(uow: UnitOfWork, sign_up_id: uuid.UUID) -> SignUp | None:
    """Return a sign-up, or None."""
    return _one(await uow.fetch_one(f"{_SIGN_UPS} WHERE id = :id", id=sign_up_id))


async def lock_sign_up(uow: UnitOfWork, sign_up_id: uuid.UUID) -> SignUp | None:
    """Return a sign-up that nobody else changes until the transaction ends, or None."""
    return _one(await uow.fetch_one(f"{_SIGN_UPS} WHERE id = :id FOR UPDATE", id=sign_up_id))


async def find_sign_up_by_digest(uow: UnitOfWork, digest: bytes) -> SignUp | None:
    """Return the sign-up of a token's digest that was not exchanged yet, or None."""
    return _one(
        await uow.fetch_one(
            f"{_SIGN_UPS} WHERE digest = :digest AND exchanged_at IS NULL", digest=digest
        )
    )


async def exchange_sign_up(uow: UnitOfWork, digest: bytes, *, now: datetime) -> SignUp | None:
    """Use up the token of a completed sign-up; None if there is nothing to use up."""
    return _one(await uow.fetch_one(_EXCHANGE, digest=digest, now=now))


async def close_sign_up(
    uow: UnitOfWork, sign_up_id: uuid.UUID, *, state: str, now: datetime
) -> None:
    """Close a sign-up: `completed` or `ended`."""
    await uow.execute(
        "UPDATE identity.sign_ups SET state = :state, closed_at = :now WHERE id = :id",
        id=sign_up_id,
        state=state,
        now=now,
    )


def _one(row: Row[Any] | None) -> SignUp | None:
    if row is None:
        return None
    return SignUp(
        id=row.id,
        mobile_index=bytes(row.mobile_index),
        is_open=row.is_open,
        proved_at=row.proved_at,
        expires_at=row.expires_at,
    )
