"""Members of staff, their roles, enrolments and recovery codes in the database."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.staff_types import Staff, StaffState
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7

_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)
#: Any number of ours that no other lock has: the first administrators are made one at a time.
_FIRST_ADMINISTRATORS_LOCK: Final = 0x48545354
STAFF_COLUMNS: Final = """
    s.id AS staff_id, s.name_sealed, s.email_sealed, s.email_index, s.branch, s.customer_id,
    s.state, s.password_hash, s.totp_sealed, s.totp_step, s.revision,
    s.created_at AS staff_created_at,
    ARRAY(SELECT r.role FROM identity.staff_roles r
           WHERE r.staff_id = s.id AND r.ended_at IS NULL) AS roles
"""
_STAFF: Final = f"SELECT {STAFF_COLUMNS} FROM identity.staff s"  # noqa: S608 - our own columns


def read_staff(row: Row[Any]) -> Staff:
    """Return the member of staff in a row of STAFF_COLUMNS."""
    return Staff(
        id=row.staff_id,
        state=StaffState(row.state),
        roles=frozenset(row.roles),
        branch=row.branch,
        customer_id=row.customer_id,
        name_sealed=bytes(row.name_sealed),
        email_sealed=bytes(row.email_sealed),
        email_index=bytes(row.email_index),
        password_hash=row.password_hash,
        totp_sealed=None if row.totp_sealed is None else bytes(row.totp_sealed),
        totp_step=row.totp_step,
        revision=row.revision,
        created_at=row.staff_created_at,
    )


async def insert_staff(uow: UnitOfWork, staff: Staff) -> bool:
    """Insert a member of staff; False if address or customer record belongs to another one."""
    row = await uow.fetch_one(
        """
        INSERT INTO identity.staff (id, name_sealed, email_sealed, email_index, branch,
                                    customer_id, state, created_at)
        VALUES (:id, :name_sealed, :email_sealed, :email_index, :branch, :customer_id, :state,
                :created_at)
            ON CONFLICT DO NOTHING RETURNING id
        """,
        id=staff.id,
        name_sealed=staff.name_sealed,
        email_sealed=staff.email_sealed,
        email_index=staff.email_index,
        branch=staff.branch,
        customer_id=staff.customer_id,
        state=staff.state.value,
        created_at=staff.created_at,
    )
    return row is not None


async def find_staff(
    uow: UnitOfWork, staff_id: uuid.UUID, *, is_locked: bool = False
) -> Staff | None:
    """Return a member of staff, held until the end if `is_locked`, or None."""
    lock = " FOR NO KEY UPDATE" if is_locked else ""
    if is_locked:
        # Held first and read after it, so that roles that changed meanwhile are the new ones.
        await uow.execute(f"SELECT FROM identity.staff WHERE id = :id{lock}", id=staff_id)
    row = await uow.fetch_one(f"{_STAFF} WHERE s.id = :id", id=staff_id)
    return None if row is None else read_staff(row)


async def lock_all(uow: UnitOfWork, staff_ids: Collection[uuid.UUID]) -> None:
    """Hold several members of staff until the end, in the order of ids."""
    await uow.execute(
        "SELECT FROM identity.staff WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id "
        "FOR NO KEY UPDATE",
        ids=sorted(staff_ids),
    )


async def find_by_email(uow: UnitOfWork, email_index: bytes) -> Staff | None:
    """Return who signs in with an address, or None; who is only proposed does not count."""
    row = await uow.fetch_one(
        f"{_STAFF} WHERE s.email_index = :email_index AND s.state <> 'proposed'",
        email_index=email_index,
    )
    return None if row is None else read_staff(row)


async def is_taken(uow: UnitOfWork, email_index: bytes, customer_id: uuid.UUID | None) -> bool:
    """Say whether somebody else on the staff has the address or the customer record."""
    row = await uow.fetch_one(
        "SELECT FROM identity.staff WHERE state <> 'proposed' AND (email_index = :email_index "
        "OR customer_id = CAST(:customer_id AS uuid))",
        email_index=email_index,
        customer_id=customer_id,
    )
    return row is not None


async def list_staff(uow: UnitOfWork, *, after_id: uuid.UUID | None, limit: int) -> list[Staff]:
    """Return a page of members of staff in the order of ids."""
    rows = await uow.execute(
        f"{_STAFF} WHERE s.id > :after_id ORDER BY s.id LIMIT :limit",
        after_id=after_id or _BEFORE_ALL_IDS,
        limit=limit,
    )
    return [read_staff(row) for row in rows]


async def lock_first_administrators(uow: UnitOfWork) -> None:
    """Let nobody else add one of the first administrators until the end."""
    await uow.execute("SELECT pg_advisory_xact_lock(:number)", number=_FIRST_ADMINISTRATORS_LOCK)


async def count_active(uow: UnitOfWork, role: str) -> int:
    """Return how many active members of staff have a role."""
    found: int = await uow.fetch_value(
        "SELECT count(*) FROM identity.staff s JOIN identity.staff_roles r ON r.staff_id = s.id "
        "WHERE s.state = 'active' AND r.role = :role AND r.ended_at IS NULL",
        role=role,
    )
    return found


async def set_state(uow: UnitOfWork, staff_id: uuid.UUID, state: StaffState) -> None:
    """Move a member of staff to a state."""
    await uow.execute(
        "UPDATE identity.staff SET state = :state, revision = revision + 1 WHERE id = :id",
        id=staff_id,
        state=state.value,
    )


async def set_credentials(
    uow: UnitOfWork, staff_id: uuid.UUID, *, password_hash: str, totp_sealed: bytes, step: int
) -> None:
    """Set both factors together; `step` is the one that was just taken."""
    await uow.execute(
        """
        UPDATE identity.staff
           SET password_hash = :password_hash, totp_sealed = :totp_sealed,
               totp_step = greatest(totp_step, :step), revision = revision + 1
         WHERE id = :id
        """,
        id=staff_id,
        password_hash=password_hash,
        totp_sealed=totp_sealed,
        step=step,
    )


async def take_step(uow: UnitOfWork, staff_id: uuid.UUID, step: int) -> bool:
    """Take a TOTP step; False if it, or a later one, was taken before."""
    row = await uow.fetch_one(
        "UPDATE identity.staff SET totp_step = :step WHERE id = :id AND totp_step < :step "
        "RETURNING id",
        id=staff_id,
        step=step,
    )
    return row is not None


async def replace_password_hash(uow: UnitOfWork, staff_id: uuid.UUID, password_hash: str) -> None:
    """Keep the same password at the present cost."""
    await uow.execute(
        "UPDATE identity.staff SET password_hash = :password_hash WHERE id = :id",
        id=staff_id,
        password_hash=password_hash,
    )


async def set_roles(
    uow: UnitOfWork,
    staff_id: uuid.UUID,
    roles: Collection[str],
    *,
    approval_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """End the roles that are not among `roles` and grant those that are new."""
    await uow.execute(
        """
        UPDATE identity.staff_roles SET ended_at = greatest(granted_at, :now), ended_by = :ended_by
         WHERE staff_id = :staff_id AND ended_at IS NULL
           AND NOT (role = ANY(CAST(:roles AS text[])))
        """,
        staff_id=staff_id,
        roles=sorted(roles),
        ended_by=approval_id,
        now=now,
    )
    for role in sorted(roles):
        await uow.execute(
            """
            INSERT INTO identity.staff_roles (id, staff_id, role, granted_at, granted_by)
            VALUES (:id, :staff_id, :role, :now, :granted_by)
                ON CONFLICT (staff_id, role) WHERE ended_at IS NULL DO NOTHING
            """,
            id=uuid7(),
            staff_id=staff_id,
            role=role,
            granted_by=approval_id,
            now=now,
        )


async def insert_enrolment(
    uow: UnitOfWork,
    staff_id: uuid.UUID,
    digest: bytes,
    *,
    approval_id: uuid.UUID | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert an enrolment, in the place of an open one."""
    await uow.execute(
        "UPDATE identity.staff_enrolments SET voided_at = :now WHERE staff_id = :staff_id "
        "AND used_at IS NULL AND voided_at IS NULL",
        staff_id=staff_id,
        now=now,
    )
    await uow.execute(
        """
        INSERT INTO identity.staff_enrolments (id, staff_id, digest, approval_id, created_at,
                                               expires_at)
        VALUES (:id, :staff_id, :digest, :approval_id, :now, :expires_at)
        """,
        id=uuid7(),
        staff_id=staff_id,
        digest=digest,
        approval_id=approval_id,
        now=now,
        expires_at=expires_at,
    )


