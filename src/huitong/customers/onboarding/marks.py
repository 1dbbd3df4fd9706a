"""By what applications are recognised when the next one comes: blind indexes, never values."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.customers.onboarding.types import PictureKind
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import Vault

_ADDRESS: Final = """
    SELECT submitted_at FROM customers.application_marks
     WHERE address_index = :address AND submitted_at <= :now AND application_id <> :id
     ORDER BY submitted_at DESC LIMIT :count
"""
# A picture that the same person sends again, after a refusal say, is no news.
_EARLIER: Final = """
    SELECT (SELECT min(submitted_at) FROM customers.application_marks
             WHERE mobile_index = :mobile) AS mobile_seen_at,
           (SELECT count(*) FROM (SELECT FROM customers.application_marks
             WHERE mobile_index = :mobile AND application_id <> :id
               AND id_index IS DISTINCT FROM CAST(:number AS bytea) LIMIT :count) m)
               AS others_with_mobile,
           count(*) AS with_number, count(*) FILTER (WHERE a.state = 'refused') AS refused
      FROM (SELECT application_id FROM customers.application_marks
             WHERE id_index = CAST(:number AS bytea) AND application_id <> :id LIMIT :count) n
      JOIN customers.applications a ON a.id = n.application_id
"""
_PICTURES: Final = """
    SELECT count(DISTINCT other.application_id)
      FROM customers.picture_marks own
      JOIN customers.picture_marks other ON other.picture_index = own.picture_index
           AND other.application_id <> own.application_id
      JOIN customers.application_marks m ON m.application_id = other.application_id
           AND m.id_index IS DISTINCT FROM CAST(:number AS bytea)
     WHERE own.application_id = :id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What one application is recognised by; `id_index` is None for a number that is none."""

    application_id: uuid.UUID
    mobile_index: bytes = field(repr=False)
    id_index: bytes | None = field(repr=False)
    address_index: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Applications before this one that share something with it, each counted to a maximum."""

    from_address_at: Sequence[datetime]
    mobile_seen_at: datetime | None
    others_with_mobile: int
    with_number: int
    refused_with_number: int
    with_pictures: int


def index_picture(vault: Vault, content: bytes) -> bytes:
    """Return by what a picture is known again: its SHA-256 under a key."""
    return vault.blind_index("application_picture", hashlib.sha256(content).hexdigest())


async def find_earlier(uow: UnitOfWork, marks: Marks, *, now: datetime) -> Earlier:
    """Return what other applications have in common with one that is not stored yet."""
    values = {"id": marks.application_id, "count": limits.APPLICATIONS_COMPARED_MAX}
    addresses: Sequence[Row[Any]] = ()
    if marks.address_index is not None:
        addresses = await uow.execute(_ADDRESS, address=marks.address_index, now=now, **values)
    row = await uow.fetch_one(_EARLIER, mobile=marks.mobile_index, number=marks.id_index, **values)
    assert row is not None
    pictures = await uow.fetch_value(_PICTURES, id=marks.application_id, number=marks.id_index)
    return Earlier(
        from_address_at=[each.submitted_at for each in addresses],
        mobile_seen_at=row.mobile_seen_at,
        others_with_mobile=row.others_with_mobile,
        with_number=row.with_number,
        refused_with_number=row.refused,
        with_pictures=pictures,
    )


async def insert_marks(uow: UnitOfWork, marks: Marks, *, now: datetime) -> None:
    """Keep what an application that is handed in now is recognised by."""
    await uow.execute(
        "INSERT INTO customers.application_marks (application_id, submitted_at, address_index, "
        "id_index, mobile_index) VALUES (:id, :now, CAST(:address AS bytea), "
        "CAST(:number AS bytea), :mobile)",
        id=marks.application_id,
        now=now,
        address=marks.address_index,
        number=marks.id_index,
        mobile=marks.mobile_index,
    )


async def put_picture_mark(
    uow: UnitOfWork, application_id: uuid.UUID, kind: PictureKind, picture_index: bytes
) -> None:
    """Keep what a picture of a draft is recognised by; a later one of the kind takes its place."""
    await uow.execute(
        "INSERT INTO customers.picture_marks (application_id, kind, picture_index) "
        "VALUES (:id, :kind, :index) ON CONFLICT (application_id, kind) "
        "DO UPDATE SET picture_index = excluded.picture_index",
        id=application_id,
        kind=kind.value,
        index=picture_index,
    )


async def delete_marks(uow: UnitOfWork, application_id: uuid.UUID) -> None:
    """Forget what an application was recognised by."""
    await uow.execute(
        "DELETE FROM customers.application_marks WHERE application_id = :id", id=application_id
    )
    await uow.execute(
        "DELETE FROM customers.picture_marks WHERE application_id = :id", id=application_id
    )
