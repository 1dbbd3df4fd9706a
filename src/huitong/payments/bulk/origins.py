"""Which line of which file a transfer paid: what a payee's papers say of it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.bulk.postings import line_ids

# A line's transfer keeps the upper half of the file's hold, and is filed by it.
_LINES: Final = """
    SELECT f.pay_id, f.payer_account_id, l.number, l.note
      FROM payments.bulk_files f
      JOIN payments.bulk_lines l ON l.file_id = f.id
     WHERE f.pay_id BETWEEN CAST(:first AS uuid) AND CAST(:last AS uuid)
       AND l.account_id = :account_id AND l.state <> 2 AND l.number < f.next_number
"""
_LOW_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """The account of the business that paid a line, and the line's note."""

    payer_account_id: int
    note: str


async def find_origins(
    uow: UnitOfWork, account_id: int, transfer_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Origin]:
    """Return the origins of transfers that paid an account as lines of files, of others nothing."""
    found: dict[uuid.UUID, Origin] = {}
    for half in sorted({each.int >> _LOW_BITS for each in transfer_ids}):
        rows = await uow.execute(
            _LINES,
            first=uuid.UUID(int=half << _LOW_BITS),
            last=uuid.UUID(int=((half + 1) << _LOW_BITS) - 1),
            account_id=account_id,
        )
        for row in rows:
            (paid_by,) = line_ids(row.pay_id, [row.number])
            if paid_by in transfer_ids:
                found[paid_by] = Origin(row.payer_account_id, row.note)
    return found