async def lock_enrolment(uow: UnitOfWork, digest: bytes, *, now: datetime) -> Row[Any] | None:
    """Return an enrolment that is open, held until the end, or None."""
    return await uow.fetch_one(
        """
        SELECT id, staff_id, approval_id, password_hash, totp_sealed, tries
          FROM identity.staff_enrolments
         WHERE digest = :digest AND used_at IS NULL AND voided_at IS NULL AND expires_at > :now
           FOR NO KEY UPDATE
        """,
        digest=digest,
        now=now,
    )


async def prepare_enrolment(
    uow: UnitOfWork, enrolment_id: uuid.UUID, *, password_hash: str, totp_sealed: bytes
) -> None:
    """Keep what is to be proved with a first code."""
    await uow.execute(
        "UPDATE identity.staff_enrolments SET password_hash = :password_hash, "
        "totp_sealed = :totp_sealed WHERE id = :id",
        id=enrolment_id,
        password_hash=password_hash,
        totp_sealed=totp_sealed,
    )


async def count_try(
    uow: UnitOfWork, enrolment_id: uuid.UUID, *, tries: int, is_last: bool, now: datetime
) -> None:
    """Count a wrong code; the last one that may be wrong voids the enrolment."""
    await uow.execute(
        "UPDATE identity.staff_enrolments SET tries = :tries, "
        "voided_at = CASE WHEN :is_last THEN CAST(:now AS timestamptz) END WHERE id = :id",
        id=enrolment_id,
        tries=tries,
        is_last=is_last,
        now=now,
    )


