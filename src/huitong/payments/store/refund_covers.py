"""What may cover a refund besides the merchant's balance, in the database: see `merchants`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork

# Of terms and of versions that have begun, the last one is in force.
_FIND: Final = """
    SELECT a.account_id, a.reserve_account_id, a.owed_account_id, v.refunds_draw_reserve,
           v.refund_debt_max
      FROM payments.settled_accounts a
     CROSS JOIN LATERAL (SELECT plan FROM payments.merchant_terms
                          WHERE merchant_id = a.merchant_id AND effective_from <= :on
                          ORDER BY version DESC LIMIT 1) t
     CROSS JOIN LATERAL (SELECT refunds_draw_reserve, refund_debt_max
                           FROM payments.fee_plan_versions
                          WHERE plan = t.plan AND effective_from <= :on
                          ORDER BY version DESC LIMIT 1) v
     WHERE a.account_id = :account_id AND a.role = 'merchant' AND a.closed_at IS NULL
       AND (v.refunds_draw_reserve OR v.refund_debt_max > 0)
       FOR UPDATE OF a
"""
_KEPT: Final = """
    SELECT id, remaining FROM payments.reserve_tranches
     WHERE account_id = :account_id AND remaining > 0 ORDER BY release_on, id
"""
_USE: Final = """
    UPDATE payments.reserve_tranches t SET remaining = t.remaining - n.amount
      FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS bigint[])) n(id, amount)
     WHERE t.id = n.id
"""
_INSERT: Final = """
    INSERT INTO payments.refund_covers (refund_id, account_id, from_reserve, from_owed)
    VALUES (:refund_id, :account_id, :from_reserve, :from_owed)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverTerms:
    """Where a merchant's refunds may draw on: accounts, and how far its debt may go."""

    account_id: int
    reserve_account_id: int
    owed_account_id: int
    draws_reserve: bool
    debt_max: int


async def lock_cover_terms(uow: UnitOfWork, account_id: int, *, on: date) -> CoverTerms | None:
    """Return what covers refunds of an account by its plan, under the settled account's lock.

    None without a lock if the account is not settled, or its plan lets refunds draw on nothing.
    """
    row = await uow.fetch_one(_FIND, account_id=account_id, on=on)
    if row is None:
        return None
    return CoverTerms(
        account_id=row.account_id,
        reserve_account_id=row.reserve_account_id,
        owed_account_id=row.owed_account_id,
        draws_reserve=row.refunds_draw_reserve,
        debt_max=row.refund_debt_max,
    )


async def list_kept(uow: UnitOfWork, account_id: int) -> list[tuple[int, int]]:
    """Return id and remaining amount of a reserve's tranches, what is released first first."""
    rows = await uow.execute(_KEPT, account_id=account_id)
    return [(row.id, row.remaining) for row in rows]


async def use_tranches(uow: UnitOfWork, used: Mapping[int, int]) -> None:
    """Take amounts out of tranches; the caller holds the settled account's lock."""
    if used:
        await uow.execute(_USE, ids=list(used), amounts=list(used.values()))


async def save_cover(
    uow: UnitOfWork,
    *,
    refund_id: uuid.UUID,
    account_id: int,
    used: Mapping[int, int],
    from_owed: int,
) -> None:
    """Write what a refund took, from which tranches, and what is owed for it."""
    await use_tranches(uow, used)
    await uow.execute(
        _INSERT,
        refund_id=refund_id,
        account_id=account_id,
        from_reserve=sum(used.values()),
        from_owed=from_owed,
    )
