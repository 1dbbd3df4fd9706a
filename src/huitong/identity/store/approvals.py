"""Requests of staff and their decisions in the database."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.identity.staff_types import Approval, ApprovalState
from huitong.kernel.database.unit_of_work import UnitOfWork

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_APPROVALS: Final = """
    SELECT id, act, payload, digest, concerns, also_concerns, reason, requested_by, requested_at,
           expires_at, state, decided_by, decided_at, decision_reason, outcome
      FROM identity.approvals
"""


async def insert_approval(uow: UnitOfWork, approval: Approval) -> None:
    """Insert a request that nobody has decided."""
    people = sorted(approval.concerns)
    await uow.execute(
        """
        INSERT INTO identity.approvals (id, act, payload, digest, concerns, also_concerns, reason,
                                        requested_by, requested_at, expires_at)
        VALUES (:id, :act, :payload, :digest, :concerns, CAST(:also_concerns AS uuid[]), :reason,
                :requested_by, :requested_at, :expires_at)
        """,
        id=approval.id,
        act=approval.act,
        payload=approval.payload,
        digest=bytes.fromhex(approval.digest),
        concerns=people[0] if people else None,
        also_concerns=people[1:],
        reason=approval.reason,
        requested_by=approval.requested_by,
        requested_at=approval.requested_at,
        expires_at=approval.expires_at,
    )


async def find_approval(
    uow: UnitOfWork, approval_id: uuid.UUID, *, is_locked: bool = False
) -> Approval | None:
    """Return a request, held until the end if `is_locked`, or None."""
    lock = " FOR NO KEY UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_APPROVALS} WHERE id = :id{lock}", id=approval_id)
    return None if row is None else _read(row)


async def find_concerned(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, not_by: uuid.UUID, now: datetime
) -> frozenset[uuid.UUID]:
    """Return those of some people about whom somebody else than `not_by` asked for something."""
    rows = await uow.execute(
        "SELECT DISTINCT person FROM identity.approvals "
        "CROSS JOIN LATERAL unnest(concerns || also_concerns) AS person WHERE state = 'pending' "
        "AND expires_at > :now AND requested_by <> :not_by "
        "AND person = ANY(CAST(:people AS uuid[]))",
        people=list(people),
        not_by=not_by,
        now=now,
    )
    return frozenset(row.person for row in rows)


async def list_approvals(
    uow: UnitOfWork,
    *,
    staff_id: uuid.UUID,
    acts: Collection[str],
    is_all: bool,
    only_pending: bool,
    before_id: uuid.UUID | None,
    limit: int,
) -> list[Approval]:
    """Return a page, newest first, of a member's own requests and those of `acts`, or of all."""
    rows = await uow.execute(
        f"""
        {_APPROVALS}
         WHERE id < :before_id AND (:is_all OR requested_by = :staff_id
               OR act = ANY(CAST(:acts AS text[])))
           AND (NOT :only_pending OR state = 'pending')
         ORDER BY id DESC LIMIT :limit
        """,
        before_id=before_id or _AFTER_ALL_IDS,
        staff_id=staff_id,
        acts=sorted(acts),
        is_all=is_all,
        only_pending=only_pending,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def decide(
    uow: UnitOfWork,
    approval_id: uuid.UUID,
    *,
    state: ApprovalState,
    decided_by: uuid.UUID,
    reason: str,
    now: datetime,
    outcome: Mapping[str, str] | None,
) -> None:
    """Set the decision, for good."""
    await uow.execute(
        """
        UPDATE identity.approvals
           SET state = :state, decided_by = :decided_by, decided_at = :now,
               decision_reason = :reason, outcome = CAST(:outcome AS jsonb)
         WHERE id = :id
        """,
        id=approval_id,
        state=state.value,
        decided_by=decided_by,
        reason=reason,
        now=now,
        outcome=None if outcome is None else msgspec.json.encode(outcome).decode(),
    )


def _read(row: Row[Any]) -> Approval:
    return Approval(
        id=row.id,
        act=row.act,
        payload=row.payload,
        digest=bytes(row.digest).hex(),
        concerns=frozenset(row.also_concerns).union([row.concerns] if row.concerns else ()),
        reason=row.reason,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        state=ApprovalState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        outcome=row.outcome,
    )
