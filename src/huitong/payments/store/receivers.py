"""Accounts that stand for receivers of profit shares until they are settled: see `merchants`."""

import uuid
from collections.abc import Sequence
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork

_FIND: Final = """
    SELECT account_id, payout_account_id FROM payments.settled_accounts
     WHERE account_id = ANY(CAST(:ids AS bigint[])) AND merchant_id = :merchant_id
       AND role = 'receiver' AND closed_at IS NULL
"""


async def find_receivers(
    uow: UnitOfWork, account_ids: Sequence[int], *, merchant_id: uuid.UUID
) -> dict[int, int]:
    """Return the accounts that the merchant's receivers among these are settled to, by account."""
    rows = await uow.execute(_FIND, ids=list(account_ids), merchant_id=merchant_id)
    return {row.account_id: row.payout_account_id for row in rows}
