"""All SQL of people's requests, copies and restrictions."""

import uuid
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy.records import (
    Export,
    RequestKind,
    RequestState,
    RequestStep,
    Restriction,
    SubjectRequest,
)

_REQUESTS: Final = """
    SELECT id, subject_id, kind, state, received_at, due_on, latest_on, attempts, closed_at
      FROM privacy.requests
"""
_INSERT_REQUEST: Final = """
    INSERT INTO privacy.requests (id, subject_id, kind, state, content, received_at, due_on,
                                  latest_on, try_at)
    VALUES (:id, :subject_id, :kind, :state, :content, :received_at, :due_on, :latest_on,
            :received_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""
_TAKE_NEXT: Final = """
    WITH next AS (
        SELECT id FROM privacy.requests
         WHERE state = 'approved' AND try_at <= :now AND attempts < :attempts_max
         ORDER BY try_at, id
         LIMIT 1
           FOR UPDATE SKIP LOCKED
    )
    UPDATE privacy.requests r
       SET attempts = attempts + 1,
           try_at = CAST(:now AS timestamptz) + make_interval(
               secs => least(CAST(:seconds_max AS float8),
                             CAST(:seconds_min AS float8) * power(2.0, attempts)))
      FROM next
     WHERE r.id = next.id
    RETURNING r.id
"""
_INSERT_STEP: Final = """
    INSERT INTO privacy.request_history (id, request_id, state, actor, reasons, recorded_at)
    VALUES (:id, :request_id, :state, :actor, CAST(:reasons AS text[]), :recorded_at)
"""
_EXPORTS: Final = """
    SELECT request_id, subject_id, digest, made_at, expires_at, downloaded_at FROM privacy.exports
"""
_RESTRICT: Final = """
    INSERT INTO privacy.restrictions (subject_id, request_id, data_classes, restricted_at, until_on)
    VALUES (:subject_id, :request_id, CAST(:data_classes AS text[]), :restricted_at, :until_on)
        ON CONFLICT (subject_id) DO UPDATE
       SET data_classes = excluded.data_classes, until_on = excluded.until_on
"""


async def insert_request(uow: UnitOfWork, request: SubjectRequest, content: bytes | None) -> bool:
    """Insert a request; False if the identifier is taken or one of its kind is open."""
    row = await uow.fetch_one(
        _INSERT_REQUEST,
        id=request.id,
        subject_id=request.subject_id,
        kind=request.kind.value,
        state=request.state.value,
        content=content,
        received_at=request.received_at,
        due_on=request.due_on,
        latest_on=request.latest_on,
    )
    return row is not None


async def find_request(
    uow: UnitOfWork, request_id: uuid.UUID, *, is_locked: bool = False
) -> SubjectRequest | None:
    """Return a request, locked until the transaction ends if asked for, or None."""
    lock = " FOR UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_REQUESTS} WHERE id = :id{lock}", id=request_id)
    return None if row is None else _read_request(row)


async def find_content(uow: UnitOfWork, request_id: uuid.UUID) -> bytes | None:
    """Return the sealed content of a request."""
    content: bytes | None = await uow.fetch_value(
        "SELECT content FROM privacy.requests WHERE id = :id", id=request_id
    )
    return content


async def list_open(
    uow: UnitOfWork, *, after: tuple[date, uuid.UUID] | None, limit: int
) -> tuple[SubjectRequest, ...]:
    """Return open requests, the first due first, after a day and identifier."""
    after_on, after_id = after or (date.min, uuid.UUID(int=0))
    rows = await uow.execute(
        f"{_REQUESTS} WHERE closed_at IS NULL AND (due_on, id) > (:after_on, :after_id) "
        "ORDER BY due_on, id LIMIT :limit",
        after_on=after_on,
        after_id=after_id,
        limit=limit,
    )
    return tuple(map(_read_request, rows))


async def list_of_subject(
    uow: UnitOfWork, subject_id: uuid.UUID, limit: int
) -> tuple[SubjectRequest, ...]:
    """Return a person's requests, newest first."""
    rows = await uow.execute(
        f"{_REQUESTS} WHERE subject_id = :subject_id ORDER BY id DESC LIMIT :limit",
        subject_id=subject_id,
        limit=limit,
    )
    return tuple(map(_read_request, rows))


async def count_other_open(uow: UnitOfWork, request: SubjectRequest) -> int:
    """Return how many other requests of the same person are open."""
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM privacy.requests "
        "WHERE subject_id = :subject_id AND closed_at IS NULL AND id <> :id",
        subject_id=request.subject_id,
        id=request.id,
    )
    return count


async def find_with_open(
    uow: UnitOfWork, subject_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Return those of some people who have an open request."""
    rows = await uow.execute(
        "SELECT DISTINCT subject_id FROM privacy.requests "
        "WHERE subject_id = ANY(CAST(:subject_ids AS uuid[])) AND closed_at IS NULL",
        subject_ids=list(subject_ids),
    )
    return frozenset(row.subject_id for row in rows)


async def has_done(uow: UnitOfWork, subject_id: uuid.UUID, kind: RequestKind) -> bool:
    """Say whether a request of this kind was ever carried out for a person."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM privacy.requests "
        "WHERE subject_id = :subject_id AND kind = :kind AND state = 'done')",
        subject_id=subject_id,
        kind=kind.value,
    )
    return found


