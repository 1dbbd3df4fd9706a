"""Stopped payments in the database: insert with the batch, end, appeal, answer, find, list."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.stop_types import (
    StopAction,
    StopOutcome,
    StoppedPayment,
    StopReason,
    StopState,
)
from huitong.payments.types import OrderKind

_INSERT: Final = """
INSERT INTO payments.stopped_payments (id, kind, action, state, payer_account_id,
                                       payee_account_id, merchant_id, currency, amount, reasons,
                                       stopped_at, due_at)
SELECT n.id, n.kind, n.action, n.state, n.payer, n.payee, n.merchant_id, n.currency, n.amount,
       n.reasons::jsonb, n.stopped_at, n.due_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::uuid[],
              $7::char(3)[], $8::bigint[], $9::text[], $10::timestamptz[], $11::timestamptz[],
              $12::text[])
       AS n(id, action, state, payer, payee, merchant_id, currency, amount, reasons, stopped_at,
            due_at, kind)
"""
_STOPS: Final = """
    SELECT s.id, s.kind, s.action, s.state, s.payer_account_id, s.payee_account_id,
           s.merchant_id, s.currency, s.amount, s.reasons, s.stopped_at, s.due_at, s.outcome,
           s.ended_at, s.ended_by, s.note, s.appeal, s.appealed_at, s.answer,
           s.answered_at, s.answered_by
      FROM payments.stopped_payments s
"""
# The order's lock is the one that whoever ends a held payment takes. Its status is looked at again
# under the lock, which the other table's row is not: so nothing that has just ended comes along.
_TAKE_DUE: Final = f"""
    {_STOPS}
      JOIN payments.orders o ON o.id = s.id
     WHERE s.state = 'held' AND s.due_at <= :now AND o.status = 'held'
     ORDER BY s.due_at
     LIMIT :count
       FOR UPDATE OF o SKIP LOCKED
"""
_END: Final = """
    UPDATE payments.stopped_payments s
       SET state = n.state, outcome = n.outcome, ended_at = :now, ended_by = :ended_by,
           note = :note,
           answered_at = CASE WHEN n.is_answer AND s.appealed_at IS NOT NULL
                              THEN coalesce(s.answered_at, :now) ELSE s.answered_at END,
           answered_by = CASE WHEN n.is_answer AND s.appealed_at IS NOT NULL
                              THEN coalesce(s.answered_by, :ended_by) ELSE s.answered_by END
      FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:outcomes AS text[]),
                  CAST(:answers AS boolean[])) AS n(id, state, outcome, is_answer)
     WHERE s.id = n.id AND s.state = 'held'
 RETURNING s.id
"""
_END_ORDERS: Final = """
    UPDATE payments.orders o
       SET status = n.status, fee = n.fee, transfer_id = n.transfer_id, completed_at = :now,
           failure_code = n.failure_code
      FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:fees AS bigint[]),
                  CAST(:transfer_ids AS uuid[]), CAST(:failure_codes AS text[]))
           AS n(id, status, fee, transfer_id, failure_code)
     WHERE o.id = n.id AND o.status = 'held'
 RETURNING o.id
"""
#: Endings after which nobody waits for a word on an appeal any more.
_ANSWERS: Final = frozenset(StopOutcome) - {StopOutcome.EXPIRED}
_FIND: Final = f"{_STOPS} WHERE s.id = :id"
_LOCK: Final = f"{_FIND} FOR UPDATE"
_APPEAL: Final = """
    UPDATE payments.stopped_payments SET appeal = :appeal, appealed_at = :now WHERE id = :id
"""
_ANSWER: Final = """
    UPDATE payments.stopped_payments
       SET answer = :answer, answered_at = :now, answered_by = :answered_by
     WHERE id = :id
"""
_WAITING: Final = f"""
    {_STOPS}
     WHERE (s.state = 'held' OR (s.appealed_at IS NOT NULL AND s.answered_at IS NULL))
       AND s.id > :after_id
     ORDER BY s.id
     LIMIT :count
"""
_OF_PAYER: Final = f"""
    {_STOPS} WHERE s.payer_account_id = :account_id ORDER BY s.id DESC LIMIT :count
