"""Disputes, their steps and evidence in the database."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.merchants.dispute_types import (
    Act,
    Dispute,
    DisputeOutcome,
    DisputeReason,
    DisputeStep,
    Evidence,
    Origin,
    Stage,
    Turn,
)
from huitong.payments.merchants.types import ChargebackWatch

_COLUMNS: Final = """
    id, order_id, merchant_id, account_id, origin, reason, statement, channel_reference, currency,
    amount, stage, turn, due_at, outcome, is_charged, from_payable, from_reserve, from_owed, fee,
    steps, opened_at, closed_at
"""
_DISPUTES: Final = f"SELECT {_COLUMNS} FROM payments.disputes"  # noqa: S608 - our own text
_INSERT: Final = f"""
    INSERT INTO payments.disputes ({_COLUMNS})
    VALUES (:id, :order_id, :merchant_id, :account_id, :origin, :reason, :told,
            :channel_reference, :currency, :amount, :stage, :turn, :due_at, :outcome, :is_charged,
            :from_payable, :from_reserve, :from_owed, :fee, :steps, :opened_at, :closed_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""  # noqa: S608 - our own text
_SAVE: Final = """
    UPDATE payments.disputes
       SET stage = :stage, turn = :turn, due_at = :due_at, outcome = :outcome,
           is_charged = :is_charged, from_payable = :from_payable, from_reserve = :from_reserve,
           from_owed = :from_owed, fee = :fee, steps = :steps, closed_at = :closed_at
     WHERE id = :id
"""
_INSERT_STEP: Final = """
    INSERT INTO payments.dispute_steps (dispute_id, number, act, stage, outcome, due_at, entry_id,
                                        taken_at)
    VALUES (:dispute_id, :number, :act, :stage, :outcome, :due_at, :entry_id, :taken_at)
"""
_INSERT_EVIDENCE: Final = """
    INSERT INTO payments.dispute_evidence (id, dispute_id, name, media_type, size, digest, parts,
                                           added_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_EVIDENCE: Final = """
    SELECT id, dispute_id, name, media_type, size, digest, added_at
      FROM payments.dispute_evidence
"""
_CHARGED_IN_MONTH: Final = """
    SELECT d.merchant_id, min(d.account_id) AS account_id, count(*) AS chargebacks
      FROM payments.dispute_steps s JOIN payments.disputes d ON d.id = s.dispute_id
     WHERE s.entry_id IS NOT NULL AND s.stage = 'chargeback' AND s.taken_at >= :since
       AND s.taken_at < :until
       AND NOT EXISTS (SELECT FROM payments.dispute_steps e
                        WHERE e.dispute_id = s.dispute_id AND e.number < s.number
                          AND e.entry_id IS NOT NULL)
     GROUP BY d.merchant_id HAVING count(*) >= :count
"""
# Orders are made in order of time, so a month is a range of an index.
_PAID_IN_MONTH: Final = """
    SELECT count(*) FROM payments.orders
     WHERE payee_account_id = :account_id AND id >= :first AND id < :last
       AND status IN ('succeeded', 'partly_refunded', 'refunded')
"""
_WATCH: Final = """
    INSERT INTO payments.chargeback_watches AS w (merchant_id, month, payments, chargebacks,
                                                  noticed_at)
    VALUES (:merchant_id, :month, :payments, :chargebacks, :now)
        ON CONFLICT (merchant_id, month) DO UPDATE
           SET payments = excluded.payments, chargebacks = excluded.chargebacks
    RETURNING (xmax = 0) AS is_new
"""


async def insert_dispute(uow: UnitOfWork, dispute: Dispute) -> bool:
    """Write down a dispute; False if its id or reference is taken, or the order has an open one."""
    values = _values(dispute)
    # `statement` is what the unit of work calls the text that it runs.
    values["told"] = values.pop("statement")
    return await uow.fetch_one(_INSERT, **values) is not None


async def lock_dispute(uow: UnitOfWork, dispute_id: uuid.UUID) -> Dispute | None:
    """Return a dispute under lock; the caller holds the order's lock."""
    row = await uow.fetch_one(f"{_DISPUTES} WHERE id = :id FOR UPDATE", id=dispute_id)
    return None if row is None else _read(row)


async def find_dispute(uow: UnitOfWork, dispute_id: uuid.UUID) -> Dispute | None:
    """Return a dispute, or None."""
    row = await uow.fetch_one(f"{_DISPUTES} WHERE id = :id", id=dispute_id)
    return None if row is None else _read(row)


async def save_dispute(uow: UnitOfWork, dispute: Dispute) -> None:
    """Write how a dispute stands."""
    values = _values(dispute)
    del values["statement"]
    await uow.execute(_SAVE, **values)


async def list_disputes(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID | None,
    payer_account_id: int | None,
    before: uuid.UUID | None,
    limit: int,
) -> list[Dispute]:
    """Return disputes of a merchant, of a payer, or all, newest first."""
    rows = await uow.execute(
        f"""{_DISPUTES} d
             WHERE (CAST(:merchant_id AS uuid) IS NULL OR merchant_id = :merchant_id)
               AND (CAST(:payer AS bigint) IS NULL OR EXISTS (
                    SELECT FROM payments.orders o
                     WHERE o.id = d.order_id AND o.payer_account_id = :payer))
               AND (CAST(:before AS uuid) IS NULL OR id < :before)
             ORDER BY id DESC LIMIT :limit""",
        merchant_id=merchant_id,
        payer=payer_account_id,
        before=before,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def list_due(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Dispute]:
    """Return open disputes whose deadline has passed, longest ago first."""
    rows = await uow.execute(
        f"""{_DISPUTES} WHERE outcome IS NULL AND due_at <= :now ORDER BY due_at LIMIT :limit""",
        now=now,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def insert_step(uow: UnitOfWork, dispute_id: uuid.UUID, step: DisputeStep) -> None:
    """Write down what was done."""
    await uow.execute(_INSERT_STEP, dispute_id=dispute_id, **_values(step))


async def list_steps(uow: UnitOfWork, dispute_id: uuid.UUID) -> list[DisputeStep]:
    """Return what was done in a dispute, in order."""
    rows = await uow.execute(
        """SELECT number, act, stage, outcome, due_at, entry_id, taken_at
             FROM payments.dispute_steps WHERE dispute_id = :id ORDER BY number""",
        id=dispute_id,
    )
    return [
        DisputeStep(
            number=row.number,
            act=Act(row.act),
            stage=Stage(row.stage),
            outcome=_outcome(row.outcome),
            due_at=row.due_at,
            entry_id=row.entry_id,
            taken_at=row.taken_at,
        )
        for row in rows
    ]


async def insert_evidence(uow: UnitOfWork, evidence: Evidence, parts: Sequence[bytes]) -> None:
    """Write down a file with its sealed parts."""
    connection = await uow.driver()
    await connection.execute(
        _INSERT_EVIDENCE,
        evidence.id,
        evidence.dispute_id,
        evidence.name,
        evidence.media_type,
        evidence.size,
        evidence.digest,
        list(parts),
        evidence.added_at,
    )


async def list_evidence(uow: UnitOfWork, dispute_id: uuid.UUID) -> list[Evidence]:
    """Return the files of a dispute, first first."""
    rows = await uow.execute(f"{_EVIDENCE} WHERE dispute_id = :id ORDER BY id", id=dispute_id)
    return [Evidence(**row._asdict()) for row in rows]


async def read_parts(uow: UnitOfWork, evidence_id: uuid.UUID) -> list[bytes]:
    """Return the sealed parts of a file."""
    found: list[bytes] = await uow.fetch_value(
        "SELECT parts FROM payments.dispute_evidence WHERE id = :id", id=evidence_id
    )
    return found


async def list_charged(
    uow: UnitOfWork, *, since: datetime, until: datetime, count: int
) -> list[tuple[uuid.UUID, int, int]]:
    """Return merchants with at least `count` chargebacks in a time: id, account, how many."""
    rows = await uow.execute(_CHARGED_IN_MONTH, since=since, until=until, count=count)
    return [(row.merchant_id, row.account_id, row.chargebacks) for row in rows]


async def count_payments(
    uow: UnitOfWork, account_id: int, *, first: uuid.UUID, last: uuid.UUID
) -> int:
    """Return how many payments an account had in a range of identifiers."""
    found: int = await uow.fetch_value(
        _PAID_IN_MONTH, account_id=account_id, first=first, last=last
    )
    return found


async def save_watch(uow: UnitOfWork, watch: ChargebackWatch) -> bool:
    """Note a merchant that passed the ratio, or how far; True for the first time in its month."""
    row = await uow.fetch_one(
        _WATCH,
        merchant_id=watch.merchant_id,
        month=watch.month,
        payments=watch.payments,
        chargebacks=watch.chargebacks,
        now=watch.noticed_at,
    )
    assert row is not None
    return bool(row.is_new)


async def list_watches(uow: UnitOfWork, *, since: date, limit: int) -> list[ChargebackWatch]:
    """Return merchants that passed the ratio in months from `since` on, newest first."""
    rows = await uow.execute(
        """SELECT merchant_id, month, payments, chargebacks, noticed_at
             FROM payments.chargeback_watches WHERE month >= :since
            ORDER BY month DESC, noticed_at DESC LIMIT :limit""",
        since=since,
        limit=limit,
    )
    return [ChargebackWatch(**row._asdict()) for row in rows]


def _values(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _outcome(text: str | None) -> DisputeOutcome | None:
    return None if text is None else DisputeOutcome(text)


def _read(row: Row[Any]) -> Dispute:
    return Dispute(
        **{
            **row._asdict(),
            "origin": Origin(row.origin),
            "reason": DisputeReason(row.reason),
            "stage": Stage(row.stage),
            "turn": None if row.turn is None else Turn(row.turn),
            "outcome": _outcome(row.outcome),
        }
    )
