"""Reserving profit shares that risk holds, and giving them back, under their order's lock."""

import uuid
from datetime import datetime
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import ENTRY, show_id
from huitong.payments.commands import moving
from huitong.payments.errors import IdReused
from huitong.payments.share_postings import free_shares_entry, hold_shares_entry
from huitong.payments.share_types import HeldShare
from huitong.payments.stop_types import StopState
from huitong.payments.store import held_shares as store

#: A refund of the payment came first.
REFUNDED: Final = "refunded"


async def hold_shares(uow: UnitOfWork, held: HeldShare, *, now: datetime) -> None:
    """Reserve what a merchant would pass on; raises IdReused, and what the ledger refuses."""
    if not await store.insert_held_share(uow, held):
        shown = show_id(ENTRY, held.entry_id)
        raise IdReused(f"{shown} shared something else", field="id", context={"id": shown})
    entry = hold_shares_entry(
        entry_id=held.entry_id,
        merchant_account_id=held.merchant_account_id,
        receivers=[(each.account_id, each.amount) for each in held.receivers],
        effective_on=business_day(now),
    )
    fields = {
        each.account_id: f"receivers.{place}.account" for place, each in enumerate(held.receivers)
    }
    await moving.post_entry(
        uow, entry, fields={**fields, held.merchant_account_id: "merchant"}, now=now
    )
    await audit.record(
        uow,
        action="payments.hold_share",
        subject=show_id(ENTRY, held.entry_id),
        details={"amount": held.amount.to_json(), "asked_for": held.action.value},
    )


async def free_shares(
    uow: UnitOfWork, held: HeldShare, outcome: str, *, note: str | None = None, now: datetime
) -> None:
    """Give a held share back to its merchant, once."""
    entry = free_shares_entry(
        entry_id=held.entry_id, count=len(held.receivers), effective_on=business_day(now)
    )
    await moving.post_entry(uow, entry, now=now)
    is_ended = await store.end_held_share(
        uow, held.entry_id, StopState.GIVEN_BACK, outcome, note=note, now=now
    )
    assert is_ended, "a held share ends under its order's lock"


async def free_for_refund(uow: UnitOfWork, order_id: uuid.UUID, *, now: datetime) -> None:
    """Give back what is held of a payment that is refunded: the payer goes first."""
    for held in await store.list_held_of_order(uow, order_id):
        if held.is_held:
            await free_shares(uow, held, REFUNDED, now=now)
