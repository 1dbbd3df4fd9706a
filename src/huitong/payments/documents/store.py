"""Receipts in the database: all SQL of this sub-room."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork

_INSERT: Final = """
    INSERT INTO payments.receipts (number, account_id, transfer_id, owner_id, key_number,
                                   content_sealed)
    VALUES (:number, :account_id, :transfer_id, :owner_id, :key_number, :content)
        ON CONFLICT DO NOTHING
    RETURNING number
"""
_FIND: Final = """
    SELECT number, account_id, transfer_id, owner_id, key_number, content_sealed
      FROM payments.receipts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """A receipt as it lies in the database: what it says is sealed with its owner's key."""

    number: str
    account_id: int
    transfer_id: uuid.UUID
    owner_id: uuid.UUID
    key_number: int
    content: bytes


async def add_receipt(uow: UnitOfWork, receipt: StoredReceipt) -> bool:
    """Insert a receipt; False if there is one already, or its number is another one's."""
    row = await uow.fetch_one(
        _INSERT,
        number=receipt.number,
        account_id=receipt.account_id,
        transfer_id=receipt.transfer_id,
        owner_id=receipt.owner_id,
        key_number=receipt.key_number,
        content=receipt.content,
    )
    return row is not None


async def find_receipt(
    uow: UnitOfWork, account_id: int, transfer_id: uuid.UUID
) -> StoredReceipt | None:
    """Return the receipt of a transfer for one of its accounts, or None."""
    row = await uow.fetch_one(
        f"{_FIND} WHERE account_id = :account_id AND transfer_id = :transfer_id",
        account_id=account_id,
        transfer_id=transfer_id,
    )
    return None if row is None else _read(row)


async def find_receipt_by_number(uow: UnitOfWork, number: str) -> StoredReceipt | None:
    """Return a receipt by its number, or None."""
    row = await uow.fetch_one(f"{_FIND} WHERE number = :number", number=number)
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> StoredReceipt:
    return StoredReceipt(
        number=row.number,
        account_id=row.account_id,
        transfer_id=row.transfer_id,
        owner_id=row.owner_id,
        key_number=row.key_number,
        content=bytes(row.content_sealed),
    )
