"""What a refund takes from elsewhere when the merchant's balance is not enough for it.

By the merchant's fee plan out of its reserve first, and then as a debt that the next settlements
recover. Reserve and debt are read under the settled account's lock, which a settlement and a
chargeback take too; the balance may move meanwhile, so the posting decides.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import AccountState, TransferCode, get_balances
from huitong.payments.store import refund_covers as store
from huitong.payments.store.refund_covers import CoverTerms

__all__ = ["Cover", "CoverTerms", "find_cover", "lock_cover_terms", "save_cover"]

lock_cover_terms = store.lock_cover_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What a refund takes from where: tranches of the reserve with amounts, and a debt."""

    terms: CoverTerms
    used: Mapping[int, int]
    from_owed: int

    @property
    def from_reserve(self) -> int:
        """What comes out of the reserve, in minor units."""
        return sum(self.used.values())

    @property
    def parts(self) -> list[tuple[int, int, TransferCode]]:
        """The movements to the merchant's account: from where, how much, and what it is."""
        found = [
            (self.terms.reserve_account_id, self.from_reserve, TransferCode.REFUND_FROM_RESERVE),
            (self.terms.owed_account_id, self.from_owed, TransferCode.REFUND_ADVANCED),
        ]
        return [part for part in found if part[1] > 0]


async def find_cover(uow: UnitOfWork, terms: CoverTerms, *, needed: int) -> Cover | None:
    """Return what covers a refund that needs `needed` minor units of the merchant's own.

    The balance comes first, then the reserve (if the plan says so), then a debt, as far as all
    that is owed stays within the plan. None if that is not enough, or the account is not open.
    Worked: 100 needed, 30 there, 50 in reserve: 20 are owed.
    """
    balances = await get_balances(uow, [terms.account_id, terms.owed_account_id])
    payable, owed = balances[terms.account_id], balances[terms.owed_account_id]
    if payable.state is not AccountState.OPEN:
        return None
    lacking = max(0, needed - max(0, payable.available.minor))
    used: dict[int, int] = {}
    if terms.draws_reserve:
        for tranche_id, remaining in await store.list_kept(uow, terms.account_id):
            part = min(remaining, lacking)
            if part > 0:
                used[tranche_id] = part
                lacking -= part
    if lacking > 0 and owed.posted.minor + lacking > terms.debt_max:
        return None
    return Cover(terms=terms, used=used, from_owed=lacking)


async def save_cover(uow: UnitOfWork, cover: Cover, refund_id: uuid.UUID) -> None:
    """Write down what a refund took, if it took anything."""
    if cover.parts:
        await store.save_cover(
            uow,
            refund_id=refund_id,
            account_id=cover.terms.account_id,
            used=cover.used,
            from_owed=cover.from_owed,
        )
