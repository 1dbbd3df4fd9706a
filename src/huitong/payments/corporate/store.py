"""Mandates, payees and instructions in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.corporate.rows import lock_name, minor_or_none, money_or_none
from huitong.payments.corporate.types import (
    Band,
    Instruction,
    InstructionKind,
    InstructionState,
    Mandate,
    Payee,
)

_ADD_MANDATE: Final = """
    INSERT INTO payments.corporate_mandates (id, merchant_id, currency, payment_max, day_max,
                                             total_max, set_at)
    VALUES (:id, :merchant_id, :currency, :payment_max, :day_max, :total_max, :set_at)
"""
_ADD_BAND: Final = """
    INSERT INTO payments.corporate_bands (mandate_id, amount_from, approvers)
    VALUES (:mandate_id, :amount_from, :approvers)
"""
_END_MANDATE: Final = """
    UPDATE payments.corporate_mandates SET ended_at = greatest(:now, set_at)
     WHERE merchant_id = :merchant_id AND ended_at IS NULL
"""
_MANDATE: Final = """
    SELECT id, merchant_id, currency, payment_max, day_max, total_max, set_at
      FROM payments.corporate_mandates WHERE merchant_id = :merchant_id AND ended_at IS NULL
"""
_BANDS: Final = """
    SELECT amount_from, approvers FROM payments.corporate_bands
     WHERE mandate_id = :mandate_id ORDER BY amount_from
"""
_ADD_PAYEE: Final = """
    INSERT INTO payments.corporate_payees (id, merchant_id, account_id, bank_code, name, number)
    VALUES (:id, :merchant_id, :account_id, :bank_code, :name, :number)
"""
_ADD: Final = """
    INSERT INTO payments.corporate_instructions (id, merchant_id, mandate_id, payee_id, kind,
        content, digest, amount, currency, approvers, state, made_by, made_at, expires_at)
    VALUES (:id, :merchant_id, :mandate_id, :payee_id, :kind, :content, :digest, :amount,
            :currency, :approvers, 'waiting', :made_by, :made_at, :expires_at)
"""
_INSTRUCTIONS: Final = """
    SELECT i.id, i.merchant_id, i.mandate_id, i.kind, i.content, i.amount, i.currency, i.approvers,
           i.state, i.made_by, i.made_at, i.expires_at, i.decided_at, i.rejected_by, i.order_id,
           p.id AS payee_id, p.account_id, p.bank_code,
           ARRAY(SELECT a.approved_by FROM payments.corporate_approvals a
                  WHERE a.instruction_id = i.id
                  ORDER BY a.approved_at, a.approved_by) AS approved_by
      FROM payments.corporate_instructions i JOIN payments.corporate_payees p ON p.id = i.payee_id
"""
_LIST: Final = f"""
    {_INSTRUCTIONS}
     WHERE i.merchant_id = :merchant_id AND (CAST(:before AS uuid) IS NULL OR i.id < :before)
       AND (CAST(:state AS text) IS NULL OR i.state = :state)
     ORDER BY i.id DESC LIMIT :count
"""
_APPROVE: Final = """
    INSERT INTO payments.corporate_approvals (instruction_id, made_by, approved_by, approved_at)
    VALUES (:id, :made_by, :approved_by, :now)
"""
_SET_STATE: Final = """
    UPDATE payments.corporate_instructions
       SET approved = :approved, state = :state, order_id = :order_id, rejected_by = :rejected_by,
           decided_at = CASE WHEN :state = 'waiting' THEN NULL ELSE greatest(:now, made_at) END
     WHERE id = :id
"""
_EXPIRE: Final = """
    UPDATE payments.corporate_instructions
       SET state = 'expired', decided_at = greatest(:now, made_at)
     WHERE id IN (SELECT id FROM payments.corporate_instructions
                   WHERE state = 'waiting' AND expires_at <= :now
                   ORDER BY expires_at LIMIT :count FOR UPDATE SKIP LOCKED)
    RETURNING id, merchant_id
