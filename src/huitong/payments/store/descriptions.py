"""What people wrote to payments and refunds, by the transfers that moved the money."""

import uuid
from collections.abc import Sequence
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork

# An order that is paid at once, and a refund, has the identifier of its transfer.
_FIND: Final = """
    SELECT id, description FROM payments.orders
     WHERE id = ANY(CAST(:ids AS uuid[])) AND description IS NOT NULL
     UNION ALL
    SELECT id, reason FROM payments.refunds
     WHERE id = ANY(CAST(:ids AS uuid[])) AND reason IS NOT NULL
"""


async def find_descriptions(
    uow: UnitOfWork, transfer_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the description of each payment, and the reason of each refund, that has one."""
    rows = await uow.execute(_FIND, ids=list(transfer_ids))
    return {row.id: row.description for row in rows}