async def update_state(
    uow: UnitOfWork, request_id: uuid.UUID, state: RequestState, *, closed_at: datetime | None
) -> None:
    """Store a request's state; a closed one keeps no content."""
    await uow.execute(
        """
        UPDATE privacy.requests
           SET state = :state, closed_at = CAST(:closed_at AS timestamptz),
               content = CASE WHEN CAST(:closed_at AS timestamptz) IS NULL THEN content END
         WHERE id = :id
        """,
        id=request_id,
        state=state.value,
        closed_at=closed_at,
    )


async def reset_attempts(uow: UnitOfWork, request_id: uuid.UUID, now: datetime) -> None:
    """Give a request all its attempts again, from now."""
    await uow.execute(
        "UPDATE privacy.requests SET attempts = 0, try_at = :now WHERE id = :id",
        id=request_id,
        now=now,
    )


async def take_next(uow: UnitOfWork, now: datetime) -> uuid.UUID | None:
    """Return an approved request whose time has come, and put off its next attempt."""
    found: uuid.UUID | None = await uow.fetch_value(
        _TAKE_NEXT,
        now=now,
        attempts_max=limits.REQUEST_ATTEMPTS_MAX,
        seconds_min=float(limits.REQUEST_RETRY_SECONDS_MIN),
        seconds_max=float(limits.REQUEST_RETRY_SECONDS_MAX),
    )
    return found


async def insert_step(uow: UnitOfWork, step: RequestStep) -> None:
    """Insert a step of a request."""
    await uow.execute(
        _INSERT_STEP,
        id=step.id,
        request_id=step.request_id,
        state=step.state.value,
        actor=step.actor,
        reasons=list(step.reasons),
        recorded_at=step.recorded_at,
    )


async def list_steps(uow: UnitOfWork, request_id: uuid.UUID) -> tuple[RequestStep, ...]:
    """Return the steps of a request, oldest first."""
    rows = await uow.execute(
        "SELECT id, request_id, state, actor, reasons, recorded_at FROM privacy.request_history "
        "WHERE request_id = :request_id ORDER BY id LIMIT :limit",
        request_id=request_id,
        limit=limits.PAGE_SIZE_MAX,
    )
    return tuple(
        RequestStep(
            **{**row._asdict(), "state": RequestState(row.state), "reasons": tuple(row.reasons)}
        )
        for row in rows
    )


async def insert_export(uow: UnitOfWork, export: Export, parts: Iterable[bytes]) -> None:
    """Insert a copy and its sealed parts."""
    await uow.execute(
        """
        INSERT INTO privacy.exports (request_id, subject_id, digest, made_at, expires_at)
        VALUES (:request_id, :subject_id, :digest, :made_at, :expires_at)
        """,
        request_id=export.request_id,
        subject_id=export.subject_id,
        digest=export.digest,
        made_at=export.made_at,
        expires_at=export.expires_at,
    )
    sealed = list(parts)
    await uow.execute(
        """
        INSERT INTO privacy.export_parts (request_id, number, sealed)
        SELECT :request_id, number, sealed
          FROM unnest(CAST(:numbers AS integer[]), CAST(:sealed AS bytea[])) AS p (number, sealed)
        """,
        request_id=export.request_id,
        numbers=list(range(len(sealed))),
        sealed=sealed,
    )


async def lock_export(uow: UnitOfWork, request_id: uuid.UUID) -> Export | None:
    """Return a copy, locked until the transaction ends, or None."""
    row = await uow.fetch_one(
        f"{_EXPORTS} WHERE request_id = :request_id FOR UPDATE", request_id=request_id
    )
    return None if row is None else Export(**row._asdict())


async def take_parts(uow: UnitOfWork, request_id: uuid.UUID) -> list[bytes]:
    """Delete the parts of a copy and return them, in their order."""
    rows = await uow.execute(
        "DELETE FROM privacy.export_parts WHERE request_id = :request_id RETURNING number, sealed",
        request_id=request_id,
    )
    return [row.sealed for row in sorted(rows, key=lambda row: row.number)]


async def mark_downloaded(uow: UnitOfWork, request_id: uuid.UUID, now: datetime) -> None:
    """Note that a copy was fetched."""
    await uow.execute(
        "UPDATE privacy.exports SET downloaded_at = :now WHERE request_id = :request_id",
        request_id=request_id,
        now=now,
    )


async def delete_parts_of_subject(uow: UnitOfWork, subject_id: uuid.UUID) -> None:
    """Delete all copies of a person that wait to be fetched."""
    await uow.execute(
        """
        DELETE FROM privacy.export_parts p USING privacy.exports e
         WHERE p.request_id = e.request_id AND e.subject_id = :subject_id
        """,
        subject_id=subject_id,
    )


async def restrict(uow: UnitOfWork, restriction: Restriction) -> None:
    """Insert a restriction, or bring the one that there is up to date."""
    await uow.execute(
        _RESTRICT,
        subject_id=restriction.subject_id,
        request_id=restriction.request_id,
        data_classes=list(restriction.data_classes),
        restricted_at=restriction.restricted_at,
        until_on=restriction.until_on,
    )


async def lock_restriction(uow: UnitOfWork, subject_id: uuid.UUID) -> None:
    """Keep the retention from a person's restriction, if any, until the transaction ends."""
    await uow.execute(
        "SELECT FROM privacy.restrictions WHERE subject_id = :subject_id FOR UPDATE",
        subject_id=subject_id,
    )


def _read_request(row: Row[Any]) -> SubjectRequest:
    return SubjectRequest(
        **{**row._asdict(), "kind": RequestKind(row.kind), "state": RequestState(row.state)}
    )