"""


async def add_mandate(uow: UnitOfWork, mandate: Mandate) -> None:
    """End the mandate in force, if there is one, and put another in its place."""
    # Two that set one at the same moment would both find the one before.
    await lock_name(uow, f"corporate_mandate {mandate.merchant_id}")
    await uow.execute(_END_MANDATE, merchant_id=mandate.merchant_id, now=mandate.set_at)
    await uow.execute(
        _ADD_MANDATE,
        id=mandate.id,
        merchant_id=mandate.merchant_id,
        currency=mandate.payment_max.currency,
        payment_max=mandate.payment_max.minor,
        day_max=mandate.day_max.minor,
        total_max=minor_or_none(mandate.total_max),
        set_at=mandate.set_at,
    )
    for band in mandate.bands:
        await uow.execute(
            _ADD_BAND,
            mandate_id=mandate.id,
            amount_from=band.amount_from.minor,
            approvers=band.approvers,
        )


async def find_mandate(
    uow: UnitOfWork, merchant_id: uuid.UUID, *, is_kept: bool = False
) -> Mandate | None:
    """Return the mandate in force; if it is kept, it cannot end before this transaction has."""
    locking = "FOR SHARE" if is_kept else ""
    row = await uow.fetch_one(f"{_MANDATE} {locking}", merchant_id=merchant_id)
    if row is None:
        # One that was replaced while we waited for it: its successor is seen by the next statement.
        row = await uow.fetch_one(f"{_MANDATE} {locking}", merchant_id=merchant_id)
    if row is None:
        return None
    bands = await uow.execute(_BANDS, mandate_id=row.id)
    return Mandate(
        id=row.id,
        merchant_id=row.merchant_id,
        payment_max=Money(row.payment_max, row.currency),
        day_max=Money(row.day_max, row.currency),
        total_max=money_or_none(row.total_max, row.currency),
        bands=tuple(
            Band(amount_from=Money(band.amount_from, row.currency), approvers=band.approvers)
            for band in bands
        ),
        set_at=row.set_at,
    )


async def add_payee(
    uow: UnitOfWork, payee: Payee, name: bytes | None = None, number: bytes | None = None
) -> None:
    """Add a payee, with what is sealed of one at a bank."""
    await uow.execute(
        _ADD_PAYEE,
        id=payee.id,
        merchant_id=payee.merchant_id,
        account_id=payee.account_id,
        bank_code=payee.bank_code,
        name=name,
        number=number,
    )


async def find_sealed(uow: UnitOfWork, payee_id: uuid.UUID) -> tuple[bytes, bytes]:
    """Return the sealed name and number of a payee at a bank."""
    row = await uow.fetch_one(
        "SELECT name, number FROM payments.corporate_payees WHERE id = :id", id=payee_id
    )
    assert row is not None
    return bytes(row.name), bytes(row.number)


async def add_instruction(uow: UnitOfWork, instruction: Instruction) -> None:
    """Add an instruction that waits."""
    await uow.execute(
        _ADD,
        id=instruction.id,
        merchant_id=instruction.merchant_id,
        mandate_id=instruction.mandate_id,
        payee_id=instruction.payee.id,
        kind=instruction.kind.value,
        content=instruction.content,
        digest=instruction.digest,
        amount=instruction.amount.minor,
        currency=instruction.amount.currency,
        approvers=instruction.approvers,
        made_by=instruction.made_by,
        made_at=instruction.made_at,
        expires_at=instruction.expires_at,
    )


async def find_instruction(
    uow: UnitOfWork, instruction_id: uuid.UUID, *, is_locked: bool = False
) -> Instruction | None:
    """Return an instruction, locked if it is to be decided about."""
    if is_locked:
        # By itself, so that what is read afterwards is what stands once the lock is ours.
        await uow.execute(
            "SELECT id FROM payments.corporate_instructions WHERE id = :id FOR UPDATE",
            id=instruction_id,
        )
    row = await uow.fetch_one(f"{_INSTRUCTIONS} WHERE i.id = :id", id=instruction_id)
    return None if row is None else _instruction(row)


async def list_instructions(
    uow: UnitOfWork,
    merchant_id: uuid.UUID,
    *,
    state: InstructionState | None,
    before: uuid.UUID | None,
    count: int,
) -> list[Instruction]:
    """Return instructions of a business, newest first."""
    rows = await uow.execute(
        _LIST,
        merchant_id=merchant_id,
        before=before,
        state=None if state is None else state.value,
        count=count,
    )
    return [_instruction(row) for row in rows]


async def add_approval(
    uow: UnitOfWork, instruction: Instruction, approved_by: uuid.UUID, now: datetime
) -> None:
    """Write down that somebody has approved."""
    await uow.execute(
        _APPROVE,
        id=instruction.id,
        made_by=instruction.made_by,
        approved_by=approved_by,
        now=now,
    )


async def save_instruction(uow: UnitOfWork, instruction: Instruction, *, now: datetime) -> None:
    """Save what was decided about a locked instruction."""
    await uow.execute(
        _SET_STATE,
        id=instruction.id,
        approved=len(instruction.approved_by),
        state=instruction.state.value,
        order_id=instruction.order_id,
        rejected_by=instruction.rejected_by,
        now=now,
    )


async def expire(uow: UnitOfWork, now: datetime, count: int) -> Sequence[Row[Any]]:
    """End instructions whose time is over; returns their ids and businesses."""
    return await uow.execute(_EXPIRE, now=now, count=count)


def _instruction(row: Row[Any]) -> Instruction:
    return Instruction(
        id=row.id,
        merchant_id=row.merchant_id,
        mandate_id=row.mandate_id,
        payee=Payee(
            id=row.payee_id,
            merchant_id=row.merchant_id,
            account_id=row.account_id,
            bank_code=row.bank_code,
        ),
        kind=InstructionKind(row.kind),
        content=row.content,
        amount=Money(row.amount, row.currency),
        approvers=row.approvers,
        made_by=row.made_by,
        made_at=row.made_at,
        expires_at=row.expires_at,
        state=InstructionState(row.state),
        approved_by=tuple(row.approved_by),
        decided_at=row.decided_at,
        rejected_by=row.rejected_by,
        order_id=row.order_id,
    )
