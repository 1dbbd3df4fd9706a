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
# The last of as many records as are looked through comes along, so that the next page goes on
# behind it.
_SEARCH: Final = """
    WITH searched AS MATERIALIZED (
        SELECT id, recorded_at, actor, action, subject, request_id, details,
               row_number() OVER (ORDER BY id DESC) = :searched AS is_end
          FROM (SELECT * FROM kernel.audit
                 WHERE id < :before_id
                   AND (CAST(:subject AS text) IS NULL OR subject = :subject)
                   AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= :since)
                   AND (CAST(:until AS timestamptz) IS NULL OR recorded_at < :until)
                 ORDER BY id DESC
                 LIMIT :searched) AS newest
    ), found AS (
        SELECT id FROM searched
         WHERE (CAST(:actor AS text) IS NULL OR actor = :actor)
           AND (CAST(:action AS text) IS NULL OR starts_with(action, :action))
         ORDER BY id DESC
         LIMIT :limit
    )
    SELECT s.*, f.id IS NOT NULL AS is_found
      FROM searched s LEFT JOIN found f USING (id)
     WHERE f.id IS NOT NULL OR s.is_end
     ORDER BY s.id DESC
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """Which records are looked for; what is None lets everything pass.

    `action` is how actions begin (`identity.` finds all of the room), the period is half-open.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


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


async def search_records(
    uow: UnitOfWork,
    asked: AuditSearch,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[tuple[AuditRecord, ...], uuid.UUID | None]:
    """Return a page of the records that are looked for, newest first, and where the next begins.

    A page looks through AUDIT_SEARCH_ROWS_MAX records at most, so it may be short, or empty, and
    not the last. Raises InvalidField for a bad limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    rows = await uow.execute(
        _SEARCH,
        before_id=before_id or _AFTER_ALL_IDS,
        searched=limits.AUDIT_SEARCH_ROWS_MAX,
        limit=limit,
        actor=asked.actor,
        action=asked.action,
        subject=asked.subject,
        since=asked.since,
        until=asked.until,
    )
    records = tuple(_read_record(row) for row in rows if row.is_found)
    if len(records) == limit:
        return records, records[-1].id
    ended = [row.id for row in rows if row.is_end]
    return records, ended[0] if ended else None


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
