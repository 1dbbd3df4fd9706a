"""The audit trail: who did what to which thing, when, and through which request.

Append-only: the database refuses changes from everybody, the application's own role included. A
record is written in the transaction of the deed, so that neither is ever there without the other.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_LIST_ALL: Final = """
    SELECT id, recorded_at, actor, action, subject, request_id, details
      FROM kernel.audit
     WHERE id < :before_id
     ORDER BY id DESC
     LIMIT :limit
"""
_LIST_OF_SUBJECT: Final = """
    SELECT id, recorded_at, actor, action, subject, request_id, details
      FROM kernel.audit
     WHERE subject = :subject AND id < :before_id
     ORDER BY id DESC
     LIMIT :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One deed, as it was recorded; `details` holds what JSON can carry."""

    id: uuid.UUID
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    request_id: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


async def record(
    uow: UnitOfWork,
    *,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> uuid.UUID:
    """Record that the unit of work's caller did `action` to `subject`; return the record's id.

    `action` is a verb in the form `room.verb_thing` (`identity.revoke_api_key`), `subject` the
    public id of the thing. `details` may hold anything that msgspec writes as JSON: amounts, ids
    and instants, but no secrets, and nothing that must be deleted some day.
    """
    if not 1 <= len(action) <= limits.AUDIT_ACTION_LENGTH_MAX:
        raise ValueError(f"An action has 1 to {limits.AUDIT_ACTION_LENGTH_MAX} characters")
    if len(subject) > limits.AUDIT_SUBJECT_LENGTH_MAX:
        raise ValueError(f"A subject has at most {limits.AUDIT_SUBJECT_LENGTH_MAX} characters")
    encoded = msgspec.json.encode({} if details is None else details)
    if len(encoded) > limits.AUDIT_DETAILS_BYTES_MAX:
        raise ValueError(f"Details have at most {limits.AUDIT_DETAILS_BYTES_MAX} bytes")
    identifier = uuid7()
    await uow.execute(
        """
        INSERT INTO kernel.audit (id, actor, action, subject, request_id, details)
        VALUES (:id, :actor, :action, :subject, :request_id, CAST(:details AS jsonb))
        """,
        id=identifier,
        actor=uow.caller.actor,
        action=action,
        subject=subject,
        request_id=uow.caller.request_id,
        details=encoded.decode(),
    )
    return identifier


async def list_records(
    uow: UnitOfWork,
    *,
    subject: str | None = None,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[AuditRecord, ...]:
    """Return a page of records, newest first, of one subject or of all.

    The next page starts before the last record's id. Raises InvalidField for a limit outside
    1 to `limits.PAGE_SIZE_MAX`.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    before_id = _AFTER_ALL_IDS if before_id is None else before_id
    if subject is None:
        rows = await uow.execute(_LIST_ALL, before_id=before_id, limit=limit)
    else:
        rows = await uow.execute(
            _LIST_OF_SUBJECT, subject=subject, before_id=before_id, limit=limit
        )
    return tuple(_read_record(row) for row in rows)


def _read_record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        recorded_at=row.recorded_at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        request_id=row.request_id,
        details=row.details,
    )
