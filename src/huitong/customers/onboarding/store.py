"""All SQL of applications, their pictures and checks, and of verified identities."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.customers.checks import CheckAnswer
from huitong.customers.onboarding.types import (
    Application,
    ApplicationState,
    IdentityDocument,
    PictureKind,
    Remark,
)
from huitong.kernel.database.unit_of_work import UnitOfWork

_APPLICATIONS: Final = """
    SELECT id, state, requested_class, consent_reference, document, person AS sealed_person,
           remarks, channels, check_attempts, is_held_for_review, decided_by, reason, decided_at,
           created_at, updated_at
      FROM customers.applications
"""
_INSERT_APPLICATION: Final = """
    INSERT INTO customers.applications (id, state, requested_class, consent_reference, created_at,
                                        updated_at)
    VALUES (:id, 'draft', :requested_class, :consent_reference, :now, :now)
        ON CONFLICT (id) DO NOTHING
    RETURNING id
"""
_TAKE_DUE: Final = """
    UPDATE customers.applications a
       SET checks_due_at = :lease_until, check_attempts = check_attempts + 1
      FROM (SELECT id FROM customers.applications
             WHERE state = 'checking' AND checks_due_at <= :now
             ORDER BY checks_due_at
             LIMIT 1
               FOR UPDATE SKIP LOCKED) due
     WHERE a.id = due.id
    RETURNING a.id
"""
_INSERT_CHECKS: Final = """
    INSERT INTO customers.checks (id, application_id, kind, verdict, trouble, reference, attempts,
                                  answered_at)
    VALUES (:id, :application_id, :kind, :verdict, :trouble, :reference, :attempts, :now)
        ON CONFLICT (id) DO UPDATE
       SET verdict = excluded.verdict, trouble = excluded.trouble, reference = excluded.reference,
           attempts = customers.checks.attempts + excluded.attempts,
           answered_at = excluded.answered_at
"""
_INSERT_IDENTITY: Final = """
    INSERT INTO customers.identities (customer_id, document, id_number, person, id_index,
                                      name_birth_index, valid_until_on, channels,
                                      is_in_person, verified_at, review_due_on)
    VALUES (:customer_id, :document, :id_number, :person, :id_index, :name_birth_index,
            :valid_until_on, CAST(:channels AS text[]), :is_in_person, :verified_at, :review_due_on)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person's verified identity: the document sealed, and what is known of its proof."""

    customer_id: uuid.UUID
    document: IdentityDocument
    id_number: bytes
    person: bytes
    id_index: bytes
    name_birth_index: bytes
    valid_until_on: date | None
    channels: tuple[str, ...]
    is_in_person: bool
    verified_at: datetime
    review_due_on: date


async def insert_application(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    *,
    requested_class: int,
    consent_reference: str,
    now: datetime,
) -> bool:
    """Insert a draft; False if the identifier is taken."""
    row = await uow.fetch_one(
        _INSERT_APPLICATION,
        id=application_id,
        requested_class=requested_class,
        consent_reference=consent_reference,
        now=now,
    )
    return row is not None


async def find_application(
    uow: UnitOfWork, application_id: uuid.UUID, *, is_locking: bool = False
) -> Application | None:
    """Return an application, or None; locked until the transaction ends if asked."""
    lock = "FOR UPDATE" if is_locking else ""
    row = await uow.fetch_one(f"{_APPLICATIONS} WHERE id = :id {lock}", id=application_id)
    return None if row is None else _read_application(row)


async def list_applications(
    uow: UnitOfWork, state: ApplicationState | None, after_id: uuid.UUID, count: int
) -> list[Application]:
    """Return the next applications, oldest first, of one state or all."""
    condition = "" if state is None else "AND state = :state"
    values: dict[str, object] = {} if state is None else {"state": state.value}
    rows = await uow.execute(
        f"{_APPLICATIONS} WHERE id > :after_id {condition} ORDER BY id LIMIT :count",
        after_id=after_id,
        count=count,
        **values,
    )
    return [_read_application(row) for row in rows]


