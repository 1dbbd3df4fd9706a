"""What one can read of merchants: plans, terms, settled accounts, sheets and their lines."""

import uuid
from datetime import date

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import DISPUTE, MERCHANT, show_id
from huitong.payments.merchants import dispute_store, store, terms_store
from huitong.payments.merchants.dispute_types import Dispute, DisputeStep, Evidence
from huitong.payments.merchants.errors import (
    DisputeNotFound,
    FeePlanNotFound,
    SheetNotFound,
    TermsNotFound,
)
from huitong.payments.merchants.fees import PlanVersion
from huitong.payments.merchants.types import (
    ChargebackWatch,
    SettledAccount,
    Sheet,
    SheetLine,
    Terms,
)


async def list_settled_accounts(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[SettledAccount]:
    """Return a merchant's settled accounts: its own first, then its receivers'."""
    return await store.list_accounts(uow, merchant_id)


async def get_settled_account(uow: UnitOfWork, merchant_id: uuid.UUID) -> SettledAccount:
    """Return the merchant's own settled account; raises TermsNotFound before it has terms."""
    account = await store.find_merchant_account(uow, merchant_id)
    if account is None:
        raise TermsNotFound(f"{show_id(MERCHANT, merchant_id)} has no terms of settlement")
    return account


async def list_people(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the customers who act for a business: none of them decides on it as staff."""
    return await store.list_people(uow, merchant_id)


async def list_terms(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[Terms]:
    """Return all versions of a merchant's terms, first first; none before it is settled."""
    return await terms_store.list_terms(uow, merchant_id)


async def list_plans(uow: UnitOfWork) -> list[tuple[str, str, str, str]]:
    """Return code, Chinese and English name and currency of every fee plan, by code."""
    return await terms_store.list_plans(uow)


async def list_plan_versions(uow: UnitOfWork, plan: str) -> list[PlanVersion]:
    """Return all versions of a fee plan, first first; raises FeePlanNotFound."""
    versions = await terms_store.list_versions(uow, plan)
    if not versions:
        raise FeePlanNotFound(f"there is no fee plan {plan}")
    return versions


async def get_sheet(uow: UnitOfWork, sheet_id: uuid.UUID) -> Sheet:
    """Return a settlement sheet; raises SheetNotFound."""
    sheet = await store.find_sheet(uow, sheet_id)
    if sheet is None:
        raise SheetNotFound("there is no such settlement sheet")
    return sheet


async def list_sheets(
    uow: UnitOfWork,
    merchant_id: uuid.UUID | None = None,
    *,
    before: uuid.UUID | None = None,
    limit: int,
) -> list[Sheet]:
    """Return sheets of a merchant and its receivers, or of all, newest first."""
    return await store.list_sheets(uow, merchant_id, before=before, limit=limit)


async def list_sheet_lines(
    uow: UnitOfWork, sheet_id: uuid.UUID, *, after: int = 0, limit: int
) -> list[SheetLine]:
    """Return lines of a sheet with a number above `after`, in order."""
    return await store.list_lines(uow, sheet_id, after=after, limit=limit)


async def get_dispute(uow: UnitOfWork, dispute_id: uuid.UUID) -> Dispute:
    """Return a dispute; raises DisputeNotFound."""
    dispute = await dispute_store.find_dispute(uow, dispute_id)
    if dispute is None:
        raise DisputeNotFound(f"there is no dispute {show_id(DISPUTE, dispute_id)}")
    return dispute


async def list_disputes(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID | None = None,
    payer_account_id: int | None = None,
    before: uuid.UUID | None = None,
    limit: int,
) -> list[Dispute]:
    """Return disputes of a merchant, of a payer, or all, newest first."""
    return await dispute_store.list_disputes(
        uow,
        merchant_id=merchant_id,
        payer_account_id=payer_account_id,
        before=before,
        limit=limit,
    )


async def list_dispute_steps(uow: UnitOfWork, dispute_id: uuid.UUID) -> list[DisputeStep]:
    """Return what was done in a dispute, in order."""
    return await dispute_store.list_steps(uow, dispute_id)


async def list_dispute_evidence(uow: UnitOfWork, dispute_id: uuid.UUID) -> list[Evidence]:
    """Return the files that were handed in, first first, without their content."""
    return await dispute_store.list_evidence(uow, dispute_id)


async def list_chargeback_watches(
    uow: UnitOfWork, *, since: date, limit: int
) -> list[ChargebackWatch]:
    """Return merchants whose chargebacks of a month from `since` on were too many, newest first."""
    return await dispute_store.list_watches(uow, since=since, limit=limit)
