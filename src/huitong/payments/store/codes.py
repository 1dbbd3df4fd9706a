"""Codes in the database: those that merchants show, and digests of those that customers show."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.types import CodeKind, MerchantCode

_FIND: Final = """
    SELECT id, merchant_id, kind, order_id, payload, created_at
      FROM payments.merchant_codes
     WHERE id = :id
"""
_INSERT: Final = """
    INSERT INTO payments.merchant_codes (id, merchant_id, kind, order_id, payload, created_at)
    VALUES (:id, :merchant_id, :kind, :order_id, :payload, :created_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""
_INSERT_ISSUED: Final = """
    INSERT INTO payments.customer_codes (digest, customer_id, expires_at)
    VALUES (:digest, :customer_id, :expires_at)
"""
_LOCK_ISSUED: Final = """
    SELECT customer_id, expires_at, used_by
      FROM payments.customer_codes
     WHERE digest = :digest
       FOR UPDATE
"""
_USE_ISSUED: Final = """
    UPDATE payments.customer_codes SET used_by = :order_id
     WHERE digest = :digest AND used_by IS NULL
    RETURNING digest
"""
_PRUNE_ISSUED: Final = """
    WITH old AS (
        SELECT digest FROM payments.customer_codes
         WHERE expires_at < :before
         ORDER BY expires_at
         LIMIT :count
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM payments.customer_codes c USING old WHERE c.digest = old.digest RETURNING c.digest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A customer's one-time code, known by its digest only; `used_by` is the order it paid."""

    customer_id: uuid.UUID
    expires_at: datetime
    used_by: uuid.UUID | None


async def find_merchant_code(uow: UnitOfWork, code_id: uuid.UUID) -> MerchantCode | None:
    """Return a merchant's code, or None."""
    row = await uow.fetch_one(_FIND, id=code_id)
    if row is None:
        return None
    return MerchantCode(
        id=row.id,
        merchant_id=row.merchant_id,
        kind=CodeKind(row.kind),
        order_id=row.order_id,
        payload=row.payload,
        created_at=row.created_at,
    )


async def insert_merchant_code(uow: UnitOfWork, code: MerchantCode) -> bool:
    """Insert a merchant's code; False if its id is taken."""
    row = await uow.fetch_one(
        _INSERT,
        id=code.id,
        merchant_id=code.merchant_id,
        kind=code.kind.value,
        order_id=code.order_id,
        payload=code.payload,
        created_at=code.created_at,
    )
    return row is not None


async def insert_issued_code(
    uow: UnitOfWork, digest: bytes, customer_id: uuid.UUID, expires_at: datetime
) -> None:
    """Keep the digest of a code that was issued."""
    await uow.execute(_INSERT_ISSUED, digest=digest, customer_id=customer_id, expires_at=expires_at)


async def lock_issued_code(uow: UnitOfWork, digest: bytes) -> IssuedCode | None:
    """Return an issued code that nobody else can use before this transaction ends, or None."""
    row = await uow.fetch_one(_LOCK_ISSUED, digest=digest)
    return None if row is None else IssuedCode(**row._asdict())


async def use_issued_code(uow: UnitOfWork, digest: bytes, order_id: uuid.UUID) -> bool:
    """Mark a code as used by an order; False if another order has used it."""
    return (await uow.fetch_one(_USE_ISSUED, digest=digest, order_id=order_id)) is not None


async def prune_issued_codes(uow: UnitOfWork, before: datetime, count: int) -> int:
    """Delete codes that expired before an instant; return how many."""
    return len(await uow.execute(_PRUNE_ISSUED, before=before, count=count))