async def set_person(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    sealed: bytes,
    *,
    document: IdentityDocument,
    remarks: Sequence[Remark],
    now: datetime,
) -> None:
    """Store the typed items of a draft and what was found about them."""
    await uow.execute(
        "UPDATE customers.applications SET person = :sealed, document = :document, "
        "remarks = CAST(:remarks AS jsonb), updated_at = :now WHERE id = :id",
        id=application_id,
        sealed=sealed,
        document=document.value,
        remarks=msgspec.json.encode(remarks).decode(),
        now=now,
    )


async def set_checking(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    due_at: datetime,
    now: datetime,
    *,
    is_held_for_review: bool = False,
) -> None:
    """Put an application among those that are checked from `due_at` on."""
    await uow.execute(
        "UPDATE customers.applications SET state = 'checking', checks_due_at = :due_at, "
        "is_held_for_review = :is_held, updated_at = :now WHERE id = :id",
        id=application_id,
        due_at=due_at,
        is_held=is_held_for_review,
        now=now,
    )


async def set_decision(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    *,
    state: ApplicationState,
    remarks: Sequence[Remark],
    channels: Sequence[str],
    decided_by: str | None,
    reason: str | None,
    now: datetime,
) -> None:
    """Store what came of an application."""
    is_final = state in (ApplicationState.APPROVED, ApplicationState.REFUSED)
    await uow.execute(
        "UPDATE customers.applications SET state = :state, remarks = CAST(:remarks AS jsonb), "
        "channels = CAST(:channels AS text[]), checks_due_at = NULL, decided_by = :decided_by, "
        "reason = :reason, decided_at = :decided_at, updated_at = :now WHERE id = :id",
        id=application_id,
        state=state.value,
        remarks=msgspec.json.encode(remarks).decode(),
        channels=list(channels),
        decided_by=decided_by if is_final else None,
        reason=reason,
        decided_at=now if is_final else None,
        now=now,
    )


async def take_due_application(
    uow: UnitOfWork, *, now: datetime, lease_until: datetime
) -> uuid.UUID | None:
    """Take the application that is due first until `lease_until`; others pass over it."""
    taken: uuid.UUID | None = await uow.fetch_value(_TAKE_DUE, now=now, lease_until=lease_until)
    return taken


