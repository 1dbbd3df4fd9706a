"""Held profit shares in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.share_types import HeldShare
from huitong.payments.stop_types import StopAction, StopReason, StopState
from huitong.payments.types import ShareReceiver

_HELD: Final = """
    SELECT h.entry_id, h.order_id, h.merchant_account_id, h.currency, h.amount, h.receivers,
           h.description, h.action, h.state, h.reasons, h.held_at, h.due_at, h.outcome, h.ended_at,
           h.ended_by, h.note
      FROM payments.held_shares h
"""
_INSERT: Final = """
    INSERT INTO payments.held_shares (entry_id, order_id, merchant_account_id, currency, amount,
                                      receivers, description, action, reasons, held_at, due_at)
    VALUES (:entry_id, :order_id, :merchant_account_id, :currency, :amount,
            CAST(:receivers AS jsonb), :description, :action, CAST(:reasons AS jsonb), :held_at,
            :due_at)
        ON CONFLICT DO NOTHING
    RETURNING entry_id
"""
_END: Final = """
    UPDATE payments.held_shares
       SET state = :state, outcome = :outcome, ended_at = :now, ended_by = :ended_by, note = :note
     WHERE entry_id = :entry_id AND state = 'held'
 RETURNING entry_id
"""
# The order's lock is the one that whoever ends a held share takes, and a refund too.
_TAKE_DUE: Final = """
    SELECT h.entry_id, h.order_id
      FROM payments.held_shares h JOIN payments.orders o ON o.id = h.order_id
     WHERE h.state = 'held' AND h.due_at <= :now
     ORDER BY h.due_at LIMIT 1
       FOR UPDATE OF o SKIP LOCKED
"""


async def insert_held_share(uow: UnitOfWork, held: HeldShare) -> bool:
    """Write a sharing that was just held; False if its id is taken."""
    receivers = [{"account": r.account_id, "amount": r.amount.minor} for r in held.receivers]
    reasons = [{"zh": why.zh, "en": why.en} for why in held.reasons]
    row = await uow.fetch_one(
        _INSERT,
        entry_id=held.entry_id,
        order_id=held.order_id,
        merchant_account_id=held.merchant_account_id,
        currency=held.amount.currency,
        amount=held.amount.minor,
        receivers=msgspec.json.encode(receivers).decode(),
        description=held.description,
        action=held.action.value,
        reasons=msgspec.json.encode(reasons).decode(),
        held_at=held.held_at,
        due_at=held.due_at,
    )
    return row is not None


async def end_held_share(
    uow: UnitOfWork,
    entry_id: uuid.UUID,
    state: StopState,
    outcome: str,
    *,
    note: str | None = None,
    now: datetime,
) -> bool:
    """Write how a held share ended; False if it had ended before."""
    row = await uow.fetch_one(
        _END,
        entry_id=entry_id,
        state=state.value,
        outcome=outcome,
        ended_by=uow.caller.actor,
        note=note,
        now=now,
    )
    return row is not None


async def find_held_share(uow: UnitOfWork, entry_id: uuid.UUID) -> HeldShare | None:
    """Return a sharing that was held, or None."""
    row = await uow.fetch_one(f"{_HELD} WHERE h.entry_id = :id", id=entry_id)
    return None if row is None else _read(row)


async def list_held_of_order(uow: UnitOfWork, order_id: uuid.UUID) -> list[HeldShare]:
    """Return all sharings of a payment that were held, first first."""
    rows = await uow.execute(f"{_HELD} WHERE h.order_id = :id ORDER BY h.entry_id", id=order_id)
    return [_read(row) for row in rows]


async def list_waiting(uow: UnitOfWork, *, after_id: uuid.UUID, count: int) -> list[HeldShare]:
    """Return what is held, oldest first."""
    rows = await uow.execute(
        f"{_HELD} WHERE h.state = 'held' AND h.entry_id > :after ORDER BY h.entry_id LIMIT :count",
        after=after_id,
        count=count,
    )
    return [_read(row) for row in rows]


async def take_due(uow: UnitOfWork, *, now: datetime) -> uuid.UUID | None:
    """Return a held share whose time is over, its order locked; others' locks are left out."""
    row: Row[Any] | None = await uow.fetch_one(_TAKE_DUE, now=now)
    return None if row is None else row.entry_id


def total_held(held: Sequence[HeldShare], currency: str) -> Money:
    """Return what is still held of some."""
    return Money.total((each.amount for each in held if each.is_held), currency)


def _read(row: Row[Any]) -> HeldShare:
    return HeldShare(
        entry_id=row.entry_id,
        order_id=row.order_id,
        merchant_account_id=row.merchant_account_id,
        amount=Money(row.amount, row.currency),
        receivers=tuple(
            ShareReceiver(account_id=each["account"], amount=Money(each["amount"], row.currency))
            for each in row.receivers
        ),
        description=row.description,
        action=StopAction(row.action),
        state=StopState(row.state),
        reasons=tuple(StopReason(zh=each["zh"], en=each["en"]) for each in row.reasons),
        held_at=row.held_at,
        due_at=row.due_at,
        outcome=row.outcome,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        note=row.note,
    )