"""


def make_insert(stops: Sequence[StoppedPayment]) -> Statement:
    """Return the statement that writes payments that were just stopped."""
    return Statement(
        _INSERT,
        (
            [each.id for each in stops],
            [each.action.value for each in stops],
            [each.state.value for each in stops],
            [each.payer_account_id for each in stops],
            [each.payee_account_id for each in stops],
            [each.merchant_id for each in stops],
            [each.amount.currency for each in stops],
            [each.amount.minor for each in stops],
            [
                msgspec.json.encode([{"zh": why.zh, "en": why.en} for why in each.reasons]).decode()
                for each in stops
            ],
            [each.stopped_at for each in stops],
            [each.due_at for each in stops],
            [each.kind.value for each in stops],
        ),
    )


async def find_stop(
    uow: UnitOfWork, payment_id: uuid.UUID, *, for_update: bool = False
) -> StoppedPayment | None:
    """Return a stopped payment, locked if it is to be changed, or None."""
    row = await uow.fetch_one(_LOCK if for_update else _FIND, id=payment_id)
    return None if row is None else _read(row)


async def take_due(uow: UnitOfWork, *, now: datetime, count: int) -> list[StoppedPayment]:
    """Return held payments whose time is over, their orders locked; others' locks are left out."""
    return [_read(row) for row in await uow.execute(_TAKE_DUE, now=now, count=count)]


async def end_stops(
    uow: UnitOfWork,
    ends: Sequence[tuple[uuid.UUID, StopState, str]],
    *,
    note: str | None,
    now: datetime,
) -> int:
    """Write how held payments ended, by id; return how many were held until now."""
    rows = await uow.execute(
        _END,
        ids=[payment_id for payment_id, _, _ in ends],
        states=[state.value for _, state, _ in ends],
        outcomes=[outcome for _, _, outcome in ends],
        answers=[outcome in _ANSWERS for _, _, outcome in ends],
        note=note,
        ended_by=uow.caller.actor,
        now=now,
    )
    return len(rows)


async def end_orders(
    uow: UnitOfWork,
    ends: Sequence[tuple[uuid.UUID, str, int, uuid.UUID, str | None]],
    *,
    now: datetime,
) -> int:
    """Write id, status, fee, transfer and failure code of held orders that end; return how many."""
    columns = list(zip(*ends, strict=True))
    rows = await uow.execute(
        _END_ORDERS,
        ids=list(columns[0]),
        statuses=list(columns[1]),
        fees=list(columns[2]),
        transfer_ids=list(columns[3]),
        failure_codes=list(columns[4]),
        now=now,
    )
    return len(rows)


async def save_appeal(
    uow: UnitOfWork, payment_id: uuid.UUID, appeal: str, *, now: datetime
) -> None:
    """Keep what the payer says."""
    await uow.execute(_APPEAL, id=payment_id, appeal=appeal, now=now)


async def save_answer(
    uow: UnitOfWork, payment_id: uuid.UUID, answer: str, *, now: datetime
) -> None:
    """Keep what staff say to an appeal."""
    await uow.execute(_ANSWER, id=payment_id, answer=answer, answered_by=uow.caller.actor, now=now)


async def list_waiting(uow: UnitOfWork, *, after_id: uuid.UUID, count: int) -> list[StoppedPayment]:
    """Return what waits for people, oldest first: held ones, and appeals without an answer."""
    rows = await uow.execute(_WAITING, after_id=after_id, count=count)
    return [_read(row) for row in rows]


async def list_stops_of_payer(
    uow: UnitOfWork, account_id: int, *, count: int
) -> list[StoppedPayment]:
    """Return the newest stopped payments of an account."""
    rows = await uow.execute(_OF_PAYER, account_id=account_id, count=count)
    return [_read(row) for row in rows]


async def forget_appeals(uow: UnitOfWork, account_id: int) -> None:
    """Take away what a payer wrote, and what was answered to it."""
    await uow.execute(
        "UPDATE payments.stopped_payments SET appeal = NULL, answer = NULL "
        "WHERE payer_account_id = :id AND (appeal IS NOT NULL OR answer IS NOT NULL)",
        id=account_id,
    )


def _read(row: Row[Any]) -> StoppedPayment:
    return StoppedPayment(
        id=row.id,
        kind=OrderKind(row.kind),
        action=StopAction(row.action),
        state=StopState(row.state),
        payer_account_id=row.payer_account_id,
        payee_account_id=row.payee_account_id,
        merchant_id=row.merchant_id,
        amount=Money(row.amount, row.currency),
        reasons=tuple(StopReason(zh=each["zh"], en=each["en"]) for each in row.reasons),
        stopped_at=row.stopped_at,
        due_at=row.due_at,
        outcome=row.outcome,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        note=row.note,
        appeal=row.appeal,
        appealed_at=row.appealed_at,
        answer=row.answer,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
    )