async def postpone_checks(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    answers: Sequence[CheckAnswer],
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """Note the answers of a round in which something was out, and when the next round is."""
    await insert_checks(uow, application_id, answers, now)
    await uow.execute(
        "UPDATE customers.applications SET checks_due_at = :due_at "
        "WHERE id = :id AND state = 'checking'",
        id=application_id,
        due_at=due_at,
    )


async def replace_picture(
    uow: UnitOfWork, application_id: uuid.UUID, kind: PictureKind, parts: Sequence[bytes]
) -> None:
    """Store a picture's sealed parts in place of those that were there."""
    await uow.execute(
        "DELETE FROM customers.picture_parts WHERE application_id = :id AND kind = :kind",
        id=application_id,
        kind=kind.value,
    )
    await uow.execute(
        "INSERT INTO customers.picture_parts (application_id, kind, part, sealed) "
        "SELECT :id, :kind, n.part - 1, n.sealed "
        "FROM unnest(CAST(:parts AS bytea[])) WITH ORDINALITY AS n (sealed, part)",
        id=application_id,
        kind=kind.value,
        parts=list(parts),
    )


async def list_unopened(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    """Return and lock applications that led to nothing and were changed last by that day."""
    rows = await uow.execute(
        """
        SELECT id FROM customers.applications a
         WHERE state IN ('draft', 'refused') AND erased_at IS NULL
           AND updated_at < (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp)
                             AT TIME ZONE 'Asia/Shanghai')
           AND NOT EXISTS (SELECT FROM customers.customers c WHERE c.id = a.id)
         ORDER BY updated_at
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
        """,
        cutoff_on=cutoff_on,
        limit=limit,
    )
    return [row.id for row in rows]


async def mark_erased(uow: UnitOfWork, application_id: uuid.UUID, *, now: datetime) -> None:
    """Note that what an application held is destroyed."""
    await uow.execute(
        "UPDATE customers.applications SET erased_at = :now WHERE id = :id",
        id=application_id,
        now=now,
    )


async def delete_pictures(uow: UnitOfWork, application_id: uuid.UUID) -> int:
    """Delete the pictures of an application; return of how many parts."""
    rows = await uow.execute(
        "DELETE FROM customers.picture_parts WHERE application_id = :id RETURNING part",
        id=application_id,
    )
    return len(rows)


async def list_picture_parts(
    uow: UnitOfWork, application_id: uuid.UUID
) -> dict[PictureKind, list[bytes]]:
    """Return the sealed parts of each picture of an application, in order."""
    rows = await uow.execute(
        "SELECT kind, sealed FROM customers.picture_parts WHERE application_id = :id "
        "ORDER BY kind, part",
        id=application_id,
    )
    found: dict[PictureKind, list[bytes]] = {}
    for row in rows:
        found.setdefault(PictureKind(row.kind), []).append(row.sealed)
    return found


async def list_picture_kinds(uow: UnitOfWork, application_id: uuid.UUID) -> set[PictureKind]:
    """Return which pictures an application has."""
    rows = await uow.execute(
        "SELECT DISTINCT kind FROM customers.picture_parts WHERE application_id = :id",
        id=application_id,
    )
    return {PictureKind(row.kind) for row in rows}


async def insert_checks(
    uow: UnitOfWork, application_id: uuid.UUID, answers: Sequence[CheckAnswer], now: datetime
) -> None:
    """Store answers from outside; a later one to the same question takes the place of the first."""
    for answer in answers:
        await uow.execute(
            _INSERT_CHECKS,
            id=answer.request_id,
            application_id=application_id,
            kind=answer.kind.value,
            verdict=answer.verdict.value,
            trouble=None if answer.trouble is None else answer.trouble.value,
            reference=answer.reference,
            attempts=answer.attempts,
            now=now,
        )


async def insert_identity(uow: UnitOfWork, identity: Identity) -> None:
    """Insert a verified identity; the caller holds the locks that make it the only one."""
    values: Mapping[str, object] = {
        name: getattr(identity, name) for name in Identity.__dataclass_fields__
    }
    await uow.execute(
        _INSERT_IDENTITY,
        **{
            **values,
            "document": identity.document.value,
            "channels": list(identity.channels),
        },
    )


async def has_identity(uow: UnitOfWork, id_index: bytes) -> bool:
    """Say whether a customer has the identity number with this index."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM customers.identities WHERE id_index = :id_index "
        "AND ended_at IS NULL)",
        id_index=id_index,
    )
    return found


async def has_name_and_birth(uow: UnitOfWork, name_birth_index: bytes) -> bool:
    """Say whether a customer has the same name and day of birth."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM customers.identities WHERE name_birth_index = :index "
        "AND ended_at IS NULL)",
        index=name_birth_index,
    )
    return found


async def lock_numbers(uow: UnitOfWork, numbers: Sequence[int]) -> None:
    """Wait for others who open a customer with one of these numbers, and keep them waiting."""
    for number in sorted(numbers):
        await uow.execute("SELECT pg_advisory_xact_lock(:number)", number=number)


def _read_application(row: Row[Any]) -> Application:
    values = row._asdict()
    values["state"] = ApplicationState(row.state)
    values["document"] = IdentityDocument(row.document)
    values["remarks"] = tuple(msgspec.convert(row.remarks, list[Remark]))
    values["channels"] = tuple(row.channels)
    return Application(**values)