async def use_enrolment(uow: UnitOfWork, enrolment_id: uuid.UUID, *, now: datetime) -> None:
    """Use an enrolment up."""
    await uow.execute(
        "UPDATE identity.staff_enrolments SET used_at = :now WHERE id = :id",
        id=enrolment_id,
        now=now,
    )


async def replace_recovery_codes(
    uow: UnitOfWork, staff_id: uuid.UUID, digests: Iterable[bytes], *, now: datetime
) -> None:
    """Void the recovery codes that are left and insert new ones."""
    await uow.execute(
        "UPDATE identity.staff_recovery_codes SET voided_at = :now WHERE staff_id = :staff_id "
        "AND used_at IS NULL AND voided_at IS NULL",
        staff_id=staff_id,
        now=now,
    )
    for digest in digests:
        await uow.execute(
            """
            INSERT INTO identity.staff_recovery_codes (id, staff_id, digest, created_at)
            VALUES (:id, :staff_id, :digest, :now)
            """,
            id=uuid7(),
            staff_id=staff_id,
            digest=digest,
            now=now,
        )


async def use_recovery_code(
    uow: UnitOfWork, staff_id: uuid.UUID, digest: bytes, *, now: datetime
) -> bool:
    """Use a recovery code up; False if it is none of this member's, or was used."""
    row = await uow.fetch_one(
        """
        UPDATE identity.staff_recovery_codes SET used_at = :now
         WHERE digest = :digest AND staff_id = :staff_id AND used_at IS NULL
           AND voided_at IS NULL
        RETURNING id
        """,
        staff_id=staff_id,
        digest=digest,
        now=now,
    )
    return row is not None
